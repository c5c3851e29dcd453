"""Which GDAL rasterio carries, and what it can read."""

import rasterio


def gdal_version() -> str:
    """Version of the GDAL inside rasterio."""
    return str(rasterio.__gdal_version__)


def driver_names() -> frozenset[str]:
    """Short names of the raster drivers, such as `JP2OpenJPEG`."""
    with rasterio.Env() as env:
        return frozenset(env.drivers())
