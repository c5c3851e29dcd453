"""Footprints: the rings of a product's metadata as longitude/latitude polygons, cut at the antimeridian.

A ring that crosses 180 degrees jumps between its two ends in the metadata; taken as it stands it would go around the
whole world. Here it is unrolled first and cut afterwards (RFC 7946, section 3.1.9).
"""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from s2kit.errors import InputError
from s2kit.product.xmltree import parse_number

Footprint = Polygon | MultiPolygon

_TURN = 360.0
_MIN_CORNERS = 3


def parse_position_list(text: str, what: str) -> list[tuple[float, float]]:
    """The corners of an `EXT_POS_LIST`: latitude and longitude in turn, each pair with or without a height.

    Returns:
        `(lon, lat)` corners, the first repeated at the end as the metadata has it. Lists are known whose last height is
        missing.

    Raises:
        InputError: Something is no number, no coordinate, or the corners are too few.
    """
    values = [parse_number(word, what) for word in text.split()]
    if _lacks_last_height(values):
        values.append(values[2])
    step = 3 if len(values) % 3 == 0 and values[:3] == values[-3:] and values[:2] != values[-2:] else 2
    corners = list(zip(values[1::step], values[0::step], strict=False))
    if len(values) % step or len(corners) < _MIN_CORNERS:
        raise InputError(f"{what} holds {len(values)} numbers, which make no ring")
    for lon, lat in corners:
        if abs(lat) > 90 or abs(lon) > _TURN:
            raise InputError(f"{what} holds {lat:g} {lon:g}, which is no latitude and longitude")
    return corners


def _lacks_last_height(values: list[float]) -> bool:
    """True for `lat lon height … lat lon` that is closed, and whose third numbers are all the same height."""
    heights = values[2::3]
    return (
        len(values) % 3 == 2 and len(heights) >= _MIN_CORNERS and values[:2] == values[-2:] and len(set(heights)) == 1
    )


def footprint_of_rings(rings: Iterable[list[tuple[float, float]]]) -> Footprint | None:
    """One valid geometry of all rings, in degrees, with longitudes from -180 to 180.

    Args:
        rings: `(lon, lat)` corners; a step of more than 180 degrees means that the antimeridian lies between.

    Returns:
        A polygon, a multi-polygon where there are several parts or the antimeridian is crossed, None without area;
        outer rings run counter-clockwise (RFC 7946, section 3.1.6).
    """
    parts = [part for ring in rings for part in _parts(_unrolled(ring))]
    merged = shapely.union_all(parts) if parts else Polygon()
    polygons = [part for part in shapely.get_parts(merged) if isinstance(part, Polygon) and part.area > 0]
    if not polygons:
        return None
    turned = [orient(polygon) for polygon in polygons]
    return turned[0] if len(turned) == 1 else MultiPolygon(turned)


def _unrolled(ring: list[tuple[float, float]]) -> Polygon:
    corners = np.asarray(ring, dtype=float)
    steps = np.diff(corners[:, 0])
    corners[1:, 0] -= np.cumsum(np.round(steps / _TURN) * _TURN)
    return Polygon(corners)


def _parts(polygon: Polygon) -> list[BaseGeometry]:
    """A polygon with any longitudes, mended, cut at odd multiples of 180 degrees and moved back between them."""
    valid = shapely.make_valid(polygon)
    west, _, east, _ = valid.bounds
    parts = []
    for turn in range(int((west + 180) // _TURN), int((east + 180) // _TURN) + 1):
        strip = shapely.box(turn * _TURN - 180, -90, turn * _TURN + 180, 90)
        parts.append(translate(valid.intersection(strip), xoff=-turn * _TURN))
    return parts
