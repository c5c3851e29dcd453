"""`/query/parcel…` and `/query/info`: parcels of the files of the settings, in the shape of the JRC service."""

from typing import Any, Literal

from fastapi import APIRouter, Request

from s2kit.area.parcel import Parcel
from s2kit.errors import InputError, NotFoundError
from s2kit.serve.login import basic_user
from s2kit.serve.names import checked_word
from s2kit.serve.state import state_of
from s2kit.settings import Loaded
from s2kit.stats.parcels import as_lists, find_parcels, parcel_rows

router = APIRouter(prefix="/query", tags=["parcels"])

MOST_IDS = 100
Flag = Literal["True", "true", "1", "False", "false", "0", ""]
_YES = frozenset(("True", "true", "1"))


@router.get("/parcelByLocation")
def parcel_by_location(
    request: Request,
    aoi: str,
    lon: float,
    lat: float,
    year: int | None = None,
    ptype: str = "",
    parcels: str = "",
    withGeometry: Flag = "",  # noqa: N803 - the service's own name
    wgs84: Flag = "",
) -> dict[str, list[Any]]:
    """The parcels at a point; empty lists if there are none."""
    loaded = state_of(request).loaded_for(basic_user(request))
    found = parcels_of(loaded, aoi or parcels, year, ptype, lon=lon, lat=lat)
    return _lists(found, with_geometry=withGeometry in _YES, wgs84=wgs84 in _YES)


@router.get("/parcelByID")
def parcel_by_id(
    request: Request,
    aoi: str,
    pid: str,
    year: int | None = None,
    ptype: str = "",
    withGeometry: Flag = "",  # noqa: N803
    wgs84: Flag = "",
) -> dict[str, list[Any]]:
    """The parcel of an id; empty lists if there is none."""
    loaded = state_of(request).loaded_for(basic_user(request))
    try:
        found = parcels_of(loaded, aoi, year, ptype, pid=pid)
    except NotFoundError:
        parcels_of(loaded, aoi, year, ptype)  # raises if it is the file that is missing
        found = []
    return _lists(found, with_geometry=withGeometry in _YES, wgs84=wgs84 in _YES)


@router.get("/parcelsByPolygon")
def parcels_by_polygon(
    request: Request,
    aoi: str,
    polygon: str,
    year: int | None = None,
    ptype: str = "",
    only_ids: Flag = "True",
    withGeometry: Flag = "",  # noqa: N803
    wgs84: Flag = "",
) -> dict[str, list[Any]]:
    """The parcels that meet a polygon `lon_lat,lon_lat,…`; the original's `-` between positions is read too."""
    from shapely.geometry import Polygon

    loaded = state_of(request).loaded_for(basic_user(request))
    shape = Polygon(parse_positions(polygon))
    if not shape.is_valid or shape.is_empty:
        raise InputError("polygon: its ring crosses itself", "give the corners in order")
    found = [parcel for parcel in parcels_of(loaded, aoi, year, ptype) if parcel.geometry.intersects(shape)][:MOST_IDS]
    if only_ids in _YES:
        return {"pid": [parcel.pid for parcel in found]}
    return _lists(found, with_geometry=withGeometry in _YES, wgs84=wgs84 in _YES)


@router.get("/info")
def info(request: Request, aoi: str = "") -> dict[str, Any]:
    """What this service has."""
    basic_user(request)
    files = state_of(request).options.loaded.settings.parcel_files
    return {
        "server": "s2kit",
        "helpers": [],
        "aois": sorted(files) if not aoi else [name for name in files if name == aoi],
    }


def parcels_of(
    loaded: Loaded,
    aoi: str,
    year: int | None,
    ptype: str,
    *,
    pid: str | None = None,
    lon: float | None = None,
    lat: float | None = None,
) -> list[Parcel]:
    """Parcels of the file that the settings have under a name, letter case aside.

    Raises:
        NotFoundError: There is no such name, file or parcel.
        InputError: `ptype` could lead elsewhere.
    """
    files = {name.lower(): template for name, template in loaded.settings.parcel_files.items()}
    template = files.get(aoi.lower())
    if template is None:
        raise NotFoundError(
            f"there are no parcels of aoi {aoi[:40]!r}", f"there are {', '.join(sorted(files)) or 'none'}"
        )
    if ptype:
        checked_word(ptype)
    return find_parcels(loaded, parcels=template, year=year, ptype=ptype, pid=pid, lon=lon, lat=lat)


def parse_positions(text: str) -> list[tuple[float, float]]:
    """Positions of `x_y,x_y,…` (also with `;`), or of the service's `x_y-x_y-…`, which knows no negative numbers.

    Raises:
        InputError: It is something else.
    """
    parts = text.replace(";", ",").split(",") if "," in text or ";" in text else text.split("-")
    try:
        positions = [(float(x), float(y)) for x, y in (part.split("_") for part in parts)]
    except ValueError:
        raise InputError(f"polygon {text[:60]!r} cannot be read", "write it as lon_lat,lon_lat,lon_lat") from None
    if len(positions) < 3:
        raise InputError(f"polygon: {len(positions)} positions are no area", "give three or more")
    return positions


def _lists(parcels: list[Parcel], *, with_geometry: bool, wgs84: bool) -> dict[str, list[Any]]:
    lists = as_lists(parcel_rows(parcels, with_geometry=with_geometry, wgs84=wgs84))
    order = ("pid", "cropname", "cropcode", "srid", "geom", "area", "clon", "clat")
    return {key: lists.get(key, []) for key in order if key in lists or (key == "geom" and with_geometry)}
