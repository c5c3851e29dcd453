"""The main header of a JPEG 2000 codestream as a value: geometry, coding, where the tile-parts are said to lie.

Clauses are those of ISO/IEC 15444-1 (= ITU-T T.800). All numbers are big-endian.
`jp2/boxes.py` has the overview of all parts.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from s2kit.errors import InputError
from s2kit.jp2.markers import (
    COC,
    COD,
    COM,
    CRG,
    MARKER_NBYTES,
    MAX_TILES,
    PLM,
    QCC,
    QCD,
    RGN,
    SIZ,
    SOC,
    SOT,
    SOT_NBYTES,
    TLM,
    Buffer,
    NeedMore,
    cut,
    segment_end,
    u16,
)
from s2kit.jp2.tile_part import TilePart

MAX_BLOCKS = 1 << 24
"""Code-blocks a tile may have; more would make a decoder ask for gigabytes for a few bytes of input."""
PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")

_KEPT = frozenset({COD, COC, RGN, QCD, QCC})
_DROPPED = frozenset({TLM, PLM, CRG, COM})


@dataclass(frozen=True, slots=True)
class Component:
    """One component of SIZ (A.5.1)."""

    bits: int
    """Bits a sample, 1 to 38."""
    signed: bool
    dx: int
    """Columns of the reference grid a sample; 1 where not subsampled."""
    dy: int


@dataclass(frozen=True, slots=True)
class CodestreamSize:
    """SIZ (A.5.1) in coordinates of the reference grid; ends are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int
    tile_x0: int
    tile_y0: int
    tile_width: int
    tile_height: int
    components: tuple[Component, ...]
    capabilities: int
    """Rsiz."""

    @property
    def width(self) -> int:
        """Columns of the image."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows of the image."""
        return self.y1 - self.y0

    @property
    def tile_cols(self) -> int:
        """Tiles in a row (B-5)."""
        return -(-(self.x1 - self.tile_x0) // self.tile_width)

    @property
    def tile_rows(self) -> int:
        """Tiles in a column (B-5)."""
        return -(-(self.y1 - self.tile_y0) // self.tile_height)

    @property
    def tiles(self) -> int:
        """All tiles; they are numbered row by row from 0."""
        return self.tile_cols * self.tile_rows


@dataclass(frozen=True, slots=True)
class Coding:
    """How one component is coded: COD, or COC where it has its own (A.6.1, A.6.2)."""

    levels: int
    """Decomposition levels; there are one more resolutions."""
    block_width_exp: int
    block_height_exp: int
    """log2 of the code-block's sides."""
    block_style: int
    reversible: bool
    """True for the 5-3 filter, False for 9-7."""
    precincts: tuple[tuple[int, int], ...]
    """log2 `(width, height)` of the precincts at each resolution, lowest first."""


@dataclass(frozen=True, slots=True)
class MainHeader:
    """What the main header says (A.4.1 to A.9), and where it stood in the file."""

    size: CodestreamSize
    codings: tuple[Coding, ...]
    """One for each component."""
    progression: str
    layers: int
    colour_transform: bool
    """True where the first three components are a reversible or irreversible colour transform (G.2, G.3)."""
    sop: bool
    """True where packets may begin with an SOP marker segment (A.8.1)."""
    eph: bool
    """True where packet headers end with an EPH marker (A.8.2)."""
    segments: tuple[tuple[int, bytes], ...]
    """`(marker, payload)` of all segments that a decoder needs, in order, SIZ first; payload without its length."""
    tlm: tuple[tuple[int, int], ...]
    """`(tile, nbytes)` of each tile-part in file order (A.7.1); empty where there is no TLM or it is not usable."""
    has_tlm: bool
    """True if there is any TLM segment, usable or not."""
    codestream_start: int
    """File offset of SOC."""
    first_sot: int
    """File offset of the first tile-part."""
    codestream_end: int
    """File offset after EOC: the end of its box or of the file."""
    refusal: str | None
    """Why packets cannot be picked from this file (it is left to GDAL), or None."""

    @property
    def reductions(self) -> tuple[int, ...]:
        """The reductions that every component has, 0 for full resolution."""
        return tuple(range(min(coding.levels for coding in self.codings) + 1))

    @property
    def reversible(self) -> bool:
        """True where all components use the 5-3 filter."""
        return all(coding.reversible for coding in self.codings)

    def tlm_parts(self) -> dict[int, list[TilePart]]:
        """The tile-parts of each tile as TLM has them, laid end to end from the first SOT; empty without TLM.

        Raises:
            InputError: TLM contradicts the length of the codestream.
        """
        parts: dict[int, list[TilePart]] = {}
        offset = self.first_sot
        for tile, nbytes in self.tlm:
            parts.setdefault(tile, []).append(TilePart(tile, offset, nbytes))
            offset += nbytes
        if parts and offset != self.codestream_end - MARKER_NBYTES:
            raise InputError("TLM contradicts the length of the file")
        return parts


def parse_main_header(data: Buffer, start: int, end: int) -> MainHeader | NeedMore:
    """Parse SOC to the first SOT.

    Args:
        data: The file from its first byte on.
        start: File offset of SOC.
        end: File offset after the codestream.

    Raises:
        InputError: It is not a codestream, or a segment contradicts itself.
    """
    if len(data) < start + 2:
        return NeedMore(start + 2)
    if u16(data, start) != SOC:
        raise InputError(f"no JPEG 2000 codestream at byte {start}")
    position, found = start + 2, []
    while True:
        if position + 4 > len(data):
            return NeedMore(position + 4) if position + 4 <= end else cut(position)
        marker = u16(data, position)
        if marker == SOT:
            break
        stop = segment_end(data, position, end)
        if stop > len(data):
            return NeedMore(stop + 2)
        found.append((marker, bytes(data[position + 4 : stop])))
        position = stop
    return _main_header(tuple(found), start, position, end)


def _main_header(found: tuple[tuple[int, bytes], ...], start: int, first_sot: int, end: int) -> MainHeader:
    by_marker: dict[int, list[bytes]] = {}
    for marker, payload in found:
        by_marker.setdefault(marker, []).append(payload)
    for marker, name in ((SIZ, "SIZ"), (COD, "COD"), (QCD, "QCD")):
        if len(by_marker.get(marker, ())) != 1:
            raise InputError(f"the main header has {len(by_marker.get(marker, ()))} {name} segments instead of one")
    if found[0][0] != SIZ:
        raise InputError("the main header does not begin with SIZ")
    size = _parse_siz(by_marker[SIZ][0])
    style, progression, layers, transform = _parse_cod_head(by_marker[COD][0])
    codings = [_parse_coding(by_marker[COD][0][5:], has_precincts=bool(style & 1))] * len(size.components)
    for payload in by_marker.get(COC, ()):
        index, own_style, rest = _component_index(payload, len(size.components))
        codings[index] = _parse_coding(rest, has_precincts=bool(own_style & 1))
    kept = tuple((marker, payload) for marker, payload in found if marker == SIZ or marker in _KEPT)
    header = MainHeader(
        size=size,
        codings=tuple(codings),
        progression=PROGRESSIONS[progression] if progression < len(PROGRESSIONS) else f"number {progression}",
        layers=layers,
        colour_transform=bool(transform),
        sop=bool(style & 2),
        eph=bool(style & 4),
        segments=kept,
        tlm=_parse_tlm(by_marker.get(TLM, ()), size.tiles),
        has_tlm=TLM in by_marker,
        codestream_start=start,
        first_sot=first_sot,
        codestream_end=end,
        refusal=None,
    )
    packets = layers * size.tiles * len(size.components)
    if layers > 1 and packets > end - first_sot:
        raise InputError(
            f"{end - first_sot} bytes cannot hold the {packets} packets that {layers} layers have at least"
        )
    refusal = _refusal(header, set(by_marker), style) or _short_quantisation(header)
    if refusal is not None:
        return replace(header, refusal=refusal)
    blocks = sum(
        _blocks(coding, min(size.width, size.tile_width), min(size.height, size.tile_height)) for coding in codings
    )
    if blocks > MAX_BLOCKS:
        raise InputError(f"tiles of {size.tile_width} x {size.tile_height} have {blocks} code-blocks")
    return header


def _blocks(coding: Coding, width: int, height: int) -> int:
    """About how many code-blocks a tile of one component has (B.7): at least one a precinct and band."""
    blocks = 0
    for resolution, (width_exp, height_exp) in enumerate(coding.precincts):
        band = min(1, resolution)
        shift = coding.levels - resolution
        across = (width >> shift >> min(coding.block_width_exp, width_exp - band)) + 2
        blocks += across * ((height >> shift >> min(coding.block_height_exp, height_exp - band)) + 2)
    return blocks


def _refusal(header: MainHeader, markers: set[int], style: int) -> str | None:
    """Why the packets of this file cannot be addressed, or None."""
    others = markers - _KEPT - _DROPPED - {SIZ}
    components = header.size.components
    first = components[0]
    reasons = (
        (bool(others), f"marker {min(others, default=0):04X} in the main header"),
        (header.progression != "LRCP", f"progression {header.progression}"),
        (header.layers != 1, f"{header.layers} layers"),
        (style & ~7, f"coding style {style:#x}"),
        (header.size.capabilities & 0xC000, f"capabilities {header.size.capabilities:#06x}"),
        (any(c.dx != 1 or c.dy != 1 for c in components), "subsampled components"),
        (any(c.signed or c.bits != first.bits for c in components), "signed or unlike components"),
        (not 2 <= first.bits <= 16, f"{first.bits} bits"),
        (len({coding.levels for coding in header.codings}) > 1, "components of unlike levels"),
        (not header.reversible, "the irreversible 9-7 filter"),
        (any(coding.block_style & ~0x3F for coding in header.codings), "another block coder"),
    )
    return next((reason for refused, reason in reasons if refused), None)


def _short_quantisation(header: MainHeader) -> str | None:
    """Which QCD or QCC lacks values for some of its bands (A.6.4, A.6.5), or None; a decoder may make sense of it."""
    index = 1 if len(header.size.components) < 257 else 2
    bands = 1 + 3 * max(coding.levels for coding in header.codings)
    for marker, payload in header.segments:
        if marker in {QCD, QCC}:
            values = payload if marker == QCD else payload[index:]
            needed = {0: bands, 1: 2, 2: 2 * bands}.get(values[0] & 0x1F, 0) if values else 0
            if not values or len(values) < 1 + needed:
                return f"a {'QCD' if marker == QCD else 'QCC'} of {len(payload)} bytes"
    return None


def _parse_siz(payload: bytes) -> CodestreamSize:
    if len(payload) < 36:
        raise InputError("the SIZ segment is too short")
    rsiz, x1, y1, x0, y0, width, height, tile_x0, tile_y0, count = struct.unpack_from(">H8IH", payload)
    if len(payload) != 36 + 3 * count or not 1 <= count <= 16384:
        raise InputError(f"SIZ of {len(payload)} bytes for {count} components")
    components = tuple(
        Component((payload[at] & 0x7F) + 1, bool(payload[at] & 0x80), payload[at + 1], payload[at + 2])
        for at in range(36, len(payload), 3)
    )
    if any(c.bits > 38 or c.dx == 0 or c.dy == 0 for c in components):
        raise InputError("SIZ has a component with an impossible depth or spacing")
    if not (x0 < x1 and y0 < y1 and width and height):
        raise InputError(f"SIZ says an image from {x0},{y0} to {x1},{y1} in tiles of {width} x {height}")
    if not (tile_x0 <= x0 < tile_x0 + width and tile_y0 <= y0 < tile_y0 + height):
        raise InputError(f"SIZ has its first tile at {tile_x0},{tile_y0}, apart from the image at {x0},{y0}")
    size = CodestreamSize(x0, y0, x1, y1, tile_x0, tile_y0, width, height, components, rsiz)
    if size.tiles > MAX_TILES:
        raise InputError(f"SIZ has {size.tiles} tiles, more than {MAX_TILES}")
    return size


def _parse_cod_head(payload: bytes) -> tuple[int, int, int, int]:
    if len(payload) < 10:
        raise InputError("the COD segment is too short")
    style, progression, layers, transform = struct.unpack_from(">BBHB", payload)
    if layers == 0:
        raise InputError("COD has no layers")
    return style, progression, layers, transform


def _parse_coding(payload: bytes, *, has_precincts: bool) -> Coding:
    """The part that COD and COC share (table A.15)."""
    if len(payload) < 5:
        raise InputError("a COD or COC segment is too short")
    levels, width, height, style, wavelet = payload[:5]
    sizes = payload[5:]
    if levels > 32 or width > 8 or height > 8 or width + height > 8 or wavelet > 1:
        raise InputError(f"COD has {levels} levels, code-blocks 2^{width + 2} x 2^{height + 2}, filter {wavelet}")
    if len(sizes) != (levels + 1 if has_precincts else 0):
        raise InputError(f"COD has {len(sizes)} precinct sizes for {levels + 1} resolutions")
    precincts = tuple((size & 15, size >> 4) for size in sizes) if has_precincts else ((15, 15),) * (levels + 1)
    if any(exp == 0 for pair in precincts[1:] for exp in pair):
        raise InputError("COD has precincts of one sample above the lowest resolution")
    return Coding(levels, width + 2, height + 2, style, wavelet == 1, precincts)


def _component_index(payload: bytes, components: int) -> tuple[int, int, bytes]:
    """Component number, style byte and the rest of a COC or QCC payload (A.6.2, A.6.5)."""
    width = 1 if components < 257 else 2
    if len(payload) < width + 1:
        raise InputError("a COC or QCC segment is too short")
    index = int.from_bytes(payload[:width], "big")
    if index >= components:
        raise InputError(f"a COC or QCC segment names component {index} of {components}")
    return index, payload[width], payload[width + 1 :]


def _parse_tlm(payloads: Sequence[bytes], tiles: int) -> tuple[tuple[int, int], ...]:
    """The entries of all TLM segments (A.7.1); empty where they contradict themselves."""
    entries: list[tuple[int, int]] = []
    for payload in sorted(payloads, key=lambda payload: payload[:1]):
        if len(payload) < 2:
            return ()
        style = payload[1]
        tile_width, length_width = style >> 4 & 3, 4 if style & 0x40 else 2
        step = tile_width + length_width
        if tile_width == 3 or (len(payload) - 2) % step:
            return ()
        for at in range(2, len(payload), step):
            tile = int.from_bytes(payload[at : at + tile_width], "big") if tile_width else len(entries)
            nbytes = int.from_bytes(payload[at + tile_width : at + step], "big")
            if tile >= tiles or nbytes < SOT_NBYTES + 2:
                return ()
            entries.append((tile, nbytes))
    return tuple(entries) if {tile for tile, _ in entries} == set(range(tiles)) else ()
