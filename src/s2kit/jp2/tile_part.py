"""Tile-parts: where they lie, and their headers with the packet lengths of PLT (ISO/IEC 15444-1 A.4.2, A.7.3)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from s2kit.errors import InputError
from s2kit.jp2.markers import COM, PLT, SOD, SOT, SOT_NBYTES, Buffer, NeedMore, cut, segment_end, u16

_SOT_FIELDS = struct.Struct(">HHHIBB")


@dataclass(frozen=True, slots=True)
class TilePart:
    """Where one tile-part lies in the file."""

    tile: int
    offset: int
    """File offset of its SOT marker."""
    nbytes: int
    """SOT marker to the end of its last packet (Psot)."""

    @property
    def end(self) -> int:
        """File offset after it."""
        return self.offset + self.nbytes


@dataclass(frozen=True, slots=True)
class TilePartHeader:
    """One tile-part header, SOT to SOD (A.4.2, A.7.3)."""

    part: TilePart
    number: int
    """TPsot: its number among the parts of its tile."""
    count: int
    """TNsot: how many parts the tile has; 0 where this part does not say."""
    data_offset: int
    """File offset of the first packet."""
    lengths: tuple[int, ...] | None
    """Bytes of each packet from PLT; None where there is no PLT, empty where it is damaged."""
    refusal: str | None
    """Why its packets cannot be picked (the tile has a coding of its own), or None."""

    @property
    def data_nbytes(self) -> int:
        """Bytes of all packets, as SOT has it."""
        return self.part.end - self.data_offset


def parse_sot(data: Buffer, offset: int, end: int) -> tuple[TilePart, int, int]:
    """Parse an SOT marker segment (A.4.2).

    Args:
        data: The 12 bytes of the segment, or more.
        offset: Where it lies in the file.
        end: File offset after the codestream, for a last tile-part whose length is given as 0.

    Returns:
        The tile-part, TPsot and TNsot.

    Raises:
        InputError: There is no SOT.
    """
    tile, nbytes, number, count = sot_fields(data, offset, end)
    return TilePart(tile, offset, nbytes), number, count


def sot_fields(data: Buffer, offset: int, end: int) -> tuple[int, int, int, int]:
    """The same as bare numbers, for those who walk over thousands of them: Isot, length, TPsot and TNsot.

    Raises:
        InputError: There is no SOT.
    """
    if len(data) < SOT_NBYTES:
        raise InputError(f"the codestream ends in the tile-part header at byte {offset}")
    marker, length, tile, nbytes, number, count = _SOT_FIELDS.unpack_from(data)
    if marker != SOT or length != SOT_NBYTES - 2:
        raise InputError(f"no tile-part at byte {offset}")
    if nbytes == 0:
        nbytes = max(end - 2 - offset, 0)
    if nbytes < SOT_NBYTES + 2:
        raise InputError(f"tile-part of {nbytes} bytes at byte {offset}")
    return tile, nbytes, number, count


def parse_tile_part(data: Buffer, offset: int, end: int) -> TilePartHeader | NeedMore:
    """Parse a tile-part header, SOT to SOD with its PLT.

    Args:
        data: The file from `offset` on.
        offset: File offset of SOT.
        end: File offset after the codestream.

    Raises:
        InputError: There is no tile-part, or its header does not end within it.
    """
    if len(data) < SOT_NBYTES:
        return NeedMore(SOT_NBYTES) if offset + SOT_NBYTES <= end else cut(offset)
    part, number, count = parse_sot(data, offset, end)
    position, refusal = SOT_NBYTES, None
    plt: list[bytes] = []
    while True:
        if position + 2 > part.nbytes:
            raise InputError(f"the header of the tile-part at byte {offset} does not end")
        if position + 4 > len(data):
            if position + 2 <= len(data) and u16(data, position) == SOD:
                break
            wanted = min(position + 4, part.nbytes)
            return NeedMore(wanted) if offset + wanted <= end else cut(offset)
        marker = u16(data, position)
        if marker == SOD:
            break
        stop = segment_end(data, position, part.nbytes)
        if stop > len(data):
            return NeedMore(stop + 2) if offset + stop <= end else cut(offset)
        if marker == PLT:
            plt.append(bytes(data[position + 4 : stop]))
        elif marker != COM:
            refusal = f"the tile-part at byte {offset} has a marker {marker:04X} of its own"
        position = stop
    return TilePartHeader(part, number, count, offset + position + 2, _packet_lengths(plt), refusal)


def _packet_lengths(plt: Sequence[bytes]) -> tuple[int, ...] | None:
    """Lengths from the PLT segments of one tile-part (A.7.3): 7 bits a byte, the top bit says that more follow."""
    if not plt:
        return None
    if any(payload[:1] != bytes([at & 0xFF]) for at, payload in enumerate(plt)):
        return ()
    lengths, value = [], 0
    for byte in b"".join(payload[1:] for payload in plt):
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            lengths.append(value)
            value = 0
        elif value > 0xFFFFFFFF:
            return ()
    return tuple(lengths) if value == 0 and 0 not in lengths else ()
