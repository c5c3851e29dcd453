"""Cutting chips out of one product: the part of `chips` that runs in the workers."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import mapping

from s2kit.archive.pixel_source import BandSource, PixelSource, SourceRef, open_source
from s2kit.area.aoi import lon_lat_outline
from s2kit.area.projection import LON_LAT, project_point
from s2kit.chips.cache import ChipStore
from s2kit.chips.grid import ChipSize, at_resolution, chip_frame
from s2kit.chips.paint import ChipPixels, write_chip
from s2kit.chips.pixels import Resampling, read_frames
from s2kit.chips.record import ChipRecord, ChipSite, ChipStyle
from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid
from s2kit.image.open import open_image
from s2kit.jp2.tile_search import Siblings
from s2kit.picture.indices import SUBSTITUTES
from s2kit.picture.kernels import picked
from s2kit.picture.painter import Band
from s2kit.picture.stretch import StretchKind
from s2kit.picture.tags import common_tags
from s2kit.picture.zonal import class_histogram
from s2kit.product.metadata import Radiometry
from s2kit.product.scl import CLEAR, CLOUDY, share_of
from s2kit.settings import Settings


@dataclass(frozen=True, slots=True)
class PlaceTask:
    """One chip to cut."""

    place: ChipSite
    folder: Path
    """The cache folder of the place and the recipe."""
    companions: tuple[SourceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class CutTask:
    """All chips to cut out of one product."""

    source: SourceRef
    sensing: datetime
    tile: str
    baseline: str
    places: tuple[PlaceTask, ...]
    recipe: ChipStyle
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Layer:
    """One band of one product on the grids of several chips."""

    source: BandSource
    native: Grid
    chips: list[NDArray[Any]]


def cut_chips(task: CutTask) -> list[ChipRecord]:
    """Cut a product's chips into the cache; runs in a worker, and may run twice.

    Raises:
        NotFoundError: The product, or a band of it, is not there.
        InputError: The product has no such layer, or cannot be read.
    """
    source = open_source(task.source, task.settings, task.recipe.boa_offset)
    opener = _Opener(task.settings)
    with opener:
        frames = _frames(source, task, opener)
        layers = _read(source, task.recipe, frames, opener)
        scl = _read_scl(source, frames, opener)
        records = []
        for at, place in enumerate(task.places):
            chip = _Chip(task, source, place, frames[at], layers, scl, at)
            used = chip.complete(opener)
            record = chip.write(used)
            ChipStore(place.folder).keep(record.product, record.to_json())
            records.append(record)
    return records


class _Opener:
    """Images that stay open while a product's chips are cut."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._open: dict[object, Any] = {}
        self._siblings: defaultdict[str, Siblings] = defaultdict(dict)

    def __enter__(self) -> "_Opener":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def image(self, product: PixelSource, source: BandSource) -> tuple[Any, Grid]:
        """The open image of a product's band and its grid, which comes from the file."""
        image = self._open.get(source.location)
        if image is None:
            image = self._stack.enter_context(
                open_image(
                    source.location,
                    openjpeg=self._settings.openjpeg,
                    cache=self._settings.kept_in,
                    siblings=self._siblings[product.id],
                )
            )
            self._open[source.location] = image
        grid = source.grid or image.info.grid
        if grid is None:
            raise InputError(f"{source.location} has no grid: its place on Earth is not in the file")
        return image, grid


def _frames(source: PixelSource, task: CutTask, opener: _Opener) -> list[Grid]:
    """The grid of each chip: pixels of the first band or the wanted resolution, on the coarsest band's grid."""
    recipe = task.recipe
    grids = [opener.image(source, _band(source, band, recipe))[1] for band in recipe.bands]
    first = grids[0] if recipe.res is None else _with_resolution(grids[0], recipe.res)
    coarsest = max(first.resolution_m, *(grid.resolution_m for grid in grids))
    frames = []
    for place in task.places:
        centre = project_point(place.place.lon, place.place.lat, LON_LAT, first.epsg)
        size = recipe.size if place.place.side_m is None else ChipSize(metres=place.place.side_m)
        frames.append(chip_frame(first, coarsest, centre, size))
    return frames


def _with_resolution(grid: Grid, resolution_m: float) -> Grid:
    scale = grid.resolution_m / resolution_m
    return replace(
        grid, resolution_m=float(resolution_m), width=round(grid.width * scale), height=round(grid.height * scale)
    )


def _frame_of(recipe: ChipStyle, frame: Grid, native: Grid) -> Grid:
    """Raw chips keep each band's own pixels, pictures have one grid for all."""
    if recipe.raw and recipe.index is None and recipe.res is None:
        return at_resolution(frame, native.resolution_m)
    return frame


def _read(source: PixelSource, recipe: ChipStyle, frames: Sequence[Grid], opener: _Opener) -> list[_Layer]:
    layers = []
    for band in recipe.bands:
        found = _band(source, band, recipe)
        image, native = opener.image(source, found)
        wanted = [_frame_of(recipe, frame, native) for frame in frames]
        layers.append(_Layer(found, native, read_frames(image, native, wanted, _resampling(band, recipe))))
    return layers


def _band(source: PixelSource, name: str, recipe: ChipStyle) -> BandSource:
    """A band; for an index that of the near infrared which the product has."""
    try:
        return source.band(name, recipe.res)
    except NotFoundError:
        if recipe.index is None or name not in SUBSTITUTES:
            raise
        return source.band(SUBSTITUTES[name], recipe.res)


def _resampling(band: str, recipe: ChipStyle) -> Resampling:
    return "nearest" if band == "SCL" else recipe.resampling  # type: ignore[return-value]


def _read_scl(source: PixelSource, frames: Sequence[Grid], opener: _Opener) -> list[NDArray[Any]] | None:
    """The scene classification in its own pixels, for the share of cloud; None where the product has none."""
    if source.level != "L2A":
        return None
    try:
        found = source.band("SCL", 20)
        image, native = opener.image(source, found)
    except NotFoundError:
        return None
    return read_frames(image, native, [at_resolution(frame, native.resolution_m) for frame in frames])


class _Chip:
    """One chip in the making."""

    def __init__(
        self,
        task: CutTask,
        source: PixelSource,
        place: PlaceTask,
        frame: Grid,
        layers: Sequence[_Layer],
        scl: list[NDArray[Any]] | None,
        at: int,
    ) -> None:
        self._task = task
        self._source = source
        self._place = place
        self._frame = frame
        self._sources = [layer.source for layer in layers]
        self._natives = [layer.native for layer in layers]
        self._pixels = [layer.chips[at] for layer in layers]
        self._scl = None if scl is None else scl[at]

    def complete(self, opener: _Opener) -> tuple[str, ...]:
        """Fill what has no data from other products of the datatake; returns the products that gave pixels."""
        used = []
        for ref in self._place.companions:
            if all(pixels.all() for pixels in self._pixels):
                break
            other = open_source(ref, self._task.settings, self._task.recipe.boa_offset)
            filled = False
            for at, mine in enumerate(self._sources):
                found = other.band(mine.band, self._task.recipe.res)
                image, native = opener.image(other, found)
                frame = _frame_of(self._task.recipe, self._frame, self._natives[at])
                (extra,) = read_frames(image, native, [frame], _resampling(mine.band, self._task.recipe))
                shifted = _with_offset(extra, found.offset - mine.offset)
                filled |= bool(((self._pixels[at] == 0) & (shifted != 0)).any())
                self._pixels[at] = np.where(self._pixels[at] == 0, shifted, self._pixels[at])
            self._complete_scl(other, opener)
            if filled:
                used.append(ref.id)
        return tuple(used)

    def _complete_scl(self, other: PixelSource, opener: _Opener) -> None:
        if self._scl is None:
            return
        extra = _read_scl(other, [self._frame], opener)
        if extra is not None and extra[0].shape == self._scl.shape:
            self._scl = np.where(self._scl == 0, extra[0], self._scl)

    def write(self, used: tuple[str, ...]) -> ChipRecord:
        """Write the chip's files into the cache and say what it is."""
        valid = np.ones(self._pixels[0].shape, bool)
        for pixels in self._pixels:
            valid = valid & (pixels != 0) if pixels.shape == valid.shape else valid
        histogram = None if self._scl is None else class_histogram(self._scl)
        cloud = None if histogram is None else share_of(histogram, CLOUDY)
        base = ChipRecord(
            product=self._task.source.id,
            sensing=self._task.sensing,
            level=self._source.level,
            tile=self._task.tile,
            baseline=self._task.baseline,
            files=(),
            epsg=self._frame.epsg,
            transform=self._frame.geotransform,
            size_px=self._frame.width,
            valid_pct=round(100.0 * float(valid.mean()), 2),
            cloud_pct=None if cloud is None else round(100.0 * cloud, 2),
            scl=histogram,
            companions=used,
            offset_source=self._source.offset_source,
            footprint=mapping(lon_lat_outline(self._frame.bounds, self._frame.epsg)),
        )
        if not any(pixels.any() for pixels in self._pixels):
            return base  # reported, not drawn
        written = write_chip(self._chip_pixels(), self._task.recipe, base.product, self._place.folder, self._tags(used))
        return replace(base, files=written.files, bands=written.bands, limits=written.limits, notes=self._substitutes())

    def _chip_pixels(self) -> ChipPixels:
        recipe = self._task.recipe
        return ChipPixels(
            bands=tuple(Band(one.band, Radiometry(one.quantification, one.offset)) for one in self._sources),
            pixels=tuple(self._pixels),
            grids=tuple(_frame_of(recipe, self._frame, native) for native in self._natives),
            clear=self._clear() if recipe.stretch.kind is StretchKind.AUTO and not recipe.raw else None,
        )

    def _clear(self) -> NDArray[np.bool_] | None:
        """True for clear pixels of the chip; None without SCL."""
        if self._scl is None:
            return None
        frame = at_resolution(self._frame, self._frame.resolution_m * self._frame.width / self._scl.shape[1])
        return np.isin(picked(self._scl[None], frame, self._frame)[0], sorted(CLEAR))

    def _substitutes(self) -> tuple[str, ...]:
        asked = self._task.recipe.bands
        pairs = zip(asked, self._sources, strict=True)
        return tuple(f"{source.band} stands for {band}" for band, source in pairs if band != source.band)

    def _tags(self, used: tuple[str, ...]) -> dict[str, str]:
        recipe = self._task.recipe
        tags = common_tags(
            product=self._task.source.id,
            sensing=self._task.sensing,
            level=self._source.level,
            baseline=self._task.baseline,
            tile=self._task.tile,
            subject=recipe.index_name or "-".join(recipe.bands),
            grid=self._frame,
            sources=[(one.band, one.resolution_m) for one in self._sources],
            resampling=recipe.resampling,
        )
        tags["OFFSET_SOURCE"] = self._source.offset_source
        notes = (*self._substitutes(), *(f"completed by {product}" for product in used))
        return tags | ({"NOTE": "; ".join(notes)} if notes else {})


def _with_offset(pixels: NDArray[Any], difference: float) -> NDArray[Any]:
    """Digital numbers of a companion on the offset of the main product; data stays data."""
    if difference == 0:
        return pixels
    shifted = np.clip(pixels.astype(np.int32) + round(difference), 1, np.iinfo(pixels.dtype).max)
    return np.where(pixels == 0, 0, shifted).astype(pixels.dtype)
