"""Computing a cube block by block, into a plain file: bounded memory, and a run that was killed goes on. Touches files.

One block is one chunk of the lazy cube; workers compute blocks, this process writes them and notes in a journal which
are done. The finished pixels are mapped from the file, and removed by who asked for them.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.errors import DiskError
from s2kit.openeo.errors import extra_needed
from s2kit.openeo.processes.values import is_lazy
from s2kit.run.events import Finished, Note, Report, WorkPlanned
from s2kit.run.files import ensure_folder, free_bytes, remove, translate_os_error
from s2kit.run.parallel import Failed, distributed, pmap, worker_count
from s2kit.store.cost import size_text

_DATA, _JOURNAL = "pixels", "journal"
_WORTH_A_POOL = 5
"""Blocks a worker from which on it is worth starting workers: each loads all libraries first."""
_IN_MEMORY_NBYTES = 64 << 20
"""Results up to this size in one block need no file."""


@dataclass(frozen=True, slots=True)
class GraphBlock:
    """One block: what a worker gets."""

    number: int
    part: Any
    """A lazy array that depends on nothing but what its pixels need."""


@extra_needed()
def compute_block(task: GraphBlock) -> Any:
    """The pixels of a block; runs in a worker.

    Raises:
        ConfigError: A package that a process needs is not installed.
    """
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # slices that are all no data, and what libraries remark of their own ways
        return np.asarray(task.part.compute(scheduler="synchronous"))


@contextmanager
def computed_cube(
    cube: Any, scratch: Path, identity: dict[str, Any], *, jobs: int, resume: bool, report: Report
) -> Iterator[Any]:
    """The cube with its pixels computed; what was kept on disk for it is removed afterwards, unless it failed.

    Args:
        cube: An `xarray.DataArray`, lazy or not.
        scratch: Folder for pixels and journal.
        identity: What the pixels are made of; a journal of another identity is not used.
        jobs: Worker processes; 0 takes every core.
        resume: True to go on with what an earlier run has done.
        report: Takes what is done.

    Raises:
        DiskError: The disk is full.
        S2KitError: As the files or services that are read say.
    """
    if not is_lazy(cube.data):
        yield cube
        return
    blocks = _Blocks(cube.data)
    if len(blocks) == 1 and cube.nbytes <= _IN_MEMORY_NBYTES:
        yield cube.copy(data=blocks.alone())
        return
    finished = False
    try:
        yield cube.copy(data=_filled(blocks, scratch, identity, jobs=jobs, resume=resume, report=report))
        finished = True
    finally:
        if finished or not resume:
            remove(scratch)


class _Blocks:
    """The chunks of a lazy array by number."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape: tuple[int, ...] = array.shape
        self.dtype = np.dtype(array.dtype)
        starts = [np.cumsum((0, *sizes)).tolist() for sizes in array.chunks]
        self._slices = [[slice(a, b) for a, b in pairwise(one)] for one in starts]
        self._places = list(product(*(range(len(one)) for one in self._slices)))

    def __len__(self) -> int:
        return len(self._places)

    def window(self, number: int) -> tuple[slice, ...]:
        return tuple(one[at] for one, at in zip(self._slices, self._places[number], strict=True))

    def task(self, number: int) -> GraphBlock:
        import dask

        (part,) = dask.optimize(self.array.blocks[self._places[number]])  # type: ignore[attr-defined,no-untyped-call]
        return GraphBlock(number, part)

    def alone(self) -> Any:
        return compute_block(self.task(0))


def _filled(
    blocks: _Blocks, scratch: Path, identity: dict[str, Any], *, jobs: int, resume: bool, report: Report
) -> Any:
    head = json.dumps(
        {**identity, "shape": blocks.shape, "dtype": str(blocks.dtype), "blocks": len(blocks)}, sort_keys=True
    )
    done = _done_before(scratch, head) if resume else None
    if done is None:
        remove(scratch)
        _create(scratch, blocks, head)
    elif done:
        report(Note(f"going on: {len(done)} of {len(blocks)} blocks are done"))
    pixels = np.memmap(scratch / _DATA, blocks.dtype, "r+", shape=blocks.shape)
    left = [number for number in range(len(blocks)) if number not in (done or ())]
    workers = worker_count(jobs)
    if len(left) < _WORTH_A_POOL * workers and not distributed():
        workers = 1  # done before the workers have started
    todo = (blocks.task(number) for number in left)
    report(WorkPlanned(len(left)))
    try:
        with (scratch / _JOURNAL).open("a") as journal, closing(pmap(compute_block, todo, workers)) as results:  # type: ignore[type-var]
            for one in results:
                if isinstance(one, Failed):
                    raise one.error
                pixels[blocks.window(one.item.number)] = one.value
                journal.write(f"{one.item.number}\n")
                journal.flush()
                report(Finished(f"block {one.item.number + 1} of {len(blocks)}"))
    except OSError as error:
        if error.errno is None:
            raise
        raise translate_os_error(error, scratch) from error
    return pixels


def _create(scratch: Path, blocks: _Blocks, head: str) -> None:
    """Make the files, allocated, so that a full disk is seen now."""
    ensure_folder(scratch)
    nbytes = prod(blocks.shape) * blocks.dtype.itemsize
    if nbytes > free_bytes(scratch):
        raise DiskError(
            f"{scratch.parent}: the result has {size_text(nbytes)}, {size_text(free_bytes(scratch))} are free",
            "free some space, or name another place with --out",
        )
    try:
        with (scratch / _DATA).open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                file.truncate(nbytes)
        (scratch / _JOURNAL).write_text(f"{head}\n", encoding="utf-8")
    except OSError as error:
        raise translate_os_error(error, scratch) from error


def _done_before(scratch: Path, head: str) -> set[int] | None:
    """Numbers of the blocks that an earlier run has done; None if there was none, or of another graph."""
    try:
        first, *lines = (scratch / _JOURNAL).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if first != head or not (scratch / _DATA).is_file():
        return None
    return {int(line) for line in lines[:-1] if line.isdecimal()}  # the last line may be cut off
