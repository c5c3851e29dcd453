"""Outputs are whole or not there."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.errors import DiskError, InputError, OutputError
from s2kit.run.files import atomic_file, free_bytes, parts_of, remove, translate_os_error, write_atomic


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "picture.png"
    with atomic_file(target) as part:
        part.write_bytes(b"half")
        assert part.name.startswith("picture.png.")
        assert part.suffix == ".part"
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


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_remove_takes_files_folders_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"x")
    for name in ("folder", "file", "absent"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_file_never_mix(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with atomic_file(target) as one, atomic_file(target, overwrite=True) as two:
        assert one != two
        one.write_bytes(b"one")
        two.write_bytes(b"two, longer")
    assert target.read_bytes() in {b"one", b"two, longer"}
    assert names(tmp_path) == ["a"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "link", tmp_path / "real" / "file"
    link.symlink_to("real/file")
    write_atomic(link, b"new")  # a link to nothing yet: the file is made
    write_atomic(link, b"newer", overwrite=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"newer"
    assert sorted(names(tmp_path)) == ["link", "real"]
    assert names(target.parent) == ["file"]


def test_a_temporary_name_never_follows_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr("s2kit.run.files.secrets.token_hex", lambda nbytes: "0" * 8)
    (tmp_path / "a.00000000.part").symlink_to(victim)
    with pytest.raises(OutputError):
        write_atomic(tmp_path / "a", b"x")
    assert victim.read_bytes() == b"precious"


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        write_atomic(pipe, b"through")
        assert reader.communicate(timeout=20)[0] == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


BY_NAME = """
import sys
from pathlib import Path
from s2kit.run.files import write_atomic
print("before")
write_atomic(Path(sys.argv[1]), b"data\\n")
print("after")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("piped", [True, False])
def test_stdout_by_its_name_is_written_to(name: str, piped: bool, tmp_path: Path) -> None:
    if not Path(name).exists():
        return  # macOS has no /proc
    words = [sys.executable, "-c", BY_NAME, name]
    if piped:
        out = subprocess.run(words, stdout=subprocess.PIPE).stdout
    else:
        with (tmp_path / "log").open("ab") as log:
            log.write(b"yesterday\n")
            log.flush()
            subprocess.run(words, stdout=log)
        first, _, out = (tmp_path / "log").read_bytes().partition(b"\n")
        assert first == b"yesterday"
    assert out == b"before\ndata\nafter\n"


def test_devices_stay_devices() -> None:
    write_atomic(Path("/dev/null"), b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    if Path("/dev/full").exists():
        with pytest.raises(DiskError, match="/dev/full"):
            write_atomic(Path("/dev/full"), b"x" * 100_000)
        assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_atomic(tmp_path / "a", b"", overwrite=True)


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_names_up_to_255_bytes(letter: str, tmp_path: Path) -> None:
    most = letter * (255 // len(letter.encode()))
    assert write_atomic(tmp_path / most, b"x").read_bytes() == b"x"
    with pytest.raises(InputError, match="file systems allow 255"):
        write_atomic(tmp_path / (most + letter), b"x")
    with pytest.raises(InputError, match="file systems allow 255"):
        write_atomic(tmp_path / (most + letter) / "b", b"x")


def test_what_killed_writers_left_is_found(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from s2kit.run.files import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as part: Path(f'{part}.aux.xml').touch(); os.kill(os.getpid(), 9)"
    )
    long = "n" * 250
    for name in ("a", long):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)])
    assert len(parts_of(tmp_path / "a")) == len(parts_of(tmp_path / long)) == 2
    assert sorted(parts_of(tmp_path / "a", tmp_path / long)) == sorted(tmp_path.iterdir())
    assert parts_of(tmp_path / "b", tmp_path / "none" / "a") == []
