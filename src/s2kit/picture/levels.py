"""Small reductions of local images, decoded once and kept in memory: for whoever draws many parts of one picture."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.grid import Window
from s2kit.image.open import Image
from s2kit.product.band_image import BandImage
from s2kit.store.location import FilePart, LocalFile

MOST_PX = 2_000_000
"""Pixels of the largest reduction that is kept whole: the one of 80 m of a 10 m band has 1 373 x 1 373."""


@dataclass(frozen=True, slots=True)
class _Key:
    location: LocalFile | FilePart
    changed: int
    """When the file was last changed, in nanoseconds."""
    reduction: int


class KeptLevels:
    """Whole reductions, the last ones that were used; shared by threads."""

    def __init__(self, most_nbytes: int = 128 << 20) -> None:
        self._most_nbytes = most_nbytes
        self._lock = threading.Lock()
        self._levels: OrderedDict[_Key, NDArray[Any]] = OrderedDict()
        self._making: dict[_Key, threading.Lock] = {}

    def window(self, pixels: Image, image: BandImage, window: Window, reduction: int) -> NDArray[Any] | None:
        """A window of a reduction, `[component, row, col]`; None if that reduction is not one to be kept.

        Args:
            pixels: The open image.
            image: What it is.
            window: Pixels of the reduction; beyond the image's edge there is no data.
            reduction: Which reduction.
        """
        location, size = image.location, pixels.size
        height, width = (-(-side // (1 << reduction)) for side in (size.height, size.width))
        if reduction == 0 or height * width > MOST_PX or not isinstance(location, LocalFile | FilePart):
            return None
        level = self._level(_Key(location, location.path.stat().st_mtime_ns, reduction), pixels)
        inside = window.intersection(Window(0, 0, width, height))
        framed = np.full((len(level), *window.shape), image.nodata, level.dtype)
        if inside is not None:
            at = inside.shifted(-window.col, -window.row)
            framed[:, at.row : at.row_end, at.col : at.col_end] = level[
                :, inside.row : inside.row_end, inside.col : inside.col_end
            ]
        return framed

    def _level(self, key: _Key, pixels: Image) -> NDArray[Any]:
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:  # others that want the same wait for the first
            with self._lock:
                if key in self._levels:
                    self._levels.move_to_end(key)
                    return self._levels[key]
            level = pixels.level(key.reduction)
            with self._lock:
                self._levels[key] = level
                self._making.pop(key, None)
                while sum(one.nbytes for one in self._levels.values()) > self._most_nbytes:
                    self._levels.popitem(last=False)
        return level
