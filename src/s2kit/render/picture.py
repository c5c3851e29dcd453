"""One picture, planned: which images it is made of, on which grid, and how it is painted; reads any window of it.

A `Picture` is small and picklable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.grid import Grid, Window
from s2kit.picture.clouds import ClassImage, ClassSource, Mask, scene_classes
from s2kit.picture.clouds import hidden as by_class
from s2kit.picture.composites import Subject
from s2kit.picture.painter import BandCounts, Look, Mode, PaintedBand, Pixels, count, counted_limits, paint
from s2kit.picture.read import DEFAULT_READING, OpenImages, Reading, Resampling, Use, read
from s2kit.product.band_image import BandImage
from s2kit.product.masks import inside
from s2kit.product.radiometry import to_physical
from s2kit.product.scl import CLEAR

SAMPLE_PX = 1000
"""Percentiles are taken of a grid with no more pixels than this on its longer side."""
CLOUDY_COASTAL = 0.3
"""Reflectance of B01 over which a pixel of L1C, which has no classes, is taken for a cloud: the atmosphere's own blue
stays below 0.2 over dark ground, deserts below 0.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is painted."""

    subject: Subject
    sources: tuple[BandImage, ...]
    """One a band of the look."""
    grid: Grid
    """Of the output."""
    look: Look
    resampling: Resampling = "auto"
    classes: ClassSource | None = None
    """Where the scene classes are, if they are needed."""
    clear_by: BandImage | ClassImage | None = None
    """The image that shows clouds, for the percentiles: the scene classification or flags, or B01 of L1C."""
    mask: Mask | None = None
    """Which pixels become no data by their scene class."""
    clip: BaseGeometry | None = None
    """In the grid's CRS: what lies outside becomes no data."""
    reading: Reading = DEFAULT_READING

    @property
    def use(self) -> Use:
        """Whether reductions may serve: never for data, nor with a resampling that somebody named."""
        return "data" if self.look.mode is Mode.DATA or self.resampling != "auto" else "picture"

    @property
    def sample_grid(self) -> Grid:
        """A coarser grid on which pixels are counted for the percentiles."""
        reduction = 0
        while max(self.grid.width, self.grid.height) >> reduction > SAMPLE_PX:
            reduction += 1
        return self.grid.reduced(reduction)

    def painted_with(self, counts: Sequence[Sequence[BandCounts]]) -> "Picture":
        """The same picture with limits from the counts of each band, of one or more pictures."""
        return replace(self, look=replace(self.look, limits=counted_limits(self.look, counts)))


def read_pixels(picture: Picture, grid: Grid, sources: Sequence[BandImage] | None = None) -> list[NDArray[Any]]:
    """Stored numbers on a grid, masked and clipped pixels as no data.

    Args:
        picture: Whose bands are read.
        grid: Any part of its grid, or a coarser one.
        sources: Only these of its images; None for all.

    Returns:
        For each image `[component, row, col]`.

    Raises:
        InputError: An image is damaged.
    """
    hiding = hidden(picture, grid)
    images = picture.sources if sources is None else sources
    pixels = [
        one for (one,) in read(images, [grid], resampling=picture.resampling, use=picture.use, reading=picture.reading)
    ]
    if hiding is not None:
        for image, one in zip(images, pixels, strict=True):
            one[:, hiding] = image.nodata
    return pixels


def hidden(picture: Picture, grid: Grid) -> NDArray[np.bool_] | None:
    """True for the pixels that a mask or an outline hides, `[row, col]`; None if nothing is hidden."""
    hiding: NDArray[np.bool_] | None = None
    if picture.mask is not None and picture.classes is not None:
        with OpenImages(picture.reading) as images:
            (hiding,) = by_class(picture.classes, [grid], picture.mask, images)
    if picture.clip is not None:
        outside = ~inside(picture.clip, grid, grid.window)
        hiding = outside if hiding is None else hiding | outside
    return hiding


def paint_window(picture: Picture, window: Window) -> Pixels:
    """The pixels of a window of the output, `[row, col, channel]`; the picture has its limits, if it needs any."""
    return paint(picture.look, read_pixels(picture, picture.grid.cropped(window)))


def count_band(picture: Picture, place: int) -> BandCounts:
    """Count the values of one band on the sample grid."""
    grid = picture.sample_grid
    (pixels,) = read_pixels(picture, grid, [picture.sources[place]])
    return count(picture.look.bands[place], pixels, clear_pixels(picture, grid))


def clear_pixels(picture: Picture, grid: Grid) -> NDArray[np.bool_] | None:
    """True for pixels where the ground is seen, `[row, col]`; None if it is not known or not needed."""
    image = picture.clear_by
    if image is None or not picture.look.needs_clear:
        return None
    if isinstance(image, ClassImage):
        with OpenImages(picture.reading) as images:
            return np.isin(scene_classes(image, [grid], images)[0], sorted(CLEAR))
    ((pixels,),) = read([image], [grid], use="picture", reading=picture.reading)
    if image.is_classes:
        return np.isin(pixels[0], sorted(CLEAR))
    band = PaintedBand.of(image)
    return np.asarray(to_physical(pixels[0], band.radiometry, band.nodata) < CLOUDY_COASTAL, np.bool_)
