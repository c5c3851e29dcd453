"""Dates in words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.area.dates import EVER, DateRange, parse_date, parse_range
from s2kit.errors import InputError, UsageError

NOW = datetime(2026, 7, 15, 13, 20, 30, tzinfo=UTC)


def interval(text: str) -> str | None:
    return parse_date(text, NOW).interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020", "2020-01-01T00:00:00Z/2020-12-31T23:59:59.999Z"),
        ("2020-02", "2020-02-01T00:00:00Z/2020-02-29T23:59:59.999Z"),
        ("2020-12", "2020-12-01T00:00:00Z/2020-12-31T23:59:59.999Z"),
        ("2020-01-05", "2020-01-05T00:00:00Z/2020-01-05T23:59:59.999Z"),
        ("20200105", "2020-01-05T00:00:00Z/2020-01-05T23:59:59.999Z"),
        ("2022-W03", "2022-01-17T00:00:00Z/2022-01-23T23:59:59.999Z"),
        ("2020w53", "2020-12-28T00:00:00Z/2021-01-03T23:59:59.999Z"),
        ("2022-W03-2", "2022-01-18T00:00:00Z/2022-01-18T23:59:59.999Z"),
        ("2022-W03/2022-W04", "2022-01-17T00:00:00Z/2022-01-30T23:59:59.999Z"),
        ("2020-01-01/2020-01-13", "2020-01-01T00:00:00Z/2020-01-13T23:59:59.999Z"),
        ("2020-01/2020-02", "2020-01-01T00:00:00Z/2020-02-29T23:59:59.999Z"),
        ("2020-01-01/..", "2020-01-01T00:00:00Z/.."),
        ("../2020-01-01", "../2020-01-01T23:59:59.999Z"),
        ("2020-01-01/", "2020-01-01T00:00:00Z/.."),
        ("2020-01-01T10:00/2020-01-01T12:30:15Z", "2020-01-01T10:00:00Z/2020-01-01T12:30:15Z"),
        ("2020-01-01T10:00+02:00/..", "2020-01-01T08:00:00Z/.."),
        ("-10d", "2026-07-05T00:00:00Z/2026-07-15T13:20:30Z"),
        ("-2w", "2026-07-01T00:00:00Z/2026-07-15T13:20:30Z"),
        ("-6h", "2026-07-15T07:20:30Z/2026-07-15T13:20:30Z"),
        ("-10d/-5d", "2026-07-05T00:00:00Z/2026-07-10T23:59:59.999Z"),
        ("today", "2026-07-15T00:00:00Z/2026-07-15T23:59:59.999Z"),
        ("yesterday", "2026-07-14T00:00:00Z/2026-07-14T23:59:59.999Z"),
        ("-1d/now", "2026-07-14T00:00:00Z/2026-07-15T13:20:30Z"),
        ("../..", None),
    ],
)
def test_one_word(text: str, expected: str | None) -> None:
    assert interval(text) == expected


def test_the_users_line() -> None:
    when = parse_range("2020-01-01", "2020-01-13", NOW)
    assert when.interval == "2020-01-01T00:00:00Z/2020-01-13T23:59:59.999Z"
    assert str(when) == "2020-01-01_2020-01-13"


def test_a_range_names_itself_fit_for_a_folder() -> None:
    assert str(parse_range("2020-01-01T10:00", "..", NOW)) == "20200101T100000_open"
    assert str(EVER) == "open_open"


def test_both_ends_are_included() -> None:
    when = parse_range("2020-01-01", "2020-01-13", NOW)
    assert when.overlaps(datetime(2020, 1, 1, tzinfo=UTC))
    assert when.overlaps(datetime(2020, 1, 13, 23, 59, 59, 999000, UTC))
    assert not when.overlaps(datetime(2020, 1, 14, tzinfo=UTC))
    assert when.overlaps(datetime(2019, 12, 31, 23, 59, tzinfo=UTC), datetime(2020, 1, 1, 0, 1, tzinfo=UTC))
    assert EVER.overlaps(NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2020-13",
        "2020-02-30",
        "soon",
        "-10y",
        "2020-01-01/soon",
        "2020/01/01",
        "99999999",
        "0000",
        "2022-W00",
        "2022-W53",
    ],
)
def test_what_is_no_date_is_named(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_date(text, NOW)
    assert caught.value.hint


def test_the_start_comes_before_the_end() -> None:
    with pytest.raises(UsageError, match="2020-01-13, after its end 2020-01-01"):
        parse_range("2020-01-13", "2020-01-01", NOW)


@given(st.text(max_size=30))
def test_no_text_crashes(text: str) -> None:
    try:
        when = parse_date(text, NOW)
    except (UsageError, InputError):
        return
    assert isinstance(when, DateRange)


@given(st.dates(), st.dates())
def test_any_two_days_in_order_hold_both(first: object, second: object) -> None:
    start, end = sorted((str(first), str(second)))
    when = parse_range(start, end, NOW)
    assert when.start is not None
    assert when.end is not None
    assert when.start <= when.end
    assert str(when) == f"{start}_{end}"
