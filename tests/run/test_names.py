"""Names of files that strangers write stay in the folder that they were meant for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.run.names import SEPARATORS, file_name, inside


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("S2A_MSIL2A_20240419T105031", "S2A_MSIL2A_20240419T105031"),
        ("../../x", "__.._x"),
        ("/abs/x", "_abs_x"),
        ("..", "_"),
        ("", "_"),
        (".bashrc", "_bashrc"),
        ("a\x1b[31m\n\0b", "a__31m__b"),
        ("C:\\x", "C__x"),
        ("Äcker 3", "Äcker_3"),
    ],
)
def test_what_becomes_of_a_text(text: str, name: str) -> None:
    assert file_name(text) == name


@given(st.text())
def test_no_text_leads_out_of_a_folder(text: str) -> None:
    for name in (file_name(text), file_name(text, SEPARATORS, "-")):
        assert (Path("/tmp/folder") / f"{name}.jpg").parent == Path("/tmp/folder")
        assert name not in {"", ".", ".."}
        assert len(name.encode("utf-8", "replace")) <= 160


def test_long_texts_stay_distinct() -> None:
    one, other = file_name("a" * 300 + "1"), file_name("a" * 300 + "2")
    assert one != other
    assert max(len(one), len(other)) <= 150


def test_containment_is_checked_after_resolving(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "a.jpg").symlink_to(tmp_path / "elsewhere")
    assert inside(tmp_path / "pics", "b.jpg") == tmp_path / "pics" / "b.jpg"
    for name in ("a.jpg", "../x", "/x"):
        with pytest.raises(InputError, match="leads out of"):
            inside(tmp_path / "pics", name)
