"""Map tiles of a full-size product, eight clients at once, beside titiler; chip series by HTTP beside the command line.

The bars: three times the throughput of titiler on the same file, and 1.1 times the wall time of the command line. Each
service is one process; clients ask for the same tiles in the same order.
"""

import contextlib
import http.client
import json
import math
import os
import random
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.bench_chips import DATES, LATENCY_S, series
from benchmarks.bucket_server import served
from benchmarks.harness import Absent, Table, environment, measure, number, peer_python, s2kit_command, work_folder
from benchmarks.inputs import full_tile

CLIENTS, TILES = 8, 240
START_S = 60
HEAD = ("service", "tiles/s", "median ms", "p95 ms", "throughput of titiler", "bar")

TITILER = """
import sys
import uvicorn
from fastapi import FastAPI
from titiler.core.factory import TilerFactory
app = FastAPI()
app.include_router(TilerFactory().router)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    return [_map_tiles(repeat), _chip_series(repeat)]


def _map_tiles(repeat: int) -> Table:
    safe = full_tile()
    (band,) = safe.rglob("*_B04_10m.jp2")
    folder = work_folder() / "serve"
    folder.mkdir(exist_ok=True)
    settings = folder / "settings.toml"
    settings.write_text(f'dataset = "{safe.parent}"\n')
    ours = [*s2kit_command(), "serve", "--config", str(settings), "--state", str(folder / "state"), "--port"]
    peer = peer_python("titiler", ["titiler.core>=0.18", "uvicorn>=0.30"])
    paths = {"s2kit": f"/tiles/{safe.stem}/{{}}.png?bands=B04&stretch=0:0.4"}
    commands = {"s2kit": ours}
    if not isinstance(peer, Absent):
        paths["titiler"] = f"/tiles/WebMercatorQuad/{{}}.png?url={band}&rescale=0,5000"
        commands["titiler"] = [str(peer), "-c", TITILER]
    measured: dict[str, list[list[float]]] = {name: [] for name in commands}
    for turn in range(repeat):
        tiles = _tiles(turn)
        for name, command in commands.items():
            with running_service(command) as (port, _):
                measured[name].append(_ask(port, [paths[name].format(tile) for tile in tiles]))
    speed = {name: statistics.median(run[0] for run in runs) for name, runs in measured.items()}
    rows = [_row(name, runs, speed) for name, runs in measured.items()]
    if isinstance(peer, Absent):
        rows.append((f"titiler (absent: {peer.reason})", "", "", "", "", ""))
    return Table(f"{TILES} tiles of 256 px of one band, {CLIENTS} clients", HEAD, rows)


def _chip_series(repeat: int) -> Table:
    """24 chips of one place, another place each turn, since both keep the chips that they made."""
    folder, work = series(), work_folder() / "serve"
    names = sorted(path.name for path in folder.iterdir() if path.suffix == ".SAFE")[:DATES]
    for name in names:
        _list_files(folder / name)
    load = f"load average {os.getloadavg()[0]:.1f}"
    with served(folder, latency_s=LATENCY_S) as url:
        bucket = (
            f'[archives.bench]\naddress = "s3://bench"\nendpoint_url = "{url}"\nregion = "us-east-1"\nlayout = "safe"\n'
        )
        rows = [
            _series_row("local files, by page", f'dataset = "{folder}"\ncatalogue = "local"\n', None, repeat),
            _series_row(f"bucket at {LATENCY_S * 1000:g} ms, raw", f"{bucket}anonymous = true\n", names, repeat),
        ]
    head = ("from", "command line s", "HTTP s", "ratio", "bar")
    return Table(f"chip series of {DATES} dates, warm ({load}; {work.name})", head, rows)


def _list_files(product: Path) -> None:
    """A manifest, without which an archive's product is none; nothing is proven by it here."""
    objects = "".join(
        f'<dataObject ID="_{at}"><byteStream mimeType="application/octet-stream" size="{path.stat().st_size}">'
        f'<fileLocation href="./{path.relative_to(product).as_posix()}" locatorType="URL"/>'
        f'<checksum checksumName="MD5">{"0" * 32}</checksum></byteStream></dataObject>'
        for at, path in enumerate(sorted(product.rglob("*.*")))
        if path.is_file() and path.name != "manifest.safe"
    )
    (product / "manifest.safe").write_text(f"<XFDU><dataObjectSection>{objects}</dataObjectSection></XFDU>")


def _series_row(title: str, settings: str, names: list[str] | None, repeat: int) -> Sequence[str]:
    """Medians of both; the first turn warms the caches of files and indices and is not counted."""
    walls: dict[str, list[float]] = {"command": [], "HTTP": []}
    with tempfile.TemporaryDirectory(dir=work_folder()) as name:
        work = Path(name)
        for one in walls:
            (work / f"{one}.toml").write_text(
                f'cache_dir = "{work / one}"\ndataset = "{work}"\n{settings}'
                if names
                else f'cache_dir = "{work / one}"\n{settings}'
            )
        command = [
            *s2kit_command(),
            "serve",
            "--config",
            str(work / "HTTP.toml"),
            "--state",
            str(work / "state"),
            "--port",
        ]
        with running_service(command) as (port, _):
            for turn in range(repeat + 1):
                lon, lat = 1.0 + turn / 50, 43.7 + turn / 70
                walls["HTTP"].append(_series_by_http(port, lon, lat, names))
                walls["command"].append(_series_by_command(work, turn, lon, lat, names))
    theirs, ours = (statistics.median(walls[one][1:]) for one in ("command", "HTTP"))
    return (title, number(theirs), number(ours), f"{ours / theirs:.2f}", "yes" if ours <= 1.1 * theirs else "NO")


def _series_by_http(port: int, lon: float, lat: float, names: list[str] | None) -> float:
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    if names is None:
        connection.request(
            "GET",
            f"/query/chipsByLocation?lon={lon}&lat={lat}&start_date=2024-01-01&end_date=2024-12-31&bands=B04_B03_B02",
        )
    else:
        body = json.dumps({"lon": lon, "lat": lat, "tiles": names, "bands": ["B08"], "chipsize": 1280})
        connection.request("POST", "/query/rawChipsBatch", body)
    answer = connection.getresponse()
    text = answer.read().decode()
    wall = time.perf_counter() - started
    connection.close()
    made = text.count(".png") if names is None else text.count(".tif")
    if answer.status != 200 or made != DATES:
        raise RuntimeError(f"{answer.status}: {made} chips: {text[:300]}")
    return wall


def _series_by_command(work: Path, turn: int, lon: float, lat: float, names: list[str] | None) -> float:
    out = work / f"out-{turn}"
    command = [*s2kit_command(), "--config", str(work / "command.toml"), "chips", "-q", "--out", str(out)]
    if names is None:
        command += ["--lon", str(lon), "--lat", str(lat), "--start", "2024-01-01", "--end", "2024-12-31"]
        command += ["--bands", "B04_B03_B02", "--stretch", "5_95"]
    else:
        batch = work / f"batch-{turn}.json"
        batch.write_text(json.dumps({"lon": lon, "lat": lat, "tiles": names, "bands": ["B08"], "chipsize": 1280}))
        command += ["--batch", str(batch)]
    wall = measure(command).wall_s
    made = len([*out.rglob("*.png" if names is None else "*.tif")])
    if made != DATES:
        raise RuntimeError(f"the command line made {made} chips")
    return wall


def _row(name: str, runs: Sequence[Sequence[float]], speed: dict[str, float]) -> Sequence[str]:
    middle, late = (statistics.median(run[at] for run in runs) * 1000 for at in (1, 2))
    ratio = speed[name] / speed["titiler"] if "titiler" in speed else math.nan
    bar = ("yes" if ratio >= 3 else "NO") if name == "s2kit" and ratio == ratio else ""
    return (name, number(speed[name]), number(middle), number(late), f"{ratio:.2f} x" if ratio == ratio else "", bar)


def _tiles(seed: int) -> list[str]:
    """`z/x/y` of tiles within the product, at zooms 9 to 14."""
    places = random.Random(seed)
    found = []
    for _ in range(TILES):
        zoom, lon, lat = places.randint(9, 14), places.uniform(0.65, 1.6), places.uniform(43.35, 44.1)
        x = (lon + 180) / 360 * 2**zoom
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
        found.append(f"{zoom}/{int(x)}/{int(y)}")
    return found


@contextlib.contextmanager
def running_service(command: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Port and process of a service that answers; its port is the last word of the command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, str(port)], env=environment(), **quiet)
    try:
        end = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5))
                break
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError(f"{Path(command[0]).name} does not answer")
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _ask(port: int, paths: Sequence[str]) -> list[float]:
    """Tiles a second, median and 95th percentile of the seconds that a tile took; the first tile is not counted."""
    _fetch(port, paths[0])
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        seconds = list(clients.map(lambda path: _fetch(port, path), paths))
    wall = time.perf_counter() - started
    return [len(paths) / wall, statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]]


def _fetch(port: int, path: str) -> float:
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or not data.startswith(b"\x89PNG"):
        raise RuntimeError(f"{path}: {answer.status} {data[:200]!r}")
    return time.perf_counter() - started
