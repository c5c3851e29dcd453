"""Ranges of dates as users write them: days are taken whole, times exactly, everything in UTC.

| text | means |
|---|---|
| `2020`, `2020-01`, `2020-01-05`, `20200105` | that year, month or day, whole |
| `2022-W03`, `2022W03`, `2022-W03-2` | that week of ISO 8601 from Monday to Sunday, or one of its days, whole |
| `2020-01-01/2020-01-13` | both days included |
| `2020-01-01/..`, `../2020-01-13` | open at one end |
| `2020-01-01T10:00/2020-01-01T12:30Z` | exact times; without a zone in UTC |
| `-10d`, `-6h`, `-2w` | since then, until now: whole days count from midnight, hours exactly |
| `now`, `today`, `yesterday` | as they say |
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from s2kit.errors import UsageError

_HINT = "for example 2020-01, 2020-W03, 2020-01-01/2020-01-13, 2020-01-01/.. or -10d"
_DAY = re.compile(r"(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?", re.ASCII)
_WEEK = re.compile(r"(\d{4})-?w(\d{2})(?:-?([1-7]))?", re.ASCII)
_AGO = re.compile(r"-(\d{1,5})([hdw])", re.ASCII)
_OPEN = frozenset(("..", ""))


@dataclass(frozen=True, slots=True)
class DateRange:
    """A stretch of time, both ends included."""

    start: datetime | None = None
    """First moment, UTC; None where the range is open."""
    end: datetime | None = None
    """Last moment, UTC; None where the range is open."""

    def __str__(self) -> str:
        """As records carry it, fit for a folder's name: `2020-01-01_2020-01-13`."""
        return f"{_short(self.start, time.min)}_{_short(self.end, time.max)}"

    @property
    def interval(self) -> str | None:
        """As STAC's `datetime` parameter has it; None where both ends are open."""
        if self.start is None and self.end is None:
            return None
        return f"{_rfc3339(self.start)}/{_rfc3339(self.end)}"

    def overlaps(self, start: datetime, end: datetime | None = None) -> bool:
        """True where a moment, or a stretch from `start` to `end`, lies at least partly within."""
        return (self.end is None or start <= self.end) and (self.start is None or (end or start) >= self.start)


EVER = DateRange()
"""No bounds at all."""


def parse_range(start: str, end: str, now: datetime) -> DateRange:
    """The range of `--range START END`.

    Args:
        start: A day, a month, a year or a time, relative or `..`.
        end: The same; a day, month or year is included whole.
        now: The moment that relative texts count from.

    Raises:
        UsageError: A text that is no date, or a start after its end.
    """
    first = None if start.strip() in _OPEN else _span(start, now)[0]
    last = None if end.strip() in _OPEN else _span(end, now)[1]
    if first is not None and last is not None and first > last:
        raise UsageError(
            f"the range starts at {start.strip()}, after its end {end.strip()}", "give the earlier date first"
        )
    return DateRange(first, last)


def parse_date(text: str, now: datetime) -> DateRange:
    """The range of `--date` in one word.

    Raises:
        UsageError: A text that is no date, or a start after its end.
    """
    start, slash, end = text.strip().partition("/")
    if slash:
        return parse_range(start, end, now)
    if not start:
        raise UsageError("an empty date", _HINT)
    if _AGO.fullmatch(start):
        return DateRange(_span(start, now)[0], now)
    return DateRange(*_span(start, now))


def parse_time(text: str) -> datetime:
    """A moment from ISO 8601 text, in UTC where no zone is named.

    Raises:
        ValueError: The text is no moment.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """First and last moment of what one word names."""
    word = text.strip().lower()
    if word == "now":
        return now, now
    if word in {"today", "yesterday"}:
        return _whole(now.astimezone(UTC).date() - timedelta(days=word == "yesterday"))
    try:
        if ago := _AGO.fullmatch(word):
            return _ago(int(ago[1]), ago[2], now)
        if day := _DAY.fullmatch(word):
            return _named(int(day[1]), day[2], day[3])
        if week := _WEEK.fullmatch(word):
            first, last = (int(week[3] or end) for end in (1, 7))
            return _whole(*(date.fromisocalendar(int(week[1]), int(week[2]), day) for day in (first, last)))
        moment = parse_time(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no date", _HINT) from error
    return moment, moment


def _ago(count: int, unit: str, now: datetime) -> tuple[datetime, datetime]:
    if unit == "h":
        moment = now - timedelta(hours=count)
        return moment, moment
    return _whole(now.astimezone(UTC).date() - timedelta(days=count * (7 if unit == "w" else 1)))


def _named(year: int, month: str | None, day: str | None) -> tuple[datetime, datetime]:
    if month is None:
        return _whole(date(year, 1, 1), date(year, 12, 31))
    if day is None:
        first = date(year, int(month), 1)
        following = date(year + first.month // 12, first.month % 12 + 1, 1) if year < date.max.year else date.max
        return _whole(first, following - timedelta(days=1))
    return _whole(date(year, int(month), int(day)))


def _whole(first: date, last: date | None = None) -> tuple[datetime, datetime]:
    return datetime.combine(first, time.min, UTC), datetime.combine(last or first, time.max, UTC)


def _short(moment: datetime | None, whole: time) -> str:
    if moment is None:
        return "open"
    return moment.date().isoformat() if moment.time() == whole else f"{moment:%Y%m%dT%H%M%S}"


def _rfc3339(moment: datetime | None) -> str:
    if moment is None:
        return ".."
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
