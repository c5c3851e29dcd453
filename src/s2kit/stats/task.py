"""The numbers of some parcels in some products: the part of `stats` that runs in the workers."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.archive.pixel_source import BandSource, PixelSource, SourceRef, open_source
from s2kit.area.projection import project_all
from s2kit.chips.pixels import read_frames, read_windows
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.grid import Grid, Window
from s2kit.image.open import open_image
from s2kit.jp2.tile_search import Siblings
from s2kit.picture.indices import INDICES, SUBSTITUTES, compute
from s2kit.picture.zonal import Summary, class_histogram, summarise
from s2kit.product.bands import BANDS
from s2kit.product.masks import inside, raster_session, window_of
from s2kit.product.scl import CLOUDY, share_of
from s2kit.settings import Settings

SCL = "SCL"


@dataclass(frozen=True, slots=True)
class Outline:
    """A parcel as the workers need it."""

    number: int
    """Position of the parcel in the request."""
    geometry: BaseGeometry
    srid: int


@dataclass(frozen=True, slots=True)
class ParcelVisit:
    """A product, and which of the task's parcels it answers for."""

    source: SourceRef
    parcels: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsRecipe:
    """What is counted."""

    layers: tuple[str, ...]
    """Bands, `SCL`, and names of indices in lower case."""
    clear: frozenset[int]
    """SCL classes that count as clear."""
    mask_clouds: bool = False
    """True leaves pixels that are not clear out of bands and indices."""
    digital_numbers: bool = False
    """True gives bands as stored in the file, without offset and division."""
    res: int | None = None
    boa_offset: str = "auto"


@dataclass(frozen=True, slots=True)
class StatsTask:
    """Parcels that lie together, and the products that show them."""

    outlines: tuple[Outline, ...]
    visits: tuple[ParcelVisit, ...]
    recipe: StatsRecipe
    settings: Settings


@dataclass(frozen=True, slots=True)
class ZonalResult:
    """One parcel in one layer of one product."""

    number: int
    """Position of the parcel in the request."""
    product: str
    layer: str
    pixels: int
    """Pixels whose centre lies in the parcel; 0 where it is thinner than a pixel or beyond the image."""
    clear_pct: float | None = None
    """Clear pixels among those that SCL knows."""
    cloud_pct: float | None = None
    histogram: Mapping[int, int] | None = None
    """Of SCL, class 0 left out."""
    summary: Summary | None = None
    """Of a band or index."""


@dataclass(frozen=True, slots=True)
class StatsOutcome:
    """What a task found."""

    numbers: tuple[ZonalResult, ...]
    offset_sources: Mapping[str, str] = field(default_factory=dict)
    """Who says what the offset is, by product."""
    failures: Mapping[str, S2KitError] = field(default_factory=dict)
    """By product."""


def count(task: StatsTask) -> StatsOutcome:
    """The numbers of all of a task's parcels; a product that cannot be read does not stop the others."""
    masks = _Masks(task.outlines)
    numbers: list[ZonalResult] = []
    offset_sources: dict[str, str] = {}
    failures: dict[str, S2KitError] = {}
    for visit in task.visits:
        try:
            source = open_source(visit.source, task.settings, task.recipe.boa_offset)
            offset_sources[visit.source.id] = source.offset_source
            with raster_session():
                numbers += _count_product(task, visit, source, masks)
        except S2KitError as error:
            failures[visit.source.id] = error
    return StatsOutcome(tuple(numbers), offset_sources, failures)


def _count_product(task: StatsTask, visit: ParcelVisit, source: PixelSource, masks: "_Masks") -> list[ZonalResult]:
    recipe = task.recipe
    wanted = [at for at, outline in enumerate(task.outlines) if outline.number in visit.parcels]
    rows: list[ZonalResult] = []
    with _Reader(source, task) as reader:
        clouds = _Clouds(reader, masks, wanted, recipe)
        for layer in recipe.layers:
            rows += _layer_rows(layer, reader, masks, clouds, wanted, task)
    return rows


class _Masks:
    """Windows and masks of the parcels, kept for each grid that the products have."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        self._outlines = outlines
        self._moved: dict[int, list[BaseGeometry]] = {}
        self._found: dict[tuple[Grid, int], tuple[Window, NDArray[np.bool_]] | None] = {}

    def at(self, grid: Grid, place: int) -> tuple[Window, NDArray[np.bool_]] | None:
        """Window and mask of a parcel in a grid; None where no pixel centre lies in it."""
        key = (grid, place)
        if key not in self._found:
            geometry = self._in(grid.epsg)[place]
            window = window_of(geometry, grid)
            mask = None if window is None else inside(geometry, grid, window)
            self._found[key] = None if window is None or mask is None or not mask.any() else (window, mask)
        return self._found[key]

    def _in(self, epsg: int) -> list[BaseGeometry]:
        if epsg not in self._moved:
            moved: list[BaseGeometry] = []
            by_srid: dict[int, list[int]] = {}
            for at, outline in enumerate(self._outlines):
                by_srid.setdefault(outline.srid, []).append(at)
            moved = [outline.geometry for outline in self._outlines]
            for srid, members in by_srid.items():
                for at, geometry in zip(
                    members, project_all([self._outlines[at].geometry for at in members], srid, epsg), strict=True
                ):
                    moved[at] = geometry
            self._moved[epsg] = moved
        return self._moved[epsg]


class _Reader:
    """The open images of a product."""

    def __init__(self, source: PixelSource, task: StatsTask) -> None:
        self.source = source
        self._settings = task.settings
        self._res = task.recipe.res
        self._stack = ExitStack()
        self._open: dict[str, tuple[BandSource, Any, Grid]] = {}
        self._siblings: Siblings = {}

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def band(self, name: str) -> tuple[BandSource, Any, Grid]:
        """A band's source, open image and grid."""
        if name not in self._open:
            found = self.source.band(name, 20 if name == SCL and self._res is None else self._res)
            image = self._stack.enter_context(
                open_image(
                    found.location,
                    openjpeg=self._settings.openjpeg,
                    cache=self._settings.kept_in,
                    siblings=self._siblings,
                )
            )
            grid = found.grid or image.info.grid
            if grid is None:
                raise InputError(f"{found.location} has no grid: its place on Earth is not in the file")
            self._open[name] = (found, image, grid)
        return self._open[name]


class _Clouds:
    """The scene classification in the parcels."""

    def __init__(self, reader: _Reader, masks: _Masks, wanted: Sequence[int], recipe: StatsRecipe) -> None:
        self._clear = np.zeros(256, bool)
        self._clear[list(recipe.clear)] = True
        self._reader = reader
        self.pixels: dict[int, int] = {}
        self.histograms: dict[int, dict[int, int]] = {}
        self.known = self._open(recipe)
        if self.known:
            self._count(masks, wanted)

    def _open(self, recipe: StatsRecipe) -> bool:
        if self._reader.source.level != "L2A":
            if recipe.mask_clouds or SCL in recipe.layers:
                self._reader.source.band(SCL)  # says what L1C lacks
            return False
        try:
            self._reader.band(SCL)
        except NotFoundError:
            if recipe.mask_clouds or SCL in recipe.layers:
                raise
            return False
        return True

    def _count(self, masks: _Masks, wanted: Sequence[int]) -> None:
        _, image, grid = self._reader.band(SCL)
        places = [(at, found) for at in wanted if (found := masks.at(grid, at)) is not None]
        arrays = read_windows(image, [window for _, (window, _) in places])
        for (at, (_, mask)), codes in zip(places, arrays, strict=True):
            self.pixels[at] = int(mask.sum())
            self.histograms[at] = class_histogram(codes[0], mask)

    def clear_on(self, frames: Sequence[Grid]) -> list[NDArray[np.bool_]]:
        """True for clear pixels, on other grids."""
        _, image, grid = self._reader.band(SCL)
        return [self._clear[codes] for codes in read_frames(image, grid, frames)]

    def shares(self, at: int, recipe: StatsRecipe) -> tuple[float | None, float | None]:
        """`(clear, cloudy)` of a parcel in percent."""
        histogram = self.histograms.get(at)
        if histogram is None:
            return None, None
        clear, cloudy = share_of(histogram, recipe.clear), share_of(histogram, CLOUDY)
        return (
            None if clear is None else round(100.0 * clear, 2),
            None if cloudy is None else round(100.0 * cloudy, 2),
        )


def _layer_rows(
    layer: str, reader: _Reader, masks: _Masks, clouds: _Clouds, wanted: Sequence[int], task: StatsTask
) -> list[ZonalResult]:
    recipe, product = task.recipe, reader.source.id
    if layer == SCL:
        return [
            ZonalResult(
                task.outlines[at].number,
                product,
                SCL,
                clouds.pixels.get(at, 0),
                *clouds.shares(at, recipe),
                histogram=clouds.histograms.get(at, {}),
            )
            for at in wanted
        ]
    grid, values = _values(layer, reader, masks, wanted, recipe)
    clear = (
        dict(zip(values, clouds.clear_on([grid.cropped(_window(masks, grid, at)) for at in values]), strict=True))
        if (recipe.mask_clouds)
        else {}
    )
    rows = []
    for at in wanted:
        found = masks.at(grid, at)
        if found is None:
            rows.append(ZonalResult(task.outlines[at].number, product, layer, 0, summary=Summary(0)))
            continue
        mask = found[1]
        chosen = mask & clear[at] if at in clear else mask
        inner = values[at][chosen]
        rows.append(
            ZonalResult(
                task.outlines[at].number,
                product,
                layer,
                int(mask.sum()),
                *clouds.shares(at, recipe),
                summary=summarise(inner[~np.isnan(inner)]),
            )
        )
    return rows


def _window(masks: _Masks, grid: Grid, at: int) -> Window:
    found = masks.at(grid, at)
    assert found is not None
    return found[0]


def _values(
    layer: str, reader: _Reader, masks: _Masks, wanted: Sequence[int], recipe: StatsRecipe
) -> tuple[Grid, dict[int, NDArray[np.float32]]]:
    """Values of a band or index in the window of each parcel, NaN where there is no data; and the grid they lie on."""
    index = INDICES.get(layer)
    names = index.bands if index else (layer,)
    opened = [_with_substitute(reader, name) if index else reader.band(name) for name in names]
    grid = max((grid for _, _, grid in opened), key=lambda grid: grid.resolution_m)
    places = [at for at in wanted if masks.at(grid, at) is not None]
    windows = [_window(masks, grid, at) for at in places]
    stacks: list[list[NDArray[np.float32]]] = [[] for _ in places]
    for source, image, native in opened:
        if native == grid:
            arrays = [pixels[0] for pixels in read_windows(image, windows)]
        else:
            arrays = read_frames(image, native, [grid.cropped(window) for window in windows], "average")
        plain = recipe.digital_numbers and index is None
        for stack, pixels in zip(stacks, arrays, strict=True):
            stack.append(_numbers(pixels, source, plain=plain))
    return grid, {at: compute(index, stack) if index else stack[0] for at, stack in zip(places, stacks, strict=True)}


def _with_substitute(reader: _Reader, name: str) -> tuple[BandSource, Any, Grid]:
    try:
        return reader.band(name)
    except NotFoundError:
        if name not in SUBSTITUTES:
            raise
        return reader.band(SUBSTITUTES[name])


def _numbers(pixels: NDArray[Any], source: BandSource, *, plain: bool) -> NDArray[np.float32]:
    values = pixels.astype(np.float32)
    if not plain:
        values += np.float32(source.offset)
        values /= np.float32(source.quantification)
    if source.band in BANDS or source.band in {"AOT", "WVP"}:
        values[pixels == 0] = np.nan
    return values
