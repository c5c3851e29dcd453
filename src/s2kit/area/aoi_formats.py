"""Areas from text: GeoJSON, WKT, KML and CSV, each to shapes that may still stand in another CRS.

Nothing here reads a file; `io.aoi_files` does, and reprojects what names a CRS other than WGS 84. GeoJSON is read with
`json` and checked here, since `geojson.loads` rounds to six decimals and takes a latitude of 500.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import shapely
from shapely.geometry import GeometryCollection, LineString, Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError

WGS84 = "EPSG:4326"

_WKT = re.compile(
    r"\s*(?:SRID\s*=\s*(\d+)\s*;)?\s*((?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\b(?:\s|Z|M|\()", re.I
)
_LON_LAT_CRS = re.compile(r"(?:OGC:.*)?CRS84$|EPSG:{1,2}[\d.]*:?4326$", re.I)
_EPSG = re.compile(r"EPSG:+(?:[\d.]+:)?(\d{4,6})$", re.I)
_GEOMETRY_TYPES = frozenset(
    ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
)
_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_NAME_KEYS = ("name", "Name", "NAME", "title", "id", "ID", "Id", "fid", "FID")
_HINT = "an AOI is GeoJSON, WKT, KML, or CSV with a WKT column or lon and lat columns"


@dataclass(frozen=True, slots=True)
class RawArea:
    """A shape as its source gives it."""

    name: str | None
    """The source's own name for it, if it has one."""
    geometry: BaseGeometry
    crs: str
    """`EPSG:4326` stands for longitude and latitude in this order, whatever the registry says of the axes."""


def read_geometries(text: str, label: str = "AOI") -> tuple[RawArea, ...]:
    """The shapes in a text, whichever of the formats it is in.

    Args:
        text: GeoJSON (FeatureCollection, Feature, geometry), WKT or EWKT (one a line), KML, or CSV.
        label: What error messages call it, for example the file's name.

    Raises:
        InputError: Empty, in none of the formats, or without a single shape.
    """
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise InputError(f"{label} is empty", _HINT)
    if text[0] in "{[":
        areas = _from_geojson(text, label)
    elif text[0] == "<":
        areas = _from_kml(text, label)
    elif _WKT.match(text):
        areas = _from_wkt(text, label)
    else:
        areas = _from_csv(text, label)
    if not areas:
        raise InputError(f"{label} holds no geometry", _HINT)
    return tuple(areas)


def looks_like_geometry(text: str) -> bool:
    """True for text that is WKT or GeoJSON itself, not the name of a file that holds it."""
    return text.lstrip().startswith("{") or _WKT.match(text) is not None


# GeoJSON


def _from_geojson(text: str, label: str) -> list[RawArea]:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{label} is not JSON: {error}", _HINT) from error
    if not isinstance(document, Mapping):
        raise InputError(f"{label} is JSON, but no GeoJSON object", "GeoJSON starts with an object that has a 'type'")
    crs = _crs_member(document, label)
    return [
        RawArea(_name_of(feature), _geojson_shape(feature["geometry"], label), crs)
        for feature in _features(document, label)
        if isinstance(feature.get("geometry"), Mapping)
    ]


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _features(document: Mapping[str, object], label: str) -> Iterator[Mapping[str, object]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list) or not all(isinstance(feature, Mapping) for feature in features):
            raise InputError(f"{label}: the FeatureCollection has no list of features")
        yield from features
    elif kind == "Feature":
        yield document
    elif kind in _GEOMETRY_TYPES:
        yield {"geometry": document}
    else:
        raise InputError(
            f"{label}: type {kind!r} is no GeoJSON type", "use a FeatureCollection, a Feature or a geometry"
        )


def _geojson_shape(geometry: object, label: str) -> BaseGeometry:
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _GEOMETRY_TYPES:
        kind = geometry.get("type") if isinstance(geometry, Mapping) else geometry
        raise InputError(f"{label}: geometry type {kind!r} is none of {', '.join(sorted(_GEOMETRY_TYPES))}")
    if geometry["type"] == "GeometryCollection":
        members = geometry.get("geometries")
        if not isinstance(members, list):
            raise InputError(f"{label}: the GeometryCollection has no list of geometries")
        return GeometryCollection([_geojson_shape(member, label) for member in members])
    _check_positions(geometry.get("coordinates"), _DEPTHS[geometry["type"]], label)
    try:
        return shape(dict(geometry))
    except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{label}: bad {geometry['type']}: {error}", "a ring needs at least four positions") from error


def _check_positions(value: object, depth: int, label: str) -> None:
    if not isinstance(value, list):
        raise InputError(f"{label}: coordinates are no list", "a position is [longitude, latitude]")
    if depth:
        for member in value:
            _check_positions(member, depth - 1, label)
    elif len(value) < 2 or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value
    ):
        raise InputError(f"{label}: {str(value)[:60]} is no position", "a position is [longitude, latitude]")


def _name_of(feature: Mapping[str, object]) -> str | None:
    properties = feature.get("properties")
    if isinstance(properties, Mapping):
        for key in _NAME_KEYS:
            value = properties.get(key)
            if isinstance(value, str | int) and str(value).strip():
                return str(value).strip()
    identifier = feature.get("id")
    return str(identifier) if isinstance(identifier, str | int) else None


def _crs_member(document: Mapping[str, object], label: str) -> str:
    """The CRS of the 2008 form of GeoJSON (`crs.properties.name`); WGS 84 where none is named."""
    member = document.get("crs")
    if member is None:
        return WGS84
    properties = member.get("properties") if isinstance(member, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str):
        raise InputError(f"{label}: its crs has no name", 'for example "urn:ogc:def:crs:EPSG::4674"')
    return normal_crs(name, label)


def normal_crs(name: str, label: str) -> str:
    """`EPSG:n` from a CRS name or URN.

    Raises:
        InputError: The name is of neither form.
    """
    if _LON_LAT_CRS.search(name):
        return WGS84
    match = _EPSG.search(name)
    if not match:
        raise InputError(f"{label}: CRS {name!r} is not known", "name it as EPSG:n or urn:ogc:def:crs:EPSG::n")
    return f"EPSG:{match[1]}"


# WKT


def _from_wkt(text: str, label: str) -> list[RawArea]:
    try:
        return [_wkt_area(text, None, label)]
    except InputError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(_WKT.match(line) for line in lines):
            raise
        return [_wkt_area(line, None, label) for line in lines]


def _wkt_area(text: str, name: str | None, label: str) -> RawArea:
    match = _WKT.match(text)
    if not match:
        raise InputError(f"{label}: {text[:40]!r} is no WKT", "for example POLYGON((1 43, 2 43, 2 44, 1 43))")
    try:
        geometry = shapely.from_wkt(text[match.start(2) :].strip())
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise InputError(f"{label}: bad WKT: {' '.join(str(error).split())}", "are all brackets closed?") from error
    return RawArea(name, geometry, f"EPSG:{match[1]}" if match[1] else WGS84)


# KML


def _from_kml(text: str, label: str) -> list[RawArea]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(text.encode())
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InputError(f"{label} is not KML: {error}", _HINT) from error
    if _local(root.tag) != "kml":
        raise InputError(f"{label} is XML, but no KML (its root is {_local(root.tag)})", _HINT)
    areas = []
    for placemark in (element for element in root.iter() if _local(element.tag) == "Placemark"):
        shapes = [_kml_shape(element, label) for element in placemark.iter() if _local(element.tag) in _KML_SHAPES]
        if shapes:
            name = next((child.text for child in placemark if _local(child.tag) == "name"), None)
            geometry = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
            areas.append(RawArea(name.strip() if name and name.strip() else None, geometry, WGS84))
    return areas


_KML_SHAPES = frozenset(("Point", "LineString", "Polygon"))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _kml_shape(element: Element, label: str) -> BaseGeometry:
    def positions(parent: Element) -> list[tuple[float, float]]:
        node = next((child for child in parent.iter() if _local(child.tag) == "coordinates"), None)
        return _kml_positions((node.text if node is not None else "") or "", label)

    kind = _local(element.tag)
    try:
        if kind == "Point":
            return Point(positions(element)[0])
        if kind == "LineString":
            return LineString(positions(element))
        shell = [positions(child) for child in element if _local(child.tag) == "outerBoundaryIs"]
        holes = [positions(child) for child in element if _local(child.tag) == "innerBoundaryIs"]
        return Polygon(shell[0], holes)
    except (ValueError, IndexError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{label}: bad {kind} in the KML: {error}", "a ring needs at least four positions") from error


def _kml_positions(text: str, label: str) -> list[tuple[float, float]]:
    result = []
    for entry in text.split():
        parts = entry.split(",")
        try:
            result.append((float(parts[0]), float(parts[1])))
        except (ValueError, IndexError) as error:
            raise InputError(f"{label}: {entry!r} is no KML position", "a position is lon,lat[,height]") from error
    return result


# CSV

_WKT_COLUMNS = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "footprint")
_LON_COLUMNS = ("lon", "longitude", "long", "lng", "x")
_LAT_COLUMNS = ("lat", "latitude", "y")
_CSV_NAMES = ("name", "title", "aoi", "id", "fid", "parcel", "parcel_id")


def _from_csv(text: str, label: str) -> list[RawArea]:
    csv.field_size_limit(2**31 - 1)  # one cell may hold the WKT of a country
    separator = max(",;\t|", key=text.splitlines()[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        return list(_csv_areas(reader, label))
    except csv.Error as error:
        raise InputError(f"{label} is not CSV: line {reader.line_num}: {error}", _HINT) from error


def _csv_areas(reader: "csv.DictReader[str]", label: str) -> Iterator[RawArea]:
    fields = {field.strip().lower(): field for field in reader.fieldnames or () if field}
    wkt, lon, lat, name = (_first(fields, wanted) for wanted in (_WKT_COLUMNS, _LON_COLUMNS, _LAT_COLUMNS, _CSV_NAMES))
    if wkt is None and (lon is None or lat is None):
        raise InputError(f"{label} is no GeoJSON, WKT or KML, and has no CSV columns wkt, or lon and lat", _HINT)
    crs = _first(fields, ("epsg", "srid", "crs"))
    for number, row in enumerate(reader, 2):
        place = f"{label} line {number}"
        title = (row.get(name) or "").strip() if name else ""
        cell = (row.get(wkt) or "").strip() if wkt else ""
        if wkt and not cell:
            continue
        if wkt:
            area = _wkt_area(cell, title or None, place)
        else:
            area = RawArea(title or None, Point(_number(row, lon, place), _number(row, lat, place)), WGS84)
        code = (row.get(crs) or "").strip() if crs else ""
        yield RawArea(area.name, area.geometry, _csv_crs(code, place)) if code else area


def _first(fields: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((fields[name] for name in wanted if name in fields), None)


def _csv_crs(code: str, label: str) -> str:
    return normal_crs(f"EPSG:{code}" if code.isdigit() else code, label)


def _number(row: Mapping[str, str | None], column: str | None, label: str) -> float:
    text = (row.get(column or "") or "").strip()
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{label}: {text!r} in column {column} is no number") from error
    if not math.isfinite(value):
        raise InputError(f"{label}: {text!r} in column {column} is no number")
    return value
