"""STAC items of GeoTIFFs: names, bands, and the question of the offset."""

import json
from datetime import UTC, datetime

import pytest

from s2kit.errors import InputError
from s2kit.product.cog_item import band_scale, is_cog_item, offset_of, parse_boa_offset, parse_cog_item

URI = "S2B_MSIL2A_20230820T094549_N0509_R079_T33TWL_20230820T124817.SAFE"


def item(**properties):
    return {
        "id": "S2B_33TWL_20230820_0_L2A",
        "geometry": {"type": "Polygon", "coordinates": [[[15, 45], [16, 45], [16, 46], [15, 45]]]},
        "properties": {"datetime": "2023-08-20T09:58:11.072Z", "s2:processing_baseline": "05.09", **properties},
        "assets": {
            "red": {"href": "B04.tif", "raster:bands": [{"scale": 0.0001, "offset": -0.1}]},
            "scl": {"href": "https://host.example/a/SCL.tif?x=1"},
            "red-jp2": {"href": "s3://bucket/B04.jp2"},
            "thumbnail": {"href": "thumbnail.jpg"},
        },
    }


def test_the_products_own_name_and_time():
    found = parse_cog_item(item(**{"s2:product_uri": URI, "eo:cloud_cover": 8.1}))
    assert found.product == URI.removesuffix(".SAFE")
    assert found.sensing == datetime(2023, 8, 20, 9, 45, 49, tzinfo=UTC)
    assert found.tile == "33TWL"
    assert dict(found.hrefs) == {"B04": "B04.tif", "SCL": "https://host.example/a/SCL.tif?x=1"}
    assert found.cloud_pct == 8.1


def test_without_a_product_name():
    found = parse_cog_item(item(**{"grid:code": "MGRS-33TWL"}))
    assert (found.product, found.tile) == ("S2B_33TWL_20230820_0_L2A", "33TWL")
    assert found.sensing == datetime(2023, 8, 20, 9, 58, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("properties", "baseline", "dn", "source"),
    [
        ({"earthsearch:boa_offset_applied": False}, "02.14", 0, "baseline"),
        ({"earthsearch:boa_offset_applied": True}, "05.09", 0, "item flag"),
        ({"earthsearch:boa_offset_applied": False}, "05.09", -1000, "item flag"),
        ({}, "05.09", -1000, "raster:bands"),
    ],
)
def test_offset(properties, baseline, dn, source):
    offset = offset_of(item(**properties), baseline)
    assert (offset.dn, offset.source) == (dn, source)
    assert offset.is_certain == (source == "baseline")


def test_nothing_says_anything():
    assert offset_of({"properties": {}, "assets": {}}, "").source == "assumed"


def test_the_users_word():
    assert parse_boa_offset("auto") is None
    assert parse_boa_offset(None) is None
    assert (parse_boa_offset("applied").dn, parse_boa_offset("needed").dn, parse_boa_offset("-500").dn) == (
        0,
        -1000,
        -500,
    )
    with pytest.raises(InputError):
        parse_boa_offset("maybe")


def test_layers_have_no_offset():
    offset = parse_boa_offset("needed")
    assert band_scale("B04", offset) == (-1000, 10000)
    assert band_scale("SCL", offset) == (0, 1)
    assert band_scale("AOT", offset) == (0, 1000)


def test_what_is_no_item():
    assert not is_cog_item([])
    assert not is_cog_item({"assets": {"a": {"href": "a.jp2"}}})
    for broken in ({"geometry": None}, {"properties": {}}, {"assets": {}}, {"id": None}):
        with pytest.raises(InputError):
            parse_cog_item({**item(), **broken})


def test_real_items(shared_data):
    paths = sorted((shared_data / "timeseries" / "mapchete_33TWL_aug2023").glob("*/*_L2A.json"))
    found = [parse_cog_item(json.loads(path.read_text())) for path in paths]
    assert sorted(one.sensing.day for one in found) == [10, 13, 15, 18, 20]
    assert {one.tile for one in found} == {"33TWL"}
    assert {(one.offset.dn, one.offset.source) for one in found} == {(0, "item flag")}
    assert all(one.product.startswith("S2") and "MSIL2A" in one.product for one in found)
