"""Work on a Dask cluster beside the worker processes of this machine: wall time, overhead, faults, many workers.

Two workers of one thread as processes on loopback stand beside `--jobs 2`; both write the same bytes. The faults are
real: a worker is killed with SIGKILL at a random moment, a task kills its worker, the scheduler is killed.
"""

import filecmp
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Contestant, Table, environment, interleaved, number, s2kit_command, work_folder
from s2kit.area.projection import LON_LAT, project_point
from s2kit.demo.series import Scene, make_scene
from s2kit.run.cluster import Cluster
from s2kit.run.outcome import Done, Failed
from s2kit.run.parallel import on_cluster, pmap

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.cluster_tasks import die_on_seven, square, write  # noqa: E402 - lies beside the tests
from support.dask_cluster import DaskCluster, dask_cluster  # noqa: E402

SIDE, DATES, PLACES, PARCELS = 1320, 6, 48, 1000
KILLS = 10
_EVERY = 1000
_BATCHES, _BATCH = 8, 300
SIMULATED_WORKERS, SIMULATED_TASKS, CHIP_TASK_S = 64, 100_000, 1.0
"""Ten chips of one product out of a bucket take about so long, most of it waiting for their bytes."""


def run(repeat: int) -> list[Table]:
    """All tables of this area; `S2KIT_BENCH_TASKS` makes the simulation shorter."""
    scene = _scene()
    with tempfile.TemporaryDirectory() as folder, dask_cluster(Path(folder), 2, PYTHONPATH=str(TESTS)) as cluster:
        tables = [_verbs(scene, cluster, repeat), _overhead(cluster)]
    return [*tables, _faults(), _many_workers()]


def _scene() -> Scene:
    folder = work_folder() / "cluster-scene"
    scene = make_scene(folder, side=SIDE, dates=DATES, jobs=2)
    _parcels(folder / "many.geojson")
    _places(folder / "places.geojson")
    return scene


def _verbs(scene: Scene, cluster: DaskCluster, repeat: int) -> Table:
    products = [str(product) for product in scene.l2a]
    folder = scene.folder
    work = {
        f"render of {2 * DATES} products": ["render", *map(str, scene.products), "--out", "{}"],
        f"chips of {DATES * PLACES}": [
            *("chips", *products, "--points", str(folder / "places.geojson"), "--chipsize", "1280", "--limit", "0"),
            *("--out", "{}", "--no-cache"),
        ],
        f"stats of {PARCELS} parcels x 5 dates": [
            *("stats", *products[:5], "--parcels", str(folder / "many.geojson"), "--index", "ndvi", "-o", "{}.csv"),
        ],
        "cube of 6 dates": ["cube", *products[:6], "--bands", "B04,B08", "--out", "{}.zarr"],
    }
    rows = []
    for title, words in work.items():
        place = work_folder() / "cluster-out"
        contestants = {
            name: Contestant(
                [*s2kit_command(), *(word.format(place / name) for word in words), *engine], before=_empty(place, name)
            )
            for name, engine in (("jobs", ("--jobs", "2")), ("cluster", ("--cluster", cluster.address)))
        }
        place.mkdir(exist_ok=True)
        measured = interleaved(contestants, repeat)
        jobs, spread = measured["jobs"].wall_s, measured["cluster"].wall_s
        rows.append((title, number(jobs), number(spread), f"{spread / jobs:.2f}", _difference(place)))
        shutil.rmtree(place)
    head = ("what", "--jobs 2 s", "--cluster s", "ratio (bar 1.15)", "outputs")
    return Table("Two workers of a cluster beside --jobs 2", head, rows)


def _empty(place: Path, name: str) -> Any:
    def empty() -> None:
        for path in place.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return empty


def _difference(place: Path) -> str:
    """Whether both contestants wrote the same bytes."""
    one, two = ({_relative(path, place, name): path for path in _files(place, name)} for name in ("jobs", "cluster"))
    if not one or one.keys() != two.keys():
        return "NOT the same files"
    wrong = [name for name in one if not filecmp.cmp(one[name], two[name], shallow=False)]
    return f"{len(one)} files, equal" if not wrong else f"{len(wrong)} of {len(one)} DIFFER: {wrong[0]}"


def _files(place: Path, name: str) -> Iterator[Path]:
    for path in place.glob(f"{name}*"):
        yield from (one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def _relative(path: Path, place: Path, name: str) -> str:
    return str(path.relative_to(place)).removeprefix(name)


def _overhead(cluster: DaskCluster) -> Table:
    """The best of several batches: a busy neighbour counts as little as can be."""
    with on_cluster(Cluster(cluster.address)):
        list(pmap(square, range(100)))
        walls = []
        for _ in range(_BATCHES):
            started = time.perf_counter()
            list(pmap(square, range(_BATCH)))
            walls.append(1000 * (time.perf_counter() - started) / _BATCH)
    measured = f"{min(walls):.2f} ms a task, median {statistics.median(walls):.2f}"
    rows = [(f"{_BATCHES} times {_BATCH} tasks that do nothing", measured, "<= 3 ms")]
    return Table("Overhead", ("what", "measured", "bar"), rows)


def _faults() -> Table:
    rows = []
    lost = []
    for kill in range(KILLS):
        with tempfile.TemporaryDirectory() as folder, dask_cluster(Path(folder), 2, PYTHONPATH=str(TESTS)) as cluster:
            out = Path(folder) / "out"
            out.mkdir()
            jobs = [(str(out), at, 0.05) for at in range(60)]
            with on_cluster(Cluster(cluster.address)):
                killer = threading.Timer(random.Random(kill).uniform(0.05, 1.5), cluster.kill_a_worker, [kill % 2])
                started = time.perf_counter()
                killer.start()
                done = list(pmap(write, jobs))
                wall = time.perf_counter() - started
            names = sorted(path.name for path in out.iterdir())
            whole = names == sorted(f"{at}.txt" for at in range(60)) and all(isinstance(one, Done) for one in done)
            lost.append((whole, wall))
    good = sum(whole for whole, _ in lost)
    rows.append(
        (f"kill -9 of one of two workers, {KILLS} random moments", f"{good} of {KILLS} whole, no .part, "
         f"{min(wall for _, wall in lost):.1f} to {max(wall for _, wall in lost):.1f} s", "all whole"),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, dask_cluster(Path(folder), 2, PYTHONPATH=str(TESTS)) as cluster:
        with on_cluster(Cluster(cluster.address)):
            started = time.perf_counter()
            done = list(pmap(die_on_seven, range(20)))
            wall = time.perf_counter() - started
        failed = [one for one in done if isinstance(one, Failed)]
        measured = f"{20 - len(failed)} done, {len(failed)} named, {wall:.1f} s"
        rows.append(("a task that kills its worker, among 20", measured, "19, 1, < 60 s"))
        rows.append(("scheduler killed", _scheduler_killed(cluster), "75, one line, < 30 s"))
    return Table("Faults", ("what", "measured", "bar"), rows)


def _scheduler_killed(cluster: DaskCluster) -> str:
    products = [str(product) for product in _scene().l2a]
    out = work_folder() / "cluster-killed"
    shutil.rmtree(out, ignore_errors=True)
    command = [*s2kit_command(), "render", *products, "--recipe", "true-color", "--recipe", "swir", "--out", str(out)]
    with subprocess.Popen(
        [*command, "--cluster", cluster.address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        while not list(out.glob("*.jpg")) and process.poll() is None:
            time.sleep(0.02)
        assert cluster.scheduler is not None
        cluster.scheduler.kill()
        started = time.perf_counter()
        errors = process.communicate()[1].splitlines()
        wall = time.perf_counter() - started
    before = len(list(out.glob("*.jpg")))
    again = subprocess.run(
        [*command, "--jobs", "2", "-f", "csv"], capture_output=True, text=True, check=False, env=environment()
    )
    made = sum(row.startswith("made") for row in again.stdout.splitlines())
    shutil.rmtree(out)
    said = sum(line.startswith("s2kit: error") for line in errors)
    return f"exit {process.returncode}, {said} line, {wall:.1f} s; again: {made} made, {before} kept"


def _many_workers() -> Table:
    """Threads of one process that stand for 64 workers; tasks sleep as long as a real one takes."""
    from distributed import LocalCluster

    count = int(os.environ.get("S2KIT_BENCH_TASKS", SIMULATED_TASKS))
    memory: list[float] = []
    rates: list[float] = []
    local = LocalCluster(
        n_workers=SIMULATED_WORKERS, threads_per_worker=1, processes=False, memory_limit=0, dashboard_address=":0",
        silence_logs=50, worker_dashboard_address=None,
    )  # fmt: skip
    with local, on_cluster(Cluster(local.scheduler_address)):
        started = last = time.perf_counter()
        for at, _ in enumerate(pmap(_sleep, range(count)), 1):
            if at % _EVERY == 0:
                memory.append(_resident_mb())
                now = time.perf_counter()
                rates.append(_EVERY / (now - last))
                last = now
        wall = time.perf_counter() - started
    busy = [rate * CHIP_TASK_S for rate in rates[:-1]]
    rows = [
        ("tasks", f"{count} of {CHIP_TASK_S} s on {SIMULATED_WORKERS} workers", ""),
        ("wall", f"{wall:.0f} s, {1000 * wall / count:.2f} ms a task", ""),
        (
            "workers busy",
            f"{np.mean(busy):.1f} on average, {np.percentile(busy, 5):.1f} at the 5th percentile",
            ">= 60",
        ),
        ("memory of all", f"{memory[len(memory) // 10]:.0f} MB after a tenth, {memory[-1]:.0f} at the end", "flat"),
    ]
    return Table("Sixty-four simulated workers", ("what", "measured", "bar"), rows)


def _sleep(number_: int) -> int:
    time.sleep(CHIP_TASK_S)
    return number_


def _resident_mb() -> float:
    text = Path("/proc/self/statm").read_text()
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _places(path: Path) -> None:
    side = int(PLACES**0.5) + 1
    features = []
    for at in range(PLACES):
        x, y = 302_000 + 1400 * (at % side), 4_898_020 - 1400 * (at // side)
        features.append(_feature({"name": f"place {at}"}, "Point", _lonlat(x, y)))
    _write(path, features)


def _parcels(path: Path) -> None:
    side = int(PARCELS**0.5) + 1
    features = []
    for at in range(PARCELS):
        x, y = 300_500 + 380 * (at % side), 4_900_020 - 500 - 380 * (at // side)
        ring = [(x, y), (x + 300, y), (x + 300, y - 300), (x, y - 300), (x, y)]
        features.append(_feature({"pid": at}, "Polygon", [[_lonlat(*corner) for corner in ring]]))
    _write(path, features)


def _lonlat(x: float, y: float) -> Sequence[float]:
    return project_point(x, y, 32631, LON_LAT)


def _feature(properties: dict[str, Any], kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def _write(path: Path, features: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
