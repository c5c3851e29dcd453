"""Far JPEG 2000 files: requests, bytes, round trips and time of chips and overviews, beside a well set GDAL.

Both read the same files from the same loopback server, which waits 20 ms before each answer. Chips are 128 px at 25
random places; each is read as if by a new process, with nothing known of the file unless the row says so.
"""

import multiprocessing
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.harness import Table, number, work_folder
from benchmarks.inputs import full_tile
from s2kit.demo.writer import BANDS_10M, write_jp2
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.store.archive import Archive
from s2kit.store.location import RemoteObject

LATENCY_S = 0.02
CHIP = 128
PLACES = 25
LOWEST = 4
HEAD = ("what", "requests", "MB", "round trips", "wall s", "bar", "holds")
GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_CURL_USE_HEAD": "YES",
    "GDAL_NUM_THREADS": "1",
    "OPJ_NUM_THREADS": "0",
}
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "safe"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one read cost."""

    requests: float
    nbytes: float
    trips: float | None
    wall_s: float


@dataclass(frozen=True, slots=True)
class FarServer:
    """The server, in a process of its own: a client that shares one with it would wait for it."""

    url: str
    pipe: Connection

    def forget(self) -> None:
        """Begin to count anew."""
        self.counts()

    def counts(self) -> tuple[int, int]:
        """Requests and bytes since the last call."""
        self.pipe.send("counts")
        return self.pipe.recv()


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    files = _files()
    with _far_server(files["tlm"].parent, LATENCY_S) as server:
        tables = [_chips(server, files), _overviews(server, files, repeat)]
    real = next(REAL.rglob("*_AOT_10m.jp2"), None) if REAL.is_dir() else None
    if real is not None:
        with _far_server(real.parent, 0.0) as server:
            tables.append(_half_empty(server, real))
    return tables


def _files() -> dict[str, Path]:
    """One full 10 m band with TLM and without; made once."""
    folder = work_folder() / "remote"
    folder.mkdir(exist_ok=True)
    files = {"tlm": folder / "B04_10m_tlm.jp2", "no TLM": folder / "B04_10m.jp2"}
    if not all(path.exists() for path in files.values()):
        source = next((full_tile()).rglob("*_B04_10m.jp2"))
        with open_image(source) as image:
            pixels, grid = image.level(0), image.info.grid
        assert grid is not None
        for name, path in files.items():
            part = path.with_suffix(".part.jp2")
            write_jp2(part, pixels, grid, BANDS_10M, tlm=name == "tlm")
            part.rename(path)
    return files


def _chips(server: FarServer, files: dict[str, Path]) -> Table:
    places = random.Random(3)
    windows = [
        Window(places.randrange(10980 - CHIP), places.randrange(10980 - CHIP), CHIP, CHIP) for _ in range(PLACES)
    ]
    expected = {}
    with open_image(files["tlm"]) as image:
        for window in windows:
            expected[window] = image.window(window)
    rows = []
    limits = {"tlm": (None, 4.0, 0.35), "no TLM": (10.0, None, 0.9)}
    for name, path in files.items():
        most, trips, megabytes = limits[name]
        cost = _mean(server, [partial(_ours, server, path, window, expected[window]) for window in windows])
        rows.append(_row(f"s2kit, {name}, nothing known", cost, most, trips, megabytes))
        with _cache() as cache:
            for window in windows:
                _ours(server, path, window, expected[window], cache)
            cost = _mean(server, [partial(_ours, server, path, window, expected[window], cache) for window in windows])
        rows.append(_row(f"s2kit, {name}, index kept", cost, 4.0, None, 0.35))
        few = windows[:5]
        cost = _mean(server, [partial(_gdal, server, path, window, expected[window]) for window in few])
        rows.append(_row(f"GDAL, {name} (mean of {len(few)})", cost))
    return Table(f"{CHIP} px chip of a 10 m band, mean of {PLACES} places, 20 ms a request", HEAD, rows)


def _overviews(server: FarServer, files: dict[str, Path], repeat: int) -> Table:
    rows = []
    with open_image(files["tlm"]) as image:
        expected = image.level(LOWEST)
    for name, path in files.items():
        first, again, peer = [], [], []
        for _ in range(repeat):
            peer.append(_mean(server, [partial(_gdal, server, path, None, expected)]))
            with _cache() as cache:
                first.append(_mean(server, [partial(_ours, server, path, None, expected, cache)]))
                again.append(_mean(server, [partial(_ours, server, path, None, expected, cache)]))
        slowest = _median(peer).wall_s
        limit = 1.5 if name == "tlm" else 2.5
        rows.append(_row(f"s2kit, {name}, nothing known", _median(first), None, None, limit, slowest))
        rows.append(_row(f"s2kit, {name}, index kept", _median(again), None, None, 1.5, slowest))
        rows.append(_row(f"GDAL, {name}", _median(peer)))
    return Table(f"whole 10 m band at 1/16, 20 ms a request, medians of {repeat} in turns", HEAD, rows)


def _median(costs: list[Cost]) -> Cost:
    """The run whose time is the middle one."""
    return sorted(costs, key=lambda cost: cost.wall_s)[len(costs) // 2]


def _half_empty(server: FarServer, path: Path) -> Table:
    """Every tile of the real half-empty file, against walking from SOT to SOT."""
    with open_image(path) as image:
        tiles = [(row, col) for row in range(11) for col in range(11)]
        windows = [Window(col * 1024 + 300, row * 1024 + 300, 64, 64) for row, col in tiles]
        expected = [image.window(window) for window in windows]
    costs, worse = [], 0
    for number_of, (window, pixels) in enumerate(zip(windows, expected, strict=True)):
        cost = _mean(server, [partial(_ours, server, path, window, pixels)])
        costs.append(cost)
        worse += cost.requests > max(number_of, 1) + 2  # header, an SOT for each tile before, the tile itself
    mean = Cost(
        statistics.mean(cost.requests for cost in costs),
        statistics.mean(cost.nbytes for cost in costs),
        statistics.mean(cost.trips or 0 for cost in costs),
        statistics.mean(cost.wall_s for cost in costs),
    )
    row = _row("s2kit, every one of 121 tiles", mean)
    bar = ("never more than walking", "yes" if not worse else f"no: {worse} tiles")
    walking = statistics.mean(number_of + 3 for number_of in range(121))
    rows = [(*row[:5], *bar), ("walking from SOT to SOT", number(walking), "", number(walking), "", "", "")]
    return Table("64 px chip of the real, half-empty AOT_10m, nothing known, no latency", HEAD, rows)


def _ours(
    server: FarServer, path: Path, window: Window | None, expected: np.ndarray, cache: Path | None = None
) -> float:
    """Read with s2kit; returns the round trips."""
    where = RemoteObject(Archive(name="bench", address=server.url), path.name)
    with open_image(where, cache=cache or False) as image:
        pixels = image.level(LOWEST) if window is None else image.window(window)
        trips = image.traffic.round_trips
    assert np.array_equal(pixels, expected)
    return trips


_reads = iter(range(1_000_000))


def _gdal(server: FarServer, path: Path, window: Window | None, expected: np.ndarray) -> None:
    """Read with GDAL under an address of its own, since GDAL remembers what it read."""
    import rasterio
    from rasterio.windows import Window as GdalWindow

    address = f"/vsicurl/{server.url}/{path.name}?read={next(_reads)}"
    options = {"overview_level": LOWEST - 1} if window is None else {}
    place = None if window is None else GdalWindow(window.col, window.row, window.width, window.height)
    with rasterio.Env(**GDAL), rasterio.open(address, **options) as dataset:
        assert np.array_equal(dataset.read(window=place), expected)


def _mean(server: FarServer, reads: list[Callable[[], float | None]]) -> Cost:
    costs = []
    for read in reads:
        server.forget()
        started = time.perf_counter()
        trips = read()
        wall = time.perf_counter() - started
        costs.append(Cost(*server.counts(), trips, wall))
    known = [cost.trips for cost in costs if cost.trips is not None]
    return Cost(
        statistics.mean(cost.requests for cost in costs),
        statistics.mean(cost.nbytes for cost in costs),
        statistics.mean(known) if known else None,
        statistics.mean(cost.wall_s for cost in costs),
    )


@contextmanager
def _far_server(folder: Path, latency_s: float) -> Iterator[FarServer]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(folder, latency_s, there), daemon=True)
    process.start()
    try:
        yield FarServer(here.recv(), here)
    finally:
        here.send("end")
        process.join(10)


def _serve(folder: Path, latency_s: float, pipe: Connection) -> None:
    from tests.support.http_server import serving

    with serving(folder, latency_s=latency_s) as server:
        pipe.send(server.url)
        while pipe.recv() != "end":
            pipe.send((len(server.log), server.sent))
            server.forget()


@contextmanager
def _cache() -> Iterator[Path]:
    folder = work_folder() / "remote" / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(
    what: str,
    cost: Cost,
    requests: float | None = None,
    trips: float | None = None,
    megabytes: float | None = None,
    wall_s: float | None = None,
) -> tuple[str, ...]:
    bars = [
        (requests, cost.requests, "{:g} requests"),
        (trips, cost.trips, "{:g} round trips"),
        (megabytes, cost.nbytes / 1e6, "{:g} MB"),
        (wall_s, cost.wall_s, "{:.2f} s"),
    ]
    asked = [(limit, value, text) for limit, value, text in bars if limit is not None]
    holds = all(value is not None and value <= limit for limit, value, _ in asked)
    return (
        what,
        number(cost.requests),
        f"{cost.nbytes / 1e6:.3f}",
        "" if cost.trips is None else number(cost.trips),
        number(cost.wall_s),
        ", ".join("<= " + text.format(limit) for limit, _, text in asked),
        ("yes" if holds else "NO") if asked else "",
    )
