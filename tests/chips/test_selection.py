"""Which products a chip series is cut from: the rule's oracles, and what completes what."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from s2kit.chips.selection import Candidate, check_limit, new_choices, select, share_inside
from s2kit.errors import ExitCode, InputError

SQUARE = box(0, 0, 1280, 1280)
WIDE = SQUARE.buffer(5000)
NOON = datetime(2019, 6, 15, 10, 50, 31, tzinfo=UTC)


def candidate(name, *, footprint=WIDE, baseline="N0212", tile="31UFU", sensing=NOON, level="L2A", **rest):
    return Candidate(id=name, level=level, sensing=sensing, baseline=baseline, tile=tile, footprint=footprint, **rest)


def part(share):
    return box(0, -5000, 1280 * share, 5000)


def names(choices):
    return [choice.product.id for choice in choices]


def test_equal_overlap_takes_the_higher_baseline():
    twins = [candidate("old", baseline="N0211"), candidate("new", baseline="N0212")]
    assert names(select(twins, SQUARE)) == ["new"]
    assert names(select(reversed(twins), SQUARE)) == ["new"]


def test_larger_overlap_beats_the_baseline():
    twins = [
        candidate("whole", footprint=part(1.0), baseline="N0211"),
        candidate("piece", footprint=part(0.4), baseline="N0500", tile="31UFT"),
    ]
    (choice,) = select(twins, SQUARE)
    assert choice.product.id == "whole"
    assert choice.share == pytest.approx(1.0)
    assert choice.companions == ()


def test_shares_that_differ_in_their_last_digits_are_equal():
    twins = [
        candidate("old", footprint=part(0.70001), baseline="N0300"),
        candidate("new", footprint=part(0.70000), baseline="N0500"),
    ]
    assert names(select(twins, SQUARE)) == ["new"]


def test_other_orbits_and_times_stay():
    later = NOON.replace(hour=11)
    series = [candidate("b", sensing=later), candidate("a"), candidate("c", sensing=NOON.replace(day=18))]
    assert names(select(series, SQUARE)) == ["a", "b", "c"]


def test_levels_do_not_collapse_into_one_another():
    both = [candidate("l2a"), candidate("l1c", level="L1C")]
    assert names(select(both, SQUARE)) == ["l1c", "l2a"]


def test_no_overlap_is_left_out():
    assert select([candidate("far", footprint=box(9000, 9000, 9999, 9999))], SQUARE) == []


def test_split_products_complete_each_other():
    halves = [
        candidate("north", footprint=box(-9000, 500, 9000, 9000), generation="20190615T120000"),
        candidate("south", footprint=box(-9000, -9000, 9000, 505), generation="20190615T123000"),
    ]
    (choice,) = select(halves, SQUARE)
    assert choice.product.id == "north"
    assert [companion.id for companion in choice.companions] == ["south"]
    assert choice.covered == pytest.approx(1.0)


def test_neighbouring_tile_completes_and_prefers_the_same_baseline():
    tiles = [
        candidate("left", footprint=part(0.6)),
        candidate("right-old", footprint=box(600, -99, 1400, 1400), baseline="N0211", tile="31UGU"),
        candidate("right", footprint=box(600, -99, 1400, 1400), tile="31UGU"),
    ]
    (choice,) = select(tiles, SQUARE)
    assert choice.product.id == "left"
    assert [companion.id for companion in choice.companions] == ["right"]


def test_a_reprocessed_twin_adds_nothing():
    twins = [
        candidate("new", footprint=part(0.6), baseline="N0500"),
        candidate("old", footprint=part(0.6004), baseline="N0400"),
    ]
    (choice,) = select(twins, SQUARE)
    assert choice.product.id == "new"
    assert choice.companions == ()


def test_newest_generation_of_one_baseline():
    twins = [candidate("a", generation="20190615T1"), candidate("b", generation="20190615T2")]
    assert names(select(twins, SQUARE)) == ["b"]


def test_a_product_named_twice_counts_once():
    (choice,) = select([candidate("a", footprint=part(0.5))] * 2, SQUARE)
    assert choice.companions == ()


@given(st.permutations(range(8)), st.lists(st.integers(1, 10), min_size=8, max_size=8))
def test_order_of_the_input_does_not_matter(order, shares):
    pool = [
        candidate(f"p{i}", footprint=part(shares[i] / 10), baseline=f"N0{200 + i % 3}", tile=f"31UF{'TU'[i % 2]}")
        for i in range(8)
    ]
    assert select([pool[i] for i in order], SQUARE) == select(pool, SQUARE)


def test_share():
    assert share_inside(SQUARE, part(0.25)) == pytest.approx(0.25)


def test_the_limit_counts_new_chips_only():
    choices = select([candidate(f"p{day}", sensing=NOON.replace(day=day)) for day in range(1, 29)], SQUARE)
    assert len(new_choices(choices, {"p1", "p2", "p3", "p4"}, 24)) == 24
    with pytest.raises(InputError) as caught:
        new_choices(choices, {"p1"}, 24)
    assert "28 chips match" in caught.value.message
    assert "27 of them new" in caught.value.message
    assert caught.value.exit_code is ExitCode.INPUT
    check_limit(99, 99, None)


def test_pieces_of_a_split_datatake_complete_each_other_though_both_claim_the_whole_tile():
    first, second = (
        replace(candidate(f"piece {minute}", footprint=SQUARE), datastrip=datetime(2024, 4, 19, 10, minute, tzinfo=UTC))
        for minute in (54, 59)
    )
    (choice,) = select([first, second], SQUARE)
    assert len(choice.companions) == 1
    again = replace(second, id="again", baseline="05.11", datastrip=datetime(2024, 4, 19, 10, 59, 1, tzinfo=UTC))
    (choice,) = select([first, second, again], SQUARE)
    assert {choice.product.id, *(one.id for one in choice.companions)} == {"piece 54", "again"}
