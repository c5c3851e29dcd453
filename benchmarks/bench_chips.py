"""Chips and parcel numbers from full-size files, beside rasterio windows, tuned GDAL and rasterstats."""

import json
import os
import random
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.bucket_server import counts, served
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
    s2kit_command,
    work_folder,
)
from benchmarks.inputs import full_tile
from s2kit.area.projection import project_point
from s2kit.demo.writer import CODINGS, write_jp2
from s2kit.grid import Grid

DATES, REMOTE_DATES, STATS_DATES, PARCELS, PLACES = 24, 8, 5, 1000, 12
PLACE = (355_000.0, 4_845_000.0)
"""In the middle of a coded tile, which is GDAL's best case."""
LATENCY_S = 0.02

WINDOWS = """
import sys, numpy as np, rasterio
from rasterio.windows import Window
points, out, *products = sys.argv[1:]
for at, (product, point) in enumerate((product, point) for point in points.split() for product in products):
    bands = []
    for band in ("B04", "B03", "B02"):
        with rasterio.open(product.replace("BAND", band)) as image:
            row, col = image.index(*map(float, point.split(",")))
            bands.append(image.read(1, window=Window(col - 64, row - 64, 128, 128)))
    picture = []
    for band in bands:
        low, high = np.percentile(band[band > 0], (5, 95))
        picture.append(np.clip((band - low) * 255.0 / (high - low), 0, 255).astype("uint8"))
    with rasterio.open(f"{out}/{at}.png", "w", driver="PNG", width=128, height=128, count=3, dtype="uint8") as png:
        png.write(np.stack(picture))
"""

ZONAL = """
import json, sys
import numpy as np, rasterio
from rasterio.warp import transform_geom
from rasterio.windows import from_bounds
from rasterstats import zonal_stats
whole, parcels, out, *products = sys.argv[1:]
features = json.load(open(parcels))["features"]
answer = []
for product in products:
    scl = product.replace("R10m", "R20m").replace("BAND_10m", "SCL_20m")
    with rasterio.open(scl) as image:
        shapes = [transform_geom("EPSG:4326", image.crs, f["geometry"]) for f in features]
        points = [p for s in shapes for p in s["coordinates"][0]]
        box = (min(p[0] for p in points) - 60, min(p[1] for p in points) - 60,
               max(p[0] for p in points) + 60, max(p[1] for p in points) + 60)
        box = image.bounds if whole == "whole" else box
        window = from_bounds(*box, image.transform).round_offsets().round_lengths()
        codes, affine = image.read(1, window=window), image.window_transform(window)
    counts = zonal_stats(shapes, codes, affine=affine, nodata=0, categorical=True)
    values = {}
    for band in ("B04", "B08"):
        with rasterio.open(product.replace("BAND", band)) as image:
            window = from_bounds(*box, image.transform).round_offsets().round_lengths()
            values[band] = image.read(1, window=window).astype("float32") - 1000
            affine = image.window_transform(window)
    ndvi = (values["B08"] - values["B04"]) / (values["B08"] + values["B04"])
    spread = zonal_stats(shapes, ndvi, affine=affine, nodata=-9999,
                         stats="count mean std min max percentile_25 median percentile_75")
    answer += [[{int(k): v for k, v in c.items()}, s["count"], s["mean"]] for c, s in zip(counts, spread)]
json.dump(answer, open(out, "w"))
"""


def run(repeat: int) -> list[Table]:
    """All tables."""
    folder = series()
    work = work_folder() / "chips"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return [
        _local(folder, work, repeat, [PLACE]),
        _local(folder, work, 1, _places(4)),
        _jobs(folder, work, repeat),
        _parcels(folder, work, repeat),
        _remote(folder, work),
    ]


# the archive: one full-size product under many names


def series() -> Path:
    """A dataset folder of 24 dates, whose images are hard links of one product's; with SCL and B08 beside."""
    source = full_tile()
    folder = source.parent / "chips-series"
    done = folder / ".ready"
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    scl = source.parent / "chips-SCL_20m.jp2"
    if not scl.exists():
        classes = np.random.default_rng(3).choice(np.array([4, 5, 6, 8, 9, 3], np.uint8), (110, 110))
        pixels = np.kron(classes, np.ones((50, 50), np.uint8))[:5490, :5490]
        write_jp2(scl, pixels[None], Grid(32631, 300000.0, 4900020.0, 20, 5490, 5490), CODINGS[20])
    for at in range(DATES):
        _copy(source, folder, datetime(2024, 1, 5, 10, 50, 31, tzinfo=UTC) + timedelta(days=5 * at), scl)
    done.touch()
    return folder


def _copy(source: Path, folder: Path, sensing: datetime, scl: Path) -> None:
    old, new = source.name.split("_")[2], f"{sensing:%Y%m%dT%H%M%S}"
    target = folder / source.name.replace(old, new)
    for path in source.rglob("*"):
        if not path.is_file():
            continue
        place = target / str(path.relative_to(source)).replace(old, new)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jp2":
            os.link(path, place)
            if "_B03_10m" in path.name:
                os.link(path, place.with_name(place.name.replace("B03", "B08")))
            if "_B03_20m" in path.name:
                os.link(scl, place.with_name(place.name.replace("B03", "SCL")))
        else:
            day, other = f"{sensing:%Y-%m-%d}", "-".join((old[:4], old[4:6], old[6:8]))
            place.write_text(path.read_text().replace(old, new).replace(other, day))


def _products(folder: Path, dates: int) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".SAFE")[:dates]


def _template(product: Path) -> str:
    (path,) = product.glob("GRANULE/*/IMG_DATA/R10m/*_B04_10m.jp2")
    return str(path).replace("_B04_", "_BAND_")


def _place() -> list[str]:
    lon, lat = project_point(*PLACE, 32631, 4326)
    return ["--lon", str(lon), "--lat", str(lat)]


def _places(count: int) -> list[tuple[float, float]]:
    """Random places in the tile, in UTM."""
    generator = random.Random(4)
    return [(generator.uniform(310e3, 400e3), generator.uniform(4.80e6, 4.89e6)) for _ in range(count)]


def _points(work: Path, places: list[tuple[float, float]]) -> list[str]:
    lines = ["name,lon,lat"]
    for at, place in enumerate(places):
        lon, lat = project_point(*place, 32631, 4326)
        lines.append(f"p{at},{lon},{lat}")
    path = work / f"points-{len(places)}.csv"
    path.write_text("\n".join(lines) + "\n")
    return ["--points", str(path)]


def _words(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


# tables


def _local(folder: Path, work: Path, repeat: int, places: list[tuple[float, float]]) -> Table:
    (work / "windows").mkdir(exist_ok=True)
    products = _products(folder, DATES)
    ours = _ours(folder, work, ["--bands", "B04,B03,B02", "--jobs", "1", *_points(work, places)])
    peer = [sys.executable, "-c", WINDOWS, _words(places), str(work / "windows"), *map(_template, products)]
    measured = interleaved({"s2kit": ours, "rasterio windows": Contestant(peer)}, repeat)
    where = "one place in the middle of a coded tile" if len(places) == 1 else f"{len(places)} random places"
    title = f"chips: {DATES} dates, three 10 m bands, 128 px, {where}, local full-size files (s2kit reads SCL too)"
    return _with_cpu(title, measured, 5.0)


def _ours(folder: Path, work: Path, words: list[str]) -> Contestant:
    command = [*s2kit_command(), "chips", str(folder), "--no-cache", "--limit", "0", "-q", "--out", str(work / "o")]
    return Contestant([*command, *words], before=lambda: shutil.rmtree(work / "o", ignore_errors=True))


def _with_cpu(title: str, measured: Mapping[str, Measurement | Absent], bar: float) -> Table:
    base = measured["s2kit"]
    assert isinstance(base, Measurement)
    ratios = [
        f"{name}: {run.cpu_s / base.cpu_s:.1f} x" for name, run in measured.items() if isinstance(run, Measurement)
    ]
    return comparison(title, measured, notes=[f"CPU against s2kit: {', '.join(ratios)} (bar {bar:g} x)"])


def _jobs(folder: Path, work: Path, repeat: int) -> Table:
    """Twelve places of all dates, with one worker and with two; and the memory of one place beside twelve."""
    points = _points(work, _places(PLACES))
    words = ["--bands", "B04,B03,B02"]
    measured = interleaved(
        {
            "1 place, 1 worker": _ours(folder, work, [*words, *_place(), "--jobs", "1"]),
            "s2kit": _ours(folder, work, [*words, *points, "--jobs", "1"]),
            "2 workers": _ours(folder, work, [*words, *points, "--jobs", "2"]),
        },
        repeat,
    )
    one, two = measured["s2kit"], measured["2 workers"]
    assert isinstance(one, Measurement)
    assert isinstance(two, Measurement)
    chips = DATES * PLACES
    note = (
        f"{chips / one.wall_s:.1f} chips a second with one worker, {chips / two.wall_s:.1f} with two: "
        f"{one.wall_s / two.wall_s:.2f} x (bar 1.7 x)"
    )
    return comparison(f"chips: {PLACES} places x {DATES} dates, workers and memory", measured, notes=[note])


def _parcels(folder: Path, work: Path, repeat: int) -> Table:
    parcels = work / "parcels.geojson"
    _write_parcels(parcels)
    products = _products(folder, STATS_DATES)
    out = work / "stats.jsonl"
    words = [*map(str, products), "--parcels", str(parcels), "--layer", "SCL", "--index", "ndvi", "-f", "jsonl"]
    ours = [*s2kit_command(), "stats", *words, "-o", str(out), "--jobs"]
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": Contestant([*ours, "1"]),
        "s2kit, 2": Contestant([*ours, "2"]),
    }
    python = peer_python("zonal", ["rasterstats", "rasterio", "numpy"])
    theirs = work / "zonal.json"
    if isinstance(python, Absent):
        contestants["rasterstats"] = python
    else:
        for name, part in (("rasterstats on the tile", "whole"), ("rasterstats on the district's window", "window")):
            words = [part, str(parcels), str(theirs), *map(_template, products)]
            contestants[name] = Contestant([str(python), "-c", ZONAL, *words])
    measured = interleaved(contestants, repeat)
    notes = [_same_counts(out, theirs)] if theirs.exists() else []
    table = _with_cpu(f"stats: {PARCELS} parcels x {STATS_DATES} dates, SCL and NDVI", measured, 3.0)
    return Table(table.title, table.head, table.rows, [*table.notes, *notes])


def _write_parcels(path: Path) -> None:
    """Fields of 100 to 400 m in a district of 30 km."""
    generator = random.Random(11)
    features = []
    for pid in range(PARCELS):
        x, y, side = generator.uniform(330e3, 360e3), generator.uniform(4.83e6, 4.86e6), generator.uniform(100, 400)
        corners = [(x, y), (x + side, y + side / 7), (x + side * 0.9, y + side), (x - side / 9, y + side * 0.8), (x, y)]
        ring = [list(project_point(*corner, 32631, 4326)) for corner in corners]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"pid": pid}, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def _same_counts(ours: Path, theirs: Path) -> str:
    """Compare every histogram and count with rasterstats'."""
    rows = [json.loads(line) for line in ours.read_text().splitlines()]
    scl = {(int(row["pid"]), row["datetime"]): row["histogram"] for row in rows if row["layer"] == "SCL"}
    ndvi = {(int(row["pid"]), row["datetime"]): row for row in rows if row["layer"] == "ndvi"}
    times = sorted({row["datetime"] for row in rows})
    answers = json.loads(theirs.read_text())
    wrong = 0
    for at, (histogram, count, mean) in enumerate(answers):
        key = (at % PARCELS, times[at // PARCELS])
        same = scl[key] == histogram and ndvi[key]["count"] == count
        wrong += not (same and (mean is None or abs(ndvi[key]["mean"] - mean) < 1e-4))
    return f"histograms and counts equal to rasterstats': {len(answers) - wrong} of {len(answers)}"


def _remote(folder: Path, work: Path) -> Table:
    """Once each: the peer alone takes minutes."""
    products = _products(folder, REMOTE_DATES)
    rows = []
    with served(folder, latency_s=LATENCY_S) as url:
        settings = work / "settings.toml"
        settings.write_text(
            f'cache_dir = "{work / "cache"}"\n[archives.bench]\naddress = "s3://bench"\nendpoint_url = "{url}"\n'
            'region = "us-east-1"\nanonymous = true\n'
        )
        ours = [*s2kit_command(), "--config", str(settings), "chips", *(f"s3://bench/{one.name}" for one in products)]
        ours += ["--bands", "B04,B03,B02", "--limit", "0", "-q", "--out", str(work / "r"), "--jobs", "2", *_place()]
        (work / "gdal").mkdir()
        templates = [f"/vsicurl/{url}/bench/{Path(_template(one)).relative_to(folder)}" for one in products]
        peer = [sys.executable, "-c", WINDOWS, _words([PLACE]), str(work / "gdal"), *templates]
        tuned = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES"}
        tuned |= {"CPL_VSIL_CURL_CACHE_SIZE": "200000000", "GDAL_NUM_THREADS": "2"}
        base = None
        for name, command, env in (("s2kit", ours, {}), ("s2kit, index cached", ours, {}), ("tuned GDAL", peer, tuned)):
            shutil.rmtree(work / "r", ignore_errors=True)
            shutil.rmtree(work / "cache" / "chips", ignore_errors=True)
            before = counts(url)
            measured = measure(command, env=env)
            asked = {kind: total - before[kind] for kind, total in counts(url).items()}
            nbytes = asked.pop("bytes")
            base = base or (measured.wall_s, nbytes)
            rows.append(
                (
                    name,
                    number(measured.wall_s),
                    number(measured.cpu_s),
                    number(nbytes / 1e6),
                    str(sum(asked.values())),
                    f"{measured.wall_s / base[0]:.2f}",
                    f"{nbytes / base[1]:.2f}",
                )
            )
    return Table(
        f"chips: {REMOTE_DATES} dates, three 10 m bands, 128 px, "
        f"from a bucket with {LATENCY_S * 1000:g} ms latency, no TLM",
        ("what", "wall s", "CPU s", "MB", "requests", "wall ratio", "bytes ratio"),
        rows,
        ["s2kit reads SCL and the metadata too (bars: a third of the wall time, a fifth of the bytes)"],
    )
