"""Our own filter, twins, and order."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import LineString, Polygon, box

from s2kit.area.aoi import Aoi, tile_aoi
from s2kit.area.dates import EVER, parse_date
from s2kit.catalogue.query import Query, located, matches, new_query
from s2kit.catalogue.record import ProductRecord, named_record
from s2kit.errors import InputError, UsageError

NAME = "S2A_MSIL2A_20200105T105441_N0208_R051_T31TCJ_20200105T131500"
S1_NAME = "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8"
NOW = datetime(2026, 7, 15, tzinfo=UTC)


def record(name: str = NAME, **facts: object) -> ProductRecord:
    return named_record(name, **{"cloud_cover": 12.5, "geometry": box(0, 43, 2, 45), **facts})


def answer_of(one: ProductRecord, *question: Any) -> ProductRecord | None:
    found = located([one], *question)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"level": "l2a"},
        {"max_cloud_pct": 12.5},
        {"orbits": [51, 8]},
        {"baselines": ["2.08"]},
        {"baselines": ["N0208"]},
        {"platforms": ["S2A"]},
        {"platforms": ["sentinel-2a"]},
        {"platforms": ["a"]},
        {"tiles": ["T31TCJ"]},
        {"product_types": ["s2msi2a"]},
    ],
)
def test_what_was_asked_for_passes(options: dict[str, object]) -> None:
    assert matches(record(), new_query(**options), EVER)


@pytest.mark.parametrize(
    "options",
    [
        {"level": "l1c"},
        {"mission": "s1"},
        {"max_cloud_pct": 12.4},
        {"max_cloud_pct": 0},
        {"orbits": [8]},
        {"baselines": ["04.00"]},
        {"platforms": ["S2B"]},
        {"tiles": ["31TDJ"]},
        {"product_types": ["S2MSI1C"]},
    ],
)
def test_what_was_not_asked_for_does_not(options: dict[str, object]) -> None:
    assert not matches(record(), new_query(**options), EVER)


def test_no_cloud_at_all_is_a_bound_too() -> None:
    assert matches(record(cloud_cover=0.0), new_query(max_cloud_pct=0), EVER)


def test_an_unknown_cover_is_not_taken_for_clear() -> None:
    unknown = replace(record(), cloud_cover=None)
    assert not matches(unknown, new_query(max_cloud_pct=99), EVER)
    assert matches(unknown, new_query(max_cloud_pct=100), EVER)
    assert matches(unknown, new_query(), EVER)


def test_dates_are_looked_at_again() -> None:
    assert matches(record(), Query(), parse_date("2020-01-05", NOW))
    assert not matches(record(), Query(), parse_date("2020-01-06", NOW))


def test_sentinel_1_has_its_own_terms() -> None:
    found = named_record(S1_NAME, geometry=box(0, 0, 1, 1))
    assert found.polarisations == ("VV", "VH")
    for options in ({}, {"modes": ["iw"]}, {"polarisations": ["VV+VH"]}, {"product_types": ["GRD"]}, {"orbits": [59]}):
        assert matches(found, new_query(mission="s1", **options), EVER)
    for options in ({"modes": ["EW"]}, {"polarisations": ["HH"]}, {"product_types": ["SLC"]}, {"platforms": ["S1B"]}):
        assert not matches(found, new_query(mission="s1", **options), EVER)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mission": "s3"}, "--mission s3"),
        ({"level": "l3"}, "--level l3"),
        ({"platforms": ["s2x"]}, "--platform s2x"),
        ({"modes": ["IW"]}, "--mode is a matter of Sentinel-1"),
        ({"polarisations": ["VV"]}, "--polarisation"),
        ({"mission": "s1", "max_cloud_pct": 5}, "--max-cloud is a matter of Sentinel-2"),
        ({"mission": "s1", "tiles": ["31TCJ"]}, "--tile"),
        ({"mission": "s1", "baselines": ["N0400"]}, "--baseline"),
    ],
)
def test_options_that_cannot_stand_together(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        new_query(**options)


@pytest.mark.parametrize("options", [{"tiles": ["nowhere"]}, {"baselines": ["four"]}])
def test_a_wrong_word_is_named(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        new_query(**options)


def test_the_exact_area_decides_and_names_its_share() -> None:
    aoi = Aoi("field", box(1, 43, 3, 45))
    answer = answer_of(record(), aoi, parse_date("2020-01-05", NOW))
    assert answer is not None
    assert (answer.aoi, answer.range) == ("field", "2020-01-05_2020-01-05")
    assert answer.coverage_pct == pytest.approx(50)
    assert answer_of(record(), Aoi("away", box(10, 43, 11, 44)), EVER) is None


def test_a_box_around_an_oblique_swath_is_not_the_swath() -> None:
    swath = record(geometry=Polygon([(0, 43), (2, 45), (2, 44.9), (0.1, 43)]))
    assert answer_of(swath, Aoi("corner", box(0, 44.5, 0.5, 45)), EVER) is None


def test_the_least_overlap() -> None:
    aoi = Aoi("field", box(1, 43, 3, 45))
    assert answer_of(record(), aoi, EVER, 50) is not None
    assert answer_of(record(), aoi, EVER, 51) is None


def test_a_tile_as_area_wants_that_tile_not_its_neighbours() -> None:
    aoi = tile_aoi("31TCJ")
    assert answer_of(record(geometry=aoi.geometry), aoi, EVER) is not None
    neighbour = record(NAME.replace("31TCJ", "31TDJ"), geometry=aoi.geometry)
    assert answer_of(neighbour, aoi, EVER) is None


def test_to_sentinel_1_a_tile_is_an_area() -> None:
    aoi = tile_aoi("31TCJ")
    assert answer_of(named_record(S1_NAME, geometry=box(0, 43, 1, 44)), aoi, EVER) is not None
    assert answer_of(named_record(S1_NAME, geometry=box(20, 43, 21, 44)), aoi, EVER) is None


def test_a_record_without_a_footprint_is_not_ruled_out_by_its_place() -> None:
    bare = record(geometry=Polygon())
    assert answer_of(bare, Aoi("field", box(0, 0, 1, 1)), EVER) is not None
    assert answer_of(bare, Aoi("field", box(0, 0, 1, 1)), EVER, 10) is None


def test_each_of_several_gets_its_own_share() -> None:
    bare, away, near = record(geometry=Polygon()), record(geometry=box(10, 43, 11, 44)), record()
    found = located([bare, away, near, record(geometry=box(0, 42, 9, 46))], Aoi("field", box(1, 43, 3, 45)), EVER)
    assert [answer.coverage_pct for answer in found] == [None, pytest.approx(50), 100]


def test_without_an_area_everything_is_there() -> None:
    answer = answer_of(record(), None, EVER)
    assert answer is not None
    assert answer.aoi is None


def test_a_line_is_covered_by_its_length() -> None:
    answer = answer_of(record(), Aoi("river", LineString([(1, 44), (3, 44)])), EVER)
    assert answer is not None
    assert answer.coverage_pct == pytest.approx(50)
