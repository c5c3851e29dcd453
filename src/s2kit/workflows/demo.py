"""The demonstration: a small invented world on the disk, and the commands that a user would type in it."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2kit.core.events import Report, silent
from s2kit.errors import ExitCode, OutputError, S2KitError
from s2kit.io.command import run_pipeline
from s2kit.io.files import destination_lock, ensure_folder, write_atomic
from s2kit.io.scene_writer import place
from s2kit.workflows.scene import make_scene
from s2kit.workflows.scene_bucket import lay_out_bucket

SIDE = 1800
_MORE = 2
"""Dates after the first two, for a series."""
_SETTINGS = """\
# Settings of the demonstration: the archives and the catalogue are folders, so that nothing needs the network.
dataset = "dataset"
catalogue = "demo"
cache_dir = "cache"

[archives.aws-l1c]
address = "bucket/sentinel-s2-l1c"
requester_pays = false

[archives.aws-l2a]
address = "bucket/sentinel-s2-l2a"
requester_pays = false

[catalogues.demo]
kind = "local"
url = "bucket"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the demonstration shows."""

    title: str
    commands: tuple[str, ...]
    """What is typed after `s2kit`, for each command of a pipeline."""

    @property
    def line(self) -> str:
        """What a user types."""
        return " | ".join(f"s2kit {command}" for command in self.commands)


@dataclass(frozen=True, slots=True)
class Played:
    """A step that was run."""

    step: Step
    seconds: float
    output: str
    """What the last command printed."""


STEPS = (
    Step(
        "Which products show this area, in spring?",
        ("search --aoi aoi.geojson --range 2024-04-01 2024-06-30",),
    ),
)
"""What is shown, in order."""

NEXT: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """Something to look at afterwards."""

    path: Path
    what: str


def prepare(folder: Path, *, side: int = SIDE, jobs: int = 0, report: Report = silent) -> Path:
    """Make the demonstration's world, or keep the one that is there.

    Args:
        folder: Where it goes; a folder that holds something else is refused.
        side: Rows and columns of the scene at 10 m.
        jobs: Worker processes.
        report: Takes the events.

    Returns:
        The folder, absolute.

    Raises:
        OutputError: The folder holds something else, or cannot be written.
    """
    folder = ensure_folder(folder).resolve()
    if not (folder / "scene").is_dir() and any(not path.name.startswith(".s2kit") for path in folder.iterdir()):
        raise OutputError(f"{folder} holds something else than a demonstration", "name another folder with --out")
    with destination_lock(folder):
        scene = make_scene(folder / "scene", side=side, more_l2a=_MORE, jobs=jobs, report=report)
        lay_out_bucket(scene, folder)
        for source in (scene.aoi, scene.parcels):
            if not (folder / source.name).exists():
                place(source, folder / source.name)
        if not (folder / "settings.toml").exists():
            write_atomic(folder / "settings.toml", _SETTINGS.encode())
        ensure_folder(folder / "dataset")
    return folder


def play(step: Step, folder: Path) -> Played:
    """Run a step's commands in the demonstration's folder.

    Raises:
        S2KitError: A command failed.
    """
    started = time.perf_counter()
    done = run_pipeline([shlex.split(command) for command in step.commands], folder)
    if done.exit_code != ExitCode.DONE:
        raise S2KitError(
            f"`{step.line}` ended with exit code {done.exit_code}: {done.stderr.strip()}",
            f"type it yourself in {folder} with -vv",
        )
    return Played(step, time.perf_counter() - started, done.stdout)


def made(folder: Path) -> Iterator[Made]:
    """What lies in the folder now and is worth a look, in order."""
    for name, what in _SIGHTS:
        for path in sorted(folder.glob(name)):
            yield Made(path, what)


_SIGHTS = (
    ("bucket", "what the cloud buckets would hold"),
    ("parcels.geojson", "fields with their crops"),
)
