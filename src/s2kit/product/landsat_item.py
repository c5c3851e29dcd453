"""STAC items of Landsat Collection 2, Level-2: surface reflectance and temperature as GeoTIFFs; computes.

Items of Earth Search, Planetary Computer and the USGS differ in the keys of their assets and agree in the names that
missions share (`eo:bands`, `common_name`), which are taken first.

Scales and offsets are those of the collection (USGS, "Landsat 8-9 Collection 2 Level 2 Science Product Guide",
LSDS-1619; the same for Landsat 4 to 7, LSDS-1618), not those of an item: the collection has no others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import shapely
from shapely.geometry import shape

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import SHARED_BANDS, Quantity
from s2kit.product.flags import CIRRUS, CLOUD_SHADOW, MEDIUM, NOTHING, OPAQUE, SNOW, WATER, Flag
from s2kit.product.footprint import Footprint
from s2kit.product.item import asset_grid
from s2kit.product.item_document import asset_href, item_time
from s2kit.product.metadata import Radiometry
from s2kit.product.name import Level
from s2kit.product.tile import PathRow

_ID = re.compile(
    r"L[COTEM]0(?P<satellite>[4-9])_(?P<level>L2S[PR])_(?P<path>\d{3})(?P<row>\d{3})_\d{8}(?:_\d{8})?_(?P<collection>\d\d)_\w\w.*",
    re.ASCII,
)
_PLATFORM = re.compile(r"landsat[-_ ]([4-9])", re.IGNORECASE)

RADIOMETRY: Mapping[Quantity, Radiometry] = MappingProxyType(
    {
        Quantity.REFLECTANCE: Radiometry(1 / 0.0000275, -0.2 / 0.0000275),
        Quantity.KELVIN: Radiometry(1 / 0.00341802, 149.0 / 0.00341802),
        Quantity.FLAGS: Radiometry(1.0, 0.0),
    }
)
"""Surface reflectance is `0.0000275 * DN - 0.2`, surface temperature in kelvin `0.00341802 * DN + 149`."""

QA_PIXEL = "qa_pixel"
QA_FLAGS = (
    Flag(0xFFFF, 0, NOTHING),
    Flag(1 << 0, 1 << 0, NOTHING),
    Flag(1 << 3, 1 << 3, OPAQUE),
    Flag(1 << 2, 1 << 2, CIRRUS),
    Flag(1 << 4, 1 << 4, CLOUD_SHADOW),
    Flag(1 << 1, 1 << 1, MEDIUM),
    Flag(1 << 5, 1 << 5, SNOW),
    Flag(1 << 7, 1 << 7, WATER),
)
"""`qa_pixel` (LSDS-1619, table 6-3): fill, cloud, cirrus, cloud shadow, dilated cloud, snow, water. What lies beside a
cloud (dilated) is read as cloud of medium probability; a pixel of no flag is clear and of class 7."""


@dataclass(frozen=True, slots=True)
class LandsatItem:
    """One item: a scene as one GeoTIFF a band."""

    id: str
    level: Level
    satellite: str
    """`L8`."""
    scene: PathRow
    collection: int
    """Number of the collection: 2."""
    sensing: datetime
    """UTC, to the second."""
    cloud_pct: float | None
    off_nadir_deg: float | None
    footprint: Footprint
    """In lon/lat."""
    hrefs: Mapping[str, str]
    """Address of each band by its shared name."""
    grids: Mapping[str, Grid]
    """Pixel grid of each band for which the item gives it."""


def is_landsat_item(document: object) -> bool:
    """True for an item of Landsat Collection 2, Level-2, with at least one band."""
    if not isinstance(document, Mapping) or not isinstance(document.get("assets"), Mapping):
        return False
    properties = document.get("properties")
    facts: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    is_level2 = facts.get("landsat:correction") in {"L2SP", "L2SR"} or _ID.fullmatch(str(document.get("id")))
    return bool(is_level2) and bool(_assets(document))


def parse_landsat_item(document: Mapping[str, Any]) -> LandsatItem:
    """Read an item.

    Raises:
        InputError: It has no time, geometry, or place in the grid of paths and rows.
    """
    identity = str(document.get("id") or "")
    properties = document.get("properties")
    facts: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    named = _ID.fullmatch(identity)
    said = named.groupdict() if named else {}
    flown = _PLATFORM.fullmatch(str(facts.get("platform") or facts.get("eo:platform") or ""))
    cloud, angle = facts.get("eo:cloud_cover"), facts.get("view:off_nadir")
    assets = _assets(document)
    grids = {band: grid for band, asset in assets.items() if (grid := asset_grid(facts, asset)) is not None}
    try:
        return LandsatItem(
            id=identity,
            level=Level(str(facts.get("landsat:correction") or said["level"])),
            satellite=f"L{flown[1] if flown else said['satellite']}",
            scene=PathRow(
                int(facts.get("landsat:wrs_path") or said["path"]), int(facts.get("landsat:wrs_row") or said["row"])
            ),
            collection=int(facts.get("landsat:collection_number") or said["collection"]),
            sensing=item_time(str(facts["datetime"])).replace(microsecond=0),
            cloud_pct=float(cloud) if isinstance(cloud, int | float) and cloud >= 0 else None,
            off_nadir_deg=float(angle) if isinstance(angle, int | float) else None,
            footprint=_outline(document["geometry"]),
            hrefs=MappingProxyType({band: asset_href(asset) for band, asset in assets.items()}),
            grids=MappingProxyType(grids),
        )
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InputError(f"STAC item {identity or 'without id'}: no usable geometry, time or path and row") from error


def _outline(geometry: object) -> Footprint:
    found = shape(geometry)  # type: ignore[arg-type]
    if not isinstance(found, Footprint):
        raise TypeError(f"{found.geom_type} has no area")
    return found


def _assets(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The GeoTIFFs of bands, by the name that missions share."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, asset in document["assets"].items():
        if not isinstance(asset, Mapping) or not isinstance(asset.get("href"), str):
            continue
        if not asset["href"].partition("?")[0].lower().endswith((".tif", ".tiff")):
            continue
        names = (*_common_names(asset), str(key).lower().removesuffix(".tif"))
        band = next((_OLDER.get(name, name) for name in names if _OLDER.get(name, name) in SHARED_BANDS), None)
        if band is not None:
            found.setdefault(band, asset)
    return found


_OLDER = {"nir": "nir08"}
"""The near infrared in items that were made before the name `nir08` was."""


def _common_names(asset: Mapping[str, Any]) -> list[str]:
    """What the EO extension says of an asset of one band, in STAC 1.0 or 1.1."""
    bands = asset.get("eo:bands") or asset.get("bands")
    if not isinstance(bands, list) or len(bands) != 1 or not isinstance(bands[0], Mapping):
        return []
    return [str(name) for key in ("common_name", "eo:common_name") if (name := bands[0].get(key))]
