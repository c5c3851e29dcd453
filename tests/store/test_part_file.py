"""Parts of transfers: one run at a time, no links followed, what was there is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.errors import TryLaterError
from s2kit.store.part_file import open_part, remove_part

HOLD = "import sys; from pathlib import Path; from s2kit.store.part_file import open_part; f = open_part(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def held(tmp_path: Path):
    """A part that another process has open."""
    path = tmp_path / "B04.jp2.0123.part"
    path.write_bytes(b"abc")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield path, process
    process.kill()
    process.communicate(timeout=10)


def test_a_part_that_another_run_writes_is_left_alone(held):
    path, process = held
    for attempt in (open_part, remove_part):
        with pytest.raises(TryLaterError, match="another run") as caught:
            attempt(path)
        assert caught.value.exit_code == 75
    process.kill()
    process.wait(10)
    with open_part(path) as file:
        assert file.read() == b"abc"
    remove_part(path)
    assert not path.exists()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    part = tmp_path / "a.part"
    part.symlink_to(victim)
    with open_part(part) as file:
        file.write(b"bytes")
    assert victim.read_bytes() == b"precious"
    assert not part.is_symlink()
    dangling = tmp_path / "b.part"
    dangling.symlink_to(tmp_path / "nowhere")
    open_part(dangling).close()
    assert not (tmp_path / "nowhere").exists()


def test_a_part_that_was_renamed_meanwhile_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, target = tmp_path / "a.part", tmp_path / "a"
    path.write_bytes(b"complete")
    plain, calls = os.open, []

    def late(name: str | Path, *arguments: int) -> int:
        handle = plain(name, *arguments)
        if not calls:
            calls.append(name)
            path.replace(target)  # the other run ends between the opening and the lock
        return handle

    monkeypatch.setattr(os, "open", late)
    with open_part(path) as file:
        assert file.read() == b""
    assert target.read_bytes() == b"complete"
