"""The map page: valid, complete in itself, and safe with any text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from s2kit.area.aoi import Aoi, bbox_aoi
from s2kit.catalogue.record import ProductRecord, named_record
from s2kit.search.map import WIDTH, map_page

NAME = "S2A_MSIL2A_202001{day:02d}T105441_N0208_R051_T31TCJ_20200105T131500"
FIELD = Aoi("field", box(1, 43.5, 1.2, 43.7))


def record(day: int = 5, **facts: object) -> ProductRecord:
    return named_record(NAME.format(day=day), **{"geometry": box(0.5, 43.2, 1.9, 44.2), "cloud_cover": 5.0, **facts})


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def numbers(page: str) -> list[float]:
    paths = re.findall(r'<path class="(?:fp|aoi)"[^>]* d="([^"]+)"', page)
    assert paths
    return [float(text) for path in paths for text in re.findall(r"-?[\d.]+", path)]


def test_each_product_has_a_footprint_and_a_line() -> None:
    page = map_page([record(5), record(6)], [FIELD])
    tags = read(page).seen
    assert sum(attrs.get("class") == "fp" for _, attrs in tags) == 2
    assert page.count(NAME.format(day=6)) == 2
    assert "2 products" in page
    assert "2020-01-05 to 2020-01-06" in page
    assert ">field<" in page


def test_a_product_that_answers_several_areas_is_drawn_and_counted_once() -> None:
    areas = [Aoi(f"field {number}", box(1 + number / 100, 43.5, 1.005 + number / 100, 43.505)) for number in range(9)]
    records = [replace_aoi(record(5), aoi.name, 10.0 * number) for number, aoi in enumerate(areas)]
    page = map_page(records, areas)
    assert "<h1>1 product</h1>" in page
    assert page.count('class="fp"') == 1
    assert "9 areas" in page
    assert "<td>0 to 80</td><td>field 0, field 1, field 2, field 3 and 5 more</td>" in page


def test_labels_do_not_lie_over_one_another() -> None:
    areas = [
        Aoi(
            f"a field with a very long name, number {number}", box(1 + number / 500, 43.5, 1.001 + number / 500, 43.501)
        )
        for number in range(200)
    ]
    page = map_page([], areas)
    labels = [
        (float(x), float(y), len(text))
        for x, y, text in re.findall(r'<text class="name" x="([\d.]+)" y="([\d.]+)">([^<]+)<', page)
    ]
    assert 3 <= len(labels) < 200
    assert all(letters <= 28 for _, _, letters in labels)
    for at, (x, y, letters) in enumerate(labels):
        assert x - letters * 3.5 >= 0
        assert x + letters * 3.5 <= WIDTH
        for other_x, other_y, others in labels[:at]:
            assert abs(x - other_x) >= (letters + others) * 3.5 or abs(y - other_y) >= 13
    assert page.count('<path class="aoi"') == 200


def replace_aoi(one: ProductRecord, aoi: str, share: float) -> ProductRecord:
    return one.with_facts(aoi=aoi, coverage_pct=share)


def test_one_day_is_named_once() -> None:
    assert "<p>2020-01-05, 1 area " in map_page([record(), record()], [FIELD])


@pytest.mark.parametrize("east", np.linspace(1.9, 2.4, 11))
def test_labels_are_within_the_drawing(east: float) -> None:
    page = map_page([record(geometry=box(0.5, 43.2, east, 44.2))], [])
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="[\d.]+">[\d.]+°[EW]?<', page)]
    assert len(places) >= 3
    assert max(places) < WIDTH - 45


def test_nothing_is_loaded_from_anywhere() -> None:
    for tag, attrs in read(map_page([record()], [FIELD])).seen:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not any(str(value).startswith(("http", "//")) for value in attrs.values())


def test_all_is_within_the_drawing() -> None:
    page = map_page([record(), record(6, geometry=box(-3, 40, -1, 41))], [FIELD])
    height = float(re.search(r'viewBox="0 0 1000 (\d+)"', page)[1])
    values = numbers(page)
    assert all(0 <= x <= WIDTH for x in values[::2])
    assert all(0 <= y <= height for y in values[1::2])


def test_the_antimeridian_runs_through_the_middle() -> None:
    crossing = MultiPolygon([box(179, 60, 180, 61), box(-180, 60, -179, 61)])
    page = map_page([record(geometry=crossing)], [bbox_aoi(179.5, 60, -179.5, 60.5)])
    xs = numbers(page)[::2]
    assert max(xs) - min(xs) > WIDTH / 4, "not two slivers at the ends of a world"
    assert "180°" in page


@pytest.mark.parametrize(
    "aoi", [Aoi("p", Point(1, 43)), Aoi("l", LineString([(1, 43), (2, 44)])), bbox_aoi(-180, -80, 180, 80)]
)
def test_any_kind_of_area(aoi: Aoi) -> None:
    assert 'class="aoi"' in map_page([record()], [aoi])


def test_a_name_is_text_and_nothing_else() -> None:
    evil = replace(record(), id="<script>alert(1)</script>", aoi='"><b>')
    page = map_page([evil], [Aoi("</svg><script>", FIELD.geometry)])
    assert not [tag for tag, _ in read(page).seen if tag in {"script", "b"}]


def test_nothing_found_and_not_everything_known() -> None:
    assert "0 products" in map_page([], [FIELD])
    assert "0 products" in map_page([], [])
    bare = record(geometry=None, cloud_cover=None)
    page = map_page([bare, record(6, geometry=Polygon())], [])
    assert 'class="fp"' not in page
    assert "2 products" in page


def test_an_incomplete_answer_says_so() -> None:
    assert "products may be missing" in map_page([record()], [FIELD], complete=False)
    assert "products may be missing" not in map_page([record()], [FIELD])


def test_colours_follow_the_clouds() -> None:
    colours = [
        re.search(r'stroke="(#\w+)"', map_page([record(cloud_cover=cloud)], []))[1] for cloud in (0.0, 29.0, 100.0)
    ]
    assert len(set(colours)) == 3
