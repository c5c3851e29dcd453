"""Features from GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142, or one feature a line).

It is read with `json` and checked here, since `geojson.loads` rounds to six decimals and takes a latitude of 500.
"""

import json
from collections.abc import Iterator, Mapping

import shapely
from shapely.geometry import GeometryCollection, shape
from shapely.geometry.base import BaseGeometry

from s2kit.area.feature import WGS84, Feature, normal_crs, text_or_none
from s2kit.errors import InputError

RECORD_SEPARATOR = "\x1e"
"""What each text of an RFC 8142 sequence begins with."""

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_GEOMETRY_TYPES = frozenset({*_DEPTHS, "GeometryCollection"})
_HINT = "GeoJSON starts with an object that has a 'type'"


def from_geojson(text: str, label: str) -> Iterator[Feature | None]:
    """The features of a GeoJSON text; None for each whose geometry is null.

    Raises:
        InputError: It is not GeoJSON, or a geometry is bad.
    """
    if text.startswith(RECORD_SEPARATOR):
        yield from _sequence(text.split(RECORD_SEPARATOR), label)
        return
    try:
        document = _parse(text, label)
    except InputError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
            raise
        yield from _sequence(lines, label)
        return
    yield from _document(document, label)


def _sequence(texts: list[str], label: str) -> Iterator[Feature | None]:
    for number, text in enumerate((text for text in texts if text.strip()), start=1):
        where = f"{label} record {number}"
        yield from _document(_parse(text, where), where)


def _parse(text: str, label: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{label} is not JSON: {error}", _HINT) from error


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _document(document: object, label: str) -> Iterator[Feature | None]:
    if not isinstance(document, Mapping):
        raise InputError(f"{label} is JSON, but no GeoJSON object", _HINT)
    crs = _crs_member(document, label)
    for number, member in enumerate(_features(document, label), start=1):
        geometry = member.get("geometry")
        if not isinstance(geometry, Mapping):
            yield None
            continue
        where = label if member is document else f"{label}: feature {number}"
        properties = member.get("properties")
        attributes = dict(properties) if isinstance(properties, Mapping) else {}
        yield Feature(_shape(geometry, where), crs, attributes, text_or_none(member.get("id")))


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


def _shape(geometry: object, label: str) -> BaseGeometry:
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _GEOMETRY_TYPES:
        kind = geometry.get("type") if isinstance(geometry, Mapping) else geometry
        raise InputError(f"{label}: geometry type {kind!r} is none of {', '.join(sorted(_GEOMETRY_TYPES))}")
    if geometry["type"] == "GeometryCollection":
        members = geometry.get("geometries")
        if not isinstance(members, list):
            raise InputError(f"{label}: the GeometryCollection has no list of geometries")
        return GeometryCollection([_shape(member, label) for member in members])
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
    elif value and (  # an empty array is an empty geometry
        len(value) < 2 or not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
    ):
        raise InputError(f"{label}: {str(value)[:60]} is no position", "a position is [longitude, latitude]")


def _crs_member(document: Mapping[str, object], label: str) -> str:
    """The CRS of the 2008 form of GeoJSON (`crs.properties.name`); WGS 84 if none is named."""
    member = document.get("crs")
    if member is None:
        return WGS84
    properties = member.get("properties") if isinstance(member, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str):
        raise InputError(f"{label}: its crs has no name", 'for example "urn:ogc:def:crs:EPSG::4674"')
    return normal_crs(name, label)
