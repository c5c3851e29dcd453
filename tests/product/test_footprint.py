import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon

from s2kit.errors import InputError
from s2kit.product.footprint import footprint_of_rings, parse_position_list


def _wrapped(lon: float) -> float:
    return (lon + 180) % 360 - 180


@given(
    west=st.floats(-540, 540),
    south=st.floats(-80, 78),
    width=st.floats(0.01, 100),
    height=st.floats(0.01, 5),
    first=st.integers(0, 3),
)
def test_a_box_keeps_its_area_wherever_it_lies(
    west: float, south: float, width: float, height: float, first: int
) -> None:
    corners = [(west, south), (west + width, south), (west + width, south + height), (west, south + height)]
    ring = [(_wrapped(lon), lat) for lon, lat in corners[first:] + corners[:first]]
    footprint = footprint_of_rings([[*ring, ring[0]]])
    assert footprint is not None
    assert footprint.is_valid
    assert footprint.area == pytest.approx(width * height, rel=1e-6, abs=1e-9)
    assert all(part.exterior.is_ccw for part in shapely.get_parts(footprint))
    assert footprint.bounds[0] >= -180 - 1e-9
    assert footprint.bounds[2] <= 180 + 1e-9


def test_a_ring_across_the_antimeridian_becomes_two_parts() -> None:
    ring = [(179.0, 0.0), (-179.0, 0.0), (-179.0, 1.0), (179.0, 1.0), (179.0, 0.0)]
    footprint = footprint_of_rings([ring])
    assert isinstance(footprint, MultiPolygon)
    assert footprint.equals(shapely.union_all([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)]))


def test_rings_that_touch_become_one_and_those_apart_stay_apart() -> None:
    one, two, far = (list(shapely.box(west, 0, west + 1, 1).exterior.coords) for west in (0, 1, 5))
    assert isinstance(footprint_of_rings([one, two]), Polygon)
    assert isinstance(footprint_of_rings([one, far]), MultiPolygon)


def test_a_ring_that_crosses_itself_is_mended() -> None:
    footprint = footprint_of_rings([[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]])
    assert footprint is not None
    assert footprint.is_valid
    assert footprint.area == pytest.approx(2)


def test_no_ring_and_no_area_are_no_footprint() -> None:
    assert footprint_of_rings([]) is None
    assert footprint_of_rings([[(0, 0), (1, 1), (0, 0)]]) is None


def test_positions_are_latitude_first_with_or_without_height() -> None:
    square = [(7.0, 46.0), (8.0, 46.0), (8.0, 47.0), (7.0, 46.0)]
    assert parse_position_list("46 7 46 8 47 8 46 7", "it") == square
    assert parse_position_list("46 7 500 46 8 501 47 8 502 46 7 500", "it") == square


@pytest.mark.parametrize(
    "text", ["", "46 7", "46 7 46 8 47", "a b c d e f", "146 7 46 8 47 8 46 7", "46 777 46 8 47 8 46 7"]
)
def test_what_is_no_ring_is_named(text: str) -> None:
    with pytest.raises(InputError, match="it"):
        parse_position_list(text, "it")


def test_a_real_list_whose_last_height_is_missing(shared_data):
    text = (shared_data.parent / "cases" / "metadata" / "footprint-last-height-missing.txt").read_text()
    corners = parse_position_list(text, "EXT_POS_LIST")
    assert len(corners) == 7
    assert corners[0] == corners[-1] == (-119.17378006, 34.32236553)
    assert all(-120 < lon < -117 and 33 < lat < 35 for lon, lat in corners)


def test_a_list_whose_last_height_is_missing():
    ring = [(43.0, 1.0), (43.0, 2.0), (44.0, 2.0), (44.0, 1.0), (43.0, 1.0)]
    text = " ".join(f"{lat} {lon} 12.5" for lat, lon in ring).removesuffix(" 12.5")
    assert parse_position_list(text, "x") == [(lon, lat) for lat, lon in ring]
