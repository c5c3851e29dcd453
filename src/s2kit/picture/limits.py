"""Limits of a stretch and the bytes that follow from them: percentiles of pixels, soft highlights, tables of greys.

Pure: no input or output. Limits are physical values, so that products with and without an offset look alike. A byte of
0 always means no data; data lies between 1 and 255 (only the legacy rule, which knew no such thing, gives data a 0).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2kit.picture.legacy import LEGACY_WHITE_DN, legacy_greys
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.product.metadata import Radiometry
from s2kit.product.radiometry import physical

DN_COUNT = 65536
"""Digital numbers are 16 bits wide."""
KNEE = 0.65
"""Share of the greys that lie below the highlights."""
ENOUGH_CLEAR = 0.02
"""Share of the pixels with data that must be clear for the percentiles to be taken of them alone."""
_WHITE_PERCENT = 99.9
_WORTH_SOFTENING = 1.6
"""How far above the high limit highlights must reach; below `1 / KNEE` they would rise faster than the land."""


class Limits(NamedTuple):
    """What becomes the first grey of a band and what the last."""

    low: float
    """Physical value that becomes 1."""
    high: float
    """Physical value that becomes 255, or the byte where the highlights begin."""
    white: float | None = None
    """Physical value that becomes 255 where highlights are soft: above `high`, greys rise ever slower."""
    highlights: "Limits | None" = None
    """Whose greys the band follows above its own `high`: what is bright in all bands is white then; None: its own."""

    def __str__(self) -> str:
        return f"{self.low:.4g}:{self.high:.4g}" + (f"..{self.white:.4g}" if self.white is not None else "")


def histogram(dn: NDArray[np.integer], keep: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """How often each digital number from 0 to 65535 occurs, of all pixels or of those where `keep` is True."""
    values = dn.ravel() if keep is None else dn[keep]
    return np.bincount(values, minlength=DN_COUNT)


@dataclass(frozen=True, slots=True)
class Counts:
    """Physical values of one band with how often they occur, no data left out."""

    values: NDArray[np.float64]
    """Rising."""
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, counted: NDArray[np.int64], radiometry: Radiometry, nodata: int = 0) -> "Counts":
        """From a histogram of digital numbers."""
        counted = counted.copy()
        counted[nodata] = 0
        dn = np.flatnonzero(counted)
        return cls((dn.astype(np.float64) + radiometry.offset) / radiometry.quantification, counted[dn])

    @classmethod
    def merged(cls, parts: Sequence["Counts"]) -> "Counts":
        """All values of several together."""
        values = np.concatenate([part.values for part in parts]) if parts else np.empty(0)
        counts = np.concatenate([part.counts for part in parts]) if parts else np.empty(0, np.int64)
        order = np.argsort(values, kind="stable")
        return cls(values[order], counts[order])

    @property
    def total(self) -> int:
        """Number of pixels."""
        return int(self.counts.sum())

    def percentile(self, percent: float) -> float:
        """The smallest value that at least so many per cent of the pixels do not exceed (numpy's `inverted_cdf`).

        Returns:
            NaN if there is no pixel.
        """
        if not self.total:
            return math.nan
        reached = np.cumsum(self.counts)
        wanted = max(1, math.ceil(percent / 100 * reached[-1] - 1e-9))
        return float(self.values[np.searchsorted(reached, wanted)])


def percentile_limits(
    stretch: Stretch, clear: Sequence[Counts], everything: Sequence[Counts], *, shared: bool
) -> tuple[Limits, ...]:
    """Limits of each band from its own percentiles.

    Args:
        stretch: Of kind `AUTO` or `PERCENT`.
        clear: Values of each band in pixels without clouds, taken for `AUTO` unless they are too few.
        everything: Values of each band; a band without any gets the limits 0 and 1.
        shared: True to give all bands the widest band's reach, from half-way between the lowest low and their own:
            colours then stay natural, and of the haze that lifts the blue of L1C the half is taken off.
    """
    soft = stretch.kind is StretchKind.AUTO
    enough = soft and all(
        part.total >= ENOUGH_CLEAR * whole.total for part, whole in zip(clear, everything, strict=True)
    )
    limits = []
    for place, counts in enumerate(clear if enough else everything):
        low, high = (counts.percentile(percent) for percent in stretch.pair(place))
        white = everything[place].percentile(_WHITE_PERCENT) if soft else None
        limits.append(_widened(low, high, white) if counts.total else Limits(0.0, 1.0))
    known = [one for one, counts in zip(limits, everything, strict=True) if counts.total]
    if shared and known:
        lowest = min(one.low for one in known)
        reach = max(one.high - one.low for one in known)
        whites = [one.white - one.low for one in known if one.white is not None]
        lows = [(lowest + one.low) / 2 if one in known else None for one in limits]
        return tuple(
            one if low is None else _widened(low, low + reach, low + max(whites) if whites else None)
            for one, low in zip(limits, lows, strict=True)
        )
    return _white_together(limits)


def _widened(low: float, high: float, white: float | None) -> Limits:
    """Limits whose highlights are worth the name: `white` well above `high`, or none."""
    if white is not None and white - low > _WORTH_SOFTENING * (high - low) > 0:
        return Limits(low, high, white)
    return Limits(low, high)


def _white_together(limits: Sequence[Limits]) -> tuple[Limits, ...]:
    """The limits with one curve for all soft highlights, that of the darkest band: clouds are white in any bands."""
    whites = [one.white for one in limits if one.white is not None]
    if len(whites) < len(limits) or not whites:
        return tuple(limits)
    darkest = min(limits, key=lambda one: one.high)._replace(white=max(whites))
    return tuple(
        darkest if one.high == darkest.high else one._replace(white=darkest.white, highlights=darkest) for one in limits
    )


def absolute_limits(stretch: Stretch, radiometries: Sequence[Radiometry]) -> tuple[Limits, ...]:
    """Limits of each band of a stretch that names them, as physical values.

    Limits in reflectance apply the offset; those in stored numbers (`0:3000dn`) become the physical values of these
    numbers; of the legacy rule, the values where its greys begin and end.
    """
    limits = []
    for place, radiometry in enumerate(radiometries):
        if stretch.kind is StretchKind.PHYSICAL:
            limits.append(Limits(*stretch.pair(place)))
        else:
            low, high = (0.0, LEGACY_WHITE_DN) if stretch.kind is StretchKind.LEGACY else stretch.pair(place)
            limits.append(Limits(physical(low, radiometry), physical(high, radiometry)))
    return tuple(limits)


def lut(stretch: Stretch, limits: Limits, radiometry: Radiometry, nodata: int = 0) -> NDArray[np.uint8]:
    """The byte of each digital number from 0 to 65535; see `greys`."""
    return greys(np.arange(DN_COUNT), stretch, limits, radiometry, nodata)


def greys(
    dn: NDArray[Any], stretch: Stretch, limits: Limits, radiometry: Radiometry, nodata: int = 0
) -> NDArray[np.uint8]:
    """The bytes of digital numbers.

    Args:
        dn: Digital numbers of any shape.
        stretch: For its gamma and the legacy rule.
        limits: Physical values that become 1 and 255; if they are equal, less is 1 and the rest 255.
        radiometry: How digital numbers become physical values.
        nodata: The digital number that becomes 0.

    Returns:
        Of the same shape.
    """
    if stretch.kind is StretchKind.LEGACY:
        return legacy_greys(dn)
    values = (dn.astype(np.float64) + radiometry.offset) / radiometry.quantification
    share = _soft_share(values, limits)
    if limits.highlights is not None:
        bright = _soft_share(values, limits.highlights)
        knee = _soft_share(np.array([limits.high]), limits.highlights)
        share = np.where(values < limits.high, share / KNEE * knee, bright)
    share = np.clip(share, 0.0, 1.0)
    if stretch.gamma != 1.0:
        share **= 1.0 / stretch.gamma
    found: NDArray[np.uint8] = np.rint(1 + 254 * share).astype(np.uint8)
    found[dn == nodata] = 0
    return found


def _soft_share(values: NDArray[np.float64], limits: Limits) -> NDArray[np.float64]:
    """The share of the greys that physical values get by some limits' own low, high and white; may exceed 1."""
    reach = max(limits.high - limits.low, 1e-12)
    share: NDArray[np.float64] = np.clip((values - limits.low) / reach, 0.0, None)
    return share if limits.white is None else softened(share, (limits.white - limits.low) / reach)


def softened(share: NDArray[np.float64], white: float) -> NDArray[np.float64]:
    """Linear up to 1, where the knee is reached, then logarithmic up to `white`, without a kink.

    Args:
        share: 0 for the low limit, 1 for the high one.
        white: The share that becomes 1; over `1 / KNEE`.

    Returns:
        `KNEE * share` below the high limit; above it `KNEE + (1 - KNEE) * log(1 + c * x) / log(1 + c * (white - 1))`
        with `x = share - 1` and that `c` for which the slope does not jump.
    """
    low, high = 1e-6, 1e6
    for _ in range(100):  # bisection: the slope at the knee rises with c
        middle = math.sqrt(low * high)
        if (1 - KNEE) * middle / math.log1p(middle * (white - 1)) < KNEE:
            low = middle
        else:
            high = middle
    above = np.log1p(middle * np.maximum(share - 1, 0)) / math.log1p(middle * (white - 1))
    soft: NDArray[np.float64] = KNEE * np.minimum(share, 1) + (1 - KNEE) * above
    return soft
