"""Parcels as rows with the fields of the legacy parcel services."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from shapely.geometry import mapping

from s2kit.area.parcel import Parcel
from s2kit.area.parcel_files import areas_m2
from s2kit.area.projection import LON_LAT
from s2kit.chips.places import WhereOptions, chosen_parcels, lonlat
from s2kit.errors import NotFoundError
from s2kit.run.events import Report, silent
from s2kit.settings import Loaded

COLUMNS = ("pid", "cropname", "cropcode", "srid", "area", "clon", "clat")
"""The fields; `geom` comes on demand."""


def find_parcels(loaded: Loaded, report: Report = silent, **options: Unpack[WhereOptions]) -> list[Parcel]:
    """The parcels of a file that fit; none at a point or with an attribute is an answer, an unknown id is an error.

    Args:
        loaded: The settings, for the names of the file's fields.
        report: Takes notes.
        options: See `WhereOptions`.

    Raises:
        NotFoundError: No such file or id.
        InputError: The file cannot be read, or a condition is none.
    """
    try:
        return list(chosen_parcels(options, loaded.settings, report))
    except NotFoundError:
        if options.get("pid") or not (options.get("where") or lonlat(options)):
            raise
        whole: WhereOptions = {**options, "where": None, "lon": None, "lat": None}
        chosen_parcels(whole, loaded.settings, silent)  # raises if it is the file that is missing
        return []


def parcel_rows(parcels: Sequence[Parcel], *, with_geometry: bool, wgs84: bool) -> list[dict[str, Any]]:
    """One row a parcel.

    Args:
        parcels: What to show.
        with_geometry: True adds `geom`, GeoJSON text, and `geometry` in lon/lat.
        wgs84: True gives `geom` in lon/lat (and `srid` 4326), False in the file's CRS.
    """
    rows = []
    for parcel, area in zip(parcels, areas_m2(parcels) if parcels else [], strict=True):
        lon, lat = parcel.centre
        row: dict[str, Any] = {
            "pid": parcel.pid,
            "cropname": parcel.cropname,
            "cropcode": parcel.cropcode,
            "srid": LON_LAT if wgs84 else parcel.srid,
            "area": area,
            "clon": round(lon, 7),
            "clat": round(lat, 7),
        }
        if with_geometry:
            as_given = parcel.geometry if wgs84 or parcel.source_geometry is None else parcel.source_geometry
            row["geom"] = json.dumps(mapping(as_given))
            row["geometry"] = mapping(parcel.geometry)
        rows.append(row)
    return rows


def as_lists(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as one object of parallel lists, empty lists if nothing was found."""
    keys = [key for key in (rows[0] if rows else dict.fromkeys(COLUMNS)) if key != "geometry"]
    return {key: [row[key] for row in rows] for key in keys}
