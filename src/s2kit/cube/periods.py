"""Periods of composites: all, months, seasons, stretches of some days; computes only."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from s2kit.errors import UsageError

_DAYS = re.compile(r"(?:P(\d{1,3})D|(\d{1,3})D)", re.ASCII)
_HINT = "it is all, month, season, or some days as in 10d or P16D"


@dataclass(frozen=True, slots=True)
class Period:
    """The rule that says which days belong together."""

    text: str
    """`all`, `month`, `season` or `P16D`."""
    length_days: int | None = None
    """Of stretches of days."""

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `--period`.

        Raises:
            UsageError: Something else.
        """
        word = text.strip().lower()
        if word in {"all", "month", "season"}:
            return cls(word)
        match = _DAYS.fullmatch(word.upper())
        length = int(match[1] or match[2]) if match else 0
        if not 1 <= length <= 366:
            raise UsageError(f"--period {text} is not known", _HINT)
        return cls(f"P{length}D", length)

    def bounds(self, day: date) -> tuple[date, date] | None:
        """First day of a day's period and the day after its last; None for `all`.

        Seasons are those of meteorology (December to February, …); stretches of days count from 1 January of each
        year, so that the last of a year may be shorter and a cube of a later run has the same periods.
        """
        match self.text:
            case "all":
                return None
            case "month":
                return day.replace(day=1), _month_after(day.year, day.month)
            case "season":
                first = day.month // 3 * 3 or 12
                year = day.year - (day.month < 3)
                return date(year, first, 1), _month_after(year + (first == 12), (first + 1) % 12 + 1)
        assert self.length_days is not None
        new_year = date(day.year, 1, 1)
        first_day = new_year + timedelta(days=(day - new_year).days // self.length_days * self.length_days)
        return first_day, min(first_day + timedelta(days=self.length_days), date(day.year + 1, 1, 1))


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Members:
    """One period and the slices in it."""

    start: date
    end: date
    """The day after the last."""
    slices: tuple[int, ...]
    """Positions of the slices, ascending."""


def grouped(days: list[date], period: Period) -> list[Members]:
    """Which slices belong to which period, in order; periods without a slice are left out.

    Args:
        days: Solar days of the slices, ascending.
        period: The rule; `all` spans from the first day to the last.
    """
    found: dict[tuple[date, date], list[int]] = {}
    whole = (days[0], days[-1] + timedelta(days=1)) if days else (date.min, date.min)
    for at, day in enumerate(days):
        found.setdefault(period.bounds(day) or whole, []).append(at)
    return [Members(start, end, tuple(members)) for (start, end), members in sorted(found.items())]
