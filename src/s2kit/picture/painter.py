"""How numbers of bands become pixels of a picture or of a data file: the one painter of every verb.

Pure: no input or output. Stored numbers come in as `[component, row, col]` and leave as `[row, col, channel]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2kit.picture.composites import NATURAL
from s2kit.picture.indices import Index, compute
from s2kit.picture.limits import DN_COUNT, Counts, Limits, absolute_limits, greys, histogram, lut, percentile_limits
from s2kit.picture.palettes import (
    LegendEntry,
    Palette,
    legend_text,
    palette,
    palette_source,
    scene_legend,
    scene_palette,
    to_steps,
    value_legend,
)
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.product.metadata import Radiometry
from s2kit.product.open import BandImage
from s2kit.product.radiometry import to_physical

Pixels = NDArray[np.generic]


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
    """Numbers: stored ones (uint16), or reflectance and indices (float32)."""


class PaintedBand(NamedTuple):
    """One image whose numbers are painted."""

    name: str
    """`B04`, `SCL` …"""
    radiometry: Radiometry = Radiometry(1.0, 0.0)
    """How stored numbers become physical values."""
    nodata: int = 0
    """The stored number that means no data."""

    @classmethod
    def of(cls, image: BandImage) -> "PaintedBand":
        """The band of a product's image."""
        return cls(image.band, Radiometry(image.quantification, image.offset), image.nodata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How some bands are painted; small and picklable."""

    mode: Mode
    bands: tuple[PaintedBand, ...]
    """For an index, those of its formula in its order."""
    dtype: str = "uint8"
    """`uint8`, `uint16` or `float32`."""
    stretch: Stretch = field(default_factory=Stretch)
    """For `COLOURS`; for the values of an own formula, limits that are absolute set the range of the palette."""
    index: Index | None = None
    limits: tuple[Limits, ...] = ()
    """One a band, known before painting in mode `COLOURS`."""

    @property
    def channels(self) -> int:
        """Channels of the output."""
        if self.mode is Mode.READY:
            return 3
        return 1 if self.index else len(self.bands)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel is."""
        if self.mode is Mode.READY:
            return ("red", "green", "blue")
        return (self.index.name,) if self.index else tuple(band.name for band in self.bands)

    @property
    def palette(self) -> Palette | None:
        """The colours that the bytes name; None if they name none."""
        if self.mode is Mode.CLASSES:
            return scene_palette()
        return palette(self.index.palette) if self.index and self.mode is Mode.VALUES else None

    @property
    def value_range(self) -> tuple[float, float]:
        """Values of the index at the two ends of the palette."""
        return (0.0, 1.0) if self.index is None else value_range(self.index, self.stretch)

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        """What the colours mean; empty if they are colours of the ground."""
        if self.mode is Mode.CLASSES:
            return scene_legend()
        if self.mode is Mode.VALUES and self.index is not None:
            return value_legend(self.index.palette, *self.value_range)
        return ()

    @property
    def legend_title(self) -> str:
        """The title of the legend."""
        return f"{self.index.name.upper()} = {self.index.formula}" if self.index else "SCL: scene classification"

    @property
    def marks_nodata(self) -> bool:
        """True if a byte of 0 (or NaN) means no data and nothing else."""
        return self.mode is not Mode.COLOURS or self.stretch.kind is not StretchKind.LEGACY

    @property
    def needs_counts(self) -> bool:
        """True if the pixels must be counted before they can be painted."""
        return self.mode is Mode.COLOURS and not self.limits and self.stretch.needs_counts

    @property
    def needs_clear(self) -> bool:
        """True if it matters which pixels are clear."""
        return self.needs_counts and self.stretch.kind is StretchKind.AUTO

    @property
    def limit_texts(self) -> Mapping[str, str]:
        """Limits of the stretch by band, as text."""
        return {band.name: str(one) for band, one in zip(self.bands, self.limits, strict=False)}

    @property
    def tags(self) -> dict[str, str]:
        """What a file says of how it was painted; in mode `COLOURS` it needs the limits."""
        tags = {"BANDS": ",".join(band.name for band in self.bands)}
        if self.index is not None:
            index = self.index
            tags |= {"INDEX": index.title, "FORMULA": index.formula, "FORMULA_SOURCE": index.source}
            if self.mode is Mode.VALUES:
                low, high = self.value_range
                tags |= {"PALETTE": palette_source(index.palette), "PALETTE_RANGE": f"{low:g}:{high:g}"}
        if self.legend:
            tags["LEGEND"] = legend_text(self.legend)
        if self.mode is Mode.COLOURS:
            tags |= {
                "STRETCH": self.stretch.text,
                "STRETCH_MEANING": self.stretch.meaning,
                "GAMMA": f"{self.stretch.gamma:g}",
                "STRETCH_LIMITS": "; ".join(f"{band} {limits}" for band, limits in self.limit_texts.items()),
            }
        return tags


def value_range(index: Index, stretch: Stretch) -> tuple[float, float]:
    """Values at the two ends of an index's palette: its own, or limits that were given for an own formula."""
    given = index.is_own and stretch.kind is StretchKind.PHYSICAL
    return stretch.pair(0) if given else (index.low, index.high)


def paint(look: Look, pixels: Sequence[NDArray[Any]]) -> Pixels:
    """The pixels of the output.

    Args:
        look: With its limits, if it needs any.
        pixels: Stored numbers of each band, `[component, row, col]`, all of one height and width.

    Returns:
        `[row, col, channel]` of the look's dtype; no data is 0, or NaN in float32.
    """
    if look.mode is Mode.READY:
        return np.ascontiguousarray(np.moveaxis(pixels[0], 0, 2))
    if look.index is not None:
        return index_values(look, pixels)[..., None]
    if look.mode is Mode.COLOURS:
        return _colours(look, pixels)
    out = np.empty((*pixels[0].shape[1:], len(pixels)), look.dtype)
    for place, (values, band) in enumerate(zip(pixels, look.bands, strict=True)):
        floats = look.dtype == "float32"
        out[..., place] = to_physical(values[0], band.radiometry, band.nodata) if floats else values[0]
    return out


def index_values(look: Look, pixels: Sequence[NDArray[Any]]) -> Pixels:
    """An index of the stored numbers of its bands: float32 in mode `DATA`, else steps of its palette, `[row, col]`."""
    if look.index is None:
        raise ValueError("the look has no index")
    reflectances = [
        to_physical(values[0], band.radiometry, band.nodata) for values, band in zip(pixels, look.bands, strict=True)
    ]
    values = compute(look.index, reflectances)
    return values if look.mode is Mode.DATA else to_steps(values, *look.value_range)


def _colours(look: Look, pixels: Sequence[NDArray[Any]]) -> Pixels:
    out = np.empty((*pixels[0].shape[1:], len(pixels)), np.uint8)
    for place, (values, band, limits) in enumerate(zip(pixels, look.bands, look.limits, strict=True)):
        if values[0].size < DN_COUNT:  # a table of all numbers costs more than such a picture
            out[..., place] = greys(values[0], look.stretch, limits, band.radiometry, band.nodata)
        else:
            np.take(lut(look.stretch, limits, band.radiometry, band.nodata), values[0], out=out[..., place])
    if len(pixels) > 1 and look.marks_nodata:
        _drop_fringe(out, [values[0] == band.nodata for values, band in zip(pixels, look.bands, strict=True)])
    return out


def _drop_fringe(out: NDArray[np.uint8], empty: Sequence[NDArray[np.bool_]]) -> None:
    """Where one band ends before the others (at a swath's edge), all end: no fringe of odd colours."""
    anywhere = [one for one in empty if one.any()]
    if anywhere:
        out[np.logical_or.reduce(anywhere)] = 0


@dataclass(frozen=True, slots=True)
class BandCounts:
    """How often each physical value of one band occurs."""

    clear: Counts
    """In pixels without clouds; the same as `everything` if clouds are not known."""
    everything: Counts


def count(band: PaintedBand, pixels: NDArray[Any], clear: NDArray[np.bool_] | None = None) -> BandCounts:
    """Count the values of a band.

    Args:
        band: What the numbers mean.
        pixels: Stored numbers, `[component, row, col]`.
        clear: `[row, col]`, True for pixels without clouds; None if clouds are not known.
    """
    everything = Counts.of(histogram(pixels[0]), band.radiometry, band.nodata)
    if clear is None:
        return BandCounts(everything, everything)
    return BandCounts(Counts.of(histogram(pixels[0], clear), band.radiometry, band.nodata), everything)


def counted_limits(look: Look, counts: Sequence[Sequence[BandCounts]]) -> tuple[Limits, ...]:
    """Limits from the counts of each band, those of several pictures taken together.

    Args:
        look: With a stretch that needs counts.
        counts: For each band, the counts of one or more pictures.
    """
    clear = [Counts.merged([one.clear for one in band]) for band in counts]
    everything = [Counts.merged([one.everything for one in band]) for band in counts]
    natural = tuple(band.name for band in look.bands) in NATURAL
    return percentile_limits(look.stretch, clear, everything, shared=natural)


def fixed_limits(look: Look) -> tuple[Limits, ...]:
    """Limits that need no counting; none if they do, or if no stretch applies."""
    if look.mode is not Mode.COLOURS or look.stretch.needs_counts:
        return ()
    return absolute_limits(look.stretch, [band.radiometry for band in look.bands])


def has_data(look: Look, pixels: Pixels) -> bool:
    """True if any pixel of the output, `[row, col, channel]`, has data; stops at the first stripe that has some."""
    for row in range(0, pixels.shape[0], _STRIPE_ROWS):
        stripe = pixels[row : row + _STRIPE_ROWS]
        if not np.isnan(stripe).all() if look.dtype == "float32" else stripe.any():
            return True
    return False


_STRIPE_ROWS = 256
