"""Areas: ranges, mending, the antimeridian, simpler areas for queries, coverage."""

import math
import time

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from s2kit.area.aoi import (
    MAX_QUERY_VERTICES,
    MAX_VERTICES,
    Aoi,
    bbox_aoi,
    clean,
    coverage_pct,
    footprint,
    for_query,
    lon_lat_box,
    lon_lat_outline,
    merged,
    point_aoi,
    require_area,
    tile_aoi,
    with_unique_names,
)
from s2kit.area.projection import project_point
from s2kit.errors import InputError
from s2kit.grid import Bounds

BOW_TIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def test_a_box_is_a_box() -> None:
    aoi = bbox_aoi(1, 43, 2, 44)
    assert aoi.geometry.equals(box(1, 43, 2, 44))
    assert aoi.bounds == (1, 43, 2, 44)
    assert aoi.is_area


def test_a_box_across_the_antimeridian_is_two_boxes() -> None:
    geometry = bbox_aoi(179, -10, -178, 10).geometry
    assert isinstance(geometry, MultiPolygon)
    assert geometry.equals(shapely.union(box(179, -10, 180, 10), box(-180, -10, -178, 10)))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1, 44, 2, 43), "not below"),
        ((1, 43, 1, 44), "no width"),
        ((1, 43, 2, 500), "latitude 500"),
        ((1, 43, 200, 44), "longitudes"),
        ((math.nan, 43, 2, 44), "finite"),
        ((1, 43, 1000, 44), "longitude 1000"),
    ],
)
def test_a_wrong_box_names_its_fault(numbers: tuple[float, float, float, float], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        bbox_aoi(*numbers)
    assert caught.value.hint


def test_a_point_may_be_given_east_of_180() -> None:
    assert point_aoi(190, 5).geometry.equals(Point(-170, 5))
    with pytest.raises(InputError, match="latitude -91"):
        point_aoi(0, -91)


def test_a_tile_is_an_area_that_asks_for_that_tile() -> None:
    aoi = tile_aoi("T31TCJ")
    assert (aoi.name, aoi.tile) == ("31TCJ", "31TCJ")
    assert aoi.geometry.contains(Point(1.2, 43.75))


def test_a_tile_at_the_antimeridian_is_cut() -> None:
    geometry = tile_aoi("01WCP").geometry
    assert geometry.covers(Point(179.5, 66)) or geometry.covers(Point(-179.5, 66))
    assert -180 <= geometry.bounds[0] < -178
    assert 178 < geometry.bounds[2] <= 180


def test_a_ring_that_crosses_itself_is_mended_with_a_note() -> None:
    cleaned = clean(BOW_TIE, "field.geojson")
    assert cleaned.geometry.is_valid
    assert cleaned.geometry.area == pytest.approx(2)
    assert "field.geojson" in cleaned.notes[0]
    assert "mended" in cleaned.notes[0]


@pytest.mark.parametrize("lon", [181, -181])
def test_a_ring_that_runs_past_180_is_cut_with_a_note(lon: float) -> None:
    cleaned = clean(box(*sorted((lon, lon * 178 / 181))[:1], 0, max(lon, lon * 178 / 181), 1), "x")
    assert cleaned.geometry.area == pytest.approx(3)
    assert cleaned.geometry.bounds[0] == -180
    assert cleaned.geometry.bounds[2] == 180
    assert "antimeridian" in cleaned.notes[0]


def test_a_ring_that_jumps_at_180_is_cut_not_spread_around_the_earth() -> None:
    ring = Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)])
    assert clean(ring, "x").geometry.area == pytest.approx(2)


def test_a_hole_follows_its_ring_across_180() -> None:
    ring = Polygon([(178, 0), (-178, 0), (-178, 4), (178, 4)], [[(-179.5, 1), (-179, 1), (-179, 2), (-179.5, 2)]])
    assert clean(ring, "x").geometry.area == pytest.approx(16 - 0.5)


def test_a_ring_around_the_pole_reaches_the_pole() -> None:
    ring = Polygon([(-180, 80), (-90, 80), (0, 80), (90, 80), (179, 80)])
    geometry = clean(Polygon([(-150, 80), (-30, 80), (90, 80), (-150, 80)]), "x").geometry
    assert geometry.covers(Point(0, 89))
    assert not geometry.covers(Point(0, 70))
    assert ring.is_empty is False


def test_the_whole_world_stays_the_whole_world() -> None:
    cleaned = clean(box(-180, -90, 180, 90), "x")
    assert cleaned.geometry.area == pytest.approx(360 * 180)
    assert cleaned.notes == ()


def test_a_line_across_180_is_cut() -> None:
    geometry = clean(LineString([(179, 0), (-179, 0)]), "x").geometry
    assert geometry.length == pytest.approx(2)


@pytest.mark.parametrize("geometry", [Polygon(), Point(), MultiPolygon()])
def test_an_empty_geometry_is_refused(geometry: shapely.Geometry) -> None:
    with pytest.raises(InputError, match="field is empty"):
        clean(geometry, "field")


def test_a_polygon_without_extent_is_refused() -> None:
    with pytest.raises(InputError, match="no area"):
        clean(Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "x")


def test_a_height_is_dropped() -> None:
    assert not clean(Point(1, 2, 3), "x").geometry.has_z


def test_an_area_is_asked_for_where_one_is_needed() -> None:
    line = Aoi("river", LineString([(0, 0), (1, 1)]))
    with pytest.raises(InputError, match=r"river is a LineString.*--min-overlap"):
        require_area(line, "--min-overlap")
    area = bbox_aoi(0, 0, 1, 1)
    assert require_area(area, "x") is area


def test_a_small_area_is_asked_for_as_it_is() -> None:
    small = box(0, 0, 1, 1)
    assert for_query(small) is small


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_a_large_area_is_asked_for_as_a_simpler_one_around_it(count: int) -> None:
    ring = [
        (10 + (1 + 0.1 * math.sin(40 * a)) * math.cos(a), 50 + (1 + 0.1 * math.sin(40 * a)) * math.sin(a))
        for a in (2 * math.pi * i / count for i in range(count))
    ]
    exact = Polygon(ring)
    simpler = for_query(exact)
    assert shapely.get_num_coordinates(simpler) <= MAX_QUERY_VERTICES
    assert simpler.covers(exact)
    assert simpler.area < exact.area * 1.3


def test_thousands_of_parts_are_asked_for_as_few() -> None:
    parts = MultiPolygon([box(x / 10, y / 10, x / 10 + 0.01, y / 10 + 0.01) for x in range(60) for y in range(60)])
    simpler = for_query(parts)
    assert shapely.get_num_coordinates(simpler) <= MAX_QUERY_VERTICES
    assert simpler.covers(parts)


@pytest.mark.parametrize(
    ("aoi", "outline", "expected"),
    [
        (box(0, 0, 2, 2), box(0, 0, 2, 2), 100),
        (box(0, 0, 2, 2), box(-1, -1, 1, 3), 50),
        (box(0, 0, 2, 2), box(5, 5, 6, 6), 0),
        (LineString([(0, 0), (4, 0)]), box(0, -1, 1, 1), 25),
        (Point(0.5, 0.5), box(0, 0, 1, 1), 100),
        (Point(5, 5), box(0, 0, 1, 1), 0),
        (shapely.MultiPoint([(0.5, 0.5), (5, 5)]), box(0, 0, 1, 1), 50),
    ],
)
def test_coverage(aoi: shapely.Geometry, outline: shapely.Geometry, expected: float) -> None:
    assert coverage_pct(aoi, outline) == pytest.approx(expected)


def test_coverage_counts_ground_not_degrees() -> None:
    north_half = coverage_pct(box(0, 60, 1, 80), box(0, 70, 1, 80))
    assert north_half == pytest.approx(
        100
        * (math.sin(math.radians(80)) - math.sin(math.radians(70)))
        / (math.sin(math.radians(80)) - math.sin(math.radians(60)))
    )


def test_a_footprint_that_is_nonsense_is_empty() -> None:
    assert footprint(Polygon([(0, 500), (1, 500), (1, 501)])).is_empty
    assert footprint(Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)])).area == pytest.approx(2)


def test_areas_merge_and_keep_apart_by_name() -> None:
    areas = [Aoi("a", box(0, 0, 1, 1)), Aoi("a", box(1, 0, 2, 1)), Aoi("a-2", box(0, 0, 1, 1))]
    assert merged(areas, "all").geometry.area == pytest.approx(2)
    assert [aoi.name for aoi in with_unique_names(areas)] == ["a", "a-2", "a-2-2"]


@given(st.lists(st.tuples(st.floats(-360, 360), st.floats(-90, 90)), min_size=3, max_size=12))
@example([(0, -1), (158, 4.9e-294), (200, 4e-294), (200, -89), (0, -90), (159, 1.4e-296), (0, 2.2e-294), (0, 1)])
def test_whatever_is_cleaned_is_valid_and_in_the_world(points: list[tuple[float, float]]) -> None:
    try:
        geometry = clean(Polygon(points), "x").geometry
    except InputError:
        return
    assert geometry.is_valid
    assert not geometry.is_empty
    west, south, east, north = geometry.bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90


def test_equal_neighbours_are_joined() -> None:
    ring = Polygon([(1.2, 43.2), (1.4, 43.2), (1.4, 43.2), (1.4 + 1e-14, 43.2), (1.4, 43.4), (1.2, 43.4), (1.2, 43.2)])
    cleaned = clean(ring, "x").geometry
    assert list(cleaned.exterior.coords) == [(1.2, 43.2), (1.4, 43.2), (1.4, 43.4), (1.2, 43.4), (1.2, 43.2)]
    assert shapely.get_num_coordinates(for_query(cleaned)) == 5


def test_points_on_one_line_are_no_area() -> None:
    with pytest.raises(InputError, match="no extent"):
        clean(Polygon([(1.2, 43.2), (1.3, 43.3), (1.4, 43.4)]), "x")


def test_the_outline_of_a_box_on_the_antimeridian_is_cut() -> None:
    """Tile 01KAB starts west of the antimeridian: a chip there has a part on each side, none spans the world."""
    west, _ = project_point(-179.995, -17.0, 4326, 32701)
    _, north = project_point(-179.995, -17.0, 4326, 32701)
    outline = lon_lat_outline(Bounds(west - 1280, north - 1280, west + 1280, north + 1280), 32701)
    assert isinstance(outline, MultiPolygon)
    assert [round(part.bounds[2] - part.bounds[0], 3) < 0.03 for part in outline.geoms] == [True, True]
    assert sum(part.area for part in outline.geoms) == pytest.approx(
        (2560 / 111_320) ** 2 / math.cos(math.radians(17)), rel=0.02
    )


def test_a_scribble_and_a_geometry_without_end_are_refused_in_time() -> None:
    random = np.random.default_rng(1)
    started = time.process_time()
    for vertices in (3000, 20_000):
        with pytest.raises(InputError, match="cross themselves"):
            clean(shapely.Polygon(random.uniform(0, 10, (vertices, 2))), "field")
    angle = np.linspace(0, 2 * np.pi, MAX_VERTICES + 1)
    with pytest.raises(InputError, match="vertices"):
        clean(shapely.LineString(np.column_stack([np.cos(angle), np.sin(angle)])), "field")
    assert time.process_time() - started < 20


def test_a_long_ring_that_touches_itself_once_is_still_mended() -> None:
    angle = np.linspace(0, 4 * np.pi, 20_001)[:-1]
    eight = shapely.Polygon(np.column_stack([np.sin(angle / 2), np.sin(angle)]))
    assert clean(eight, "field").notes


def test_the_box_of_what_is_cut_at_the_antimeridian_goes_over_it():
    assert lon_lat_box(bbox_aoi(179, -18, -179, -17).geometry) == [179, -18, -179, -17]
    assert lon_lat_box(bbox_aoi(-180, -18, -179, -17).geometry) == [-180, -18, -179, -17]
    assert lon_lat_box(bbox_aoi(-180, -90, 180, 90).geometry) == [-180, -90, 180, 90]
