"""The byte scale of chips: `5_95` percentiles or `LB1_HB1_LB2_HB2_LB3_HB3` absolute values."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError

FLAT = 127
"""The byte of a chip in which all pixels are alike."""


@dataclass(frozen=True, slots=True)
class Lut:
    """How values become bytes."""

    percentiles: tuple[float, float] | None = (5.0, 95.0)
    """Low and high percentile of each chip and band, no data left out; None where `limits` are absolute."""
    limits: tuple[tuple[float, float], ...] = ()
    """Low and high value by band, in the unit of the pixels."""

    @property
    def text(self) -> str:
        """The form in which it is written on the command line."""
        numbers = self.percentiles or tuple(number for pair in self.limits for number in pair)
        return "_".join(f"{number:g}" for number in numbers)


def parse_lut(text: str, bands: int = 3) -> Lut:
    """Read a scale: two numbers are percentiles, two a band are absolute values in band order.

    Args:
        text: Numbers joined by underscores.
        bands: Number of bands of the picture.

    Raises:
        InputError: Not numbers, another count than 2 or `2 * bands`, or a low that is not below its high.
    """
    try:
        numbers = [float(part) for part in text.split("_")]
    except ValueError as error:
        raise InputError(f"stretch {text!r} is not made of numbers joined by underscores", _HINT) from error
    if not all(math.isfinite(number) for number in numbers):
        raise InputError(f"stretch {text!r} holds a number that is not finite", _HINT)
    if len(numbers) not in {2, 2 * bands} or (bands == 1 and len(numbers) != 2):
        raise InputError(f"stretch {text!r} has {len(numbers)} numbers; {_counts(bands)}", _HINT)
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    for low, high in pairs:
        if low >= high:
            raise InputError(f"stretch {text!r}: {low:g} is not below {high:g}", _HINT)
    if len(pairs) > 1:
        return Lut(None, pairs)
    low, high = pairs[0]
    if low < 0 or high > 100:
        raise InputError(f"stretch {text!r}: percentiles lie from 0 to 100", _HINT)
    return Lut((low, high))


_HINT = "as in 5_95 (percentiles) or 0_4000_0_2500_0_2000 (low and high of each of three bands)"


def _counts(bands: int) -> str:
    return "it needs 2 (percentiles)" if bands == 1 else f"it needs 2 (percentiles) or {2 * bands} (absolute)"


def limits_of(lut: Lut, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """The low and high value of each band.

    Args:
        lut: The scale.
        values: `[band, row, col]`.
        valid: `[band, row, col]`; True where there is data.

    Returns:
        One pair a band; `(0, 0)` for a band without data.
    """
    if lut.percentiles is None:
        return lut.limits
    pairs = []
    for band, mask in zip(values, valid, strict=True):
        inside = band[mask]
        if inside.size:
            low, high = np.percentile(inside, lut.percentiles)
            pairs.append((float(low), float(high)))
        else:
            pairs.append((0.0, 0.0))
    return tuple(pairs)


def to_bytes(
    values: NDArray[np.float32], valid: NDArray[np.bool_], limits: tuple[tuple[float, float], ...]
) -> NDArray[np.uint8]:
    """Scale each band between its limits to 0…255, cutting off the fraction; no data becomes 0.

    Args:
        values: `[band, row, col]`.
        valid: `[band, row, col]`; True where there is data.
        limits: Low and high by band; where they are equal the band becomes an even grey.
    """
    out = np.zeros(values.shape, np.uint8)
    for index, (low, high) in enumerate(limits):
        if high > low:
            scaled = np.clip((values[index] - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
        else:
            scaled = np.full(values.shape[1:], FLAT, np.uint8)
        out[index] = np.where(valid[index], scaled, 0)
    return out
