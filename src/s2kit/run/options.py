"""Options as callers write them, one value or several, made into tuples. Computes only."""

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

from s2kit.errors import UsageError

Text: TypeAlias = str | os.PathLike[str]
Texts: TypeAlias = Text | Iterable[Text] | None
"""One text or several; None if the option was not given."""
Rows: TypeAlias = Sequence[float] | Iterable[Sequence[float]] | None
"""One row of numbers, such as `(west, south, east, north)`, or several; None if the option was not given."""
Moment: TypeAlias = str | date
"""A date as `area.dates` reads it, or a `date` or `datetime` object."""
Dates: TypeAlias = Moment | Iterable[Moment] | None
Ranges: TypeAlias = Sequence[Moment] | Iterable[Sequence[Moment]] | None
"""One `(start, end)` or several; None if the option was not given."""


def texts(given: "Texts | Dates") -> tuple[str, ...]:
    """Each text of an option; none if it was not given."""
    if given is None:
        return ()
    if isinstance(given, (str, os.PathLike, date)):
        return (text(given),)
    return tuple(text(one) for one in given)


def text(given: "Text | Moment") -> str:
    """A text, path or date as text."""
    return given.isoformat() if isinstance(given, date) else os.fspath(given)


def words(given: Texts) -> tuple[str, ...]:
    """The same with every text split at its commas, but for those in parentheses: `B04,B08` is two."""
    return tuple(word for one in texts(given) for part in _split(one) if (word := part.strip()))


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def rows(given: Rows, width: int, option: str) -> tuple[tuple[float, ...], ...]:
    """Each row of numbers of an option; none if it was not given.

    Args:
        given: One row, or several.
        width: Numbers of a row.
        option: Name of the option, for messages.

    Raises:
        UsageError: A row has another number of numbers, or something else in it.
    """
    listed: list[Any] = [] if given is None else list(given)
    if listed and not isinstance(listed[0], Iterable):
        listed = [listed]
    try:
        found = tuple(tuple(float(number) for number in row) for row in listed)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--{option} {given}: these are not numbers") from error
    for row in found:
        if len(row) != width:
            raise UsageError(f"--{option} takes {width} numbers, not {len(row)}")
    return found


def pairs(given: Ranges, option: str) -> tuple[tuple[str, str], ...]:
    """Each `(start, end)` of an option as texts; none if it was not given.

    Raises:
        UsageError: Something that is no pair.
    """
    listed: list[Any] = [] if given is None else list(given)
    if listed and isinstance(listed[0], (str, date)):
        listed = [listed]
    found = tuple(texts(pair) for pair in listed)
    for pair in found:
        if len(pair) != 2:
            raise UsageError(f"--{option} takes a start and an end, not {len(pair)} dates")
    return tuple((start, end) for start, end in found)
