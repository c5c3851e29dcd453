"""The demonstration: a small invented world on the disk, and the commands that a user would type in it."""

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from s2kit.demo.bucket import lay_out_bucket
from s2kit.demo.series import make_scene
from s2kit.demo.writer import place
from s2kit.errors import ExitCode, OutputError, S2KitError
from s2kit.run.command import run_pipeline
from s2kit.run.events import Report, silent
from s2kit.run.files import ensure_folder, write_atomic
from s2kit.run.locks import destination_lock

SIDE = 1800
_MORE = 1
"""Dates after the first two, so that a series has a beginning, a middle and an end."""
_SETTINGS = """\
# Settings of the demonstration: the archives and the catalogue are folders, so that nothing needs the network.
dataset = "dataset"
jobs = {jobs}
catalogue = "demo"

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


_MEAN = {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
_GRAPH = {
    "process_graph": {
        "load": {
            "process_id": "load_collection",
            "arguments": {
                "id": "SENTINEL2_L2A",
                "spatial_extent": None,
                "temporal_extent": ["2024-04-01", "2024-07-01"],
                "bands": ["B04", "B08"],
            },
        },
        "mean": {
            "process_id": "reduce_dimension",
            "arguments": {"data": {"from_node": "load"}, "dimension": "t", "reducer": {"process_graph": {"m": _MEAN}}},
        },
        "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "mean"}, "red": "B04", "nir": "B08"}},
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "ndvi"}, "format": "GTiff"},
            "result": True,
        },
    }
}
"""NDVI of the means of two dates."""


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One thing that the demonstration shows."""

    title: str
    commands: tuple[str, ...]
    """What is typed after `s2kit`, for each command of a pipeline."""
    needs: tuple[str, ...] = ()
    """Packages of an extra that it takes; without them it is not shown."""

    @property
    def line(self) -> str:
        """What a user types."""
        return " | ".join(f"s2kit {command}" for command in self.commands)


@dataclass(frozen=True, slots=True)
class Played:
    """A step that was run."""

    step: DemoStep
    seconds: float
    output: str
    """What the last command printed."""


_SEASON = "--range 2024-04-01 2024-07-31"
_WHERE_WHEN = f"--aoi aoi.geojson {_SEASON}"
_FIELD = "--parcels parcels.geojson --pid 138"
_SPRING = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
_NOT_FETCHED = "S2A_MSIL1C_20240615T104031_N0510_R008_T31TCJ_20240615T135739"

STEPS = (
    DemoStep("Which products show this area?", (f"search {_WHERE_WHEN} --map map.html",)),
    DemoStep(
        "Fetch them from the bucket as SAFE folders, every file proven by ESA's checksum",
        (f"search {_WHERE_WHEN} -f ids", "download -"),
    ),
    DemoStep("Prove one of them again, file by file", (f"verify dataset/{_SPRING}.SAFE",)),
    DemoStep("What is this product?", (f"info {_SPRING}",)),
    DemoStep(
        "Pictures of all of them, true colours and NDVI", ("render --bands B04,B03,B02 --index ndvi@20 --out pictures",)
    ),
    DemoStep(
        "All dates as one picture without clouds: of each pixel the median of the days on which it is clear",
        (f"render dataset --composite median --mask-clouds --dilate 40 {_SEASON} --out season --overwrite",),
    ),
    DemoStep(
        "The same dates as a cube of numbers for xarray, GDAL or QGIS: what would be made?",
        (f"cube dataset --aoi aoi.geojson {_SEASON} --bands B04,B08,SCL --index ndvi --mask-clouds --dry-run",),
    ),
    DemoStep(
        "A picture of a product that was never downloaded, straight from the bucket",
        (f"render {_NOT_FETCHED} --recipe swir --max-px 600 --out pictures",),
    ),
    DemoStep(
        "Numbers instead of a picture: a few pixels of a band, of which only the bytes that matter are read",
        (f"pixels {_NOT_FETCHED} --band B8A --window 200,200,8,4 --rlevel 0 --meta",),
    ),
    DemoStep(
        "One field through the season, as small pictures on a page",
        (f"chips {_FIELD} --margin 400 {_SEASON} --bands B04,B03,B02 --lut 0_3000_0_3000_0_3000 --out chips",),
    ),
    DemoStep("Is the field under clouds? Pixels of each class of the SCL", (f"stats {_FIELD} --lines",)),
    DemoStep("How green is it, without clouds?", (f"stats {_FIELD} --index ndvi --mask-clouds",)),
    DemoStep(
        "Only the days on which it is clear: their pixels as GeoTIFFs",
        (f"stats {_FIELD} --layer SCL --clear -f ids", f"chips - {_FIELD} --raw --bands B08,B04 --out raw -f ids"),
    ),
    DemoStep(
        "NDVI of two dates as an openEO process graph: the same on a server of anybody",
        ("run ndvi.json --out ndvi.tif --overwrite",),
        ("dask", "odc.geo", "xarray"),
    ),
)
"""What is shown, in order."""


def shown_steps() -> Iterator[DemoStep]:
    """The steps whose packages are installed."""
    for step in STEPS:
        try:
            if all(find_spec(name) is not None for name in step.needs):
                yield step
        except ModuleNotFoundError:  # a part of a package that is not there
            continue


NEXT = (
    f"s2kit cube dataset {_WHERE_WHEN} --bands B04,B08 --index ndvi --mask-clouds --out season.zarr    # s2kit[xarray]",
    "s2kit render --recipe false-color --mask-clouds --format cog --out cogs",
    "s2kit stats --parcels parcels.geojson --index ndvi --mask-clouds -f csv -o ndvi.csv",
    f"s2kit search {_WHERE_WHEN} --max-cloud 5 -f geojson",
    "cd .. && s2kit search --point 1.44 43.60 --date -30d --max-cloud 20    # real ones, from the network",
)
"""What may be typed afterwards."""


@dataclass(frozen=True, slots=True)
class Made:
    """Something to look at afterwards."""

    path: Path
    what: str


_SIGHTS = (
    ("map.html", "", "what the search found, on a map"),
    ("dataset", "*.SAFE", "products in SAFE folders"),
    ("pictures", "*.jpg", "pictures, with world files for a GIS"),
    ("season", "*.jpg", "the season without clouds, in one picture"),
    ("chips/chipsview.html", "", "the field through the season: open it in a browser"),
    ("raw", "*.tif", "GeoTIFFs of the field, for your own sums"),
    ("ndvi.tif", "", "NDVI of two dates, by the graph in ndvi.json"),
    ("parcels.geojson", "", "all fields and their crops"),
    ("bucket", "*/products/*/*/*/*", "products as the buckets keep them"),
)


def prepare(folder: Path, *, side: int = SIDE, jobs: int = 0, report: Report = silent) -> Path:
    """Make the demonstration's world, or keep the one that is there.

    Args:
        folder: Where it goes; a folder that holds something else is refused.
        side: Rows and columns of the scene at 10 m.
        jobs: Worker processes, now and in the commands that follow; 0 takes every core.
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
            write_atomic(folder / "settings.toml", _SETTINGS.format(jobs=jobs).encode())
        if not (folder / "ndvi.json").exists():
            write_atomic(folder / "ndvi.json", (json.dumps(_GRAPH, indent=2) + "\n").encode())
        ensure_folder(folder / "dataset")
    return folder


def play(step: DemoStep, folder: Path) -> Played:
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
    for name, inside, what in _SIGHTS:
        if (folder / name).exists():
            count = f"{len(list((folder / name).glob(inside)))} " if inside else ""
            yield Made(folder / name, f"{count}{what}")
