"""Small GeoTIFFs read back."""

from typing import Any

from numpy.typing import NDArray

from s2kit.grid import Grid


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
