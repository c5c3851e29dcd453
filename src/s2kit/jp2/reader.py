"""What reads one image, whatever its format; what an image is; and checks of what is asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid, Window
from s2kit.store.byte_source import Traffic


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What an image is."""

    width: int
    """Columns at full resolution."""
    height: int
    """Rows at full resolution."""
    count: int
    """Bands or components."""
    dtype: np.dtype[Any]
    nodata: float | None
    """The value that means no data; None where the file names none (ESA's JPEG 2000 files do not: there it is 0)."""
    epsg: int | None
    """EPSG code of the CRS."""
    grid: Grid | None
    """None where the image has no CRS, or is not north-up with square pixels."""
    reductions: tuple[int, ...]
    """The reductions there are; 0 is full resolution, each further one halves the sides."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What is known of an image without asking where it lies, which takes GDAL."""

    width: int
    height: int
    count: int
    dtype: np.dtype[Any]
    reductions: tuple[int, ...]
    wavelet: bool = False
    """True if reductions are wavelet levels of JPEG 2000: sample n of reduction r lies where pixel n * 2**r does, which
    is (2**r - 1) / 2 pixels north-west of the middle of the block that an average would be of."""


class Reader(Protocol):
    """What reads one image; `Image` says what its methods do."""

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        ...

    @property
    def size(self) -> ImageSize:
        """The part of `info` that costs nothing."""
        ...

    @property
    def traffic(self) -> Traffic:
        """Requests, bytes and round trips so far."""
        ...

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """A window, `[component, row, col]`; beyond the image stands `fill`."""
        ...

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """The whole image at a reduction, `[component, row, col]`."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class FallbackReader(Reader, Protocol):
    """A reader that takes over where packets cannot be picked."""

    def reduced_window(
        self, target: Window, reduction: int, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """A window, `[component, row, col]`; beyond the image stands `fill`."""
        ...


def check_request(
    width: int, height: int, reductions: tuple[int, ...], window: Window, reduction: int, name: str
) -> None:
    """Make sure that an image has a reduction, and something of a window.

    Raises:
        NotFoundError: There is no such reduction.
        InputError: The window lies wholly outside.
    """
    check_reduction(reductions, reduction, name)
    if window.intersection(Window(0, 0, width, height)) is None:
        raise InputError(
            f"{name}: window {window.col},{window.row},{window.width},{window.height} lies wholly outside the image",
            f"the image has {width} x {height} pixels, counted from 0",
        )


def check_reduction(reductions: tuple[int, ...], reduction: int, name: str) -> None:
    """Make sure that an image has a reduction.

    Raises:
        NotFoundError: It has not; the hint says which there are.
    """
    if reduction not in reductions:
        there = ", ".join(str(one) for one in reductions)
        raise NotFoundError(f"{name}: there is no reduction {reduction}", f"there are {there}; 0 is full resolution")


def checked_components(count: int, components: Sequence[int] | None, name: str) -> tuple[int, ...]:
    """The components asked for, counted from 0; all of them for None.

    Raises:
        NotFoundError: One is not there.
    """
    if components is None:
        return tuple(range(count))
    for component in components:
        if not 0 <= component < count:
            raise NotFoundError(f"{name}: there is no component {component}", f"it has {count}, counted from 0")
    return tuple(components)
