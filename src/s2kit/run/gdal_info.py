"""Which GDAL rasterio carries, what it can read, and variables that break it; asks the environment and rasterio."""

import os
import re

from s2kit.errors import ConfigError

NEEDED_DRIVERS = ("JP2OpenJPEG", "GTiff", "COG", "MEM", "JPEG", "PNG")
_ANY_EPSG = 32631


def gdal_version() -> str:
    """Version of the GDAL inside rasterio."""
    import rasterio

    return str(rasterio.__gdal_version__)


def driver_names() -> frozenset[str]:
    """Short names of the raster drivers, such as `JP2OpenJPEG`."""
    import rasterio

    with rasterio.Env() as env:
        return frozenset(env.drivers())


def environment_problems() -> list[ConfigError]:
    """What variables of other installations break: PROJ's database, drivers that are skipped.

    rasterio is loaded only if a variable is set that can break it.
    """
    return [*_proj_problems(), *_skipped_drivers()]


def _proj_problems() -> list[ConfigError]:
    names = [name for name in ("PROJ_DATA", "PROJ_LIB") if os.environ.get(name)]
    if not names:
        return []
    import rasterio
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with rasterio.Env():
            CRS.from_epsg(_ANY_EPSG)
    except CRSError as error:
        reason = str(error).rpartition(": ")[2]
        return [
            ConfigError(
                f"{name}={os.environ[name]} leads to the PROJ of another installation: {reason}",
                f"unset {' '.join(names)}: rasterio brings its own",
            )
            for name in names[:1]  # PROJ looks at the other one only if this one is unset
        ]
    return []


def _skipped_drivers() -> list[ConfigError]:
    text = os.environ.get("GDAL_SKIP", "")
    skipped = {name.lower() for name in re.split(r"[\s,]+", text)}
    missing = [name for name in NEEDED_DRIVERS if name.lower() in skipped]
    if not missing:
        return []
    what = "driver" if len(missing) == 1 else "drivers"
    return [ConfigError(f"GDAL_SKIP={text} takes the {what} {', '.join(missing)} away from GDAL", "unset GDAL_SKIP")]
