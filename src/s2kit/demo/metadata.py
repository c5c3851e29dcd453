"""The metadata of a product that s2kit makes itself: `MTD_MSIL1C.xml`, `MTD_MSIL2A.xml` and `MTD_TL.xml`.

Elements, their order and their namespaces follow the Sentinel-2 Products Specification Document
(S2-PDGS-TAS-DI-PSD, issue 14.9, sections 4.6 and 4.9) and real products of the same baselines.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from s2kit.demo.scene_product import NATIVE_M, SceneProduct, iso
from s2kit.demo.spectra import BAND_NAMES
from s2kit.demo.weather import Sun

_PSD = "https://psd-14.sentinel2.eo.esa.int/PSD"
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
# Sentinel-2A: shortest, longest and central wavelength in nm, solar irradiance in W/m2/um, as its metadata give them
_RANGE_NM = (
    (412, 456, 442.7),
    (456, 533, 492.7),
    (538, 583, 559.8),
    (646, 684, 664.6),
    (695, 714, 704.1),
    (731, 749, 740.5),
    (769, 797, 782.8),
    (760, 907, 832.8),
    (837, 881, 864.7),
    (932, 958, 945.1),
    (1337, 1412, 1373.5),
    (1539, 1682, 1613.7),
    (2078, 2320, 2202.4),
)
_IRRADIANCE = (
    *(1884.69, 1959.66, 1823.24, 1512.06, 1424.64, 1287.61, 1162.08),
    *(1041.63, 955.32, 812.92, 367.15, 245.59, 85.25),
)
SCL_NAMES = (
    "NODATA",
    "SATURATED_DEFECTIVE",
    "DARK_FEATURE_SHADOW",
    "CLOUD_SHADOW",
    "VEGETATION",
    "NOT_VEGETATED",
    "WATER",
    "UNCLASSIFIED",
    "CLOUD_MEDIUM_PROBA",
    "CLOUD_HIGH_PROBA",
    "THIN_CIRRUS",
    "SNOW_ICE",
)
"""Names of the codes 0 to 11 of the scene classification, without their prefix `SC_`."""
_SCL_PERCENTAGES = (
    "NODATA_PIXEL",
    "SATURATED_DEFECTIVE_PIXEL",
    "DARK_FEATURES",
    "CLOUD_SHADOW",
    "VEGETATION",
    "NOT_VEGETATED",
    "WATER",
    "UNCLASSIFIED",
    "MEDIUM_PROBA_CLOUDS",
    "HIGH_PROBA_CLOUDS",
    "THIN_CIRRUS",
    "SNOW_ICE",
)


def product_metadata(
    product: SceneProduct, footprint: Sequence[tuple[float, float]], cloud_pct: float, shares: Mapping[int, float]
) -> str:
    """Text of `MTD_MSIL1C.xml` or `MTD_MSIL2A.xml`.

    Args:
        product: Names and dates.
        footprint: Ring of `(lon, lat)`, closed.
        cloud_pct: Share of cloudy pixels, 0 to 100.
        shares: Percentage of each code of the scene classification (L2A only).
    """
    is_l2a = product.level == "L2A"
    kind = "Level-2A" if is_l2a else "Level-1C"
    ring = " ".join(f"{lat:.12f} {lon:.12f}" for lon, lat in footprint)
    images = "\n".join(f"          <IMAGE_FILE>{path}</IMAGE_FILE>" for _, _, path in product.images())
    wanted = "<PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>"
    quality = _quality_2a(shares) if is_l2a else ""
    checks = ["FORMAT_CORRECTNESS", "GENERAL_QUALITY", "GEOMETRIC_QUALITY"]
    checks += ["L2A_QUALITY"] if is_l2a and product.has_offset else []
    checks += ["RADIOMETRIC_QUALITY", "SENSOR_QUALITY"]
    passed = "\n".join(f'        <quality_check checkType="{check}">PASSED</quality_check>' for check in checks)
    start = iso(product.sensing + timedelta(milliseconds=24))
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{kind}_User_Product xmlns:n1="{_PSD}/User_Product_{kind}.xsd" {_XSI} \
xsi:schemaLocation="{_PSD}/User_Product_{kind}.xsd">
  <!-- An invented scene, made by s2kit for trying things out: no satellite has seen it. -->
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{start}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{start}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{product.name}.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>{kind}</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI{product.level[1:]}</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{product.baseline}</PROCESSING_BASELINE>
      <GENERATION_TIME>{product.generated:%Y-%m-%dT%H:%M:%S}.000000Z</GENERATION_TIME>
      <PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>
      <PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>
      <Datatake datatakeIdentifier="{product.datatake_id}">
        <SPACECRAFT_NAME>Sentinel-{product.satellite[1:]}</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>{start}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>{product.relative_orbit}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Query_Options completeSingleTile="true">{wanted}</Query_Options>
      <Product_Organisation>
        <Granule_List>
          <Granule datastripIdentifier="{product.datastrip_id}" granuleIdentifier="{product.tile_id}" \
imageFormat="JPEG2000">
{images}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Image_Display_Order>
        <RED_CHANNEL>3</RED_CHANNEL>
        <GREEN_CHANNEL>2</GREEN_CHANNEL>
        <BLUE_CHANNEL>1</BLUE_CHANNEL>
      </Image_Display_Order>
{_radiometry(product)}
{_bands()}
      <REFERENCE_BAND>3</REFERENCE_BAND>{_scl_list() if is_l2a else ""}
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Product_Footprint>
      <Product_Footprint>
        <Global_Footprint>
          <EXT_POS_LIST>{ring} </EXT_POS_LIST>
        </Global_Footprint>
      </Product_Footprint>
      <RASTER_CS_TYPE>POINT</RASTER_CS_TYPE>
      <PIXEL_ORIGIN>1</PIXEL_ORIGIN>
    </Product_Footprint>
    <Coordinate_Reference_System>
      <GEO_TABLES version="1">EPSG</GEO_TABLES>
      <HORIZONTAL_CS_TYPE>GEOGRAPHIC</HORIZONTAL_CS_TYPE>
    </Coordinate_Reference_System>
  </n1:Geometric_Info>
  <n1:Auxiliary_Data_Info>
    <PRODUCTION_DEM_TYPE>invented</PRODUCTION_DEM_TYPE>
  </n1:Auxiliary_Data_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{cloud_pct:.6f}</Cloud_Coverage_Assessment>
    <Technical_Quality_Assessment>
      <DEGRADED_ANC_DATA_PERCENTAGE>0.0</DEGRADED_ANC_DATA_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
    </Technical_Quality_Assessment>
    <Quality_Control_Checks>
      <Quality_Inspections>
{passed}
      </Quality_Inspections>
      <Failed_Inspections/>
    </Quality_Control_Checks>{quality}
  </n1:Quality_Indicators_Info>
</n1:{kind}_User_Product>
"""


def _radiometry(product: SceneProduct) -> str:
    """Quantification, offsets and solar irradiance."""
    if product.level == "L1C":
        lines = ['<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>']
        offsets = ("Radiometric_Offset_List", "RADIO_ADD_OFFSET")
    else:
        lines = [
            "<QUANTIFICATION_VALUES_LIST>",
            '  <BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>',
            '  <AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>',
            '  <WVP_QUANTIFICATION_VALUE unit="cm">1000.0</WVP_QUANTIFICATION_VALUE>',
            "</QUANTIFICATION_VALUES_LIST>",
        ]
        offsets = ("BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET")
    if product.has_offset:
        group, one = offsets
        values = [f'  <{one} band_id="{at}">{product.offset}</{one}>' for at in range(len(BAND_NAMES))]
        lines += [f"<{group}>", *values, f"</{group}>"]
    sunlight = [
        f'    <SOLAR_IRRADIANCE bandId="{at}" unit="W/m²/µm">{value}</SOLAR_IRRADIANCE>'
        for at, value in enumerate(_IRRADIANCE)
    ]
    lines += ["<Reflectance_Conversion>", f"  <U>{_distance_factor(product.sensing):.15f}</U>"]
    lines += ["  <Solar_Irradiance_List>", *sunlight, "  </Solar_Irradiance_List>", "</Reflectance_Conversion>"]
    return "\n".join(f"      {line}" for line in lines)


def _distance_factor(when: datetime) -> float:
    """Inverse square of the distance between Earth and Sun in astronomical units (PSD, reflectance conversion)."""
    return 1 / (1 - 0.01673 * math.cos(2 * math.pi * (when.timetuple().tm_yday - 4) / 365.25)) ** 2


def _bands() -> str:
    """Wavelengths and resolutions."""
    lines = ["<Spectral_Information_List>"]
    for at, (low, high, middle) in enumerate(_RANGE_NM):
        lines += [
            f'  <Spectral_Information bandId="{at}" physicalBand="{BAND_NAMES[at].replace("B0", "B")}">',
            f"    <RESOLUTION>{NATIVE_M[at]}</RESOLUTION>",
            "    <Wavelength>",
            f'      <MIN unit="nm">{low}</MIN>',
            f'      <MAX unit="nm">{high}</MAX>',
            f'      <CENTRAL unit="nm">{middle}</CENTRAL>',
            "    </Wavelength>",
            "  </Spectral_Information>",
        ]
    return "\n".join(f"      {line}" for line in (*lines, "</Spectral_Information_List>"))


def _scl_list() -> str:
    entries = "".join(
        f"""
        <Scene_Classification_ID>
          <SCENE_CLASSIFICATION_TEXT>SC_{name}</SCENE_CLASSIFICATION_TEXT>
          <SCENE_CLASSIFICATION_INDEX>{code}</SCENE_CLASSIFICATION_INDEX>
        </Scene_Classification_ID>"""
        for code, name in enumerate(SCL_NAMES)
    )
    return f"\n      <Scene_Classification_List>{entries}\n      </Scene_Classification_List>"


def _quality_2a(shares: Mapping[int, float]) -> str:
    lines = [
        f"      <{name}_PERCENTAGE>{shares.get(code, 0.0):.6f}</{name}_PERCENTAGE>"
        for code, name in enumerate(_SCL_PERCENTAGES)
    ]
    cloudy = sum(shares.get(code, 0.0) for code in (8, 9, 10))
    head = f"      <CLOUDY_PIXEL_OVER_LAND_PERCENTAGE>{cloudy:.6f}</CLOUDY_PIXEL_OVER_LAND_PERCENTAGE>"
    return "\n    <Image_Content_QI>\n" + "\n".join((head, *lines)) + "\n    </Image_Content_QI>"


def tile_metadata(
    product: SceneProduct, sun: Sun, masks: Sequence[tuple[str, int | None, str]], cloud_pct: float, nodata_pct: float
) -> str:
    """Text of `MTD_TL.xml`.

    Args:
        product: Names, dates and the grid.
        sun: Mean position of the sun.
        masks: `(type, bandId or None, path)` of the masks.
        cloud_pct: Share of cloudy pixels, 0 to 100.
        nodata_pct: Share of pixels outside the swath, 0 to 100.
    """
    kind = "Level-2A" if product.level == "L2A" else "Level-1C"
    grid = product.grid
    zone = f"{product.grid.epsg % 100}{'N' if product.grid.epsg < 32700 else 'S'}"
    sizes, places = [], []
    for res in (10, 20, 60):
        rows, cols = grid.height * 10 // res, grid.width * 10 // res
        sizes.append(f'      <Size resolution="{res}"><NROWS>{rows}</NROWS><NCOLS>{cols}</NCOLS></Size>')
        places.append(
            f'      <Geoposition resolution="{res}"><ULX>{grid.west:.0f}</ULX><ULY>{grid.north:.0f}</ULY>'
            f"<XDIM>{res}</XDIM><YDIM>-{res}</YDIM></Geoposition>"
        )
    views = "\n".join(
        f'        <Mean_Viewing_Incidence_Angle bandId="{at}">'
        f'<ZENITH_ANGLE unit="deg">{4.1 + 0.05 * at:.12f}</ZENITH_ANGLE>'
        f'<AZIMUTH_ANGLE unit="deg">{287.5 + 0.2 * at:.12f}</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle>'
        for at in range(len(BAND_NAMES))
    )
    listed = "\n".join(
        f'      <MASK_FILENAME{_numbered(band)} type="{mask}">{path}</MASK_FILENAME>' for mask, band, path in masks
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{kind}_Tile_ID xmlns:n1="{_PSD}/S2_PDI_{kind}_Tile_Metadata.xsd" {_XSI} \
xsi:schemaLocation="{_PSD}/S2_PDI_{kind}_Tile_Metadata.xsd">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">{product.tile_id}</TILE_ID>
    <DATASTRIP_ID metadataLevel="Standard">{product.datastrip_id}</DATASTRIP_ID>
    <DOWNLINK_PRIORITY metadataLevel="Standard">NOMINAL</DOWNLINK_PRIORITY>
    <SENSING_TIME metadataLevel="Standard">{iso(product.tile_sensing)}</SENSING_TIME>
    <Archiving_Info metadataLevel="Expertise">
      <ARCHIVING_CENTRE>2APS</ARCHIVING_CENTRE>
      <ARCHIVING_TIME>{iso(product.generated + timedelta(minutes=21))}</ARCHIVING_TIME>
    </Archiving_Info>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>WGS84 / UTM zone {zone}</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>EPSG:{grid.epsg}</HORIZONTAL_CS_CODE>
{chr(10).join(sizes)}
{chr(10).join(places)}
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">{sun.zenith_deg:.12f}</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">{sun.azimuth_deg:.12f}</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
      <Mean_Viewing_Incidence_Angle_List>
{views}
      </Mean_Viewing_Incidence_Angle_List>
    </Tile_Angles>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info metadataLevel="Standard">
    <Image_Content_QI>
      <CLOUDY_PIXEL_PERCENTAGE>{cloud_pct:.6f}</CLOUDY_PIXEL_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
      <NODATA_PIXEL_PERCENTAGE>{nodata_pct:.6f}</NODATA_PIXEL_PERCENTAGE>
    </Image_Content_QI>
    <Pixel_Level_QI geometry="FULL_RESOLUTION">
{listed}
    </Pixel_Level_QI>
    <PVI_FILENAME>GRANULE/{product.granule}/QI_DATA/{product.prefix}_PVI.jp2</PVI_FILENAME>
  </n1:Quality_Indicators_Info>
</n1:{kind}_Tile_ID>
"""


def _numbered(band: int | None) -> str:
    return "" if band is None else f' bandId="{band}"'
