"""Which GDAL rasterio carries, what it can read, and variables that break it; asks the environment and rasterio."""

import os
import re
from pathlib import Path

from s2kit.errors import ConfigError

NEEDED_DRIVERS = ("JP2OpenJPEG", "GTiff", "COG", "MEM", "JPEG", "PNG")
_ANY_EPSG = 32631


_OTHERS = ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "GDAL_DRIVER_PATH")
"""Variables that lead GDAL and PROJ to files of an installation."""
_PLACE = (3.0, 45.0)
"""On the central meridian of zone 31, where easting is 500 km whatever the ellipsoid; longitude, latitude."""
_NORTHING_M = 4_982_950.4
"""Of that place in EPSG:32631, by the formula of the transverse Mercator projection on WGS 84."""


def gdal_version() -> str:
    """Version of the GDAL inside rasterio."""
    import rasterio

    return str(rasterio.__gdal_version__)


def proj_version() -> str:
    """Version of the PROJ inside rasterio."""
    import rasterio

    return str(rasterio.__proj_version__)


def proj_fault() -> str | None:
    """Why PROJ does not work: one EPSG code is not known, or a place in it comes out wrong; None if it works."""
    import rasterio
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    try:
        with rasterio.Env():
            (x,), (y,) = transform("EPSG:4326", f"EPSG:{_ANY_EPSG}", [_PLACE[0]], [_PLACE[1]])
    except CRSError as error:
        return f"EPSG:{_ANY_EPSG} is not known: {str(error).rpartition(': ')[2]}"
    off_m = max(abs(x - 500_000.0), abs(y - _NORTHING_M))
    return None if off_m < 1.0 else f"a place in EPSG:{_ANY_EPSG} comes out {off_m:.0f} m off"


def foreign_variables() -> dict[str, str]:
    """Variables that are set and lead to other files than those that rasterio brings; none if it brings no files."""
    import rasterio

    own = Path(rasterio.__file__).parent
    if not (own / "gdal_data").is_dir():  # built for the GDAL of the system or of conda, whose variables are right
        return {}
    found = {name: os.environ[name] for name in _OTHERS if os.environ.get(name)}
    return {name: value for name, value in found.items() if not Path(value).is_relative_to(own) and value != "disable"}


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
