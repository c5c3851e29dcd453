"""Parcels from vector files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import clean
from s2kit.area.feature import Feature, text_or_none
from s2kit.area.feature_files import parse_source, read_file
from s2kit.area.parcel import Parcel, attribute_names
from s2kit.area.projection import LON_LAT, crs_epsg, in_lon_lat, project_all
from s2kit.errors import InputError, NotFoundError

EQUAL_AREA = 3035
"""LAEA Europe: the CRS in which the legacy parcel services gave areas; equal-area everywhere."""

_HINT = "--parcels takes a GeoJSON, GeoPackage, Shapefile, FlatGeobuf or GeoParquet"


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """The parcels of a file, and what had to be mended."""

    parcels: tuple[Parcel, ...]
    notes: tuple[str, ...] = ()


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
    filled = template.replace("{year}", str(year)).replace("{ptype}", ptype)
    path = parse_source(filled).path
    if not path.exists():
        raise NotFoundError(f"parcel file {path} does not exist", _HINT)
    return Path(filled)


def read_parcels(source: Path, fields: Mapping[str, str] | None = None) -> ParcelFile:
    """All parcels of a file.

    Args:
        source: A vector file, also as `FILE|layername=NAME`; see `area/feature_files.py`.
        fields: Field → attribute name, for files whose attributes are called otherwise.

    Raises:
        NotFoundError: No such file.
        InputError: Not such a file, a feature that is no polygon, or coordinates that are no place on Earth.
        ConfigError: A format whose library is not installed.
    """
    named = parse_source(source)
    path = named.path
    if not path.exists():
        raise NotFoundError(f"parcel file {path} does not exist", _HINT)
    found = read_file(path, layer=named.layer, crs=named.crs)
    polygons = [_polygon(feature, path, number) for number, feature in enumerate(found.features, start=1)]
    renamed = {name: column for name, column in (fields or {}).items() if column.lower() != name}
    names = attribute_names(found.columns, renamed)
    srids = {one: crs_epsg(one, str(path)) for one in dict.fromkeys(feature.crs for feature in found.features)}
    lonlat = in_lon_lat(found.features, str(path))
    pids, notes = _pids(found.features, names.get("pid", ""), path)
    notes = [*found.notes, *notes]
    parcels = []
    for pid, feature, polygon, geometry in zip(pids, found.features, polygons, lonlat, strict=True):
        cleaned = clean(geometry, f"parcel {pid}")
        notes += cleaned.notes
        srid = srids[feature.crs] or LON_LAT
        parcels.append(
            Parcel(
                pid=pid,
                geometry=cleaned.geometry,
                cropname=text_or_none(feature.attributes.get(names.get("cropname", ""))),
                cropcode=text_or_none(feature.attributes.get(names.get("cropcode", ""))),
                srid=srid,
                source_geometry=cleaned.geometry if srid == LON_LAT else polygon,
                attributes=feature.attributes,
            )
        )
    return ParcelFile(tuple(parcels), tuple(dict.fromkeys(notes)))


def areas_m2(parcels: Sequence[Parcel]) -> list[int]:
    """Areas in whole square metres, measured in EPSG:3035."""
    moved = project_all([parcel.geometry for parcel in parcels], LON_LAT, EQUAL_AREA)
    return [round(geometry.area) for geometry in moved]


def _polygon(feature: Feature, path: Path, number: int) -> BaseGeometry:
    kind = feature.geometry.geom_type
    if kind not in {"Polygon", "MultiPolygon"}:
        raise InputError(f"parcel file {path}: feature {number} is a {kind}", "parcels are polygons")
    return shapely.force_2d(feature.geometry)


def _pids(features: Sequence[Feature], column: str, path: Path) -> tuple[list[str], list[str]]:
    """The id of each parcel, and notes.

    A parcel without an id gets the number of its feature; if other parcels have ids, one that cannot be theirs.
    """
    own = [text_or_none(feature.attributes.get(column)) or feature.id for feature in features]
    taken = {pid for pid in own if pid}
    form = "feature-{}" if taken else "{}"
    while any(form.format(number) in taken for number in range(1, len(own) + 1)):
        form = f"_{form}"
    pids = [pid or form.format(number) for number, pid in enumerate(own, start=1)]
    notes = []
    missing = sum(1 for pid in own if not pid)
    if missing and taken:
        count = "1 parcel has" if missing == 1 else f"{missing} parcels have"
        notes.append(
            f"parcel file {path}: {count} no id and {'is' if missing == 1 else 'are'} called {form.format('N')}"
        )
    twice = [pid for pid in dict.fromkeys(pids) if pids.count(pid) > 1] if len(set(pids)) < len(pids) else []
    if twice:
        shown = ", ".join(twice[:3]) + (" …" if len(twice) > 3 else "")
        notes.append(f"parcel file {path}: several parcels have the same id: {shown}")
    return pids, notes
