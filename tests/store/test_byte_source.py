"""Ranges of files: right bytes, counted, and errors that name the file."""

from pathlib import Path

import pytest

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.store import byte_source
from s2kit.store.byte_source import FileSource, Traffic
from s2kit.store.spans import Span

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "file.bin"
    file.write_bytes(CONTENT)
    return file


@pytest.mark.parametrize("pread", [True, False])
def test_ranges_come_in_the_order_asked_for(path: Path, pread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_source, "_HAS_PREAD", pread and byte_source._HAS_PREAD)
    with FileSource(path) as source:
        assert source.size == 1024
        assert source.read_many([Span(1000, 24), Span(0, 3), Span(5, 0)]) == [CONTENT[1000:], CONTENT[:3], b""]
        assert (source.traffic.requests, source.traffic.nbytes, source.traffic.round_trips) == (3, 27, 0)


def test_a_part_of_a_file_counts_from_its_own_start(path: Path) -> None:
    with FileSource(path, 100, 50, "zip/member") as source:
        assert source.size == 50
        assert source.read_many([Span(0, 50)]) == [CONTENT[100:150]]
    with pytest.raises(InputError, match="zip/member: the file ends at byte 1024, the image at byte 1030"):
        FileSource(path, 1000, 30, "zip/member")


def test_a_file_that_shrinks_while_it_is_read_is_told(path: Path) -> None:
    with FileSource(path) as source:
        path.write_bytes(CONTENT[:100])
        with pytest.raises(InputError, match="has become shorter"):
            source.read_many([Span(90, 50)])


def test_a_failing_disk_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(byte_source.os, "pread", fail)
    with FileSource(path) as source, pytest.raises(DiskError, match=r"file.bin: Input/output error"):
        source.read_many([Span(0, 5)])


def test_what_is_not_there_or_empty_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        FileSource(tmp_path / "none")
    with pytest.raises(InputError, match="a folder"):
        FileSource(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        FileSource(path)


def test_a_file_has_another_identity_once_it_has_changed(path: Path) -> None:
    with FileSource(path) as one, FileSource(path) as same, FileSource(path, 0, 10) as part:
        assert one.identity == same.identity != part.identity
    path.write_bytes(CONTENT[::-1])
    with FileSource(path) as changed:
        assert changed.identity != one.identity


def test_traffic_adds_up() -> None:
    assert Traffic(1, 20, 1) + Traffic(2, 30, 1) == Traffic(3, 50, 2)
