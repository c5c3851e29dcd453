"""The small files around the pixels of an invented product: manifest, INSPIRE, reports, datastrip, masks in GML."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from s2kit.demo.scene_product import SceneProduct, iso
from s2kit.demo.spectra import BAND_NAMES

_NOTE = "An invented scene, made by s2kit for trying things out: no satellite has seen it."
STRIP_CHECKS = (
    "FORMAT_CORRECTNESS",
    "GENERAL_QUALITY",
    "GEOMETRIC_QUALITY",
    "RADIOMETRIC_QUALITY",
    "SENSOR_QUALITY",
)
"""Quality reports of a datastrip."""
_GML_MASKS = ("DEFECT", "DETFOO", "NODATA", "SATURA", "TECQUA")


class ListedFile(NamedTuple):
    """One file for the manifest."""

    path: str
    """Below the SAFE folder, with forward slashes."""
    nbytes: int
    checksum: str
    """Hexadecimal."""


def manifest(product: SceneProduct, files: Sequence[ListedFile], footprint: Sequence[tuple[float, float]]) -> str:
    """Text of `manifest.safe`.

    Args:
        product: Names and dates.
        files: All files that it shall list, in order.
        footprint: Ring of `(lon, lat)`, closed.
    """
    kind = "Level-2A" if product.level == "L2A" else "Level-1C"
    ring = " ".join(f"{lat:.12f} {lon:.12f}" for lon, lat in footprint)
    objects = "\n".join(
        f"""    <dataObject ID="{_object_id(file.path, kind)}">
      <byteStream mimeType="{_mime(file.path)}" size="{file.nbytes}">
        <fileLocation href="./{file.path}" locatorType="URL"/>
        <checksum checksumName="{product.checksum_name}">{file.checksum}</checksum>
      </byteStream>
    </dataObject>"""
        for file in files
    )
    units = "\n".join(
        f"""      <xfdu:contentUnit ID="{_object_id(file.path, kind)}_Unit" unitType="Metadata Unit">
        <dataObjectPointer dataObjectID="{_object_id(file.path, kind)}"/>
      </xfdu:contentUnit>"""
        for file in files
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<xfdu:XFDU xmlns:gml="http://www.opengis.net/gml" xmlns:safe="http://www.esa.int/safe/sentinel/1.1" \
xmlns:xfdu="urn:ccsds:schema:xfdu:1" version="esa/safe/sentinel/1.1/sentinel-2/msi/\
archive_{product.level.lower()}_user_product">
  <!-- {_NOTE} -->
  <informationPackageMap>
    <xfdu:contentUnit dmdID="acquisitionPeriod platform" pdiID="processing" \
textInfo="SENTINEL-2 MSI {kind} User Product" unitType="Product_{kind}">
{units}
    </xfdu:contentUnit>
  </informationPackageMap>
  <metadataSection>
{_wrapped("acquisitionPeriod", "Acquisition Period", f"<safe:startTime>{iso(product.sensing)}</safe:startTime>")}
{_wrapped("measurementOrbitReference", "Orbit Reference", _orbit(product), "orbitReference")}
{_wrapped("platform", "Platform Description", _platform(product))}
{_wrapped("measurementFrameSet", "Frame Set", _frame(ring), "frameSet")}
    <metadataObject ID="processing" category="PDI" classification="PROVENANCE">
      <metadataWrap mimeType="text/xml" textInfo="Processing" vocabularyName="Sentinel-SAFE">
        <xmlData>
          <safe:processing name="Generation of {kind} User Product" start="{iso(product.generated)}"/>
        </xmlData>
      </metadataWrap>
    </metadataObject>
  </metadataSection>
  <dataObjectSection>
{objects}
  </dataObjectSection>
</xfdu:XFDU>
"""


def _wrapped(name: str, title: str, inner: str, tag: str | None = None) -> str:
    tag = tag or name
    return f"""    <metadataObject ID="{name}" category="DMD" classification="DESCRIPTION">
      <metadataWrap mimeType="text/xml" textInfo="{title}" vocabularyName="Sentinel-SAFE">
        <xmlData><safe:{tag}>{inner}</safe:{tag}></xmlData>
      </metadataWrap>
    </metadataObject>"""


def _orbit(product: SceneProduct) -> str:
    return (
        f'<safe:orbitNumber groundTrackDirection="descending" type="start">{product.orbit:06d}</safe:orbitNumber>'
        f'<safe:relativeOrbitNumber type="start">{product.relative_orbit:03d}</safe:relativeOrbitNumber>'
    )


def _platform(product: SceneProduct) -> str:
    return (
        f"<safe:familyName>SENTINEL</safe:familyName><safe:number>{product.satellite[1:]}</safe:number>"
        '<safe:instrument><safe:familyName abbreviation="MSI">Multi-Spectral Instrument</safe:familyName>'
        "</safe:instrument>"
    )


def _frame(ring: str) -> str:
    return (
        '<safe:footPrint srsName="http://www.opengis.net/gml/srs/epsg.xml#4326">'
        f"<gml:coordinates>{ring} </gml:coordinates></safe:footPrint>"
    )


def _object_id(path: str, kind: str) -> str:
    """The name that ESA gives a file of that place in a manifest, or one of the same make."""
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    fixed = {
        "INSPIRE.xml": "INSPIRE_Metadata",
        "HTML/UserProduct_index.html": "HTML_Presentation",
        "HTML/UserProduct_index.xsl": "HTML_Presentation_Stylesheet",
    }
    if path in fixed:
        return fixed[path]
    if name == "MTD_DS":
        return f"S2_{kind}_Datastrip1_Metadata"
    if name == "MTD_TL":
        return f"S2_{kind}_Tile1_Metadata"
    if name.startswith("MTD_MSI"):
        return f"S2_{kind}_Product_Metadata"
    if "/IMG_DATA/" in path:
        return f"IMG_DATA_Band_{name.split('_', 2)[2]}_Tile1_Data"
    if path.startswith("DATASTRIP/"):
        return f"{name}_Datastrip1_InformationData"
    return f"{name}_Tile1_Data"


def _mime(path: str) -> str:
    ends = {".xml": "application/xml", ".jp2": "application/octet-stream", ".gml": "text/xml"}
    return ends.get(path[-4:], "octet")


def inspire(product: SceneProduct, box: tuple[float, float, float, float]) -> str:
    """Text of `INSPIRE.xml`: the product as an ISO 19139 record. `box` is west, south, east, north in degrees."""
    west, south, east, north = box

    def said(tag: str, text: str) -> str:
        return f"<gmd:{tag}><gco:CharacterString>{text}</gco:CharacterString></gmd:{tag}>"

    def bound(tag: str, value: float) -> str:
        return f"<gmd:{tag}><gco:Decimal>{value:.6f}</gco:Decimal></gmd:{tag}>"

    return f"""<?xml version="1.0" encoding="UTF-8"?>
<gmd:MD_Metadata xmlns:gco="http://www.isotc211.org/2005/gco" xmlns:gmd="http://www.isotc211.org/2005/gmd">
  {said("fileIdentifier", product.name)}
  <gmd:dateStamp><gco:Date>{product.generated:%Y-%m-%d}</gco:Date></gmd:dateStamp>
  {said("metadataStandardName", "ISO19115/INSPIRE_Metadata_Implementing_Rules")}
  <gmd:identificationInfo>
    <gmd:MD_DataIdentification>
      <gmd:citation><gmd:CI_Citation>{said("title", product.name)}</gmd:CI_Citation></gmd:citation>
      {said("abstract", _NOTE)}
      <gmd:extent><gmd:EX_Extent><gmd:geographicElement><gmd:EX_GeographicBoundingBox>
        {bound("westBoundLongitude", west)}{bound("eastBoundLongitude", east)}
        {bound("southBoundLatitude", south)}{bound("northBoundLatitude", north)}
      </gmd:EX_GeographicBoundingBox></gmd:geographicElement></gmd:EX_Extent></gmd:extent>
    </gmd:MD_DataIdentification>
  </gmd:identificationInfo>
</gmd:MD_Metadata>
"""


def page(product: SceneProduct) -> str:
    """Text of `HTML/UserProduct_index.html`."""
    return f"""<html>
<head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><title>{product.name}</title></head>
<body><h1>{product.name}</h1><p>{_NOTE}</p></body>
</html>
"""


def stylesheet() -> str:
    """Text of `HTML/UserProduct_index.xsl`: shows the granules of the product's metadata."""
    return """<?xml version="1.0" encoding="UTF-8"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/"><html><body><ul>
    <xsl:for-each select="//IMAGE_FILE"><li><xsl:value-of select="."/></li></xsl:for-each>
  </ul></body></html></xsl:template>
</xsl:stylesheet>
"""


def schema(element: str) -> str:
    """Text of a schema in `rep_info/` that allows everything below one element."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="{element}" type="xs:anyType"/>
</xs:schema>
"""


def report(product: SceneProduct, check: str) -> str:
    """Text of a quality report such as `GENERAL_QUALITY.xml`, passed."""
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Earth_Explorer_File xmlns="http://gs2.esa.int/DATA_STRUCTURE/olqcReport">
  <Earth_Explorer_Header>
    <Fixed_Header>
      <File_Name>{check}.xml</File_Name>
      <File_Description>{_NOTE}</File_Description>
      <Mission>{product.satellite}</Mission>
      <File_Class>OPER</File_Class>
      <File_Type>REP_OLQCPA</File_Type>
    </Fixed_Header>
  </Earth_Explorer_Header>
  <Data_Block type="xml">
    <report date="{iso(product.generated)}" globalStatus="PASSED" gippVersion="1.0">
      <checkList>
        <parentID>{product.tile_id}</parentID>
        <name>{check}</name>
        <version>1.0</version>
      </checkList>
    </report>
  </Data_Block>
</Earth_Explorer_File>
"""


def datastrip_metadata(product: SceneProduct) -> str:
    """Text of `MTD_DS.xml`, without the satellite's ephemeris, which fills the real ones."""
    kind = "Level-2A" if product.level == "L2A" else "Level-1C"
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{kind}_DataStrip_ID \
xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_{kind}_Datastrip_Metadata.xsd">
  <!-- {_NOTE} -->
  <n1:General_Info>
    <Datatake_Info datatakeIdentifier="{product.datatake_id}">
      <SPACECRAFT_NAME>Sentinel-{product.satellite[1:]}</SPACECRAFT_NAME>
      <SENSING_ORBIT_NUMBER>{product.relative_orbit}</SENSING_ORBIT_NUMBER>
      <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
    </Datatake_Info>
    <Datastrip_Time_Info>
      <DATASTRIP_SENSING_START>{iso(product.strip_start)}</DATASTRIP_SENSING_START>
      <DATASTRIP_SENSING_STOP>{iso(product.tile_sensing)}</DATASTRIP_SENSING_STOP>
    </Datastrip_Time_Info>
    <Processing_Info>
      <PROCESSING_BASELINE>{product.baseline}</PROCESSING_BASELINE>
      <UTC_DATE_TIME>{iso(product.generated)}</UTC_DATE_TIME>
    </Processing_Info>
  </n1:General_Info>
</n1:{kind}_DataStrip_ID>
"""


def gml_masks(product: SceneProduct, clouds: Sequence[Sequence[tuple[float, float]]]) -> dict[str, str]:
    """The masks of products before baseline 04.00, by file name.

    Args:
        product: Names and dates.
        clouds: Rings `(x, y)` in the tile's CRS, closed, of what is cloud.
    """
    grid = product.grid.bounds
    whole = [(grid.west, grid.north), (grid.east, grid.north), (grid.east, grid.south), (grid.west, grid.south)]
    whole.append(whole[0])
    files = {"MSK_CLOUDS_B00.gml": _gml(product, "CLOUDS_B00", "OPAQUE", clouds)}
    for mask in _GML_MASKS:
        for band in BAND_NAMES:
            rings = [whole] if mask == "DETFOO" else []
            files[f"MSK_{mask}_{band}.gml"] = _gml(product, f"{mask}_{band}", "DETECTOR_FOOTPRINT", rings)
    return files


def _gml(product: SceneProduct, name: str, mask_type: str, rings: Sequence[Sequence[tuple[float, float]]]) -> str:
    members = "\n".join(
        f"""    <eop:MaskFeature gml:id="{mask_type}.{number}">
      <eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">{mask_type}</eop:maskType>
      <eop:extentOf>
        <gml:Polygon gml:id="{mask_type}.{number}_Polygon"><gml:exterior><gml:LinearRing>
          <gml:posList srsDimension="2">{" ".join(f"{x:.0f} {y:.0f}" for x, y in ring)}</gml:posList>
        </gml:LinearRing></gml:exterior></gml:Polygon>
      </eop:extentOf>
    </eop:MaskFeature>"""
        for number, ring in enumerate(rings)
    )
    inside = f"<eop:maskMembers>\n{members}\n  </eop:maskMembers>" if members else "<eop:maskMembers/>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" \
gml:id="{product.satellite}_OPER_MSK_{name}_MSI{product.level}">
  <gml:name>MSK_{name} pixels mask from data-strip {product.datastrip_id}</gml:name>
  <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:{product.grid.epsg}">
    <gml:lowerCorner>{product.grid.bounds.west:.0f} {product.grid.bounds.south:.0f}</gml:lowerCorner>
    <gml:upperCorner>{product.grid.bounds.east:.0f} {product.grid.bounds.north:.0f}</gml:upperCorner>
  </gml:Envelope></gml:boundedBy>
  {inside}
</eop:Mask>
"""


def weather_message(product: SceneProduct, parameter: int) -> bytes:
    """A constant field of 2 x 2 points as one GRIB message, edition 1 (WMO Manual on Codes, FM 92-IX GRIB).

    Args:
        product: Names and dates.
        parameter: Number in ECMWF's parameter table 128, such as 137 for total column water vapour.
    """
    when = product.sensing
    century, year = divmod(when.year - 1, 100)
    head = bytes([128, 98, 255, 128, parameter, 1, 0, 0, year + 1, when.month, when.day, when.hour, 0, 1])
    described = _with_length(head + bytes([0, 0, 0, 0, 0, 0, 0, century + 1, 0, 0, 0]))
    box = (44500, 0, 0x80, 44000, 1000)  # thousandths of a degree
    grid = _with_length(
        bytes([0, 255, 0])
        + struct.pack(">HH", 2, 2)
        + b"".join(value.to_bytes(3, "big") for value in box[:2])
        + bytes([box[2]])
        + b"".join(value.to_bytes(3, "big") for value in box[3:])
        + struct.pack(">HHB", 1000, 500, 0)
        + bytes(4)
    )
    values = _with_length(bytes([0x08]) + struct.pack(">H", 0) + bytes([0x42, 0x14, 0, 0]) + bytes([0, 0]))
    total = 8 + len(described) + len(grid) + len(values) + 4
    return b"GRIB" + total.to_bytes(3, "big") + b"\x01" + described + grid + values + b"7777"


def _with_length(body: bytes) -> bytes:
    return (len(body) + 3).to_bytes(3, "big") + body
