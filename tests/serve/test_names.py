"""Names from clients: what leads out of a folder is refused."""

from pathlib import Path

import pytest

from s2kit.errors import InputError, NotFoundError
from s2kit.serve.names import checked_path, checked_word, contained
from s2kit.serve.shelf import Shelf

HOSTILE = [
    "", "/etc/passwd", "../x", "a/../../x", "a//b", "./x", "a/./b", "~root/x", "file:///etc/passwd", "http://127.0.0.1/x",
    "s3://bucket/x", "/vsicurl/http://x", "vsizip/x.zip", "a\x00b", "a\nb", "a\\..\\b", "C:/x", "%2e%2e/x", "a/..", "a*", "x" * 2000,
    "a/ ", "..",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        checked_path(text)
    with pytest.raises((InputError, NotFoundError)):
        contained(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["a.tif", "tiles/31/T/CJ/2024/4/19/0/B04.jp2", "S2A_MSIL2A_20240419.SAFE/GRANULE/x.jp2", "a b"]
)
def test_plain_names_are_taken(text: str) -> None:
    assert checked_path(text) == text


def test_a_word_has_no_slash() -> None:
    with pytest.raises(InputError):
        checked_word("a/b")


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.write_text("secret")
    (inside / "link").symlink_to(outside)
    (inside / "file").write_text("x")
    assert contained(inside, "file").read_text() == "x"
    with pytest.raises(NotFoundError):
        contained(inside, "link")


def test_a_shelf_gives_only_what_its_name_is_known_of(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "files")
    place = shelf.new()
    (place / "a.png").write_bytes(b"png")
    assert shelf.find(place.name, "a.png").read_bytes() == b"png"
    for token, path in ((place.name, "b.png"), ("x" * 32, "a.png"), ("..", "a.png"), (place.name, "../a.png")):
        with pytest.raises((InputError, NotFoundError)):
            shelf.find(token, path)
    shelf.tidy(3600)
    assert place.exists()
    shelf.tidy(-1)
    assert not place.exists()
