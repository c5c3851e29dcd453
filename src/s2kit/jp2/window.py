"""A small codestream of the packets that a window needs, so that any decoder makes its pixels and little more.

The small codestream holds a block of tiles at absolute coordinates, because the wavelet's phase, precincts and
code-blocks all count from the origin of the reference grid (B.5 to B.7). A reduction is not asked of the decoder: the
high resolutions are left out and all coordinates divided, since `ceil(ceil(x / 2^a) / 2^b) = ceil(x / 2^(a + b))`.
Packets that are not needed become empty ones of one byte (B.10.3). Before each packet stands an SOP marker segment
(A.8.1): a decoder that misses one has read a packet whose real length is not that of PLT, and says so.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import COC, COD, EOC, QCC, QCD, SIZ, SOC, SOD, SOT
from s2kit.jp2.packets import Area, TileBlock, TilePackets, block_tiles, packets_below, tile_area, wanted_packets
from s2kit.store.spans import Span, cut_out

_SOP = b"\xff\x91\x00\x04"
_SOP_NBYTES = 6
_EPH = b"\xff\x92"
_SOP_NUMBERS = 1 << 16


class PacketMismatchError(Exception):
    """A packet does not begin or end where PLT says; the tile can still be taken whole."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The packets of one tile that a window needs."""

    packets: TilePackets
    count: int
    """Packets of the tile at this reduction, needed or not."""
    runs: tuple[tuple[int, int], ...] | None
    """Those needed, as `(first, end)` in packet order; None where the tile is taken whole, whatever its PLT says."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The bytes to read, in file order; neighbours are not joined."""
        if self.runs is None:
            return self.packets.body
        return tuple(span for first, end in self.runs for span in self.packets.spans(first, end))


@dataclass(frozen=True, slots=True)
class SmallCodestream:
    """A codestream that a decoder can take as it is."""

    data: bytes
    area: Area
    """Its image, in coordinates of the reduced reference grid."""
    marked: bool
    """True where an SOP marker segment stands before each packet: a warning of a missing one means a wrong PLT."""


def select(header: MainHeader, packets: TilePackets, area: Area, reduction: int, *, whole: bool = False) -> Selection:
    """The packets of a tile that an area depends on.

    Args:
        header: The main header.
        packets: The packets of the tile.
        area: Samples in coordinates of the reduced reference grid (`window_area`); it may reach beyond the tile.
        reduction: The reduction.
        whole: True takes the whole tile, as if it had no PLT.
    """
    count = packets_below(header, packets.grids, reduction)
    if whole or packets.lengths is None:
        return Selection(packets, count, None)
    area = area.intersection(tile_area(header.size, packets.tile).reduced(reduction))
    runs: list[tuple[int, int]] = []
    if not area.is_empty:
        for first, end in wanted_packets(header, packets.grids, area, reduction):
            if runs and runs[-1][1] == first:
                runs[-1] = runs[-1][0], end
            else:
                runs.append((first, end))
    return Selection(packets, count, tuple(runs))


def decodable_blocks(header: MainHeader, block: TileBlock, reduction: int) -> list[TileBlock]:
    """Split a block of tiles into those that one codestream can hold.

    That is all of it where tiles are a regular grid at the reduction, and one tile each where they are not (tiles of 8
    pixels at 1/16, an image that begins within its first tile).
    """
    size, scale = header.size, 1 << reduction
    regular = not any(edge % scale for edge in (size.tile_width, size.tile_height, size.tile_x0, size.tile_y0))
    whole_first = (block.col > 0 or size.x0 == size.tile_x0) and (block.row > 0 or size.y0 == size.tile_y0)
    if regular and whole_first:
        return [block]
    return [
        TileBlock(col, row, col + 1, row + 1)
        for row in range(block.row, block.row_end)
        for col in range(block.col, block.col_end)
    ]


def block_area(header: MainHeader, block: TileBlock, reduction: int) -> Area:
    """The image of a block of tiles, in coordinates of the reduced reference grid; empty where no sample is in it."""
    tiles = block_tiles(header.size, block)
    first, last = tile_area(header.size, tiles[0]), tile_area(header.size, tiles[-1])
    return Area(first.x0, first.y0, last.x1, last.y1).reduced(reduction)


def tile_body(header: MainHeader, selection: Selection, read: Sequence[Span], data: Sequence[bytes]) -> bytes:
    """The packets of one tile for a small codestream.

    Args:
        header: The main header.
        selection: What is needed of the tile.
        read: What was read, in file order: each span of `selection.spans` lies in one of them.
        data: The bytes of `read`.

    Raises:
        PacketMismatchError: The file has SOP marker segments of its own, and a packet has none, or that of another.
    """
    if selection.runs is None:
        return b"".join(cut_out(span, read, data) for span in selection.packets.body)
    lengths = selection.packets.lengths
    assert lengths is not None
    empty, step = _empty_packets(header.eph)
    pieces: list[bytes] = []
    done = 0
    for first, end in selection.runs:
        pieces += _empties(empty, step, done, first)
        done = first
        for span in selection.packets.spans(first, end):
            packed, at = cut_out(span, read, data), 0
            while at < len(packed):
                length = lengths[done]
                number = done % _SOP_NUMBERS * step
                if not header.sop:
                    pieces.append(empty[number : number + _SOP_NBYTES])
                elif packed[at : at + _SOP_NBYTES] != empty[number : number + _SOP_NBYTES]:
                    raise PacketMismatchError
                pieces.append(packed[at : at + length])
                at += length
                done += 1
    pieces += _empties(empty, step, done, selection.count)
    return b"".join(pieces)


def assemble(
    header: MainHeader, block: TileBlock, reduction: int, bodies: Mapping[int, bytes], *, marked: bool
) -> SmallCodestream:
    """Write a codestream of a block of tiles.

    Args:
        header: The main header of the file.
        block: A block that `decodable_blocks` lets stand together.
        reduction: The reduction of its packets.
        bodies: The packets of each tile of the block, by tile number (`tile_body`).
        marked: True where the bodies have SOP marker segments, that is, where no tile was taken whole.
    """
    size, area = header.size, block_area(header, block, reduction)
    tiles = block_tiles(size, block)
    width, height = (
        (area.x1 - area.x0, area.y1 - area.y0)
        if len(tiles) == 1
        else (
            size.tile_width >> reduction,
            size.tile_height >> reduction,
        )
    )
    geometry = struct.pack(">H8I", 0, area.x1, area.y1, area.x0, area.y0, width, height, area.x0, area.y0)
    pieces = [SOC.to_bytes(2, "big")]
    for marker, payload in header.segments:
        if marker == SIZ:
            payload = geometry + payload[34:]  # noqa: PLW2901 - the rest of the loop takes the new one
        else:
            payload = _reduced_segment(header, marker, payload, reduction, marked=marked)  # noqa: PLW2901
        pieces.append(struct.pack(">HH", marker, len(payload) + 2) + payload)
    for number, tile in enumerate(tiles):
        body = bodies[tile]
        pieces.append(struct.pack(">HHHIBBH", SOT, 10, number, 14 + len(body), 0, 1, SOD))
        pieces.append(body)
    pieces.append(EOC.to_bytes(2, "big"))
    return SmallCodestream(b"".join(pieces), area, marked)


def _reduced_segment(header: MainHeader, marker: int, payload: bytes, reduction: int, *, marked: bool) -> bytes:
    """A segment of the main header without what it says of the resolutions that are left out (A.6.1 to A.6.5)."""
    levels = header.codings[0].levels - reduction
    index = 1 if len(header.size.components) < 257 else 2
    if marker == COD:
        style = payload[0] | (2 if marked else 0)
        return bytes([style]) + payload[1:5] + _reduced_coding(payload[5:], levels)
    if marker == COC:
        return payload[: index + 1] + _reduced_coding(payload[index + 1 :], levels)
    if marker == QCD:
        return _reduced_quantisation(payload, levels)
    if marker == QCC:
        return payload[:index] + _reduced_quantisation(payload[index:], levels)
    return payload


def _reduced_coding(payload: bytes, levels: int) -> bytes:
    return bytes([levels]) + payload[1:5] + payload[5 : 5 + levels + 1]


def _reduced_quantisation(payload: bytes, levels: int) -> bytes:
    """Table A.28: one value for LL and three for each level, of one byte (reversible) or two; derived has only one."""
    kind = payload[0] & 0x1F
    step = {0: 1, 2: 2}.get(kind)
    return payload if step is None else payload[: 1 + step * (1 + 3 * levels)]


@lru_cache(maxsize=2)
def _empty_packets(eph: bool) -> tuple[bytes, int]:  # noqa: FBT001 - a cache key
    """All 65536 numbered empty packets end to end, each with its SOP, and the bytes of one."""
    one = _SOP + b"\0\0" + b"\0" + (_EPH if eph else b"")
    every = bytearray(one * _SOP_NUMBERS)
    every[len(_SOP) :: len(one)] = b"".join(bytes([high]) * 256 for high in range(256))
    every[len(_SOP) + 1 :: len(one)] = bytes(range(256)) * 256
    return bytes(every), len(one)


def _empties(empty: bytes, step: int, start: int, end: int) -> list[bytes]:
    """The empty packets `start` to `end`."""
    pieces = []
    while start < end:
        at = start % _SOP_NUMBERS
        count = min(end - start, _SOP_NUMBERS - at)
        pieces.append(empty[at * step : (at + count) * step])
        start += count
    return pieces
