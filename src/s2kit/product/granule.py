"""Granules: what their folders and files are called, and what their metadata says of tile and grids."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import BANDS, LAYERS
from s2kit.product.baseline import Baseline
from s2kit.product.tile import TileId
from s2kit.product.xmltree import XmlTree, parse_number, parse_xml, parse_xml_until

HEAD_BYTES = 1 << 15
"""Bytes of a granule's metadata that are sure to hold its grids; the file has 0.2 to 0.6 MB, most of it angles."""
PVI_RESOLUTION_M = 320
"""Side of a pixel of the preview image."""

_WHAT = "the granule's metadata"
_TIME = r"\d{8}T\d{6}"
_GRANULE = re.compile(
    rf"(?:L1C|L2A)_T(?P<compact>\d{{2}}[A-Z]{{3}})_A\d{{6}}_{_TIME}"
    rf"|S2[A-D]_(?:OPER|USER)_MSI_(?:L1C|L2A)_TL_\w{{4}}_{_TIME}_A\d{{6}}_T(?P<legacy>\d{{2}}[A-Z]{{3}})"
    r"(?:_N(?P<baseline>\d{2}\.\d{2}))?",
    re.ASCII,
)
_RESOLUTION = r"(?:_(?P<resolution>10|20|60)m)?"
_COMPACT_IMAGE = re.compile(
    rf"(?:L2A_)?T(?P<tile>\d{{2}}[A-Z]{{3}})_{_TIME}_(?P<image>[A-Z0-9]{{3}}){_RESOLUTION}", re.ASCII
)
_LEGACY_IMAGE = re.compile(
    rf"(?:L2A_)?S2[A-D]_(?:OPER|USER)_(?P<kind>[A-Z0-9]{{3}})_(?:L1C|L2A)_TL_\w{{4}}_{_TIME}"
    rf"_A\d{{6}}_T(?P<tile>\d{{2}}[A-Z]{{3}})(?:_(?P<image>[A-Z0-9]{{3}}))?{_RESOLUTION}",
    re.ASCII,
)
_IMAGES = frozenset((*BANDS, *LAYERS, "VIS"))
_EPSG = re.compile(r"EPSG:(\d{4,6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GranuleName:
    """What the name of a granule's folder says."""

    tile: TileId
    baseline: Baseline | None
    """Only the old format writes it there."""


@dataclass(frozen=True, slots=True)
class ImageName:
    """What the name of an image file says."""

    tile: TileId
    image: str
    """Band or layer: `B04`, `SCL`, `PVI`, or `VIS` of early L2A products."""
    resolution_m: int | None
    """As written in the name; None where the name has none, as in L1C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GranuleMetadata:
    """What `MTD_TL.xml` says."""

    granule_id: str
    """Such as `S2A_OPER_MSI_L2A_TL_ATOS_20221005T164454_A038058_T29UNU_N04.00`."""
    tile: TileId
    epsg: int
    grids: Mapping[int, Grid] = field(hash=False)
    """Pixel grids by resolution in metres."""
    sensing_time: datetime | None
    """When the middle of the granule was seen, UTC."""
    baseline: Baseline | None
    datastrip_id: str | None = None
    cloud_pct: float | None = None
    """Per cent of the pixels with data; None where only the start of the file was read."""

    def grid(self, resolution_m: int) -> Grid | None:
        """The grid of a resolution; that of the preview image (320 m) follows from the others."""
        if resolution_m != PVI_RESOLUTION_M or not self.grids:
            return self.grids.get(resolution_m)
        finest = self.grids[min(self.grids)]
        width, height = (int(size * finest.resolution_m) // PVI_RESOLUTION_M for size in (finest.width, finest.height))
        return Grid(finest.epsg, finest.west, finest.north, float(PVI_RESOLUTION_M), width, height)


def parse_granule_name(text: str) -> GranuleName | None:
    """Read the name of a folder below `GRANULE/`; None where it is none of a granule."""
    match = _GRANULE.fullmatch(text)
    if match is None:
        return None
    try:
        baseline = Baseline.parse(match["baseline"]) if match["baseline"] else None
        return GranuleName(TileId.parse(match["compact"] or match["legacy"]), baseline)
    except InputError:
        return None


def parse_image_name(text: str) -> ImageName | None:
    """Read the name of an image file, with or without its extension; None where it is none of a band or layer.

    Known are `T31TDH_20180101T105441_B01`, the `_10m` of L2A, the `L2A_` before the names of early L2A, and the long
    names of the old format (`S2A_OPER_MSI_L1C_TL_…_T53HPA_B01`, `S2A_USER_SCL_L2A_TL_…_T32TQR_20m`).
    """
    stem = re.sub(r"\.(jp2|tiff?)$", "", text, flags=re.IGNORECASE)
    match = _COMPACT_IMAGE.fullmatch(stem)
    image = match["image"] if match else None
    if match is None and (match := _LEGACY_IMAGE.fullmatch(stem)):
        image = match["image"] or match["kind"]
    if match is None or image not in _IMAGES:
        return None
    try:
        tile = TileId.parse(match["tile"])
    except InputError:
        return None
    return ImageName(tile, image, int(match["resolution"]) if match["resolution"] else None)


def parse_granule_metadata(xml: bytes) -> GranuleMetadata:
    """Read a granule's metadata, of either level and any baseline.

    Raises:
        InputError: Not well-formed XML, no granule metadata, or a tile, CRS or grid in it that cannot be.
    """
    return _granule_metadata(parse_xml(xml, _WHAT))


def parse_granule_head(xml: bytes) -> GranuleMetadata | None:
    """Read the start of a granule's metadata: all but the cloud cover, which stands at its end behind the angles.

    Args:
        xml: The first bytes of the file, `HEAD_BYTES` of them at best.

    Returns:
        What they say, None where they end before the grids do.

    Raises:
        InputError: No granule metadata, or a tile, CRS or grid in it that cannot be.
    """
    tree = parse_xml_until(xml, _WHAT, "Tile_Geocoding")
    return None if tree is None else _granule_metadata(tree)


def parse_view_zenith(xml: bytes) -> float | None:
    """The mean angle in degrees from which a tile was seen, over all bands; None if the metadata does not say.

    Args:
        xml: The whole file: the angles stand at its end.

    Raises:
        InputError: Not well-formed XML, or an angle that is no number.
    """
    tree = parse_xml(xml, _WHAT)
    angles = [
        parse_number((element.findtext("ZENITH_ANGLE") or "").strip(), f"{_WHAT}: ZENITH_ANGLE")
        for element in tree.all("Mean_Viewing_Incidence_Angle")
    ]
    return sum(angles) / len(angles) if angles else None


def _granule_metadata(tree: XmlTree) -> GranuleMetadata:
    if not re.fullmatch(r"Level-(1C|2A)_Tile_ID", tree.root_name):
        raise InputError(f"this is no Sentinel-2 granule metadata: its root is <{tree.root_name}>")
    granule_id = tree.text("TILE_ID", "TILE_ID_2A")
    name = parse_granule_name(granule_id) if granule_id else None
    if granule_id is None or name is None:
        raise InputError(f"{tree.what} gives {granule_id!r} as its TILE_ID")
    epsg = _EPSG.fullmatch(tree.text("HORIZONTAL_CS_CODE") or "")
    if epsg is None:
        raise InputError(f"{tree.what} gives {tree.text('HORIZONTAL_CS_CODE')!r} as its CRS")
    return GranuleMetadata(
        granule_id=granule_id,
        tile=name.tile,
        epsg=int(epsg[1]),
        grids=_grids(tree, int(epsg[1])),
        sensing_time=tree.time("SENSING_TIME"),
        baseline=name.baseline,
        datastrip_id=tree.text("DATASTRIP_ID", "DATASTRIP_ID_2A"),
        cloud_pct=tree.number("CLOUDY_PIXEL_PERCENTAGE", "CLOUD_COVERAGE_PERCENTAGE"),
    )


def _grids(tree: XmlTree, epsg: int) -> dict[int, Grid]:
    """Grids by resolution; `ULX` and `ULY` are the outer corner of the first pixel."""
    sizes = {element.get("resolution"): element for element in tree.all("Size")}
    grids = {}
    for position in tree.all("Geoposition"):
        text = position.get("resolution")
        size = sizes.get(text)
        if text is None or size is None:
            continue
        resolution, step = _value(tree, position, "XDIM"), _value(tree, position, "YDIM")
        width, height = _value(tree, size, "NCOLS"), _value(tree, size, "NROWS")
        if resolution != parse_number(text, tree.what) or step != -resolution or resolution <= 0:
            raise InputError(f"{tree.what}: pixels of {resolution:g} x {step:g} m at {text} m")
        if not (width.is_integer() and height.is_integer() and width > 0 and height > 0):
            raise InputError(f"{tree.what}: an image of {width:g} x {height:g} pixels")
        west, north = _value(tree, position, "ULX"), _value(tree, position, "ULY")
        grids[int(resolution)] = Grid(epsg, west, north, resolution, int(width), int(height))
    if not grids:
        raise InputError(f"{tree.what} describes no pixel grid")
    return grids


def _value(tree: XmlTree, element: Element, name: str) -> float:
    return parse_number((element.findtext(name) or "").strip(), f"{tree.what}: {name}")
