"""Markers of a JPEG 2000 codestream and the rules that all marker segments keep (ISO/IEC 15444-1 A.1, A.2)."""

import struct
from dataclasses import dataclass

from s2kit.errors import InputError

Buffer = bytes | bytearray | memoryview
"""Bytes of a file; slices of it are copied, so a view of a memory map is fine."""

SOC, SOT, SOD, EOC = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9
SIZ, COD, COC, RGN, QCD, QCC, POC = 0xFF51, 0xFF52, 0xFF53, 0xFF5E, 0xFF5C, 0xFF5D, 0xFF5F
TLM, PLM, PLT, PPM, PPT, CRG, COM = 0xFF55, 0xFF57, 0xFF58, 0xFF60, 0xFF61, 0xFF63, 0xFF64

MARKER_NBYTES = 2
SOT_NBYTES = 12
"""A whole SOT marker segment (A.4.2): what has to be read to know where the next tile-part begins."""
MAX_TILES = 65535
"""Isot has 16 bits (A.4.2)."""


@dataclass(frozen=True, slots=True)
class NeedMore:
    """The answer of a parser whose bytes end too early: it wants at least `nbytes`, counted from its first byte."""

    nbytes: int


def segment_end(data: Buffer, position: int, end: int) -> int:
    """Where the marker segment at `position` ends."""
    marker, length = struct.unpack_from(">HH", data, position)
    if marker < 0xFF01 or 0xFF30 <= marker <= 0xFF3F or marker in {SOC, SOD, EOC} or length < 2:
        raise InputError(f"no marker segment where one should begin ({marker:04X}, {length} bytes)")
    if position + 2 + length > end:
        raise InputError(f"the marker segment {marker:04X} reaches beyond the end")
    return position + 2 + int(length)


def cut(offset: int) -> NeedMore:
    """Say that the file ends where it must go on (the return type lets a parser end with it)."""
    raise InputError(f"the file ends in the header at byte {offset}")


def u16(data: Buffer, offset: int) -> int:
    """Two bytes as a number."""
    return data[offset] << 8 | data[offset + 1]
