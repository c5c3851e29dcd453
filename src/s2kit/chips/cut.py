"""Cutting chips out of one product: the part of `chips` that runs in the workers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import mapping

from s2kit.archive.find import reopen
from s2kit.area.aoi import lon_lat_outline
from s2kit.area.projection import LON_LAT, project_point
from s2kit.chips.cache import ChipStore
from s2kit.chips.grid import ChipSize, at_resolution, chip_frame
from s2kit.chips.paint import ChipPixels, write_chip
from s2kit.chips.record import ChipRecord, ChipSite, ChipStyle
from s2kit.chips.selection import Candidate
from s2kit.grid import Grid
from s2kit.picture.clouds import class_image, class_source, hidden, needed_classes, scene_classes
from s2kit.picture.kernels import picked
from s2kit.picture.painter import PaintedBand
from s2kit.picture.read import OpenImages, Reading, Resampling, filled
from s2kit.picture.stretch import StretchKind
from s2kit.picture.substitutes import standing_in, substitute_notes
from s2kit.picture.tags import common_tags
from s2kit.picture.zonal import class_histogram
from s2kit.product.band_image import BandImage
from s2kit.product.base import Product
from s2kit.product.metadata import Radiometry
from s2kit.product.name import Level
from s2kit.product.ref import ProductRef
from s2kit.product.scl import CLEAR, CLOUDY, share_of
from s2kit.settings import Access

SCL_RESOLUTION_M = 20
"""The resolution at which the scene classification is made."""


@dataclass(frozen=True, slots=True)
class PlaceTask:
    """One chip to cut."""

    place: ChipSite
    folder: Path
    """The cache folder of the place and the recipe."""
    companions: tuple[ProductRef, ...] = ()


@dataclass(frozen=True, slots=True)
class CutTask:
    """All chips to cut out of one product."""

    product: Candidate
    places: tuple[PlaceTask, ...]
    recipe: ChipStyle
    settings: Access


def cut_chips(task: CutTask) -> list[ChipRecord]:
    """Cut a product's chips into the cache; runs in a worker, and may run twice.

    Raises:
        NotFoundError: The product, or a band of it, is not there.
        InputError: The product has no such layer, or cannot be read.
    """
    product = reopen(task.product.ref, task.settings, task.recipe.boa_offset)
    with OpenImages(Reading(task.settings.openjpeg, task.settings.kept_in)) as images:
        sources = [_band(product, band, task.recipe) for band in task.recipe.bands]
        frames = _frames([image.grid for image in sources], task)
        pixels = [
            images.read(
                image, [_frame_of(task.recipe, frame, image.grid) for frame in frames], resampling=_method(task)
            )
            for image in sources
        ]
        classes = _scl(product, images, frames)
        records = []
        for at, place in enumerate(task.places):
            mine = [of_band[at][0] for of_band in pixels]
            chip = _Chip(task, product, place, frames[at], sources, mine, None if classes is None else classes[at])
            used = chip.complete(images)
            chip.hide(images)
            record = chip.write(used)
            ChipStore(place.folder).keep(record.product, record.to_json())
            records.append(record)
    return records


def _frames(grids: Sequence[Grid], task: CutTask) -> list[Grid]:
    """The grid of each chip: pixels of the first band or the wanted resolution, on the coarsest band's grid."""
    recipe = task.recipe
    first = grids[0] if recipe.res is None else grids[0].with_resolution(recipe.res)
    coarsest = max(first.resolution_m, *(grid.resolution_m for grid in grids))
    frames = []
    for place in task.places:
        centre = project_point(place.place.lon, place.place.lat, LON_LAT, first.epsg)
        size = recipe.size if place.place.side_m is None else ChipSize(metres=place.place.side_m)
        frames.append(chip_frame(first, coarsest, centre, size))
    return frames


def _frame_of(recipe: ChipStyle, frame: Grid, native: Grid) -> Grid:
    """Raw chips keep each band's own pixels, pictures have one grid for all."""
    if recipe.raw and recipe.index is None and recipe.res is None:
        return at_resolution(frame, native.resolution_m)
    return frame


def _band(product: Product, name: str, recipe: ChipStyle) -> BandImage:
    """A band; for an index that of the near infrared which the product has."""
    if recipe.index is not None:
        name = standing_in(name, lambda one: bool(product.resolutions(one)))
    return product.image_near(name, recipe.res)


def _method(task: CutTask) -> Resampling:
    return task.recipe.resampling  # type: ignore[return-value]


def _scl(product: Product, images: OpenImages, frames: Sequence[Grid]) -> list[NDArray[Any]] | None:
    """The scene classes in their own pixels, for the share of cloud; None of L1C, and of products without classes."""
    source = None if product.metadata.level is Level.L1C else class_image(product, resolution_m=SCL_RESOLUTION_M)
    if source is None:
        return None
    resolution_m = source.image.grid.resolution_m
    return list(scene_classes(source, [at_resolution(one, resolution_m) for one in frames], images))


class _Chip:
    """One chip in the making."""

    def __init__(
        self,
        task: CutTask,
        product: Product,
        place: PlaceTask,
        frame: Grid,
        sources: Sequence[BandImage],
        pixels: list[NDArray[Any]],
        scl: NDArray[Any] | None,
    ) -> None:
        self._task, self._product, self._place, self._frame = task, product, place, frame
        self._sources, self._pixels, self._scl = sources, pixels, scl

    def complete(self, images: OpenImages) -> tuple[str, ...]:
        """Fill what has no data from other products of the datatake; returns the products that gave pixels."""
        used = []
        for ref in self._place.companions:
            if all(pixels.all() for pixels in self._pixels):
                break
            other = reopen(ref, self._task.settings, self._task.recipe.boa_offset)
            gave = False
            for at, mine in enumerate(self._sources):
                theirs = other.image_near(mine.band, self._task.recipe.res)
                frame = _frame_of(self._task.recipe, self._frame, mine.grid)
                extra = images.read(theirs, [frame], resampling=_method(self._task))[0][0]
                together = filled(self._pixels[at], mine, extra, theirs)
                gave |= bool((together != self._pixels[at]).any())
                self._pixels[at] = together
            codes = None if self._scl is None else _scl(other, images, [self._frame])
            if self._scl is not None and codes is not None and codes[0].shape == self._scl.shape:
                self._scl = np.where(self._scl == 0, codes[0], self._scl)
            if gave:
                used.append(other.id)
        return tuple(used)

    def hide(self, images: OpenImages) -> None:
        """Make what the mask hides no data; classes of products that complete the chip count as its own do.

        Raises:
            NotFoundError: The product has neither SCL nor a mask of clouds.
        """
        task, mask = self._task, self._task.recipe.mask
        if mask is None:
            return
        others = (class_source(reopen(ref, task.settings, task.recipe.boa_offset)) for ref in self._place.companions)
        sources = [needed_classes(self._product), *(one for one in others if one is not None)]
        for at, image in enumerate(self._sources):
            if image.is_classes:
                continue
            frame = _frame_of(task.recipe, self._frame, image.grid)
            hiding = np.logical_or.reduce([hidden(one, [frame], mask, images)[0] for one in sources])
            self._pixels[at] = np.where(hiding, image.nodata, self._pixels[at]).astype(self._pixels[at].dtype)

    def write(self, used: tuple[str, ...]) -> ChipRecord:
        """Write the chip's files into the cache and say what it is."""
        valid = np.ones(self._pixels[0].shape, bool)
        for pixels in self._pixels:
            valid = valid & (pixels != 0) if pixels.shape == valid.shape else valid
        histogram = None if self._scl is None else class_histogram(self._scl)
        cloud = None if histogram is None else share_of(histogram, CLOUDY)
        base = ChipRecord(
            product=self._task.product.id,
            sensing=self._task.product.sensing,
            level=str(self._product.metadata.level),
            tile=self._task.product.tile,
            baseline=self._task.product.baseline,
            files=(),
            epsg=self._frame.epsg,
            transform=self._frame.geotransform,
            size_px=self._frame.width,
            valid_pct=round(100.0 * float(valid.mean()), 2),
            cloud_pct=None if cloud is None else round(100.0 * cloud, 2),
            scl=histogram,
            companions=used,
            offset_source=self._offset_source,
            footprint=mapping(lon_lat_outline(self._frame.bounds, self._frame.epsg)),
        )
        if not any(pixels.any() for pixels in self._pixels):
            return base  # reported, not drawn
        written = write_chip(self._chip_pixels(), self._task.recipe, base.product, self._place.folder, self._tags(used))
        return replace(base, files=written.files, bands=written.bands, limits=written.limits, notes=self._substitutes())

    def _chip_pixels(self) -> ChipPixels:
        recipe = self._task.recipe
        return ChipPixels(
            bands=tuple(PaintedBand(one.band, Radiometry(one.quantification, one.offset)) for one in self._sources),
            pixels=tuple(self._pixels),
            grids=tuple(_frame_of(recipe, self._frame, one.grid) for one in self._sources),
            clear=self._clear() if recipe.stretch.kind is StretchKind.AUTO and not recipe.raw else None,
        )

    def _clear(self) -> NDArray[np.bool_] | None:
        """True for clear pixels of the chip; None without SCL."""
        if self._scl is None:
            return None
        frame = at_resolution(self._frame, self._frame.resolution_m * self._frame.width / self._scl.shape[1])
        return np.isin(picked(self._scl[None], frame, self._frame)[0], sorted(CLEAR))

    def _substitutes(self) -> tuple[str, ...]:
        recipe = self._task.recipe
        return substitute_notes(recipe.subject, recipe.bands, self._sources, recipe.res)

    def _tags(self, used: tuple[str, ...]) -> dict[str, str]:
        recipe = self._task.recipe
        tags = common_tags(
            product=self._task.product.id,
            sensing=self._task.product.sensing,
            level=str(self._product.metadata.level),
            baseline=self._task.product.baseline,
            tile=self._task.product.tile,
            subject=recipe.subject,
            grid=self._frame,
            sources=[(one.band, one.resolution_m) for one in self._sources],
            resampling=recipe.resampling,
            credit=self._product.mission.credit,
        )
        tags["OFFSET_SOURCE"] = self._offset_source
        if recipe.mask is not None:
            tags["MASKED_CLASSES"] = recipe.mask.text
        notes = (*self._substitutes(), *(f"completed by {product}" for product in used))
        return tags | ({"NOTE": "; ".join(notes)} if notes else {})

    @property
    def _offset_source(self) -> str:
        """Who says what the offset is; of no meaning if no band is a reflectance."""
        return self._product.offset_source if any(image.is_reflectance for image in self._sources) else ""
