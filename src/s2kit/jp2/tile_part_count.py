"""A check that stands before GDAL: tile-parts that TLM does not announce, which OpenJPEG 2.5.3 and 2.5.4 do not bear.

These versions size a table by TLM and write to it by the number of the tile-part in SOT (OSV-2025-219, openjpeg issue
1620), unless SOT says how many parts there are. The windows of `jp2/window.py` are codestreams of our own without TLM;
only files that are left to GDAL as they are need this check. It touches the file by a few bytes for each tile-part.
"""

import struct
from collections import Counter

from s2kit.errors import InputError
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import SOT, SOT_NBYTES
from s2kit.store.byte_source import ByteSource
from s2kit.store.spans import Span

MOST_PARTS = 1 << 16
"""Tile-parts that are looked at; a Sentinel-2 band has 121, no codestream more than 255 a tile."""

_SOT = struct.Struct(">HHHIBB")


def refuse_unannounced_parts(source: ByteSource, header: MainHeader) -> None:
    """Look at every tile-part that TLM or another tile-part leads to.

    Args:
        source: The file.
        header: Its main header.

    Raises:
        InputError: A tile-part has a number that TLM does not announce, and does not say how many there are.
    """
    if not header.has_tlm:
        return
    announced = Counter(tile for tile, _ in header.tlm)
    todo, offset = [header.first_sot], header.first_sot
    for _, nbytes in header.tlm:
        offset += nbytes
        todo.append(offset)
    seen: set[int] = set()
    while todo:
        fresh = sorted({at for at in todo if at not in seen and at + SOT_NBYTES <= source.size})
        seen.update(fresh)
        if len(seen) > MOST_PARTS:
            raise InputError(f"{source.name}: more than {MOST_PARTS} tile-parts")
        todo = []
        for at, data in zip(fresh, source.read_many([Span(at, SOT_NBYTES) for at in fresh]), strict=True):
            marker, _, tile, nbytes, number, count = _SOT.unpack(data)
            if marker != SOT:
                continue
            if count == 0 and number >= announced[tile]:
                raise InputError(
                    f"{source.name}: part {number} of tile {tile} is none of the {announced[tile]} that TLM announces",
                    "the file is damaged, or made to harm the decoder",
                )
            todo.append(at + max(nbytes, SOT_NBYTES))
