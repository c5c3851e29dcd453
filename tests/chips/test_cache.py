"""The cache of chips: whole files only, two writers at once, age."""

import subprocess
import sys

import pytest

from s2kit.chips.cache import (
    Clear,
    open_store_of,
    place_file,
    recall_clear,
    remember_clear,
    replace_file,
)
from s2kit.errors import OutputError


def test_a_chip_is_there_when_its_record_and_all_files_are(tmp_path):
    store = open_store_of(tmp_path, "E1_5N43_6", {"bands": ["B04"], "lut": "5_95"})
    assert store.record("P") is None
    replace_file(store.path("P.png"), b"picture")
    assert list(store.records()) == []
    store.keep("P", {"id": "P", "files": ["P.png"]})
    assert [record["id"] for record in store.records()] == ["P"]
    store.path("P.png").unlink()
    assert store.record("P") is None


def test_other_parameters_are_another_store(tmp_path):
    one = open_store_of(tmp_path, "x", {"lut": "5_95"})
    assert one.folder == open_store_of(tmp_path, "x", {"lut": "5_95"}).folder
    assert one.folder != open_store_of(tmp_path, "x", {"lut": "1_99"}).folder


def test_a_broken_record_counts_as_none(tmp_path):
    store = open_store_of(tmp_path, "x", {})
    store.path("P.json").write_text("{")
    assert store.record("P") is None
    store.path("P.json").write_text("[]")
    assert list(store.records()) == []


def test_two_processes_write_the_same_chip(tmp_path):
    code = (
        "import sys; from pathlib import Path; from s2kit.chips.cache import open_store_of, replace_file\n"
        "store = open_store_of(Path(sys.argv[1]), 'x', {})\n"
        "for _ in range(200):\n"
        "    replace_file(store.path('P.png'), b'p' * 5000); store.keep('P', {'id': 'P', 'files': ['P.png']})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    store = open_store_of(tmp_path, "x", {})
    while any(writer.poll() is None for writer in writers):
        if (record := store.record("P")) is not None:
            assert record["id"] == "P"
            assert store.path("P.png").read_bytes() == b"p" * 5000
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(path.name for path in store.folder.iterdir()) == ["P.json", "P.png", "key.json"]


def test_files_are_placed_and_replaced(tmp_path):
    source = tmp_path / "a.png"
    source.write_bytes(b"one")
    for _ in range(2):
        place_file(source, tmp_path / "out" / "a.png")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"one"
    other = tmp_path / "b.png"
    other.write_bytes(b"two")
    place_file(other, tmp_path / "out" / "a.png")
    assert source.read_bytes() == b"one"
    with pytest.raises(OutputError):
        place_file(source, source / "below" / "a.png")


def test_what_was_clear_is_known_to_the_next_verb(tmp_path):
    assert recall_clear(tmp_path, ["A"]) is None
    clear = Clear({"B": "b.SAFE", "A": "a.SAFE"}, ({"lon": 1.5},))
    remember_clear(tmp_path, clear)
    assert recall_clear(tmp_path, ["A"]) == clear
    assert recall_clear(tmp_path, ["A", "C"]) is None
    assert recall_clear(tmp_path, []) is None
