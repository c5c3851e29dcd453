"""The pipeline: streams, twins, order, limits, several areas and catalogues at once, and answers that are not whole."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from s2kit.area.aoi import Aoi
from s2kit.area.dates import parse_date
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.query import new_query
from s2kit.errors import AccessError, ExitCode, InputError, TryLaterError
from s2kit.run.events import Event, Note
from s2kit.search import Search, SearchRequest, search
from support.catalogue_server import Answer, CatalogueServer, stac_item, stac_server

NOW = datetime(2026, 7, 15, tzinfo=UTC)
FIELD = Aoi("field", box(1, 43.5, 1.1, 43.6))
AWAY = Aoi("away", box(10, 43.5, 10.1, 43.6))
ITEMS = [stac_item(number) for number in range(25)]


@pytest.fixture
def server() -> Iterator[CatalogueServer]:
    with stac_server(ITEMS, page_size=10) as running:
        yield running


def source(server: CatalogueServer, name: str = "earth-search") -> CatalogueSource:
    return CatalogueSource(name=name, kind="stac", url=server.url)


def request(*servers: CatalogueServer, **changes: object) -> SearchRequest:
    sources = tuple(
        source(one, f"catalogue-{number}" if number else "earth-search") for number, one in enumerate(servers)
    )
    given = {"aois": (FIELD,), "ranges": (parse_date("2020-01", NOW),), "timeout_s": 20, **changes}
    return SearchRequest(sources=sources, **given)


def stream(*servers: CatalogueServer, **changes: object) -> Search:
    return search(request(*servers, sort=(), keep_newest=False, **changes))


def days(found: Iterator[object] | Search) -> list[int]:
    return [record.datetime.day for record in found]


def test_the_first_record_leaves_before_the_second_page_is_asked_for(server: CatalogueServer) -> None:
    found = iter(stream(server))
    assert next(found).datetime.day == 1
    assert len(server.searches()) == 1
    assert len(list(found)) == 24


def test_sorted_records_wait_for_the_last_page(server: CatalogueServer) -> None:
    found = search(request(server))
    assert days(found) == list(range(25, 0, -1))
    (tally,) = found.tallies
    assert (tally.aoi, tally.matched, tally.returned, tally.truncated, tally.complete) == ("field", 25, 25, False, True)


def test_a_limit_is_told_with_the_whole_number(server: CatalogueServer) -> None:
    told: list[Event] = []
    found = search(request(server, limit=10), told.append)
    assert days(found) == list(range(25, 15, -1))
    assert (found.tallies[0].matched, found.tallies[0].truncated) == (25, True)
    (note,) = told
    assert note == Note("field, 2020-01-01_2020-01-31: 25 products match, the limit of 10 cut the list", warning=True)


def test_a_limited_stream_stops_asking(server: CatalogueServer) -> None:
    found = stream(server, limit=5)
    assert len(list(found)) == 5
    assert len(server.searches()) == 1
    assert (found.tallies[0].matched, found.tallies[0].truncated) == (None, True)


def test_a_limit_that_is_just_enough_cuts_nothing(server: CatalogueServer) -> None:
    for found in (stream(server, limit=25), search(request(server, limit=25))):
        assert len(list(found)) == 25
        assert (found.tallies[0].matched, found.tallies[0].truncated) == (25, False)


def test_what_a_server_ignores_is_filtered_here(server: CatalogueServer) -> None:
    assert days(stream(server, query=new_query(max_cloud_pct=3))) == [1, 2, 3, 4]
    assert days(stream(server, ranges=(parse_date("2020-01-03/2020-01-05", NOW),))) == [3, 4, 5]
    assert days(stream(server, aois=(AWAY,))) == []
    assert days(stream(server, query=new_query(level="l1c"))) == []


def test_an_item_that_comes_twice_is_one(server: CatalogueServer) -> None:
    with stac_server([*ITEMS, *ITEMS[5:15]], page_size=10) as repeating:
        assert len(list(stream(repeating))) == 25


def test_reprocessed_twins_collapse_unless_told_not_to() -> None:
    twins = [stac_item(3), stac_item(3, baseline="0500", made="20230101T000000")]
    with stac_server(twins) as server:
        assert [record.baseline for record in search(request(server))] == ["05.00"]
        assert len(list(search(request(server, keep_newest=False)))) == 2


def test_areas_and_ranges_are_answered_each_by_itself(server: CatalogueServer) -> None:
    ranges = (parse_date("2020-01-01/2020-01-03", NOW), parse_date("2020-01-02/2020-01-04", NOW))
    found = search(request(server, aois=(FIELD, AWAY), ranges=ranges, sort=("datetime",)))
    records = list(found)
    assert [(record.aoi, record.range[:10], record.datetime.day) for record in records] == [
        ("field", "2020-01-01", 1),
        ("field", "2020-01-01", 2),
        ("field", "2020-01-01", 3),
        ("field", "2020-01-02", 2),
        ("field", "2020-01-02", 3),
        ("field", "2020-01-02", 4),
    ]
    assert [(tally.aoi, tally.returned) for tally in found.tallies] == [
        ("field", 3),
        ("away", 0),
        ("field", 3),
        ("away", 0),
    ]


def test_the_limit_is_for_each_area_and_range(server: CatalogueServer) -> None:
    found = search(request(server, aois=(FIELD, Aoi("other", FIELD.geometry)), limit=2))
    assert len(list(found)) == 4


def test_many_questions_go_to_a_host_few_at_a_time() -> None:
    busy, most = 0, 0
    lock = threading.Lock()
    with stac_server(ITEMS) as server:
        true_handler = server.handler

        def counted(asked: object) -> Answer:
            nonlocal busy, most
            with lock:
                busy += 1
                most = max(most, busy)
            time.sleep(0.03)
            with lock:
                busy -= 1
            return true_handler(asked)

        server.handler = counted
        areas = tuple(Aoi(f"area {number}", FIELD.geometry) for number in range(12))
        assert len(list(search(request(server, aois=areas)))) == 12 * 25
    assert 1 < most <= 3


def test_catalogues_are_joined_and_lend_each_other_what_they_know() -> None:
    rich = stac_item(3)
    rich["assets"] = {"Product": {"href": "https://x/y", "file:size": 77, "file:checksum": "d50110ff"}}
    with ExitStack() as stack:
        first, second = stack.enter_context(stac_server([stac_item(3)])), stack.enter_context(stac_server([rich]))
        (record,) = search(request(first, second))
        assert (record.nbytes, record.checksum) == (77, "d50110ff")
        assert "aws-l2a" in record.locations


def test_half_an_answer_is_not_passed_off_as_whole(server: CatalogueServer) -> None:
    found = stream(server)
    records = iter(found)
    first = [next(records) for _ in range(10)]
    server.faults = [Answer(503, b"", {"Retry-After": "0"})] * 50
    assert list(records) == []
    assert len(first) == 10
    assert not found.complete
    assert isinstance(found.problem, TryLaterError)
    assert "10 products were found, others may be missing" in found.problem.message
    assert found.problem.exit_code is ExitCode.TRY_LATER
    assert found.tallies[0].matched is None


def test_one_catalogue_that_fails_does_not_hide_the_other(server: CatalogueServer) -> None:
    with CatalogueServer(lambda _: Answer(403, b"{}")) as closed:
        found = search(request(server, closed))
        assert len(list(found)) == 25
    assert isinstance(found.problem, AccessError)
    assert "25 products were found" in found.problem.message


def test_a_reader_that_goes_away_stops_the_search(server: CatalogueServer) -> None:
    areas = tuple(Aoi(f"area {number}", FIELD.geometry) for number in range(30))
    found = iter(stream(server, aois=areas))
    next(found)
    found.close()
    asked = -1
    while asked != len(server.searches()):  # what was on its way comes to an end
        asked = len(server.searches())
        time.sleep(0.3)
    assert asked < 60


def test_a_deadline_is_for_all_of_it() -> None:
    with stac_server(ITEMS, page_size=1, wait_s=0.6) as slow:
        started = time.monotonic()
        found = search(request(slow, timeout_s=1))
        list(found)
        assert time.monotonic() - started < 12  # all of it takes 15
        assert isinstance(found.problem, TryLaterError)


def test_a_share_of_a_line_is_no_share_of_an_area(server: CatalogueServer) -> None:
    river = Aoi("river", LineString([(1, 43.5), (2, 43.6)]))
    with pytest.raises(InputError, match="river"):
        search(request(server, aois=(river,), query=new_query(min_overlap_pct=5)))
    assert len(list(stream(server, aois=(river,)))) == 25


def test_a_count_that_is_not_kept_is_told_of(server: CatalogueServer) -> None:
    true_handler = server.handler
    told: list[Event] = []

    def boastful(asked: object) -> Answer:
        answer = true_handler(asked)
        return Answer(body=answer.body.replace(b'"numberMatched": 25', b'"numberMatched": 99'))

    server.handler = boastful
    list(search(request(server), told.append))
    assert told == [Note("earth-search told of 99 products and sent 25", warning=True)]


def test_a_defect_in_a_thread_is_not_lost(server: CatalogueServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2kit.search.run.for_query", lambda _: 1 / 0)
    found = search(request(server, aois=(FIELD, AWAY)))
    assert list(found) == []
    assert found.problem is not None
    assert found.problem.exit_code is ExitCode.BUG
    assert "ZeroDivisionError" in found.problem.message


def test_a_huge_area_is_asked_for_simply_and_answered_exactly(server: CatalogueServer) -> None:
    steps = np.linspace(0, 2 * np.pi, 100_000)
    ring = Polygon(np.column_stack([1.5 + 0.3 * np.cos(steps), 43.6 + 0.3 * np.sin(steps)]))
    assert len(list(stream(server, aois=(Aoi("round", ring),)))) == 25
    assert len(server.searches()[0].body["intersects"]["coordinates"][0]) <= 200


def test_a_catalogue_that_says_nothing_is_named_after_a_while(
    server: CatalogueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2kit.search.run.QUIET_S", 0.2)
    heard: list[Event] = []
    server.faults = [Answer(200, b'{"features": []}', wait_s=1)]
    list(search(request(server), heard.append))
    assert [event.message for event in heard if isinstance(event, Note) and not event.warning] == [
        "no answer from earth-search yet, still waiting, for 20 s at most (--timeout)"
    ]
    heard.clear()
    list(search(request(server), heard.append))
    assert not heard


def test_what_is_left_out_because_it_is_unknown_is_counted() -> None:
    nameless = stac_item(30, **{"s2:product_uri": None, "s2:product_type": None}) | {"id": "item-30", "collection": "x"}
    cloudless = stac_item(31, **{"eo:cloud_cover": None})
    heard: list[Event] = []
    with stac_server([stac_item(1), nameless, cloudless]) as server:
        found = list(search(request(server, query=new_query(level="l2a", max_cloud_pct=50)), heard.append))
    assert len(found) == 1
    assert {event.message for event in heard if isinstance(event, Note)} == {
        "earth-search: 1 product of unknown level left out",
        "earth-search: 1 product of unknown cloud cover left out",
    }
