"""GDAL's door: the first bytes of an image name its driver, no file beside it is looked at, no other driver is tried.

GDAL would open a VRT, a WMS description or a list of addresses under any name, and read or fetch what it points to.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2kit.errors import InputError
from s2kit.jp2.boxes import is_jpeg2000
from s2kit.jp2.decode import no_georeference_warning

HEAD_NBYTES = 12
"""First bytes of a file that name its driver."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ALONE = {"GDAL_PAM_ENABLED": "NO", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_GEOREF_SOURCES": "INTERNAL"}
"""GDAL's options (of this call alone) that keep it from `.aux.xml`, `.ovr`, `.msk` and world files."""
_WITH_SIDECARS = {"GDAL_PAM_ENABLED": "YES"}


def driver_of(head: bytes, name: str) -> str:
    """GDAL's driver for an image.

    Args:
        head: Its first `HEAD_NBYTES` bytes, or all of it.
        name: What messages call it.

    Raises:
        InputError: It is none of the kinds of image that are read here.
    """
    if is_jpeg2000(head):
        return "JP2OpenJPEG"
    if head[:4] in _TIFF:
        return "GTiff"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if head[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    raise InputError(
        f"{name}: neither JPEG 2000, TIFF, PNG, JPEG nor WebP by its first bytes",
        "the file is damaged, or something else under the name of an image",
    )


def open_raster(path: str, driver: str, *, sidecars: bool = False, **options: Any) -> Any:
    """A rasterio dataset, read by one driver; rasterio's exceptions are the caller's.

    Args:
        path: What GDAL calls it.
        driver: See `driver_of`.
        sidecars: True if `.aux.xml` beside it may add tags (only for files that s2kit wrote).
        options: For `rasterio.open`.
    """
    import rasterio

    env: Mapping[str, str] = _WITH_SIDECARS if sidecars else _ALONE
    with rasterio.Env(**env), no_georeference_warning():
        return rasterio.open(path, driver=driver, **options)


def open_raster_file(path: Path, *, sidecars: bool = False) -> Any:
    """A rasterio dataset of a local file; rasterio's exceptions are the caller's.

    Raises:
        InputError: It is no image by its first bytes.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        driver = driver_of(file.read(HEAD_NBYTES), str(path))
    return open_raster(str(path.absolute()), driver, sidecars=sidecars)
