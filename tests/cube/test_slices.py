"""Which products make which slice."""

from datetime import UTC, date, datetime

import pytest
from shapely.geometry import box

from s2kit.cube.slices import Seen, days, needs_angles, solar_day

AREA = box(0, 0, 100, 100)


def seen(name, *, day=1, hour=10, minute=30, baseline="05.10", tile="31TCJ", where=AREA, generation="a", **more):
    moment = datetime(2024, 4, day, hour, minute, tzinfo=UTC)
    return Seen(id=name, sensing=moment, baseline=baseline, tile=tile, generation=generation, footprint=where, **more)


@pytest.mark.parametrize(
    ("longitude", "day"), [(0.0, date(2024, 4, 1)), (179.0, date(2024, 4, 2)), (-179.0, date(2024, 4, 1))]
)
def test_the_day_is_that_of_the_sun(longitude, day):
    assert solar_day(datetime(2024, 4, 1, 22, 30, tzinfo=UTC), longitude) == day


def test_one_pass_over_two_tiles_and_utc_midnight_is_one_day():
    west, east = box(0, 0, 60, 100), box(40, 0, 100, 100)
    first = seen("a", day=1, hour=23, minute=59, tile="60KWF", where=west)
    second = seen("b", day=2, hour=0, minute=1, tile="60KXF", where=east)
    (one,) = days([second, first], AREA, 178.0)
    assert one.day == date(2024, 4, 2)
    assert one.time == first.sensing
    assert [product.id for product in one.products] == ["a", "b"]


def test_pieces_of_a_split_datastrip_are_one_slice_and_both_stay():
    upper, lower = box(0, 45, 100, 100), box(0, 0, 100, 55)
    (one,) = days([seen("a", where=upper, generation="1"), seen("b", where=lower, generation="2")], AREA, 0.0)
    assert {product.id for product in one.products} == {"a", "b"}


def test_a_reprocessed_twin_counts_once():
    old, new = seen("old", baseline="02.12", generation="9"), seen("new", baseline="05.00", generation="1")
    (one,) = days([old, new, new], AREA, 0.0)
    assert [product.id for product in one.products] == ["new"]


def test_of_one_baseline_the_later_generation_counts():
    (one,) = days([seen("b", generation="1"), seen("a", generation="2")], AREA, 0.0)
    assert [product.id for product in one.products] == ["a"]


def test_pixels_come_from_the_newest_baseline_then_nadir_then_zone_then_area():
    part = box(0, 0, 50, 100)
    products = [
        seen("small", tile="31TDJ", where=part),
        seen("large", tile="31TCJ"),
        seen("other zone", tile="30TYP", is_own_zone=False),
        seen("nadir", tile="31TEJ", view_zenith_deg=2.0, where=part),
        seen("newest", tile="31TFJ", baseline="05.11", where=part, view_zenith_deg=9.0),
    ]
    (one,) = days(products, AREA, 0.0)
    assert [product.id for product in one.products] == ["newest", "nadir", "large", "small", "other zone"]


def test_products_beside_the_area_are_left_out():
    assert days([seen("a", where=box(200, 0, 300, 100))], AREA, 0.0) == ()


def test_angles_are_needed_only_if_two_datatakes_lie_over_one_another():
    assert not needs_angles([seen("a"), seen("b", tile="31TDJ")])
    assert needs_angles([seen("a"), seen("b", hour=12)])
    assert not needs_angles([seen("a"), seen("b", hour=12, where=box(200, 0, 300, 100))])
