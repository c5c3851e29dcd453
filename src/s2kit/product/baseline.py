"""Two small values of a product's name: the processing baseline and the relative orbit."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from s2kit.errors import InputError

_BASELINE = re.compile(r"N?(\d{1,2})\.?(\d{2})", re.ASCII)
_ORBIT = re.compile(r"R?(\d{1,3})", re.ASCII)
_ORBITS = 143
_MAX_PART = 99


@dataclass(frozen=True, slots=True, order=True)
class Baseline:
    """A processing baseline, ordered as they followed each other: 02.14 < 03.00 < 04.00 < 05.11."""

    major: int
    minor: int

    def __post_init__(self) -> None:
        if not (0 <= self.major <= _MAX_PART and 0 <= self.minor <= _MAX_PART):
            raise InputError(f"{self.major}.{self.minor} is no processing baseline", "both parts are 0 to 99")

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> Self:
        """Read `N0400`, `0400`, `04.00` or `4.00`.

        Raises:
            InputError: The text is no baseline.
        """
        match = _BASELINE.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text!r} is no processing baseline", "a baseline looks like N0400 or 04.00")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.major:02d}.{self.minor:02d}"

    @property
    def code(self) -> str:
        """As product names write it: `N0400`."""
        return f"N{self.major:02d}{self.minor:02d}"

    @property
    def reflectance_offset(self) -> int:
        """What is added to a digital number before it is divided by the quantification value.

        -1000 from baseline 04.00 on, 0 before (S2-PDGS-TAS-DI-PSD, issue 14.9, `RADIO_ADD_OFFSET`, `BOA_ADD_OFFSET`);
        used only where a product's own metadata is not at hand.
        """
        return -1000 if self >= OFFSET_SINCE else 0


UNKNOWN = Baseline(0, 0)
"""Of a product that names none."""
OFFSET_SINCE = Baseline(4, 0)
"""The first baseline whose digital numbers carry an offset (in use since 25 January 2022)."""


@dataclass(frozen=True, slots=True, order=True)
class RelativeOrbit:
    """One of the 143 orbits that repeat every ten days."""

    number: int
    """1 to 143."""

    def __post_init__(self) -> None:
        if not 1 <= self.number <= _ORBITS:
            raise InputError(f"{self.number} is no relative orbit of Sentinel-2", "they count from 1 to 143")

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> Self:
        """Read `R051` or `51`.

        Raises:
            InputError: The text is no relative orbit.
        """
        match = _ORBIT.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text!r} is no relative orbit", "a relative orbit looks like R051")
        return cls(int(match[1]))

    def __str__(self) -> str:
        return f"R{self.number:03d}"

    def __int__(self) -> int:
        return self.number
