"""CDSE's OData catalogue: its recorded pages, its query language, its faults."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import LineString, MultiPolygon, Point, box

from s2kit.area.dates import EVER, parse_date
from s2kit.catalogue.areas import MAX_VERTICES, simple_parts
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.odata import ODataCatalogue, conditions
from s2kit.catalogue.query import new_query
from s2kit.errors import ServiceError
from s2kit.run.deadline import Deadline
from support.catalogue_server import Answer, CatalogueServer, recorded_server

NOW = datetime(2026, 7, 15, tzinfo=UTC)


def catalogue(server: CatalogueServer) -> ODataCatalogue:
    source = CatalogueSource(name="cdse-odata", kind="odata", url=f"{server.url}/odata/v1")
    return ODataCatalogue(source, Deadline(10), 10)


def product(number: int) -> dict[str, object]:
    name = f"S2A_MSIL2A_202001{1 + number:02d}T105441_N0500_R051_T31TCJ_20230101T000000"
    return {
        "Id": f"id-{number}",
        "Name": f"{name}.SAFE",
        "ContentLength": 1000 + number,
        "S3Path": f"/eodata/Sentinel-2/MSI/L2A_N0500/2020/01/{1 + number:02d}/{name}.SAFE",
        "Checksum": [{"Value": "AB" * 16, "Algorithm": "MD5"}, {}],
        "ContentDate": {"Start": f"2020-01-{1 + number:02d}T10:54:41.024Z"},
        "GeoFootprint": {"type": "Polygon", "coordinates": [[[0, 43], [2, 43], [2, 45], [0, 45], [0, 43]]]},
        "Attributes": [{"Name": "cloudCover", "Value": 5.5}, {"Name": "platformShortName", "Value": "SENTINEL-2"}],
    }


def page(numbers: range, following: str | None = None) -> bytes:
    body = {"@odata.count": 5, "value": [product(number) for number in numbers]}
    return json.dumps(body | ({"@odata.nextLink": following} if following else {})).encode()


def test_pages_are_followed_and_give_paths_and_checksums() -> None:
    answers = {"$skip=3": page(range(3, 5)), "Products": page(range(3), "{url}/odata/v1/Products?$skip=3")}
    with recorded_server(answers) as server:
        pages = list(catalogue(server).pages(new_query(), None, EVER))
    records = [record for one in pages for record in one.records]
    assert len(records) == 5
    assert pages[0].matched == 5
    assert records[0].checksum == "d50110" + "ab" * 16
    assert records[0].nbytes == 1000
    assert records[0].locations["cdse"].startswith("s3://eodata/Sentinel-2/MSI/L2A_N0500/2020/01/01/")


def test_the_recorded_pages_of_cdse(shared_data: Path) -> None:
    folder = shared_data / "api/cdse_odata_cdsetool/sentinel_1"
    host = b"https://catalogue.dataspace.copernicus.eu"
    bodies = [
        (folder / f"odata_page_{number}.json").read_bytes().replace(host, b"{url}").replace(b"%24skip", b"$skip")
        for number in range(1, 6)
    ]
    answers = {f"$skip={10 * number}": body for number, body in reversed(list(enumerate(bodies))) if number}
    with recorded_server({**answers, "Products": bodies[0]}) as server:
        pages = list(catalogue(server).pages(new_query(mission="s1"), None, EVER))
    assert [len(one.records) for one in pages] == [10, 10, 10, 10, 7]


def test_the_question() -> None:
    query = new_query(level="l2a", max_cloud_pct=20, tiles=["31TCJ"])
    (area,) = simple_parts(box(1, 43, 2, 44))
    parts = list(conditions(query, area, parse_date("2020-01", NOW)))
    assert parts[0] == "Collection/Name eq 'SENTINEL-2'"
    assert parts[1].startswith("OData.CSC.Intersects(area=geography'SRID=4326;POLYGON ((")
    assert parts[2:4] == [
        "ContentDate/End ge 2020-01-01T00:00:00.000Z",
        "ContentDate/Start le 2020-01-31T23:59:59.999Z",
    ]
    assert "a/Name eq 'productType' and a/OData.CSC.StringAttribute/Value eq 'S2MSI2A'" in parts[4]
    assert "a/Name eq 'cloudCover' and a/OData.CSC.DoubleAttribute/Value le 20.0000" in parts[5]
    assert "a/Name eq 'tileId'" in parts[6]


def test_a_text_cannot_leave_its_quotes() -> None:
    parts = list(conditions(new_query(product_types=["X' or 1 eq 1 or 'Y"]), None, EVER))
    assert "'X'' OR 1 EQ 1 OR ''Y'" in parts[1]


def test_names_are_looked_up_in_lots() -> None:
    with recorded_server({"Products": page(range(2))}) as server:
        records = list(catalogue(server).by_names([f"NAME_{number}" for number in range(25)]))
        assert len(server.requests) == 2
        assert "Name eq 'NAME_0.SAFE' or Name eq 'NAME_1.SAFE'" in server.requests[0].params["$filter"]
    assert len(records) == 4


def test_a_circle_is_noticed() -> None:
    circle = page(range(2), "{url}/odata/v1/Products?again=1")
    with recorded_server({"Products": circle}) as server, pytest.raises(ServiceError, match="circle"):
        list(catalogue(server).pages(new_query(), None, EVER))


def test_a_relative_next_link_is_followed() -> None:
    pages = {"again=1": page(range(2, 4)), "Products": page(range(2), "Products?again=1")}
    with recorded_server(pages) as server:
        assert sum(len(one.records) for one in catalogue(server).pages(new_query(), None, EVER)) == 4


def test_what_is_no_page_is_named() -> None:
    answer = Answer(body=b'{"error": 1}')
    with CatalogueServer(lambda _: answer) as server, pytest.raises(ServiceError, match="no OData page"):
        list(catalogue(server).pages(new_query(), None, EVER))


def test_products_that_are_none_are_counted() -> None:
    with CatalogueServer(lambda _: Answer(body=b'{"value": [{}, 5]}')) as server:
        (one,) = catalogue(server).pages(new_query(), None, EVER)
    assert one.records == ()
    assert "2 products" in one.notes[0]


def test_areas_become_few_simple_polygons() -> None:
    assert simple_parts(None) == [None]
    assert simple_parts(Point(1, 2)) == [Point(1, 2)]
    both_sides = MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)])
    assert len(simple_parts(both_sides)) == 2
    many = MultiPolygon([box(x, 0, x + 0.5, 1) for x in range(-20, 20)])
    west, east = simple_parts(many)
    assert west is not None
    assert east is not None
    assert west.union(east).covers(many)
    (line,) = simple_parts(LineString([(0, 0), (1, 1)]))
    assert line is not None
    assert line.covers(LineString([(0, 0), (1, 1)]))
    (round_one,) = simple_parts(Point(0, 0).buffer(1, quad_segs=200))
    assert round_one is not None
    assert len(round_one.exterior.coords) <= MAX_VERTICES + 1
