"""What a stretch is: percentiles, reflectance, stored numbers or a legacy rule, in the forms that people type.

Pure: no input or output.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from s2kit.errors import InputError
from s2kit.picture.legacy import parse_legacy_scale

Pair = tuple[float, float]

_PAIR = re.compile(r"\s*([-+.\deE]+)\s*:\s*([-+.\deE]+)\s*(%|dn)?\s*", re.IGNORECASE)
_HINT = "as in 2:98% (percentiles), 0:0.3 (reflectance), 0:3000dn (stored numbers), legacy; or three of them, by commas"
_BANDS = 3
AUTO_GAMMA = 1.3
"""Brightens the land a little, as an eye does that is used to the sky."""
BRIGHTEST = 6.5536
"""No reflectance is above this: stored numbers have 16 bits and are divided by 10000."""


class StretchKind(StrEnum):
    """What the numbers of a stretch are."""

    AUTO = "auto"
    """Percentiles of the clear pixels and soft highlights: clouds neither darken the land nor lose their form."""
    PERCENT = "percent"
    """Percentiles of the pixels with data."""
    PHYSICAL = "physical"
    """Reflectance, optical thickness or centimetres of water."""
    DIGITAL = "digital"
    """Digital numbers as they are stored in the file, before any offset."""
    LEGACY = "legacy"
    """`min(255, 10 * (DN // 256))`, the look of the legacy picture service."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch as it is asked for."""

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
        """True if limits come from the pixels."""
        return self.kind in {StretchKind.AUTO, StretchKind.PERCENT}

    def pair(self, band: int) -> Pair:
        """The pair of a band by its place in the picture."""
        return self.pairs[band] if len(self.pairs) > 1 else self.pairs[0]

    @property
    def meaning(self) -> str:
        """What the numbers are, in words, for tags and pages."""
        match self.kind:
            case StretchKind.AUTO:
                return "percentiles 2 to 98 of the clear pixels, soft highlights"
            case StretchKind.LEGACY:
                return "legacy, 10 greys for 256 stored numbers"
        unit = {StretchKind.PERCENT: "percentiles", StretchKind.DIGITAL: "stored numbers"}.get(self.kind, "reflectance")
        return f"{unit} {', '.join(f'{low:g} to {high:g}' for low, high in self.pairs)}"

    def check_bands(self, name: str, bands: Sequence[str]) -> None:
        """Raise `InputError` if the stretch does not fit some bands.

        Args:
            name: What the picture shows, for the message.
            bands: The bands that are stretched: there must be one pair for all or one for each, and limits of
                reflectance must be values that reflectance can have.
        """
        if len(self.pairs) not in {0, 1, len(bands)}:
            count = "one band" if len(bands) == 1 else f"{len(bands)} bands"
            raise InputError(f"stretch {self.text} has {len(self.pairs)} pairs, {name} has {count}", "give one")
        if self.kind is not StretchKind.PHYSICAL or not any(band.startswith("B") for band in bands):
            return
        for low, high in self.pairs:
            if high > BRIGHTEST:
                as_percent = f", {low:g}:{high:g}% for percentiles" if 0 <= low < high <= 100 else ""
                raise InputError(
                    f"stretch {self.text}: {high:g} is beyond any reflectance, which lies between 0 and about 1",
                    f"{low:g}:{high:g}dn for stored numbers{as_percent}, 0:0.3 for reflectance",
                )


def parse_stretch(text: str, gamma: float | None = None) -> Stretch:
    """Read `auto`, `2:98%`, `0:0.3`, `0:3000dn`, three of one kind joined by commas, `legacy`, or a legacy scale.

    `5_95` is `5:95%`, and `0_4000_0_2500_0_2000` is `0:0.4,0:0.25,0:0.2`.

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
    if ":" not in word and "_" in word:
        percent, found = parse_legacy_scale(word)
        return _checked(text, Stretch(StretchKind.PERCENT if percent else StretchKind.PHYSICAL, found, gamma))
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
    return _checked(text, Stretch(_kind(text, units), tuple(pairs), gamma))


def _checked(text: str, stretch: Stretch) -> Stretch:
    if stretch.kind is StretchKind.PERCENT and any(low < 0 or high > 100 for low, high in stretch.pairs):
        raise InputError(f"stretch {text!r}: percentiles lie from 0 to 100", _HINT)
    return stretch


def _kind(text: str, units: Sequence[str]) -> StretchKind:
    named = {unit for unit in units if unit} or {""}
    if len(named) > 1 or (any(not unit for unit in units[:-1]) and any(units[:-1])):
        raise InputError(f"stretch {text!r} mixes percentiles, reflectance and stored numbers", _HINT)
    return {"%": StretchKind.PERCENT, "dn": StretchKind.DIGITAL, "": StretchKind.PHYSICAL}[named.pop()]
