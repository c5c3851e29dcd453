"""Pixels of a product's image on any grid of the same CRS, from the level of the image that is nearest to it.

An image is read no finer than it is wanted: a JPEG 2000 reduction down to the last one that is at least as fine as the
grid, then resampled the rest of the way. Classes are never mixed: they are read in full and picked.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.grid import Grid, Window
from s2kit.image.open import Image, open_image
from s2kit.jp2.reader import ImageSize
from s2kit.picture.warp import warped
from s2kit.product.open import BandImage

Resampling = Literal["auto", "nearest", "bilinear", "cubic", "average"]
RESAMPLINGS: tuple[str, ...] = get_args(Resampling)
"""`auto` averages downwards and interpolates bilinearly upwards; the others are what their names say."""

_MARGIN_PX = 2
"""Pixels beyond a window that interpolation looks at."""
_CLASSES = frozenset({"SCL"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read, whatever is wanted of them."""

    openjpeg: str = "auto"
    """`auto`, or `off` to do without the fast decoder."""
    kept_in: bool | Path = True
    """Where what is learned of far files is kept: a cache folder, True for the user's own, False for nowhere."""


DEFAULT_READING = Reading()


def read_on(
    image: BandImage, grid: Grid, resampling: Resampling = "auto", *, reading: Reading = DEFAULT_READING
) -> NDArray[Any]:
    """Read an image on a grid.

    Args:
        image: A band or layer.
        grid: In the image's CRS; what lies outside the image is no data.
        resampling: How values get onto pixels of another size.
        reading: Decoder and cache.

    Returns:
        `[component, row, col]`, the image's dtype, 0 where there is no data.

    Raises:
        InputError: The file is damaged, or is not what the product's metadata says.
    """
    with open_image(image.location, openjpeg=reading.openjpeg, cache=reading.kept_in) as pixels:
        check_size(pixels.size, image)
        exact = resampling == "nearest" or image.band in _CLASSES
        reduction = 0 if exact else reduction_for(image.grid, grid, pixels.size.reductions)
        source = image.grid.reduced(reduction)
        if same_pixels(source, grid):
            return _read(pixels, source.covering(grid.bounds), reduction)
        window = _needed(source, grid)
        if window.intersection(source.window) is None:
            return np.zeros((pixels.size.count, *grid.shape), pixels.size.dtype)
        part = _read(pixels, window, reduction)
        frame = source.cropped(window)
        return picked(part, frame, grid) if exact else resampled(part, frame, grid, resampling)


def check_size(info: ImageSize, image: BandImage) -> None:
    """Raise `InputError` where a file holds an image of another size than its product says."""
    if (info.height, info.width) != image.grid.shape:
        raise InputError(
            f"{image.location}: holds {info.width} x {info.height} px, where the product's metadata says "
            f"{image.grid.width} x {image.grid.height}",
            "the file is not what its name says: fetch the product again",
        )


def reduction_for(source: Grid, target: Grid, reductions: tuple[int, ...]) -> int:
    """The coarsest reduction of an image that is still as fine as a grid."""
    ratio = target.resolution_m / source.resolution_m * (1 + 1e-9)
    return max((reduction for reduction in reductions if 1 << reduction <= ratio), default=0)


def same_pixels(source: Grid, target: Grid) -> bool:
    """True where a grid's pixels are pixels of the other grid too."""
    shift = ((target.west - source.west) / source.resolution_m, (source.north - target.north) / source.resolution_m)
    return source.resolution_m == target.resolution_m and all(abs(part - round(part)) < 1e-6 for part in shift)


def _read(pixels: Image, window: Window, reduction: int) -> NDArray[Any]:
    """A window of pixels of a reduction; what lies beyond the image is 0."""
    full = Window(*(edge << reduction for edge in (window.col, window.row, window.width, window.height)))
    return pixels.window(full, reduction)


def _needed(source: Grid, target: Grid) -> Window:
    tight = source.covering(target.bounds)
    return Window(
        tight.col - _MARGIN_PX,
        tight.row - _MARGIN_PX,
        tight.width + 2 * _MARGIN_PX,
        tight.height + 2 * _MARGIN_PX,
    )


def picked(pixels: NDArray[Any], source: Grid, target: Grid) -> NDArray[Any]:
    """The pixel that holds the centre of each pixel of the target, `[component, row, col]`."""
    x = target.west + (np.arange(target.width) + 0.5) * target.resolution_m
    y = target.north - (np.arange(target.height) + 0.5) * target.resolution_m
    cols = np.floor((x - source.west) / source.resolution_m + 1e-6).astype(np.intp)
    rows = np.floor((source.north - y) / source.resolution_m + 1e-6).astype(np.intp)
    taken: NDArray[Any] = pixels[:, np.clip(rows, 0, source.height - 1)][:, :, np.clip(cols, 0, source.width - 1)]
    return taken


def resampled(pixels: NDArray[Any], source: Grid, target: Grid, resampling: Resampling) -> NDArray[Any]:
    """Pixels on another grid; 0 is no data and is not mixed in."""
    finer = target.resolution_m < source.resolution_m
    method = {"auto": "bilinear" if finer else "average"}.get(resampling, resampling)
    return warped(pixels, source, target, method)
