"""Bands of a product on the grid of a block, in its CRS or warped into another."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint

from s2kit.area.projection import project
from s2kit.cube.grids import bounds_in
from s2kit.cube.plan import CubeRecipe, CubeSource
from s2kit.grid import Grid
from s2kit.picture.read import OpenImages


def read_bands(
    source: CubeSource, grid: Grid, recipe: CubeRecipe, images: OpenImages
) -> dict[str, NDArray[Any]] | None:
    """Digital numbers of all bands that a product has, `[row, col]` each; None if it does not reach the grid."""
    wanted = {name: source.images[name] for name in recipe.bands if name in source.images}
    if not wanted or not any(reaches(image.grid, grid) for image in wanted.values()):
        return None
    return {name: images.read(image, [grid], resampling=recipe.resampling)[0][0] for name, image in wanted.items()}


def angle_pixels(source: CubeSource, name: str, grid: Grid) -> NDArray[np.float32] | None:
    """Degrees of one angle of a product at the pixels of a grid, `[row, col]`; None if it has none."""
    angle = source.angles.get(name)
    if angle is None:
        return None
    step = grid.resolution_m
    x = grid.west + step * (np.arange(grid.width) + 0.5)
    y = grid.north - step * (np.arange(grid.height) + 0.5)
    if grid.epsg == angle.epsg:
        return angle.degrees_at(x[None, :], y[:, None])
    places = project(MultiPoint(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)), grid.epsg, angle.epsg)
    moved = shapely.get_coordinates(places)
    return angle.degrees_at(moved[:, 0].reshape(grid.shape), moved[:, 1].reshape(grid.shape))


def reaches(image: Grid, grid: Grid) -> bool:
    """True if an image has pixels in the box around a grid."""
    bounds, own = bounds_in(grid, image.epsg), image.bounds
    return bounds.west < own.east and bounds.east > own.west and bounds.south < own.north and bounds.north > own.south
