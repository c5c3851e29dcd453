"""Bit flags as scene classes: masks whose bits say what the SCL says with one code a pixel; computes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.product.band_image import BandImage

NOTHING, CLOUD_SHADOW, WATER, OTHER, MEDIUM, OPAQUE, CIRRUS, SNOW = 0, 3, 6, 7, 8, 9, 10, 11
"""SCL classes that other masks are read as."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Pixels with `value & mask == value` are of a class."""

    mask: int
    value: int
    scene_class: int
    """Code of the SCL."""


@dataclass(frozen=True, slots=True)
class ClassFlags:
    """An image of bit flags and what they mean."""

    image: BandImage
    flags: tuple[Flag, ...]
    """The first one that fits a pixel gives its class; a pixel that none fits is of class 7, unclassified."""


L1C_FLAGS = (Flag(1, 1, OPAQUE), Flag(2, 2, CIRRUS), Flag(4, 4, SNOW))
"""Classification mask of L1C in one component (EOPF product `conditions/mask/l1c_classification`): opaque clouds,
cirrus, snow."""


def classes_of_flags(pixels: NDArray[Any], flags: Sequence[Flag]) -> NDArray[np.uint8]:
    """SCL classes of bit flags, `[row, col]`.

    Args:
        pixels: Unsigned integers, `[row, col]`.
        flags: What the bits mean; the first one that fits decides.
    """
    codes = np.full(pixels.shape, OTHER, np.uint8)
    for flag in reversed(flags):
        codes[pixels & flag.mask == flag.value] = flag.scene_class
    return codes
