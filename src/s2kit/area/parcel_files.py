"""Parcels from files: GeoJSON by `json`, GeoPackage and Shapefile by pyogrio (the `vector` extra)."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import clean
from s2kit.area.parcel import Parcel, attribute_names, text_or_none
from s2kit.area.projection import LON_LAT, crs_epsg, project_all
from s2kit.errors import ConfigError, InputError, NotFoundError

VECTOR_SUFFIXES = frozenset((".gpkg", ".shp"))
EQUAL_AREA = 3035
"""LAEA Europe: the CRS in which the parcel services of old gave areas; equal-area everywhere."""

_EPSG = re.compile(r"EPSG:+(?:[\d.]*:)?(\d{4,6})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """The parcels of a file, and what had to be mended."""

    parcels: tuple[Parcel, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Raw:
    geometry: BaseGeometry
    attributes: Mapping[str, object]
    id: str | None = None


def parcel_path(template: str, year: int | None = None, ptype: str = "") -> Path:
    """The parcel file of a year and a type of parcels.

    Args:
        template: A path; `{year}` and `{ptype}` in it are replaced.
        year: Year of the declaration.
        ptype: Kind of parcels, as the file names spell it.

    Raises:
        NotFoundError: The path has a place for a year and none is given, or no such file.
    """
    if "{year}" in template and year is None:
        raise NotFoundError(f"parcel file {template} wants a year", "add --year")
    path = Path(template.replace("{year}", str(year)).replace("{ptype}", ptype))
    if not path.exists():
        raise NotFoundError(f"parcel file {path} does not exist", "--parcels takes a GeoJSON, GeoPackage or Shapefile")
    return path


def read_parcels(path: Path, fields: Mapping[str, str] | None = None) -> ParcelFile:
    """All parcels of a file.

    Args:
        path: `.geojson`, `.json`, `.gpkg` or `.shp`.
        fields: Field → attribute name, for files whose attributes are called otherwise.

    Raises:
        NotFoundError: No such file.
        InputError: Not such a file, no polygon in it, or coordinates that are no place on Earth.
        ConfigError: A GeoPackage or Shapefile without pyogrio.
    """
    if not path.exists():
        raise NotFoundError(f"parcel file {path} does not exist", "--parcels takes a GeoJSON, GeoPackage or Shapefile")
    raws, crs, columns = _read_vector(path) if path.suffix.lower() in VECTOR_SUFFIXES else _read_geojson(path)
    if not raws:
        raise InputError(f"parcel file {path} holds no polygon")
    renamed = {name: column for name, column in (fields or {}).items() if column.lower() != name}
    names = attribute_names(columns, renamed)
    srid = crs_epsg(crs, str(path))
    lonlat = project_all([raw.geometry for raw in raws], srid or crs, LON_LAT)
    notes: list[str] = []
    parcels = []
    for number, (raw, geometry) in enumerate(zip(raws, lonlat, strict=True), start=1):
        pid = text_or_none(raw.attributes.get(names.get("pid", ""))) or raw.id or str(number)
        cleaned = clean(geometry, f"parcel {pid}")
        notes += cleaned.notes
        as_given = cleaned.geometry if srid in {None, LON_LAT} else raw.geometry
        parcels.append(
            Parcel(
                pid=pid,
                geometry=cleaned.geometry,
                cropname=text_or_none(raw.attributes.get(names.get("cropname", ""))),
                cropcode=text_or_none(raw.attributes.get(names.get("cropcode", ""))),
                srid=(srid or LON_LAT) if as_given is raw.geometry else LON_LAT,
                source_geometry=as_given,
                attributes=MappingProxyType(dict(raw.attributes)),
            )
        )
    return ParcelFile(tuple(parcels), tuple(dict.fromkeys(notes)))


def areas_m2(parcels: Sequence[Parcel]) -> list[int]:
    """Areas in whole square metres, measured in EPSG:3035."""
    moved = project_all([parcel.geometry for parcel in parcels], LON_LAT, EQUAL_AREA)
    return [round(geometry.area) for geometry in moved]


def _read_geojson(path: Path) -> tuple[list[_Raw], str, list[str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"parcel file {path} is not JSON: {error}", "GeoPackage ends in .gpkg, Shapefile in .shp"
        ) from (error)
    except OSError as error:
        raise InputError(f"parcel file {path} cannot be read: {error.strerror}") from error
    raws = [
        _Raw(_polygon(feature["geometry"], path, number), _properties(feature), text_or_none(feature.get("id")))
        for number, feature in enumerate(_features(document, path), start=1)
        if feature.get("geometry")
    ]
    columns = list(dict.fromkeys(name for raw in raws for name in raw.attributes))
    return raws, _crs_name(document), columns


def _properties(feature: Mapping[str, object]) -> Mapping[str, object]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _features(document: object, path: Path) -> Iterator[Mapping[str, object]]:
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(document, dict) or kind not in {"FeatureCollection", "Feature", "Polygon", "MultiPolygon"}:
        raise InputError(f"parcel file {path} is no GeoJSON of polygons", "it starts with a FeatureCollection")
    if kind == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
            raise InputError(f"parcel file {path}: the FeatureCollection has no list of features")
        yield from features
    else:
        yield document if kind == "Feature" else {"geometry": document}


def _polygon(member: object, path: Path, number: int) -> BaseGeometry:
    try:
        geometry = shape(member)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        raise InputError(f"parcel file {path}: feature {number} has a bad geometry: {error}") from error
    return _checked(geometry, path, number)


def _checked(geometry: BaseGeometry, path: Path, number: int) -> BaseGeometry:
    if geometry.geom_type not in {"Polygon", "MultiPolygon"} or geometry.is_empty:
        kind = f"an empty {geometry.geom_type}" if geometry.is_empty else f"a {geometry.geom_type}"
        raise InputError(f"parcel file {path}: feature {number} is {kind}", "parcels are polygons")
    return shapely.force_2d(geometry)


def _crs_name(document: Mapping[str, object]) -> str:
    member = document.get("crs")
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or name.upper().endswith("CRS84"):
        return f"EPSG:{LON_LAT}"
    match = _EPSG.search(name)
    return f"EPSG:{match[1]}" if match else name


def _read_vector(path: Path) -> tuple[list[_Raw], str, list[str]]:
    try:
        from pyogrio.errors import DataSourceError
        from pyogrio.raw import read
    except ImportError as error:
        raise ConfigError(
            f"parcel file {path}: reading {path.suffix} files needs pyogrio",
            "pip install 's2kit[vector]', or use GeoJSON",
        ) from error
    try:
        meta, _, geometries, values = read(path)
    except (DataSourceError, ValueError, OSError) as error:
        raise InputError(f"parcel file {path} cannot be read: {' '.join(str(error).split())}") from error
    columns = [str(name) for name in meta["fields"]]
    raws = [
        _Raw(
            _checked(shapely.from_wkb(wkb), path, number),
            {column: _plain(column_values[number - 1]) for column, column_values in zip(columns, values, strict=True)},
        )
        for number, wkb in enumerate(geometries, start=1)
        if wkb is not None
    ]
    return raws, str(meta["crs"] or f"EPSG:{LON_LAT}"), columns


def _plain(value: object) -> object:
    """A numpy scalar as Python's own; dates become text."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    if isinstance(plain, float) and plain != plain:
        return None
    return plain if plain is None or isinstance(plain, bool | int | float | str) else str(plain)
