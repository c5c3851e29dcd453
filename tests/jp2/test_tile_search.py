import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.jp2.boxes import parse_header
from s2kit.jp2.packets import tile_areas
from s2kit.jp2.tile_part import parse_sot
from s2kit.jp2.tile_search import NotInOrderError, TileSearch, TileShares

FIRST = 1000


class Sparse:
    """A file of tile-parts of given sizes, whose packets hold no marker; made where it is read."""

    def __init__(self, sizes, seed=0):
        self.sizes = sizes
        self.starts = [FIRST]
        for size in sizes:
            self.starts.append(self.starts[-1] + size)
        self.end = self.starts[-1]
        self.filler = bytes(random.Random(seed).randrange(0x90) for _ in range(997))

    def read(self, start, nbytes):
        end = start + nbytes
        data = bytearray(self.filler[at % 997] for at in range(start, end)) if nbytes < 5000 else bytearray(nbytes)
        for tile, (offset, size) in enumerate(zip(self.starts, self.sizes, strict=False)):
            head = struct.pack(">HHHIBBH", 0xFF90, 10, tile, size, 0, 1, 0xFF93)
            self._lay(data, start, offset, head)
        self._lay(data, start, self.end, b"\xff\xd9")
        return bytes(data)

    @staticmethod
    def _lay(data, start, offset, piece):
        for at, byte in enumerate(piece, offset - start):
            if 0 <= at < len(data):
                data[at] = byte


def find(read, search, tile, head=4096):
    """Search for a tile; returns requests and bytes."""
    requests = nbytes = 0
    while (look := search.look(tile, head)) is not None:
        assert search.first_sot <= look.offset < look.end <= search.end
        search.learn(look.offset, read(look.offset, look.nbytes))
        requests, nbytes = requests + 1, nbytes + look.nbytes
    return requests, nbytes


def search_of(sparse):
    return TileSearch(FIRST, sparse.end, [1] * len(sparse.sizes))


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.integers(14, 200), st.integers(14, 60_000), st.integers(50_000, 300_000)), min_size=1, max_size=60
    ),
    st.data(),
)
def test_every_tile_is_found_whatever_the_sizes(sizes, data):
    sparse = Sparse(sizes)
    tile = data.draw(st.integers(0, len(sizes) - 1))
    search = search_of(sparse)
    requests, _ = find(sparse.read, search, tile)
    assert search.parts[tile].offset == sparse.starts[tile]
    assert search.parts[tile].nbytes == sizes[tile]
    assert requests <= 1.67 * (tile + 1) + 1


def test_even_sizes_are_found_with_few_looks():
    rng = random.Random(5)
    sparse = Sparse([int(300_000 * rng.uniform(0.8, 1.2)) for _ in range(121)])
    costs = []
    for tile in range(0, 121, 9):
        search = search_of(sparse)
        search.learn(FIRST, sparse.read(FIRST, 4096))
        costs.append(find(sparse.read, search, tile))
    assert sum(requests for requests, _ in costs) / len(costs) <= 4.5
    assert sum(nbytes for _, nbytes in costs) / len(costs) <= 0.85 * 300_000


def test_what_was_learned_helps_the_next_tile():
    sparse = Sparse([200_000] * 50)
    search = search_of(sparse)
    find(sparse.read, search, 30)
    assert find(sparse.read, search, 31, head=100)[0] == 1
    assert search.start(32) == sparse.starts[32]
    assert search.look(30, 100) is None


def test_bytes_that_look_like_a_tile_part_do_not_count():
    sparse = Sparse([200_000] * 20)

    def read(start, nbytes):
        data = bytearray(sparse.read(start, nbytes))
        for offset in range(FIRST + 50_000, sparse.end, 200_000):  # Lsot right, but no marker follows
            Sparse._lay(data, start, offset, struct.pack(">HHHIBBH", 0xFF90, 10, 3, 70_000, 0, 1, 0x1234))
            Sparse._lay(data, start, offset + 100, struct.pack(">HHHIBBH", 0xFF90, 10, 999, 70_000, 0, 1, 0xFF93))
            Sparse._lay(data, start, offset + 200, struct.pack(">HHHIBBH", 0xFF90, 10, 3, 300, 0, 1, 0xFF93))
        return bytes(data)

    for tile in range(20):
        search = search_of(sparse)
        find(read, search, tile)
        assert search.parts[tile].offset == sparse.starts[tile]


def test_several_parts_a_tile_are_left_to_walking():
    search = TileSearch(0, 1000, [1] * 4)
    with pytest.raises(NotInOrderError, match="several"):
        search.learn(0, struct.pack(">HHHIBBH", 0xFF90, 10, 0, 500, 0, 2, 0xFF93) + bytes(50))


def test_tiles_out_of_order_are_left_to_walking():
    search = TileSearch(0, 100_000, [1] * 9)
    search.learn(0, struct.pack(">HHHIBBH", 0xFF90, 10, 5, 500, 0, 1, 0xFF93))
    with pytest.raises(NotInOrderError, match="out of order"):
        search.learn(500, struct.pack(">HHHIBBH", 0xFF90, 10, 3, 500, 0, 1, 0xFF93))
    with pytest.raises(NotInOrderError, match="begins at bytes"):
        search.learn(700, struct.pack(">HHHIBBH", 0xFF90, 10, 5, 500, 0, 1, 0xFF93))


def test_a_file_without_the_tile_is_refused_in_the_end():
    sparse = Sparse([50_000] * 10)
    search = TileSearch(FIRST, sparse.end, [1] * 20)
    with pytest.raises(InputError, match="no part of tile"):
        find(lambda start, nbytes: bytes(nbytes), search, 7)


def test_a_file_that_is_cut_names_the_tile():
    sparse = Sparse([50_000] * 10)
    search = TileSearch(FIRST, FIRST + 6 * 50_000 + 20_000, [1] * 10)

    find(sparse.read, search, 5)
    with pytest.raises(InputError, match="within tile 6"):
        find(sparse.read, search, 6)


def _real(path: Path):
    data = path.read_bytes()
    header = parse_header(data, len(data))
    parts, offset = [], header.first_sot
    while len(parts) < header.size.tiles:
        part, _, _ = parse_sot(data[offset : offset + 12], offset, len(data))
        parts.append(part)
        offset = part.end
    return data, header, parts


@pytest.mark.parametrize("name", ["AOT_10m", "B04_60m", "SCL_20m", "TCI_60m"])
def test_half_empty_real_files_never_cost_more_than_walking(real_l2a, name):
    data, header, parts = _real(next(real_l2a.rglob(f"*_{name}.jp2")))
    for tile in range(header.size.tiles):
        search = TileSearch(header.first_sot, header.codestream_end - 2, tile_areas(header.size))
        search.learn(header.first_sot, data[header.first_sot : 8192])
        requests, _ = find(lambda start, nbytes: data[start : start + nbytes], search, tile)
        assert search.parts[tile] == parts[tile]
        assert requests <= tile + 1


def test_shares_lie_evenly_between_those_that_are_known():
    even = range(13)
    assert TileShares().at(3, even) == 0.25
    shares = TileShares({4: 0.5, 8: 0.9})
    assert [shares.at(tile, even) for tile in (0, 2, 4, 6, 8, 10, 12)] == pytest.approx(
        [0, 0.25, 0.5, 0.7, 0.9, 0.95, 1]
    )


def test_smaller_tiles_need_less():
    assert TileShares().at(2, [0, 4, 6, 10, 12]) == 0.5
    assert TileShares({2: 0.6}).at(3, [0, 4, 6, 10, 12]) == pytest.approx(0.6 + 0.4 * 4 / 6)


def test_narrow_tiles_at_the_border_do_not_mislead():
    areas = [1024, 1024, 1024, 1024, 200] * 20
    sparse = Sparse([300 * area for area in areas])
    costs = []
    for tile in range(0, 100, 7):
        search = TileSearch(FIRST, sparse.end, areas)
        search.learn(FIRST, sparse.read(FIRST, 4096))
        costs.append(find(sparse.read, search, tile)[0])
    assert sum(costs) / len(costs) <= 3


def test_a_search_shows_where_the_tiles_it_saw_begin_and_end():
    sparse = Sparse([100, 300, 400, 200])
    search = search_of(sparse)
    find(sparse.read, search, 2)
    assert search.shares.starts[2] == 0.4
    assert search.shares.starts[3] == 0.8


@settings(max_examples=40)
@given(
    st.lists(st.integers(40, 300_000), min_size=8, max_size=60),
    st.dictionaries(st.integers(0, 60), st.floats(0, 1), max_size=5),
    st.data(),
)
def test_any_shares_lead_to_the_tile(sizes, starts, data):
    sparse = Sparse(sizes)
    tile = data.draw(st.integers(0, len(sizes) - 1))
    search = search_of(sparse)
    search.alike = TileShares({at: share for at, share in starts.items() if at < len(sizes)} | {tile: 0.5})
    find(sparse.read, search, tile)
    assert search.parts[tile].offset == sparse.starts[tile]


def test_a_band_tells_where_to_look_in_the_next_of_the_same_product(real_l2a: Path):
    """With the real sizes of tile-parts, as large as at 10 m: at most half the bytes, and fewer looks."""
    first, second = (
        Sparse([size * 30 for size in _real_sizes(next(real_l2a.rglob(f"*_{band}_60m.jp2")))])
        for band in ("B04", "B03")
    )
    alone = together = 0
    for tile in range(10, 100, 7):
        known = search_of(first)
        find(first.read, known, tile)
        alone += find(second.read, search_of(second), tile)[1]
        search = search_of(second)
        search.alike = known.shares
        together += find(second.read, search, tile)[1]
    assert together < alone / 2


def _real_sizes(path):
    """The sizes of the tile-parts of a real file."""
    data = path.read_bytes()
    at = parse_header(data, len(data)).first_sot
    sizes = []
    while data[at : at + 2] == b"\xff\x90":
        sizes.append(int.from_bytes(data[at + 6 : at + 10], "big"))
        at += sizes[-1]
    return sizes
