"""The mask language, and where products keep their classes."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.grid import Grid
from s2kit.picture.clouds import (
    ClassImage,
    ClassOutlines,
    Mask,
    class_source,
    dilated,
    hidden,
    needed_classes,
    parse_cloud_outlines,
    scene_classes,
)
from s2kit.picture.read import OpenImages
from s2kit.product.open import open_product
from support.chip_items import write_item
from support.scenes import built_scene


def test_masks_are_read_from_options():
    assert Mask.parse() is None
    assert Mask.parse("3,8").classes == {3, 8}
    assert Mask.parse("11", mask_clouds=True).classes == {3, 8, 9, 10, 11}
    assert Mask.parse(mask_clouds=True, dilate_m=60) == Mask(frozenset({3, 8, 9, 10}), 60)
    assert Mask.parse(mask_clouds=True, dilate_m=60).text == "3,8,9,10+60m"
    assert Mask.all_but({4, 5}).classes == {0, 1, 2, 3, 6, 7, 8, 9, 10, 11}


@pytest.mark.parametrize("options", [{"mask": "12"}, {"dilate_m": 60}, {"mask": "3", "dilate_m": -1}])
def test_other_masks_are_refused(options):
    with pytest.raises(UsageError):
        Mask.parse(**options)


@given(st.integers(0, 2**31), st.floats(0, 6))
def test_a_dilation_reaches_all_within_the_radius(seed, radius):
    pixels = np.random.default_rng(seed).random((20, 23)) < 0.02
    rows, cols = np.indices(pixels.shape)
    expected = np.zeros_like(pixels)
    for row, col in zip(*np.nonzero(pixels), strict=True):
        expected |= (rows - row) ** 2 + (cols - col) ** 2 <= (radius + 1e-9) ** 2
    assert np.array_equal(dilated(pixels, radius), expected)


@pytest.mark.parametrize(("baseline", "kind"), [("05.10", ClassImage), ("02.12", ClassOutlines)])
def test_l1c_has_its_classes_in_a_raster_or_in_outlines(baseline, kind):
    scene = built_scene(side=600, dates=2, baseline=baseline)
    product = open_product(scene.l1c[1])
    source = class_source(product)
    assert isinstance(source, kind)
    grid = product.image("B04").grid
    with OpenImages() as images:
        (codes,) = scene_classes(source, [grid], images)
        (hiding,) = hidden(source, [grid], Mask(frozenset({9, 10})), images)
    assert set(np.unique(codes)) <= {7, 9, 10, 11}
    assert np.array_equal(hiding, np.isin(codes, [9, 10]))
    assert 0.01 < hiding.mean() < 0.5


def test_a_real_mask_of_2017_is_read(shared_data):
    (path,) = shared_data.rglob("S2A_MSIL1C_20170226*/**/MSK_CLOUDS_B00.gml")
    source = parse_cloud_outlines(path.read_bytes(), 32600, str(path))
    assert source.epsg == 32632
    opaque, cirrus = shapely.from_wkb(source.opaque), shapely.from_wkb(source.cirrus)
    assert opaque.area > 1e6
    west, south, east, north = shapely.union(opaque, cirrus).bounds
    assert (west, south, east, north) == (501840, 4652700, 575940, 4687860)


def test_the_real_raster_of_2022_is_read(real_l2a):
    from s2kit.picture.clouds import _classi
    from s2kit.product.open import open_safe

    product = open_safe(real_l2a)
    (path,) = (one for one in product.tree.paths() if one.endswith("MSK_CLASSI_B00.jp2"))
    source = _classi(product, product.granules[0], path)
    with OpenImages() as images:
        (codes,) = scene_classes(source, [source.image.grid], images)
        (scl,) = scene_classes(class_source(product, resolution_m=60), [source.image.grid], images)
    assert set(np.unique(codes)) <= {7, 9, 10, 11}
    opaque = codes == 9
    if opaque.any():
        assert np.isin(scl[opaque], [3, 7, 8, 9, 10, 11]).mean() > 0.5


@pytest.mark.parametrize(
    "text", ["<a", "<m:MaskFeature xmlns:m='m'><x:posList xmlns:x='x'>1 2 3</x:posList></m:MaskFeature>"]
)
def test_a_damaged_mask_is_refused_by_name(text):
    if "posList" in text:
        text = text.replace("<x:posList", "<p:Polygon xmlns:p='p'><p:exterior><x:posList").replace(
            "</x:posList>", "</x:posList></p:exterior></p:Polygon>"
        )
    with pytest.raises(InputError, match=r"mask\.gml"):
        parse_cloud_outlines(text.encode(), 32631, "mask.gml")


def test_an_empty_mask_hides_nothing():
    gml = b"<eop:Mask xmlns:eop='eop'><eop:maskMembers/></eop:Mask>"
    source = parse_cloud_outlines(gml, 32631, "mask.gml")
    grid = Grid(32631, 300000.0, 4900020.0, 10.0, 20, 20)
    with OpenImages() as images:
        assert not hidden(source, [grid], Mask(frozenset({9, 10})), images)[0].any()


def test_a_product_without_classes_is_named(tmp_path):
    item = write_item(tmp_path, {"B04": np.ones((20, 20), np.uint16)})
    with pytest.raises(NotFoundError, match="neither SCL nor a cloud mask"):
        needed_classes(open_product(item))
