"""JPEG 2000 without decoding: which bytes of a file hold which pixels.

Everything here is a pure function over bytes, so that it works piecewise on files that are far away:

1. `parse_header(prefix, nbytes)` reads the boxes and the main header from the first bytes of a file. It answers with a
   `MainHeader`, or with `NeedMore(n)`: call again with the first `n` bytes.
2. Tile-parts are found from `MainHeader.tlm_parts()`, or from their SOT segments with `parse_sot` (12 bytes each tell
   where the next begins). `check_parts` says whether a list of them is whole.
3. `parse_tile_part(data, offset, end)` reads one tile-part header with its PLT (again `NeedMore(n)` if it needs more).
   All parts of a tile together make its `TilePackets` (`tile_packets`), which proves PLT by count and sum.
4. `select(header, tiles, area, reduction)` gives the packets, and by them the byte ranges, of a window.
5. `assemble(header, ...)` makes a small codestream of these bytes: absolute coordinates, only the tiles touched, no
   resolution that is not wanted, an empty packet in the place of every one that is not needed.

`jp2/codestream.py` has the main header (1), `jp2/tile_part.py` tile-parts (2, 3), `jp2/packets.py`
tiles, precincts and packets (3, 4), `jp2/window.py` the small codestream (5). Clauses: ISO/IEC 15444-1.
"""

import struct
from dataclasses import dataclass, replace

from s2kit.errors import InputError
from s2kit.jp2.codestream import MainHeader, parse_main_header
from s2kit.jp2.markers import SOC, Buffer, NeedMore

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
"""The JPEG 2000 signature box (I.5.1)."""
HEADER_GUESS = 8192
"""Bytes that hold the whole header of most files."""
_IHDR = struct.Struct(">IIHBBBB")
SYCC = 18
"""Enumerated colour space whose samples a reader converts (I.5.3.3)."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a JP2 file (I.4)."""

    kind: bytes
    start: int
    """File offset of its contents."""
    end: int
    """File offset after it."""


@dataclass(frozen=True, slots=True)
class _HeaderBox:
    """What the header box of a JP2 file says."""

    shape: tuple[int, int, int] | None = None
    """`(rows, columns, components)`."""
    colour: str | None = None
    """Why GDAL would not hand out the samples as they are coded, or None."""


def is_jpeg2000(data: Buffer) -> bool:
    """True where a file begins as a JP2 file or as a bare codestream does."""
    return bytes(data[:12]) == SIGNATURE or bytes(data[:4]) == SOC.to_bytes(2, "big") + b"\xff\x51"


def parse_header(prefix: Buffer, nbytes: int) -> MainHeader | NeedMore:
    """Find the codestream of a file and parse its main header.

    Args:
        prefix: The first bytes of the file.
        nbytes: Size of the whole file.

    Returns:
        The header, or how many of the file's first bytes are needed to go on (never more than the file has).

    Raises:
        InputError: It is not JPEG 2000, it ends in its header, or the header contradicts itself.
    """
    answer = _parse_header(prefix, nbytes)
    if isinstance(answer, NeedMore):
        if len(prefix) >= nbytes:
            raise InputError(f"the file ends in its header, after {nbytes} bytes")
        return NeedMore(min(answer.nbytes, nbytes))
    return answer


def _parse_header(prefix: Buffer, nbytes: int) -> MainHeader | NeedMore:
    if len(prefix) < min(len(SIGNATURE), nbytes):
        return NeedMore(len(SIGNATURE))
    if not is_jpeg2000(prefix):
        raise InputError("this is not a JPEG 2000 file")
    if bytes(prefix[:2]) == SOC.to_bytes(2, "big"):
        return parse_main_header(prefix, 0, nbytes)
    position, boxed = 0, _HeaderBox()
    while position < nbytes:
        box = _box(prefix, position, nbytes)
        if isinstance(box, NeedMore):
            return box
        if box.kind == b"jp2c":
            header = parse_main_header(prefix, box.start, box.end)
            return header if isinstance(header, NeedMore) else _agreed(header, boxed)
        if box.kind == b"jp2h":
            if box.end > len(prefix):
                return NeedMore(box.end)
            boxed = _header_box(prefix, box)
        position = box.end
    raise InputError("the file has no JPEG 2000 codestream")


def _box(data: Buffer, position: int, nbytes: int) -> Box | NeedMore:
    """The box at `position` (I.4); one that claims to reach beyond the file ends with it."""
    if position + 16 > len(data) and len(data) < nbytes:
        return NeedMore(position + 16)
    if position + 8 > nbytes:
        raise InputError(f"the file ends in the box at byte {position}")
    length, kind = struct.unpack_from(">I4s", data, position)
    start = position + 8
    if length == 1:
        if position + 16 > nbytes:
            raise InputError(f"the file ends in the box at byte {position}")
        (length,) = struct.unpack_from(">Q", data, start)
        start += 8
    if length == 0:
        return Box(kind, start, nbytes)
    if length < start - position:
        raise InputError(f"box of {length} bytes at byte {position}")
    return Box(kind, start, min(position + length, nbytes))


def _header_box(data: Buffer, header: Box) -> _HeaderBox:
    """What the JP2 header box says of the image (ihdr and colr, I.5.3.1 and I.5.3.3)."""
    position, shape, colour = header.start, None, None
    while position + 8 <= header.end:
        box = _box(data, position, header.end)
        if isinstance(box, NeedMore):
            break
        if box.kind == b"ihdr" and box.end - box.start == _IHDR.size:
            shape = _IHDR.unpack_from(data, box.start)[:3]
        elif box.kind == b"colr" and box.end - box.start >= 7 and data[box.start] == 1:
            (space,) = struct.unpack_from(">I", data, box.start + 3)
            colour = "colour space sYCC" if space == SYCC else colour
        position = box.end
    return _HeaderBox(shape, colour)


def _agreed(header: MainHeader, boxed: _HeaderBox) -> MainHeader:
    """The main header, once it agrees with the header box."""
    size = header.size
    shape = size.height, size.width, len(size.components)
    if boxed.shape not in {None, shape}:
        raise InputError(f"the header box has (rows, columns, components) {boxed.shape}, the codestream {shape}")
    return header if boxed.colour is None else replace(header, refusal=header.refusal or boxed.colour)
