"""DHuS hubs through sentinelsat, against recorded answers on loopback."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

from s2kit.area.dates import EVER, parse_date
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.dhus import query_terms
from s2kit.catalogue.open import open_catalogue
from s2kit.catalogue.query import new_query
from s2kit.errors import AccessError, ConfigError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline
from support.catalogue_server import Answer, CatalogueServer, Request, recorded_server, stac_item, stac_server

NOW = datetime(2026, 7, 15, tzinfo=UTC)


def entry(number: int) -> dict[str, Any]:
    name = f"S2B_MSIL1C_201812{1 + number:02d}T142029_N0207_R010_T20MPS_20181219T160056"
    return {
        "title": name,
        "id": f"uuid-{number}",
        "summary": "",
        "link": [],
        "date": [{"name": "beginposition", "content": f"2018-12-{1 + number:02d}T14:20:29.024Z"}],
        "double": {"name": "cloudcoverpercentage", "content": "3.6"},
        "str": [
            {"name": "identifier", "content": name},
            {"name": "footprint", "content": "POLYGON((-61.3 -8.2,-61.0 -8.2,-61.0 -7.2,-61.3 -8.2))"},
            {"name": "platformname", "content": "Sentinel-2"},
            {"name": "processinglevel", "content": "Level-1C"},
            {"name": "uuid", "content": f"uuid-{number}"},
        ],
    }


def feed(total: int, numbers: range) -> Answer:
    entries = [entry(number) for number in numbers]
    body = {"feed": {"opensearch:totalResults": str(total), "entry": entries[0] if len(entries) == 1 else entries}}
    return Answer(body=json.dumps(body).encode())


def hub(total: int, size: int = 10) -> CatalogueServer:
    def handle(request: Request) -> Answer:
        start = int(request.params["start"])
        return feed(total, range(start, min(total, start + size)))

    return CatalogueServer(handle)


def pages(server: CatalogueServer, timeout_s: float = 20, **query: object) -> Iterator[Page]:
    source = CatalogueSource(name="dhus", kind="dhus", url=f"{server.url}/dhus", user="me", password="secret")
    return open_catalogue(source, Deadline(timeout_s), 10).pages(
        new_query(**query), box(-62, -9, -60, -7), parse_date("2018-12", NOW)
    )


def test_pages_are_asked_for_one_by_one() -> None:
    with hub(25) as server:
        found = pages(server, level="l1c", max_cloud_pct=10)
        first = next(found)
        assert (len(first.records), first.matched) == (10, 25)
        assert len(server.requests) == 1
        assert sum(len(page.records) for page in found) == 15
        question = server.requests[0].params["q"]
    assert 'platformname:"Sentinel-2"' in question
    assert 'producttype:"S2MSI1C"' in question
    assert 'cloudcoverpercentage:["0" TO "10"]' in question
    assert 'beginposition:["2018-12-01T00:00:00Z" TO "2018-12-31T23:59:59Z"]' in question
    assert "Intersects(POLYGON" in question.replace("POLYGON ", "POLYGON")


def test_one_product_is_a_page() -> None:
    with hub(1) as server:
        assert [record.tile for page in pages(server) for record in page.records] == ["20MPS"]


def test_nothing_is_a_page_too() -> None:
    with hub(0) as server:
        assert [page.records for page in pages(server)] == [()]


def test_credentials_are_sent() -> None:
    with hub(1) as server:
        list(pages(server))
        assert server.requests[0].headers["Authorization"].startswith("Basic ")


def test_credentials_may_stand_in_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login you password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with hub(1) as server:
        source = CatalogueSource(name="dhus", kind="dhus", url=f"{server.url}/dhus")
        list(open_catalogue(source, Deadline(10), 10).pages(new_query(), None, EVER))
        assert server.requests[0].headers["Authorization"] == "Basic eW91Omh1c2g="


def test_wrong_credentials_name_the_variables() -> None:
    with hub(1) as server:
        server.faults = [Answer(401, b"<html>Unauthorized</html>")]
        with pytest.raises(AccessError) as caught:
            list(pages(server))
    assert "DHUS_USER" in str(caught.value.hint)
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    "fault", [Answer(503, b"{}", {"Retry-After": "0"}), Answer(429, b"{}", {"Retry-After": "0"}), Answer(reset=True)]
)
def test_a_passing_fault_passes(fault: Answer) -> None:
    with hub(3) as server:
        server.faults = [fault]
        assert sum(len(page.records) for page in pages(server)) == 3


def test_a_hub_that_hangs_ends_with_the_deadline() -> None:
    with hub(3) as server:
        server.faults = [Answer(wait_s=30)]
        started = time.monotonic()
        with pytest.raises(TryLaterError):
            list(pages(server, timeout_s=1))
        assert time.monotonic() - started < 25


def test_a_hub_that_stops_early_is_not_taken_for_complete() -> None:
    with hub(25) as server:
        found = pages(server)
        next(found)
        server.handler = lambda _: feed(25, range(0))
        with pytest.raises(ServiceError, match="told of 25 products and stopped after 10"):
            list(found)


def test_a_query_that_a_hub_does_not_understand() -> None:
    body = json.dumps(
        {"feed": {"error": {"code": "500", "message": "org.apache.solr.search.SyntaxError: no"}}}
    ).encode()
    with (
        CatalogueServer(lambda _: Answer(body=body)) as server,
        pytest.raises(ServiceError, match="does not understand"),
    ):
        list(pages(server))


def test_the_maintenance_page_of_scihub(shared_data: Path) -> None:
    body = (shared_data / "api/dhus_sentinelsat/server_maintenance.html").read_bytes()
    answer = Answer(body=body, headers={"Content-Type": "text/html"})
    with CatalogueServer(lambda _: answer) as server, pytest.raises(ServiceError, match="maintenance"):
        list(pages(server))


def test_the_recorded_answers_of_scihub(shared_data: Path) -> None:
    import yaml

    cassette = shared_data / "api/dhus_sentinelsat/vcr_cassettes/test_s2_cloudcover.yaml"
    recorded = yaml.load(cassette.read_text(), Loader=yaml.CSafeLoader)["interactions"][0]["response"]["body"]["string"]
    with CatalogueServer(lambda _: Answer(body=recorded.encode())) as server:
        records = [record for page in pages(server) for record in page.records]
    assert len(records) == 5
    assert all(record.cloud_cover is not None and record.cloud_cover <= 10 for record in records)


@pytest.mark.parametrize("url", ["https://scihub.copernicus.eu/dhus", "https://apihub.copernicus.eu/apihub/"])
def test_scihub_is_gone(url: str) -> None:
    with pytest.raises(ServiceError, match="closed in October 2023") as caught:
        open_catalogue(CatalogueSource(name="dhus", kind="dhus", url=url), Deadline(1), 10)
    assert "cdse" in str(caught.value.hint)


def test_a_hub_needs_an_address() -> None:
    with pytest.raises(ConfigError) as caught:
        open_catalogue(CatalogueSource(name="dhus", kind="dhus", url=""), Deadline(1), 10)
    assert "DHUS_URL" in str(caught.value.hint)


def test_terms_for_sentinel_1() -> None:
    terms = query_terms(new_query(mission="s1", modes=["IW"], product_types=["GRD", "SLC"], orbits=[59]), EVER)
    assert terms == {
        "platformname": "Sentinel-1",
        "producttype": {"GRD", "SLC"},
        "relativeorbitnumber": 59,
        "sensoroperationalmode": "IW",
    }


def test_a_kind_that_is_none() -> None:
    with pytest.raises(ConfigError, match="gopher"):
        open_catalogue(CatalogueSource(name="x", kind="gopher", url="y"), Deadline(1), 10)


WITHOUT_SENTINELSAT = """
import sys
sys.modules["sentinelsat"] = None  # what is not installed cannot be imported
from s2kit.cli.start import main
sys.exit(main())
"""


@pytest.mark.parametrize("kind", ["stac", "odata", "local", "dhus"])
def test_only_hubs_need_sentinelsat(kind: str, scene: Any, tmp_path: Path) -> None:
    """It is under another licence than s2kit: who leaves it out keeps all the rest."""
    with catalogue_of(kind, scene) as url:
        (tmp_path / "settings.toml").write_text(f'[catalogues.mine]\nkind = "{kind}"\nurl = "{url}"\n')
        words = ["search", "--catalogue", "mine", "--range", "2020-01-01", "2024-12-31", "-f", "ids"]
        command = [sys.executable, "-c", WITHOUT_SENTINELSAT, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if kind == "dhus":
        assert (done.returncode, done.stdout) == (78, "")
        error, hint = done.stderr.splitlines()
        assert error == "s2kit: error: a DHuS hub needs the package sentinelsat"
        assert hint.startswith("s2kit: hint: pip install sentinelsat, or use --catalogue ")
    else:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("S2")


@contextmanager
def catalogue_of(kind: str, scene: Any) -> Iterator[str]:
    """The address of a catalogue of a kind that has a few products."""
    if kind == "local":
        yield str(scene.folder)
    elif kind == "stac":
        with stac_server([stac_item(number) for number in range(3)]) as server:
            yield server.url
    else:  # the hub is never asked
        product = {
            "Id": "id-1",
            "Name": "S2A_MSIL2A_20200101T105441_N0500_R051_T31TCJ_20230101T000000.SAFE",
            "ContentDate": {"Start": "2020-01-01T10:54:41.024Z"},
            "GeoFootprint": {"type": "Polygon", "coordinates": [[[0, 43], [2, 43], [2, 45], [0, 45], [0, 43]]]},
            "Attributes": [{"Name": "platformShortName", "Value": "SENTINEL-2"}],
        }
        with recorded_server({"Products": json.dumps({"@odata.count": 1, "value": [product]}).encode()}) as server:
            yield f"{server.url}/odata/v1"
