"""One run a destination; nothing stays when it is done."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from s2kit.errors import OutputError, TryLaterError
from s2kit.run.locks import destination_lock, locked_file, output_lock


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


HOLD = (
    "import sys; from pathlib import Path; from s2kit.run import locks\n"
    "with getattr(locks, sys.argv[1])(Path(sys.argv[2])): print('held', flush=True); sys.stdin.read()"
)


def holder(kind: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, kind, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_keeps_another_process_out_and_leaves_nothing(tmp_path: Path) -> None:
    with holder("destination_lock", tmp_path) as other:
        with pytest.raises(TryLaterError, match="another run"), destination_lock(tmp_path):
            pass
        other.communicate("")
    with destination_lock(tmp_path):
        assert names(tmp_path) == [".s2kit.lock"]
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["out.csv", "n" * 254])
def test_one_writer_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(name)
    with holder("output_lock", tmp_path / name) as other:
        for path in (tmp_path / name, tmp_path / "link"):
            with pytest.raises(TryLaterError, match="another run"), locked_file(path, overwrite=True):
                pass
        other.communicate("")
    with locked_file(tmp_path / "link") as part:
        part.write_text("x")
    assert sorted(names(tmp_path)) == sorted(["link", name])


def test_a_killed_run_gives_its_lock_up(tmp_path: Path) -> None:
    with holder("output_lock", tmp_path / "a") as other:
        other.kill()
        other.communicate()
    with locked_file(tmp_path / "a") as part:
        part.write_text("x")
    assert names(tmp_path) == ["a"]


def test_what_a_killed_run_left_goes(tmp_path: Path) -> None:
    (tmp_path / "a.0123abcd.part").touch()
    (tmp_path / "ab.0123abcd.part").touch()
    with output_lock(tmp_path / "a"):
        pass
    assert names(tmp_path) == ["ab.0123abcd.part"]


def test_many_who_wait_hold_it_one_at_a_time(tmp_path: Path) -> None:
    inside, most, done = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, done
        for _ in range(20):
            with destination_lock(tmp_path, 60):
                inside += 1
                most = max(most, inside)
                inside -= 1
                done += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (1, 80)
    assert names(tmp_path) == []


def test_a_lock_file_is_no_link(tmp_path: Path) -> None:
    (tmp_path / ".s2kit.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OutputError), destination_lock(tmp_path):
        pass
    assert not (tmp_path / "victim").exists()
