"""A product's own metadata: `MTD_MSIL1C.xml`, `MTD_MSIL2A.xml` and their older spellings.

Elements are those of the Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), "User Product Metadata", of
issues 13 and 14; issue 14.2 (L2A of baselines 02.04 to 02.06) puts `L2A_` before or `_2A` after many of them.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from s2kit.errors import InputError
from s2kit.product.bands import LAYERS, band_of_id
from s2kit.product.footprint import Footprint, footprint_of_rings, parse_position_list
from s2kit.product.name import Baseline, Level, OldFormatName, ProductName, RelativeOrbit, Sentinel2Name
from s2kit.product.name import parse_product_name as parse_name
from s2kit.product.xmltree import XmlTree, parse_number, parse_xml

REFLECTANCE_QUANTIFICATION = 10000.0
"""What reflectance is multiplied by in every product so far; used where the metadata says nothing."""
AOT_QUANTIFICATION = 1000.0
WVP_QUANTIFICATION = 1000.0
"""Per centimetre."""

_log = logging.getLogger(__name__)
_USERS_OWN = 99
"""Major part of the baseline 99.99, which Sen2Cor gives to what it makes outside ESA."""
_LEVEL = re.compile(r"Level-(1C|2A)p?")


class OffsetSource(StrEnum):
    """Where the radiometric offsets were taken from."""

    METADATA = "metadata"
    """The product's own metadata file."""
    BASELINE = "baseline"
    """The processing baseline in the product's name, since there is no metadata file."""
    OPTION = "option"
    """The user's own word."""
    PIXELS = "pixels"
    """The pixels of the images themselves."""
    ITEM_FLAG = "item flag"
    """`earthsearch:boa_offset_applied` of a STAC item."""
    RASTER_BANDS = "raster:bands"
    """`raster:bands` of a STAC item."""
    COLLECTION = "collection"
    """The collection that the product is of, which has one for all its products (Landsat)."""
    ASSUMED = "assumed"
    """Nothing says it."""


class Radiometry(NamedTuple):
    """How digital numbers of one image become physical values: `(DN + offset) / quantification`."""

    quantification: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMetadata:
    """What the metadata file says of the whole product."""

    name: Sentinel2Name | None
    """The product's own name; None where the metadata gives another kind of identifier, as the old format does."""
    level: Level
    baseline: Baseline
    satellite: str | None
    """`S2A` …"""
    sensing_start: datetime
    """Start of sensing, UTC; of the datatake for compact products."""
    sensing_stop: datetime | None = None
    generated: datetime | None = None
    """When the product was made, UTC."""
    orbit: RelativeOrbit | None = None
    orbit_direction: str | None = None
    """`DESCENDING` or `ASCENDING`."""
    datatake: str | None = None
    """Identifier of the datatake, such as `GS2A_20180101T105441_013204_N02.06`."""
    cloud_pct: float | None = None
    """Cloud cover in per cent of the pixels with data."""
    quantification: float = REFLECTANCE_QUANTIFICATION
    """Digital numbers per unit of reflectance."""
    aot_quantification: float = AOT_QUANTIFICATION
    wvp_quantification: float = WVP_QUANTIFICATION
    """Digital numbers per centimetre of water."""
    offsets: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What to add to digital numbers before dividing, by band; a band that is not named has none."""
    offset_source: OffsetSource = OffsetSource.METADATA
    nodata: int = 0
    """The digital number that means no data."""
    saturated: int | None = 65535
    """The digital number that means saturated; in practice saturation is in the masks."""
    footprint: Footprint | None = None
    """Longitude/latitude of WGS 84; several polygons where the antimeridian is crossed."""
    images: tuple[str, ...] = ()
    """Paths of the images as the metadata lists them, without extension; in the old format, names without folder."""
    granules: tuple[str, ...] = ()
    """Identifiers of the granules, each once."""

    def radiometry(self, image: str) -> Radiometry | None:
        """How the digital numbers of a band or layer are to be read, None where they are no measurements (SCL, TCI)."""
        match image:
            case "AOT":
                return Radiometry(self.aot_quantification, 0.0)
            case "WVP":
                return Radiometry(self.wvp_quantification, 0.0)
            case _ if image in LAYERS or not image.startswith("B"):
                return None
            case _:
                return Radiometry(self.quantification, self.offsets.get(image, 0.0))


def parse_product_metadata(xml: bytes) -> ProductMetadata:
    """Read a product's metadata file, of either level and any baseline.

    Raises:
        InputError: Not well-formed XML, no Sentinel-2 product metadata, or a value in it that cannot be.
    """
    tree = parse_xml(xml, "the product's metadata")
    if not re.fullmatch(r"Level-(1C|2A)_User_Product", tree.root_name):
        raise InputError(f"this is no Sentinel-2 product metadata: its root is <{tree.root_name}>")
    level = _level(tree)
    start = tree.time("PRODUCT_START_TIME", "DATATAKE_SENSING_START")
    baseline = tree.text("PROCESSING_BASELINE")
    if start is None or baseline is None:
        raise InputError(f"{tree.what} names no {'start of sensing' if start is None else 'processing baseline'}")
    spacecraft = tree.text("SPACECRAFT_NAME")
    orbit = tree.text("SENSING_ORBIT_NUMBER")
    datatake = next(tree.all("Datatake"), None)
    special = _special_values(tree)
    return ProductMetadata(
        name=_name(tree),
        level=level,
        baseline=Baseline.parse(baseline),
        satellite=f"S2{spacecraft[-1]}" if spacecraft and re.fullmatch(r"Sentinel-2[A-D]", spacecraft) else None,
        sensing_start=start,
        sensing_stop=tree.time("PRODUCT_STOP_TIME"),
        generated=tree.time("GENERATION_TIME"),
        orbit=RelativeOrbit.parse(orbit) if orbit else None,
        orbit_direction=tree.text("SENSING_ORBIT_DIRECTION"),
        datatake=datatake.get("datatakeIdentifier") if datatake is not None else None,
        cloud_pct=tree.number("Cloud_Coverage_Assessment", "CLOUD_COVERAGE_PERCENTAGE"),
        quantification=_quantification(tree, level),
        aot_quantification=_positive(
            tree, AOT_QUANTIFICATION, "AOT_QUANTIFICATION_VALUE", "L2A_AOT_QUANTIFICATION_VALUE"
        ),
        wvp_quantification=_positive(
            tree, WVP_QUANTIFICATION, "WVP_QUANTIFICATION_VALUE", "L2A_WVP_QUANTIFICATION_VALUE"
        ),
        offsets=_offsets(tree),
        nodata=special.get("NODATA", 0),
        saturated=special.get("SATURATED"),
        footprint=_footprint(tree),
        images=tuple(
            text
            for element in tree.all("IMAGE_FILE", "IMAGE_FILE_2A", "IMAGE_ID", "IMAGE_ID_2A")
            if (text := (element.text or "").strip())
        ),
        granules=tuple(
            dict.fromkeys(
                granule for element in tree.all("Granule", "Granules") if (granule := element.get("granuleIdentifier"))
            )
        ),
    )


def metadata_of_name(name: Sentinel2Name, baseline: Baseline | None = None) -> ProductMetadata:
    """What a product's name alone tells: for products whose metadata file is not there.

    Args:
        name: The name.
        baseline: The baseline where it is known from elsewhere; needed for the old format, whose names carry none.

    Raises:
        InputError: The baseline is not known, or is that of a user's own processor: so the meaning of the digital
            numbers is not known either.
    """
    if isinstance(name, ProductName):
        baseline = baseline or name.baseline
    if baseline is None:
        raise InputError(
            f"{name} has no metadata file, and its name does not tell the processing baseline",
            f"fetch {name.metadata_file}" if isinstance(name, OldFormatName) else None,
        )
    if baseline.major == _USERS_OWN:
        raise InputError(
            f"{name} is of a user's own processor and has no metadata file: baseline {baseline} tells no offset"
        )
    offset = float(baseline.reflectance_offset)
    return ProductMetadata(
        name=name,
        level=name.level,
        baseline=baseline,
        satellite=name.satellite,
        sensing_start=name.sensing,
        orbit=name.orbit,
        offsets={band.name: offset for band_id in range(13) if (band := band_of_id(band_id))} if offset else {},
        offset_source=OffsetSource.BASELINE,
    )


def _name(tree: XmlTree) -> Sentinel2Name | None:
    uri = tree.text("PRODUCT_URI", "PRODUCT_URI_2A")
    try:
        name = parse_name(uri) if uri else None
    except InputError:
        return None
    return name if isinstance(name, (ProductName, OldFormatName)) else None


def _footprint(tree: XmlTree) -> Footprint | None:
    """The footprint; one that cannot be read is as good as none, and never makes a product unreadable."""
    try:
        return footprint_of_rings(
            parse_position_list(element.text, f"{tree.what}: EXT_POS_LIST")
            for element in tree.all("EXT_POS_LIST")
            if element.text and element.text.strip()
        )
    except InputError as error:
        _log.warning("%s; the outline of its tile stands for the footprint", error.message)
        return None


def _level(tree: XmlTree) -> Level:
    match = _LEVEL.fullmatch(tree.text("PROCESSING_LEVEL") or "") or _LEVEL.match(tree.root_name)
    assert match is not None, "the root's name was checked before"
    return Level(f"L{match[1]}")


def _quantification(tree: XmlTree, level: Level) -> float:
    if level is Level.L1C:
        return _positive(tree, REFLECTANCE_QUANTIFICATION, "QUANTIFICATION_VALUE")
    return _positive(
        tree,
        REFLECTANCE_QUANTIFICATION,
        "BOA_QUANTIFICATION_VALUE",
        "L2A_BOA_QUANTIFICATION_VALUE",
        "QUANTIFICATION_VALUE",
    )


def _positive(tree: XmlTree, default: float, *names: str) -> float:
    value = tree.number(*names)
    if value is None:
        return default
    if value <= 0:
        raise InputError(f"{tree.what}: {names[0]} is {value:g}, which is no divisor")
    return value


def _offsets(tree: XmlTree) -> dict[str, float]:
    offsets: dict[str, float] = {}
    for element in tree.all("RADIO_ADD_OFFSET", "BOA_ADD_OFFSET"):
        text = element.get("band_id", element.get("bandId", ""))
        band = band_of_id(int(text)) if text.isdecimal() else None
        if band is None:
            raise InputError(f"{tree.what}: an offset is given for band_id {text!r}, which is no band")
        offsets[band.name] = parse_number((element.text or "").strip(), f"{tree.what}: offset of {band.name}")
    return offsets


def _special_values(tree: XmlTree) -> dict[str, int]:
    values: dict[str, int] = {}
    for element in tree.all("Special_Values"):
        text = (element.findtext("SPECIAL_VALUE_TEXT") or "").strip()
        index = (element.findtext("SPECIAL_VALUE_INDEX") or "").strip()
        if text and index:
            values[text] = int(parse_number(index, f"{tree.what}: {text}"))
    return values
