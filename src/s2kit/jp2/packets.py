"""Tiles, resolutions, precincts and packets: where in a file the packets of a window lie.

ISO/IEC 15444-1 B.3 (tiles), B.5 (resolutions), B.6 (precincts: a resolution that is empty in a tile has no packets),
B.12.1.1 (LRCP: packets come layer, resolution, component, precinct; with one layer, a reduction is a prefix).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.jp2.codestream import CodestreamSize, Coding, MainHeader
from s2kit.jp2.tile_part import TilePart, TilePartHeader
from s2kit.store.spans import Span


class Area(NamedTuple):
    """A rectangle of the reference grid or of a resolution; ends are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def is_empty(self) -> bool:
        """True where it holds no sample."""
        return self.x1 <= self.x0 or self.y1 <= self.y0

    def reduced(self, reduction: int) -> "Area":
        """The samples of a resolution `reduction` levels lower (B-14, B-15)."""
        scale = (1 << reduction) - 1
        return Area(*((edge + scale) >> reduction for edge in self))

    def intersection(self, other: "Area") -> "Area":
        """What both have; empty where they do not meet."""
        return Area(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))


class TileBlock(NamedTuple):
    """A rectangle of tiles: columns and rows of the tile grid, ends exclusive."""

    col: int
    row: int
    col_end: int
    row_end: int


@dataclass(frozen=True, slots=True)
class PrecinctGrid:
    """The precincts of one resolution of one component in one tile; there is one packet for each."""

    resolution: int
    """0 is the lowest."""
    component: int
    first: int
    """Number of its first packet in the tile."""
    col: int
    """Column of its first precinct; precincts are counted from the origin of the resolution."""
    row: int
    cols: int
    rows: int
    width_exp: int
    """log2 of a precinct's columns."""
    height_exp: int

    @property
    def count(self) -> int:
        """Precincts, and packets."""
        return self.cols * self.rows


@dataclass(frozen=True, slots=True)
class TilePackets:
    """All packets of one tile, in order."""

    tile: int
    parts: tuple[TilePartHeader, ...]
    """Its tile-parts in file order."""
    grids: tuple[PrecinctGrid, ...]
    """In packet order."""
    lengths: tuple[int, ...] | None
    """Bytes of each packet; None where PLT is missing or wrong: then only the whole tile can be used."""
    offsets: tuple[int, ...]
    """File offset of each packet; empty where `lengths` is None."""
    complaint: str | None
    """What is wrong with PLT, or None."""

    @property
    def body(self) -> tuple[Span, ...]:
        """The bytes of all packets."""
        return tuple(Span(part.data_offset, part.data_nbytes) for part in self.parts)

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """The bytes of packets `start` to `end`, one span for each tile-part that has some."""
        assert self.lengths is not None
        if len(self.parts) == 1:
            first = self.offsets[start]
            return (Span(first, self.offsets[end - 1] + self.lengths[end - 1] - first),)
        breaks = [at for at in _part_starts(self.parts) if start < at < end]
        edges = [start, *breaks, end]
        return tuple(
            Span(self.offsets[a], self.offsets[b - 1] + self.lengths[b - 1] - self.offsets[a])
            for a, b in pairwise(edges)
            if b > a
        )


def tile_area(size: CodestreamSize, tile: int) -> Area:
    """A tile on the reference grid (B-7 to B-10)."""
    row, col = divmod(tile, size.tile_cols)
    x, y = size.tile_x0 + col * size.tile_width, size.tile_y0 + row * size.tile_height
    return Area(max(x, size.x0), max(y, size.y0), min(x + size.tile_width, size.x1), min(y + size.tile_height, size.y1))


def tile_areas(size: CodestreamSize) -> list[int]:
    """Points of the reference grid in each tile."""
    areas = [tile_area(size, tile) for tile in range(size.tiles)]
    return [(area.x1 - area.x0) * (area.y1 - area.y0) for area in areas]


def tile_block(size: CodestreamSize, area: Area) -> TileBlock:
    """The tiles that an area of the reference grid, which lies within the image, touches."""
    return TileBlock(
        (area.x0 - size.tile_x0) // size.tile_width,
        (area.y0 - size.tile_y0) // size.tile_height,
        (area.x1 - 1 - size.tile_x0) // size.tile_width + 1,
        (area.y1 - 1 - size.tile_y0) // size.tile_height + 1,
    )


def block_tiles(size: CodestreamSize, block: TileBlock) -> tuple[int, ...]:
    """The numbers of the tiles of a block, row by row."""
    return tuple(
        row * size.tile_cols + col for row in range(block.row, block.row_end) for col in range(block.col, block.col_end)
    )


def window_area(size: CodestreamSize, window: Window, reduction: int) -> Area:
    """The part of the image that a window at a reduction shows.

    Args:
        size: The image.
        window: Pixels of the *reduced* image, counted from its first one.
        reduction: The reduction.

    Returns:
        Its samples in coordinates of the reduced reference grid; empty where the window lies outside.
    """
    image = Area(size.x0, size.y0, size.x1, size.y1).reduced(reduction)
    return image.intersection(
        Area(image.x0 + window.col, image.y0 + window.row, image.x0 + window.col_end, image.y0 + window.row_end)
    )


def precinct_grids(header: MainHeader, tile: int) -> tuple[PrecinctGrid, ...]:
    """The packets of a tile in their order; resolutions that are empty in it are left out (B.6, B.12.1.1)."""
    x0, y0, x1, y1 = tile_area(header.size, tile)
    grids, first = [], 0
    for resolution in range(max(coding.levels for coding in header.codings) + 1):
        for component, coding in enumerate(header.codings):
            if resolution > coding.levels:
                continue
            shift = coding.levels - resolution
            up = (1 << shift) - 1
            left, top, right, bottom = x0 + up >> shift, y0 + up >> shift, x1 + up >> shift, y1 + up >> shift
            if left == right or top == bottom:
                continue
            width, height = coding.precincts[resolution]
            col, row = left >> width, top >> height
            cols, rows = (right - 1 >> width) + 1 - col, (bottom - 1 >> height) + 1 - row
            grids.append(PrecinctGrid(resolution, component, first, col, row, cols, rows, width, height))
            first += cols * rows
    return tuple(grids)


def tile_packets(header: MainHeader, parts: Sequence[TilePartHeader]) -> TilePackets:
    """Join the parts of one tile, and prove PLT: as many packets as the tile has, and as many bytes as each part has.

    Raises:
        InputError: The parts are not those of one tile, or are too short to hold its packets.
    """
    tile = parts[0].part.tile
    if any(part.part.tile != tile for part in parts) or tile >= header.size.tiles:
        raise InputError(f"tile-parts of other tiles among those of tile {tile}")
    grids = precinct_grids(header, tile)
    count = sum(grid.count for grid in grids)
    if count > sum(part.data_nbytes for part in parts):
        raise InputError(f"tile {tile} is too short for its {count} packets")
    complaint = _complaint(parts, count)
    if complaint is not None:
        return TilePackets(tile, tuple(parts), grids, None, (), complaint)
    offsets: list[int] = []
    lengths: list[int] = []
    for part in parts:
        if part.lengths:
            offsets += accumulate(part.lengths[:-1], initial=part.data_offset)
            lengths += part.lengths
    return TilePackets(tile, tuple(parts), grids, tuple(lengths), tuple(offsets), None)


def check_parts(parts: Sequence[TilePartHeader]) -> bool:
    """True where these are all parts of a tile, as far as they say (TPsot counts from 0, TNsot is their number)."""
    counts = {part.count for part in parts} - {0}
    return [part.number for part in parts] == list(range(len(parts))) and counts <= {len(parts)}


def chain_is_whole(parts: Sequence[TilePart], header: MainHeader) -> bool:
    """True where tile-parts lie end to end from the first SOT to EOC and every tile has one."""
    if (
        not parts
        or parts[0].offset != header.first_sot
        or {part.tile for part in parts} != set(range(header.size.tiles))
    ):
        return False
    edges = [part.offset for part in parts[1:]] + [header.codestream_end - 2]
    return all(part.end == edge for part, edge in zip(parts, edges, strict=True))


def wanted_packets(
    header: MainHeader, grids: Sequence[PrecinctGrid], area: Area, reduction: int
) -> Iterator[tuple[int, int]]:
    """The packets that the samples of an area depend on, as runs `(first, end)` in packet order.

    Args:
        header: The main header.
        grids: The precincts of the tile.
        area: Samples in coordinates of the reduced reference grid.
        reduction: The reduction.
    """
    reaches = [_reaches(coding, area, reduction) for coding in header.codings]
    for grid in grids:
        if grid.resolution > header.codings[grid.component].levels - reduction:
            continue
        reach = reaches[grid.component][grid.resolution]
        col, row = max(reach.x0 >> grid.width_exp, grid.col), max(reach.y0 >> grid.height_exp, grid.row)
        col_end = min(((reach.x1 - 1) >> grid.width_exp) + 1, grid.col + grid.cols)
        row_end = min(((reach.y1 - 1) >> grid.height_exp) + 1, grid.row + grid.rows)
        if col_end - col == grid.cols and row < row_end:
            first = grid.first + (row - grid.row) * grid.cols
            yield first, first + (row_end - row) * grid.cols
            continue
        for y in range(row, row_end):
            first = grid.first + (y - grid.row) * grid.cols - grid.col
            if col_end > col:
                yield first + col, first + col_end


def packets_below(header: MainHeader, grids: Sequence[PrecinctGrid], reduction: int) -> int:
    """How many packets the resolutions of a reduction have; in LRCP they are the first ones of the tile.

    Where components have unlike numbers of levels, packets of higher resolutions may stand among them: they count too.
    """
    return max(
        (g.first + g.count for g in grids if g.resolution <= header.codings[g.component].levels - reduction), default=0
    )


def _reaches(coding: Coding, area: Area, reduction: int) -> list[Area]:
    """For each resolution, the samples whose precincts an area at a reduction depends on (F.3: the filters' supports).

    To make samples `a` to `b`, the 5-3 filter takes low-pass samples that stand at `a - 1` to `b + 1` and high-pass
    samples at `a - 2` to `b + 2` of the interleaved resolution; the 9-7 filter takes those of 3 and 4.
    """
    low, high = (1, 3) if coding.reversible else (3, 5)
    reaches = [Area(0, 0, 0, 0)] * (coding.levels + 1)
    for resolution in range(coding.levels - reduction, -1, -1):
        x0, y0, x1, y1 = area
        margin = high if resolution else 0
        reaches[resolution] = Area(max(x0 - margin, 0), max(y0 - margin, 0), x1 + margin, y1 + margin)
        area = Area((x0 - low) >> 1, (y0 - low) >> 1, (x1 + low + 1) >> 1, (y1 + low + 1) >> 1)
    return reaches


def _complaint(parts: Sequence[TilePartHeader], count: int) -> str | None:
    tile = parts[0].part.tile
    found = 0
    for part in parts:
        if part.lengths is None and part.data_nbytes:
            return f"tile {tile} has no PLT"
        found += len(part.lengths or ())
    if found != count:
        return f"PLT of tile {tile} has {found} packets, the tile has {count}"
    for part in parts:
        if sum(part.lengths or ()) != part.data_nbytes:
            return f"PLT of tile {tile} has {sum(part.lengths or ())} bytes, the tile-part has {part.data_nbytes}"
    return None


def _part_starts(parts: Sequence[TilePartHeader]) -> list[int]:
    """Number of the first packet of each part."""
    return list(accumulate((len(part.lengths or ()) for part in parts[:-1]), initial=0))
