"""Cubes from full-size files, beside odc-stac and rasterio on the same files."""

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench_chips import series
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

DATES, TILE_DATES = 10, 1
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
    return [_small(folder, work, repeat), _tile(folder, work), _append(folder, work)]


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
    products = _products(folder, DATES)
    area = ["--aoi", str(work / "area.geojson"), "--bands", "B04", "--out", str(work / "grown.zarr")]
    shutil.rmtree(work / "grown.zarr", ignore_errors=True)
    measure([*s2kit_command(), "cube", *map(str, products[:-1]), *area])
    appended = measure([*s2kit_command(), "cube", str(products[-1]), *area, "--append"])
    anew = measure([*s2kit_command(), "cube", *map(str, products), *area, "--overwrite"])
    rows = [
        ("--append of one date", number(appended.wall_s), number(appended.cpu_s)),
        (f"all {DATES} dates anew", number(anew.wall_s), number(anew.cpu_s)),
    ]
    return Table("a cube that grows", ("what", "wall s", "CPU s"), rows)
