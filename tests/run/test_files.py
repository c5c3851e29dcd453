"""Outputs are whole or not there."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.errors import DiskError, OutputError, TryLaterError
from s2kit.run.files import atomic_file, destination_lock, free_bytes, remove, translate_os_error, write_atomic


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "picture.png"
    with atomic_file(target) as part:
        part.write_bytes(b"half")
        assert part.name == "picture.png.part"
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert [path.name for path in target.parent.iterdir()] == ["picture.png"]


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with atomic_file(tmp_path / "a") as part:
            part.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_kept(tmp_path: Path) -> None:
    target = write_atomic(tmp_path / "a", b"old")
    with pytest.raises(OutputError, match="exists already"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert write_atomic(target, b"new", overwrite=True).read_bytes() == b"new"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file/a"):
        write_atomic(tmp_path / "file" / "a" / "b", b"")


def test_a_full_disk_is_told_from_a_closed_door(tmp_path: Path) -> None:
    assert type(translate_os_error(OSError(errno.ENOSPC, "No space left"), tmp_path)) is DiskError
    assert type(translate_os_error(OSError(errno.EACCES, "Permission denied"), tmp_path)) is OutputError


def test_a_really_full_disk_is_a_disk_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        return
    with pytest.raises(OSError, match="No space left") as caught:
        full.write_bytes(b"x" * 10)
    assert type(translate_os_error(caught.value, full)) is DiskError


def test_a_lock_keeps_another_process_out(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from s2kit.run.files import destination_lock\n"
        "with destination_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TryLaterError, match="another run"), destination_lock(tmp_path):
            pass
        other.communicate("")
    with destination_lock(tmp_path):
        pass


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_remove_takes_files_folders_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"x")
    for name in ("folder", "file", "absent"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
