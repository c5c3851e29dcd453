"""`s2kit demo` in a process of its own, twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s2kit.demo.run import STEPS
from support.scenes import built_scene


def demo(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "s2kit", "demo", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})


def test_demo_plays_and_plays_again(tmp_path: Path) -> None:
    scene = built_scene(side=600, more_l2a=1)  # a smaller world than the demonstration makes; it keeps what is there
    shutil.copytree(scene.folder, tmp_path / "s2kit-demo" / "scene")
    first = demo(
        tmp_path, "--jobs", "1", S2KIT_CATALOGUE="cdse"
    )  # the demonstration does not listen to the user's settings
    assert (first.returncode, first.stderr) == (0, "")
    for step in STEPS:
        assert f"# {step.title}\n$ {step.line}\n" in first.stdout
    folder = tmp_path / "s2kit-demo"
    assert len(list(folder.glob("dataset/*.SAFE"))) == 3
    assert len(list(folder.glob("pictures/*.jpg"))) == 7
    assert len(list(folder.glob("chips/*.png"))) == 3
    assert (folder / "chips" / "chipsview.html").is_file()
    again = demo(tmp_path, "--jobs", "1")
    assert (again.returncode, again.stderr) == (0, "")
    assert "7 pictures" in again.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_leaves_nothing_half_made(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "s2kit", "demo", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.rglob("*.SAFE.part")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(60) == code
    assert not list(tmp_path.rglob("*.part"))


def test_demo_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("…")
    done = demo(tmp_path, "--out", ".")
    assert done.returncode == 73
    assert done.stderr.startswith("s2kit: error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
