"""Make a cube: blocks are read by the pool and written by the workers; the output is whole or not there."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s2kit.cube import meaning, scratch, zarr_store
from s2kit.cube.block import make_block
from s2kit.cube.formats import Built, CubeFormat, CubeOutput, Shares
from s2kit.cube.journal import Entry, Journal, done_before, recorded
from s2kit.cube.pictures import refuse_existing_pictures
from s2kit.cube.plan import CubeBlock, CubePlan
from s2kit.cube.writers import check_writer, writer_of
from s2kit.errors import DiskError, InputError, OutputError, S2KitError, TryLaterError, UsageError
from s2kit.run.events import Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.files import free_bytes, part_path, refuse_existing, remove
from s2kit.run.locks import output_lock
from s2kit.run.parallel import Failed, pmap
from s2kit.run.wording import counted
from s2kit.store.cost import size_text
from s2kit.store.location import RemoteObject

_SMALL_PX = 8 << 20
"""Pixels of all bands and dates that are read in this very process: less work than starting a pool."""


@dataclass(frozen=True, slots=True)
class CubeTarget:
    """Where workers put their blocks."""

    part: Path
    is_zarr: bool
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WriteTask:
    """One block to make and to write."""

    block: CubeBlock
    target: CubeTarget


def write_block(task: WriteTask) -> Entry:
    """Make a block and write it; runs in the workers.

    Raises:
        S2KitError: As `make_block`, or the disk is full.
    """
    block, target = task.block, task.target
    made = make_block(block)
    for layer in block.recipe.outputs:
        values = made.layers[layer.name]
        if target.is_zarr:
            zarr_store.write(target.part, layer.name, block.step, block.window, values)
        else:
            scratch.write(target.part, layer, target.shape, block.step, block.window, values)
    return Entry(block.step, block.block, made.data_px, made.clear_px)


@dataclass(slots=True)
class CubeResult:
    """What was made."""

    path: Path
    built: Built = field(default_factory=Built)
    """What is in the output (of an append: what is new in it)."""
    failures: dict[str, S2KitError] = field(default_factory=dict)
    """By day: slices that were left out."""
    files: tuple[Path, ...] = ()


def make_cube(plan: CubePlan, output: CubeOutput, report: Report = silent) -> CubeResult:
    """Make the cube of a plan.

    Raises:
        OutputError: The output is there already, or cannot be written.
        TryLaterError: Another run makes the same cube.
        InputError: A cube that is to be appended to is another one; a file of a composite is damaged.
        DiskError: The disk is full or failing.
        ConfigError: A package is not installed.
    """
    check_writer(output.form)
    with output_lock(output.path):
        if output.append and output.path.exists():
            return _appended(plan, output, report)
        if output.form is CubeFormat.PICTURES:
            refuse_existing_pictures(plan, output)
        elif not output.overwrite:
            refuse_existing(output.path)
        part = part_path(output.path)
        result = _built(plan, tuple(range(len(plan.steps))), part, output, report)
        try:
            result.files = writer_of(output.form)(plan, result.built, part, output)
        except S2KitError:
            remove(part)
            raise
        return result


def _built(plan: CubePlan, steps: tuple[int, ...], part: Path, output: CubeOutput, report: Report) -> CubeResult:
    """Fill an unfinished cube with some steps."""
    target = CubeTarget(part, output.form is CubeFormat.ZARR, (len(steps), *plan.grid.shape))
    identity = {"recipe": meaning.recipe_text(plan), "sources": meaning.sources_of(plan, steps), "form": output.form}
    before = done_before(part, identity)
    try:
        if before is None:
            _begin(plan, steps, target)
        elif before:
            report(Note(f"going on with {part}: {counted(len(before), 'block')} done"))
        with recorded(part, identity, before or []) as journal:
            jobs = 1 if _is_small(plan) else output.jobs
            entries, failures = _fill(plan, steps, target, before or [], journal, jobs, report)
            built = _without(plan, steps, target, failures, _shares(plan, steps, entries))
    except TryLaterError:
        raise
    except S2KitError:
        remove(part)
        raise
    return CubeResult(output.path, built, {f"{plan.steps[steps[at]].start}": error for at, error in failures.items()})


def _begin(plan: CubePlan, steps: tuple[int, ...], target: CubeTarget) -> None:
    remove(target.part)
    _refuse_full_disk(plan, target.part)
    if target.is_zarr:
        zarr_store.create(target.part, plan, steps)
    else:
        scratch.create(target.part, plan.layers, target.shape)


def _is_small(plan: CubePlan) -> bool:
    """True if it is done before a pool has started: some pixels of files on this machine."""
    images = [image for one in plan.slices for source in one.sources for image in source.images.values()]
    pixels = plan.grid.width * plan.grid.height * len(images)
    return pixels <= _SMALL_PX and not any(isinstance(image.location, RemoteObject) for image in images)


def _refuse_full_disk(plan: CubePlan, part: Path) -> None:
    """Raise if not even a tenth of the pixels would fit: less they never become."""
    free = free_bytes(part)
    if plan.nbytes / 10 > free:
        raise DiskError(
            f"{part.parent}: {size_text(free)} are free, the cube has {size_text(plan.nbytes)} before compression",
            "free some space, or name another place with --out",
        )


def _fill(
    plan: CubePlan,
    steps: Sequence[int],
    target: CubeTarget,
    before: Sequence[Entry],
    journal: Journal,
    jobs: int,
    report: Report,
) -> tuple[list[Entry], dict[int, S2KitError]]:
    """Make all blocks that are not done; returns them all, and the steps that failed with the reason."""
    entries = list(before)
    done = {(entry.step, entry.block) for entry in before}
    failures: dict[int, S2KitError] = {}
    tasks = [
        WriteTask(_at(plan.task(step, block), place), target)
        for place, step in enumerate(steps)
        for block in range(len(plan.blocks))
        if (place, block) not in done
    ]
    report(WorkPlanned(len(tasks)))
    waiting = (task for task in tasks if task.block.step not in failures)
    with closing(pmap(write_block, waiting, jobs)) as results:  # type: ignore[type-var]
        for one in results:
            task: WriteTask = one.item
            if isinstance(one, Failed):
                _refuse_failure(plan, one.error)
                if task.block.step not in failures:
                    failures[task.block.step] = one.error
                    if len(steps) > 1:  # the only one ends the run with the same words
                        report(ItemFailed(f"{task.block.slices[0].day}", one.error.message))
                continue
            journal.add(one.value)
            entries.append(one.value)
            report(Finished(f"block {task.block.block + 1} of {task.block.slices[0].day}"))
    return entries, failures


def _at(task: CubeBlock, place: int) -> CubeBlock:
    return task if task.step == place else replace(task, step=place)


def _refuse_failure(plan: CubePlan, error: S2KitError) -> None:
    """A slice may be left out of a stack if its files are the reason; all else ends the run."""
    if (
        plan.recipe.composite is not None
        or isinstance(error, OutputError)
        or not isinstance(error, InputError | LookupError)
    ):
        raise error


def _without(
    plan: CubePlan, steps: tuple[int, ...], target: CubeTarget, failures: Mapping[int, S2KitError], shares: Shares
) -> Built:
    """Take the steps that failed out of an unfinished cube.

    Raises:
        S2KitError: None is left.
    """
    places = tuple(place for place in range(len(steps)) if place not in failures)
    left = tuple(steps[place] for place in places)
    if not left:
        raise next(iter(failures.values()))
    if failures and target.is_zarr:
        zarr_store.drop(target.part, plan, places, left)
    return Built(left, tuple(range(len(left))) if target.is_zarr else places, target.shape, shares)


def _shares(plan: CubePlan, steps: Sequence[int], entries: Sequence[Entry]) -> dict[str, dict[int, float]]:
    data: dict[int, int] = {}
    clear: dict[int, int] = {}
    for entry in entries:
        for one, seen, left in zip(plan.steps[steps[entry.step]].slices, entry.data_px, entry.clear_px, strict=True):
            data[one] = data.get(one, 0) + seen
            clear[one] = clear.get(one, 0) + left
    return meaning.shares(plan, data, clear)


def _appended(plan: CubePlan, output: CubeOutput, report: Report) -> CubeResult:
    if output.form is not CubeFormat.ZARR:
        raise UsageError(f"--append needs Zarr, not {output.form}", "leave out --format")
    if plan.recipe.composite is not None:
        raise UsageError("a composite cannot be appended to", "make it anew with --overwrite")
    part = part_path(output.path)
    there = zarr_store.Existing.opened(output.path, part)
    _refuse_other(there.recipe, meaning.recipe_text(plan), output.path)
    steps, late, grown = _new_steps(plan, there)
    if late:
        report(
            Note(
                f"{late} of the dates lie before the last one of {output.path} and are left out: "
                "make the cube anew with --overwrite to take them in",
                warning=True,
            )
        )
    for text in grown:
        report(Note(f"{text} has other products by now: it stays as it is"))
    if not steps:
        return CubeResult(output.path)
    result = _built(plan, steps, part, output, report)
    zarr_store.finish(part, result.built.shares_in_order)
    os.sync()
    there.take(part)
    result.files = (output.path,)
    return result


def _new_steps(plan: CubePlan, there: zarr_store.Existing) -> tuple[tuple[int, ...], int, list[str]]:
    """Steps that a cube has not, how many of others come too late for it, and days whose products changed."""
    days, last = there.days, meaning.moment_of(max(there.times))
    new, late, grown = [], 0, []
    for at, step in enumerate(plan.steps):
        products = {source.id for source in plan.slices[step.slices[0]].sources}
        if step.start.isoformat() in days:
            if products != set(days[step.start.isoformat()]):
                grown.append(step.start.isoformat())
        elif step.time > last:
            new.append(at)
        else:
            late += 1
    return tuple(new), late, grown


def _words(name: str, value: Any) -> str:
    """A part of a recipe in words."""
    match name, value:
        case "grid", [epsg, side, _, west, _, _, north, cols, rows]:
            return f"{cols} x {rows} pixels of {side:g} from {west:.12g}, {north:.12g} in EPSG:{epsg}"
        case "layers", dict():
            return f"the layers {', '.join(f'{layer} ({what[0]})' for layer, what in value.items())}"
        case "digital", _:
            return "digital numbers" if value else "reflectance"
        case _:
            return f"the {name} {value}" if value else f"no {name}"


def _refuse_other(there: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> None:
    """Raise if two cubes differ in grid, layers or values."""
    for name in ("layers", "digital", "mask", "resampling", "composite", "grid"):
        if there.get(name) != asked.get(name):
            raise InputError(
                f"{path} has {_words(name, there.get(name))}, not {_words(name, asked.get(name))}",
                "append with the options that made it, or name another --out",
            )
