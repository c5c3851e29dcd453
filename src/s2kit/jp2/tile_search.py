"""Finding the tile-parts of a far file that does not say where they are (no TLM), with few looks at it.

Tile-parts lie end to end in the order of their tiles, one a tile, as in every file of ESA's. So a tile's place can be
guessed from the areas of the tiles before it (those at the right and the lower border are smaller), between two that
are known; what is read there is scanned for SOT, and the guess is mended.
No marker code FF90 to FFFF occurs inside packet data (ISO/IEC 15444-1 A.1, B.10.1, C.2.9), so a scan is not fooled by
it; PLT may hold such bytes, therefore a hit counts only if Lsot, the tile's number, Psot and the next marker agree.

The bands of one product are much alike in where their tiles lie: in the real R60m files the standard deviation between
two bands is 0.04 (B03, B04) to 0.7 (B02, B8A) mean tile-parts, between a band and evenly spaced tiles 3.1. So what one
band has shown (`TileShares`) makes better guesses for the others: a tenth to a half of the bytes.

The search always ends: each look reads bytes that were never seen, and once guesses have cost two thirds of what
walking from SOT to SOT costs, it walks. The constants were tuned on the real half-empty files and on full ones.
"""

import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType

from s2kit.errors import InputError
from s2kit.jp2.markers import COC, COD, COM, EOC, PLT, POC, PPT, QCC, QCD, RGN, SOD, SOT, SOT_NBYTES, Buffer
from s2kit.jp2.tile_part import TilePart
from s2kit.store.spans import Span

SEEN_NBYTES = SOT_NBYTES + 2
"""What must be seen of a tile-part to know it: SOT and the next marker."""
FULL_READ = 96 * 1024
"""A gap between known tile-parts that is not larger is read whole."""
STEP = 4096
"""Bytes that are read where a tile-part begins that is only passed on the way."""
FEW_STEPS = 6
"""So many tile-parts are walked rather than guessed."""
SHARE = 0.25
"""First look of a guess, as a share of the mean tile-part; each one in vain makes the next larger by half."""
GROWTH = 1.5
SMALLEST_LOOK, LARGEST_LOOK = 16 * 1024, 256 * 1024
SPREAD = 0.15
"""Standard deviation of the sizes of tile-parts that is assumed, as a share of their mean."""
LEAD = 0.5
"""A guess aims before the tile by its standard error, but by no more than this share of a mean tile-part."""
ALIKE = 0.1
"""Where a file alike has shown the same tile, the first look reaches so far to both sides, as a share of the mean."""
ALIKE_BEFORE = 0.25
"""How much further back the second look reaches; those that follow go forward."""

_SOT_SEGMENT = struct.pack(">HH", SOT, SOT_NBYTES - 2)
_NEXT_PART = frozenset({SOT.to_bytes(2, "big"), EOC.to_bytes(2, "big")})
_AFTER_SOT = frozenset({COD, COC, QCD, QCC, RGN, POC, PPT, PLT, COM, SOD})
"""Markers that may follow an SOT segment (Table A.3)."""


class NotInOrderError(InputError):
    """Tile-parts that are not one a tile in the order of tiles: only walking finds them all."""


@dataclass(frozen=True, slots=True)
class TileShares:
    """Where tiles begin in files that are alike, as shares of all their tile-parts' bytes: 0 for the first."""

    starts: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """By tile; those between are taken to need as much as their areas say."""

    def at(self, tile: int, upto: Sequence[int]) -> float:
        """The share at which a tile begins; 1 for the end of the last.

        Args:
            tile: The tile.
            upto: Area of all tiles before each tile, and of all tiles.
        """
        known = sorted({0: 0.0, len(upto) - 1: 1.0, **self.starts}.items())
        place = bisect_left(known, (tile,))
        after, stop = known[place]
        if after == tile:
            return stop
        before, start = known[place - 1]
        return start + (stop - start) * (upto[tile] - upto[before]) / (upto[after] - upto[before])


Siblings = dict[tuple[int, int], TileShares]
"""What the images of one product have shown, by their number of tiles and bits a sample; each adds what it finds."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Tiles whose places are not known, between two that are."""

    low: int
    """The tile before them, -1 at the beginning."""
    start: int
    """Where the first of them begins."""
    high: int
    """The tile after them."""
    stop: int
    """Where the last of them ends."""

    @property
    def tiles(self) -> int:
        return self.high - self.low - 1

    @property
    def mean(self) -> float:
        """Mean size of their tile-parts."""
        return (self.stop - self.start) / self.tiles


@dataclass(slots=True)
class _Quest:
    """The search for one tile so far."""

    walk: int
    """Looks that walking from where it began would have cost."""
    gap: _Gap
    looks: int = 0
    in_vain: int = 0
    """Looks since the gap became smaller."""


@dataclass(slots=True)
class TileSearch:
    """What is known of the tile-parts of one file; it learns from any bytes of it."""

    first_sot: int
    """File offset of the first tile-part."""
    end: int
    """File offset after the last one: where EOC stands."""
    areas: Sequence[int]
    """Pixels of each tile."""
    parts: dict[int, TilePart] = field(default_factory=dict)
    """Tile-parts whose SOT was seen, by tile."""
    alike: TileShares = field(default_factory=TileShares)
    """What files that are alike have shown."""
    cut: TilePart | None = None
    """The tile-part that reaches beyond the end of the file, where one was seen."""
    _order: list[int] = field(default_factory=list)
    _seen: list[Span] = field(default_factory=list)
    """Stretches that hold no SOT but the known ones, in order and apart."""
    _quests: dict[int, _Quest] = field(default_factory=dict)
    _upto: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._upto = [0, *accumulate(self.areas)]

    @property
    def tiles(self) -> int:
        """How many tiles the image has."""
        return len(self.areas)

    def learn(self, offset: int, data: Buffer) -> int:
        """Look for tile-parts in bytes of the file.

        Args:
            offset: Where the bytes lie in the file.
            data: The bytes.

        Returns:
            How many were new.

        Raises:
            NotInOrderError: What was found contradicts the order of tiles.
        """
        raw, found = bytes(data), 0
        at = raw.find(_SOT_SEGMENT)
        while at >= 0:
            part = self._plausible(raw, at, offset)
            if part is not None:
                found += self._add(part)
            at = raw.find(_SOT_SEGMENT, at + (2 if part is None else min(part.nbytes, len(raw))))
        if len(raw) >= SEEN_NBYTES:
            self._note_seen(Span(offset, len(raw) - SEEN_NBYTES + 1))
        return found

    @property
    def shares(self) -> TileShares:
        """What this file shows to those that are alike: where the tiles that were seen begin and end."""
        edges = {at: offset for part in self.parts.values() for at, offset in _edges(part)}
        whole = self.end - self.first_sot
        return TileShares(MappingProxyType({at: (edge - self.first_sot) / whole for at, edge in edges.items()}))

    def start(self, tile: int) -> int | None:
        """Where a tile begins, if that is known."""
        if tile in self.parts:
            return self.parts[tile].offset
        if tile == 0:
            return self.first_sot
        before = self.parts.get(tile - 1)
        return None if before is None else before.end

    def expected(self, tile: int) -> int:
        """Where a tile begins if this file is like those that are alike, by what is known so far."""
        return self._expected(tile, self._gap(tile))

    def look(self, tile: int, head: int) -> Span | None:
        """What to read next on the way to a tile; None where its SOT was seen. Call it again after `learn`.

        Args:
            tile: The tile.
            head: Bytes to read where the tile itself begins, once that is known.

        Raises:
            InputError: The tile is not in the file, or no tile-part lies where one must.
        """
        if tile in self.parts:
            return None
        if self.cut is not None and tile >= self.cut.tile:
            raise InputError(
                f"the file ends at byte {self.end + 2}, within tile {self.cut.tile}, which ends at byte {self.cut.end}"
            )
        gap = self._gap(tile)
        if self._first_unseen(gap.start) != gap.start or gap.stop - gap.start < SEEN_NBYTES * gap.tiles:
            raise InputError(f"there is no part of tile {gap.low + 1} at byte {gap.start}")
        quest = self._quests.setdefault(tile, _Quest(tile - gap.low, gap, in_vain=-1))
        quest.in_vain = quest.in_vain + 1 if quest.gap == gap else 0
        quest.gap, quest.looks = gap, quest.looks + 1
        steps = tile - gap.low
        if steps == 1:
            return Span(gap.start, min(max(head, SEEN_NBYTES), gap.stop - gap.start))
        if gap.stop - gap.start <= FULL_READ:
            return Span(gap.start, gap.stop - gap.start)
        if steps <= FEW_STEPS or 3 * quest.looks > 2 * quest.walk:
            return Span(gap.start, min(STEP, gap.stop - gap.start))
        return self._guess(tile, gap, quest.in_vain)

    def _guess(self, tile: int, gap: _Gap, in_vain: int) -> Span:
        """A stretch before the place where the tile is expected, beyond what was seen."""
        expected = self._expected(tile, gap)
        if tile in self.alike.starts and in_vain < 2:
            reach = int(ALIKE * gap.mean)
            back = 0 if in_vain == 0 else int(ALIKE_BEFORE * gap.mean)
            start = max(expected - reach - back, gap.start)
            at, end = self._first_unseen(start), min(expected + reach, gap.stop)
            if end - at >= SEEN_NBYTES:
                return Span(at, end - at)
        before = tile - gap.low - 1
        error = SPREAD * gap.mean * math.sqrt(before * (gap.tiles - before) / gap.tiles)
        size = SHARE * gap.mean * GROWTH ** min(in_vain, 16)
        nbytes = int(min(max(size, SMALLEST_LOOK), LARGEST_LOOK))
        at = self._first_unseen(int(max(expected - min(error, LEAD * gap.mean), gap.start)))
        if at > gap.stop - SEEN_NBYTES:
            end = self._last_unseen(gap.stop - SEEN_NBYTES) + SEEN_NBYTES
            return Span(max(gap.start, end - nbytes), end - max(gap.start, end - nbytes))
        return Span(at, min(nbytes, gap.stop - at))

    def _expected(self, tile: int, gap: _Gap) -> int:
        """Where a tile of a gap begins if this file is like those that are alike."""
        first, last, at = (self.alike.at(one, self._upto) for one in (gap.low + 1, gap.high, tile))
        return gap.start + int((gap.stop - gap.start) * (at - first) / max(last - first, 1e-9))

    def _plausible(self, raw: bytes, at: int, offset: int) -> TilePart | None:
        """The tile-part whose SOT segment seems to stand at `at`, if all agrees."""
        if at + SEEN_NBYTES > len(raw):
            return None
        tile, nbytes, number, count, marker = struct.unpack_from(">HIBBH", raw, at + 4)
        part = TilePart(tile, offset + at, nbytes or max(self.end - offset - at, 0))
        after = at + part.nbytes
        if tile >= self.tiles or marker not in _AFTER_SOT or part.nbytes < SEEN_NBYTES:
            return None
        if after + 2 <= len(raw) and raw[after : after + 2] not in _NEXT_PART and part.end != self.end:
            return None
        if part.end > self.end:
            self.cut = part if self.start(tile) == part.offset else self.cut
            return None
        if number != 0 or count > 1:
            raise NotInOrderError(f"tile {tile} has several tile-parts")
        return part

    def _add(self, part: TilePart) -> bool:
        known = self.parts.get(part.tile)
        if known is not None:
            if known != part:
                raise NotInOrderError(f"tile {part.tile} begins at bytes {known.offset} and {part.offset}")
            return False
        at = bisect_left(self._order, part.tile)
        before = self.parts[self._order[at - 1]] if at else None
        after = self.parts[self._order[at]] if at < len(self._order) else None
        if (before is not None and before.end > part.offset) or (after is not None and part.end > after.offset):
            raise NotInOrderError(f"tile {part.tile} at byte {part.offset} is out of order")
        self._order.insert(at, part.tile)
        self.parts[part.tile] = part
        return True

    def _gap(self, tile: int) -> _Gap:
        at = bisect_right(self._order, tile)
        low, start = -1, self.first_sot
        if at:
            low = self._order[at - 1]
            start = self.parts[low].end
        if at == len(self._order):
            return _Gap(low, start, self.tiles, self.end)
        high = self._order[at]
        return _Gap(low, start, high, self.parts[high].offset)

    def _note_seen(self, span: Span) -> None:
        joined = sorted([*self._seen, span])
        merged = [joined[0]]
        for one in joined[1:]:
            last = merged[-1]
            if one.offset <= last.end:
                merged[-1] = Span(last.offset, max(last.end, one.end) - last.offset)
            else:
                merged.append(one)
        self._seen = merged

    def _first_unseen(self, offset: int) -> int:
        """The first byte at or after an offset where an SOT may still begin."""
        for span in self._seen:
            if span.offset <= offset < span.end:
                return span.end
        return offset

    def _last_unseen(self, offset: int) -> int:
        """The last byte at or before an offset where an SOT may still begin."""
        for span in reversed(self._seen):
            if span.offset <= offset < span.end:
                return span.offset - 1
        return offset


def _edges(part: TilePart) -> tuple[tuple[int, int], tuple[int, int]]:
    return (part.tile, part.offset), (part.tile + 1, part.end)
