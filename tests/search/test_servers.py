"""The pipeline against two real STAC servers that hold real items: one ignores filters, the other knows them all."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box
from typer.testing import CliRunner

from s2kit.area.aoi import Aoi
from s2kit.area.dates import EVER, DateRange, parse_date
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.query import new_query
from s2kit.catalogue.sorting import parse_sort
from s2kit.cli.app import app
from s2kit.search import Search, SearchRequest, search
from support.stac_items import Facts, Json, real_items
from support.stac_servers import find_postgres, pgstac_server, rustac_server

NOW = datetime(2026, 7, 15, tzinfo=UTC)
PAGE = 4
"""Fewer than answer nearly every question, so that pages are followed."""
AUSTRIA = Aoi("austria", box(15.0, 46.9, 16.5, 47.9))
EDGE = Aoi("edge", box(15.3, 47.7, 15.4, 47.8))
"""In the box around every product of 33TWN, outside of the footprints of one of the two orbits."""
OCEAN = Aoi("ocean", box(75.5, -49.9, 75.7, -49.6))
"""In a corner of the box around a Sentinel-1 product, not in its footprint."""

Wanted = Callable[[Facts], bool]


@pytest.fixture(scope="module")
def items(shared_data: Path) -> list[Json]:
    return real_items(shared_data)


@pytest.fixture(scope="module")
def limited(items: list[Json], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rustac_server(items, tmp_path_factory.mktemp("rustac")) as url:
        yield url


@pytest.fixture(scope="module")
def able(items: list[Json], tmp_path_factory: pytest.TempPathFactory, postgis_skip: str) -> Iterator[str]:
    postgres = find_postgres()
    if postgres is None:
        pytest.skip(f"{postgis_skip}no initdb beside a postgis.control")
    with pgstac_server(items, tmp_path_factory.mktemp("pgstac"), postgres) as url:
        yield url


@pytest.fixture(params=["limited", "able"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def ask(url: str, words: Mapping[str, Any], aoi: Aoi | None, when: DateRange = EVER, **changes: Any) -> Search:
    return search(
        SearchRequest(
            sources=(CatalogueSource(name=url, kind="stac", url=url),),
            aois=(aoi,) if aoi else (),
            ranges=(when,),
            query=new_query(**words),
            timeout_s=60,
            page_size=PAGE,
            **{"keep_newest": False, **changes},
        )
    )


def at(name: str) -> DateRange:
    return parse_date(name, NOW)


QUESTIONS: dict[str, tuple[dict[str, Any], Aoi | None, DateRange, Wanted]] = {
    "level l2a": ({"level": "l2a"}, None, EVER, lambda fact: fact.level == "L2A"),
    "level l1c": ({"level": "l1c"}, None, EVER, lambda fact: fact.level == "L1C"),
    "cloud": ({"max_cloud_pct": 30}, None, EVER, lambda fact: fact.level is not None and fact.cloud <= 30),
    "no cloud": ({"max_cloud_pct": 0}, None, EVER, lambda fact: fact.level is not None and fact.cloud == 0),
    "orbit": ({"level": "l2a", "orbits": [79, 65]}, None, EVER, lambda fact: fact.orbit in {79, 65}),
    "baseline": ({"baselines": ["N0511"]}, None, EVER, lambda fact: fact.baseline == "05.11"),
    "platform": ({"platforms": ["s2a"]}, None, EVER, lambda fact: fact.platform == "S2A"),
    "tile": ({"tiles": ["T33TWN"]}, None, EVER, lambda fact: fact.tile == "33TWN"),
    "two tiles": ({"tiles": ["32TNT", "24MVV"]}, None, EVER, lambda fact: fact.tile in {"32TNT", "24MVV"}),
    "year": ({}, None, at("2018"), lambda fact: fact.level is not None and fact.seen.year == 2018),
    "exact time": (
        {},
        None,
        at("2020-07-05T10:15:59.024Z/2021-06-29T10:07:35.757Z"),
        lambda fact: "2020-07-05T10:15:59.024" <= fact.seen.isoformat() <= "2021-06-29T10:07:35.757001",
    ),
    "area": ({"level": "l2a"}, AUSTRIA, EVER, lambda fact: fact.tile == "33TWN"),
    "edge of a swath": (
        {"level": "l2a"},
        EDGE,
        EVER,
        lambda fact: fact.level is not None and fact.geometry.intersects(EDGE.geometry),
    ),
    "least overlap": (
        {"level": "l2a", "min_overlap_pct": 99},
        AUSTRIA,
        EVER,
        lambda fact: fact.geometry.intersection(AUSTRIA.geometry).area / AUSTRIA.geometry.area > 0.99,
    ),
    "sentinel-1": ({"mission": "s1"}, None, EVER, lambda fact: fact.collection == "sentinel-1-grd"),
    "sentinel-1, exact area": (
        {"mission": "s1"},
        OCEAN,
        EVER,
        lambda fact: fact.collection == "sentinel-1-grd" and fact.geometry.intersects(OCEAN.geometry),
    ),
    "all at once": (
        {"level": "l2a", "max_cloud_pct": 60, "orbits": [122], "platforms": ["S2B"], "tiles": ["33TWN"]},
        AUSTRIA,
        at("2020/2024"),
        lambda fact: fact.id == "S2B_MSIL2A_20220130T100139_N0400_R122_T33TWN_20220130T115938",
    ),
}
EMPTY = {"least overlap", "sentinel-1, exact area"}
"""Questions whose true answer is nothing."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_both_servers_give_what_the_items_say(url: str, items: list[Json], name: str) -> None:
    words, aoi, when, wanted = QUESTIONS[name]
    expected = sorted(fact.id for fact in map(Facts.of, items) if wanted(fact))
    assert len(expected) < len(items)
    assert bool(expected) is (name not in EMPTY)
    found = ask(url, words, aoi, when)
    assert sorted(record.id for record in found) == expected
    assert found.complete


def test_the_box_around_a_swath_would_have_said_more(items: list[Json]) -> None:
    for aoi in (EDGE, OCEAN):
        facts = [Facts.of(item) for item in items]
        in_box = {fact.id for fact in facts if box(*fact.geometry.bounds).intersects(aoi.geometry)}
        assert {fact.id for fact in facts if fact.geometry.intersects(aoi.geometry)} < in_box


def test_the_limited_server_does_not_filter_by_itself(limited: str) -> None:
    """rustac answers nothing at all to a `query`: it must not be sent one, and all the filtering is ours."""

    def asked(**more: object) -> int:
        body = json.dumps({"collections": ["sentinel-2-l2a"], "limit": 100, **more}).encode()
        request = urllib.request.Request(f"{limited}/search", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return len(json.load(answer)["features"])

    found = len(list(ask(limited, {"level": "l2a", "max_cloud_pct": 30}, None)))
    assert 0 == asked(query={"eo:cloud_cover": {"lte": 30}}) < found < asked()


@pytest.mark.parametrize("keys", ["-datetime", "cloud", "-cloud,datetime", "tile,-orbit"])
def test_the_order_is_ours(url: str, items: list[Json], keys: str) -> None:
    read: dict[str, Callable[[Facts], Any]] = {
        "datetime": lambda fact: fact.seen,
        "cloud": lambda fact: fact.cloud,
        "tile": lambda fact: fact.tile,
        "orbit": lambda fact: fact.orbit,
    }
    expected = sorted((fact for fact in map(Facts.of, items) if fact.level == "L2A"), key=lambda fact: fact.id)
    for key in reversed(keys.split(",")):
        expected.sort(key=read[key.removeprefix("-")], reverse=key.startswith("-"))
    found = [record.id for record in ask(url, {"level": "l2a"}, None, sort=parse_sort(keys))]
    assert found == [fact.id for fact in expected]


def test_a_limit_cuts_after_the_order_and_says_so(url: str, items: list[Json]) -> None:
    clearest = sorted((fact for fact in map(Facts.of, items) if fact.level == "L2A"), key=lambda fact: fact.cloud)
    found = ask(url, {"level": "l2a"}, None, sort=parse_sort("cloud"), limit=PAGE + 1)
    assert [record.id for record in found] == [fact.id for fact in clearest[: PAGE + 1]]
    (tally,) = found.tallies
    assert (tally.matched, tally.returned, tally.truncated) == (len(clearest), PAGE + 1, True)


def test_a_stream_comes_page_by_page_and_whole(url: str, items: list[Json]) -> None:
    found = [record.id for record in ask(url, {"level": "l2a"}, None, sort=())]
    assert len(found) == len(set(found)) == sum(Facts.of(item).level == "L2A" for item in items) > 2 * PAGE


def test_the_command_line_by_the_address_of_a_server(url: str, items: list[Json]) -> None:
    words = ["--catalogue", url, "--tile", "33TWN", "--max-cloud", "60", "--limit", "2", "-f", "json"]
    result = CliRunner().invoke(app, ["search", *words])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    clear = [
        fact for fact in map(Facts.of, items) if fact.tile == "33TWN" and fact.cloud is not None and fact.cloud <= 60
    ]
    newest = sorted(clear, key=lambda fact: fact.seen, reverse=True)
    assert [item["id"] for item in answer["items"]] == [fact.id for fact in newest[:2]]
    assert (answer["matched"], answer["returned"], answer["truncated"]) == (len(clear), 2, True)
