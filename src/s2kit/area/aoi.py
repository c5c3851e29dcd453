"""Areas of interest in lon/lat: checked, mended, cut at the antimeridian, and compared with footprints.

Coordinates are `(longitude, latitude)` in degrees of WGS 84. After `clean` all longitudes lie in -180…180: what reaches
across the antimeridian is cut there into parts, as RFC 7946 section 3.1.9 asks for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from s2kit.area.mgrs import tile_polygon
from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError
from s2kit.grid import Bounds
from s2kit.product.tile import TileId

MAX_QUERY_VERTICES = 200
MAX_VERTICES = 1_000_000
"""Vertices of one geometry; the outlines of whole countries have fewer."""
MAX_CROSSINGS = 5_000
"""Times that rings may cross themselves: mending takes minutes beyond."""
_SAMPLED = 200
"""Vertices that a catalogue is sent at most; larger areas are sent as a simpler area around them."""

_DECIMALS = 12
"""Of degrees: a tenth of a micrometre; GEOS fails on numbers that are next to nothing."""
_LEAST_AREA_DEG2 = 1e-13
"""About 10 cm² at the equator; smaller areas come from points on one line."""
_WORLD = 360.0
_FEWEST_VERTICES = 5  # of a part
_ORDER_HINT = (
    "coordinates are longitude, latitude in degrees; the CRS of a file that names none is said as 'FILE|crs=EPSG:n'"
)


@dataclass(frozen=True, slots=True)
class Aoi:
    """One area of interest under the name that its results carry."""

    name: str
    geometry: BaseGeometry
    """Valid, not empty, two-dimensional, lon/lat, cut at the antimeridian; area, line or point."""
    tile: str | None = None
    """The MGRS tile that the area was named by: only products of that tile answer it."""

    @property
    def is_area(self) -> bool:
        """True where the geometry has an area, False for lines and points."""
        return _dimension(self.geometry) == 2

    @property
    def bounds(self) -> Bounds:
        """The box around it; as wide as the world where the area is cut at the antimeridian."""
        return Bounds(*self.geometry.bounds)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A geometry that is fit for use, and what had to be done to it."""

    geometry: BaseGeometry
    notes: tuple[str, ...] = ()


def bbox_aoi(west: float, south: float, east: float, north: float, name: str | None = None) -> Aoi:
    """The area of `--bbox`; `west > east` reaches across the antimeridian.

    Raises:
        InputError: A latitude beyond 90 degrees, a longitude beyond 180, south not below north, or no width.
    """
    text = f"--bbox {west:g} {south:g} {east:g} {north:g}"
    _check_range(np.array([[west, south], [east, north]]), text)
    if max(abs(west), abs(east)) > 180:
        raise InputError(
            f"{text}: longitudes go from -180 to 180", "for a box across the antimeridian give west > east"
        )
    if south >= north:
        raise InputError(f"{text}: south {south:g} is not below north {north:g}", "the order is WEST SOUTH EAST NORTH")
    if west == east:
        raise InputError(f"{text}: the box has no width", "use --point for a single place")
    geometry = box(west, south, east, north) if west < east else _cut(box(west, south, east + _WORLD, north))
    return Aoi(name or f"bbox_{west:g}_{south:g}_{east:g}_{north:g}", geometry)


def point_aoi(lon: float, lat: float, name: str | None = None) -> Aoi:
    """The area of `--point`.

    Raises:
        InputError: A coordinate out of range.
    """
    _check_range(np.array([[lon, lat]]), f"--point {lon:g} {lat:g}")
    return Aoi(name or f"point_{lon:g}_{lat:g}", Point(_wrapped(lon), lat))


def tile_aoi(tile: str) -> Aoi:
    """The area of `--tile`: the square of an MGRS tile, 109.8 km wide as Sentinel-2's are.

    Raises:
        InputError: The text names no tile.
    """
    code = TileId.parse(tile)
    return Aoi(str(code), clean(tile_polygon(code), f"tile {code}").geometry, tile=str(code))


def require_area(aoi: Aoi, purpose: str) -> Aoi:
    """The same area, if it has an area.

    Raises:
        InputError: A line or a point.
    """
    if not aoi.is_area:
        raise InputError(
            f"AOI {aoi.name} is a {aoi.geometry.geom_type}, and {purpose} needs an area", "give a Polygon or a --bbox"
        )
    return aoi


def clean(geometry: BaseGeometry, label: str) -> Cleaned:
    """Check, mend and cut a lon/lat geometry.

    Args:
        geometry: Longitudes may run to 360, or jump by more than 180 degrees where a ring crosses the antimeridian.
        label: What error messages and notes call it.

    Raises:
        InputError: Empty, not finite, latitude beyond 90 or longitude beyond 360 degrees, or an area without extent.
    """
    geometry = shapely.force_2d(_without_empty_parts(geometry))
    if geometry.is_empty:
        raise InputError(f"{label} is empty", "give at least one point, line or polygon")
    coordinates = shapely.get_coordinates(geometry)
    if len(coordinates) > MAX_VERTICES:
        raise InputError(f"{label} has {len(coordinates)} vertices, more than {MAX_VERTICES}", "simplify it")
    _check_range(coordinates, label)
    geometry = shapely.transform(geometry, lambda at: np.round(at, _DECIMALS))
    notes: list[str] = []
    crosses = bool((np.abs(coordinates[:, 0]) > 180).any())
    if _dimension(geometry) > 0:
        unwrapped = _unwrap(geometry)
        crosses = crosses or unwrapped is not geometry
        geometry = unwrapped
    if not geometry.is_valid:
        _check_crossings(geometry, label)
        geometry = _mended(geometry, label)
        notes.append(f"{label}: a ring that crosses or touches itself was mended")
    if crosses:
        geometry = _cut(geometry)
        notes.append(f"{label}: cut at the antimeridian")
    flat = _dimension(geometry) == 2 and geometry.area < _LEAST_AREA_DEG2
    if geometry.is_empty or not geometry.is_valid or flat:
        raise InputError(f"{label}: the geometry has no extent", "its points lie on one line or in one place")
    if _dimension(geometry) > 0:
        geometry = shapely.remove_repeated_points(geometry)  # some catalogues refuse equal neighbours
    return Cleaned(geometry, tuple(notes))


def _without_empty_parts(geometry: BaseGeometry) -> BaseGeometry:
    """A collection or multipart geometry without its empty members; any other as it is."""
    parts = getattr(geometry, "geoms", None)
    if parts is None or not any(part.is_empty for part in parts):
        return geometry
    make: Any = type(geometry)
    kept: BaseGeometry = make([_without_empty_parts(part) for part in parts if not part.is_empty])
    return kept


def lon_lat_outline(bounds: Bounds, epsg: int) -> BaseGeometry:
    """A box of a projected CRS as lon/lat, cut at the antimeridian (RFC 7946 section 3.1.9)."""
    return clean(project(box(*bounds), epsg, LON_LAT), "the box").geometry


def lon_lat_box(geometry: BaseGeometry) -> list[float]:
    """West, south, east, north; of what is cut at the antimeridian west is greater (RFC 7946 section 5.2)."""
    west, south, east, north = geometry.bounds
    parts = [part.bounds for part in getattr(geometry, "geoms", [geometry])]
    if (west, east) == (-180, 180) and not any(part[0] == west and part[2] == east for part in parts):
        west = min((part[0] for part in parts if part[0] >= 0), default=west)
        east = max((part[2] for part in parts if part[2] <= 0), default=east)
    return [west, south, east, north]


def footprints(outlines: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Products' outlines, fit for comparison with an area; an unusable one comes back as an empty polygon."""
    shapes = np.array(outlines, dtype=object)
    west, south, east, north = shapely.bounds(shapes).T
    in_world = (west >= -180) & (east <= 180) & (east - west <= 180) & (south >= -90) & (north <= 90)
    is_plain = in_world & ~shapely.has_z(shapes) & shapely.is_valid(shapes)  # nearly all: nothing to mend or to cut
    return [shape if plain else _usable(shape) for shape, plain in zip(outlines, is_plain.tolist(), strict=True)]


def footprint(outline: BaseGeometry) -> BaseGeometry:
    """One outline as `footprints` has it."""
    return footprints([outline])[0]


def _usable(outline: BaseGeometry) -> BaseGeometry:
    try:
        return clean(outline, "footprint").geometry
    except InputError:
        return Polygon()


def for_query(geometry: BaseGeometry, max_vertices: int = MAX_QUERY_VERTICES) -> BaseGeometry:
    """A geometry that covers the given one with few enough vertices for a catalogue's query.

    The answer is filtered with the exact area afterwards, so a wider question loses nothing.
    """
    if shapely.get_num_coordinates(geometry) <= max_vertices:
        return geometry
    if shapely.get_num_geometries(geometry) * _FEWEST_VERTICES > max_vertices:
        return _hulls(geometry, max_vertices)
    west, south, east, north = geometry.bounds
    tolerance = max(east - west, north - south, 1e-4) / 1000
    for _ in range(6):
        wider = geometry.simplify(tolerance).buffer(tolerance, quad_segs=2, join_style="mitre").simplify(tolerance / 4)
        wider = wider.buffer(tolerance / 2, quad_segs=1, join_style="mitre")
        if shapely.get_num_coordinates(wider) <= max_vertices:
            return _within_world(wider)
        tolerance *= 3
    return _hulls(geometry, max_vertices)


def _hulls(geometry: BaseGeometry, max_vertices: int) -> BaseGeometry:
    """What is around all parts; two where they lie on both sides of the antimeridian."""
    parts = list(_parts(geometry))
    west, _, east, _ = geometry.bounds
    sides = (
        [parts]
        if east - west < 180
        else [[p for p in parts if p.bounds[0] < 0], [p for p in parts if p.bounds[0] >= 0]]
    )
    around = [shapely.GeometryCollection(side) for side in sides if side]
    hulls = [one.convex_hull for one in around]
    if sum(int(shapely.get_num_coordinates(hull)) for hull in hulls) > max_vertices:
        hulls = [one.envelope for one in around]
    return shapely.union_all(hulls)


def coverage_pct(aoi: BaseGeometry, outline: BaseGeometry) -> float:
    """Share of an area that an outline covers; see `coverages_pct`."""
    return coverages_pct(aoi, [outline])[0]


def coverages_pct(aoi: BaseGeometry, outlines: Sequence[BaseGeometry]) -> list[float]:
    """Shares of an area that outlines cover, 0 to 100; of a line its length, of a point all or nothing.

    Areas are compared after the equal-area cylindrical projection `(lon, sin lat)`, so that a share means the same
    everywhere on Earth.
    """
    around = shapely.box(*aoi.bounds)
    in_whole = shapely.covers(np.array(outlines, dtype=object), around)  # the box decides most cases, all at once
    return [
        100.0 if whole else _coverage_pct(aoi, outline)
        for outline, whole in zip(outlines, in_whole.tolist(), strict=True)
    ]


def _coverage_pct(aoi: BaseGeometry, outline: BaseGeometry) -> float:
    if outline.covers(aoi):
        return 100.0
    common = aoi.intersection(outline)
    if common.is_empty:
        return 0.0
    dimension = _dimension(aoi)
    if dimension == 0:
        return 100.0 * shapely.get_num_coordinates(common) / shapely.get_num_coordinates(aoi)
    if dimension == 1:
        return float(100.0 * common.length / aoi.length)
    whole = shapely.transform(aoi, _equal_area).area
    return float(min(100.0, 100.0 * shapely.transform(common, _equal_area).area / whole))


def merged(aois: Sequence[Aoi], name: str) -> Aoi:
    """Several areas as one."""
    if len(aois) == 1:
        return replace(aois[0], name=name)
    return Aoi(name, shapely.union_all([aoi.geometry for aoi in aois]))


def with_unique_names(aois: Iterable[Aoi]) -> tuple[Aoi, ...]:
    """The same areas; a name that occurs again gets a number: `-2`, `-3` and so on."""
    seen: set[str] = set()
    unique: list[Aoi] = []
    for aoi in aois:
        name, number = aoi.name, 1
        while name in seen:
            number += 1
            name = f"{aoi.name}-{number}"
        seen.add(name)
        unique.append(aoi if name == aoi.name else replace(aoi, name=name))
    return tuple(unique)


def _check_range(coordinates: np.ndarray, label: str) -> None:
    if not np.isfinite(coordinates).all():
        raise InputError(f"{label}: a coordinate is not a finite number", _ORDER_HINT)
    lon, lat = np.abs(coordinates[:, 0]).max(), np.abs(coordinates[:, 1]).max()
    if lat > 90:
        raise InputError(f"{label}: latitude {_worst(coordinates[:, 1]):g} is not between -90 and 90", _ORDER_HINT)
    if lon > _WORLD:
        raise InputError(f"{label}: longitude {_worst(coordinates[:, 0]):g} is not between -180 and 180", _ORDER_HINT)


def _worst(values: np.ndarray) -> float:
    return float(values[np.abs(values).argmax()])


def _dimension(geometry: BaseGeometry) -> int:
    return int(shapely.get_dimensions(geometry))


def _check_crossings(geometry: BaseGeometry, label: str) -> None:
    """Refuse a scribble: how often its edges cross is estimated from some of them."""
    rings = [ring for ring in _linear_parts(geometry) if len(ring) > 1]
    edges = np.asarray(shapely.linestrings(np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])))
    tree = shapely.STRtree(edges)
    some = edges[:: max(1, len(edges) // _SAMPLED)]
    crossed = 0
    for seen, edge in enumerate(some, start=1):
        crossed += len(tree.query(edge, predicate="crosses"))
        estimate = crossed * len(edges) / seen / 2
        if estimate > MAX_CROSSINGS and (seen == len(some) or estimate > 10 * seen * MAX_CROSSINGS):
            text = f"{label}: its rings cross themselves more than {MAX_CROSSINGS} times"
            raise InputError(text, "are its points in their order?")


def _mended(geometry: BaseGeometry, label: str) -> BaseGeometry:
    dimension = _dimension(geometry)
    mended = shapely.make_valid(geometry)
    parts = [part for part in _parts(mended) if _dimension(part) == dimension]
    if not parts:
        raise InputError(f"{label}: the polygon has no area", "its points lie on one line or in one place")
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in getattr(geometry, "geoms", (geometry,)):
        if hasattr(part, "geoms"):
            yield from _parts(part)
        else:
            yield part


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % _WORLD - 180


def _equal_area(coordinates: np.ndarray) -> np.ndarray:
    return np.column_stack([np.radians(coordinates[:, 0]), np.sin(np.radians(coordinates[:, 1]))])


def _unwrap(geometry: BaseGeometry) -> BaseGeometry:
    """The geometry with continuous longitudes, the same object where none jumps.

    A jump of exactly 360 degrees joins the two names of the antimeridian itself and is none.
    """
    jumps = any(_jumps(part).any() for part in _linear_parts(geometry))
    if not jumps:
        return geometry
    parts = [_unwrapped_part(part) for part in _parts(geometry)]
    return parts[0] if len(parts) == 1 else shapely.union_all([shapely.make_valid(part) for part in parts])


def _linear_parts(geometry: BaseGeometry) -> Iterator[np.ndarray]:
    for part in _parts(geometry):
        if isinstance(part, Polygon):
            yield from (shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors))
        else:
            yield shapely.get_coordinates(part)


def _jumps(coordinates: np.ndarray) -> np.ndarray:
    step = np.abs(np.diff(coordinates[:, 0]))
    return (step > 180) & (step < _WORLD)


def _unwrapped_part(part: BaseGeometry) -> BaseGeometry:
    if isinstance(part, Polygon):
        shell = _unwrapped_ring(shapely.get_coordinates(part.exterior))
        middle = float(shell[:, 0].mean())
        holes = [_near(_unwrapped_ring(shapely.get_coordinates(ring)), middle) for ring in part.interiors]
        return Polygon(shell, holes)
    coordinates = shapely.get_coordinates(part)
    return LineString(_unwrapped_line(coordinates)) if len(coordinates) > 1 else part


def _unwrapped_line(coordinates: np.ndarray) -> np.ndarray:
    step = np.diff(coordinates[:, 0])
    turn = np.where(_jumps(coordinates), -np.sign(step) * _WORLD, 0.0)
    result = coordinates.copy()
    result[1:, 0] += np.cumsum(turn)
    return result


def _unwrapped_ring(coordinates: np.ndarray) -> np.ndarray:
    ring = _unwrapped_line(coordinates)
    if abs(ring[-1, 0] - ring[0, 0]) < 180:
        return ring
    pole = 90.0 if coordinates[:, 1].mean() > 0 else -90.0  # a ring that goes once around the Earth encloses a pole
    return np.vstack([ring, [ring[-1, 0], pole], [ring[0, 0], pole], ring[:1]])


def _near(ring: np.ndarray, middle: float) -> np.ndarray:
    shifted = ring.copy()
    shifted[:, 0] += round((middle - float(ring[:, 0].mean())) / _WORLD) * _WORLD
    return shifted


def _cut(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry with longitudes from -540 to 540, cut into the parts that lie in -180…180."""
    pieces: list[BaseGeometry] = []
    dimension = _dimension(geometry)
    for turn in (-1, 0, 1):
        strip = box(turn * _WORLD - 180, -90, turn * _WORLD + 180, 90)
        inside = [part for part in _parts(geometry.intersection(strip)) if _dimension(part) == dimension]
        pieces += [_shifted(part, -turn * _WORLD) for part in inside]
    if dimension == 2 and all(isinstance(piece, Polygon) for piece in pieces):
        result: BaseGeometry = MultiPolygon([piece for piece in pieces if isinstance(piece, Polygon)])
        return result if result.is_valid else shapely.union_all(pieces)
    return shapely.union_all(pieces)


def _shifted(geometry: BaseGeometry, degrees: float) -> BaseGeometry:
    def move(coordinates: np.ndarray) -> np.ndarray:
        return np.column_stack([coordinates[:, 0] + degrees, coordinates[:, 1]])

    return shapely.transform(geometry, move) if degrees else geometry


def _within_world(geometry: BaseGeometry) -> BaseGeometry:
    return geometry.intersection(box(-180, -90, 180, 90))
