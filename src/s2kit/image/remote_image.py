"""A far image: opened with one request or, where it is known already, with none; read again if it changed meanwhile."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.image.remote_gdal import RemoteGdalImage
from s2kit.jp2.boxes import HEADER_GUESS, is_jpeg2000
from s2kit.jp2.image import Jp2Image, read_header
from s2kit.jp2.index_cache import FOLDER, IndexCache, Learned, default_folder
from s2kit.jp2.markers import NeedMore
from s2kit.jp2.reader import ImageInfo, ImageSize
from s2kit.jp2.remote_index import RemoteIndex
from s2kit.jp2.tile_part import parse_tile_part
from s2kit.jp2.tile_part_count import refuse_unannounced_parts
from s2kit.jp2.tile_search import SEEN_NBYTES, Siblings
from s2kit.store.base import ChangedError
from s2kit.store.byte_source import Traffic
from s2kit.store.location import RemoteObject
from s2kit.store.open import open_store
from s2kit.store.remote_source import RemoteSource
from s2kit.store.spans import Span

log = logging.getLogger(__name__)

READ_WHOLE = 256 * 1024
"""An image that is not larger is read in one piece when a level of it is wanted."""
MOST = 0.5
"""A window at full resolution with this share of the image is read as a level: whole tiles, in few requests."""

T = TypeVar("T")


def open_remote(
    location: RemoteObject, *, openjpeg: str = "auto", cache: bool | Path = True, siblings: Siblings | None = None
) -> "RemoteImage":
    """Open an image in a store.

    Args:
        location: Where it lies.
        openjpeg: See `io.imagery.open_image`.
        cache: True keeps what is learned in the user's cache folder, a path in that cache folder, False nowhere.
        siblings: See `io.imagery.open_image`.

    Raises:
        NotFoundError: There is no such object.
        AccessError: It may not be read.
        InputError: It cannot be read as an image.
    """
    folder = default_folder() if cache is True else cache / FOLDER if cache else None
    return RemoteImage(location, openjpeg, None if folder is None else IndexCache(folder), siblings)


class RemoteImage:
    """Windows and levels of an object of a store. Not to be shared by threads."""

    def __init__(
        self, location: RemoteObject, openjpeg: str, cache: IndexCache | None, siblings: Siblings | None = None
    ) -> None:
        """Open it; see `open_remote`."""
        self._location, self._openjpeg, self._cache, self._siblings = location, openjpeg, cache, siblings
        archive = location.archive
        self._address = f"{archive.endpoint_url or ''} {location}"
        self._store = open_store(archive)
        self._before = Traffic()
        self._restarted = False
        learned = cache.get(self._address, location.key) if cache is not None else None
        self._from_cache = learned is not None
        try:
            self._open(learned)
        except (ChangedError, InputError):
            if learned is None:
                raise
            self._forget()

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        return self._again(lambda: self._reader.info)

    @property
    def size(self) -> ImageSize:
        """The part of `info` that the main header tells."""
        return self._again(lambda: self._reader.size)

    @property
    def traffic(self) -> Traffic:
        """What was read so far."""
        return self._before + self._source.traffic

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window of full-resolution pixels; see `io.imagery.Image.window`."""

        def read() -> NDArray[Any]:
            size = self._reader.size
            inside = window.intersection(Window(0, 0, size.width, size.height))
            most = inside is not None and inside.width * inside.height >= MOST * size.width * size.height
            self._expect(reduction, whole=most)
            return self._reader.window(window, reduction, components, fill)

        return self._again(read)

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """Read the whole image at a reduction; see `io.imagery.Image.level`."""

        def read() -> NDArray[Any]:
            self._expect(reduction, whole=True)
            return self._reader.level(reduction, components)

        return self._again(read)

    def close(self) -> None:
        """Keep what was learned, and let go of the connections."""
        self._remember()
        self._reader.close()
        self._source.close()

    def _open(self, learned: Learned | None) -> None:
        name = str(self._location)
        self._source = RemoteSource(
            self._store, self._location.key, name, HEADER_GUESS, None if learned is None else learned.info
        )
        self._index: RemoteIndex | None = None
        self._known: frozenset[int] = frozenset()
        try:
            self._reader = self._opened(learned)
        except BaseException:
            self._source.close()
            raise

    def _opened(self, learned: Learned | None) -> Jp2Image | RemoteGdalImage:
        source = self._source
        for offset, data in learned.pieces if learned is not None else ():
            source.keep(offset, data)
        prefix = source.at_hand(0, HEADER_GUESS)
        if not is_jpeg2000(prefix[:12]):
            log.debug("%s: read with GDAL, since it is not JPEG 2000", source.name)
            return RemoteGdalImage(source)
        header, prefix = read_header(source, prefix)
        source.keep(0, prefix)

        def fallback() -> RemoteGdalImage:
            refuse_unannounced_parts(source, header)
            return RemoteGdalImage(source)

        index = RemoteIndex(source, header, self._siblings)
        if learned is not None:
            index.learn(learned.pieces)
        refusal = header.refusal or _first_refusal(source, header.first_sot, header.codestream_end)
        if refusal is not None:
            log.debug("%s: read with GDAL, since it has %s", source.name, refusal)
            return fallback()
        self._index, self._first_sot = index, header.first_sot
        if learned is not None:
            self._known = frozenset(offset for offset, data in learned.pieces if len(data) > SEEN_NBYTES)
        return Jp2Image(source, header, prefix, index, openjpeg=self._openjpeg, fallback=fallback)

    def _expect(self, reduction: int, *, whole: bool) -> None:
        if self._index is None:
            return
        self._index.expect(reduction, whole=whole)
        if whole and self._source.size <= READ_WHOLE:
            self._source.read_many([Span(0, self._source.size)])

    def _again(self, read: Callable[[], T]) -> T:
        """Read; where the object changed, start again: once, or twice where only the cache was out of date."""
        while True:
            try:
                return read()
            except ChangedError:
                if self._from_cache:
                    log.debug("%s: not the object that the cache knows", self._location)
                elif self._restarted:
                    raise
                else:
                    log.debug("%s: changed while it was being read, starting again", self._location)
                    self._restarted = True
                self._forget()
            except InputError:
                if not self._from_cache:
                    raise
                log.debug("%s: what the cache knows does not fit", self._location)
                self._forget()

    def _forget(self) -> None:
        """Open the image anew, without what was known of it."""
        self._from_cache = False
        if self._cache is not None:
            self._cache.forget(self._address)
        if hasattr(self, "_reader"):
            self._before += self._source.traffic
            self._reader.close()
            self._source.close()
        self._open(None)

    def _remember(self) -> None:
        if self._cache is None or self._index is None or self._source.object.etag is None:
            return
        pieces = [(0, self._source.at_hand(0, max(self._first_sot, HEADER_GUESS))), *self._index.pieces()]
        if any(len(data) > SEEN_NBYTES and offset not in self._known for offset, data in pieces):
            self._cache.put(self._address, Learned(self._source.object, tuple(pieces)))


def _first_refusal(source: RemoteSource, first_sot: int, end: int) -> str | None:
    """Why the first tile-part says that packets cannot be picked; damage is left to those who read it."""
    wanted = HEADER_GUESS // 2
    while True:
        data = source.at_hand(first_sot, wanted)
        try:
            first = parse_tile_part(data, first_sot, end)
        except InputError:
            return None
        if not isinstance(first, NeedMore):
            return first.refusal or ("no PLT" if first.lengths is None and first.data_nbytes else None)
        if wanted >= 1 << 20 or first_sot + first.nbytes > source.size:
            return None
        wanted = max(first.nbytes, wanted)
        source.read_many([Span(first_sot, min(wanted, source.size - first_sot))])
