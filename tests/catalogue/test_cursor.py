"""Cursors remember what was handed out."""

from datetime import UTC, datetime

import pytest

from s2kit.catalogue.cursor import cursor_path, load_cursor, save_cursor
from s2kit.errors import InputError, UsageError

BEGAN = datetime(2026, 7, 15, tzinfo=UTC)
OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def test_a_cursor_is_empty_at_first() -> None:
    cursor = load_cursor("last")
    assert cursor.until is None
    assert not cursor.knows("field", "A")


def test_what_was_handed_out_is_known() -> None:
    save_cursor(load_cursor("last"), BEGAN, {("field", "A"): NEW, (None, "B"): OLD}, None)
    cursor = load_cursor("last")
    assert cursor.until == BEGAN
    assert cursor.knows("field", "A")
    assert cursor.knows(None, "B")
    assert not cursor.knows("other", "A")
    assert not load_cursor("weekly").knows("field", "A")


def test_what_no_search_reaches_any_more_is_forgotten() -> None:
    save_cursor(load_cursor("last"), BEGAN, {(None, "A"): OLD}, None)
    save_cursor(load_cursor("last"), BEGAN, {(None, "B"): NEW}, datetime(2026, 6, 1, tzinfo=UTC))
    cursor = load_cursor("last")
    assert not cursor.knows(None, "A")
    assert cursor.knows(None, "B")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"seen": {"a": "soon"}, "until": "soon"}', '{"seen": 5, "until": ""}']
)
def test_a_broken_cursor_is_named(text: str) -> None:
    path = cursor_path("last")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(InputError, match="cannot be read") as caught:
        load_cursor("last")
    assert "delete" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, "a b"])
def test_a_name_stays_in_its_folder(name: str) -> None:
    with pytest.raises(UsageError):
        cursor_path(name)
