"""Features from text: GeoJSON, WKT, KML and CSV. Nothing here reads a file; `area/feature_files.py` does."""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from s2kit.area.feature import WGS84, Feature, FeatureSet, feature_set, normal_crs
from s2kit.area.geojson import RECORD_SEPARATOR, from_geojson
from s2kit.errors import InputError

HINT = "areas are GeoJSON, WKT, KML, or CSV with a WKT column or lon and lat columns"

_WKT = re.compile(
    r"\s*(?:SRID\s*=\s*(\d+)\s*;)?\s*((?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\b(?:\s|Z|M|\()", re.I
)
_POSITION = re.compile(r"[-+.\d][^(),]*")
_WKT_HINT = "is a bracket, comma or number missing?"


def parse_features(data: bytes | str, label: str = "AOI", stem: str = "") -> FeatureSet:
    """The features in a text, whichever of the formats it is in.

    Args:
        data: GeoJSON (FeatureCollection, Feature, geometry, or a sequence of them), WKT or EWKT (one a line), KML in
            the encoding that it names, or CSV; bytes are UTF-8 but for KML.
        label: What error messages call it, for example the file's name.
        stem: A name for what is made of the features.

    Raises:
        InputError: Empty, in none of the formats, or without a single shape.
    """
    if isinstance(data, bytes) and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return feature_set(label, stem, _from_kml(data, label), hint=HINT)
    text = decoded(data, label) if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff").strip(" \t\r\n\v\f\x85\xa0")
    if not text:
        raise InputError(f"{label} is empty", HINT)
    found: Iterable[Feature | None]
    if text[0] in "{[" or text[0] == RECORD_SEPARATOR:
        found = from_geojson(text, label)
    elif text[0] == "<":
        found = _from_kml(text.encode(), label)
    elif _WKT.match(text):
        found = _from_wkt(text, label)
    else:
        found = _from_csv(text, label)
    return feature_set(label, stem, found, hint=HINT)


def looks_like_geometry(text: str) -> bool:
    """True for text that is WKT or GeoJSON itself, not the name of a file that holds it."""
    return text.lstrip().startswith("{") or _WKT.match(text) is not None


def decoded(data: bytes, label: str) -> str:
    """UTF-8 text, with or without a byte-order mark.

    Raises:
        InputError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{label} is not UTF-8 text", "save it as UTF-8, or name a .gpkg or .shp file") from error


# WKT


def _from_wkt(text: str, label: str) -> list[Feature]:
    try:
        return [Feature(*_wkt_shape(text, label))]
    except InputError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(_WKT.match(line) for line in lines):
            raise
        return [Feature(*_wkt_shape(line, label)) for line in lines]


def _wkt_shape(text: str, label: str) -> tuple[BaseGeometry, str]:
    """The shape and the CRS of WKT or EWKT."""
    match = _WKT.match(text)
    if not match:
        raise InputError(f"{label}: {_shown(text)} is no WKT", "for example POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))")
    body = text[match.start(2) :].strip()
    if len({len(position.split()) for position in _POSITION.findall(body)}) > 1:  # GEOS fills up what is missing
        raise InputError(f"{label}: bad WKT: its positions differ in their number of coordinates", _WKT_HINT)
    try:
        geometry = shapely.from_wkt(body)
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"{label}: bad WKT: {_shown(why, 120)}", _WKT_HINT) from error
    return geometry, f"EPSG:{match[1]}" if match[1] else WGS84


def _shown(text: str, most: int = 60) -> str:
    """A text that is wrong, as a message quotes it."""
    return repr(text) if len(text) <= most else f"{text[:most]!r} …"


# KML


def _from_kml(data: bytes, label: str) -> list[Feature]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InputError(f"{label} is not KML: {error}", HINT) from error
    if _local(root.tag) != "kml":
        raise InputError(f"{label} is XML, but no KML (its root is {_local(root.tag)})", HINT)
    areas = []
    for placemark in (element for element in root.iter() if _local(element.tag) == "Placemark"):
        shapes = [_kml_shape(element, label) for element in placemark.iter() if _local(element.tag) in _KML_SHAPES]
        if shapes:
            name = next((child.text for child in placemark if _local(child.tag) == "name"), None)
            geometry = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
            areas.append(Feature(geometry, WGS84, {"name": name.strip()} if name and name.strip() else {}))
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
_CRS_COLUMNS = ("epsg", "srid", "crs")
_CSV_NAMES = ("name", "title", "aoi", "id", "fid", "parcel", "parcel_id")
_SEPARATORS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # what Excel writes above a table


def _from_csv(text: str, label: str) -> list[Feature | None]:
    csv.field_size_limit(2**31 - 1)  # one cell may hold the WKT of a country
    first, _, rest = text.partition("\n")
    named = _SEP_LINE.fullmatch(first.strip())
    separator = named[1] if named and named[1] in _SEPARATORS else max(_SEPARATORS, key=first.count)
    reader = csv.DictReader(
        io.StringIO(rest if named else text, newline=""), delimiter=separator, skipinitialspace=True
    )
    try:
        return list(_csv_features(reader, label))
    except csv.Error as error:
        raise InputError(f"{label} is not CSV: line {reader.line_num}: {error}", HINT) from error


def _csv_features(reader: "csv.DictReader[str]", label: str) -> Iterator[Feature | None]:
    fields = {field.strip().lower(): field for field in reader.fieldnames or () if field}
    groups = (_WKT_COLUMNS, _LON_COLUMNS, _LAT_COLUMNS, _CSV_NAMES, _CRS_COLUMNS)
    wkt, lon, lat, name, crs = (_first(fields, wanted) for wanted in groups)
    if wkt is None and (lon is None or lat is None):
        raise InputError(f"{label} is no GeoJSON, WKT or KML, and has no CSV columns wkt, or lon and lat", HINT)
    for row in reader:
        place = f"{label} line {reader.line_num}"
        cell = (row.get(wkt) or "").strip() if wkt else ""
        if not (cell or any((row.get(column) or "").strip() for column in (lon, lat) if column and not wkt)):
            yield None
            continue
        if wkt:
            geometry, code = _wkt_shape(cell, place)
        else:
            geometry, code = Point(_number(row, lon, place), _number(row, lat, place)), WGS84
        own = (row.get(crs) or "").strip() if crs else ""
        code = normal_crs(f"EPSG:{own}" if own.isdigit() else own, place) if own else code
        attributes: dict[str, object] = {
            key: value for key, value in row.items() if key is not None and key not in {wkt, lon, lat, crs}
        }
        title = (row.get(name) or "").strip() if name else ""
        yield Feature(geometry, code, attributes, title or None)


def _first(fields: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((fields[name] for name in wanted if name in fields), None)


def _number(row: Mapping[str, str | None], column: str | None, label: str) -> float:
    """A coordinate; half of Europe's spreadsheets write a comma for the decimal point."""
    text = (row.get(column or "") or "").strip()
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError as error:
        raise InputError(f"{label}: {text!r} in column {column} is no number") from error
    if not math.isfinite(value):
        raise InputError(f"{label}: {text!r} in column {column} is no number")
    return value
