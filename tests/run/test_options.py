"""One value or several, as callers of the Python functions and the command line write them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2kit.errors import UsageError
from s2kit.run.options import pairs, rows, texts, words


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ([], ()),
        ("a", ("a",)),
        (Path("a/b"), ("a/b",)),
        (["a", Path("b")], ("a", "b")),
        (date(2020, 1, 2), ("2020-01-02",)),
        ([datetime(2020, 1, 2, 3, tzinfo=UTC)], ("2020-01-02T03:00:00+00:00",)),
    ],
)
def test_texts(given: Any, expected: tuple[str, ...]) -> None:
    assert texts(given) == expected


def test_words_are_split_at_commas() -> None:
    assert words("B04,B08") == words(["B04", " B08 ,"]) == ("B04", "B08")
    assert words(None) == ()


@pytest.mark.parametrize("given", [(1, 2), [1, 2], [(1, 2)], [[1.0, 2.0]], np.array([1, 2]), iter([(1, 2)])])
def test_one_row_or_several(given: Any) -> None:
    assert rows(given, 2, "point") == ((1.0, 2.0),)
    assert rows(None, 2, "point") == ()


@pytest.mark.parametrize("given", [(1, 2, 3), [(1, 2), (3,)], ["a", "b"], [("a", "b")], [1, None]])
def test_rows_that_are_none(given: Any) -> None:
    with pytest.raises(UsageError, match="--point"):
        rows(given, 2, "point")


def test_pairs_of_dates() -> None:
    assert pairs(("2020", date(2021, 1, 1)), "range") == (("2020", "2021-01-01"),)
    assert pairs([("2020", ".."), ("2021", "2022")], "range") == (("2020", ".."), ("2021", "2022"))
    assert pairs(None, "range") == ()
    with pytest.raises(UsageError, match="--range takes a start and an end, not 3"):
        pairs(("2020", "2021", "2022"), "range")
