"""STAC items whose bands are cloud-optimised GeoTIFFs, as Earth Search and Planetary Computer publish them for L2A.

Whether the -1000 of baseline 4.00 is already in the pixels cannot be read off an item for sure: its flag
`earthsearch:boa_offset_applied` and its `raster:bands` contradict each other in real items. The flag is taken as a
hint, the source of the decision travels with the product, and the user's word overrules it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import BANDS, LAYERS
from s2kit.product.item import asset_grid
from s2kit.product.item_document import item_time
from s2kit.product.name import Level, ProductName, parse_product_name
from s2kit.product.stac_name import product_name_in

_BAND_FILE = re.compile(r"(?:T\d{2}[A-Z]{3}_\d{8}T\d{6}_)?(\w{3})(?:_[126]0m)?\.tiff?", re.IGNORECASE)
"""`B04.tif`, or the name of the SAFE's file as `T33UUP_20220301T100031_B04_10m.tif`."""
_IN_A_SAFE = re.compile(r".*\.SAFE/GRANULE/.*/IMG_DATA/.*", re.IGNORECASE)
"""GeoTIFFs in the place of the SAFE's JPEG 2000 files: their pixels are the same (Planetary Computer)."""

QUANTIFICATION = 10000.0
AOT_WVP_QUANTIFICATION = 1000.0
OFFSET_SINCE = "04.00"
OFFSET_DN = -1000.0


@dataclass(frozen=True, slots=True)
class BoaOffset:
    """What to add to a digital number before dividing, and who says so."""

    dn: float
    source: str
    """`option`, `baseline`, `pixels`, `item flag`, `raster:bands` or `assumed`."""

    @property
    def is_certain(self) -> bool:
        """False where only the item's own word, or nothing, stands behind it."""
        return self.source in {"option", "baseline", "pixels"}


@dataclass(frozen=True, slots=True)
class CogItem:
    """One item: a product as one GeoTIFF a band."""

    id: str
    """The item's own id, `S2A_33TWL_20230815_0_L2A`."""
    product: str
    """The product's name without `.SAFE`; the item's id where it does not say."""
    sensing: datetime
    """Datatake start, to the second; the item's time where it does not name its product."""
    baseline: str
    """As `05.09`; empty where it does not say."""
    tile: str
    footprint: BaseGeometry
    """In lon/lat."""
    cloud_pct: float | None
    hrefs: Mapping[str, str]
    """Address of each band and layer; relative ones stand beside the item."""
    offset: BoaOffset
    """For the spectral bands, as far as the item tells."""
    grids: Mapping[str, Grid] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Pixel grid of each band whose asset tells it (`proj:transform`, `proj:shape`)."""
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)


def is_cog_item(document: object) -> bool:
    """True for a STAC item that has a GeoTIFF of at least one band."""
    return isinstance(document, Mapping) and isinstance(document.get("assets"), Mapping) and bool(_hrefs(document))


def parse_cog_item(document: Mapping[str, Any]) -> CogItem:
    """Read a STAC item.

    Raises:
        InputError: It has no id, time, geometry, or no GeoTIFF of any band.
    """
    identity = str(document.get("id") or "")
    properties = document.get("properties")
    hrefs = _hrefs(document)
    if not identity or not isinstance(properties, Mapping) or not hrefs:
        raise InputError(f"STAC item {identity or 'without id'} has no GeoTIFF of a Sentinel-2 band")
    name = _product_name(properties)
    try:
        footprint = shape(document["geometry"])
        sensing = name.sensing if name else item_time(str(properties["datetime"]))
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InputError(f"STAC item {identity} has no usable geometry or time") from error
    said = properties.get("s2:processing_baseline") or properties.get("processing:version")
    baseline = str(said or (name.baseline if name else ""))
    cloud = properties.get("eo:cloud_cover")
    return CogItem(
        id=identity,
        product=str(name) if name else identity,
        sensing=sensing.replace(microsecond=0),
        baseline=baseline,
        tile=str(name.tile) if name else str(properties.get("grid:code", "")).removeprefix("MGRS-"),
        footprint=footprint,
        cloud_pct=float(cloud) if isinstance(cloud, int | float) else None,
        hrefs=hrefs,
        offset=offset_of(document, baseline),
        grids=_grids(document),
        properties=MappingProxyType(dict(properties)),
    )


def _product_name(properties: Mapping[str, Any]) -> ProductName | None:
    try:
        name = parse_product_name(product_name_in(properties) or "")
    except InputError:
        return None
    return name if isinstance(name, ProductName) and name.level is Level.L2A else None


def _grids(document: Mapping[str, Any]) -> Mapping[str, Grid]:
    """The grids that the projection extension gives, by band."""
    named = ((_band_of(asset), asset) for asset in document["assets"].values())
    found = {band: asset_grid(document["properties"], asset) for band, asset in named if band is not None}
    return MappingProxyType({band: grid for band, grid in found.items() if grid is not None})


def _band_of(asset: object) -> str | None:
    """The band or layer of an asset that is a GeoTIFF of one."""
    href = asset.get("href") if isinstance(asset, Mapping) else None
    if not isinstance(href, str):
        return None
    match = _BAND_FILE.fullmatch(PurePosixPath(href.partition("?")[0]).name)
    return match[1] if match and match[1] in {*BANDS, *LAYERS} else None


def _hrefs(document: Mapping[str, Any]) -> Mapping[str, str]:
    named = ((_band_of(asset), asset) for asset in document["assets"].values())
    return MappingProxyType({band: str(asset["href"]) for band, asset in named if band is not None})


def offset_of(document: Mapping[str, Any], baseline: str) -> BoaOffset:
    """What an item says of its offset: nothing to add before baseline 4.00, then its flag, then `raster:bands`."""
    properties = document.get("properties", {})
    if baseline and baseline < OFFSET_SINCE:
        return BoaOffset(0.0, "baseline")
    flag = properties.get("earthsearch:boa_offset_applied")
    if isinstance(flag, bool):
        return BoaOffset(0.0 if flag else OFFSET_DN, "item flag")
    if any(_IN_A_SAFE.fullmatch(href) for href in _hrefs(document).values()):
        return BoaOffset(OFFSET_DN, "baseline") if baseline else BoaOffset(0.0, "assumed")
    for asset in document.get("assets", {}).values():
        bands = asset.get("raster:bands") if isinstance(asset, Mapping) else None
        if bands and isinstance(bands, list) and bands[0].get("scale") and bands[0].get("offset"):
            return BoaOffset(round(bands[0]["offset"] / bands[0]["scale"], 6), "raster:bands")
    return BoaOffset(0.0, "assumed")


def parse_boa_offset(text: str | None) -> BoaOffset | None:
    """The user's word: `auto` (None), `applied` (already in the pixels), `needed` (-1000), or a number of DN.

    Raises:
        InputError: Anything else.
    """
    words = {"applied": 0.0, "needed": OFFSET_DN}
    if text is None or text == "auto":
        return None
    try:
        return BoaOffset(words[text] if text in words else float(text), "option")
    except ValueError as error:
        raise InputError(
            f"--boa-offset {text!r} is not known", "it is auto, applied, needed or a number as -1000"
        ) from (error)


def band_scale(band: str, offset: BoaOffset) -> tuple[float, float]:
    """`(offset in DN, quantification)` of a band or layer; layers have no offset."""
    if band in BANDS:
        return offset.dn, QUANTIFICATION
    return 0.0, AOT_WVP_QUANTIFICATION if band in {"AOT", "WVP"} else 1.0
