"""Map tiles of a full-size product on the disk, eight clients at once, beside titiler on the same file.

The bar: three times the throughput of titiler. Both are one process; clients ask for the same tiles in the same order.
"""

import contextlib
import http.client
import json
import math
import random
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.harness import Absent, Table, environment, number, peer_python, s2kit_command, work_folder
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
            with _service(command) as port:
                measured[name].append(_ask(port, [paths[name].format(tile) for tile in tiles]))
    speed = {name: statistics.median(run[0] for run in runs) for name, runs in measured.items()}
    rows = [_row(name, runs, speed) for name, runs in measured.items()]
    if isinstance(peer, Absent):
        rows.append((f"titiler (absent: {peer.reason})", "", "", "", "", ""))
    return [Table(f"{TILES} tiles of 256 px of one band, {CLIENTS} clients", HEAD, rows)]


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
def _service(command: Sequence[str]) -> Iterator[int]:
    """A service that answers; its port is the last word of the command."""
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
        yield port
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
