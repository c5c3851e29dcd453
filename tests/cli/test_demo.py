"""`s2kit demo` in a process of its own, twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from s2kit.workflows.demo import STEPS
from s2kit.workflows.scene import Scene


def demo(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "s2kit", "demo", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})


def test_demo_plays_and_plays_again(scene: Scene, tmp_path: Path) -> None:
    shutil.copytree(scene.folder, tmp_path / "s2kit-demo" / "scene")
    first = demo(tmp_path, S2KIT_CATALOGUE="cdse")  # the demonstration does not listen to the user's settings
    assert (first.returncode, first.stderr) == (0, "")
    for step in STEPS:
        assert f"# {step.title}\n$ {step.line}\n" in first.stdout
    assert "s2kit-demo/bucket" in first.stdout
    again = demo(tmp_path)
    assert (again.returncode, again.stderr) == (0, "")


def test_demo_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("…")
    done = demo(tmp_path, "--out", ".")
    assert done.returncode == 73
    assert done.stderr.startswith("s2kit: error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
