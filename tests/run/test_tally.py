"""Numbers that several processes add to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.run import tally

ADD = "from s2kit.run import tally\nfor _ in range(200): tally.add({'a': 1, 'b': 0.5})"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "tally"
    path.touch()
    monkeypatch.setenv(tally.TALLY, str(path))
    return path


def test_nothing_is_lost_among_processes(path: Path) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", ADD], env=os.environ) for _ in range(3)]
    assert [one.wait(60) for one in workers] == [0, 0, 0]
    assert tally.totals() == {"a": 600, "b": 300.0}


def test_a_file_that_a_killed_process_left_half_written_begins_anew(path: Path) -> None:
    path.write_text('{"a": 1')
    tally.add({"a": 2})
    assert tally.totals() == {"a": 2}


def test_without_a_file_nothing_is_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.unlink()
    tally.add({"a": 1})
    assert tally.totals() == {}
    assert not path.exists()
    monkeypatch.delenv(tally.TALLY)
    assert not tally.is_counting()
    tally.add({"a": 1})
    assert tally.totals() == {}
