"""Processes on texts and dates. Computes only."""

import calendar
import datetime as dt
from collections.abc import Callable
from typing import Any

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.values import Value

_WORD = {None: "null", True: "true", False: "false"}
_SECONDS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def _matcher(test: Callable[[str, str], Any]) -> Callable[..., Value]:
    def process(data: Value, pattern: str, case_sensitive: bool = True) -> Value:  # noqa: FBT001, FBT002
        if data is None:
            return None
        return test(data, pattern) if case_sensitive else test(data.casefold(), pattern.casefold())

    return process


def text_concat(data: Value, separator: Value = "") -> str:
    """Texts, numbers and truth values as one text."""
    between = _WORD[separator] if separator is None or isinstance(separator, bool) else str(separator)
    return between.join(_WORD[one] if one is None or isinstance(one, bool) else str(one) for one in data)


def _parsed(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ProcessError(f"{text!r} is no date", "write it like 2024-05-01 or 2024-05-01T10:30:00Z") from error


def instant(text: str) -> dt.datetime:
    """A date, or a date with a time, in UTC; a date alone is its midnight."""
    when = _parsed(text)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def date_between(x: str, min: str, max: str, exclude_max: bool = False) -> bool:  # noqa: FBT001, FBT002
    """Whether `min <= x <= max`, or `x < max`."""
    return instant(min) <= instant(x) and (instant(x) < instant(max) if exclude_max else instant(x) <= instant(max))


def date_difference(date1: str, date2: str, unit: str = "second") -> float:
    """How much later the second date is; months and years by the calendar."""
    first, second = instant(date1), instant(date2)
    if unit in {"month", "year"}:
        months = (second.year - first.year) * 12 + second.month - first.month
        rest = (second - _shifted(first, months)).total_seconds()
        length = (_shifted(first, months + (1 if rest >= 0 else -1)) - _shifted(first, months)).total_seconds()
        total = months + rest / abs(length)
        return total / (12 if unit == "year" else 1)
    return (second - first).total_seconds() / _SECONDS[unit]


def date_shift(date: str, value: int, unit: str) -> str:
    """A date so many units later; the day is cut to the length of the month."""
    when = _parsed(date)
    try:
        if unit in {"month", "year"}:
            shifted = _shifted(when, value * (12 if unit == "year" else 1))
        else:
            shifted = when + dt.timedelta(seconds=value * _SECONDS[unit])
    except (OverflowError, ValueError) as error:
        raise ProcessError(f"{date} cannot be shifted by {value} {unit}s") from error
    if "T" not in date and " " not in date:
        return shifted.date().isoformat()
    exact = unit == "millisecond" or "." in date
    text = shifted.isoformat(timespec="milliseconds" if exact else "seconds")
    return text.replace("+00:00", "Z") if date.endswith("Z") else text


def _shifted(when: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    return when.replace(year=year, month=month + 1, day=min(when.day, calendar.monthrange(year, month + 1)[1]))


PROCESSES: dict[str, Callable[..., Value]] = {
    "text_begins": _matcher(str.startswith), "text_ends": _matcher(str.endswith),
    "text_contains": _matcher(lambda text, pattern: pattern in text),
    "text_find": _matcher(lambda text, pattern: at if (at := text.find(pattern)) >= 0 else None),
    "text_concat": text_concat, "date_between": date_between, "date_difference": date_difference,
    "date_shift": date_shift,
}  # fmt: skip
