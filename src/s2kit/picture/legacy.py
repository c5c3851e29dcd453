"""Looks of the legacy services: greys of pictures, scales of chips, names of files.

Pure: no input or output.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError

LEGACY_TEMPLATE = "{now}_R{res}m_{r}_{g}_{b}.{ext}"
"""Names of the legacy picture service; `--name-template legacy` means this."""
LEGACY_WHITE_DN = 6656.0
"""The stored number from which on the legacy picture service was white."""
_SCALE = 10_000.0
"""The chip service's absolute values are reflectance times 10000."""
_HINT = "as in 5_95 (percentiles), or 0_4000_0_2500_0_2000 (low and high of each band, reflectance x 10000)"


def legacy_greys(dn: NDArray[Any]) -> NDArray[np.uint8]:
    """`min(255, 10 * (DN // 256))`, the greys of the legacy picture service; it has no grey for no data."""
    greys: NDArray[np.uint8] = np.minimum(255, 10 * (dn // 256)).astype(np.uint8)
    return greys


def parse_legacy_scale(text: str) -> tuple[bool, tuple[tuple[float, float], ...]]:
    """Read a scale of the legacy chip service: `5_95` are percentiles, two numbers a band are absolute values.

    Args:
        text: Numbers joined by underscores.

    Returns:
        True for percentiles, and the pairs: percent, or reflectance for each band.

    Raises:
        InputError: Not numbers, an odd count, or a low that is not below its high.
    """
    try:
        numbers = [float(part) for part in text.split("_")]
    except ValueError as error:
        raise InputError(f"stretch {text!r} is not made of numbers joined by underscores", _HINT) from error
    if not all(math.isfinite(number) for number in numbers):
        raise InputError(f"stretch {text!r} holds a number that is not finite", _HINT)
    if len(numbers) not in {2, 6}:
        raise InputError(f"stretch {text!r} has {len(numbers)} numbers; it needs 2 (percentiles) or 6", _HINT)
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    for low, high in pairs:
        if low >= high:
            raise InputError(f"stretch {text!r}: {low:g} is not below {high:g}", _HINT)
    if len(pairs) == 1:
        return True, pairs
    return False, tuple((low / _SCALE, high / _SCALE) for low, high in pairs)
