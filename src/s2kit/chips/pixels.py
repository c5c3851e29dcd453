"""Pixels of chips: windows of band images brought onto the chips' own grids."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from s2kit.grid import Grid, Window
from s2kit.picture.shared_windows import share_windows
from s2kit.picture.warp import warped

if TYPE_CHECKING:
    from s2kit.image.open import Image

Resampling = Literal["nearest", "bilinear", "average", "cubic"]

_MARGIN_PX = 2
"""Pixels beyond a chip that interpolation looks at."""


def read_windows(image: "Image", windows: Sequence[Window]) -> list[NDArray[Any]]:
    """Several windows of one image, `[band, row, col]`; what lies beyond the image is 0.

    Windows that lie together are read in one go, so that no pixel is decoded twice.
    """
    found: list[NDArray[Any] | None] = [None] * len(windows)
    for shared in share_windows(windows):
        pixels = image.window(shared.window)
        for member in shared.members:
            window = windows[member]
            col, row = window.col - shared.window.col, window.row - shared.window.row
            part = pixels[:, row : row + window.height, col : col + window.width]
            found[member] = part if len(shared.members) == 1 else part.copy()  # so that the joint read can go
    return [part for part in found if part is not None]


def read_frames(
    image: "Image", grid: Grid, frames: Sequence[Grid], resampling: Resampling = "nearest"
) -> list[NDArray[Any]]:
    """The first component of an image on the grids of some chips, `[row, col]`; no data is 0.

    Args:
        image: An open image.
        grid: Its grid at full resolution.
        frames: Grids of chips; where CRS and pixels are the image's own nothing is resampled.
        resampling: How values get onto pixels of another size or CRS; `nearest` for classes.
    """
    windows = [_window_for(grid, frame) for frame in frames]
    reads = [(at, window) for at, window in enumerate(windows) if window is not None]
    pixels = dict(zip((at for at, _ in reads), read_windows(image, [window for _, window in reads]), strict=True))
    out: list[NDArray[Any]] = []
    for at, frame in enumerate(frames):
        window = windows[at]
        if window is None:
            out.append(np.zeros(frame.shape, image.info.dtype))
        else:
            out.append(_onto(pixels[at][0], grid.cropped(window), frame, resampling))
    return out


def _window_for(grid: Grid, frame: Grid) -> Window | None:
    """The pixels that a chip needs; None where the image has none of them."""
    if _same_pixels(grid, frame):
        window = grid.covering(frame.bounds)
    else:
        bounds = frame.bounds
        if grid.epsg != frame.epsg:
            bounds = _bounds_in(frame, grid.epsg)
        tight = grid.covering(bounds)
        window = Window(
            tight.col - _MARGIN_PX,
            tight.row - _MARGIN_PX,
            tight.width + 2 * _MARGIN_PX,
            tight.height + 2 * _MARGIN_PX,
        )
    return window if window.intersection(grid.window) else None


def _same_pixels(grid: Grid, frame: Grid) -> bool:
    return (
        grid.epsg == frame.epsg
        and grid.resolution_m == frame.resolution_m
        and (frame.west - grid.west) % grid.resolution_m == 0
        and (frame.north - grid.north) % grid.resolution_m == 0
    )


def _bounds_in(frame: Grid, epsg: int) -> Any:
    from rasterio.warp import transform_bounds

    from s2kit.grid import Bounds

    return Bounds(*transform_bounds(f"EPSG:{frame.epsg}", f"EPSG:{epsg}", *frame.bounds))


def _onto(pixels: NDArray[Any], grid: Grid, frame: Grid, resampling: Resampling) -> NDArray[Any]:
    if _same_pixels(grid, frame):
        return pixels
    if grid.epsg == frame.epsg and resampling == "nearest":
        return _nearest(pixels, grid, frame)
    return _warped(pixels, grid, frame, resampling)


def _nearest(pixels: NDArray[Any], grid: Grid, frame: Grid) -> NDArray[Any]:
    """The pixel that holds the centre of each of the chip's pixels."""
    step = frame.resolution_m
    x = frame.west + (np.arange(frame.width) + 0.5) * step
    y = frame.north - (np.arange(frame.height) + 0.5) * step
    cols = np.floor((x - grid.west) / grid.resolution_m).astype(np.intp)
    rows = np.floor((grid.north - y) / grid.resolution_m).astype(np.intp)
    return pixels[np.ix_(rows, cols)]


def _warped(pixels: NDArray[Any], grid: Grid, frame: Grid, resampling: Resampling) -> NDArray[Any]:
    coarser = resampling == "bilinear" and frame.resolution_m > grid.resolution_m
    return warped(pixels, grid, frame, "average" if coarser else resampling)
