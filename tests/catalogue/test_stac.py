"""STAC APIs on loopback: pages, filters that are refused or ignored, and every fault that a network has."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import box

from s2kit.area.dates import EVER, parse_date
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.open import open_catalogue
from s2kit.catalogue.query import new_query
from s2kit.errors import AccessError, NotFoundError, S2KitError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline
from support.catalogue_server import Answer, CatalogueServer, Request, stac_item, stac_server

NOW = datetime(2026, 7, 15, tzinfo=UTC)
ITEMS = [stac_item(number) for number in range(25)]
AREA = box(1, 43.5, 1.1, 43.6)


@pytest.fixture
def server() -> Iterator[CatalogueServer]:
    with stac_server(ITEMS, page_size=10) as running:
        yield running


def pages(url: str, *, name: str = "earth-search", timeout_s: float = 20, **query: object) -> Iterator[Page]:
    source = CatalogueSource(name=name, kind="stac", url=url)
    return open_catalogue(source, Deadline(timeout_s), 10).pages(new_query(**query), AREA, parse_date("2020-01", NOW))


def ids(found: Iterator[Page]) -> list[str]:
    return [record.id for page in found for record in page.records]


def test_all_pages_are_followed(server: CatalogueServer) -> None:
    assert len(ids(pages(server.url))) == 25
    assert len(server.searches()) == 3


def test_what_is_asked_for(server: CatalogueServer) -> None:
    next(pages(server.url, level="l2a", max_cloud_pct=20, tiles=["31TCJ"]))
    (request,) = server.searches()
    assert request.method == "POST"
    assert request.body["collections"] == ["sentinel-2-l2a"]
    assert request.body["datetime"] == "2020-01-01T00:00:00Z/2020-01-31T23:59:59.999Z"
    assert request.body["intersects"]["type"] == "Polygon"
    assert request.body["query"] == {"eo:cloud_cover": {"lte": 20}, "grid:code": {"eq": "MGRS-31TCJ"}}
    assert "properties" in request.body["fields"]["include"]
    assert request.headers["User-Agent"].startswith("s2kit/")


def test_the_next_page_is_asked_for_when_it_is_wanted(server: CatalogueServer) -> None:
    found = pages(server.url)
    next(found)
    assert len(server.searches()) == 1


def test_the_next_page_may_be_fetched_ahead(server: CatalogueServer) -> None:
    source = CatalogueSource(name="earth-search", kind="stac", url=server.url)
    found = open_catalogue(source, Deadline(20), 10, prefetching=True).pages(new_query(), AREA, EVER)
    first = next(found)
    assert len(first.records) + len(ids(found)) == 25
    server.faults = [Answer(403, b"{}")]
    with pytest.raises(AccessError):
        next(open_catalogue(source, Deadline(20), 10, prefetching=True).pages(new_query(), AREA, EVER))


def test_an_unknown_service_is_sent_only_what_it_says_it_takes() -> None:
    with stac_server(ITEMS) as plain:
        next(pages(plain.url, name=plain.url, max_cloud_pct=20))
        assert not {"query", "fields"} & plain.searches()[0].body.keys()
    classes = [
        "https://api.stacspec.org/v1.0.0/item-search#query",
        "https://api.stacspec.org/v1.0.0/item-search#fields",
    ]
    with stac_server(ITEMS, conforms_to=classes) as able:
        next(pages(able.url, name=able.url, max_cloud_pct=20))
        assert {"query", "fields"} <= able.searches()[0].body.keys()


def test_a_service_that_refuses_filters_is_asked_without() -> None:
    with stac_server(ITEMS, refuses_filters=True) as strict:
        assert len(ids(pages(strict.url, max_cloud_pct=20))) == 25


def test_a_service_without_post_is_asked_with_get() -> None:
    with stac_server(ITEMS, page_size=10) as server:
        post = server.handler

        def only_get(request: Request) -> Answer:
            return Answer(405, b"{}") if request.method == "POST" else post(request)

        server.handler = only_get
        assert len(ids(pages(server.url))) == 25
        assert json.loads(server.searches()[-3].params["intersects"])["type"] == "Polygon"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_passes(server: CatalogueServer, status: int) -> None:
    server.faults = [Answer(status, b"busy", {"Retry-After": "0"})]
    assert len(ids(pages(server.url))) == 25


def test_the_wait_is_the_one_that_was_told(server: CatalogueServer) -> None:
    server.faults = [Answer(429, b"slow down", {"Retry-After": "1"})]
    next(pages(server.url))
    first, second = server.searches()
    assert 1 <= second.at - first.at < 20


def test_a_wait_beyond_the_deadline_is_not_begun(server: CatalogueServer) -> None:
    server.faults = [Answer(429, b"slow down", {"Retry-After": "3600"})]
    started = time.monotonic()
    with pytest.raises(TryLaterError, match="is busy and asks to wait 60 min"):
        next(pages(server.url, timeout_s=60))
    assert time.monotonic() - started < 30


def test_a_fault_that_stays_ends_in_try_later(server: CatalogueServer) -> None:
    server.faults = [Answer(503, b"", {"Retry-After": "0"})] * 20
    with pytest.raises(TryLaterError, match="503"):
        next(pages(server.url))


def test_a_reset_in_the_middle_of_a_page_is_asked_again(server: CatalogueServer) -> None:
    server.faults = [Answer(body=b"x" * 1000, reset=True)]
    assert len(ids(pages(server.url))) == 25


def test_resets_that_stay_end_in_try_later(server: CatalogueServer) -> None:
    server.faults = [Answer(body=b"x" * 1000, reset=True)] * 10
    with pytest.raises(TryLaterError, match="broke off"):
        next(pages(server.url))


@pytest.mark.parametrize("fault", [Answer(wait_s=30), Answer(body=b"{" + b" " * 1000, drip_s=0.05)])
def test_a_page_that_takes_forever_ends_with_the_deadline(server: CatalogueServer, fault: Answer) -> None:
    server.faults = [fault] * 5
    started = time.monotonic()
    with pytest.raises(TryLaterError, match="within 1 s"):
        next(pages(server.url, timeout_s=1))
    assert time.monotonic() - started < 25


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(body=b"<!doctype html><title>Maintenance"), ServiceError, "no JSON.*Maintenance"),
        (Answer(body=b"[1]"), ServiceError, "no object"),
        (Answer(body=b'{"features": 5}'), ServiceError, "no page"),
        (Answer(401, b""), AccessError, "401"),
        (Answer(403, b""), AccessError, "403"),
        (Answer(404, b""), NotFoundError, "404"),
        (Answer(418, b"teapot"), ServiceError, "418.*teapot"),
    ],
)
def test_nonsense_is_named(server: CatalogueServer, answer: Answer, kind: type[S2KitError], words: str) -> None:
    server.faults = [answer] * 5
    with pytest.raises(kind, match=words) as caught:
        next(pages(server.url))
    assert "127.0.0.1" in caught.value.message


def test_a_number_that_is_none_does_no_harm(server: CatalogueServer) -> None:
    item = stac_item(1, **{"eo:cloud_cover": float("nan")})
    server.faults = [Answer(body=json.dumps({"features": [item, ITEMS[0]], "links": []}).encode())]
    (page,) = pages(server.url)
    assert [record.cloud_cover for record in page.records] == [pytest.approx(float("nan"), nan_ok=True), 0]


def test_items_that_are_none_are_counted_not_swallowed(server: CatalogueServer) -> None:
    body = json.dumps({"features": [{}, ITEMS[0], "x"], "links": []}).encode()
    server.faults = [Answer(body=body)]
    (page,) = pages(server.url)
    assert len(page.records) == 1
    assert "2 items" in page.notes[0]


def test_a_page_that_comes_twice_is_no_circle(server: CatalogueServer) -> None:
    found = pages(server.url)
    next(found)
    server.faults = [Answer(body=json.dumps({"features": ITEMS[:10], "links": [_next(server.url)]}).encode())]
    assert len(ids(found)) == 10 + 25


def test_an_endless_next_link_is_noticed(server: CatalogueServer) -> None:
    page = Answer(body=json.dumps({"features": ITEMS[:10], "links": [_next(server.url)]}).encode())
    server.handler = lambda _: page
    with pytest.raises(ServiceError, match="circle"):
        ids(pages(server.url))


def _next(url: str) -> dict[str, object]:
    return {"rel": "next", "href": f"{url}/search", "method": "POST", "body": {"limit": 10}}


def test_nobody_there() -> None:
    with pytest.raises(TryLaterError, match=r"^127\.0\.0\.1:9 cannot be reached: \[Errno \d+\] Connection refused$"):
        next(pages("http://127.0.0.1:9"))


def test_an_address_that_is_none() -> None:
    with pytest.raises(ServiceError):
        next(pages("ftp://example.org"))


def test_compressed_pages_are_read() -> None:
    import gzip

    with stac_server(ITEMS, page_size=10) as server:
        plain = server.handler

        def compressed(request: Request) -> Answer:
            answer = plain(request)
            return Answer(answer.status, gzip.compress(answer.body), {"Content-Encoding": "gzip"})

        server.handler = compressed
        assert len(ids(pages(server.url))) == 25


def test_the_recorded_answer_of_earth_search(shared_data: Path) -> None:
    body = (shared_data / "api/eodag_provider_responses/earth_search_search.json").read_bytes()
    with CatalogueServer(lambda _: Answer(body=body)) as server:
        source = CatalogueSource(name="earth-search", kind="stac", url=server.url)
        page = next(open_catalogue(source, Deadline(10), 10).pages(new_query(level="l1c"), None, EVER))
        assert [record.tile for record in page.records] == ["27VWK"]
        assert page.matched == 25898765


def test_the_recorded_answer_of_cdse(shared_data: Path) -> None:
    import yaml

    cassette = shared_data / "api/cdse_stac_xcube_cassettes/StacDataStoreTest.test_search_data_cdse_sentinel_2.yaml"
    recorded = yaml.load(cassette.read_text(), Loader=yaml.CSafeLoader)["interactions"][2]
    body = recorded["response"]["body"]["string"]
    with CatalogueServer(lambda _: Answer(body=body.encode() if isinstance(body, str) else body)) as server:
        source = CatalogueSource(name="cdse", kind="stac", url=f"{server.url}/v1")
        found = ids(open_catalogue(source, Deadline(10), 10).pages(new_query(), AREA, EVER))
        assert len(found) == 4
        assert server.requests[0].path == "/v1/search"


@pytest.mark.parametrize("href", ["search?token=2", "/v1/search?token=2", "?token=2"])
def test_relative_next_links_and_a_byte_order_mark_are_read(href: str) -> None:
    def answer(request: Request) -> Answer:
        is_second = request.params.get("token") == "2"
        links = [] if is_second else [{"rel": "next", "href": href, "method": "GET"}]
        page = {"type": "FeatureCollection", "features": [ITEMS[is_second]], "links": links}
        return Answer(body=b"\xef\xbb\xbf" + json.dumps(page).encode())

    with CatalogueServer(answer) as server:
        assert len(ids(pages(f"{server.url}/v1"))) == 2
        assert {request.path for request in server.requests} == {"/v1/search"}
