"""Windows of a Zarr array by zarr-python: only the chunks that a window touches are read.

Arrays of floats hold values that were scaled already: they are given back as the digital numbers that they were stored
from, so that an image means the same in every product.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import ConfigError, InputError, S2KitError
from s2kit.grid import Window
from s2kit.jp2.reader import ImageInfo, ImageSize, check_reduction, check_request, checked_components
from s2kit.store.byte_source import Traffic
from s2kit.store.location import ZarrArray

if TYPE_CHECKING:
    from s2kit.image.zarr_bytes import ChunkStore

_LARGEST_DN = 65535


class ZarrImage:
    """One array `[row, col]` or `[component, row, col]`, or one position of its first axis, as an image.

    Not to be shared by threads.
    """

    def __init__(self, location: ZarrArray) -> None:
        """Open an array.

        Raises:
            ConfigError: zarr-python is not installed.
            InputError: Its metadata is not what zarr-python can read.
        """
        self._location, self._name = location, str(location)
        self._array, self._store = _opened(location)
        shape = self._array.shape
        if location.position is not None:
            if not 0 <= location.position < shape[0]:
                raise InputError(f"{self._name}: an array of shape {shape} has no image {location.position}")
            shape = shape[1:]
        if len(shape) not in {2, 3} or not all(shape):
            raise InputError(f"{self._name}: an array of shape {shape} is no image")
        self._stored_float = self._array.dtype.kind == "f"
        dtype = np.dtype(np.uint16) if self._stored_float else np.dtype(self._array.dtype).newbyteorder("=")
        self._size = ImageSize(shape[-1], shape[-2], shape[0] if len(shape) == 3 else 1, dtype, (0,))

    @property
    def info(self) -> ImageInfo:
        """What the image is; where it lies is known by its product."""
        size = self._size
        return ImageInfo(size.width, size.height, size.count, size.dtype, None, None, None, size.reductions)

    @property
    def size(self) -> ImageSize:
        """The part of `info` that costs nothing."""
        return self._size

    @property
    def traffic(self) -> Traffic:
        """Chunks and bytes read so far."""
        return self._store.traffic

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window; see `open.Image.window`."""
        size = self._size
        check_request(size.width, size.height, size.reductions, window, reduction, self._name)
        bands = checked_components(size.count, components, self._name)
        inside = window.intersection(Window(0, 0, size.width, size.height))
        assert inside is not None, "checked above"
        pixels = self._read(inside)[list(bands)]
        if inside == window:
            return pixels
        framed = np.full((len(bands), *window.shape), fill, size.dtype)
        at = inside.shifted(-window.col, -window.row)
        framed[:, at.row : at.row_end, at.col : at.col_end] = pixels
        return framed

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """Read the whole image; see `open.Image.level`."""
        check_reduction(self._size.reductions, reduction, self._name)
        return self.window(Window(0, 0, self._size.width, self._size.height), 0, components)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _read(self, window: Window) -> NDArray[Any]:
        first = ... if self._location.position is None else self._location.position
        at = (slice(window.row, window.row_end), slice(window.col, window.col_end))
        with _translated(self._name):
            stored = np.asarray(self._array[(first, *at)])
        pixels = stored.reshape(self._size.count, *window.shape)
        return self._digital(pixels) if self._stored_float else pixels.astype(self._size.dtype, copy=False)

    def _digital(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        scale, offset = self._location.scale
        numbers = np.rint((values.astype(np.float64) - offset) / scale)
        digital: NDArray[np.uint16] = np.nan_to_num(np.clip(numbers, 0, _LARGEST_DN), nan=0.0).astype(np.uint16)
        return digital


def read_values(location: ZarrArray) -> NDArray[Any]:
    """All values of an array, of any number of dimensions: meant for coordinates.

    Raises:
        ConfigError: zarr-python is not installed.
        InputError: The array is damaged.
    """
    array, store = _opened(location)
    with _translated(str(location)):
        values = np.asarray(array[...])
    store.close()
    return values


def _opened(location: ZarrArray) -> "tuple[Any, ChunkStore]":
    try:
        import zarr

        from s2kit.image.zarr_bytes import ChunkStore
    except ImportError as error:
        raise ConfigError(
            f"{location}: Zarr needs the package zarr", "install the extra: pip install 's2kit[zarr]'"
        ) from error
    store = ChunkStore(location)
    with _translated(str(location)):
        return zarr.open_array(store, mode="r", zarr_format=json.loads(location.document)["zarr_format"]), store


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except S2KitError:
        raise
    except MemoryError:
        raise InputError(f"{name}: the image is too large for this machine's memory") from None
    except Exception as error:  # zarr-python and its codecs have no common base of exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: {reason}", "a chunk is damaged, or its codec is not installed") from error
