"""Tiny SAFE folders for tests of structure: real names, real XML, a manifest with true checksums, made-up image bytes."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from s2kit.product.name import Baseline, Level, ProductName, parse_product_name

L2A_NAME = "S2C_MSIL2A_20250301T105021_N0511_R051_T31TDH_20250301T143000"
L1C_NAME = "S2B_MSIL1C_20200615T104029_N0209_R008_T31TDH_20200615T124100"
EARLY_NAME = "S2A_MSIL2A_20170825T102021_N0205_R065_T32TLS_20170825T102114"
SIDE_10M = 36
"""Columns and rows at 10 m: 18 at 20 m, 6 at 60 m."""

FEW_IMAGES = ("B02_10m", "B04_10m", "B04_20m", "B8A_20m", "SCL_20m", "B01_60m", "AOT_60m", "TCI_60m", "PVI")


def product_xml(name: ProductName, images: Iterable[str] = (), offset: int | None = None) -> str:
    """Metadata of a product; the offset is that of its baseline unless another is given."""
    value = name.baseline.reflectance_offset if offset is None else offset
    tag = "RADIO_ADD_OFFSET" if name.level is Level.L1C else "BOA_ADD_OFFSET"
    offsets = "".join(f'<{tag} band_id="{n}">{value}</{tag}>' for n in range(13)) if value else ""
    early = name.level is Level.L2A and Baseline(2, 1) < name.baseline <= Baseline(2, 6)
    two = "_2A" if early else ""
    pre = "L2A_" if early else ""
    if name.level is Level.L1C:
        quantification = '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>'
    else:
        quantification = (
            f"<{pre}BOA_QUANTIFICATION_VALUE>10000</{pre}BOA_QUANTIFICATION_VALUE>"
            f"<{pre}AOT_QUANTIFICATION_VALUE>1000.0</{pre}AOT_QUANTIFICATION_VALUE>"
            f"<{pre}WVP_QUANTIFICATION_VALUE>1000.0</{pre}WVP_QUANTIFICATION_VALUE>"
        )
    files = "".join(f"<IMAGE_FILE{two}>{image}</IMAGE_FILE{two}>" for image in images)
    root = f"Level-{name.level[1:]}_User_Product"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:{root} xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{name.level[1:]}.xsd">
  <n1:General_Info>
    <{pre}Product_Info>
      <PRODUCT_START_TIME>{name.sensing:%Y-%m-%dT%H:%M:%S}.024Z</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{name.sensing:%Y-%m-%dT%H:%M:%S}.024Z</PRODUCT_STOP_TIME>
      <PRODUCT_URI{two}>{name}.SAFE</PRODUCT_URI{two}>
      <PROCESSING_LEVEL>Level-{name.level[1:]}{"p" if early else ""}</PROCESSING_LEVEL>
      <PROCESSING_BASELINE>{name.baseline}</PROCESSING_BASELINE>
      <Datatake datatakeIdentifier="G{name.satellite}_20250301T105021_000123_N{name.baseline}">
        <SPACECRAFT_NAME>Sentinel-2{name.satellite[-1]}</SPACECRAFT_NAME>
        <SENSING_ORBIT_NUMBER>{int(name.orbit)}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <{pre}Product_Organisation><Granule_List><Granule granuleIdentifier="S2A_OPER_MSI_{name.level}_TL_2APS_20250301T143000_A000123_T{name.tile}_N{name.baseline}">{files}</Granule></Granule_List></{pre}Product_Organisation>
    </{pre}Product_Info>
    <{pre}Product_Image_Characteristics>
      <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
      <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
      {quantification}{offsets}
    </{pre}Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info><Product_Footprint><Product_Footprint><Global_Footprint>
    <EXT_POS_LIST>43.3 1.8 43.3 3.1 42.3 3.1 42.3 1.8 43.3 1.8</EXT_POS_LIST>
  </Global_Footprint></Product_Footprint></Product_Footprint></n1:Geometric_Info>
  <n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:{root}>
"""


def granule_xml(name: ProductName, side_10m: int = SIDE_10M) -> str:
    """Metadata of the granule."""
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{side_10m * 10 // r}</NROWS><NCOLS>{side_10m * 10 // r}</NCOLS></Size>'
        for r in (10, 20, 60)
    )
    corners = "".join(
        f'<Geoposition resolution="{r}"><ULX>399960</ULX><ULY>4800000</ULY><XDIM>{r}</XDIM><YDIM>-{r}</YDIM></Geoposition>'
        for r in (10, 20, 60)
    )
    root = f"Level-{name.level[1:]}_Tile_ID"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:{root} xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{name.level[1:]}_Tile_Metadata.xsd">
  <n1:General_Info>
    <TILE_ID>{name.satellite}_OPER_MSI_{name.level}_TL_2APS_20250301T143000_A000123_T{name.tile}_N{name.baseline}</TILE_ID>
    <SENSING_TIME>{name.sensing:%Y-%m-%dT%H:%M:%S}.462Z</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info><Tile_Geocoding>
    <HORIZONTAL_CS_CODE>EPSG:{name.tile.epsg}</HORIZONTAL_CS_CODE>{sizes}{corners}
  </Tile_Geocoding></n1:Geometric_Info>
  <n1:Quality_Indicators_Info><Image_Content_QI><CLOUDY_PIXEL_PERCENTAGE>12.5</CLOUDY_PIXEL_PERCENTAGE></Image_Content_QI></n1:Quality_Indicators_Info>
</n1:{root}>
"""


def manifest_xml(files: Mapping[str, bytes]) -> str:
    """A manifest of some files, with SHA3-256 checksums."""
    objects = "".join(
        f'<dataObject ID="f{n}"><byteStream mimeType="application/octet-stream" size="{len(data)}">'
        f'<fileLocation locatorType="URL" href="./{path}"/>'
        f'<checksum checksumName="SHA3-256">{hashlib.sha3_256(data).hexdigest()}</checksum></byteStream></dataObject>'
        for n, (path, data) in enumerate(files.items())
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1">'
        f"<dataObjectSection>{objects}</dataObjectSection></xfdu:XFDU>"
    )


def safe_files(text: str = L2A_NAME, images: Iterable[str] = FEW_IMAGES) -> dict[str, bytes]:
    """All files of a tiny product by path; images are named as in `B04_10m`, `B04` (L1C) or `PVI`."""
    name = parse_product_name(text)
    assert isinstance(name, ProductName)
    granule = f"GRANULE/{name.level}_T{name.tile}_A000123_{name.discriminator}"
    prefix = "L2A_" if name.level is Level.L2A and name.baseline <= Baseline(2, 6) else ""
    stem = f"{prefix}T{name.tile}_{text.split('_')[2]}"
    files = {}
    for image in images:
        folder = "QI_DATA" if image == "PVI" else "IMG_DATA"
        if image.endswith("m"):
            folder += f"/R{image[-3:]}"
        files[f"{granule}/{folder}/{stem}_{image}.jp2"] = f"made-up bytes of {image}".encode()
    listed = [path.removesuffix(".jp2") for path in files if "IMG_DATA" in path]
    files[f"MTD_MSI{name.level}.xml"] = product_xml(name, listed).encode()
    files[f"{granule}/MTD_TL.xml"] = granule_xml(name).encode()
    files["INSPIRE.xml"] = b"<inspire/>"
    return files | {"manifest.safe": manifest_xml(files).encode()}


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


def write_safe(folder: Path, text: str = L2A_NAME, images: Iterable[str] = FEW_IMAGES) -> Path:
    """A tiny SAFE folder below `folder`."""
    return write_files(folder / f"{text}.SAFE", safe_files(text, images))
