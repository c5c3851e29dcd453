"""Areas for services that take one simple polygon or point at a time, in an address of limited length."""

import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from s2kit.area.aoi import for_query

MAX_VERTICES = 40
"""Corners that fit into an address."""
MAX_PARTS = 4
"""More parts than these are asked for as the hull around them."""
_LINE_WIDTH_DEG = 0.001


def simple_parts(area: BaseGeometry | None) -> list[Polygon | Point | None]:
    """An area as few simple polygons or points that together cover it; `[None]` for everywhere.

    Parts on both sides of the antimeridian are never joined.
    """
    if area is None:
        return [None]
    parts = list(getattr(area, "geoms", (area,)))
    if len(parts) > MAX_PARTS:
        west = [part for part in parts if part.centroid.x < 0]
        east = [part for part in parts if part.centroid.x >= 0]
        parts = [shapely.union_all(side).convex_hull for side in (west, east) if side]
    return [_simple(part) for part in parts]


def _simple(part: BaseGeometry) -> Polygon | Point:
    if isinstance(part, Point):
        return part
    area = part if isinstance(part, Polygon) else part.buffer(_LINE_WIDTH_DEG, quad_segs=1)
    shell = Polygon(area.exterior) if isinstance(area, Polygon) else area.convex_hull
    outer = for_query(shell, MAX_VERTICES)
    hull = outer if isinstance(outer, Polygon) else outer.convex_hull
    assert isinstance(hull, Polygon)
    return orient(hull)
