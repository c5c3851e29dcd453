"""Searching: ten thousand items of a catalogue beside pystac-client's own program, a folder of a thousand products."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import (
    Absent,
    Contestant,
    Measurement,
    Table,
    comparison,
    interleaved,
    measure,
    number,
    peer_python,
)

PROJECT = Path(__file__).resolve().parents[1]
ITEMS = 10_000
PAGE = 100
PRODUCTS = 1_000
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""An installed program has its bytecode; a machine that forbids writing it would have it compiled in every run."""
BOX = ("1", "43.5", "1.1", "43.6")

_SERVE = """
import sys, time
sys.path.insert(0, {tests!r})
from support.catalogue_server import prepared_server
with prepared_server({items}, wait_s={wait_s}) as server:
    print(server.url, flush=True)
    time.sleep(3600)
"""
_FOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.tiny_safe import write_safe
for number in range({count}):
    day, tile = number % 28 + 1, "ABCDEFGHJKLMNPQRSTUV"[number // 28 % 20]
    name = f"S2A_MSIL2A_2024{{number // 560 + 1:02d}}{{day:02d}}T105021_N0510_R051_T31TD{{tile}}_20240301T143000"
    write_safe(Path({folder!r}), name)
"""


def run(repeat: int) -> list[Table]:
    """A catalogue that takes a tenth of a second for a page, one that takes none, and a folder."""
    with tempfile.TemporaryDirectory() as work:
        slow, fast = (_catalogue(repeat, Path(work), wait_s) for wait_s in (0.1, 0.0))
        return [slow, fast, _folder(repeat, Path(work))]


@contextmanager
def _server(items: int, wait_s: float = 0.0) -> Iterator[str]:
    code = _SERVE.format(tests=str(PROJECT / "tests"), items=items, wait_s=wait_s)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def _catalogue(repeat: int, work: Path, wait_s: float) -> Table:
    area = work / "aoi.json"
    west, south, east, north = (float(value) for value in BOX)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    python = peer_python("pystac-client", ("pystac-client",))  # as its users have it, without the extras of others
    with _server(ITEMS, wait_s) as url:
        compiled = {**COMPILED, "PYTHONPYCACHEPREFIX": str(work / "bytecode")}
        own = {"S2KIT_CATALOGUES__EARTH_SEARCH__URL": url, "S2KIT_CACHE_DIR": str(work / "cache")}
        environment = {**compiled, **own}
        ours = [sys.executable, "-m", "s2kit", "search", "--aoi", str(area), "--date", "2020", "--limit", "0"]
        question = ["search", url, "-c", "sentinel-2-l2a", "--intersects", str(area), "--datetime", "2020"]
        measured = interleaved(
            {
                "s2kit": Contestant([*ours, "-f", "geojson"], env=environment),
                "s2kit, streamed": Contestant(
                    [*ours, "-f", "jsonl", "--sort", "none", "--dedupe", "none"], env=environment
                ),
                "s2kit, all fields": Contestant([*ours, "-f", "geojson", "--catalogue", url], env=environment),
                "pystac-client": python
                if isinstance(python, Absent)
                else Contestant(
                    [str(python), "-m", "pystac_client.cli", *question, "--limit", str(PAGE)], env=compiled
                ),
            },
            repeat,
        )
    notes = ("bars: at most 150 MB; at most 1.1 times pystac-client's time, so its ratio is at least 0.91",)
    title = f"{ITEMS} items of a STAC API on loopback, pages of {PAGE}, {wait_s * 1000:g} ms a page"
    return comparison(title, measured, notes=notes)


def _folder(repeat: int, work: Path) -> Table:
    folder, cache = work / "data", work / "cache"
    code = _FOLDER.format(tests=str(PROJECT / "tests"), count=PRODUCTS, folder=str(folder))
    subprocess.run([sys.executable, "-c", code], check=True)
    command = [sys.executable, "-m", "s2kit", "search", "--catalogue", "local", "--dataset", str(folder), "-f", "ids"]
    environment = {**COMPILED, "PYTHONPYCACHEPREFIX": str(work / "bytecode"), "S2KIT_CACHE_DIR": str(cache)}
    first = measure(
        command, env=environment, repeat=repeat, before=lambda: shutil.rmtree(cache / "products", ignore_errors=True)
    )
    following = measure(command, env=environment, repeat=repeat)
    rows = [_row("first scan", first, 20.0), _row("next search", following, 0.5)]
    return Table(f"A folder of {PRODUCTS} products", ("what", "wall s", "CPU s", "peak MB", "bar s"), rows)


def _row(name: str, run: Measurement, bar_s: float) -> tuple[str, ...]:
    return (name, number(run.wall_s), number(run.cpu_s), f"{run.peak_pss_mb:.0f}", f"{bar_s:g}")
