"""Where the tile-parts of a JPEG 2000 file lie, and their headers: by TLM, proved by SOT, or from SOT to SOT."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from s2kit.core.codestream import MainHeader
from s2kit.core.jp2_packets import check_parts
from s2kit.core.markers import SOT, SOT_NBYTES, NeedMore, u16
from s2kit.core.tile_part import TilePart, TilePartHeader, parse_sot, parse_tile_part
from s2kit.errors import InputError

log = logging.getLogger(__name__)

_EOC_NBYTES = 2


class TileIndex(Protocol):
    """Finds tile-parts. What stands behind it may walk a map or search a far file."""

    def parts(self, tiles: Sequence[int]) -> Mapping[int, tuple[TilePartHeader, ...]]:
        """The parsed headers of all parts of each of these tiles, in file order.

        Raises:
            InputError: A tile is not in the file, or the file is cut within it.
        """
        ...


class MappedIndex:
    """The index of a file whose bytes are all at hand."""

    def __init__(self, view: memoryview, header: MainHeader, name: str) -> None:
        self._view, self._header, self._name = view, header, name
        self._headers: dict[int, tuple[TilePartHeader, ...]] = {}
        self._by_tile: dict[int, list[TilePart]] | None = None
        self._tlm_used = False

    def parts(self, tiles: Sequence[int]) -> Mapping[int, tuple[TilePartHeader, ...]]:
        """The parsed headers of all parts of each of these tiles, in file order.

        Raises:
            InputError: A tile is not in the file, the file is cut within it, or its parts contradict one another.
        """
        for tile in tiles:
            if tile not in self._headers:
                self._headers[tile] = self._parsed(tile)
        return {tile: self._headers[tile] for tile in tiles}

    def _parsed(self, tile: int) -> tuple[TilePartHeader, ...]:
        if self._by_tile is None:
            self._by_tile = self._from_tlm() or self._walked()
        found = self._by_tile.get(tile)
        if found is None:
            raise InputError(
                f"{self._name}: tile {tile} of {self._header.size.tiles} is not in the file, which ends or breaks off "
                f"before it ({self._header.codestream_end} bytes)"
            )
        try:
            return self._headers_of(found)
        except InputError as error:
            if self._tlm_used:
                log.warning("%s: TLM contradicts the tile-parts (%s); walking them instead", self._name, error)
                self._by_tile, self._tlm_used = self._walked(), False
                return self._parsed(tile)
            raise InputError(f"{self._name}: {error}") from None

    def _headers_of(self, found: Sequence[TilePart]) -> tuple[TilePartHeader, ...]:
        headers = tuple(self._header_of(part) for part in found)
        if not check_parts(headers):
            raise InputError(f"the parts of tile {found[0].tile} contradict one another")
        return headers

    def _header_of(self, part: TilePart) -> TilePartHeader:
        end = self._header.codestream_end
        if part.end > end:
            raise InputError(f"the file ends at byte {end}, within tile {part.tile}, which ends at byte {part.end}")
        header = parse_tile_part(self._view[part.offset : part.end], part.offset, end)
        if isinstance(header, NeedMore) or header.part != part:
            raise InputError(f"there is no part of tile {part.tile} with {part.nbytes} bytes at byte {part.offset}")
        return header

    def _from_tlm(self) -> dict[int, list[TilePart]] | None:
        """The tile-parts by TLM, where it fills the codestream exactly."""
        parts = self._header.tlm_parts()
        if not parts:
            return None
        if parts[-1].end != self._header.codestream_end - _EOC_NBYTES:
            log.warning("%s: TLM contradicts the length of the file; walking the tile-parts instead", self._name)
            return None
        self._tlm_used = True
        return _grouped(parts)

    def _walked(self) -> dict[int, list[TilePart]]:
        """The tile-parts from SOT to SOT; the walk ends at the first byte that is none (EOC, or damage)."""
        view, end = self._view, self._header.codestream_end
        parts, offset = [], self._header.first_sot
        while offset + SOT_NBYTES <= end and u16(view, offset) == SOT:
            try:
                part, _, _ = parse_sot(view, offset, end, offset)
            except InputError:
                break
            parts.append(part)
            offset = part.end
        return _grouped(parts)


def _grouped(parts: Sequence[TilePart]) -> dict[int, list[TilePart]]:
    grouped: dict[int, list[TilePart]] = {}
    for part in parts:
        grouped.setdefault(part.tile, []).append(part)
    return grouped
