"""The grid of a cube of pixels. Computes only."""

from s2kit.grid import Grid
from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.dimensions import Cube
from s2kit.openeo.processes.space import affine_of, crs_of


def grid_of(cube: Cube) -> Grid:
    """The grid of a picture that is north up.

    Raises:
        ProcessError: Pixels that are not square, or a reference system without an EPSG code.
    """
    place, crs = affine_of(cube), crs_of(cube)
    code = crs.removeprefix("EPSG:")
    if not code.isdigit() or abs(abs(place.e) - abs(place.a)) > 1e-9 * abs(place.a):
        hint = "take netCDF, or resample_spatial first"
        raise ProcessError("GTiff is written of square pixels in an EPSG reference system", hint, "FormatUnsuitable")
    height, width = cube.shape[-2:]
    return Grid(int(code), place.c, place.f, abs(place.a), width, height)
