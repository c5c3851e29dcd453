"""A JPEG 2000 image read by its packets, over any `ByteSource`: a mapped file, or an object of a store."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.grid import Grid, Window
from s2kit.jp2.boxes import HEADER_GUESS, parse_header
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.decode import decode
from s2kit.jp2.georeference import georeference
from s2kit.jp2.markers import SOT_NBYTES, NeedMore
from s2kit.jp2.packets import Area, TileBlock, TilePackets, block_tiles, tile_block, tile_packets, window_area
from s2kit.jp2.reader import FallbackReader, ImageInfo, ImageSize, check_reduction, check_request, checked_components
from s2kit.jp2.tile_index import TileIndex
from s2kit.jp2.window import (
    PacketMismatchError,
    Selection,
    SmallCodestream,
    assemble,
    block_area,
    decodable_blocks,
    select,
    tile_body,
)
from s2kit.run.sharing import decoding_threads
from s2kit.store.byte_source import ByteSource, Traffic
from s2kit.store.spans import Span, merged

log = logging.getLogger(__name__)

_PIECE_SAMPLES = 1 << 16
"""Samples a piece has at least, so that a thread for it is worth while."""
_CACHED_SAMPLES = 1 << 18
"""Samples of a piece that a processor's cache holds; more only where a tile has more, since none is decoded twice."""
_PIECES_A_THREAD = 8
"""Pieces that a large area is cut into at least, so that no thread waits long for the last one."""
_MOST_SAMPLES = 1 << 24
"""Samples that one call of the decoder makes at most: it holds 4 bytes for each."""

Fallback = Callable[[], FallbackReader]


class RefusedError(Exception):
    """Packets cannot be picked from this image; its message says why."""


def read_header(source: ByteSource, prefix: bytes = b"") -> tuple[MainHeader, bytes]:
    """Read the main header of an image.

    Args:
        source: Where its bytes are.
        prefix: Its first bytes, as far as they are known.

    Returns:
        The header, and the first bytes that were read.

    Raises:
        InputError: It is not JPEG 2000, or its header is damaged.
    """
    wanted = min(HEADER_GUESS, source.size)
    while True:
        if len(prefix) < wanted:
            prefix += source.read_many([Span(len(prefix), wanted - len(prefix))])[0]
        try:
            answer = parse_header(prefix, source.size)
        except InputError as error:
            raise InputError(f"{source.name}: {error}", error.hint) from None
        if not isinstance(answer, NeedMore):
            return answer, prefix
        wanted = min(max(answer.nbytes, 2 * len(prefix)), source.size)


class Jp2Image:
    """Windows and levels of one JPEG 2000 image. Not to be shared by threads."""

    def __init__(
        self,
        source: ByteSource,
        header: MainHeader,
        prefix: bytes,
        index: TileIndex,
        *,
        openjpeg: str = "auto",
        fallback: Fallback | None = None,
        packets: dict[int, TilePackets] | None = None,
    ) -> None:
        """Take an image whose header has been read.

        Args:
            source: Its bytes.
            header: Its main header; `header.refusal` is None.
            prefix: Its first bytes, with the whole header.
            index: Finds its tile-parts.
            openjpeg: `auto`, or `off` for the portable route.
            fallback: Opens it with GDAL, for tiles with a coding of their own; where it is None, they are an error.
            packets: What is known of its tiles; what is learned is added.
        """
        self._source, self._header, self._prefix, self._index = source, header, prefix, index
        self._openjpeg, self._fallback = openjpeg, fallback
        self._gdal: FallbackReader | None = None
        self._info: ImageInfo | None = None
        self._packets: dict[int, TilePackets] = {} if packets is None else packets
        self._warned = False
        self._reading = threading.Lock()

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        if self._info is None:
            epsg, grid = self._georeference()
            size = self._header.size
            self._info = ImageInfo(
                width=size.width,
                height=size.height,
                count=len(size.components),
                dtype=self._dtype,
                nodata=None,
                epsg=epsg,
                grid=grid,
                reductions=self._header.reductions,
            )
        return self._info

    @property
    def size(self) -> ImageSize:
        """The part of `info` that the main header tells."""
        size = self._header.size
        return ImageSize(
            size.width, size.height, len(size.components), self._dtype, self._header.reductions, wavelet=True
        )

    @property
    def traffic(self) -> Traffic:
        """What was read so far."""
        return self._source.traffic

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window of full-resolution pixels; see `io.imagery.Image.window`."""
        size, name = self._header.size, self._source.name
        check_request(size.width, size.height, self._header.reductions, window, reduction, name)
        chosen = checked_components(len(size.components), components, name)
        target = window.reduced(reduction)
        area = window_area(size, target, reduction)
        image = Area(size.x0, size.y0, size.x1, size.y1).reduced(reduction)
        row, col = area.y0 - image.y0 - target.row, area.x0 - image.x0 - target.col
        if (row, col) == (0, 0) and (area.y1 - area.y0, area.x1 - area.x0) == target.shape:
            return self._read(area, reduction, chosen)
        pixels = np.full((len(chosen), *target.shape), fill, self._dtype)
        if not area.is_empty:
            part = self._read(area, reduction, chosen)
            pixels[:, row : row + part.shape[1], col : col + part.shape[2]] = part
        return pixels

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """Read the whole image at a reduction; see `io.imagery.Image.level`."""
        size, name = self._header.size, self._source.name
        check_reduction(self._header.reductions, reduction, name)
        chosen = checked_components(len(size.components), components, name)
        return self._read(Area(size.x0, size.y0, size.x1, size.y1).reduced(reduction), reduction, chosen)

    def close(self) -> None:
        """Let go of the file or the connections."""
        if self._gdal is not None:
            self._gdal.close()
        self._source.close()

    @property
    def _dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self._header.size.components[0].bits <= 8 else np.uint16)

    def _georeference(self) -> tuple[int | None, Grid | None]:
        """CRS and grid from the boxes in front of the codestream."""
        wanted = self._header.first_sot + SOT_NBYTES
        prefix = self._prefix[:wanted]
        if len(prefix) < wanted:
            prefix += self._source.read_many([Span(len(prefix), wanted - len(prefix))])[0]
        return georeference(prefix)

    def _read(self, area: Area, reduction: int, components: Sequence[int]) -> NDArray[Any]:
        """The samples of an area of the reduced reference grid."""
        if self._gdal is None:
            try:
                return self._read_packets(area, reduction, components)
            except RefusedError as refused:
                if self._fallback is None:
                    raise InputError(f"{self._source.name}: {refused}") from None
                log.debug("%s: read with GDAL, since %s", self._source.name, refused)
                self._gdal = self._fallback()
        size = self._header.size
        image = Area(size.x0, size.y0, size.x1, size.y1).reduced(reduction)
        window = Window(area.x0 - image.x0, area.y0 - image.y0, area.x1 - area.x0, area.y1 - area.y0)
        return self._gdal.reduced_window(window, reduction, components)

    def _read_packets(self, area: Area, reduction: int, components: Sequence[int]) -> NDArray[Any]:
        """Read what an area needs in one go, then decode it, in strips side by side where it is large."""
        size = self._header.size
        tiles = block_tiles(size, self._block(area, reduction))
        self._load(tiles)
        selections = {tile: select(self._header, self._packets[tile], area, reduction) for tile in tiles}
        spans = merged([span for selection in selections.values() for span in selection.spans])
        read = _Read(spans, self._source.read_many(spans))
        pixels = np.empty((len(components), area.y1 - area.y0, area.x1 - area.x0), self._dtype)
        everything = tuple(components) == tuple(range(len(size.components)))
        chosen = slice(None) if everything else list(components)

        def fill(piece: Area) -> None:
            for where, samples in self._decoded(piece, reduction, selections, read):
                row, col = where.y0 - area.y0, where.x0 - area.x0
                pixels[:, row : row + samples.shape[1], col : col + samples.shape[2]] = samples[chosen]

        if pixels.size < 2 * _PIECE_SAMPLES:
            fill(area)
            return pixels
        threads = decoding_threads()
        pieces = self._pieces(area, reduction, threads)
        if threads == 1:
            for piece in pieces:
                fill(piece)
        else:
            with ThreadPoolExecutor(min(threads, len(pieces))) as pool:
                list(pool.map(fill, pieces))
        return pixels

    def _block(self, area: Area, reduction: int) -> TileBlock:
        """The tiles that have samples of an area of the reduced reference grid."""
        size = self._header.size
        x0, y0, x1, y1 = (edge << reduction for edge in area)
        return tile_block(size, Area(x0, y0, min(x1, size.x1), min(y1, size.y1)))

    def _load(self, tiles: Sequence[int]) -> None:
        """Find the tile-parts of tiles and prove their PLT."""
        missing = [tile for tile in tiles if tile not in self._packets]
        if not missing:
            return
        for tile, parts in self._index.parts(missing).items():
            refusal = next((part.refusal for part in parts if part.refusal), None)
            if refusal is not None:
                raise RefusedError(refusal)
            try:
                packets = tile_packets(self._header, parts)
            except InputError as error:
                raise InputError(f"{self._source.name}: {error}") from None
            if packets.complaint is not None:
                self._index.check_tiles()  # damage of SIZ shows in a tile too many or too few
                self._warn(f"{packets.complaint}; taking whole tiles instead")
            self._packets[tile] = packets

    def _warn(self, text: str) -> None:
        """Warn once an image."""
        log.log(logging.DEBUG if self._warned else logging.WARNING, "%s: %s", self._source.name, text)
        self._warned = True

    def _pieces(self, area: Area, reduction: int, threads: int) -> list[Area]:
        """Cut an area where tiles meet, and tiles only where they are very large."""
        size, width, height = self._header.size, area.x1 - area.x0, area.y1 - area.y0
        share = height * width // (_PIECES_A_THREAD * threads)
        wanted = min(max(share, _PIECE_SAMPLES), _CACHED_SAMPLES) // len(size.components)
        if wanted >= height * width:
            return [area]
        rows = _borders(size.tile_y0, size.tile_height, size.tile_rows, reduction)
        cols = _borders(size.tile_x0, size.tile_width, size.tile_cols, reduction)
        tops = _cuts(area.y0, area.y1, rows, wanted // width)
        most = max(1, _MOST_SAMPLES // width)
        edges = [edge for top, bottom in pairwise(tops) for edge in range(top, bottom, most)] + [area.y1]
        highest = max(bottom - top for top, bottom in pairwise(edges))
        sides = _cuts(area.x0, area.x1, cols, wanted // highest)
        return [Area(left, top, right, bottom) for top, bottom in pairwise(edges) for left, right in pairwise(sides)]

    def _decoded(
        self, area: Area, reduction: int, selections: Mapping[int, Selection], read: "_Read"
    ) -> Iterator[tuple[Area, NDArray[Any]]]:
        """Decode an area, in as many codestreams as it takes: where each part lies, and its samples."""
        for block in decodable_blocks(self._header, self._block(area, reduction), reduction):
            where = block_area(self._header, block, reduction).intersection(area)
            if where.is_empty:
                continue
            chosen = {tile: selections[tile] for tile in block_tiles(self._header.size, block)}
            try:
                samples = self._decode(block, where, reduction, chosen, read)
            except PacketMismatchError:
                tile = min(chosen)
                self._warn(
                    f"PLT contradicts the packets of tile {tile} or of one beside it; taking whole tiles instead"
                )
                samples = self._decode_whole(block, where, reduction, chosen)
            yield where, samples

    def _decode(
        self, block: TileBlock, where: Area, reduction: int, chosen: Mapping[int, Selection], read: "_Read"
    ) -> NDArray[Any]:
        if any(selection.runs is None for selection in chosen.values()):
            return self._decode_whole(block, where, reduction, chosen)
        bodies = {tile: tile_body(self._header, one, read.spans, read.data) for tile, one in chosen.items()}
        return self._samples(assemble(self._header, block, reduction, bodies, marked=True), where)

    def _decode_whole(
        self, block: TileBlock, where: Area, reduction: int, chosen: Mapping[int, Selection]
    ) -> NDArray[Any]:
        """Decode with all packets of the tiles, whatever their PLT says; in LRCP the first ones make any reduction."""
        bodies = {}
        for tile, selection in chosen.items():
            with self._reading:
                bodies[tile] = b"".join(self._source.read_many(selection.packets.body))
        return self._samples(assemble(self._header, block, reduction, bodies, marked=False), where)

    def _samples(self, codestream: SmallCodestream, where: Area) -> NDArray[Any]:
        components = self._header.size.components
        try:
            return decode(codestream, where, len(components), components[0].bits, openjpeg=self._openjpeg)
        except InputError as error:
            raise InputError(f"{self._source.name}: {error}", error.hint) from None


@dataclass(frozen=True, slots=True)
class _Read:
    """Spans of the image, in order, and their bytes."""

    spans: list[Span]
    data: list[bytes]


def _borders(origin: int, side: int, count: int, reduction: int) -> list[int]:
    """Where tiles meet along one axis, on the reduced reference grid."""
    return [-(-(origin + at * side) >> reduction) for at in range(1, count)]


def _cuts(start: int, stop: int, borders: Sequence[int], least: int) -> list[int]:
    """The borders that cut a stretch into parts of some least length (the last may be shorter), between its ends."""
    cuts = [start]
    for border in borders:
        if start < border < stop and border - cuts[-1] >= least:
            cuts.append(border)
    return [*cuts, stop]
