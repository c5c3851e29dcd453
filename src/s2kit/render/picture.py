"""One picture, planned: which images it is made of, on which grid, and how its pixels become bytes or numbers.

A `Picture` is small and picklable; workers paint any window of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.grid import Grid, Window
from s2kit.picture.band_pixels import DEFAULT_READING, Reading, Resampling, read_on
from s2kit.picture.composites import NATURAL, Subject
from s2kit.picture.indices import Index, compute, find_index
from s2kit.picture.palettes import Palette, palette, scene_palette, to_steps
from s2kit.picture.stretch import (
    Counts,
    Limits,
    Stretch,
    StretchKind,
    absolute_limits,
    histogram,
    lut,
    percentile_limits,
)
from s2kit.product.masks import inside
from s2kit.product.metadata import Radiometry
from s2kit.product.open import BandImage
from s2kit.product.radiometry import to_physical

Pixels = NDArray[np.generic]
SAMPLE_PX = 1000
"""Percentiles are taken of a level with no more pixels than this on its longer side."""
CLOUDY_COASTAL = 0.3
"""Reflectance of B01 over which a pixel of L1C, which has no classes, is taken for a cloud: the atmosphere's own blue
stays below 0.2 over dark ground, deserts below 0.3."""


class Mode(StrEnum):
    """How pixels are made."""

    COLOURS = "colours"
    """Bands stretched to bytes: one is grey, three are red, green and blue."""
    READY = "ready"
    """A picture as the product has it (TCI, PVI)."""
    CLASSES = "classes"
    """Codes of the scene classification with their colours."""
    VALUES = "values"
    """An index as steps of a palette."""
    DATA = "data"
    """Numbers: digital ones (uint16), or reflectance and indices (float32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is painted."""

    subject: Subject
    sources: tuple[BandImage, ...]
    """One a band of the subject."""
    grid: Grid
    """Of the output."""
    mode: Mode
    dtype: str
    """`uint8`, `uint16` or `float32`."""
    stretch: Stretch
    limits: tuple[Limits, ...] = ()
    """Known before painting for `COLOURS`; one a band."""
    resampling: Resampling = "auto"
    classes: BandImage | None = None
    """The scene classification, where it is needed."""
    clear_by: BandImage | None = None
    """What tells clouds for the percentiles: the scene classification, or B01 of L1C."""
    masked: frozenset[int] = field(default=frozenset())
    """Codes of the scene classification whose pixels become no data."""
    clip: BaseGeometry | None = None
    """In the grid's CRS: what lies outside becomes no data."""
    reading: Reading = DEFAULT_READING

    @property
    def channels(self) -> int:
        """Bands of the output."""
        if self.mode is Mode.READY:
            return 3
        return 1 if self.subject.index else len(self.sources)

    @property
    def index(self) -> Index | None:
        """The index, if it is one."""
        return find_index(self.subject.index) if self.subject.index else None

    @property
    def palette(self) -> Palette | None:
        """What colours the bytes name, if they name any."""
        if self.mode is Mode.CLASSES:
            return scene_palette()
        index = self.index
        return palette(index.palette) if index and self.mode is Mode.VALUES else None

    @property
    def radiometries(self) -> tuple[Radiometry, ...]:
        """How the digital numbers of each source are to be read."""
        return tuple(Radiometry(image.quantification, image.offset) for image in self.sources)

    @property
    def shares_limits(self) -> bool:
        """True where all bands get the same limits, so that colours look natural."""
        return self.subject.bands in NATURAL

    @property
    def needs_counts(self) -> bool:
        """True where the pixels must be counted before they can be painted."""
        return self.mode is Mode.COLOURS and not self.limits and self.stretch.needs_counts

    @property
    def sample_grid(self) -> Grid:
        """A coarser grid that tells the percentiles."""
        reduction = 0
        while max(self.grid.width, self.grid.height) >> reduction > SAMPLE_PX:
            reduction += 1
        return self.grid.reduced(reduction)


def read_band(picture: Picture, place: int, grid: Grid) -> NDArray[np.uint16]:
    """One band on a grid with masked and clipped pixels as no data, `[component, row, col]`."""
    pixels = read_on(picture.sources[place], grid, picture.resampling, reading=picture.reading)
    return hide(pixels, hidden(picture, grid))


def hidden(picture: Picture, grid: Grid) -> NDArray[np.bool_] | None:
    """True for the pixels that a mask or an outline hides; None where nothing is hidden."""
    hiding: NDArray[np.bool_] | None = None
    if picture.masked and picture.classes is not None:
        codes = read_on(picture.classes, grid, reading=picture.reading)[0]
        hiding = np.isin(codes, sorted(picture.masked))
    if picture.clip is not None:
        outside = ~inside(picture.clip, grid, grid.window)
        hiding = outside if hiding is None else hiding | outside
    return hiding


def hide(pixels: NDArray[np.uint16], hiding: NDArray[np.bool_] | None) -> NDArray[np.uint16]:
    """The pixels with those that are hidden set to 0."""
    if hiding is not None:
        pixels[:, hiding] = 0
    return pixels


def paint(picture: Picture, window: Window | None = None) -> Pixels:
    """The pixels of a window of the output.

    Args:
        picture: With its limits, where it needs any.
        window: Of the output's grid; None for all of it.

    Returns:
        `[row, col, channel]` of the picture's dtype.

    Raises:
        InputError: An image is damaged.
    """
    grid = picture.grid if window is None else picture.grid.cropped(window)
    hiding = hidden(picture, grid)
    bands = [
        hide(read_on(image, grid, picture.resampling, reading=picture.reading), hiding) for image in picture.sources
    ]
    return painted(picture, bands)


def painted(picture: Picture, bands: Sequence[NDArray[np.uint16]]) -> Pixels:
    """Digital numbers of each source, `[component, row, col]`, as pixels of the output, `[row, col, channel]`."""
    if picture.mode is Mode.READY:
        return np.ascontiguousarray(np.moveaxis(bands[0], 0, 2))
    if picture.index is not None:
        return _index_values(picture, picture.index, bands)[..., None]
    if picture.mode is Mode.COLOURS:
        return _colours(picture, bands)
    out = np.empty((*bands[0].shape[1:], len(bands)), picture.dtype)
    for place, (band, radiometry) in enumerate(zip(bands, picture.radiometries, strict=True)):
        out[..., place] = to_physical(band[0], radiometry) if picture.dtype == "float32" else band[0]
    return out


def _colours(picture: Picture, bands: Sequence[NDArray[np.uint16]]) -> Pixels:
    out = np.empty((*bands[0].shape[1:], len(bands)), np.uint8)
    for place, (band, limits, radiometry) in enumerate(zip(bands, picture.limits, picture.radiometries, strict=True)):
        table = lut(picture.stretch, limits, radiometry, picture.sources[place].nodata)
        np.take(table, band[0], out=out[..., place])
    if len(bands) > 1 and picture.stretch.kind is not StretchKind.LEGACY:
        _drop_fringe(out, [band[0] == image.nodata for band, image in zip(bands, picture.sources, strict=True)])
    return out


def _drop_fringe(out: NDArray[np.uint8], empty: Sequence[NDArray[np.bool_]]) -> None:
    """Where one band ends before the others (at a swath's edge), all end: no fringe of odd colours."""
    anywhere = [one for one in empty if one.any()]
    if anywhere:
        out[np.logical_or.reduce(anywhere)] = 0


def _index_values(picture: Picture, index: Index, bands: Sequence[NDArray[np.uint16]]) -> Pixels:
    rho = [
        to_physical(band[0], radiometry, image.nodata)
        for band, radiometry, image in zip(bands, picture.radiometries, picture.sources, strict=True)
    ]
    values = compute(index, rho)
    return values if picture.mode is Mode.DATA else to_steps(values, index.low, index.high)


@dataclass(frozen=True, slots=True)
class BandCounts:
    """How often each physical value of one band occurs."""

    clear: Counts
    """In pixels without clouds; the same as `everything` where nothing tells clouds."""
    everything: Counts


def count(picture: Picture, place: int) -> BandCounts:
    """Count the values of one band on the sample grid."""
    grid = picture.sample_grid
    return counted(picture, place, read_band(picture, place, grid), clear_pixels(picture, grid))


def counted(picture: Picture, place: int, pixels: NDArray[np.uint16], clear: NDArray[np.bool_] | None) -> BandCounts:
    """Count the values of a band that was read, `[component, row, col]`."""
    radiometry, nodata = picture.radiometries[place], picture.sources[place].nodata
    everything = Counts.of(histogram(pixels[0]), radiometry, nodata)
    if clear is None:
        return BandCounts(everything, everything)
    return BandCounts(Counts.of(histogram(pixels[0], clear), radiometry, nodata), everything)


def clear_pixels(picture: Picture, grid: Grid) -> NDArray[np.bool_] | None:
    """True where the ground is seen; None where nothing tells, or nobody asks."""
    from s2kit.product.scl import CLEAR

    image = picture.clear_by
    if image is None or picture.stretch.kind is not StretchKind.AUTO:
        return None
    pixels = read_on(image, grid, reading=picture.reading)[0]
    if image.band == "SCL":
        return np.isin(pixels, sorted(CLEAR))
    rho = to_physical(pixels, Radiometry(image.quantification, image.offset), image.nodata)
    return np.asarray(rho < CLOUDY_COASTAL, np.bool_)


def limits_of(picture: Picture, counts: Sequence[Sequence[BandCounts]]) -> tuple[Limits, ...]:
    """Limits from the counts of each band, those of several pictures taken together.

    Args:
        picture: One of the pictures.
        counts: For each band, the counts of one or more pictures.
    """
    clear = [Counts.merged([one.clear for one in band]) for band in counts]
    everything = [Counts.merged([one.everything for one in band]) for band in counts]
    return percentile_limits(picture.stretch, clear, everything, shared=picture.shares_limits)


def fixed_limits(picture: Picture) -> tuple[Limits, ...]:
    """Limits that need no counting; none where they do, or where no stretch applies."""
    if picture.mode is not Mode.COLOURS or picture.stretch.needs_counts:
        return ()
    return absolute_limits(picture.stretch, picture.radiometries)
