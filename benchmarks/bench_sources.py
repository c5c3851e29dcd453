"""Other sources: chips of cloud-optimised GeoTIFFs beside async-geotiff and rio-tiler, and of Zarr arrays by the chunk.

All read the same files from the same loopback server, which waits 20 ms before each answer; each chip is read as if by
a new process, with nothing known of the file. The bars: never more than 1.1 times the requests and bytes of the better
peer; of Zarr, no request beyond the chunks that a chip touches. Peers that are not installed are left out.
"""

import asyncio
import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bench_remote import CHIP, GDAL, HEAD, LATENCY_S, PLACES, Cost, FarServer, _far_server, _mean
from benchmarks.harness import Table, number, work_folder
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.store.archive import Archive
from s2kit.store.location import RemoteObject, ZarrArray

SIDE = 4096
BLOCK = 512
CHUNK = 1024
MOST = 1.1
_reads = iter(range(1_000_000))


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    del repeat  # places take the place of repetitions
    folder = work_folder() / "sources"
    folder.mkdir(exist_ok=True)
    pixels = _pixels()
    cog, zarr = _cog(folder / "B04.tif", pixels), _zarr(folder / "b04.zarr", pixels)
    places = random.Random(3)
    windows = [Window(places.randrange(SIDE - CHIP), places.randrange(SIDE - CHIP), CHIP, CHIP) for _ in range(PLACES)]
    with _far_server(folder, LATENCY_S) as server:
        return [_cogs(server, cog, windows, pixels), _zarrs(server, zarr, windows, pixels)]


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
