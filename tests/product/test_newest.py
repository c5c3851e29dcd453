"""Starts of datastrips, and the rule on bare views; its cases with records are in `catalogue/test_dedupe.py`."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import union_all
from shapely.geometry import box

from s2kit.product.newest import View, datastrip_start, not_superseded


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (
            "S2A_OPER_MSI_L2A_DS_VGS1_20220401T110010_S20220401T090142_N04.00",
            datetime(2022, 4, 1, 9, 1, 42, tzinfo=UTC),
        ),
        ("DS_MTI__20180101T124911_S20180101T105435", datetime(2018, 1, 1, 10, 54, 35, tzinfo=UTC)),
        ("anything", None),
        (None, None),
    ],
)
def test_the_start_of_a_datastrip(text: str | None, start: datetime | None) -> None:
    assert datastrip_start(text) == start


PARTS = st.tuples(*[st.integers(0, 9)] * 2).map(lambda pair: (min(pair), max(pair) + 1))


@given(st.lists(st.tuples(PARTS, st.sampled_from(["02.08", "04.00", "05.00"])), min_size=1, max_size=6))
def test_no_ground_is_ever_lost(parts: list[tuple[tuple[int, int], str]]) -> None:
    views = [
        View(str(number), "twins", baseline, str(number), box(west, 0, east, 1))
        for number, ((west, east), baseline) in enumerate(parts)
    ]
    kept = not_superseded(views)
    before, after = (union_all([view.footprint for view in some]) for some in (views, kept))
    assert after.area == pytest.approx(before.area, rel=0.005)
    newest = max(view.baseline for view in views)
    assert kept[0].baseline == newest
