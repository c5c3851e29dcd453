"""Remote images through GDAL: COG and GeoTIFF by the ranges of a `RemoteSource`, unusual JPEG 2000 from a whole copy.

GDAL's JPEG 2000 driver asks for thousands of small ranges and, through a Python file, returned wrong pixels (GDAL 3.10,
rasterio 1.4.4); one transfer of the whole is quicker and right.
"""

import io
import threading
from collections.abc import Sequence
from itertools import count, product
from typing import Any

from s2kit.errors import S2KitError
from s2kit.grid import Window
from s2kit.image.gdal_image import GdalImage, translated
from s2kit.image.gdal_open import HEAD_NBYTES, driver_of, open_raster
from s2kit.store.byte_source import Traffic
from s2kit.store.remote_source import KEPT_PIECE, RemoteSource
from s2kit.store.spans import Span

READ_AHEAD = 64 * 1024
"""Least bytes of a request: GDAL asks for heads and directories in small portions."""

_MOST_BLOCKS = 64
_numbers = count(1)


class RemoteGdalImage(GdalImage):
    """One remote image, opened with rasterio. Not to be shared by threads."""

    def __init__(self, source: RemoteSource) -> None:
        """Open an image; whoever made the source closes it.

        Raises:
            InputError: It is no image by its first bytes, or GDAL cannot read it.
        """
        self._source = source
        self._openers: list[_Opener] = []
        super().__init__("", source.name, driver_of(source.at_hand(0, HEAD_NBYTES), source.name))

    @property
    def traffic(self) -> Traffic:
        """What was read so far."""
        return self._source.traffic

    def _open(self, **options: Any) -> Any:
        if self._driver == "JP2OpenJPEG":
            with translated(self._source.name):
                return open_raster(self._source.as_file(), self._driver, **options)
        opener = _Opener(self._source)
        self._openers.append(opener)
        try:
            with translated(self._source.name):
                return open_raster(opener.path, self._driver, opener=opener.open, **options)
        except S2KitError as error:
            raise opener.error or error from None

    def _read(self, dataset: Any, window: Window, bands: Sequence[int]) -> Any:
        if dataset is self._datasets[0] and self._driver == "GTiff":
            self._fetch_blocks(dataset, window, bands)
        try:
            return super()._read(dataset, window, bands)
        except S2KitError as error:
            raise next((opener.error for opener in self._openers if opener.error), None) or error from None

    def _fetch_blocks(self, dataset: Any, window: Window, bands: Sequence[int]) -> None:
        """Have the blocks of a window at hand: near ones in one request, all side by side, since GDAL takes turns."""
        spans = set()
        height, width = dataset.block_shapes[0]
        rows = range(window.row // height, (window.row_end - 1) // height + 1)
        cols = range(window.col // width, (window.col_end - 1) // width + 1)
        if len(rows) * len(cols) * len(bands) > _MOST_BLOCKS:
            return
        for row, col, band in product(rows, cols, bands):
            words = (dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", band + 1) for what in ("OFFSET", "SIZE"))
            offset, nbytes = (int(word or 0) for word in words)
            if nbytes and offset + nbytes <= self._source.size:
                spans.add(Span(offset, nbytes))
        if len(spans) > 1 and sum(span.nbytes for span in spans) <= KEPT_PIECE:
            self._source.read_many(sorted(spans))


class _Opener:
    """Gives GDAL files to read from; an error ends a file early and is kept for whoever asked GDAL."""

    def __init__(self, source: RemoteSource) -> None:
        self.path = f"s2kit-{next(_numbers)}.image"
        self.error: S2KitError | None = None
        self._source = source
        self._lock = threading.Lock()

    def open(self, path: str, mode: str = "rb") -> "_File":
        """The image as a file; there are no others beside it."""
        if not path.endswith(self.path) or "w" in mode:
            raise FileNotFoundError(path)
        return _File(self)

    @property
    def size(self) -> int:
        """Bytes of the image."""
        return self._source.size

    def read(self, offset: int, nbytes: int) -> bytes:
        """Bytes of the image; fewer at its end, or where reading failed."""
        left = max(self.size - offset, 0)
        nbytes = min(nbytes, left)
        with self._lock:
            data = self._source.at_hand(offset, nbytes)
            if len(data) == nbytes or self.error is not None:
                return data
            try:
                return self._source.read_many([Span(offset, min(max(nbytes, READ_AHEAD), left))])[0][:nbytes]
            except S2KitError as error:
                self.error = error
                return b""


class _File(io.RawIOBase):
    """A place in an image."""

    def __init__(self, opener: _Opener) -> None:
        super().__init__()
        self._opener = opener
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._opener.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        data = self._opener.read(self._at, self._opener.size if size is None or size < 0 else size)
        self._at += len(data)
        return data
