"""Walking over tile-parts: no further than it takes, and never without end."""

import pytest

from s2kit.errors import InputError
from s2kit.jp2.tile_index import WalkingIndex
from s2kit.store.byte_source import FileSource
from s2kit.store.spans import Span
from support.jp2_files import opened, path_of


@pytest.mark.parametrize("name", ["plain", "tlm", "offsets", "parts", "parts_empty"])
def test_every_tile_is_found_in_any_order(name: str) -> None:
    header, parts = opened(name)
    with FileSource(path_of(name)) as source:
        index = WalkingIndex(source, header)
        for tile in (4, 8, 0, 3):
            assert index.parts([tile])[tile] == tuple(parts[tile])
        assert index.parts(range(9)) == {tile: tuple(parts[tile]) for tile in range(9)}


def test_the_walk_ends_at_the_tile_that_is_sought_and_goes_on_from_there() -> None:
    header, _ = opened("plain")
    with FileSource(path_of("plain")) as source:
        index = WalkingIndex(source, header)
        index.parts([2])
        first = source.traffic.requests
        index.parts([2])
        assert source.traffic.requests == first
        index.parts([3])
        assert source.traffic.requests == first + 3  # one SOT, one header, one look at what follows
        assert first == 3 + 2


def test_a_file_with_tlm_is_not_walked() -> None:
    header, parts = opened("tlm")
    with FileSource(path_of("tlm")) as source:
        WalkingIndex(source, header).parts([8])
        assert source.traffic.requests == 2
    assert header.tlm_parts()[8] == [parts[8][0].part]


def test_a_long_header_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2kit.jp2 import tile_index

    monkeypatch.setattr(tile_index, "_HEADER_GUESS", 5)
    header, parts = opened("plain")
    with FileSource(path_of("plain")) as source:
        assert WalkingIndex(source, header).parts([1])[1] == tuple(parts[1])


def test_an_endless_row_of_tile_parts_ends_with_the_file(tmp_path) -> None:
    header, parts = opened("plain")
    data, start = path_of("plain").read_bytes(), parts[0][0].part.offset
    least = data[start : start + 6] + (14).to_bytes(4, "big") + b"\0\xff\xff\x93"
    path = tmp_path / "many.j2k"
    path.write_bytes(data[:start] + least * ((len(data) - start) // len(least)))
    with FileSource(path) as source:
        assert source.read_many([Span(start, 2)]) == [b"\xff\x90"]
        with pytest.raises(InputError, match="tile 5 of 9 is not in the file"):
            WalkingIndex(source, header).parts([5])
