"""Geometries of a graph: GeoJSON in degrees (or with a `crs`), inline; never a file or an address. Computes only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.dimensions import GEOMETRIES, Cube
from s2kit.openeo.processes.values import Value

WGS84 = "EPSG:4326"
_KINDS = frozenset(("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"))


@dataclass(frozen=True, slots=True)
class Shapes:
    """Geometries with their attributes."""

    geometries: tuple[Any, ...]
    """Of shapely."""
    properties: tuple[Mapping[str, Any], ...]
    crs: str = WGS84

    def transformed(self, crs: str) -> "Shapes":
        """The same in another reference system."""
        return Shapes(tuple(reprojected(one, self.crs, crs) for one in self.geometries), self.properties, crs)


def read_shapes(data: Value) -> Shapes:
    """What a graph names as geometries.

    Args:
        data: A GeoJSON object, or a vector cube.

    Raises:
        ProcessError: It is neither: texts (files, addresses) are refused.
    """
    if isinstance(data, str):
        raise ProcessError(
            f"geometries {data[:60]!r}: files and addresses are not opened",
            "give GeoJSON inline",
            "ProcessParameterInvalid",
        )
    if isinstance(data, Mapping):
        return _from_geojson(data)
    if hasattr(data, "dims") and GEOMETRIES in data.dims:
        names = [key for key, coord in data.coords.items() if coord.dims == (GEOMETRIES,) and key != GEOMETRIES]
        rows = [{key: data.coords[key].values[at] for key in names} for at in range(data.sizes[GEOMETRIES])]
        return Shapes(tuple(data[GEOMETRIES].values), tuple(rows), data.attrs.get("crs", WGS84))
    raise ProcessError(f"geometries are expected, not {type(data).__name__}", code="ProcessParameterInvalid")


def _from_geojson(data: Mapping[str, Any]) -> Shapes:
    import shapely.geometry

    found: list[tuple[Any, Mapping[str, Any]]] = []
    todo: list[tuple[Any, Mapping[str, Any]]] = [(data, {})]
    while todo:
        one, properties = todo.pop()
        kind = one.get("type") if isinstance(one, Mapping) else None
        if kind == "FeatureCollection":
            todo += [(feature, {}) for feature in reversed(one.get("features", ()))]
        elif kind == "GeometryCollection":
            todo += [(member, properties) for member in reversed(one.get("geometries", ()))]
        elif kind == "Feature":
            todo.append((one.get("geometry"), {**(one.get("properties") or {}), **_id(one)}))
        elif kind in _KINDS:
            try:
                found.append((shapely.geometry.shape(one), properties))
            except Exception as error:
                raise ProcessError(f"a {kind} cannot be read: {error}", code="ProcessParameterInvalid") from error
        else:
            raise ProcessError(f"{kind!r} is no GeoJSON type", code="ProcessParameterInvalid")
    if not found:
        raise ProcessError("there is no geometry", code="ProcessParameterInvalid")
    geometries, properties_of = zip(*found, strict=True)
    return Shapes(geometries, properties_of, _crs(data))


def _id(feature: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": feature["id"]} if "id" in feature else {}


def _crs(data: Mapping[str, Any]) -> str:
    named = data.get("crs")
    if isinstance(named, Mapping):
        return str(named.get("properties", {}).get("name", WGS84)).replace("urn:ogc:def:crs:OGC:1.3:CRS84", WGS84)
    return str(named) if named else WGS84


def crs_text(crs: Any) -> str:
    """A reference system as text: `EPSG:32631` out of 32631, or as it is."""
    return f"EPSG:{crs}" if isinstance(crs, int) or str(crs).isdigit() else str(crs)


def transformer(source: str, target: str) -> Any:
    """A transformer of coordinates `(x, y)` between two reference systems.

    Raises:
        ProcessError: One of them is unknown.
    """
    import pyproj

    try:
        return pyproj.Transformer.from_crs(crs_text(source), crs_text(target), always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise ProcessError(f"{source} or {target} is no reference system", code="ProcessParameterInvalid") from error


def same_crs(one: str, other: str) -> bool:
    """True if two reference systems are the same."""
    if crs_text(one) == crs_text(other):
        return True
    import pyproj

    try:
        return bool(pyproj.CRS.from_user_input(crs_text(one)) == pyproj.CRS.from_user_input(crs_text(other)))
    except pyproj.exceptions.CRSError as error:
        raise ProcessError(f"{one} or {other} is no reference system", code="ProcessParameterInvalid") from error


def reprojected(geometry: Any, source: str, target: str) -> Any:
    """A geometry in another reference system; edges are not bent."""
    if same_crs(source, target):
        return geometry
    import shapely

    move = transformer(source, target)

    def moved(points: Any) -> Any:
        import numpy as np

        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    return shapely.transform(shapely.force_2d(geometry), moved)


def vector_cube(shapes: Shapes, values: Any, dims: Sequence[str], coords: Mapping[str, Any]) -> Cube:
    """A cube of geometries: `values` has the geometries on its first axis, `dims` names the others."""
    import numpy as np
    import xarray as xr

    column = np.empty(len(shapes.geometries), dtype=object)
    column[:] = shapes.geometries
    names = dict.fromkeys(key for row in shapes.properties for key in row)
    extra = {
        key: (GEOMETRIES, np.asarray([row.get(key) for row in shapes.properties], dtype=object))
        for key in names
        if key not in (*dims, GEOMETRIES)
    }
    return xr.DataArray(
        values, dims=[GEOMETRIES, *dims], coords={GEOMETRIES: column, **extra, **coords}, attrs={"crs": shapes.crs}
    )


def load_geojson(data: Mapping[str, Any], properties: Sequence[str] = ()) -> Cube:
    """Inline GeoJSON as a vector cube; the named properties become its values."""
    import numpy as np

    shapes = read_shapes(data)
    if not properties:
        return vector_cube(shapes, np.full(len(shapes.geometries), np.nan, np.float32), (), {})
    table = [[row.get(name) for name in properties] for row in shapes.properties]
    return vector_cube(shapes, np.asarray(table, dtype=object), ("properties",), {"properties": list(properties)})


def vector_buffer(geometries: Value, distance: float) -> dict[str, Any]:
    """Geometries grown (or shrunk, if negative) by a distance: in metres, or the unit of their reference system."""
    import shapely

    shapes = read_shapes(geometries)
    metric = shapes
    if same_crs(shapes.crs, WGS84):
        centre = shapely.union_all([one.envelope for one in shapes.geometries]).centroid
        zone = int((centre.x + 180) // 6) % 60 + 1
        metric = shapes.transformed(f"EPSG:{(32600 if centre.y >= 0 else 32700) + zone}")
    grown = Shapes(tuple(one.buffer(distance) for one in metric.geometries), shapes.properties, metric.crs)
    return _to_geojson(grown.transformed(shapes.crs))


def vector_reproject(data: Value, projection: Value) -> dict[str, Any]:
    """Geometries in another reference system."""
    return _to_geojson(read_shapes(data).transformed(crs_text(projection)))


def _to_geojson(shapes: Shapes) -> dict[str, Any]:
    import shapely.geometry

    pairs = zip(shapes.geometries, shapes.properties, strict=True)
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(one), "properties": dict(row)} for one, row in pairs
    ]
    named = {} if shapes.crs == WGS84 else {"crs": {"type": "name", "properties": {"name": shapes.crs}}}
    return {"type": "FeatureCollection", "features": features, **named}


PROCESSES: dict[str, Callable[..., Value]] = {
    "load_geojson": load_geojson, "vector_buffer": vector_buffer, "vector_reproject": vector_reproject,
}  # fmt: skip
