"""JPEG writing by libjpeg-turbo through simplejpeg, by GDAL if simplejpeg is missing."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 65535
_SOI = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_LONGEST_COMMENT = 65533


def write_jpeg(path: Path, pixels: NDArray[np.uint8], *, quality: int = 90, comment: str = "") -> None:
    """Write pixels to a file.

    Args:
        path: The file; it is not made atomically, see `run.files`.
        pixels: `[row, col, band]` with 1 band (grey) or 3 (red, green, blue).
        quality: 1 to 100.
        comment: Text to keep in the file itself.

    Raises:
        OSError: The disk is full or failing.
    """
    try:
        from simplejpeg import encode_jpeg
    except ImportError:
        _write_by_gdal(path, pixels, quality)
        return
    grey = pixels.shape[2] == 1
    data = encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=quality,
        colorspace="Gray" if grey else "RGB",
        colorsubsampling="Gray" if grey else "420",
        fastdct=False,
    )
    with path.open("wb") as file:
        file.write(_SOI)
        text = comment.encode()[:_LONGEST_COMMENT]
        if text:
            file.write(_COMMENT + (len(text) + 2).to_bytes(2, "big") + text)
        file.write(memoryview(data)[len(_SOI) :])


def _write_by_gdal(path: Path, pixels: NDArray[np.uint8], quality: int) -> None:
    import rasterio

    rows, cols, bands = pixels.shape
    profile = {"driver": "JPEG", "width": cols, "height": rows, "count": bands, "dtype": "uint8", "quality": quality}
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.open(path, "w", **profile) as out:
        out.write(np.moveaxis(pixels, 2, 0))
