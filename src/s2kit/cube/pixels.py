"""Bands of a product on the grid of a block, in its CRS or warped into another."""

from typing import Any

from numpy.typing import NDArray

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


def reaches(image: Grid, grid: Grid) -> bool:
    """True if an image has pixels in the box around a grid."""
    bounds, own = bounds_in(grid, image.epsg), image.bounds
    return bounds.west < own.east and bounds.east > own.west and bounds.south < own.north and bounds.north > own.south
