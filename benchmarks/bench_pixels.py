"""Chips and levels of JPEG 2000 files: both routes of s2kit against rasterio and rio-tiler, same places, same pixels.

The numbers are processor time a chip, the file opened anew for each, without the start of Python. rasterio and
rio-tiler run with the threading that suits them best (`ENVIRONMENTS`); all contestants' pixels must be equal.
"""

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REAL = "data/safe/S2A_MSIL2A_20221005T115411_*.SAFE/GRANULE/*/IMG_DATA/R60m/*_B04_60m.jp2"
ENVIRONMENTS = {
    "as it comes": {},
    "OPJ_NUM_THREADS=0": {"OPJ_NUM_THREADS": "0"},
    "GDAL_NUM_THREADS=1 OPJ_NUM_THREADS=0": {"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"},
}
CHIPS = ((10, 128, 30), (10, 512, 12), (20, 128, 40), (60, 128, 80))
BARS = {(10, 128): (9, 3.5), (10, 512): (5, None), (20, 128): (14, 4), (60, 128): (3.5, 1.7)}


def run(repeat: int) -> list[Any]:
    """All tables of this area: chips, then levels."""
    from benchmarks.harness import Absent, Table, peer_python

    files = _files()
    rio_tiler = peer_python("rio-tiler", ["rio-tiler>=7"])
    rows = []
    for resolution, side, count in CHIPS:
        path, kind = files[resolution]
        ours = _best("s2kit", path, side, count, repeat, [{}])
        portable = _best("s2kit-portable", path, side, count, repeat, [{}])
        peers = {"rasterio": _best("rasterio", path, side, count, repeat, ENVIRONMENTS.values())}
        if not isinstance(rio_tiler, Absent):
            peers["rio-tiler part"] = _best(
                "rio-tiler", path, side, count, repeat, list(ENVIRONMENTS.values())[1:], str(rio_tiler)
            )
        digests = {one["pixels"] for one in (ours, portable, *peers.values())}
        bar, portable_bar = BARS[resolution, side]
        for name, one in [("s2kit", ours), ("s2kit, portable route", portable), *peers.items()]:
            versus = [f"{peer['cpu_ms'] / one['cpu_ms']:.1f} x" for peer in peers.values()]
            goal = {"s2kit": bar, "s2kit, portable route": portable_bar}.get(name)
            rows.append(
                (
                    f"{side} px at {resolution} m ({kind})",
                    name,
                    f"{one['cpu_ms']:.2f}",
                    f"{one['wall_ms']:.2f}",
                    versus[0],
                    versus[1] if len(versus) > 1 else "absent",
                    f">= {goal} x" if goal else "",
                    "all equal" if len(digests) == 1 else "DIFFERENT",
                )
            )
    head = ("chip", "by", "CPU ms", "wall ms", "rasterio/this", "rio-tiler/this", "bar", "pixels")
    notes = [
        f"{side} px at 10 m: the code-blocks that these windows touch are 1/{_bound(files[10][0], side, count):.1f} of "
        "those of the tiles that GDAL decodes: no decoder of parts can be more times faster"
        for side, count in ((side, count) for resolution, side, count in CHIPS if resolution == 10)
    ]
    return [Table("one chip, local file, random places", head, rows, notes), _levels(files[10][0], repeat)]


def _bound(path: Path, side: int, count: int) -> float:
    """Samples of whole tiles for each sample of the code-blocks that windows need: of 64 px, 5 levels, 5-3 filter."""
    import rasterio

    with rasterio.open(path) as dataset:
        size = dataset.width
    tile, whole, needed = 1024, 0, 0
    for col, row in _places(path, side, count + 1):
        spans = []
        for start in (col, row):
            edges = range(start // tile * tile, start + side, tile)
            spans.append([(min(tile, size - at), max(start - at, 0), min(start + side - at, tile)) for at in edges])
        for across in spans[0]:
            for down in spans[1]:
                whole += across[0] * down[0]
                for level in range(1, 6):
                    needed += (4 if level == 5 else 3) * _touched(across, level) * _touched(down, level)
    return whole / needed


def _touched(span: tuple[int, int, int], level: int) -> int:
    """Samples along one axis of the code-blocks of a band that `(tile's side, start, end)` depends on."""
    side, start, end = span
    band, margin, block = -(-side >> level), 2, 64
    first, last = max((start >> level) - margin, 0), min(-(-end >> level) + margin, band)
    return min(-(-last // block) * block, band) - first // block * block


def _levels(path: Path, repeat: int) -> Any:
    """Whole images at each reduction."""
    from benchmarks.harness import Table

    rows = []
    for reduction in (4, 3, 2, 1, 0):
        times = repeat if reduction else 1
        ours = _best("s2kit-level", path, reduction, 1, times, [{}])
        peer = _best("rasterio-level", path, reduction, 1, times, list(ENVIRONMENTS.values())[:2])
        rows.append(
            (
                f"1/{1 << reduction}",
                f"{ours['wall_ms'] / 1e3:.2f}",
                f"{ours['cpu_ms'] / 1e3:.2f}",
                f"{peer['wall_ms'] / 1e3:.2f}",
                f"{peer['cpu_ms'] / 1e3:.2f}",
                f"{peer['wall_ms'] / ours['wall_ms']:.2f} x",
                f"{peer['cpu_ms'] / ours['cpu_ms']:.2f} x",
                "equal" if ours["pixels"] == peer["pixels"] else "DIFFERENT",
            )
        )
    head = ("10 m band", "wall s", "CPU s", "rasterio wall s", "rasterio CPU s", "wall ratio", "CPU ratio", "pixels")
    return Table("the whole image at a level, local file", head, rows, ["bar: never slower than rasterio"])


def _files() -> dict[int, tuple[Path, str]]:
    """A band of each resolution: invented at 10 and 20 m with ESA's coding, real at 60 m where it is at hand."""
    from benchmarks.inputs import full_tile

    safe = full_tile()
    found = {res: (next(safe.glob(f"GRANULE/*/IMG_DATA/R{res}m/*_B04_{res}m.jp2")), "invented") for res in (10, 20, 60)}
    real = next((ROOT.parent / "shared").glob(REAL), None)
    return found if real is None else {**found, 60: (real, "real")}


def _best(
    contestant: str, path: Path, side: int, count: int, repeat: int, environments: Any, python: str = sys.executable
) -> dict[str, Any]:
    """The median of `repeat` processes in the environment that suits a contestant best."""
    medians = []
    for extra in environments:
        runs = []
        for _ in range(repeat):
            command = [python, __file__, contestant, str(path), str(side), str(count)]
            environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
            done = subprocess.run(command, env={**environment, **extra}, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
        median = {key: statistics.median(one[key] for one in runs) for key in ("cpu_ms", "wall_ms")}
        medians.append({**median, "pixels": runs[0]["pixels"]})
    key = "wall_ms" if contestant.endswith("-level") else "cpu_ms"
    return min(medians, key=lambda one: one[key])


def _places(path: Path, side: int, count: int) -> list[tuple[int, int]]:
    import rasterio

    with rasterio.open(path) as dataset:
        reach = dataset.width - side
    rng = random.Random(11)
    return [(rng.randrange(reach), rng.randrange(reach)) for _ in range(count)]


def _s2kit(openjpeg: str) -> Callable[..., Iterator[Any]]:
    def chips(path: Path, side: int, count: int) -> Iterator[Any]:
        from s2kit.grid import Window
        from s2kit.image.open import open_image

        for col, row in _places(path, side, count):
            with open_image(path, openjpeg=openjpeg) as image:
                yield image.window(Window(col, row, side, side))[0]

    return chips


def _rasterio(path: Path, side: int, count: int) -> Iterator[Any]:
    import rasterio
    from rasterio.windows import Window

    for col, row in _places(path, side, count):
        with rasterio.open(path) as dataset:
            yield dataset.read(1, window=Window(col, row, side, side))


def _rio_tiler(path: Path, side: int, count: int) -> Iterator[Any]:
    import rasterio
    from rasterio.windows import Window, bounds
    from rio_tiler.io import Reader

    with rasterio.open(path) as dataset:
        crs, transform = dataset.crs, dataset.transform
    for col, row in _places(path, side, count):
        box = bounds(Window(col, row, side, side), transform)
        with Reader(str(path)) as reader:
            yield reader.part(box, bounds_crs=crs, dst_crs=crs, width=side, height=side).data[0]


def _s2kit_level(path: Path, reduction: int, _: int) -> Iterator[Any]:
    from s2kit.image.open import open_image

    with open_image(path) as image:
        yield image.level(reduction)[0]


def _rasterio_level(path: Path, reduction: int, _: int) -> Iterator[Any]:
    import rasterio

    with rasterio.open(path, **({"overview_level": reduction - 1} if reduction else {})) as dataset:
        yield dataset.read(1)


CONTESTANTS: dict[str, Callable[..., Iterator[Any]]] = {
    "s2kit": _s2kit("auto"),
    "s2kit-portable": _s2kit("off"),
    "rasterio": _rasterio,
    "rio-tiler": _rio_tiler,
    "s2kit-level": _s2kit_level,
    "rasterio-level": _rasterio_level,
}


def _contestant(name: str, path: Path, side: int, count: int) -> None:
    """Run one contestant in this process and print what a chip cost, libraries and the first one not counted."""
    digest = hashlib.sha256()
    chips = CONTESTANTS[name](path, side, count + 1)
    if name.endswith("-level"):
        next(CONTESTANTS[name](path, 4, 1))
    else:
        next(chips)
    cpu, wall = time.process_time(), time.perf_counter()
    taken = list(chips)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    for chip in taken:
        digest.update(chip.astype("<u2").tobytes())
    result = {"cpu_ms": cpu / len(taken) * 1e3, "wall_ms": wall / len(taken) * 1e3, "pixels": digest.hexdigest()}
    print(json.dumps(result))


if __name__ == "__main__":
    _contestant(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
