"""Periods of composites."""

from datetime import date

import pytest

from s2kit.cube.periods import Period, grouped
from s2kit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "day", "start", "end"),
    [
        ("month", date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1)),
        ("month", date(2024, 12, 31), date(2024, 12, 1), date(2025, 1, 1)),
        ("season", date(2024, 1, 15), date(2023, 12, 1), date(2024, 3, 1)),
        ("season", date(2024, 12, 15), date(2024, 12, 1), date(2025, 3, 1)),
        ("season", date(2024, 8, 31), date(2024, 6, 1), date(2024, 9, 1)),
        ("season", date(2024, 11, 30), date(2024, 9, 1), date(2024, 12, 1)),
        ("10d", date(2024, 1, 10), date(2024, 1, 1), date(2024, 1, 11)),
        ("10d", date(2024, 1, 11), date(2024, 1, 11), date(2024, 1, 21)),
        ("P16D", date(2024, 12, 31), date(2024, 12, 18), date(2025, 1, 1)),
    ],
)
def test_a_day_is_in_its_period(text, day, start, end):
    assert Period.parse(text).bounds(day) == (start, end)
    assert Period.parse(text).bounds(start) == (start, end)


@pytest.mark.parametrize("text", ["week", "0d", "P400D", "", "10"])
def test_other_words_are_refused(text):
    with pytest.raises(UsageError, match="--period"):
        Period.parse(text)


def test_periods_without_a_slice_are_left_out():
    days = [date(2024, 1, 5), date(2024, 1, 30), date(2024, 4, 2)]
    found = grouped(days, Period.parse("month"))
    assert [(one.start, one.slices) for one in found] == [(date(2024, 1, 1), (0, 1)), (date(2024, 4, 1), (2,))]


def test_all_spans_from_the_first_day_to_the_last():
    (one,) = grouped([date(2024, 1, 5), date(2024, 4, 2)], Period("all"))
    assert (one.start, one.end, one.slices) == (date(2024, 1, 5), date(2024, 4, 3), (0, 1))
