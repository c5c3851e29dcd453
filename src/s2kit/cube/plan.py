"""What a cube is made of, ready for the workers: grid, layers, slices with their images, and the blocks of work.

All values are frozen and small (addresses, windows, numbers), so that a task travels to any process or machine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property

import numpy as np

from s2kit.cube.composite import Composite
from s2kit.cube.grids import block_side, blocks
from s2kit.cube.layers import CubeLayer, bands_read, count_layer, date_layer
from s2kit.cube.periods import Members, Period, grouped
from s2kit.errors import InputError
from s2kit.grid import Grid, Window
from s2kit.picture.clouds import ClassSource, Mask
from s2kit.picture.read import DEFAULT_READING, Reading, Resampling
from s2kit.product.angles import AngleGrid
from s2kit.product.band_image import BandImage
from s2kit.product.mission import SENTINEL2, Mission


class NoDateError(InputError):
    """Products, the area, or `--min-clear` leave no date."""


@dataclass(frozen=True, slots=True)
class CubeSource:
    """One product in a slice."""

    id: str
    """Product name without `.SAFE`."""
    images: Mapping[str, BandImage] = field(hash=False)
    """By the name of the band that they stand for (`B8A` may stand for `B08`); a band that is lacking is absent."""
    classes: ClassSource | None = None
    """Where its scene classes are; None if it has none or none are needed."""
    address: str = ""
    """Where it is."""
    mission: Mission = SENTINEL2
    angles: Mapping[str, AngleGrid] = field(default_factory=dict, hash=False)
    """Angles of sun and view, if layers of the cube are such."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One solar day of the area."""

    day: date
    time: datetime
    """Earliest start of a datatake, UTC."""
    sources: tuple[CubeSource, ...]
    """In the order in which they are laid: a pixel is that of the first that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeRecipe:
    """What is made of each block."""

    layers: tuple[CubeLayer, ...]
    """Without `count` and `source_date`."""
    digital: bool = False
    """True for digital numbers as stored."""
    resampling: Resampling = "auto"
    mask: Mask | None = None
    composite: Composite | None = None
    reading: Reading = DEFAULT_READING
    """How files are read: decoder and cache."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands and layers that are read."""
        deciding = (self.composite.index,) if self.composite and self.composite.index else ()
        return bands_read(self.layers, deciding)

    @property
    def outputs(self) -> tuple[CubeLayer, ...]:
        """The layers that are written."""
        if self.composite is None:
            return self.layers
        more = [count_layer()]
        if self.composite.picks_dates:
            more.append(date_layer())
        return tuple(more) if self.composite.kind == "count" else (*self.layers, *more)


@dataclass(frozen=True, slots=True)
class Step:
    """One time of the output: a slice, or a period of slices."""

    time: datetime
    """UTC: the slice's, or the start of the period."""
    slices: tuple[int, ...]
    """Positions in the plan's slices."""
    start: date
    end: date
    """The day after the last."""


@dataclass(frozen=True, slots=True)
class CubeBlock:
    """One block of one step: what a worker gets."""

    step: int
    """Position of the step in the output."""
    block: int
    """Position of the block in the plan."""
    window: Window
    """The block in the cube's grid."""
    grid: Grid
    """The block's own grid."""
    slices: tuple[Slice, ...]
    recipe: CubeRecipe


@dataclass(frozen=True, kw_only=True)
class CubePlan:
    """A cube that could be made; no pixel has been read yet."""

    grid: Grid
    slices: tuple[Slice, ...]
    """Ascending in time."""
    recipe: CubeRecipe
    period: Period = field(default_factory=lambda: Period("all"))
    """Of a composite."""
    notes: tuple[str, ...] = ()

    @property
    def missions(self) -> tuple[Mission, ...]:
        """Whose data it is made of, each once; Sentinel-2 if there is none."""
        found = {source.mission for one in self.slices for source in one.sources}
        return tuple(sorted(found)) or (SENTINEL2,)

    @property
    def layers(self) -> tuple[CubeLayer, ...]:
        """What is written."""
        return self.recipe.outputs

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The times of the output, ascending."""
        if self.recipe.composite is None:
            return tuple(Step(one.time, (at,), one.day, one.day) for at, one in enumerate(self.slices))
        members = grouped([one.day for one in self.slices], self.period)
        return tuple(_step(one) for one in members)

    @cached_property
    def blocks(self) -> tuple[Window, ...]:
        """Windows that cover the grid, row by row."""
        deepest = max((len(step.slices) for step in self.steps), default=1)
        return tuple(blocks(self.grid, block_side(len(self.recipe.bands) + 1, deepest)))

    def task(self, step: int, block: int) -> CubeBlock:
        """The work for one block of one step."""
        return self.task_of(step, self.blocks[block], block)

    def task_of(self, step: int, window: Window, block: int = 0) -> CubeBlock:
        """The work for any window of one step; for callers that have blocks of their own, such as openEO and xarray."""
        members = tuple(self.slices[at] for at in self.steps[step].slices)
        return CubeBlock(step, block, window, self.grid.cropped(window), members, self.recipe)

    def tasks(self) -> Iterator[CubeBlock]:
        """All blocks of all steps: step after step, so that the files of one product are read together."""
        for step in range(len(self.steps)):
            for block in range(len(self.blocks)):
                yield self.task(step, block)

    def only(self, slices: tuple[int, ...]) -> "CubePlan":
        """The same plan with some of its slices."""
        return replace(self, slices=tuple(self.slices[at] for at in slices))

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(times, rows, columns)`."""
        return (len(self.steps), *self.grid.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all layers, not compressed."""
        a_pixel = sum(np.dtype(layer.dtype).itemsize for layer in self.layers)
        times, rows, cols = self.shape
        return a_pixel * times * rows * cols


def _step(members: Members) -> Step:
    return Step(datetime.combine(members.start, time(), UTC), members.slices, members.start, members.end)
