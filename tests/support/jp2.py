"""JPEG 2000 files as ESA makes them, small: tiles, PLT, LRCP, 5 resolutions; TLM on demand."""

from pathlib import Path

import numpy as np


def write_jp2(path: Path, side: int = 1100, *, tile: int = 256, tlm: bool = False, seed: int = 1, **options) -> Path:
    """Write an image of noise on a slope; compressible tiles beside others, so that sizes differ."""
    import rasterio

    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[0:side, 0:side]
    pixels = 1000 + rows // 4 + cols // 8 + rng.integers(0, 1 + (cols * 400) // side, (side, side))
    pixels[rows + cols < side // 3] = 0
    values = {
        "QUALITY": "100", "REVERSIBLE": "YES", "RESOLUTIONS": "5", "PROGRESSION": "LRCP", "NBITS": "15",
        "CODEBLOCK_WIDTH": "32", "CODEBLOCK_HEIGHT": "32", "PRECINCTS": ",".join(["{64,64}"] * 5),
        "PLT": "YES", "TLM": "YES" if tlm else "NO", "GMLJP2": "YES", "GeoJP2": "NO",
    } | options  # fmt: skip
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        width=side,
        height=side,
        count=1,
        dtype="uint16",
        crs="EPSG:32631",
        transform=rasterio.Affine(10, 0, 300000, 0, -10, 5000040),
        tiled=True,
        blockxsize=tile,
        blockysize=tile,
        **values,
    ) as dataset:
        dataset.write(pixels.astype(np.uint16), 1)
    return path
