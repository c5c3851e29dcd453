"""Small GeoTIFFs: as bytes, encoded by GDAL in memory, and read back."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from s2kit.grid import Grid


def encode_geotiff(
    pixels: NDArray[Any],
    grid: Grid,
    *,
    description: str,
    tags: Mapping[str, str],
    scale: float = 1.0,
    offset: float = 0.0,
    nodata: float | None = 0,
) -> bytes:
    """A one-band GeoTIFF with its place and what its numbers mean.

    Args:
        pixels: `[row, col]`.
        grid: Where they lie.
        description: Name of the band.
        tags: Texts that stand in the file.
        scale: A value is `pixel * scale + offset`.
        offset: See `scale`.
        nodata: The number that means no data.
    """
    from affine import Affine
    from rasterio.io import MemoryFile

    height, width = pixels.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=width,
            height=height,
            count=1,
            dtype=pixels.dtype,
            crs=f"EPSG:{grid.epsg}",
            transform=Affine(*grid.geotransform),
            nodata=nodata,
            compress="DEFLATE",
            predictor=3 if pixels.dtype.kind == "f" else 2,
        ) as dataset:
            dataset.write(pixels, 1)
            dataset.set_band_description(1, description)
            dataset.scales = (scale,)
            dataset.offsets = (offset,)
            dataset.update_tags(**tags)
        return bytes(memory.read())


def read_geotiff(path: str) -> tuple[NDArray[Any], Grid, float | None, dict[str, str], float, float]:
    """The first band of a small raster: pixels `[row, col]`, grid, no-data value, tags, scale and offset.

    Raises:
        InputError: It is no raster with a place.
        NotFoundError: No such file.
    """
    from pathlib import Path

    from rasterio.errors import RasterioError

    from s2kit.errors import InputError, NotFoundError
    from s2kit.image.gdal_open import open_raster_file

    if not Path(path).exists():
        raise NotFoundError(f"{path} does not exist")
    try:
        with open_raster_file(Path(path)) as dataset:
            epsg = dataset.crs.to_epsg() if dataset.crs else None
            if epsg is None:
                raise InputError(f"{path} has no coordinate system", "raw chips are made with s2kit chips --raw")
            place = dataset.transform
            grid = Grid(epsg, place.c, place.f, place.a, dataset.width, dataset.height)
            pixels = dataset.read(1)
            return pixels, grid, dataset.nodata, dict(dataset.tags()), dataset.scales[0], dataset.offsets[0]
    except RasterioError as error:
        raise InputError(f"{path} is no raster: {error}") from error
