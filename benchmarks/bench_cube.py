"""Cubes from full-size files, beside odc-stac and rasterio on the same files."""

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench_chips import series
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
from s2kit.area.projection import project_point

DATES, TILE_DATES, GROWN_DATES = 10, 1, 24
BORDER_PX = 4472
"""Side in 10 m pixels of about 2 000 km²."""
LATENCY_S = 0.02
SIDE_M = 2000.0
CORNER = (355_000.0, 4_845_000.0)
BANDS = ("B02", "B03", "B04", "B08")
PEERS = ["odc-stac>=0.5", "rasterio>=1.4.4", "xarray"]

ODC = """
import json, sys
import odc.stac, pystac
from odc.geo.geobox import GeoBox
items = [pystac.Item.from_dict(one) for one in json.load(open(sys.argv[1]))]
west, south, east, north = map(float, sys.argv[2].split(","))
box = GeoBox.from_bbox((west, south, east, north), crs="EPSG:32631", resolution=10)
cube = odc.stac.load(items, bands=sys.argv[3].split(","), geobox=box, groupby="solar_day", chunks=None)
print(float(cube[sys.argv[3].split(",")[0]].mean()))
"""

TUNED = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "CPL_VSIL_CURL_CACHE_SIZE": "200000000",
    "GDAL_NUM_THREADS": "ALL_CPUS",
}

WARP = """
import sys, numpy as np, rasterio
from rasterio.warp import Resampling, reproject
source, west, north, side, epsg = sys.argv[1], *map(float, sys.argv[2:])
with rasterio.open(source) as image:
    pixels, profile = image.read(1), image.profile
target = np.zeros((int(side), int(side)), np.uint16)
reproject(pixels, target, src_transform=profile["transform"], src_crs=profile["crs"], src_nodata=0, dst_nodata=0,
          dst_transform=rasterio.Affine(10, 0, west, 0, -10, north), dst_crs=f"EPSG:{int(epsg)}",
          resampling=Resampling.bilinear, num_threads=2)
print(int(target.sum()))
"""

DECODE = """
import sys, rasterio
for path in sys.argv[1:]:
    with rasterio.open(path) as image:
        image.read(1)
"""


def run(repeat: int) -> list[Table]:
    """All tables."""
    folder, work = series(), work_folder() / "cube"
    work.mkdir(exist_ok=True)
    return [
        _small(folder, work, repeat),
        _bucket(folder, work),
        _tile(folder, work),
        _border(folder, work),
        _append(folder, work),
    ]


def _products(folder: Path, dates: int) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".SAFE")[:dates]


def _small(folder: Path, work: Path, repeat: int) -> Table:
    """2 km x 2 km, 10 dates, 4 bands at 10 m."""
    products = _products(folder, DATES)
    west, south = CORNER
    bounds = (west, south, west + SIDE_M, south + SIDE_M)
    items = work / "items.json"
    items.write_text(json.dumps([_item(product) for product in products]))
    box = work / "area.geojson"
    ring = [(west, south), (west + SIDE_M, south), (west + SIDE_M, south + SIDE_M), (west, south + SIDE_M)]
    lonlat = [list(project_point(x, y, 32631, 4326)) for x, y in [*ring, ring[0]]]
    box.write_text(json.dumps({"type": "Polygon", "coordinates": [lonlat]}))
    words = ["--aoi", str(box), "--bands", ",".join(BANDS), "--out", str(work / "small.zarr"), "--overwrite"]
    peer = peer_python("odc", PEERS)
    script = work / "peer_load.py"
    script.write_text(ODC)
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": Contestant([*s2kit_command(), "cube", *map(str, products), *words]),
        "odc-stac": peer
        if isinstance(peer, Absent)
        else Contestant(
            [str(peer), str(script), str(items), ",".join(map(str, bounds)), ",".join(BANDS)],
            env={"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_NUM_THREADS": "ALL_CPUS"},
        ),
    }
    measured = interleaved(contestants, repeat)
    notes = ["s2kit writes Zarr, odc-stac loads into memory", *_cpu(measured)]
    return comparison(
        f"{SIDE_M / 1000:g} km x {SIDE_M / 1000:g} km, {DATES} dates, 4 bands at 10 m", measured, notes=notes
    )


def _cpu(measured: Mapping[str, Measurement | Absent]) -> list[str]:
    ours, theirs = measured["s2kit"], measured["odc-stac"]
    if not isinstance(ours, Measurement) or not isinstance(theirs, Measurement):
        return []
    return [f"CPU: odc-stac takes {theirs.cpu_s / ours.cpu_s:.1f} times as much"]


def _item(product: Path) -> dict[str, object]:
    """A STAC item of the 10 m files of a product."""
    stamp = datetime.strptime(product.name.split("_")[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    corners = [(300000, 4900020), (409800, 4900020), (409800, 4790220), (300000, 4790220)]
    ring = [list(project_point(x, y, 32631, 4326)) for x, y in [*corners, corners[0]]]
    lons, lats = zip(*ring, strict=True)
    assets = {
        band: {
            "href": str(next(product.rglob(f"*_{band}_10m.jp2"))),
            "type": "image/jp2",
            "roles": ["data"],
            "proj:code": "EPSG:32631",
            "proj:shape": [10980, 10980],
            "proj:transform": [10, 0, 300000, 0, -10, 4900020],
            "raster:bands": [{"data_type": "uint16", "nodata": 0}],
        }
        for band in BANDS
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": product.stem,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [min(lons), min(lats), max(lons), max(lats)],
        "properties": {"datetime": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", "proj:epsg": 32631},
        "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
        "links": [],
        "assets": assets,
    }


def _bucket(folder: Path, work: Path) -> Table:
    """The same from a bucket, once each: the peer alone takes minutes. `_small` has written the area and the items."""
    products = _products(folder, DATES)
    west, south = CORNER
    bounds = ",".join(map(str, (west, south, west + SIDE_M, south + SIDE_M)))
    shutil.rmtree(work / "cache", ignore_errors=True)
    rows: list[tuple[str, ...]] = []
    with served(folder, latency_s=LATENCY_S) as url:
        settings, script, items = work / "settings.toml", work / "peer_load.py", work / "far_items.json"
        settings.write_text(
            f'cache_dir = "{work / "cache"}"\n[archives.bench]\naddress = "s3://bench"\nendpoint_url = "{url}"\n'
            'region = "us-east-1"\nanonymous = true\n'
        )
        items.write_text((work / "items.json").read_text().replace(f"{folder}/", f"/vsicurl/{url}/bench/"))
        ours = [*s2kit_command(), "--config", str(settings), "cube", *(f"s3://bench/{one.name}" for one in products)]
        ours += ["--aoi", str(work / "area.geojson"), "--bands", ",".join(BANDS), "--out", str(work / "far.zarr")]
        peer = peer_python("odc", PEERS)
        theirs = None if isinstance(peer, Absent) else [str(peer), str(script), str(items), bounds, ",".join(BANDS)]
        base = None
        for name, command, env in (
            ("s2kit", [*ours, "--overwrite"], {}),
            ("s2kit, index kept", [*ours, "--overwrite"], {}),
            ("odc-stac, tuned GDAL", theirs, TUNED),
        ):
            if command is None:
                continue
            before = counts(url)
            run = measure(command, env=env)
            asked = {kind: total - before[kind] for kind, total in counts(url).items()}
            nbytes = asked.pop("bytes")
            base = base or (run.wall_s, nbytes)
            ratios = f"{run.wall_s / base[0]:.2f}", f"{nbytes / base[1]:.2f}"
            total = sum(asked.values())
            rows.append((name, number(run.wall_s), number(run.cpu_s), number(nbytes / 1e6), str(total), *ratios))
    return Table(
        f"the same from a bucket with {LATENCY_S * 1000:g} ms latency, no TLM",
        ("what", "wall s", "CPU s", "MB", "requests", "wall ratio", "bytes ratio"),
        rows,
        ["s2kit reads SCL and the metadata too"],
    )


def _border(folder: Path, work: Path) -> Table:
    """One band of 2 000 km² in the neighbouring zone, beside rasterio.warp of the whole decoded band."""
    (product,) = _products(folder, 1)
    source = next(product.rglob("*_B04_10m.jp2"))
    x, y = project_point(355_000.0, 4_845_000.0, 32631, 32630)
    side = 10.0 * BORDER_PX
    west, north = (10 * round((x - side / 2) / 10), 10 * round((y + side / 2) / 10))
    corners = [(west, north), (west + side, north), (west + side, north - side), (west, north - side), (west, north)]
    inner = 100.0  # the degrees of the area have curved sides in metres: stay inside the peer's box
    middle = [(cx + (inner if cx == west else -inner), cy - (inner if cy == north else -inner)) for cx, cy in corners]
    area = work / "border.geojson"
    ring = [list(project_point(cx, cy, 32630, 4326)) for cx, cy in middle]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    script = work / "warp.py"
    script.write_text(WARP)
    words = ["--aoi", str(area), "--bands", "B04", "--crs", "EPSG:32630", "--res", "10", "--resampling", "bilinear"]
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": Contestant(
            [*s2kit_command(), "cube", str(product), *words, "--out", str(work / "border.zarr"), "--overwrite"]
        ),
        "rasterio: decode all, warp": Contestant(
            [sys.executable, str(script), str(source), str(west), str(north), str(BORDER_PX), "32630"],
            env={"GDAL_NUM_THREADS": "2", "OPJ_NUM_THREADS": "2"},
        ),
    }
    measured = interleaved(contestants, 1)
    return comparison("2 000 km² in the neighbouring zone, one band at 10 m, bilinear", measured)


def _tile(folder: Path, work: Path) -> Table:
    """A whole tile, 3 bands at 10 m to Zarr, beside decoding alone."""
    products = _products(folder, TILE_DATES)
    files = [str(next(product.rglob(f"*_{band}_10m.jp2"))) for product in products for band in BANDS[:3]]
    script = work / "decode.py"
    script.write_text(DECODE)
    words = ["--bands", ",".join(BANDS[:3]), "--out", str(work / "tile.zarr"), "--overwrite"]
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": Contestant([*s2kit_command(), "cube", *map(str, products), *words]),
        "decoding alone, rasterio, 1 core": Contestant(
            [sys.executable, str(script), *files], env={"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"}
        ),
    }
    measured = interleaved(contestants, 1)
    return comparison(f"a whole tile, {TILE_DATES} date, 3 bands at 10 m to Zarr", measured)


def _append(folder: Path, work: Path) -> Table:
    """One date more for a cube, beside making all of it."""
    products = _products(folder, GROWN_DATES)
    area = ["--aoi", str(work / "area.geojson"), "--bands", "B04", "--out", str(work / "grown.zarr")]
    shutil.rmtree(work / "grown.zarr", ignore_errors=True)
    measure([*s2kit_command(), "cube", *map(str, products[:-1]), *area])
    appended = measure([*s2kit_command(), "cube", str(products[-1]), *area, "--append"])
    anew = measure([*s2kit_command(), "cube", *map(str, products), *area, "--overwrite"])
    rows = [
        ("--append of one date", number(appended.wall_s), number(appended.cpu_s)),
        (f"all {GROWN_DATES} dates anew", number(anew.wall_s), number(anew.cpu_s)),
    ]
    return Table("a cube that grows", ("what", "wall s", "CPU s"), rows)
