"""libtiff's own voice. Touches the library inside rasterio."""

import ctypes
from contextlib import suppress
from functools import cache

from s2kit.run.wheel_library import library_paths


@cache
def silence_libtiff() -> None:
    """Have libtiff print nothing: a full disk costs a line for each block, beside the error that GDAL reports anyway.

    GDAL has a handler of its own for what it opens, but the functions that write ask libtiff's, which prints to stderr.
    """
    import rasterio  # noqa: F401 - the library finds those that it needs only once rasterio has loaded them

    for path in library_paths("rasterio", "tiff"):
        with suppress(OSError, AttributeError):
            handler = ctypes.CDLL(path).TIFFSetErrorHandler
            handler.argtypes, handler.restype = (ctypes.c_void_p,), ctypes.c_void_p
            handler(None)
            return
