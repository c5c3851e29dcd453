"""The numbers of some parcels in some products: the part of `stats` that runs in the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.archive.find import reopen
from s2kit.area.projection import project_all
from s2kit.errors import NotFoundError, S2KitError
from s2kit.grid import Bounds, Grid
from s2kit.picture.clouds import (
    ClassImage,
    ClassSource,
    Mask,
    class_image,
    class_source,
    codes_of,
    hidden,
    hidden_in,
    needed_classes,
    with_margin,
)
from s2kit.picture.indices import compute, index_of
from s2kit.picture.read import OpenImages, Reading, filled
from s2kit.picture.substitutes import standing_in, substitute_notes
from s2kit.picture.zonal import Summary, class_histogram, summarise
from s2kit.product.band_image import BandImage
from s2kit.product.masks import inside, raster_session
from s2kit.product.name import Level
from s2kit.product.ref import ProductRef
from s2kit.product.scl import CLOUDY
from s2kit.settings import Access

SCL = "SCL"
_NEXT_ZONE_M = 10_000.0
"""How far beyond a tile pixels of products of the next UTM zone are taken."""
_COUNTED_PX = 1 << 22
"""Pixels of larger parcels beyond the images are not counted one by one: their area tells."""
SCL_RESOLUTION_M = 20
"""The resolution at which the scene classification is made."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A parcel as the workers need it."""

    number: int
    """Position of the parcel in the request."""
    geometry: BaseGeometry
    srid: int
    is_point: bool = False
    """See `Parcel`."""


@dataclass(frozen=True, slots=True)
class ParcelVisit:
    """A product, and which of the task's parcels it answers for."""

    product: str
    """Its id."""
    ref: ProductRef
    parcels: frozenset[int]
    companions: tuple[tuple[ProductRef, frozenset[int]], ...] = ()
    """Products of the same datatake that complete some of these parcels, and which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsRecipe:
    """What is counted."""

    layers: tuple[str, ...]
    """Bands, `SCL`, and indices: names in lower case, or `name=formula`."""
    clear: frozenset[int]
    """SCL classes that count as clear."""
    mask: Mask | None = None
    """Pixels that are left out of bands and indices."""
    digital_numbers: bool = False
    """True gives bands as stored in the file, without offset and division."""
    res: int | None = None
    boa_offset: str = "auto"
    any_classes: bool = False
    """True if flags that mean the same (`qa_pixel`) may stand for the SCL, which nobody named."""


@dataclass(frozen=True, slots=True)
class StatsTask:
    """Parcels that lie together, and the products that show them."""

    outlines: tuple[Outline, ...]
    visits: tuple[ParcelVisit, ...]
    recipe: StatsRecipe
    settings: Access


@dataclass(frozen=True, slots=True)
class ZonalResult:
    """One parcel in one layer of one product."""

    number: int
    """Position of the parcel in the request."""
    product: str
    layer: str
    pixels: int
    """Pixels of the images whose centre lies in the parcel; 0 if it is thinner than a pixel or beyond the images."""
    seen_pct: float | None = None
    """Share of the parcel's pixels, those beyond the images included, that have data; None if there are none."""
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
    notes: tuple[tuple[str, str], ...] = ()
    """Product and what was substituted in it."""


def layer_name(layer: str) -> str:
    """What a layer of the recipe is called in results: an own formula has its name only."""
    return layer.partition("=")[0]


def count(task: StatsTask) -> StatsOutcome:
    """The numbers of all of a task's parcels; a product that cannot be read does not stop the others."""
    masks = _Masks(task.outlines)
    numbers: list[ZonalResult] = []
    offset_sources: dict[str, str] = {}
    failures: dict[str, S2KitError] = {}
    notes: list[tuple[str, str]] = []
    for visit in task.visits:
        try:
            with raster_session(), OpenImages(Reading(task.settings.openjpeg, task.settings.kept_in)) as images:
                shown = _Shown(task, visit, images)
                numbers += _count_product(task, visit, shown, masks)
            notes += [(visit.product, note) for note in shown.notes]
            if shown.has_reflectance:
                offset_sources[visit.product] = shown.product.offset_source
        except S2KitError as error:
            failures[visit.product] = error
    return StatsOutcome(tuple(numbers), offset_sources, failures, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Mask:
    """One parcel on the pixels of a product."""

    frame: Grid
    inside: NDArray[np.bool_]
    """True for pixels whose centre lies in the parcel, `[row, col]`."""
    pixels: int
    """How many these are."""
    total: int
    """The same, those beyond the images included."""


class _Masks:
    """Frames and masks of the parcels, kept for each lattice of pixels that the products have."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        self._outlines = outlines
        self._moved: dict[int, list[BaseGeometry]] = {}
        self._found: dict[tuple[Grid, int], _Mask] = {}

    def at(self, lattice: Grid, extent: Bounds, place: int) -> "_Mask | None":
        """The pixels around a parcel and which of them have their centre in it; None if none has.

        Args:
            lattice: A grid whose pixels, continued in all directions, are meant.
            extent: Where there may be pixels, in the CRS of the lattice.
            place: Position of the parcel in the task.
        """
        geometry = self._in(lattice.epsg)[place]
        reach = lattice.covering(Bounds(*geometry.bounds))
        window = reach.intersection(lattice.covering(extent))
        if window is None:
            return None
        frame = lattice.cropped(window)
        if (frame, place) not in self._found:
            mask = inside(geometry, frame, frame.window)
            if self._outlines[place].is_point and not mask.any():
                mask = _pixel_of(geometry, frame)
            pixels = total = int(mask.sum())
            if reach != window and reach.width * reach.height <= _COUNTED_PX:
                total = max(pixels, int(inside(geometry, lattice, reach).sum()))
            elif reach != window:
                total = max(pixels, round(geometry.area / lattice.resolution_m**2))
            self._found[frame, place] = _Mask(frame, mask, pixels, total)
        found = self._found[frame, place]
        return found if found.pixels else None

    def unseen(self, lattice: Grid, extent: Bounds, place: int) -> float | None:
        """The seen share of a parcel without pixels: 0 if it reaches beyond the images, None if it is too thin."""
        reach = lattice.covering(Bounds(*self._in(lattice.epsg)[place].bounds))
        return None if lattice.covering(extent).contains(reach) else 0.0

    def _in(self, epsg: int) -> list[BaseGeometry]:
        if epsg not in self._moved:
            moved = [outline.geometry for outline in self._outlines]
            by_srid: dict[int, list[int]] = {}
            for at, outline in enumerate(self._outlines):
                by_srid.setdefault(outline.srid, []).append(at)
            for srid, members in by_srid.items():
                there = project_all([self._outlines[at].geometry for at in members], srid, epsg)
                for at, geometry in zip(members, there, strict=True):
                    moved[at] = geometry
            self._moved[epsg] = moved
        return self._moved[epsg]


def _pixel_of(geometry: BaseGeometry, frame: Grid) -> NDArray[np.bool_]:
    """True for the pixel in which the middle of a shape lies, `[row, col]`; nowhere if it lies beyond the frame."""
    mask = np.zeros(frame.shape, bool)
    col, row = frame.pixel_at(geometry.centroid.x, geometry.centroid.y)
    if 0 <= row < frame.height and 0 <= col < frame.width:
        mask[row, col] = True
    return mask


class _Shown:
    """A product and those that complete it, as images on frames."""

    def __init__(self, task: StatsTask, visit: ParcelVisit, images: OpenImages) -> None:
        self._task, self._visit, self._images = task, visit, images
        self.recipe = task.recipe
        self.product = reopen(visit.ref, task.settings, task.recipe.boa_offset)
        self._others = {ref: reopen(ref, task.settings, task.recipe.boa_offset) for ref, _ in visit.companions}
        self.has_reflectance = False
        self.notes: dict[str, None] = {}
        """What was substituted."""

    def band(self, name: str) -> BandImage:
        """A band or layer at the resolution that is asked for, or what serves it best."""
        res = SCL_RESOLUTION_M if name == SCL and self._task.recipe.res is None else self._task.recipe.res
        image = self.product.image_near(name, res)
        self.has_reflectance |= image.is_reflectance
        return image

    def band_of_index(self, name: str) -> BandImage:
        """The same; the other near infrared if the product lacks it."""
        return self.band(standing_in(name, lambda one: bool(self.product.resolutions(one))))

    def classes(self) -> ClassImage | None:
        """The raster of scene classes, which parcels are counted in; None of L1C, and of products without one.

        Raises:
            NotFoundError: The SCL is asked for, and there is none, nor flags that do as well.
        """
        if self.product.resolutions(SCL):
            return ClassImage(self.band(SCL))
        flags = None if self.product.metadata.level is Level.L1C else class_image(self.product)
        if SCL in self.recipe.layers and (flags is None or not self.recipe.any_classes):
            self.band(SCL)
        return flags

    def codes(self, raster: ClassImage, frames: Mapping[int, Grid]) -> dict[int, NDArray[Any]]:
        """SCL classes `[row, col]` on the frame of each parcel; see `read`."""
        return {at: codes_of(raster, pixels[None]) for at, pixels in self.read(raster.image, frames).items()}

    def class_sources(self) -> tuple[ClassSource, ...]:
        """Masks of clouds of a product without SCL, and of those that complete it.

        Raises:
            NotFoundError: The product has none.
        """
        others = (class_source(other) for other in self._others.values())
        return (needed_classes(self.product), *(one for one in others if one is not None))

    def left_by(
        self, sources: Sequence[ClassSource], mask: Mask, frames: Mapping[int, Grid]
    ) -> dict[int, NDArray[np.bool_]]:
        """True for pixels that none of some masks of clouds hides; those of one overpass agree where they overlap."""
        each = [hidden(source, list(frames.values()), mask, self._images) for source in sources]
        return {at: ~np.logical_or.reduce(parts) for at, parts in zip(frames, zip(*each, strict=True), strict=True)}

    def extent(self, image: BandImage) -> Bounds:
        """Where the product and those that complete it have pixels, in the CRS of one of its images."""
        west, south, east, north = image.grid.bounds
        for other in self._others.values():
            for grid in other.extents():
                if grid.epsg == image.grid.epsg:
                    reach = grid.bounds
                else:  # a product of the next zone: its pixels are reprojected, a little way beyond the tile
                    reach = Bounds(west - _NEXT_ZONE_M, south - _NEXT_ZONE_M, east + _NEXT_ZONE_M, north + _NEXT_ZONE_M)
                west, south = min(west, reach.west), min(south, reach.south)
                east, north = max(east, reach.east), max(north, reach.north)
        return Bounds(west, south, east, north)

    def read(self, image: BandImage, frames: Mapping[int, Grid]) -> dict[int, NDArray[Any]]:
        """Digital numbers `[row, col]` on the frame of each parcel, completed from other products; no data is 0.

        Args:
            image: Of this product.
            frames: By position of the parcel in the task.
        """
        found = dict(zip(frames, self._images.read(image, list(frames.values())), strict=True))
        for ref, parcels in self._visit.companions:
            places = [at for at in frames if self._task.outlines[at].number in parcels and not found[at].all()]
            if not places:
                continue
            try:
                theirs = self._others[ref].image_near(image.band, image.resolution_m)
            except NotFoundError:
                continue
            for at, extra in zip(places, self._images.read(theirs, [frames[at] for at in places]), strict=True):
                found[at] = filled(found[at], image, extra, theirs)
        return {at: pixels[0] for at, pixels in found.items()}


def _count_product(task: StatsTask, visit: ParcelVisit, shown: _Shown, masks: _Masks) -> list[ZonalResult]:
    wanted = [at for at, outline in enumerate(task.outlines) if outline.number in visit.parcels]
    clouds = _Clouds(shown, masks, wanted, task.recipe)
    rows: list[ZonalResult] = []
    for layer in task.recipe.layers:
        plain = [ZonalResult(task.outlines[at].number, visit.product, layer_name(layer), 0) for at in wanted]
        if layer == SCL:
            rows += [clouds.row(row, at) for row, at in zip(plain, wanted, strict=True)]
        else:
            rows += _layer_rows(layer, plain, wanted, shown, masks, clouds)
    return rows


class _Clouds:
    """The scene classification in the parcels."""

    def __init__(self, shown: _Shown, masks: _Masks, wanted: Sequence[int], recipe: StatsRecipe) -> None:
        self._clear = np.zeros(256, bool)
        self._clear[list(recipe.clear)] = True
        self._shown = shown
        self._masks: dict[int, _Mask] = {}
        self._unseen: dict[int, float | None] = {}
        self._histograms: dict[int, dict[int, int]] = {}
        self._raster = shown.classes()
        self._mask = recipe.mask
        self._sources = shown.class_sources() if recipe.mask is not None and self._raster is None else ()
        if self._raster is not None:
            self._count(self._raster, masks, wanted)

    def _count(self, raster: ClassImage, masks: _Masks, wanted: Sequence[int]) -> None:
        image = raster.image
        extent = self._shown.extent(image)
        self._unseen = {at: masks.unseen(image.grid, extent, at) for at in wanted}
        self._masks = {at: mask for at in wanted if (mask := masks.at(image.grid, extent, at)) is not None}
        codes = self._shown.codes(raster, {at: mask.frame for at, mask in self._masks.items()})
        self._histograms = {at: class_histogram(codes[at], mask.inside) for at, mask in self._masks.items()}

    def clear_on(self, frames: Mapping[int, Grid]) -> dict[int, NDArray[np.bool_]]:
        """True for pixels that the mask leaves, on other frames."""
        mask = self._mask
        assert mask is not None, "asked for with a mask only"
        wider = {at: with_margin(frame, mask) for at, frame in frames.items()}
        if self._raster is not None:
            codes = self._shown.codes(self._raster, wider)
            return {at: ~hidden_in(codes[at], frame, mask) for at, frame in frames.items()}
        return self._shown.left_by(self._sources, mask, frames)

    def shared(self, row: ZonalResult, at: int) -> ZonalResult:
        """A row with the clear and the cloudy share of its parcel in percent, as far as SCL tells."""
        histogram = self._histograms.get(at) or {}
        known = sum(histogram.values())
        if not known:
            return row
        clear = sum(many for code, many in histogram.items() if self._clear[code])
        cloudy = sum(many for code, many in histogram.items() if code in CLOUDY)
        return replace(row, clear_pct=_pct(clear, known), cloud_pct=_pct(cloudy, known))

    def row(self, row: ZonalResult, at: int) -> ZonalResult:
        """The row of SCL itself."""
        mask, histogram = self._masks.get(at), self._histograms.get(at, {})
        if mask is None:
            return replace(row, seen_pct=self._unseen.get(at), histogram={})
        seen = _pct(sum(histogram.values()), mask.total)
        return self.shared(replace(row, pixels=mask.pixels, seen_pct=seen, histogram=histogram), at)


def _pct(part: int, whole: int) -> float:
    return round(100.0 * part / whole, 2)


def _layer_rows(
    layer: str, plain: Sequence[ZonalResult], wanted: Sequence[int], shown: _Shown, masks: _Masks, clouds: _Clouds
) -> list[ZonalResult]:
    recipe = shown.recipe
    index = index_of(layer)
    names = index.bands if index else (layer,)
    images = [shown.band_of_index(name) if index else shown.band(name) for name in names]
    shown.notes |= dict.fromkeys(substitute_notes(layer_name(layer), names, images, recipe.res))
    coarsest = max((image.grid for image in images), key=lambda grid: grid.resolution_m)
    lattice = coarsest if recipe.res is None else coarsest.with_resolution(max(recipe.res, coarsest.resolution_m))
    extent = shown.extent(images[0])
    placed = {at: mask for at in wanted if (mask := masks.at(lattice, extent, at)) is not None}
    frames = {at: mask.frame for at, mask in placed.items()}
    numbers = [
        {at: _numbers(pixels, image, plain=recipe.digital_numbers and index is None) for at, pixels in one.items()}
        for image, one in ((image, shown.read(image, frames)) for image in images)
    ]
    clear = clouds.clear_on(frames) if recipe.mask else {}
    rows = []
    for row, at in zip(plain, wanted, strict=True):
        mask = placed.get(at)
        if mask is None:
            rows.append(replace(row, seen_pct=masks.unseen(lattice, extent, at), summary=Summary(0)))
            continue
        values = compute(index, [one[at] for one in numbers]) if index else numbers[0][at]
        seen = int((~np.isnan(np.stack([one[at] for one in numbers])).any(axis=0) & mask.inside).sum())
        inner = values[mask.inside & clear[at]] if at in clear else values[mask.inside]
        full = replace(row, pixels=mask.pixels, seen_pct=_pct(seen, mask.total), summary=summarise(inner))
        rows.append(clouds.shared(full, at))
    return rows


def _numbers(pixels: NDArray[Any], image: BandImage, *, plain: bool) -> NDArray[np.float32]:
    values = pixels.astype(np.float32)
    if not plain:
        values += np.float32(image.offset)
        values /= np.float32(image.quantification)
    if image.is_measured:
        values[pixels == image.nodata] = np.nan
    return values
