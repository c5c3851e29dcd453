"""The grid of a cube: which CRS, where it starts, how large; geometry only.

The origin lies on multiples of the coarsest resolution in use, counted as ESA's tiles are: from 0 to the east, from the
equator to the north (in the southern zones that is a northing of 10 000 000 m). So every cube of one zone, resolution
and set of bands lies on one lattice, and pixels of ESA's own size are ESA's own.
"""

import math
from collections.abc import Iterable, Sequence

import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import lon_lat_outline
from s2kit.area.projection import LON_LAT, is_geographic, project
from s2kit.chips.grid import is_utm, utm_epsg
from s2kit.errors import InputError, UsageError
from s2kit.grid import Bounds, Grid, Window

_ZONE_DEG = 6
_EQUATOR_SOUTH_M = 10_000_000.0
_DENSE_DEG = 0.05
"""Edges of an area are bent as the projection bends them, in steps of this length."""
_BLOCK_CHUNKS = 2
CHUNK_PX = 512
"""Side of a chunk of the output."""
_MOST_PX = 2**31 - 1


def zone_of(area: BaseGeometry) -> int:
    """EPSG code of the UTM zone that holds most of an area in lon/lat; the exceptions of Norway and Svalbard count."""
    shares: dict[int, float] = {}
    west, _, east, _ = area.bounds
    for number in range(math.floor((west + 180) / _ZONE_DEG), math.floor((east + 180) / _ZONE_DEG) + 1):
        for south, north in ((-90, 0), (0, 56), (56, 64), (64, 72), (72, 90)):
            for part in _pieces(number, south, north):
                piece = area.intersection(part)
                if not piece.is_empty:
                    middle = part.centroid
                    weight = piece.area * math.cos(math.radians(piece.centroid.y)) or 1e-12 + piece.length * 1e-9
                    epsg = utm_epsg(middle.x, middle.y)
                    shares[epsg] = shares.get(epsg, 0.0) + weight
    return max(sorted(shares), key=shares.__getitem__)


def _pieces(number: int, south: float, north: float) -> list[BaseGeometry]:
    """A zone's strip between two latitudes, cut where the exceptions of the MGRS begin or end."""
    west = number * _ZONE_DEG - 180
    return [box(west, south, west + 3, north), box(west + 3, south, west + 6, north)]


def parse_crs(text: str) -> int | None:
    """The EPSG code of `--crs`; None for `auto`.

    Raises:
        UsageError: Something else.
    """
    word = text.strip().lower().removeprefix("epsg:")
    if word == "auto":
        return None
    if not word.isdecimal():
        raise UsageError(f"--crs {text} is not known", "it is auto or a code such as EPSG:32631")
    return int(word)


def bounds_of(area: BaseGeometry, epsg: int) -> Bounds:
    """The box around an area in lon/lat in a CRS, edges bent as the projection bends them.

    Raises:
        InputError: The area has no place in the CRS.
    """
    outline = area if area.geom_type == "Point" else shapely.segmentize(area, _DENSE_DEG)
    parts = [Bounds(*project(part, LON_LAT, epsg).bounds) for part in getattr(outline, "geoms", [outline])]
    whole = around(parts)
    west, _, east, _ = area.bounds
    if (west, east) == (-180, 180) and whole.east - whole.west > 2 * sum(one.east - one.west for one in parts):
        raise InputError(
            f"the area lies on both sides of the antimeridian, where EPSG:{epsg} ends",
            "take --crs auto, or make a cube of each side",
        )
    return whole


def around(boxes: Iterable[Bounds]) -> Bounds:
    """The box around boxes."""
    west, south, east, north = zip(*boxes, strict=True)
    return Bounds(min(west), min(south), max(east), max(north))


def cube_grid(
    bounds: Bounds, epsg: int, resolution: float, natives_m: Sequence[int], lattice: tuple[float, float] = (0.0, 0.0)
) -> Grid:
    """The smallest grid on the lattice that covers a box.

    Args:
        bounds: In the CRS.
        epsg: CRS of the grid.
        resolution: Side of a pixel in the unit of the CRS.
        natives_m: Resolutions of the bands in use; they count for UTM zones only.
        lattice: A corner of the pixels of all products, if it is not ESA's; it counts for UTM zones only.

    Raises:
        InputError: The box is too large for any raster.
    """
    west, south, east, north = bounds
    step = max([resolution, *natives_m]) if is_utm(epsg) else resolution
    first, base = lattice if is_utm(epsg) else (0.0, 0.0)
    base += _EQUATOR_SOUTH_M if 32700 < epsg <= 32760 else 0.0
    left, right = first + _down(west - first, step), first + _up(east - first, step)
    bottom, top = base + _down(south - base, step), base + _up(north - base, step)
    width, height = (max(1, math.ceil(side / resolution - 1e-6)) for side in (right - left, top - bottom))
    if max(width, height) > _MOST_PX:
        raise InputError(f"a cube of {width} x {height} pixels is too large", "take a smaller area or a coarser --res")
    return Grid(epsg, float(left), float(top), float(resolution), width, height)


def refuse_degrees(epsg: int, resolution: float) -> None:
    """Raise `UsageError` if a resolution in metres is asked for in a CRS of degrees."""
    if is_geographic(epsg) and resolution >= 1:
        raise UsageError(
            f"--res {resolution:g} with --crs EPSG:{epsg} would be {resolution:g} degrees",
            "give degrees, as in --res 0.0001, or a CRS in metres",
        )


def _down(value: float, step: float) -> float:
    return math.floor(value / step + 1e-6) * step


def _up(value: float, step: float) -> float:
    return math.ceil(value / step - 1e-6) * step


def extent(grid: Grid) -> BaseGeometry:
    """The outline of a grid in its CRS."""
    return box(*grid.bounds)


def blocks(grid: Grid, side_px: int) -> list[Window]:
    """Windows that cover a grid once, row by row; their sides are multiples of a chunk's except at the far edges."""
    return [
        Window(col, row, min(side_px, grid.width - col), min(side_px, grid.height - row))
        for row in range(0, grid.height, side_px)
        for col in range(0, grid.width, side_px)
    ]


def block_side(layers: int, slices: int, budget_bytes: int = 192 << 20) -> int:
    """Side of a block in pixels: two chunks, or one if a block of all slices would not fit into a worker's memory.

    Args:
        layers: Layers that are held together.
        slices: Slices that are held together; 1 for a stack, all of a period for a composite.
        budget_bytes: For the pixels of one block.
    """
    nbytes = 3 * max(1, layers) * max(1, slices)  # two bytes a pixel, and masks
    for side in (_BLOCK_CHUNKS * CHUNK_PX, CHUNK_PX):
        if nbytes * side * side <= budget_bytes:
            return side
    return CHUNK_PX


def bounds_in(grid: Grid, epsg: int) -> Bounds:
    """The box around a grid in another CRS, edges bent as the projection bends them."""
    if epsg == grid.epsg:
        return grid.bounds
    if is_utm(grid.epsg) and not is_utm(epsg):
        return bounds_of(lon_lat_outline(grid.bounds, grid.epsg), epsg)
    step = max(grid.bounds.east - grid.bounds.west, grid.bounds.north - grid.bounds.south) / 20
    return Bounds(*project(shapely.segmentize(extent(grid), step), grid.epsg, epsg).bounds)
