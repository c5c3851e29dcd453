"""From the name of an MGRS tile to its square on the ground.

The lettering is that of the Military Grid Reference System (NGA.STND.0037); the square of a Sentinel-2 tile is 109.8 km
wide and starts at its 100 km square's north-west corner, rounded outwards to 60 m as counted from the equator
(S2-PDGS-TAS-DI-PSD, tiling grid). The inverse of the transverse Mercator projection is Krüger's series in the third
flattening, to the fourth order (C. Karney, Transverse Mercator with an accuracy of a few nanometers, 2011,
equation 36), good to a millimetre in a zone.
"""

import math
from itertools import pairwise

from shapely.geometry import Polygon

from s2kit.errors import InputError
from s2kit.grid import Bounds
from s2kit.product.tile import TileId

TILE_SIZE_M = 109_800
"""Side of a Sentinel-2 tile."""

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")  # by zone modulo 3
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_SQUARE_M = 100_000
_CYCLE_M = 2_000_000

_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_SCALE = 0.9996
_FALSE_EASTING_M = 500_000.0
_FALSE_NORTHING_M = 10_000_000.0
_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING_M = _SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440,
    61 * _N**3 / 240 - 103 * _N**4 / 140,
    49561 * _N**4 / 161280,
)


def tile_bounds(tile: TileId) -> Bounds:
    """The outer edges of a tile in metres of its own CRS, `tile.epsg`.

    Raises:
        InputError: The letters name no square of that zone and latitude band.
    """
    columns = _COLUMNS[tile.zone % 3]
    shift = 5 if tile.zone % 2 == 0 else 0
    row_m = (_ROWS.index(tile.square[1]) - shift) % len(_ROWS) * _SQUARE_M
    south = _southern_edge(tile.band, row_m)
    if tile.square[0] not in columns or south is None:
        raise InputError(f"{tile} is no tile: band {tile.zone}{tile.band} has no square {tile.square}")
    west = (columns.index(tile.square[0]) + 1) * _SQUARE_M
    left, top = west // 60 * 60.0, _rounded_north(south + _SQUARE_M, is_north=tile.band >= "N")
    return Bounds(left, top - TILE_SIZE_M, left + TILE_SIZE_M, top)


def tile_polygon(tile: TileId, points_per_edge: int = 8) -> Polygon:
    """A tile's square in lon/lat, edges densified; longitudes are continuous and may pass 180 at the antimeridian.

    Raises:
        InputError: The letters name no square of that zone and latitude band.
    """
    west, south, east, north = tile_bounds(tile)
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return Polygon(
        [
            utm_to_lonlat(tile.epsg, x0 + (x1 - x0) * step / points_per_edge, y0 + (y1 - y0) * step / points_per_edge)
            for (x0, y0), (x1, y1) in pairwise(corners)
            for step in range(points_per_edge)
        ]
    )


def utm_to_lonlat(epsg: int, easting: float, northing: float) -> tuple[float, float]:
    """Longitude and latitude in degrees of a place in a UTM zone of WGS 84 (EPSG 32601…32660, 32701…32760)."""
    zone, is_south = epsg % 100, epsg // 100 == 327
    xi = (northing - (_FALSE_NORTHING_M if is_south else 0.0)) / (_SCALE * _RECTIFYING_M)
    eta = (easting - _FALSE_EASTING_M) / (_SCALE * _RECTIFYING_M)
    terms = list(enumerate(_BETA, 1))
    xi_sphere = xi - sum(b * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, b in terms)
    eta_sphere = eta - sum(b * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, b in terms)
    conformal = math.asin(math.sin(xi_sphere) / math.cosh(eta_sphere))
    lon = math.degrees(math.atan2(math.sinh(eta_sphere), math.cos(xi_sphere)))
    return zone * 6 - 183 + lon, math.degrees(_geodetic(conformal))


def _rounded_north(northing: int, *, is_north: bool) -> float:
    """The next multiple of 60 m to the north, counted from the equator in either hemisphere."""
    origin = 0 if is_north else int(_FALSE_NORTHING_M)
    return float(origin - (origin - northing) // 60 * 60)


def _geodetic(conformal: float) -> float:
    """Geodetic latitude from the conformal one, both in radians, by fixed-point iteration."""
    e = math.sqrt(_FLATTENING * (2 - _FLATTENING))
    isometric, latitude = math.asinh(math.tan(conformal)), conformal
    for _ in range(8):
        latitude = math.atan(math.sinh(isometric + e * math.atanh(e * math.sin(latitude))))
    return latitude


def _northing(latitude_deg: float) -> float:
    """Northing on the central meridian, negative in the south."""
    e = math.sqrt(_FLATTENING * (2 - _FLATTENING))
    sine = math.sin(math.radians(latitude_deg))
    conformal = math.atan(math.sinh(math.atanh(sine) - e * math.atanh(e * sine)))
    series = sum(a * math.sin(2 * j * conformal) for j, a in enumerate(_ALPHA, 1))
    return _SCALE * _RECTIFYING_M * (conformal + series)


def _southern_edge(band: str, row_m: int) -> int | None:
    """Northing of the square's southern edge: the one multiple of the cycle that lies in the latitude band."""
    index = _BANDS.index(band)
    low = _northing(-80 + 8 * index) - 1.5 * _SQUARE_M
    high = _northing(84 if band == "X" else -72 + 8 * index) + 0.5 * _SQUARE_M
    offset = 0 if band >= "N" else int(_FALSE_NORTHING_M)
    for cycle in range(6):
        south = row_m + cycle * _CYCLE_M
        if low <= south - offset <= high:
            return south
    return None
