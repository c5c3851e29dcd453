"""The schema of search results is a promise."""

import json
from datetime import UTC, datetime

import pytest
from shapely.geometry import box

from s2kit.catalogue.record import COLUMNS, SCHEMA, named_record, with_missing
from s2kit.errors import InputError

NAME = "S2A_MSIL2A_20200105T105441_N0208_R051_T31TCJ_20200105T131500"


def test_the_keys_of_a_record_are_these_for_good() -> None:
    assert SCHEMA == (
        "id",
        "datetime",
        "end_datetime",
        "tile",
        "level",
        "constellation",
        "platform",
        "eo:cloud_cover",
        "grid:code",
        "processing:level",
        "processing:version",
        "processing:datetime",
        "sat:relative_orbit",
        "product:type",
        "sar:instrument_mode",
        "sar:polarizations",
        "s2:product_uri",
        "s2:mgrs_tile",
        "s2:datatake_start",
        "s2:datastrip_id",
        "file:size",
        "file:checksum",
        "s2kit:locations",
        "s2kit:quicklook",
        "s2kit:catalogue",
        "s2kit:catalogue_datetime",
        "s2kit:item",
        "s2kit:collection",
        "s2kit:aoi",
        "s2kit:range",
        "s2kit:coverage_pct",
        "geometry",
    )
    assert set(COLUMNS) <= set(SCHEMA)


def test_a_name_says_nearly_everything() -> None:
    properties = named_record(f"{NAME}.SAFE", geometry=box(0, 0, 1, 1)).to_stac_properties()
    assert json.loads(json.dumps(properties)) | {"geometry": None} == {
        **dict.fromkeys(SCHEMA),
        "id": NAME,
        "datetime": "2020-01-05T10:54:41Z",
        "tile": "31TCJ",
        "level": "L2A",
        "constellation": "sentinel-2",
        "platform": "sentinel-2a",
        "grid:code": "MGRS-31TCJ",
        "processing:level": "L2A",
        "processing:version": "02.08",
        "processing:datetime": "2020-01-05T13:15:00Z",
        "sat:relative_orbit": 51,
        "product:type": "S2MSI2A",
        "s2:product_uri": f"{NAME}.SAFE",
        "s2:mgrs_tile": "31TCJ",
        "s2:datatake_start": "2020-01-05T10:54:41Z",
        "s2kit:locations": {},
        "s2kit:catalogue": "",
    }


def test_sentinel_1_and_the_old_format() -> None:
    s1 = named_record("S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8").to_stac_properties()
    assert s1["sar:polarizations"] == ["VV", "VH"]
    assert s1["sat:relative_orbit"] == 59
    assert s1["end_datetime"] == "2021-08-09T17:40:18Z"
    old = named_record("S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424")
    assert (old.level, old.orbit, old.tile) == ("L1C", 2, None)


def test_a_strange_name_needs_a_time() -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert named_record("S2A_31TCJ_20200101_0_L2A", moment).id == "S2A_31TCJ_20200101_0_L2A"
    with pytest.raises(InputError, match="without a time"):
        named_record("S2A_31TCJ_20200101_0_L2A")


def test_known_facts_stand_over_the_name() -> None:
    seen = datetime(2020, 1, 5, 11, 2, 3, tzinfo=UTC)
    record = named_record(NAME, seen, cloud_cover=0.0, level=None)
    assert (record.cloud_cover, record.level) == (0.0, "L2A")
    assert record.datatake == datetime(2020, 1, 5, 10, 54, 41, tzinfo=UTC)


def test_the_time_is_the_sensing_start_and_the_catalogues_own_is_kept() -> None:
    seen = datetime(2020, 1, 5, 11, 2, 3, tzinfo=UTC)
    record = named_record(NAME, seen)
    assert (record.datetime, record.catalogue_datetime, record.searched_time) == (record.datatake, seen, seen)
    properties = record.to_stac_properties()
    assert (properties["datetime"], properties["s2kit:catalogue_datetime"]) == (
        "2020-01-05T10:54:41Z",
        "2020-01-05T11:02:03Z",
    )
    alone = named_record(NAME)
    assert (alone.catalogue_datetime, alone.searched_time) == (None, alone.datetime)
    assert named_record("an_id_of_its_own", seen).datetime == seen


def test_a_double_lends_what_is_missing() -> None:
    merged = with_missing(named_record(NAME, nbytes=5), named_record(NAME, nbytes=6, cloud_cover=1.0, quicklook="x"))
    assert (merged.nbytes, merged.cloud_cover, merged.quicklook) == (5, 1.0, "x")
