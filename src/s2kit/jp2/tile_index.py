"""Where the tile-parts of a JPEG 2000 file lie, and their headers: by TLM, proved by SOT, or from SOT to SOT."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from s2kit.errors import InputError
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import EOC, MARKER_NBYTES, SOT, SOT_NBYTES, NeedMore, u16
from s2kit.jp2.packets import check_parts
from s2kit.jp2.tile_part import TilePart, TilePartHeader, parse_tile_part, sot_fields
from s2kit.store.byte_source import ByteSource
from s2kit.store.spans import Span

log = logging.getLogger(__name__)

_HEADER_GUESS = 512
"""Bytes that hold the header of most tile-parts, PLT included."""


class TileIndex(Protocol):
    """Finds tile-parts. What stands behind it may walk a map or search a far file."""

    def parts(self, tiles: Sequence[int]) -> Mapping[int, tuple[TilePartHeader, ...]]:
        """The parsed headers of all parts of each of these tiles, in file order.

        Raises:
            InputError: A tile is not in the file, or the file is cut within it.
        """
        ...

    def check_tiles(self) -> None:
        """Prove that the file has the tiles that SIZ tells.

        Raises:
            InputError: It has fewer, or more.
        """
        ...


class WalkingIndex:
    """Tile-parts by TLM where that proves right, else from one SOT to the next, as far as it takes."""

    def __init__(self, source: ByteSource, header: MainHeader) -> None:
        self._source, self._header = source, header
        self._headers: dict[int, tuple[TilePartHeader, ...]] = {}
        self._tlm = self._from_tlm()
        self._walked: dict[int, list[tuple[int, int]]] = {}
        self._counts: dict[int, int] = {}
        self._next: int | None = header.first_sot
        """Where the walk goes on; None where it has ended."""

    def parts(self, tiles: Sequence[int]) -> Mapping[int, tuple[TilePartHeader, ...]]:
        """The parsed headers of all parts of each of these tiles, in file order.

        Raises:
            InputError: A tile is not in the file, the file is cut within it, or its parts contradict one another.
        """
        for tile in tiles:
            if tile not in self._headers:
                self._headers[tile] = self._parsed(tile)
        return {tile: self._headers[tile] for tile in tiles}

    def check_tiles(self) -> None:
        """Prove that the file has the tiles that SIZ tells, as a TLM that is believed always does.

        Raises:
            InputError: It has fewer, or more.
        """
        last = self._header.size.tiles - 1
        self.parts([last])
        if self._tlm is None:
            self._walk_to(last + 1)  # which raises where it finds one

    def _parsed(self, tile: int) -> tuple[TilePartHeader, ...]:
        if self._tlm is not None:
            try:
                return self._headers_of(self._tlm[tile])
            except InputError as error:
                log.warning("%s: TLM contradicts the tile-parts (%s); walking them instead", self._source.name, error)
                self._tlm = None
        self._walk_to(tile)
        if tile not in self._walked:
            raise InputError(
                f"{self._source.name}: tile {tile} of {self._header.size.tiles} is not in the file, which ends "
                f"or breaks off before it ({self._header.codestream_end} bytes)"
            )
        try:
            return self._headers_of([TilePart(tile, *at) for at in self._walked[tile]])
        except InputError as error:
            raise InputError(f"{self._source.name}: {error}") from None

    def _headers_of(self, found: Sequence[TilePart]) -> tuple[TilePartHeader, ...]:
        headers = tuple(self._header_of(part) for part in found)
        if not check_parts(headers):
            raise InputError(f"the parts of tile {found[0].tile} contradict one another")
        return headers

    def _header_of(self, part: TilePart) -> TilePartHeader:
        end = self._header.codestream_end
        if part.end + MARKER_NBYTES > end:
            raise InputError(f"the file is cut short: it ends at byte {end}, tile {part.tile} at byte {part.end}")
        wanted = min(_HEADER_GUESS, part.nbytes)
        while True:
            header = parse_tile_part(self._source.read_many([Span(part.offset, wanted)])[0], part.offset, end)
            if not isinstance(header, NeedMore):
                break
            if header.nbytes <= wanted or wanted == part.nbytes:
                raise InputError(f"the header of the tile-part at byte {part.offset} does not end")
            wanted = min(max(header.nbytes, 2 * wanted), part.nbytes)
        if header.part != part:
            raise InputError(f"there is no part of tile {part.tile} with {part.nbytes} bytes at byte {part.offset}")
        if u16(self._source.read_many([Span(part.end, MARKER_NBYTES)])[0], 0) not in {SOT, EOC}:
            raise InputError(f"tile {part.tile} does not end at byte {part.end}: bytes are lost or too many")
        return header

    def _from_tlm(self) -> dict[int, list[TilePart]] | None:
        """The tile-parts by TLM, where it fills the codestream exactly."""
        try:
            return self._header.tlm_parts() or None
        except InputError as error:
            log.warning("%s: %s; walking instead", self._source.name, error)
            return None

    def _walk_to(self, tile: int) -> None:
        """Walk until all parts of a tile are found, or to the first byte that is no SOT (EOC, or damage)."""
        end, read, offset = self._header.codestream_end, self._source.read_many, self._next
        while offset is not None and not self._is_whole(tile):
            if offset + SOT_NBYTES > end:
                break
            (segment,) = read((Span(offset, SOT_NBYTES),))
            try:
                found, nbytes, _, count = sot_fields(segment, offset, end)
            except InputError:
                break
            if found >= self._header.size.tiles:
                raise InputError(f"{self._source.name}: tile {found} of {self._header.size.tiles} at byte {offset}")
            self._walked.setdefault(found, []).append((offset, nbytes))
            if count:
                self._counts[found] = count
            offset += nbytes
        else:
            self._next = offset
            return
        self._next = None

    def _is_whole(self, tile: int) -> bool:
        """True where as many parts of a tile were found as one of them says there are."""
        return tile in self._walked and self._counts.get(tile) == len(self._walked[tile])
