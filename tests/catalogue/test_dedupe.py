"""The newest of twins."""

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from s2kit.catalogue.dedupe import newest
from s2kit.catalogue.record import ProductRecord, named_record

WHOLE = box(0, 43, 2, 45)
WEST = box(0, 43, 0.9, 45)
EAST = box(0.8, 43, 2, 45)


def product(
    baseline: str = "0208", made: str = "20200105T131500", geometry: object = WHOLE, **parts: str
) -> ProductRecord:
    tile, orbit, sensing, level = (
        parts.get(key, default)
        for key, default in (("tile", "31TCJ"), ("orbit", "051"), ("sensing", "20200105T105441"), ("level", "L2A"))
    )
    return named_record(f"S2A_MSI{level}_{sensing}_N{baseline}_R{orbit}_T{tile}_{made}", geometry=geometry)


def names(records: list[ProductRecord]) -> set[str]:
    return {record.id for record in records}


def test_the_newest_baseline_wins() -> None:
    old, new = product("0208"), product("0500", "20230101T000000")
    assert newest([old, new]) == [new]
    assert newest([new, old]) == [new]


def test_an_older_baseline_stays_where_it_adds_ground() -> None:
    old, new = product("0208"), product("0500", geometry=WEST)
    assert newest([old, new]) == [new, old]
    assert newest([old, new], box(0.1, 43.5, 0.5, 44)) == [new], "it adds nothing to what was asked for"
    assert newest([old, new], box(0.5, 43.5, 1.5, 44)) == [new, old]
    assert newest([old, new], LineString([(0.1, 43.5), (0.5, 44)])) == [new]
    assert newest([old, new], Point(1.5, 44)) == [new, old]
    assert newest([old, new], Point(0.5, 44)) == [new]


def test_two_newer_pieces_hide_what_they_cover_together() -> None:
    old, west, east = product("0208"), product("0500", geometry=WEST), product("0500", "20230101T000001", geometry=EAST)
    assert names(newest([old, west, east])) == names([west, east])


def test_pieces_of_a_split_datatake_are_told_by_their_datastrips_though_both_claim_the_tile() -> None:
    def strip(start: str, **more: str) -> ProductRecord:
        return replace(product(**more), datastrip=f"S2A_OPER_MSI_L2A_DS_VGS1_20200105T131500_S{start}_N02.08")

    first, second = strip("20200105T105435"), strip("20200105T105911", made="20200105T131501")
    assert names(newest([first, second])) == names([first, second])
    again = strip("20200105T105436", baseline="0500", made="20230101T000000")
    assert names(newest([first, second, again])) == names([again, second])


def test_split_products_both_stay() -> None:
    west, east = product(made="20200105T131500", geometry=WEST), product(made="20200105T131501", geometry=EAST)
    assert names(newest([west, east])) == names([west, east])


def test_of_equal_footprints_the_one_made_last_stays() -> None:
    first, second = product(made="20200105T131500"), product(made="20200106T131500")
    assert newest([first, second]) == [second]
    assert newest([second, first]) == [second]


def test_a_part_gives_way_to_the_whole_whenever_it_was_made() -> None:
    part, whole = product(made="20200107T000000", geometry=WEST), product(made="20200105T131500")
    assert newest([part, whole]) == [whole]


def test_three_pieces_of_one_datatake() -> None:
    west, east = product(made="20200105T131500", geometry=WEST), product(made="20200105T131501", geometry=EAST)
    inner = product(made="20200105T131502", geometry=box(0.1, 43.5, 0.5, 44))
    for order in permutations([west, east, inner]):
        assert names(newest(order)) == names([west, east])


def test_what_differs_in_any_part_of_the_key_stays() -> None:
    others = [
        product(),
        product(tile="31TDJ"),
        product(orbit="008"),
        product(sensing="20200105T105442"),
        product(level="L1C", baseline="0500"),
    ]
    assert newest(others) == others


def test_the_same_product_twice_takes_what_it_lacks() -> None:
    bare = replace(product(), locations={"cogs": "s3://a"})
    rich = replace(product(), nbytes=7, checksum="d50110ab", locations={"cdse": "s3://b", "cogs": "s3://other"})
    (one,) = newest([bare, rich])
    assert (one.nbytes, one.checksum) == (7, "d50110ab")
    assert one.locations == {"cogs": "s3://a", "cdse": "s3://b"}


def test_names_that_say_nothing_are_told_apart_by_themselves() -> None:
    a, b = (replace(product(), id=text, datatake=None) for text in ("one", "two"))
    assert newest([a, b, a]) == [a, b]


def test_sentinel_1_is_told_apart_by_name() -> None:
    stem = "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_"
    assert len(newest([named_record(stem + "6FF8"), named_record(stem + "6FF9")])) == 2


def test_a_missing_footprint_contains_nothing() -> None:
    first, second = product(made="20200105T131500", geometry=None), product(made="20200106T131500", geometry=None)
    assert names(newest([first, second])) == names([first, second])
    known = product(made="20200104T131500")
    assert names(newest([known, second])) == names([known, second])


@given(st.permutations([product(b, f"2020010{d}T000000") for b in ("0208", "0400", "0500") for d in (5, 6)]))
def test_the_order_of_arrival_does_not_matter(records: list[ProductRecord]) -> None:
    (one,) = newest(records)
    assert (one.baseline, one.generated) == ("05.00", "20200106T000000")
