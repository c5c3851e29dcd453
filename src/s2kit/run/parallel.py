"""The one place where work is spread over processes.

`pmap` takes joblib's loky executor and not `joblib.Parallel`, because `Parallel` goes on dispatching while its
consumer is slow (results pile up) and does not tell which items were at work when a worker died. Here no more than
two items a worker are ever on their way.
"""

import logging
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from s2kit.errors import ExitCode, S2KitError, TryLaterError
from s2kit.run.files import name_too_long
from s2kit.run.no_boto3 import keep_boto3_from_rasterio
from s2kit.run.sharing import WORKERS, handed_down

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

WORKER_ENV = {"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"}
"""One thread a worker. GDAL's variable alone gives OpenJPEG a pool of one, which doubles the cost at 20 and 60 m."""

_IN_FLIGHT_PER_WORKER = 2
_IDLE_S = 30
_TAKEN_UP_S = 2.0
_MANY_BREAKS = 2
_LOOK_AT_PARENT_S = 0.5
_LONGEST_ITEM = 100


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """An item that succeeded."""

    index: int
    """Position of the item in the input, from 0."""
    item: Any
    value: R


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that failed; the others go on."""

    index: int
    """Position of the item in the input, from 0."""
    item: Any
    error: S2KitError


@dataclass(frozen=True, slots=True)
class _Raised:
    error: S2KitError
    trace: str


def worker_count(jobs: int) -> int:
    """How many workers `jobs` means: 0 stands for every core that this process may use."""
    if jobs:
        return jobs
    from joblib import cpu_count

    return int(cpu_count())


def pmap(function: Callable[[T], R], items: Iterable[T], jobs: int = 0) -> Iterator[Done[R] | Failed]:
    """Apply a function to items in worker processes; results come in the order of completion.

    An exception in a task becomes `Failed`. When a worker is killed, the pool is made anew and its unfinished items are
    done again; after a second such loss each of the items that were at work runs alone, so that only the one that
    kills its worker fails. Leaving the iteration early, by an exception too, ends the workers at once.

    Args:
        function: Importable by name; whatever it writes must be atomic, since it may run twice for an item.
        items: Small, picklable arguments: addresses and windows, not datasets or arrays.
        jobs: Worker processes; 1 runs everything in this process, 0 takes every core.
    """
    workers = worker_count(jobs)
    todo = deque(enumerate(items))
    if workers == 1:
        for index, item in todo:
            yield _outcome(index, item, _call(function, item))
        return
    yield from _Pool(function, workers).run(todo)


class _Pool(Generic[T, R]):
    """The executor with the book-keeping of what is at work."""

    def __init__(self, function: Callable[[T], R], workers: int) -> None:
        self._function = function
        self._workers = workers
        self._breaks = 0
        self._executor: Any = None

    def run(self, todo: deque[tuple[int, T]]) -> Iterator[Done[R] | Failed]:
        at_work: dict[Future[R | _Raised], tuple[int, T]] = {}
        lost: list[tuple[int, T]] = []
        finished = False
        try:
            while todo or at_work or lost:
                if not lost:
                    lost = self._fill(todo, at_work)
                wait(at_work, return_when=FIRST_COMPLETED)
                for future in [future for future in at_work if future.done()]:
                    index, item = at_work.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        lost.append((index, item))
                    else:
                        yield _outcome(index, item, _result(future))
                if lost and not at_work:
                    yield from self._recover(sorted(lost, key=lambda pair: pair[0]), todo)
                    lost = []
            finished = True
        finally:
            if not finished:
                self._kill(at_work)

    def _fill(
        self, todo: deque[tuple[int, T]], at_work: dict[Future[R | _Raised], tuple[int, T]]
    ) -> list[tuple[int, T]]:
        """Submit until every worker has its share; returns the item that a broken pool refused, if any."""
        while todo and len(at_work) < self._workers * _IN_FLIGHT_PER_WORKER:
            index, item = todo.popleft()
            try:
                at_work[self._submit(item, self._workers)] = (index, item)
            except BrokenProcessPool:
                return [(index, item)]
        return []

    def _submit(self, item: T, workers: int) -> "Future[R | _Raised]":
        from joblib.externals.loky import get_reusable_executor

        self._executor = get_reusable_executor(
            max_workers=workers,
            timeout=_IDLE_S,
            env={
                **handed_down(),
                **WORKER_ENV,
                WORKERS: str(workers),
                "PWD": str(Path.cwd()),
            },  # another folder, another pool
            initializer=_begin_worker,
            initargs=(os.getpid(),),
        )
        future: Future[R | _Raised] = self._executor.submit(_call, self._function, item)
        return future

    def _recover(self, lost: list[tuple[int, T]], todo: deque[tuple[int, T]]) -> Iterator[Done[R] | Failed]:
        self._breaks += 1
        _log.debug("a worker died with %d items at work (loss %d)", len(lost), self._breaks)
        self._kill({})
        if self._breaks < _MANY_BREAKS:
            todo.extendleft(reversed(lost))
            return
        for index, item in lost:
            yield self._alone(index, item)

    def _alone(self, index: int, item: T) -> Done[R] | Failed:
        future = self._submit(item, 1)
        wait([future])
        if isinstance(future.exception(), BrokenProcessPool):
            self._kill({})
            return Failed(
                index,
                item,
                TryLaterError(
                    f"{_short(item)}: the worker process was killed, three times over",
                    "it may have run out of memory: try fewer --jobs",
                ),
            )
        return _outcome(index, item, _result(future))

    def _kill(self, at_work: Iterable["Future[R | _Raised]"]) -> None:
        """End the workers at once, but not before loky has taken up what was submitted: its manager would fail."""
        deadline = time.monotonic() + _TAKEN_UP_S
        while time.monotonic() < deadline and any(not (future.running() or future.done()) for future in at_work):
            time.sleep(0.001)
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)


def _begin_worker(parent: int) -> None:
    """Ctrl-C reaches the whole process group: only the parent answers it, and ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="s2kit-parent", daemon=True).start()
    keep_boto3_from_rasterio()


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, however it went: nobody would read from it or end it any more.

    A worker waits for work on a pipe whose other end it holds itself, so it would never hear of it.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_AT_PARENT_S)
    os._exit(ExitCode.TERMINATED)


def _short(item: object) -> str:
    """What a person knows an item by: its label or name, never its whole `repr`."""
    for name in ("label", "name", "source", "path"):
        if isinstance(found := getattr(item, name, None), (str, Path)):
            return str(found)
    text = str(item)
    return text if len(text) <= _LONGEST_ITEM else f"{type(item).__name__}"


def _call(function: Callable[[T], R], item: T) -> R | _Raised:
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001 - whatever a task raises is that item's failure, never the pool's
        return _Raised(_as_ours(error), traceback.format_exc())


def _result(future: "Future[R | _Raised]") -> R | _Raised:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    return _Raised(_as_ours(error), "".join(traceback.format_exception(error)))


def _as_ours(error: Exception) -> S2KitError:
    if isinstance(error, S2KitError):
        return error
    if isinstance(error, OSError) and (too_long := name_too_long(error)) is not None:
        return too_long
    return S2KitError(f"{type(error).__name__}: {error}", "this is a defect of s2kit: run again with -vv and report it")


def _outcome(index: int, item: T, value: R | _Raised) -> Done[R] | Failed:
    if isinstance(value, _Raised):
        _log.debug("item %d failed:\n%s", index, value.trace)
        return Failed(index, item, value.error)
    return Done(index, item, value)
