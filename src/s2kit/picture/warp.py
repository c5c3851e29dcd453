"""Pixels from one grid onto another, by GDAL's warper."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.grid import Grid


def warped(pixels: NDArray[Any], source: Grid, target: Grid, method: str) -> NDArray[Any]:
    """Resample pixels; 0 is no data and is not mixed in.

    Args:
        pixels: `[row, col]` or `[band, row, col]`, on `source`.
        source: The grid they are on.
        target: The grid to resample to; what `source` does not cover becomes 0.
        method: GDAL's name of a resampling method, such as `bilinear` or `average`.

    Returns:
        As many axes as `pixels` has, on `target`, of the same dtype.
    """
    from affine import Affine
    from rasterio import Env
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    out = np.zeros((*pixels.shape[:-2], *target.shape), pixels.dtype)
    with Env():
        reproject(
            np.ascontiguousarray(pixels),
            out,
            src_transform=Affine(*source.geotransform),
            src_crs=f"EPSG:{source.epsg}",
            dst_transform=Affine(*target.geotransform),
            dst_crs=f"EPSG:{target.epsg}",
            src_nodata=0,
            dst_nodata=0,
            resampling=Resampling[method],
            num_threads=1,
        )
    return out
