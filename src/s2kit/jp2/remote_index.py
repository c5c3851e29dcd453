"""Where the tile-parts of a far JPEG 2000 file lie: from TLM, else by searching, else by walking from SOT to SOT."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from s2kit.errors import InputError
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import MARKER_NBYTES, SOT_NBYTES, NeedMore
from s2kit.jp2.packets import check_parts, packets_below, precinct_grids, tile_areas
from s2kit.jp2.tile_part import TilePart, TilePartHeader, parse_sot, parse_tile_part
from s2kit.jp2.tile_search import SEEN_NBYTES, NotInOrderError, Siblings, TileSearch, TileShares
from s2kit.store.remote_source import RemoteSource
from s2kit.store.spans import Span

log = logging.getLogger(__name__)

SHARES = (1.0, 0.28, 0.08, 0.023, 0.0066)
"""Share of a tile-part that each reduction needs, as measured on full 10 m bands."""

_SMALL_PART = 48 * 1024
"""Tile-parts that are not larger on average are read whole."""
_LARGEST_HEAD = 64 * 1024
_SMALLEST_HEAD = 2048
_SPARE = 1.3
_MARGIN = 1.15
_RUN = 24
"""Tiles in a row that are worth a walker of their own."""
_SCAN_NBYTES = 1_700_000
"""What finding places for more walkers may cost, about."""
_CHUNK = 128 * 1024
"""Bytes that a scan reads at a time."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """A place where any tile-part is looked for."""

    offset: int
    left: int
    """Looks that may follow."""

    def span(self, end: int) -> Span:
        """What to read."""
        return Span(self.offset, min(_CHUNK, end - self.offset))

    def next(self) -> "_Scan":
        """The place behind it; a marker may lie across the border."""
        return _Scan(self.offset + _CHUNK - SEEN_NBYTES, self.left - 1)


class RemoteIndex:
    """The index of a file that is read by ranges; it learns as it goes."""

    def __init__(self, source: RemoteSource, header: MainHeader, siblings: Siblings | None = None) -> None:
        """Take a file whose header has been read.

        Args:
            source: Its bytes.
            header: Its main header.
            siblings: Shared by the images of one product.
        """
        self._source, self._header, self._name = source, header, source.name
        self._headers: dict[int, tuple[TilePartHeader, ...]] = {}
        self._end = header.codestream_end - MARKER_NBYTES
        self._search = TileSearch(header.first_sot, self._end, tile_areas(header.size))
        self._siblings = {} if siblings is None else siblings
        self._tlm = self._from_tlm()
        self._walked: dict[int, list[TilePart]] | None = None
        self._head = _SMALLEST_HEAD
        self._reduction: int | None = None
        self._needed: float | None = None
        self.expect(0, whole=False)

    def expect(self, reduction: int, *, whole: bool) -> None:
        """Say what will be read next, so that it comes along with the tile-part headers.

        Args:
            reduction: The reduction.
            whole: True for whole tiles, False for a window in them: only their lower resolutions are sure to be needed.
        """
        mean = (self._end - self._header.first_sot) / self._header.size.tiles
        self._reduction, self._needed = (reduction, None) if whole else (None, None)
        if mean <= _SMALL_PART and reduction <= 1:
            self._head = _SMALL_PART
            return
        share = SHARES[min(reduction if whole else max(reduction, 2), len(SHARES) - 1)]
        self._head = int(min(max(mean * share * _SPARE, _SMALLEST_HEAD), _LARGEST_HEAD))

    def learn(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Take over what an earlier run has learned."""
        if self._tlm is None:
            for offset, data in pieces:
                if offset >= self._header.first_sot:
                    self._search.learn(offset, data)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """The headers that are known, for the next run: `(offset, bytes)`."""
        full = {header.part.offset: header for headers in self._headers.values() for header in headers}
        for offset in full.keys() | {part.offset for part in self._search.parts.values()}:
            nbytes = full[offset].data_offset - offset if offset in full else SEEN_NBYTES
            data = self._source.at_hand(offset, nbytes)
            if len(data) == nbytes:
                yield offset, data

    def parts(self, tiles: Sequence[int]) -> Mapping[int, tuple[TilePartHeader, ...]]:
        """The parsed headers of all parts of each of these tiles, in file order.

        Raises:
            InputError: A tile is not in the file, or the file is cut within it.
        """
        missing = [tile for tile in tiles if tile not in self._headers]
        try:
            if missing:
                self._load(missing)
        except InputError as error:
            raise InputError(f"{self._name}: {error}", error.hint) from None
        return {tile: self._headers[tile] for tile in tiles}

    def check_tiles(self) -> None:
        """Prove that the file has the tiles that SIZ tells, as a TLM that is believed always does.

        Raises:
            InputError: It has fewer, or more.
        """
        last = self._header.size.tiles - 1
        end = max(header.part.end for header in self.parts([last])[last])
        if self._tlm is None and self._walked is None and end != self._end:
            raise InputError(f"{self._name}: there is something behind the last tile, which ends at byte {end}")

    def _load(self, tiles: Sequence[int]) -> None:
        if self._tlm is not None:
            try:
                self._read_headers({tile: self._tlm[tile] for tile in tiles})
            except InputError as error:
                log.warning("%s: TLM contradicts the tile-parts (%s); searching them instead", self._name, error)
                self._tlm = None
            else:
                return
        self._read_headers(self._found(tiles))

    def _found(self, tiles: Sequence[int]) -> dict[int, list[TilePart]]:
        if self._walked is None:
            try:
                self._find(tiles)
            except NotInOrderError as error:
                log.debug("%s: %s; walking all tile-parts", self._name, error)
                self._walked = self._walk()
            else:
                return {tile: [self._search.parts[tile]] for tile in tiles}
        absent = next((tile for tile in tiles if tile not in self._walked), None)
        if absent is not None:
            raise InputError(f"tile {absent} of {self._header.size.tiles} is not in the file, which ends or breaks off")
        return {tile: self._walked[tile] for tile in tiles}

    def _find(self, tiles: Sequence[int]) -> None:
        """Search for tiles: rows of many by walking from several places at once, others one by one, side by side."""
        prefix = self._source.at_hand(self._header.first_sot, _SMALL_PART)
        if prefix and not self._search.parts:
            self._search.learn(self._header.first_sot, prefix)
        kind = (self._search.tiles, self._header.size.components[0].bits)
        self._search.alike = self._siblings.get(kind, TileShares())
        self._find_runs(_runs(sorted(tiles)))
        self._siblings[kind] = self._search.shares

    def _find_runs(self, runs: Sequence[Sequence[int]]) -> None:
        for run in runs:
            if sum(tile not in self._search.parts for tile in run) >= 2 * _RUN:
                self._sweep(run)
        while True:
            looks = sorted({look for run in runs if (look := self._next(run)) is not None})
            if not looks:
                return
            for span, data in zip(looks, self._source.read_many(looks), strict=True):
                self._search.learn(span.offset, data)

    def _sweep(self, run: Sequence[int]) -> None:
        """Walk a long run of tiles from all places that are known, while scans look for more of them."""
        search = self._search
        walks: dict[Span, int] = {}
        scans = {scan.span(self._end): scan for scan in self._scans(run)}
        fitted: set[int] = set()

        def further() -> Iterator[Span]:
            """What new tile-parts lack, then what walkers read next, those that are not under way."""
            for tile in sorted(search.parts.keys() - fitted):
                fitted.add(tile)
                if tile in run and (rest := self._fit_head(search.parts[tile])) is not None:
                    yield rest
            missing = [tile for tile in run if tile not in search.parts]
            for tile in [tile for tile in missing if search.start(tile) is not None] or missing[:1]:
                if tile not in walks.values() and (look := self._look(tile)) is not None:
                    walks[look] = tile
                    yield look

        def learn(span: Span, data: bytes) -> Iterator[Span]:
            found = search.learn(span.offset, data)
            walks.pop(span, None)
            scan = scans.pop(span, None)
            if scan is not None and not found and scan.left and scan.next().offset + SEEN_NBYTES < self._end:
                scans[scan.next().span(self._end)] = scan.next()
                yield scan.next().span(self._end)
            yield from further()

        self._source.follow([*further(), *scans], learn)

    def _scans(self, run: Sequence[int]) -> list["_Scan"]:
        """Where to look for places from which a run can be walked too, as far as that is worth its bytes."""
        mean = (self._end - self._header.first_sot) / self._header.size.tiles
        count = min(len(run) // _RUN, self._source.connections, 1 + int(_SCAN_NBYTES / ((mean + _CHUNK) / 2))) - 1
        late = min(mean / 2 / _CHUNK, len(run) / 4)  # tiles that the first walker passes before a scan has found one
        longest = (len(run) + count * late) / (count + 1)
        firsts = [run[int(longest + (longest - late) * at)] for at in range(count)]
        return [_Scan(self._search.expected(tile) - _CHUNK // 2, int(1.5 * mean / _CHUNK) + 1) for tile in firsts]

    def _fit_head(self, part: TilePart) -> Span | None:
        """Make the looks as long as the tile that was just seen would have needed; returns what it still lacks."""
        if self._reduction is None:
            return None
        data = self._source.at_hand(part.offset, _LARGEST_HEAD)
        try:
            header = parse_tile_part(data, part.offset, self._header.codestream_end)
        except InputError:
            return None
        needed = 0
        if isinstance(header, NeedMore):
            needed = max(header.nbytes, self._head)
        elif header.lengths is not None:
            count = packets_below(self._header, precinct_grids(self._header, part.tile), self._reduction)
            needed = header.data_offset - part.offset + sum(header.lengths[:count])
            self._needed = needed if self._needed is None else max(needed, 0.8 * self._needed + 0.2 * needed)
            self._head = int(min(max(_MARGIN * self._needed, 256), _LARGEST_HEAD))
        rest = Span(part.offset + len(data), min(needed, part.nbytes, _LARGEST_HEAD) - len(data))
        return rest if rest.nbytes > 0 else None

    def _next(self, way: Sequence[int]) -> Span | None:
        """What to read for the first tile of a way that is not known."""
        tile = next((tile for tile in way if tile not in self._search.parts), None)
        return None if tile is None else self._look(tile)

    def _look(self, tile: int) -> Span | None:
        return self._search.look(tile, min(self._head, self._end))

    def _walk(self) -> dict[int, list[TilePart]]:
        """All tile-parts from SOT to SOT; the walk ends at the first byte that is none (EOC, or damage)."""
        found: dict[int, list[TilePart]] = {}
        offset = self._header.first_sot
        while offset + SOT_NBYTES <= self._end:
            data = self._source.at_hand(offset, SOT_NBYTES)
            if len(data) < SOT_NBYTES:
                data = self._source.read_many([Span(offset, min(_SMALLEST_HEAD, self._source.size - offset))])[0]
            try:
                part, _, _ = parse_sot(data, offset, self._header.codestream_end)
            except InputError:
                break
            found.setdefault(part.tile, []).append(part)
            offset = part.end
        return found

    def _read_headers(self, found: Mapping[int, Sequence[TilePart]]) -> None:
        """Read and parse the headers of tile-parts, all at once as far as one look is enough."""
        parts = [part for tile in found.values() for part in tile]
        for part in parts:
            if part.end > self._end:
                raise InputError(
                    f"the file ends at byte {self._header.codestream_end}, within tile {part.tile}, "
                    f"which ends at byte {part.end}"
                )
        parsed: dict[TilePart, TilePartHeader] = {}
        have = {part: self._source.at_hand(part.offset, min(part.nbytes, _LARGEST_HEAD)) for part in parts}
        while True:
            short = {part: nbytes for part, data in have.items() if (nbytes := self._parse(part, data, parsed))}
            if not short:
                break
            spans = [Span(part.offset, min(max(nbytes, self._head), part.nbytes)) for part, nbytes in short.items()]
            have = dict(zip(short, self._source.read_many(spans), strict=True))
        for tile, one in found.items():
            headers = tuple(parsed[part] for part in one)
            if not check_parts(headers):
                raise InputError(f"the parts of tile {tile} contradict one another")
            self._headers[tile] = headers

    def _parse(self, part: TilePart, data: bytes, parsed: dict[TilePart, TilePartHeader]) -> int:
        """Parse a header; 0 where that is done, else how many bytes it wants."""
        header = parse_tile_part(data, part.offset, self._header.codestream_end)
        if isinstance(header, NeedMore):
            return header.nbytes
        if header.part != part:
            raise InputError(f"there is no part of tile {part.tile} with {part.nbytes} bytes at byte {part.offset}")
        parsed[part] = header
        return 0

    def _from_tlm(self) -> dict[int, list[TilePart]] | None:
        try:
            return self._header.tlm_parts() or None
        except InputError as error:
            log.warning("%s: %s; searching the tile-parts instead", self._name, error)
            return None


def _runs(tiles: Sequence[int]) -> list[list[int]]:
    """Tiles in a row, together."""
    runs: list[list[int]] = []
    for tile in tiles:
        if runs and runs[-1][-1] == tile - 1:
            runs[-1].append(tile)
        else:
            runs.append([tile])
    return runs
