"""A COG item as a product, and how its offset is decided from the pixels."""

import json

import numpy as np
import pytest

from s2kit.errors import InputError, NotFoundError
from s2kit.product.cog_offset import offset_note
from s2kit.product.cog_product import CogProduct
from s2kit.product.kinds import open_local_item
from s2kit.product.open import open_product
from s2kit.product.opening import OffsetRule, Opening
from support.chip_items import write_item

NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
RANDOM = np.random.default_rng(5)


def ground(lowest, highest, side=120):
    return RANDOM.integers(lowest, highest, (side, side)).astype(np.uint16)


def item(tmp_path, red, classes=4, **properties):
    scl = np.full((red.shape[0] // 2, red.shape[1] // 2), classes, np.uint8)
    return write_item(tmp_path, {"B04": red, "B08": red, "SCL": scl}, scales={"SCL": 2}, **properties)


def test_it_is_a_product_like_others(tmp_path):
    folder = item(tmp_path, ground(150, 900))
    product = open_product(folder)
    assert isinstance(product, CogProduct)
    assert product.id == NAME
    assert str(product.metadata.baseline) == "05.10"
    assert [str(tile) for tile in product.tiles] == ["31TCJ"]
    assert [(image.band, image.resolution_m) for image in product.images()] == [("B04", 10), ("B08", 10), ("SCL", 20)]
    red = product.image("b4")
    assert (red.offset, red.quantification, red.nodata, red.product) == (0.0, 10000.0, 0, NAME)
    assert red.grid.shape == (120, 120)
    assert red.nbytes > 0
    with pytest.raises(NotFoundError, match="lacks B11: it has B04, B08 at 10 m; SCL at 20 m"):
        product.image("B11")
    assert open_product(folder / f"{folder.name}.json").id == NAME


@pytest.mark.parametrize("flag", [True, False])
def test_dark_pixels_show_that_the_offset_is_in_them(tmp_path, flag):
    product = open_product(item(tmp_path, ground(150, 900), **{"earthsearch:boa_offset_applied": flag}))
    assert product.image("B04").offset == 0.0
    assert product.offset_source == ("pixels" if flag else "pixels, against the item flag")
    assert (offset_note([(NAME, product.offset_source)]) is None) == flag


@pytest.mark.parametrize("flag", [True, False])
def test_no_dark_pixel_on_dark_ground_shows_that_it_is_not(tmp_path, flag):
    product = open_product(item(tmp_path, ground(1150, 1900), **{"earthsearch:boa_offset_applied": flag}))
    assert product.image("B04").offset == -1000.0
    assert product.offset_source == ("pixels, against the item flag" if flag else "pixels")


def test_a_desert_does_not_tell(tmp_path):
    folder = item(tmp_path, ground(3100, 4900), classes=5)
    product = open_product(folder)
    with pytest.raises(InputError, match="do not show whether the offset") as caught:
        product.image("B04")
    assert "--boa-offset applied, or --boa-offset needed" in caught.value.hint
    assert product.image("SCL").offset == 0.0
    said = open_local_item(folder / f"{folder.name}.json", Opening(rule=OffsetRule("needed")))
    assert (said.image("B04").offset, said.offset_source) == (-1000.0, "option")


def test_before_baseline_4_nothing_is_asked(tmp_path):
    old = NAME.replace("N0510", "N0214")
    product = open_product(item(tmp_path, ground(3100, 4900), classes=5, name=old))
    assert (product.image("B04").offset, product.offset_source) == (0.0, "baseline")


def test_the_grid_of_a_remote_file_comes_from_the_item(tmp_path):
    from s2kit.product.cog_item import parse_cog_item

    folder = item(tmp_path, ground(150, 900))
    path = folder / f"{folder.name}.json"
    document = json.loads(path.read_text())
    document["properties"]["proj:epsg"] = 32631
    document["assets"]["b04"] |= {"proj:shape": [10980, 10980], "proj:transform": [10, 0, 300000, 0, -10, 4900020]}
    grid = parse_cog_item(document).grids["B04"]
    assert (grid.epsg, grid.west, grid.north, grid.resolution_m, grid.shape) == (
        32631,
        3e5,
        4900020,
        10,
        (10980, 10980),
    )
