"""A full-size product to measure with: invented pixels, coded as ESA codes, of ESA's sizes and about ESA's weight."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import work_folder
from s2kit.demo.metadata import product_metadata, tile_metadata
from s2kit.demo.noise import block_mean, fractal, hashed
from s2kit.demo.scene_product import SceneProduct
from s2kit.demo.weather import Sun
from s2kit.demo.writer import CODINGS, to_lonlat, write_jp2
from s2kit.grid import Grid

SIDE = 10980
BANDS = ("B02", "B03", "B04")
_ROUGHNESS, _NOISE = 18, 6
"""Digital numbers of texture and noise that bring a 10 m band to about 107 MB; real ones of full land have 109 MB."""


def full_tile() -> Path:
    """The SAFE folder of an L2A product of a whole tile with B02, B03 and B04 at 10, 20 and 60 m; made once."""
    grid = Grid(32631, 300000.0, 4900020.0, 10.0, SIDE, SIDE)
    product = SceneProduct(
        level="L2A",
        baseline="05.10",
        sensing=datetime(2024, 7, 8, 10, 50, 31, tzinfo=UTC),
        orbit=47238,
        relative_orbit=51,
        tile="31TCJ",
        grid=grid,
    )
    safe = work_folder() / f"{product.name}.SAFE"
    if safe.is_dir():
        return safe
    print(f"making {safe} (once, some minutes)", flush=True)
    part = safe.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    paths = {(band, res): path for band, res, path in product.images()}
    for band, pixels in zip(BANDS, _bands(), strict=True):
        for res in (10, 20, 60):
            path = part / f"{paths[band, res]}.jp2"
            path.parent.mkdir(parents=True, exist_ok=True)
            small = np.rint(block_mean(pixels, res // 10)).astype(np.uint16)
            size = SIDE * 10 // res
            write_jp2(path, small[None], Grid(grid.epsg, grid.west, grid.north, res, size, size), CODINGS[res])
    bounds = grid.bounds
    ring = to_lonlat(
        [
            (bounds.west, bounds.north),
            (bounds.east, bounds.north),
            (bounds.east, bounds.south),
            (bounds.west, bounds.south),
        ],
        grid.epsg,
    )
    shares = dict.fromkeys(range(12), 0.0) | {4: 100.0}
    (part / product.metadata_name).write_text(product_metadata(product, [*ring, ring[0]], 0.0, shares))
    granule = part / "GRANULE" / product.granule
    (granule / "MTD_TL.xml").write_text(tile_metadata(product, Sun(30.0, 150.0), [], 0.0, 0.0))
    part.rename(safe)
    return safe


def _bands() -> Iterator[NDArray[np.float32]]:
    """Digital numbers of each band: hills, fields of a warped mosaic, texture that differs by field, noise, clouds."""
    rng = np.random.default_rng(7)
    hills, warp = fractal(SIDE, 3.2, rng), fractal(SIDE, 4.0, rng)
    row, col = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    across = np.floor((0.86 * col + 0.5 * row + 60 * warp) / 37).astype(np.int64)
    along = np.floor((-0.5 * col + 0.86 * row + 50 * np.roll(warp, 999, 0)) / 23).astype(np.int64)
    del row, col, warp
    rough = (_ROUGHNESS * (0.4 + 1.2 * hashed(across, along))).astype(np.float32)
    for at in range(len(BANDS)):
        field = hashed(across, along, at).astype(np.float32)
        pixels = 1500 + 350 * at + 320 * hills + 3600 * (field - 0.5) ** 2
        pixels += rough * fractal(SIDE, 1.2, rng)
        pixels += rng.standard_normal((SIDE, SIDE), dtype=np.float32) * _NOISE
        pixels += 5000 * np.clip(hills - 1.9, 0, None)
        yield np.clip(pixels, 1, 20000)


if __name__ == "__main__":
    os.environ.setdefault("GDAL_NUM_THREADS", "ALL_CPUS")
    print(full_tile())
