"""Other sources: chips of cloud-optimised GeoTIFFs beside async-geotiff and rio-tiler, and of Zarr arrays by the chunk.

All read the same files from the same loopback server, which waits 20 ms before each answer; each chip is read as if by
a new process, with nothing known of the file. The bars: never more than 1.1 times the requests and bytes of the better
peer; of Zarr, no request beyond the chunks that a chip touches; a Landsat item in 1.05 times boto3's time. Peers that
are not installed are left out.
"""

import asyncio
import hashlib
import json
import random
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bench_download import BOTO3, KEYS, LINK
from benchmarks.bench_remote import CHIP, GDAL, HEAD, LATENCY_S, PLACES, Cost, FarServer, _far_server, _mean
from benchmarks.bucket_server import served
from benchmarks.harness import Contestant, Table, comparison, interleaved, number, s2kit_command, work_folder
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.store.archive import Archive
from s2kit.store.location import RemoteObject, ZarrArray

SIDE = 4096
BLOCK = 512
CHUNK = 1024
MOST = 1.1
ASSETS, ASSET_MB = 14, 60
"""Together about as large as a real item."""
_ITEM = "LC08_L2SP_198030_20240419_02_T1"
_ITEM_KEY = f"collections/landsat-c2-l2/items/{_ITEM}"
_reads = iter(range(1_000_000))


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    folder = work_folder() / "sources"
    folder.mkdir(exist_ok=True)
    pixels = _pixels()
    cog, zarr = _cog(folder / "B04.tif", pixels), _zarr(folder / "b04.zarr", pixels)
    places = random.Random(3)
    windows = [Window(places.randrange(SIDE - CHIP), places.randrange(SIDE - CHIP), CHIP, CHIP) for _ in range(PLACES)]
    with _far_server(folder, LATENCY_S) as server:
        tables = [_cogs(server, cog, windows, pixels), _zarrs(server, zarr, windows, pixels)]
    return [*tables, _landsat(folder, repeat)]


def _cogs(server: FarServer, path: Path, windows: list[Window], pixels: np.ndarray) -> Table:
    def cost(read: Callable[..., float | None]) -> Cost:
        return _mean(server, [partial(read, server, path, window, _part(pixels, window)) for window in windows])

    ours = cost(_ours)
    peers = {}
    for name, read in (("async-geotiff", _async_geotiff), ("rio-tiler", _rio_tiler)):
        try:
            peers[name] = cost(read)
        except ImportError:
            continue
    rows = []
    if peers:
        requests = MOST * min(peer.requests for peer in peers.values())
        megabytes = MOST * min(peer.nbytes for peer in peers.values()) / 1e6
        holds = ours.requests <= requests and ours.nbytes / 1e6 <= megabytes
        bar = (f"<= {requests:.1f} requests, <= {megabytes:.3f} MB", "yes" if holds else "NO")
    else:
        bar = ("", "")
    rows.append(_row("s2kit", ours, bar))
    rows += [_row(name, peer, ("", "")) for name, peer in peers.items()]
    return Table(f"{CHIP} px chip of a GeoTIFF with blocks of {BLOCK}, mean of {PLACES}, 20 ms a request", HEAD, rows)


def _zarrs(server: FarServer, path: Path, windows: list[Window], pixels: np.ndarray) -> Table:
    cost = _mean(server, [partial(_zarr_chip, server, path, one, _part(pixels, one)) for one in windows])
    chunks = sum(
        ((one.col_end - 1) // CHUNK - one.col // CHUNK + 1) * ((one.row_end - 1) // CHUNK - one.row // CHUNK + 1)
        for one in windows
    ) / len(windows)
    row = _row(
        "s2kit", cost, (f"= {chunks:.2f} requests, the chunks touched", "yes" if cost.requests == chunks else "NO")
    )
    return Table(f"{CHIP} px chip of a Zarr array with chunks of {CHUNK}, mean of {PLACES}", HEAD, [row])


def _landsat(folder: Path, repeat: int) -> Table:
    """All assets of an item, proven by their SHA-512, beside boto3's plain copy of the same objects."""
    bucket = _landsat_bucket(folder / "landsat")
    objects = {path.relative_to(bucket).as_posix(): path.name for path in bucket.rglob("*.TIF")}
    listing = folder / "landsat.json"
    listing.write_text(json.dumps(objects))
    outs = {name: folder / f"out-{name}" for name in ("s2kit", "boto3")}

    def emptied(name: str) -> Callable[[], object]:
        return lambda: shutil.rmtree(outs[name], ignore_errors=True)

    with served(bucket, rate=LINK) as url:
        env = {**KEYS, "AWS_ENDPOINT_URL_S3": url}
        ours = [*s2kit_command(), "download", f"s3://b/{_ITEM_KEY}", "--out", str(outs["s2kit"]), "-q"]
        boto3 = [sys.executable, "-c", BOTO3, str(outs["boto3"]), "b", url, str(listing)]
        found = interleaved(
            {
                "s2kit": Contestant(ours, env, before=emptied("s2kit")),
                "boto3 download_file, 8 threads": Contestant(boto3, KEYS, before=emptied("boto3")),
            },
            repeat,
        )
    for name in outs:
        emptied(name)()
    note = "s2kit takes SHA-512 of every byte, syncs every file to the disk, and renames; boto3 does not"
    return comparison(f"download of a Landsat item, {ASSETS * ASSET_MB} MB, link of 100 MB/s", found, notes=[note])


def _landsat_bucket(bucket: Path) -> Path:
    item = bucket / _ITEM_KEY
    if item.exists():
        return bucket
    assets = {}
    for number_of in range(ASSETS):
        key = f"collection02/{_ITEM}_B{number_of + 1}.TIF"
        data = np.random.default_rng(number_of).bytes(ASSET_MB * 1_000_000)
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_bytes(data)
        checksum = f"1340{hashlib.sha512(data).hexdigest()}"
        assets[f"b{number_of + 1}"] = {"href": f"s3://b/{key}", "file:checksum": checksum, "file:size": len(data)}
    item.parent.mkdir(parents=True, exist_ok=True)
    document = {"type": "Feature", "id": _ITEM, "collection": "landsat-c2-l2", "assets": assets, "links": []}
    item.write_text(json.dumps(document))
    return bucket


def _row(what: str, cost: Cost, bar: tuple[str, str]) -> tuple[str, ...]:
    trips = "" if cost.trips is None else number(cost.trips)
    return (what, number(cost.requests), f"{cost.nbytes / 1e6:.3f}", trips, number(cost.wall_s), *bar)


def _part(pixels: np.ndarray, window: Window) -> np.ndarray:
    return pixels[window.row : window.row_end, window.col : window.col_end]


def _ours(server: FarServer, path: Path, window: Window, expected: np.ndarray) -> float:
    where = RemoteObject(Archive(name="bench", address=server.url), path.name)
    with open_image(where, cache=False) as image:
        assert np.array_equal(image.window(window)[0], expected)
        return image.traffic.round_trips


def _zarr_chip(server: FarServer, path: Path, window: Window, expected: np.ndarray) -> float:
    document = json.loads((path / "zarr.json").read_bytes())
    where = ZarrArray(
        Archive(name="bench", address=server.url), path.name, json.dumps(document), CHUNK * CHUNK * 2, expected.nbytes
    )
    with open_image(where) as image:
        assert np.array_equal(image.window(window)[0], expected)
        return image.traffic.requests


def _async_geotiff(server: FarServer, path: Path, window: Window, expected: np.ndarray) -> None:
    from async_geotiff import GeoTIFF
    from async_geotiff import Window as TiffWindow
    from obstore.store import HTTPStore

    async def read() -> np.ndarray:
        store = HTTPStore(server.url, client_options={"allow_http": True})
        image = await GeoTIFF.open(path.name, store=store)
        found = await image.read(window=TiffWindow(window.col, window.row, window.width, window.height))
        return np.asarray(found.data)

    assert np.array_equal(asyncio.run(read())[0], expected)


def _rio_tiler(server: FarServer, path: Path, window: Window, expected: np.ndarray) -> None:
    """Read under an address of its own, since GDAL remembers what it read."""
    import rasterio
    from rasterio.windows import Window as GdalWindow
    from rio_tiler.io import Reader

    place = GdalWindow(window.col, window.row, window.width, window.height)
    with (
        rasterio.Env(**{**GDAL, "CPL_VSIL_CURL_USE_HEAD": "NO"}),
        Reader(f"/vsicurl/{server.url}/{path.name}?read={next(_reads)}") as source,
    ):
        assert np.array_equal(source.read(window=place).data[0], expected)


def _pixels() -> np.ndarray:
    """Ground that compresses as reflectance does: smooth, with noise of some digital numbers."""
    random_numbers = np.random.default_rng(8)
    rows, cols = np.mgrid[0:SIDE, 0:SIDE] / 97.0
    return (2000 + 700 * np.sin(rows) * np.cos(cols) + random_numbers.normal(0, 20, (SIDE, SIDE))).astype(np.uint16)


def _cog(path: Path, pixels: np.ndarray) -> Path:
    import rasterio
    from affine import Affine

    if not path.exists():
        options = {"driver": "COG", "compress": "deflate", "predictor": "YES", "blocksize": BLOCK}
        part = path.with_suffix(".part.tif")
        with rasterio.open(
            part, "w", height=SIDE, width=SIDE, count=1, dtype="uint16", crs="EPSG:32631", nodata=0,
            transform=Affine(10, 0, 300000, 0, -10, 4900020), **options,
        ) as file:  # fmt: skip
            file.write(pixels, 1)
        part.rename(path)
    return path


def _zarr(path: Path, pixels: np.ndarray) -> Path:
    import zarr

    if not path.exists():
        array = zarr.create_array(path, shape=pixels.shape, chunks=(CHUNK, CHUNK), dtype="uint16", zarr_format=3)
        array[...] = pixels
    return path
