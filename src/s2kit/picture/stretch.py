"""How values become bytes: percentiles, absolute limits or the rule of the oldest system.

A byte of 0 always means no data; data lies between 1 and 255 (only the legacy rule, which knew no such thing, gives
data a 0). Limits are physical values, so that products with and without an offset look alike.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.product.metadata import Radiometry
from s2kit.product.radiometry import physical

DN_COUNT = 65536
"""Digital numbers are 16 bits wide."""

Pair = tuple[float, float]


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


_PAIR = re.compile(r"\s*([-+.\deE]+)\s*:\s*([-+.\deE]+)\s*(%|dn)?\s*", re.IGNORECASE)
_HINT = (
    "as in 2:98% (percentiles), 0:0.3 (reflectance), 0:3000dn (digital numbers), legacy; or three of them, by commas"
)
_BANDS = 3
AUTO_GAMMA = 1.3
"""Brightens the land a little, as an eye does that is used to the sky."""
KNEE = 0.65
"""Share of the greys that lie below the highlights."""
ENOUGH_CLEAR = 0.02
"""Share of the pixels with data that must be clear for the percentiles to be taken of them alone."""
_WHITE_PERCENT = 99.9
_WORTH_SOFTENING = 1.6
"""How far above the high limit highlights must reach; below `1 / KNEE` they would rise faster than the land."""


class StretchKind(StrEnum):
    """What the numbers of a stretch are."""

    AUTO = "auto"
    """Percentiles of the clear pixels and soft highlights: clouds neither darken the land nor lose their form."""
    PERCENT = "percent"
    """Percentiles of the pixels with data."""
    PHYSICAL = "physical"
    """Reflectance, optical thickness or centimetres of water."""
    DIGITAL = "digital"
    """Digital numbers as they are in the file, offset and all."""
    LEGACY = "legacy"
    """`min(255, 10 * (DN // 256))`, the picture of the oldest system."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch as it was asked for."""

    kind: StretchKind = StretchKind.AUTO
    pairs: tuple[Pair, ...] = ((2.0, 98.0),)
    """One pair for all bands, or one for each of three."""
    gamma: float = 1.0
    """Over 1 brightens the middle: the share of the range is raised to `1 / gamma`."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gamma) and 0.1 <= self.gamma <= 10):
            raise InputError(f"gamma {self.gamma:g} makes no picture", "take a number from 0.1 to 10, such as 1.4")

    @property
    def text(self) -> str:
        """The form in which it is written on the command line, without gamma."""
        if self.kind in {StretchKind.LEGACY, StretchKind.AUTO}:
            return self.kind.value
        unit = {StretchKind.PERCENT: "%", StretchKind.DIGITAL: "dn"}.get(self.kind, "")
        return ",".join(f"{low:g}:{high:g}{unit}" for low, high in self.pairs)

    @property
    def needs_counts(self) -> bool:
        """True where limits come from the pixels."""
        return self.kind in {StretchKind.AUTO, StretchKind.PERCENT}

    def pair(self, band: int) -> Pair:
        """The pair of a band by its place in the picture."""
        return self.pairs[band] if len(self.pairs) > 1 else self.pairs[0]

    def check_bands(self, name: str, bands: int) -> None:
        """Raise `InputError` if there is neither one pair for all bands nor one for each.

        Args:
            name: What the picture shows, for the message.
            bands: Bands that are stretched.
        """
        if len(self.pairs) not in {0, 1, bands}:
            count = "one band" if bands == 1 else f"{bands} bands"
            raise InputError(f"stretch {self.text} has {len(self.pairs)} pairs, {name} has {count}", "give one")


def parse_stretch(text: str, gamma: float | None = None) -> Stretch:
    """Read `auto`, `2:98%`, `0:0.3`, `0:3000dn`, three of one kind joined by commas, or `legacy`.

    Args:
        text: As on the command line.
        gamma: None for the usual one: 1, and a little more for `auto`.

    Raises:
        InputError: Another form, a low that is not below its high, a percentile outside 0 to 100.
    """
    word = text.strip().lower()
    if word == StretchKind.AUTO:
        return Stretch(gamma=AUTO_GAMMA if gamma is None else gamma)
    gamma = 1.0 if gamma is None else gamma
    if word == StretchKind.LEGACY:
        return Stretch(StretchKind.LEGACY, (), gamma)
    matches = [_PAIR.fullmatch(part) for part in text.split(",")]
    if len(matches) not in {1, _BANDS}:
        raise InputError(
            f"stretch {text!r} has {len(matches)} pairs; it takes one, or one for each of three bands", _HINT
        )
    pairs, units = [], []
    for match in matches:
        try:
            low, high = (math.nan, math.nan) if match is None else (float(match[1]), float(match[2]))
        except ValueError:
            low = high = math.nan
        if match is None or not (math.isfinite(low) and math.isfinite(high)):
            raise InputError(f"stretch {text!r} is not understood", _HINT)
        if low >= high:
            raise InputError(f"stretch {text!r}: {low:g} is not below {high:g}", _HINT)
        pairs.append((low, high))
        units.append((match[3] or "").lower())
    kind = _kind(text, units)
    if kind is StretchKind.PERCENT and any(low < 0 or high > 100 for low, high in pairs):
        raise InputError(f"stretch {text!r}: percentiles lie from 0 to 100", _HINT)
    return Stretch(kind, tuple(pairs), gamma)


def _kind(text: str, units: Sequence[str]) -> StretchKind:
    named = {unit for unit in units if unit} or {""}
    if len(named) > 1 or (any(not unit for unit in units[:-1]) and any(units[:-1])):
        raise InputError(f"stretch {text!r} mixes percentiles, reflectance and digital numbers", _HINT)
    return {"%": StretchKind.PERCENT, "dn": StretchKind.DIGITAL, "": StretchKind.PHYSICAL}[named.pop()]


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
            NaN where there is no pixel.
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
    """Limits of each band of a stretch that names them; of the legacy rule, where its greys begin and end."""
    limits = []
    for place, radiometry in enumerate(radiometries):
        if stretch.kind is StretchKind.PHYSICAL:
            limits.append(Limits(*stretch.pair(place)))
        else:
            low, high = (0.0, 6656.0) if stretch.kind is StretchKind.LEGACY else stretch.pair(place)
            limits.append(Limits(physical(low, radiometry), physical(high, radiometry)))
    return tuple(limits)


def lut(stretch: Stretch, limits: Limits, radiometry: Radiometry, nodata: int = 0) -> NDArray[np.uint8]:
    """The byte of each digital number from 0 to 65535.

    Args:
        stretch: For its gamma and the legacy rule.
        limits: Physical values that become 1 and 255; where they are equal, less is 1 and the rest 255.
        radiometry: How digital numbers become physical values.
        nodata: The digital number that becomes 0.
    """
    dn = np.arange(DN_COUNT)
    if stretch.kind is StretchKind.LEGACY:
        return np.minimum(255, 10 * (dn // 256)).astype(np.uint8)
    values = (dn.astype(np.float64) + radiometry.offset) / radiometry.quantification
    share = _soft_share(values, limits)
    if limits.highlights is not None:
        bright = _soft_share(values, limits.highlights)
        knee = _soft_share(np.array([limits.high]), limits.highlights)
        share = np.where(values < limits.high, share / KNEE * knee, bright)
    share = np.clip(share, 0.0, 1.0)
    if stretch.gamma != 1.0:
        share **= 1.0 / stretch.gamma
    table: NDArray[np.uint8] = np.rint(1 + 254 * share).astype(np.uint8)
    table[nodata] = 0
    return table


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
