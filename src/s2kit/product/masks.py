"""Which pixels of a grid an outline holds: GDAL's pixel-centre rule through rasterio.features."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.grid import Bounds, Grid, Window


@contextmanager
def raster_session() -> Iterator[None]:
    """One GDAL session for many masks: without it rasterio sets one up, and takes it down, for each."""
    from rasterio import Env

    with Env():
        yield


def window_of(geometry: BaseGeometry, grid: Grid) -> Window | None:
    """The pixels of a grid that an outline reaches, cut to the grid; None where it reaches none.

    Args:
        geometry: In the grid's CRS.
        grid: A band's grid.
    """
    west, south, east, north = geometry.bounds
    if not all(map(math.isfinite, (west, south, east, north))):
        return None
    return grid.covering(Bounds(west, south, east, north)).intersection(grid.window)


def inside(geometry: BaseGeometry, grid: Grid, window: Window) -> NDArray[np.bool_]:
    """True for the pixels of a window whose centre lies in an outline, `[row, col]`.

    Args:
        geometry: Polygon or multipolygon in the grid's CRS; holes are left out.
        grid: A band's grid.
        window: Pixels of it.
    """
    from affine import Affine
    from rasterio.features import rasterize

    part = grid.cropped(window)
    burnt = rasterize([(geometry, 1)], out_shape=window.shape, transform=Affine(*part.geotransform), dtype="uint8")
    return np.asarray(burnt, np.uint8).view(np.bool_)
