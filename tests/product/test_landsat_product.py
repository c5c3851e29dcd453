"""A Landsat item as a product: bands by the names that missions share, the collection's scales, `qa_pixel` as classes."""

import json
from pathlib import Path

import numpy as np
import pytest

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid
from s2kit.picture.clouds import ClassImage, class_source, scene_classes
from s2kit.picture.read import OpenImages, read
from s2kit.product.bands import SHARED_BANDS, band_words, native_resolution, normal_band, serves
from s2kit.product.landsat_item import is_landsat_item, parse_landsat_item
from s2kit.product.landsat_product import LandsatProduct
from s2kit.product.metadata import Radiometry
from s2kit.product.open import open_product
from s2kit.product.radiometry import to_physical
from support.chip_items import write_item
from support.landsat import CLEAR, CLOUD, DILATED, FILL, ID, SHADOW, SNOW, WATER, kelvin, reflectance, write_landsat


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_landsat(tmp_path_factory.mktemp("landsat"))


def test_it_is_a_product_like_others(scene):
    product = open_product(scene.folder)
    assert isinstance(product, LandsatProduct)
    assert (product.id, str(product.metadata.level), product.metadata.satellite) == (ID, "L2SP", "L9")
    assert [str(tile) for tile in product.tiles] == ["198030"]
    assert {image.resolution_m for image in product.images()} == {30}
    assert product.extents() == (Grid(32631, 359985.0, 4848015.0, 30.0, 200, 220),)
    assert product.lattice == (15.0, 15.0)
    assert open_product(scene.item).id == ID


@pytest.mark.parametrize(
    ("asked", "own"),
    [("red", "red"), ("B04", "red"), ("b1", "coastal"), ("nir", "nir08"), ("nir08", "nir08"), ("B08", "nir08"),
     ("swir16", "swir16"), ("B12", "swir22"), ("lwir11", "lwir11"), ("QA_PIXEL", "qa_pixel")],
)  # fmt: skip
def test_bands_go_by_shared_names_and_by_sentinel_2s(scene, asked, own):
    assert open_product(scene.folder).image(asked).band == own
    assert serves(own, normal_band(asked))
    assert native_resolution(own) == 30


def test_what_it_lacks_is_said_in_one_line(scene):
    product = open_product(scene.folder)
    with pytest.raises(NotFoundError, match="is Landsat and has no SCL") as caught:
        product.image("SCL")
    assert "qa_pixel" in caught.value.hint
    for name in ("B05", "B10", "lwir"):  # Landsat's own numbers mean other bands: none of them is taken for one
        with pytest.raises(NotFoundError, match=f"lacks {name}.*it has coastal, blue, green, red, nir08"):
            product.image(name)


def test_numbers_are_those_of_the_collection_whatever_the_item_says(scene, tmp_path):
    document = json.loads(scene.item.read_bytes())
    document["assets"]["red"]["raster:bands"] = [{"scale": 1, "offset": 0}]
    (tmp_path / f"{ID}.json").write_text(json.dumps(document))
    for name, one in scene.pixels.items():
        (tmp_path / Path(document["assets"][name]["href"]).name).symlink_to(
            scene.folder / Path(document["assets"][name]["href"]).name
        )
        assert one.dtype == np.uint16
    product = open_product(tmp_path / f"{ID}.json")
    for name, expected in (("red", reflectance), ("swir22", reflectance), ("lwir11", kelvin)):
        image = product.image(name)
        (pixels,) = read([image], [image.grid])[0]
        np.testing.assert_array_equal(pixels[0], scene.pixels[name])
        values = to_physical(pixels[0], Radiometry(image.quantification, image.offset), image.nodata)
        np.testing.assert_allclose(values, expected(scene.pixels[name]), atol=2e-7, rtol=2e-7)
    assert product.offset_source == "collection"


def test_qa_pixel_is_read_as_scene_classes(scene):
    product = open_product(scene.folder)
    source = class_source(product)
    assert isinstance(source, ClassImage)
    with OpenImages() as images:
        (codes,) = scene_classes(source, [product.extents()[0]], images)
        (beyond,) = scene_classes(source, [Grid(32631, 0.0, 30.0, 30.0, 2, 2)], images)
    meant = {CLEAR: 7, CLOUD: 9, DILATED: 8, SHADOW: 3, SNOW: 11, WATER: 6, FILL: 0}
    expected = np.vectorize(meant.__getitem__)(scene.pixels["qa_pixel"])
    np.testing.assert_array_equal(codes, expected)
    assert set(np.unique(codes)) == set(meant.values())
    assert not beyond.any()


@pytest.mark.parametrize(
    "asset",
    [{"eo:bands": [{"name": "B5", "common_name": "nir08"}]}, {"eo:bands": [{"name": "SR_B4", "common_name": "nir"}]},
     {"bands": [{"name": "nir08", "eo:common_name": "nir08"}]}],
)  # fmt: skip
def test_assets_are_known_by_their_common_name_whatever_their_key(asset):
    document = {
        "id": "LT05_L2SP_198030_19900101_20200101_02_T1_SR",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        "properties": {"datetime": "1990-01-01T10:00:00Z", "eo:platform": "LANDSAT_5", "eo:cloud_cover": -1},
        "assets": {"SR_B4.TIF": {"href": "https://x/a.TIF", **asset}, "ang": {"href": "https://x/ang.txt"}},
    }
    assert is_landsat_item(document)
    found = parse_landsat_item(document)
    assert dict(found.hrefs) == {"nir08": "https://x/a.TIF"}
    assert (found.satellite, str(found.scene), str(found.level), found.cloud_pct) == ("L5", "198030", "L2SP", None)


def test_other_items_are_not_taken_for_landsat(tmp_path):
    sentinel = write_item(tmp_path, {"B04": np.ones((4, 4), np.uint16)})
    assert not is_landsat_item(json.loads((sentinel / f"{sentinel.name}.json").read_bytes()))
    level1 = {"id": "LC09_L1TP_198030_20240427_20240428_02_T1", "properties": {}, "assets": {"red": {"href": "a.TIF"}}}
    for document in (level1, [], {"assets": []}, {**level1, "id": ID, "assets": {"mtl": {"href": "a.json"}}}):
        assert not is_landsat_item(document)


@pytest.mark.parametrize(
    "broken", [{"geometry": None}, {"geometry": {"type": "Point", "coordinates": [0, 0]}}, {"properties": {}}]
)
def test_a_damaged_item_is_named(scene, broken):
    with pytest.raises(InputError, match=ID):
        parse_landsat_item({**json.loads(scene.item.read_bytes()), **broken})


def test_lists_of_bands_may_be_written_with_underscores():
    assert band_words("B04_qa_pixel,B08") == ("B04", "qa_pixel", "B08")
    assert band_words(" red , QA_PIXEL") == ("red", "QA_PIXEL")
    assert {name for name in SHARED_BANDS if normal_band(name) == name} == {"lwir", "lwir11", "qa_pixel"}
