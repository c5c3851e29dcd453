"""Records of a search as STAC 1.1 items, for pystac, odc-stac and a GIS. Computes only."""

from collections.abc import Iterable
from typing import Any

from shapely.geometry import mapping

from s2kit.area.aoi import lon_lat_box
from s2kit.catalogue.record import ProductRecord

STAC_VERSION = "1.1.0"
_EXTENSIONS = {
    "eo:": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "grid:": "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
    "sat:": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "sar:": "https://stac-extensions.github.io/sar/v1.2.0/schema.json",
    "processing:": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "product:": "https://stac-extensions.github.io/product/v1.0.0/schema.json",
}
_NOT_PROPERTIES = frozenset(
    ("id", "geometry", "end_datetime", "s2kit:locations", "s2kit:quicklook", "s2kit:collection")
)
_FILE = ("file:size", "file:checksum")


def item_collection(records: Iterable[ProductRecord]) -> dict[str, Any]:
    """A FeatureCollection of STAC items, each product once."""
    items = {record.id: stac_item(record) for record in records}
    return {"type": "FeatureCollection", "features": list(items.values())}


def stac_item(record: ProductRecord) -> dict[str, Any]:
    """A record as an item; its assets are where archives have the product, and its preview."""
    facts = record.to_stac_properties()
    properties = {
        key: value
        for key, value in facts.items()
        if value is not None and key not in _NOT_PROPERTIES and key not in _FILE
    }
    about = {key: facts[key] for key in _FILE if facts[key] is not None}
    assets: dict[str, Any] = {
        name: {"href": address, "roles": ["data"], "title": f"the product in {name}"}
        for name, address in record.locations.items()
    }
    if about and "product" not in assets and len(record.locations) == 1:
        assets[next(iter(record.locations))] |= about
    if record.quicklook:
        assets["thumbnail"] = {"href": record.quicklook, "roles": ["thumbnail"]}
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": _extensions(properties, about),
        "id": record.id,
        "geometry": None if record.geometry is None else dict(mapping(record.geometry)),
        "properties": properties,
        "links": [],
        "assets": assets,
    }
    if record.geometry is not None:
        item["bbox"] = lon_lat_box(record.geometry)
    return item


def _extensions(properties: dict[str, Any], about: dict[str, Any]) -> list[str]:
    used = [url for prefix, url in _EXTENSIONS.items() if any(key.startswith(prefix) for key in properties)]
    return [*used, "https://stac-extensions.github.io/file/v2.1.0/schema.json"] if about else used
