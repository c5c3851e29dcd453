"""Search records from what the catalogues answer: STAC items, CDSE's OData products, DHuS entries.

Names of STAC properties are those of Earth Search v1 and of CDSE's STAC v1 as their answers show them; OData names are
those of CDSE's catalogue API; DHuS names are those that sentinelsat hands on.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import footprint, footprints
from s2kit.area.dates import parse_time
from s2kit.catalogue.record import ProductRecord, named_record
from s2kit.errors import InputError
from s2kit.product.ref import is_item_address
from s2kit.product.stac_name import product_name_in

_remembered = lru_cache(maxsize=256)
"""For words of which a catalogue has few and says each of them thousands of times."""

_MD5_PREFIX = "d50110"  # multihash: code 0xd5 as a varint, 16 bytes
_AWS_TILE = re.compile(r"s3://(sentinel-s2-l(1c|2a))/(tiles/\d{1,2}/[C-X]/[A-Z]{2}/\d{4}/\d{1,2}/\d{1,2}/\d+)/")
_COGS = re.compile(
    r"(?:s3://sentinel-cogs|https://sentinel-cogs\.s3\.[\w-]+\.amazonaws\.com)/(sentinel-s2-l2a-cogs/.+?)/?$"
)
_EODATA = re.compile(r"(?:s3://|/)eodata/(\S+?\.SAFE)(?:/|\.zip|$)")
_AZURE = re.compile(r"https://sentinel2l2a\d+\.blob\.core\.windows\.net/")
_ZARR = re.compile(r"\w+://\S+\.zarr/?")
_AWS_S1 = re.compile(r"s3://(sentinel-s1-l1c)/((?:GRD|SLC)/\d{4}/\d{1,2}/\d{1,2}/\w\w/\w\w/S1[A-D]_[A-Z0-9_]+)/")


def from_stac(item: Mapping[str, Any], catalogue: str) -> ProductRecord:
    """The record of a STAC item.

    Raises:
        InputError: The item has no id or no time.
    """
    return _from_stac(item, _geometry(item.get("geometry")), catalogue)


def from_stac_page(items: Sequence[Any], catalogue: str) -> tuple[list[ProductRecord], int]:
    """The records of a page of STAC items, and how many items were left out for having no id or no time."""
    sound = [item for item in items if isinstance(item, dict)]
    records = []
    for item, geometry in zip(sound, _geometries([item.get("geometry") for item in sound]), strict=True):
        with suppress(InputError, AttributeError, TypeError):
            records.append(_from_stac(item, geometry, catalogue))
    return records, len(items) - len(records)


def _from_stac(item: Mapping[str, Any], geometry: BaseGeometry | None, catalogue: str) -> ProductRecord:
    properties = _table(item.get("properties"))
    assets = _table(item.get("assets"))
    name = _product_name(item, properties)
    whole = _table(assets.get("Product") or assets.get("product"))
    return named_record(
        name,
        _moment(properties.get("datetime") or properties.get("start_datetime")),
        end=_moment(properties.get("end_datetime")),
        mission=_mission(properties, name),
        level=_level(properties, item),
        platform=_satellite(str(properties.get("platform"))),
        cloud_cover=_number(properties.get("eo:cloud_cover")),
        tile=_tile(properties),
        baseline=_text(properties.get("s2:processing_baseline") or _stated_baseline(properties)),
        orbit=_whole(properties.get("sat:relative_orbit")),
        datastrip=_text(properties.get("s2:datastrip_id") or properties.get("sentinel2:datastrip_id")),
        geometry=geometry,
        nbytes=_whole(whole.get("file:size")),
        checksum=_text(whole.get("file:checksum")),
        locations=_locations(properties, assets, _own_address(item)) or None,
        product_type=_kind(
            properties.get("product:type") or properties.get("s2:product_type") or properties.get("sar:product_type")
        ),
        mode=_text(properties.get("sar:instrument_mode")),
        polarisations=tuple(str(channel) for channel in properties.get("sar:polarizations") or ()) or None,
        quicklook=_quicklook(assets),
        catalogue=catalogue,
        item=_text(item.get("id")),
        collection=_text(item.get("collection")),
    )


def from_odata(product: Mapping[str, Any], catalogue: str) -> ProductRecord:
    """The record of a product of CDSE's OData catalogue, asked for with its attributes.

    Raises:
        InputError: The product has no name or no time.
    """
    attributes = {str(entry.get("Name")): entry.get("Value") for entry in product.get("Attributes") or ()}
    dates = _table(product.get("ContentDate"))
    checksums = {
        str(entry.get("Algorithm")).upper(): entry.get("Value") for entry in product.get("Checksum") or () if entry
    }
    path = _EODATA.search(str(product.get("S3Path") or "") + "/")
    assets = [_table(asset) for asset in product.get("Assets") or ()]
    md5 = checksums.get("MD5")
    name = _text(product.get("Name"))
    if name is None:
        raise InputError("an OData product without a name")
    return named_record(
        name,
        _moment(dates.get("Start")),
        end=_moment(dates.get("End")),
        platform=_satellite(f"{attributes.get('platformShortName')}{attributes.get('platformSerialIdentifier')}"),
        mission={"SENTINEL-1": "s1", "SENTINEL-2": "s2"}.get(str(attributes.get("platformShortName")).upper()),
        cloud_cover=_number(attributes.get("cloudCover")),
        tile=_text(attributes.get("tileId")),
        orbit=_whole(attributes.get("relativeOrbitNumber")),
        datastrip=_text(attributes.get("datastripIdentifier") or attributes.get("datastripId")),
        baseline=_two_parts(attributes.get("processorVersion")) if "tileId" in attributes else None,
        geometry=_geometry(product.get("GeoFootprint")),
        nbytes=_whole(product.get("ContentLength")),
        checksum=f"{_MD5_PREFIX}{str(md5).lower()}" if md5 else None,
        locations={"cdse": f"s3://eodata/{path[1]}"} if path else None,
        product_type=_kind(attributes.get("productType")),
        mode=_text(attributes.get("operationalMode")) if attributes.get("platformShortName") == "SENTINEL-1" else None,
        quicklook=next(
            (_text(asset.get("DownloadLink")) for asset in assets if asset.get("Type") == "QUICKLOOK"), None
        ),
        catalogue=catalogue,
        item=_text(product.get("Id")),
    )


def from_dhus(entry: Mapping[str, Any], catalogue: str) -> ProductRecord:
    """The record of a DHuS entry in sentinelsat's form.

    DHuS tells sizes as rounded text only, so that none is taken over.

    Raises:
        InputError: The entry has no identifier or no time.
    """
    name = _text(entry.get("identifier") or entry.get("title"))
    if name is None:
        raise InputError("a DHuS entry without an identifier")
    level = re.search(r"(1C|2A)", str(entry.get("processinglevel", "")))
    is_s1 = str(entry.get("platformname")) == "Sentinel-1"
    return named_record(
        name,
        _moment(entry.get("beginposition")),
        end=_moment(entry.get("endposition")),
        mission={"Sentinel-1": "s1", "Sentinel-2": "s2"}.get(str(entry.get("platformname"))),
        level=f"L{level[1]}" if level and not is_s1 else None,
        cloud_cover=_number(entry.get("cloudcoverpercentage")),
        tile=_text(entry.get("tileid")),
        orbit=_whole(entry.get("relativeorbitnumber")),
        baseline=_text(entry.get("processingbaseline")),
        geometry=_wkt(entry.get("footprint")),
        product_type=_kind(entry.get("producttype")),
        mode=_text(entry.get("sensoroperationalmode")) if is_s1 else None,
        polarisations=tuple(str(entry.get("polarisationmode") or "").split()) or None,
        catalogue=catalogue,
        item=_text(entry.get("uuid")),
    )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # what json makes; the abstract Mapping is ten times as slow to ask


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    return str(value) if isinstance(value, int) else None


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _geometry(value: object) -> BaseGeometry | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return footprint(shape(dict(value)))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return None


def _geometries(values: Sequence[object]) -> list[BaseGeometry | None]:
    """The footprints of a page: those of the usual form, polygons of one ring, all at once."""
    rings = [_only_ring(value) for value in values]
    usual = [ring for ring in rings if ring is not None]
    try:
        corners = np.array([corner for ring in usual for corner in ring], dtype=float)
        numbers = np.repeat(np.arange(len(usual)), [len(ring) for ring in usual])
        polygons = shapely.polygons(shapely.linearrings(corners, indices=numbers))
        assert isinstance(polygons, np.ndarray)
        made = iter(footprints(polygons.tolist()))
    except (ValueError, TypeError, shapely.errors.ShapelyError):  # one of them is damaged
        return [_geometry(value) for value in values]
    return [_geometry(value) if ring is None else next(made) for value, ring in zip(values, rings, strict=True)]


def _only_ring(geometry: object) -> list[Any] | None:
    """The ring of a polygon without holes, None of anything else."""
    match geometry:
        case {"type": "Polygon", "coordinates": [[_, *_] as ring]}:
            return list(ring)
    return None


def _wkt(value: object) -> BaseGeometry | None:
    try:
        return footprint(shapely.from_wkt(value)) if isinstance(value, str) else None
    except (shapely.errors.ShapelyError, ValueError):
        return None


def _product_name(item: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    name = product_name_in(properties) or _text(item.get("id"))
    if name is None:
        raise InputError("a STAC item without an id")
    return name.removesuffix(".SAFE")


def _mission(properties: Mapping[str, Any], name: str) -> str | None:
    return _mission_in(str(properties.get("constellation") or properties.get("platform") or name))


@_remembered
def _mission_in(text: str) -> str | None:
    low = text.lower().replace(" ", "-")
    if low.startswith("landsat"):
        return "landsat"
    return next((f"s{number}" for number in "12" if f"sentinel-{number}" in low or low.startswith(f"s{number}")), None)


_LEVEL_KEYS = ("s2:product_type", "sentinel2:product_type", "product:type", "processing:level", "landsat:correction")


def _level(properties: Mapping[str, Any], item: Mapping[str, Any]) -> str | None:
    said = (*(properties.get(key) for key in _LEVEL_KEYS), item.get("collection"), item.get("id"))
    return next((level for one in said if one is not None and (level := _level_in(str(one)))), None)


@_remembered
def _level_in(kind: str) -> str | None:
    match = re.fullmatch(
        r"(?:S2MSI|sentinel-s?2-(?:c1-)?l|L(?:evel-)?|S2[A-D]_\w+_L)(1c|2a)(?:-cogs)?", kind, re.IGNORECASE
    )
    if kind in {"L2SP", "L2SR"}:
        return kind
    return f"L{match[1].upper()}" if match else None


def _kind(value: object) -> str | None:
    return _kind_in(_text(value) or "") or None


@_remembered
def _kind_in(text: str) -> str:
    """`GRD` from `IW_GRDH_1S`, as CDSE has it; other product types as they are."""
    match = re.search(r"_(GRD|SLC|OCN|RAW)[FHM_]", text)
    return match[1] if match else text


@_remembered
def _satellite(platform: str) -> str | None:
    match = re.search(r"sentinel-?([12])([a-d])$|landsat[-_ ]?([1-9])$", platform, re.IGNORECASE)
    if match is None:
        return None
    return f"L{match[3]}" if match[3] else f"S{match[1]}{match[2].upper()}"


def _tile(properties: Mapping[str, Any]) -> str | None:
    code = _text(properties.get("grid:code")) or _text(properties.get("s2:mgrs_tile")) or _path_row(properties)
    return code.removeprefix("MGRS-").removeprefix("WRS2-").rjust(5, "0") if code else None


def _path_row(properties: Mapping[str, Any]) -> str | None:
    """Landsat's path and row, `198030`."""
    path, row = (_whole(properties.get(f"landsat:wrs_{key}")) for key in ("path", "row"))
    return None if path is None or row is None else f"{path:03d}{row:03d}"


def _stated_baseline(properties: Mapping[str, Any]) -> str | None:
    return _two_parts(properties.get("processing:version")) if "grid:code" in properties else None


def _two_parts(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"\d\d\.\d\d", value) else None


_TELLING = (
    *("tileinfo_metadata", "granule_metadata", "safe_manifest", "safe-manifest", "product_metadata"),
    *("red", "red-jp2", "visual", "B04", "B04_10m", "vv", "hh"),
)
"""Assets whose addresses lead to the others; only where an item has none of them all are looked at."""


def _own_address(item: Mapping[str, Any]) -> str | None:
    """The address that an item gives itself."""
    links = (_table(link) for link in item.get("links") or ())
    return next((str(link.get("href")) for link in links if link.get("rel") == "self"), None)


def _locations(properties: Mapping[str, Any], assets: Mapping[str, Any], own: str | None) -> dict[str, str]:
    """Where the item says that the product is; a tile path is all that Earth Search's hrefs are good for."""
    found: dict[str, str] = {}
    keys = [key for key in _TELLING if key in assets] or assets
    hrefs = [href for key in keys if isinstance(href := _table(assets[key]).get("href"), str)]
    named = [f"{path}/"] if (path := properties.get("earthsearch:s3_path")) else []
    for folder in dict.fromkeys([*named, *(href[: href.rfind("/") + 1] for href in hrefs)]):
        if tile := _AWS_TILE.match(folder):
            found.setdefault(f"aws-l{tile[2]}", f"s3://{tile[1]}/{tile[3]}")
        elif safe := _EODATA.match(folder):
            found.setdefault("cdse", f"s3://eodata/{safe[1]}")
        elif s1 := _AWS_S1.match(folder):
            found.setdefault("aws-s1", f"s3://{s1[1]}/{s1[2]}")
        elif cogs := _COGS.match(folder):
            found.setdefault("cogs", f"s3://sentinel-cogs/{cogs[1]}")
        elif own is not None and _AZURE.match(folder):
            found.setdefault("pc", own)
    for asset in (_table(assets[key]) for key in ("product", "Product") if key in assets):
        href = str(asset.get("href"))
        if _ZARR.fullmatch(href):
            found["eopf"] = href.rstrip("/")
    if not found and own is not None and is_item_address(own):
        found["item"] = own
    return found


_PICTURES = ("thumbnail", "quicklook", "overview", "preview", "rendered_preview")


def _quicklook(assets: Mapping[str, Any]) -> str | None:
    for asset in (_table(assets[key]) for key in _PICTURES if key in assets):
        alternate = _table(_table(asset.get("alternate")).get("https"))
        for href in (asset.get("href"), alternate.get("href")):
            is_picture = "tif" not in str(asset.get("type", "")) and not str(href).endswith((".tif", ".jp2"))
            if isinstance(href, str) and href.startswith(("http://", "https://")) and is_picture:
                return href
    return None
