"""The small files around the pixels: well-formed, and what their formats promise."""

from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring

from s2kit.demo import package
from s2kit.demo.scene_product import SceneProduct
from s2kit.product.manifest import parse_manifest
from support.scenes import scene_product

RING = [(0.5, 44.0), (0.5, 44.2), (0.7, 44.2), (0.5, 44.0)]


@pytest.mark.parametrize("product", [scene_product("L1C"), scene_product("L2A"), scene_product("L2A", "02.12")])
def test_manifest(product: SceneProduct) -> None:
    digits = 32 if product.checksum_name == "MD5" else 64
    paths = ["MTD_MSIL2A.xml", "INSPIRE.xml", "HTML/UserProduct_index.html", "HTML/UserProduct_index.xsl"]
    paths += [f"DATASTRIP/{product.datastrip}/MTD_DS.xml", f"DATASTRIP/{product.datastrip}/QI_DATA/SENSOR_QUALITY.xml"]
    paths += [f"{path}.jp2" for _, _, path in product.images()]
    paths += [f"GRANULE/{product.granule}/MTD_TL.xml", f"GRANULE/{product.granule}/QI_DATA/SENSOR_QUALITY.xml"]
    files = [package.ListedFile(path, at, f"{at:0{digits}x}") for at, path in enumerate(paths)]
    text = package.manifest(product, files, RING).encode()
    entries = parse_manifest(text).entries
    assert [(e.path, e.nbytes, e.checksum) for e in entries] == files
    assert {e.algorithm for e in entries} == {product.checksum_name}
    ids = [element.get("ID") for element in fromstring(text).iter("dataObject")]
    assert len(set(ids)) == len(ids) == len(paths)


def test_ids_are_esas(shared_data: Path) -> None:
    (real,) = (shared_data / "manifests" / "creodias").glob("S2A_MSIL2A_20221206*/manifest.safe")
    theirs = {element.get("ID") for element in fromstring(real.read_bytes()).iter("dataObject")}
    product = scene_product()
    images = [package.ListedFile(f"{path}.jp2", 1, "0" * 64) for _, _, path in product.images()]
    ours = {e.get("ID") for e in fromstring(package.manifest(product, images, RING)).iter("dataObject")}
    assert ours <= theirs


@pytest.mark.parametrize(
    "text",
    [
        package.inspire(scene_product(), (0.5, 44.0, 0.7, 44.2)),
        package.stylesheet(),
        package.schema("Level-2A_User_Product"),
        package.report(scene_product(), "SENSOR_QUALITY"),
        package.datastrip_metadata(scene_product()),
        *package.gml_masks(scene_product("L1C", "02.12"), [[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]]).values(),
    ],
)
def test_texts_are_xml(text: str) -> None:
    fromstring(text.encode())


def test_gml_masks() -> None:
    masks = package.gml_masks(scene_product("L1C", "02.12"), [[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]])
    assert len(masks) == 1 + 5 * 13
    assert "0 0 1 0 1 1 0 0" in masks["MSK_CLOUDS_B00.gml"]
    assert "<eop:maskMembers/>" in masks["MSK_NODATA_B8A.gml"]
    assert "300000 4900020" in masks["MSK_DETFOO_B8A.gml"]


def test_the_page_says_that_it_is_invented() -> None:
    assert "invented" in package.page(scene_product())


def test_weather_message_is_grib() -> None:
    message = package.weather_message(scene_product(), 137)
    assert message[:4] == b"GRIB"
    assert message[-4:] == b"7777"
    assert int.from_bytes(message[4:7], "big") == len(message)
    sections, at = [], 8
    while message[at : at + 4] != b"7777":
        sections.append(int.from_bytes(message[at : at + 3], "big"))
        at += sections[-1]
    assert sections == [28, 32, 12]
