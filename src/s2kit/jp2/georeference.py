"""CRS and grid of an image as rasterio finds them."""

from typing import Any

import numpy as np

from s2kit.grid import Grid
from s2kit.jp2.decode import no_georeference_warning
from s2kit.jp2.reader import ImageInfo


def georeference(data: bytes) -> tuple[int | None, Grid | None]:
    """EPSG code and grid of a JPEG 2000 file, from its first bytes up to and with the first SOT segment.

    Whatever box has them (GML, GeoTIFF), GDAL knows how to read it. `(None, None)` where it finds nothing.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    try:
        with (
            MemoryFile(data, ext=".jp2") as memory,
            no_georeference_warning(),
            rasterio.open(memory.name, driver="JP2OpenJPEG") as dataset,
        ):
            info = dataset_info(dataset)
            return info.epsg, info.grid
    except RasterioError:
        return None, None


def dataset_info(dataset: Any) -> ImageInfo:
    """What an open rasterio dataset is."""
    epsg = dataset.crs.to_epsg() if dataset.crs else None
    factors = dataset.overviews(1)
    reductions = [0]
    while 1 << len(reductions) in factors:
        reductions.append(len(reductions))
    return ImageInfo(
        width=dataset.width,
        height=dataset.height,
        count=dataset.count,
        dtype=np.dtype(dataset.dtypes[0]),
        nodata=dataset.nodata,
        epsg=epsg,
        grid=_grid(dataset, epsg),
        reductions=tuple(reductions),
    )


def _grid(dataset: Any, epsg: int | None) -> Grid | None:
    transform = dataset.transform
    north_up = transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e == -transform.a
    if epsg is None or not north_up:
        return None
    return Grid(epsg, transform.c, transform.f, transform.a, dataset.width, dataset.height)
