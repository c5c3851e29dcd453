"""Pixels of any image: windows and levels, decoding only what is needed where the file lets us.

JPEG 2000 files of ESA's form (LRCP, one layer, PLT) are read by their packets (`jp2/image.py`); anything else goes
through GDAL (`image/gdal_image.py`) with the same result and a debug line.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, Self

from numpy.typing import NDArray

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Window
from s2kit.image.gdal_image import GdalImage
from s2kit.image.gdal_open import HEAD_NBYTES, driver_of
from s2kit.jp2.boxes import is_jpeg2000
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.image import Jp2Image, read_header
from s2kit.jp2.markers import NeedMore
from s2kit.jp2.packets import TilePackets
from s2kit.jp2.reader import ImageInfo, ImageSize, Reader
from s2kit.jp2.tile_index import WalkingIndex
from s2kit.jp2.tile_part import parse_tile_part
from s2kit.jp2.tile_part_count import refuse_unannounced_parts
from s2kit.jp2.tile_search import Siblings
from s2kit.store.byte_source import FileSource, Traffic
from s2kit.store.location import FilePart, ImageLocation, LocalFile, RemoteObject, ZarrArray, ZipMember, gdal_path
from s2kit.store.spans import Span
from s2kit.store.zip_member import member_head, opened_member

__all__ = ["Image", "ImageInfo", "Traffic", "open_image"]

log = logging.getLogger(__name__)

_PART_GUESS = 512
_KNOWN_FILES = 16
"""Local files whose headers are remembered."""


class Image:
    """One open image; a context manager. Not to be shared by threads or processes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        return self._reader.info

    @property
    def size(self) -> ImageSize:
        """The part of `info` that costs nothing: without CRS and grid."""
        return self._reader.size

    @property
    def traffic(self) -> Traffic:
        """Requests, bytes and round trips so far (of a local file: ranges and bytes copied from its map)."""
        return self._reader.traffic

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window.

        Args:
            window: Full-resolution pixels; it may reach beyond the image.
            reduction: 0 for full resolution, each further one halves the sides.
            components: Which components, counted from 0; None for all.
            fill: What stands beyond the image's edge.

        Returns:
            Array `[component, row, col]` of the image's dtype, of the shape of `window.reduced(reduction)`.

        Raises:
            NotFoundError: There is no such reduction or component.
            InputError: The window lies wholly outside, or the file is damaged where it is read.
        """
        return self._reader.window(window, reduction, components, fill)

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """Read the whole image at a reduction.

        Args:
            reduction: 0 for full resolution, each further one halves the sides (rounded up).
            components: Which components, counted from 0; None for all.

        Returns:
            Array `[component, row, col]` of the image's dtype.

        Raises:
            NotFoundError: There is no such reduction or component.
            InputError: The file is damaged.
        """
        return self._reader.level(reduction, components)

    def close(self) -> None:
        """Close it."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_image(
    location: ImageLocation | str | Path,
    *,
    openjpeg: str = "auto",
    cache: bool | Path = True,
    siblings: Siblings | None = None,
) -> Image:
    """Open an image for windows and levels.

    Args:
        location: Where it lies; a path or string means a local file.
        openjpeg: `auto` takes OpenJPEG's area decode where it can be trusted, `off` never; the pixels are the same.
        cache: True keeps what is learned of far files for the next time, a path keeps it in that cache folder.
        siblings: A dictionary, empty at first, that is handed to all images of one product: far files of the same tiles
            are much alike, so that one tells where to look in the next.

    Raises:
        NotFoundError: There is no such image.
        AccessError: It may not be read.
        InputError: It cannot be read as an image.
    """
    if isinstance(location, str | Path):
        location = LocalFile(Path(location))
    match location:
        case RemoteObject():
            from s2kit.image.remote_image import open_remote

            return Image(open_remote(location, openjpeg=openjpeg, cache=cache, siblings=siblings))
        case ZarrArray():
            from s2kit.image.zarr_image import ZarrImage

            return Image(ZarrImage(location))
        case LocalFile(path):
            source = FileSource(path)
        case FilePart(path, offset, nbytes):
            source = FileSource(path, offset, nbytes, str(location))
        case ZipMember():
            return Image(_compressed(location))
    try:
        reader = _local_reader(source, location, openjpeg)
    except BaseException:
        source.close()
        raise
    if isinstance(reader, GdalImage):
        source.close()
    return Image(reader)


def _compressed(location: ZipMember) -> GdalImage:
    """The reader of a member that a zip compresses."""
    if not location.path.exists():
        raise NotFoundError(f"{location.path}: no such file")
    log.debug("%s: read with GDAL, since the zip compresses it", location)
    head = member_head(location, HEAD_NBYTES)
    driver = driver_of(head, str(location))
    if is_jpeg2000(head):
        with opened_member(location) as file:
            member = _MemberSource(file, str(location))
            refuse_unannounced_parts(member, read_header(member)[0])
    return GdalImage(gdal_path(location), str(location), driver)


class _MemberSource:
    """A compressed member of a zip as a source of bytes, fast as long as it is read forwards."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        self.size = file.seek(0, SEEK_END)
        self._file = file

    @property
    def traffic(self) -> Traffic:
        return Traffic()

    def read_many(self, ranges: Sequence[Span]) -> list[bytes]:
        found = []
        for span in ranges:
            self._file.seek(span.offset)
            found.append(self._file.read(span.nbytes))
        return found

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a local JPEG 2000 file: chips open the same few files again and again."""

    header: MainHeader
    prefix: bytes
    refusal: str | None
    """Why it is left to GDAL, or None."""
    packets: dict[int, TilePackets]


_known: OrderedDict[object, _Known] = OrderedDict()
_known_lock = threading.Lock()


def _learn(source: FileSource) -> _Known:
    """Read the header of a JPEG 2000 file, or remember it."""
    with _known_lock:
        known = _known.get(source.identity)
        if known is not None:
            _known.move_to_end(source.identity)
            return known
    header, prefix = read_header(source)
    known = _Known(header, prefix, header.refusal or _first_refusal(source, header), {})
    with _known_lock:
        _known[source.identity] = known
        while len(_known) > _KNOWN_FILES:
            _known.popitem(last=False)
    return known


def _local_reader(source: FileSource, location: LocalFile | FilePart, openjpeg: str) -> Reader:
    """The reader that suits what a local file holds."""
    head = source.read_many([Span(0, min(HEAD_NBYTES, source.size))])[0]
    driver = driver_of(head, source.name)

    if not is_jpeg2000(head):
        log.debug("%s: read with GDAL, since it is not JPEG 2000", source.name)
        return GdalImage(gdal_path(location), source.name, driver)
    known = _learn(source)

    def fallback() -> GdalImage:
        refuse_unannounced_parts(source, known.header)
        return GdalImage(gdal_path(location), source.name, driver)

    if known.refusal is not None:
        log.debug("%s: read with GDAL, since it has %s", source.name, known.refusal)
        return fallback()
    index = WalkingIndex(source, known.header)
    return Jp2Image(
        source, known.header, known.prefix, index, openjpeg=openjpeg, fallback=fallback, packets=known.packets
    )


def _first_refusal(source: FileSource, header: MainHeader) -> str | None:
    """Why the first tile-part says that packets cannot be picked; damage is left to those who read it."""
    start, end = header.first_sot, header.codestream_end
    try:
        first = parse_tile_part(source.read_many([Span(start, min(_PART_GUESS, end - start))])[0], start, end)
    except InputError:
        return None
    if isinstance(first, NeedMore):
        return None
    return first.refusal or ("no PLT" if first.lengths is None and first.data_nbytes else None)
