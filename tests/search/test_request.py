"""Typed words made into a request."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from s2kit.area.dates import EVER, DateRange
from s2kit.catalogue.cursor import Cursor
from s2kit.errors import UsageError
from s2kit.search import SearchRequest
from s2kit.search.request import find
from s2kit.settings import CATALOGUES, CatalogueSettings, Loaded, Settings

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
SETTINGS = Settings(dataset=Path("data"), catalogues=dict(CATALOGUES))
HUB = {"dhus_url": "https://hub.example/dhus", "dhus_user": "me", "dhus_password": "secret"}


LOADED = Loaded(SETTINGS, {}, {})


def request(**options: object) -> SearchRequest:
    return SearchRequest.parse(LOADED, now=NOW, **options)


def test_the_users_line(tmp_path: Path) -> None:
    file = tmp_path / "aoi.geojson"
    file.write_text('{"type":"Point","coordinates":[1,43]}')
    asked = request(aoi=(str(file),), range=(("2020-01-01", "2020-01-13"),))
    assert [aoi.name for aoi in asked.aois] == ["aoi"]
    assert [str(when) for when in asked.ranges] == ["2020-01-01_2020-01-13"]
    assert [source.name for source in asked.sources] == ["earth-search"]
    assert (asked.query.level, asked.query.mission, asked.limit, asked.keep_newest) == ("L2A", "s2", None, True)


def test_all_kinds_of_places_stand_side_by_side() -> None:
    asked = request(bbox=((1, 43, 2, 44),), point=((1.5, 43.5),), aoi=("POINT(1 2)",))
    assert [aoi.name for aoi in asked.aois] == ["aoi", "bbox_1_43_2_44", "point_1.5_43.5"]


def test_tiles_alone_are_areas_and_beside_areas_a_filter() -> None:
    alone = request(tile=("31TCJ", "T31TDJ"))
    assert [aoi.name for aoi in alone.aois] == ["31TCJ", "31TDJ"]
    assert alone.query.tiles == frozenset()
    beside = request(tile=("31TCJ",), point=((1.5, 43.5),))
    assert len(beside.aois) == 1
    assert beside.query.tiles == {"31TCJ"}


def test_dates_come_in_two_spellings_and_each_once() -> None:
    asked = request(range=(("2020-01-01", "2020-01-31"),), date=("2020-01", "2020-02"))
    assert [str(when) for when in asked.ranges] == ["2020-01-01_2020-01-31", "2020-02-01_2020-02-29"]


def test_a_question_without_bounds_is_refused_but_for_folders() -> None:
    with pytest.raises(UsageError, match="neither an area nor dates"):
        request()
    assert request(catalogue=("local",)).ranges == (EVER,)


def test_a_cursor_looks_back_behind_its_last_run() -> None:
    until = datetime(2026, 7, 10, tzinfo=UTC)
    assert request(tile=("31TCJ",), cursor=Cursor("last", until)).ranges == (
        DateRange(datetime(2026, 6, 10, tzinfo=UTC), None),
    )
    assert request(tile=("31TCJ",), cursor=Cursor("last")).ranges[0].start == datetime(2026, 6, 15, 12, tzinfo=UTC)


def test_notes_of_mended_areas_are_handed_on() -> None:
    notes: list[object] = []
    SearchRequest.parse(LOADED, notes.append, aoi="POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))", now=NOW)
    assert "mended" in str(notes[0])


@pytest.mark.parametrize(
    ("name", "kind", "url"),
    [
        ("earth-search", "stac", CATALOGUES["earth-search"].url),
        ("cdse", "stac", CATALOGUES["cdse"].url),
        ("cdse-odata", "odata", CATALOGUES["cdse-odata"].url),
        ("local", "local", "data"),
        ("dhus", "dhus", "https://hub.example/dhus"),
        ("https://stac.example/v1", "stac", "https://stac.example/v1"),
        ("https://catalogue.example/odata/v1/", "odata", "https://catalogue.example/odata/v1/"),
        ("https://hub.example/dhus/", "dhus", "https://hub.example/dhus/"),
        ("https://old.example/apihub", "dhus", "https://old.example/apihub"),
    ],
)
def test_catalogues_by_name_and_address(name: str, kind: str, url: str) -> None:
    (source,) = find(name, SETTINGS, HUB)
    assert (source.name, source.kind, source.url) == (name, kind, url)
    assert (source.user == "me") == url.startswith("https://hub.example/dhus"), "credentials go to their own hub only"
    assert "secret" not in repr(source)


def test_a_folder_is_a_catalogue(tmp_path: Path) -> None:
    assert find(str(tmp_path), SETTINGS, {})[0].kind == "local"


def test_settings_add_catalogues() -> None:
    mine = replace(SETTINGS, catalogues={**CATALOGUES, "mine": CatalogueSettings(url="https://m.example", kind="stac")})
    assert find("mine", mine, {})[0].url == "https://m.example"


def test_all_means_all_that_can_be_asked() -> None:
    assert [source.name for source in find("all", SETTINGS, {})] == ["earth-search", "cdse", "local"]
    assert [source.name for source in find("all", SETTINGS, HUB)] == ["earth-search", "cdse", "dhus", "local"]


def test_a_wrong_name_gets_a_hint() -> None:
    with pytest.raises(UsageError, match="earth-serch") as caught:
        find("earth-serch", SETTINGS, {})
    assert caught.value.hint == "did you mean earth-search?"
    with pytest.raises(UsageError) as caught:
        find("zzz", SETTINGS, {})
    assert "local" in str(caught.value.hint)


def test_sentinel_1_means_grd_unless_said() -> None:
    assert request(tile=("31TCJ",), mission="s1").query.product_types == {"GRD"}
    assert request(point=((1, 2),), mission="s1", product_type=("slc",)).query.product_types == {"SLC"}


def test_the_level_may_be_written_large() -> None:
    assert request(tile=("31TCJ",), level="L1C").query.level == "L1C"


def test_one_value_or_several() -> None:
    one = request(aoi="POINT(1 2)", bbox=(1, 43, 2, 44), range=(date(2020, 1, 1), date(2020, 1, 13)), date="2021")
    several = request(aoi=["POINT(1 2)"], bbox=[[1, 43, 2, 44]], range=[("2020-01-01", "2020-01-13")], date=["2021"])
    assert one == several
    assert len(one.aois) == len(one.ranges) == 2


@pytest.mark.parametrize("wrong", [{"bbox": (1, 2, 3)}, {"bbox": "1 2 3 4"}, {"range": ("2020", "2021", "2022")}])
def test_rows_of_another_length_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"takes|numbers"):
        request(tile="31TCJ", **wrong)


def test_limit_and_timeout_are_laid_over_the_settings() -> None:
    asked = request(tile="31TCJ", limit=3, timeout=0)
    assert (asked.limit, asked.timeout_s) == (3, None)
    assert request(tile="31TCJ").timeout_s == SETTINGS.timeout_s


def test_no_such_way_to_deal_with_twins() -> None:
    with pytest.raises(UsageError, match="--dedupe 'oldest'"):
        request(tile=("31TCJ",), dedupe="oldest")


def test_a_secret_in_an_address_is_not_the_name_of_a_catalogue() -> None:
    (source,) = find("https://me:hushhush@stac.example/v1?token=abcdef", SETTINGS, {})
    assert source.name == "https://***@stac.example/v1?token=***"
    assert source.url == "https://me:hushhush@stac.example/v1?token=abcdef", "what is asked stays whole"


def test_a_login_is_for_its_own_hub() -> None:
    (own,), (other,) = find("https://hub.example/dhus", SETTINGS, HUB), find("https://else.example/dhus", SETTINGS, HUB)
    assert (own.user, other.user, other.password) == ("me", None, None)
    assert other.login is None
