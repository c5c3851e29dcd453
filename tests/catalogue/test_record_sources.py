"""Records from the real answers of the real services."""

import json
from pathlib import Path
from typing import Any

import pytest

from s2kit.catalogue.record import ProductRecord
from s2kit.catalogue.record_sources import from_dhus, from_odata, from_stac, from_stac_page
from s2kit.errors import InputError
from support.catalogue_server import stac_item


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def test_an_item_of_earth_search(shared_data: Path) -> None:
    path = shared_data / "api/earth_search_items_33TWN/S2A_12RWT_20240106_0_L2A/S2A_12RWT_20240106_0_L2A.json"
    properties = from_stac(load(path), "earth-search").to_stac_properties()
    del properties["geometry"]
    assert properties == {
        "id": "S2A_MSIL2A_20240106T175731_N0510_R141_T12RWT_20240106T205550",
        "datetime": "2024-01-06T17:57:31Z",
        "tile": "12RWT",
        "level": "L2A",
        "s2kit:catalogue_datetime": "2024-01-06T18:06:01.022Z",
        "end_datetime": None,
        "constellation": "sentinel-2",
        "platform": "sentinel-2a",
        "eo:cloud_cover": 1.051041,
        "grid:code": "MGRS-12RWT",
        "processing:level": "L2A",
        "processing:version": "05.10",
        "processing:datetime": "2024-01-06T20:55:50Z",
        "sat:relative_orbit": 141,
        "product:type": "S2MSI2A",
        "sar:instrument_mode": None,
        "sar:polarizations": None,
        "s2:product_uri": "S2A_MSIL2A_20240106T175731_N0510_R141_T12RWT_20240106T205550.SAFE",
        "s2:mgrs_tile": "12RWT",
        "s2:datatake_start": "2024-01-06T17:57:31Z",
        "s2:datastrip_id": "S2A_OPER_MSI_L2A_DS_2APS_20240106T205550_S20240106T180527_N05.10",
        "file:size": None,
        "file:checksum": None,
        "s2kit:locations": {
            "cogs": "s3://sentinel-cogs/sentinel-s2-l2a-cogs/12/R/WT/2024/1/S2A_12RWT_20240106_0_L2A",
            "aws-l2a": "s3://sentinel-s2-l2a/tiles/12/R/WT/2024/1/6/0",
        },
        "s2kit:quicklook": "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/12/R/WT/2024/1/"
        "S2A_12RWT_20240106_0_L2A/thumbnail.jpg",
        "s2kit:catalogue": "earth-search",
        "s2kit:item": "S2A_12RWT_20240106_0_L2A",
        "s2kit:collection": "sentinel-2-l2a",
        "s2kit:aoi": None,
        "s2kit:range": None,
        "s2kit:coverage_pct": None,
    }


def test_every_real_earth_search_item_makes_a_record(shared_data: Path) -> None:
    paths = [path for path in sorted((shared_data / "api/earth_search_items_33TWN").iterdir()) if path.is_file()]
    found = [from_stac(load(path), "x") for path in paths]
    assert len(found) >= 8
    assert {record.tile for record in found} >= {"33TWN", "01WCR"}
    assert all(record.geometry is not None and record.geometry.is_valid for record in found)
    crossing = next(record for record in found if record.tile == "01WCR")
    assert crossing.geometry is not None
    assert crossing.geometry.area < 4, "a footprint at the antimeridian is not a belt around the Earth"


def cdse_items(shared_data: Path) -> list[Any]:
    import yaml

    path = shared_data / "api/cdse_stac_xcube_cassettes/StacDataStoreTest.test_search_data_cdse_sentinel_2.yaml"
    recorded = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return json.loads(recorded["interactions"][2]["response"]["body"]["string"])["features"]


def test_an_item_of_cdse_knows_size_checksum_and_place(shared_data: Path) -> None:
    record = from_stac(cdse_items(shared_data)[0], "cdse")
    assert record.id == "S2B_MSIL2A_20200705T101559_N0500_R065_T32TNT_20230530T175912"
    assert record.nbytes == 1169979461
    assert record.checksum == "d50110f3ad2c3da705b6c062a89423ffbac62d"
    assert record.locations == {
        "cdse": "s3://eodata/Sentinel-2/MSI/L2A_N0500/2020/07/05/"
        "S2B_MSIL2A_20200705T101559_N0500_R065_T32TNT_20230530T175912.SAFE"
    }
    assert record.baseline == "05.00"
    assert record.quicklook is not None


def test_an_odata_product(shared_data: Path) -> None:
    value = load(shared_data / "api/eodag_provider_responses/cop_dataspace_search.json")["value"][0]
    record = from_odata(value, "cdse-odata")
    assert record.id == "S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505"
    assert (record.tile, record.orbit, record.baseline, record.level) == ("54PXA", 45, "05.00", "L1C")
    assert record.cloud_cover == pytest.approx(95.136736)
    assert record.nbytes == 224105657
    assert record.checksum == "d50110923ac4992d90b57d41e7ace4d9d90757"
    assert record.locations["cdse"].endswith("/S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505.SAFE")
    assert record.geometry is not None


def test_every_real_odata_product_makes_a_record(shared_data: Path) -> None:
    count = 0
    for page in sorted((shared_data / "api/cdse_odata_cdsetool/sentinel_1").glob("odata_page_*.json")):
        for value in load(page)["value"]:
            assert from_odata(value, "x").mission == "s1"
            count += 1
    assert count == 47


@pytest.mark.parametrize(
    ("said", "kind"), [("IW_GRDH_1S", "GRD"), ("EW_GRDM_1S", "GRD"), ("IW_SLC__1S", "SLC"), ("GRD", "GRD")]
)
def test_types_of_sentinel_1_are_one_word(said: str, kind: str) -> None:
    name = "S1X_unknown"
    moment = "2021-08-09T17:39:53.000Z"
    attributes = [{"Name": "productType", "Value": said}, {"Name": "platformShortName", "Value": "SENTINEL-1"}]
    product = {"Name": name, "ContentDate": {"Start": moment}, "Attributes": attributes}
    assert from_odata(product, "x").product_type == kind
    properties = {"datetime": moment, "product:type": said, "constellation": "sentinel-1"}
    assert from_stac({"id": name, "properties": properties}, "x").product_type == kind


def dhus_entries(shared_data: Path, cassette: str) -> list[Any]:
    import yaml

    path = shared_data / "api/dhus_sentinelsat/vcr_cassettes" / cassette
    recorded = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    entries = json.loads(recorded["interactions"][0]["response"]["body"]["string"])["feed"]["entry"]
    from sentinelsat.sentinel import _parse_opensearch_response

    return list(_parse_opensearch_response(entries).values())


def test_a_dhus_entry(shared_data: Path) -> None:
    record = from_dhus(dhus_entries(shared_data, "test_s2_cloudcover.yaml")[0], "dhus")
    assert record.id == "S2B_MSIL1C_20181219T142029_N0207_R010_T20MPS_20181219T160056"
    assert (record.tile, record.orbit, record.baseline, record.level) == ("20MPS", 10, "02.07", "L1C")
    assert record.cloud_cover == pytest.approx(3.6476)
    assert record.nbytes is None, "DHuS tells sizes rounded"


def test_sentinel_1_entries_of_dhus(shared_data: Path) -> None:
    for entry in dhus_entries(shared_data, "test_footprints_s1.yaml"):
        record = from_dhus(entry, "dhus")
        assert (record.mission, record.product_type) == ("s1", "GRD")
        assert record.polarisations


@pytest.mark.parametrize(
    "broken", [{}, {"properties": {}}, {"id": "x"}, {"id": "x", "properties": {"datetime": "soon"}}]
)
def test_an_item_without_id_or_time_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InputError):
        from_stac(broken, "x")


def test_nonsense_in_an_item_is_unknown_not_fatal() -> None:
    record: ProductRecord = from_stac(
        {
            **stac_item(1, **{"eo:cloud_cover": "much", "sat:relative_orbit": 1.5}),
            "geometry": {"type": "Polygon", "coordinates": "none"},
            "assets": {"thumbnail": {"href": 5}, "x": None},
        },
        "x",
    )
    assert (record.cloud_cover, record.geometry, record.quicklook) == (None, None, None)
    assert record.orbit == 51


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {"type": "Point", "coordinates": [1, 43.5]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0, 9], [1, 0, 9], [1, 1, 9], [0, 0, 9]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]], [[6, 2], [7, 2], [7, 3], [6, 2]]]},
        {"type": "Polygon", "coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]]},
    ],
)
def test_a_page_is_read_as_its_items_are(odd: object) -> None:
    items = [stac_item(1), {**stac_item(2), "geometry": odd}, stac_item(3)]
    records, left_out = from_stac_page(items, "x")
    assert records == [from_stac(item, "x") for item in items]
    assert left_out == 0
    assert all(record.geometry is not None and record.geometry.area > 1 for record in records[::2])


def test_items_of_a_page_that_are_none_are_counted() -> None:
    records, left_out = from_stac_page([{}, stac_item(1), "x", {"id": "y"}], "x")
    assert (len(records), left_out) == (1, 3)


def test_without_a_product_name_the_item_still_tells(shared_data: Path) -> None:
    item = load(
        shared_data / "api/earth_search_items_33TWN/S2A_OPER_MSI_L2A_TL_2APS_20230602T025701_A041483_T01WCR.json"
    )
    record = from_stac({**item, "collection": "sentinel-2-l2a"}, "x")
    assert (record.tile, record.mission, record.level) == ("01WCR", "s2", "L2A")


@pytest.mark.parametrize("value", [{}, {"Name": "x"}, {"ContentDate": {"Start": "2020-01-01T00:00:00Z"}}])
def test_an_odata_product_without_name_or_time_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError):
        from_odata(value, "x")


def test_a_dhus_entry_without_identifier_is_refused() -> None:
    with pytest.raises(InputError):
        from_dhus({"beginposition": "2020-01-01"}, "x")


@pytest.mark.parametrize(
    "key", ["s2:product_uri", "s2:product_title", "sentinel2:product_title", "sentinel:product_id"]
)
def test_a_products_name_is_found_wherever_it_is_written(key: str) -> None:
    name = "S2A_MSIL2A_20230729T232641_N0509_R130_T01VCC_20230730T020155"
    item = {"id": "S2A_OPER_MSI_L2A_TL_2APS", "properties": {key: name, "datetime": "2023-07-29T23:30:30Z"}}
    record = from_stac(item, "x")
    assert (record.id, record.level, record.tile, record.baseline) == (name, "L2A", "01VCC", "05.09")


@pytest.mark.parametrize("file", ["earth-search-v0-item.json", "product-title-item.json"])
def test_real_items_of_other_kinds(shared_data: Path, file: str) -> None:
    item = json.loads((shared_data.parent / "cases" / "stac" / file).read_text())
    record = from_stac(item, "x")
    assert record.id.startswith("S2A_MSIL2A_")
    assert record.level == "L2A"


def test_a_level_is_read_from_the_collection_or_the_id() -> None:
    for more in (
        {"collection": "sentinel-s2-l2a-cogs"},
        {"id": "S2A_28QCH_20200714_0_L2A"},
        {"properties": {"processing:level": "L2A", "datetime": "2020-01-01T00:00:00Z"}},
    ):
        item = {"id": "any", "properties": {"datetime": "2020-01-01T00:00:00Z"}} | more
        assert from_stac(item, "x").level == "L2A"
