"""How clear each date is, before the cube is made: dates that are too cloudy are not read at all."""

import math
from contextlib import closing
from dataclasses import dataclass, replace

from s2kit.cube.block import make_block
from s2kit.cube.grids import blocks
from s2kit.cube.layers import parse_layers
from s2kit.cube.plan import CubeBlock, CubePlan, CubeRecipe, CubeSource, NoDateError, Slice
from s2kit.grid import Grid
from s2kit.picture.clouds import ClassImage
from s2kit.run.events import Finished, Note, Report, WorkPlanned, silent
from s2kit.run.parallel import Failed, pmap
from s2kit.run.wording import counted

_RESOLUTION_M = 20.0
"""The scene classification has no finer pixels."""
_BLOCK_PX = 2048


@dataclass(frozen=True, slots=True)
class Clearness:
    """Pixels of one block of one date."""

    at: int
    """Position of the slice."""
    data_px: int
    clear_px: int


def count_block(task: CubeBlock) -> Clearness:
    """Count one block; runs in the workers.

    Raises:
        InputError: A file is damaged.
    """
    made = make_block(task)
    return Clearness(task.step, made.data_px[0], made.clear_px[0])


def without_cloudy(plan: CubePlan, min_clear_pct: float, jobs: int = 0, report: Report = silent) -> CubePlan:
    """The plan without dates of which too few pixels are clear.

    Args:
        plan: With a mask.
        min_clear_pct: Least share of clear pixels among those with data, in the box of the cube.
        jobs: Worker processes; 0 takes every core.
        report: Takes which dates are left out.

    Raises:
        InputError: No date is left, or a file is damaged.
    """
    tasks = _tasks(plan)
    data, clear = [0] * len(plan.slices), [0] * len(plan.slices)
    report(WorkPlanned(len(tasks)))
    with closing(pmap(count_block, tasks, jobs)) as results:  # type: ignore[type-var]
        for one in results:
            if isinstance(one, Failed):
                raise one.error
            data[one.value.at] += one.value.data_px
            clear[one.value.at] += one.value.clear_px
            report(Finished(f"clouds of {plan.slices[one.value.at].day}"))
    shares = [100 * left / seen if seen else 0.0 for seen, left in zip(data, clear, strict=True)]
    kept = tuple(at for at, share in enumerate(shares) if share >= min_clear_pct)
    if not kept:
        best = max(range(len(shares)), key=shares.__getitem__)
        raise NoDateError(
            f"of {counted(len(shares), 'date')} none is {min_clear_pct:g} % clear: "
            f"{plan.slices[best].day} is the clearest with {shares[best]:.1f} %",
            "take a lower --min-clear, or more dates",
        )
    for at in sorted(set(range(len(shares))) - set(kept)):
        report(Note(f"{plan.slices[at].day} is left out: {shares[at]:.1f} % of it are clear"))
    return plan.only(kept)


def _tasks(plan: CubePlan) -> list[CubeBlock]:
    grid = _coarser(plan.grid)
    windows = blocks(grid, _BLOCK_PX)
    return [
        CubeBlock(at, block, window, grid.cropped(window), (with_classes(one),), _recipe(plan, at))
        for at, one in enumerate(plan.slices)
        for block, window in enumerate(windows)
    ]


def with_classes(one: Slice) -> Slice:
    """The slice with its SCL among its images, which a cube without that layer does not have."""

    def added(source: CubeSource) -> CubeSource:
        if isinstance(source.classes, ClassImage) and source.classes.is_scl:
            return replace(source, images={**source.images, "SCL": source.classes.image})
        return source

    return replace(one, sources=tuple(added(source) for source in one.sources))


def _recipe(plan: CubePlan, at: int) -> CubeRecipe:
    """Only the classes are read; of products without SCL also one band, since their masks do not know where data is."""
    by_scl = all(isinstance(one.classes, ClassImage) and one.classes.is_scl for one in plan.slices[at].sources)
    names = ["SCL"] if by_scl else list(plan.recipe.bands[:1])
    layers = parse_layers(names, (), dtype="uint16", digital=True)
    return CubeRecipe(layers=layers, digital=True, mask=plan.recipe.mask, reading=plan.recipe.reading)


def _coarser(grid: Grid) -> Grid:
    """The grid with pixels as wide as those of the classes, if its own are finer."""
    if grid.resolution_m >= _RESOLUTION_M or grid.resolution_m < 1:
        return grid
    scale = grid.resolution_m / _RESOLUTION_M
    return Grid(
        grid.epsg, grid.west, grid.north, _RESOLUTION_M, math.ceil(grid.width * scale), math.ceil(grid.height * scale)
    )
