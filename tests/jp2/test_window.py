"""Small codestreams: what they hold, what they leave out, and that they are codestreams themselves."""

import pytest

from s2kit.jp2.boxes import parse_header
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.packets import Area, TileBlock, tile_area, tile_packets
from s2kit.jp2.window import SmallCodestream, assemble, block_area, decodable_blocks, select, tile_body
from s2kit.store.spans import merged
from support.jp2_files import opened, path_of


def small(
    name: str, tile: int, area: Area | None = None, reduction: int = 0, *, whole: bool = False
) -> SmallCodestream:
    data = path_of(name).read_bytes()
    header, parts = opened(name)
    area = area or tile_area(header.size, tile).reduced(reduction)
    selection = select(header, tile_packets(header, parts[tile]), area, reduction, whole=whole)
    read = merged(selection.spans)
    body = tile_body(header, selection, read, [data[span.offset : span.end] for span in read])
    row, col = divmod(tile, header.size.tile_cols)
    return assemble(header, TileBlock(col, row, col + 1, row + 1), reduction, {tile: body}, marked=not whole)


def header_of(codestream: SmallCodestream) -> MainHeader:
    header = parse_header(codestream.data, len(codestream.data))
    assert isinstance(header, MainHeader)
    return header


@pytest.mark.parametrize("name", ["plain", "tlm", "offsets", "sop_eph", "parts", "empty_resolutions"])
def test_a_small_codestream_is_one_tile_at_its_own_place(name: str) -> None:
    codestream = small(name, 4)
    original, found = opened(name)[0], header_of(codestream)
    assert found.size.tiles == 1
    assert (
        (found.size.x0, found.size.y0, found.size.x1, found.size.y1) == tile_area(original.size, 4) == codestream.area
    )
    assert found.codings == original.codings
    assert found.sop
    assert found.eph == original.eph


def test_a_reduction_leaves_its_resolutions_out() -> None:
    original, found = opened("plain")[0], header_of(small("plain", 4, reduction=2))
    assert found.reductions == original.reductions[:-2]
    assert found.codings[0].precincts == original.codings[0].precincts[:-2]
    assert (found.size.x0, found.size.x1) == (16, 32)
    assert len(small("plain", 4, reduction=2).data) < len(small("plain", 4).data) / 4


def test_a_small_area_takes_fewer_bytes_and_the_same_number_of_packets() -> None:
    few, all_of_it = small("plain", 0, Area(0, 0, 8, 8)), small("plain", 0)
    assert len(few.data) < len(all_of_it.data) * 0.8
    assert (
        few.data.count(b"\xff\x91\0\4")
        == all_of_it.data.count(b"\xff\x91\0\4")
        == len(opened("plain")[1][0][0].lengths or ())
    )


def test_markers_that_are_there_already_are_not_doubled() -> None:
    header, parts = opened("sop")
    for tile in range(header.size.tiles):
        assert small("sop", tile).data.count(b"\xff\x91\0\4") == len(parts[tile][0].lengths or ())


def test_a_whole_tile_keeps_its_bytes_and_gets_no_markers() -> None:
    codestream = small("plain", 3, whole=True)
    part = opened("plain")[1][3][0]
    assert path_of("plain").read_bytes()[part.data_offset : part.part.end] in codestream.data
    assert not header_of(codestream).sop
    assert not codestream.marked


def test_tiles_stand_together_where_they_are_a_regular_grid() -> None:
    plain, offsets, empty = (opened(name)[0] for name in ("plain", "offsets", "empty_resolutions"))
    assert decodable_blocks(plain, TileBlock(0, 0, 3, 3), 0) == [TileBlock(0, 0, 3, 3)]
    assert decodable_blocks(plain, TileBlock(0, 0, 3, 3), 3) == [TileBlock(0, 0, 3, 3)]
    assert len(decodable_blocks(offsets, TileBlock(0, 0, 2, 2), 0)) == 4  # the first tile is cut by the image's edge
    assert len(decodable_blocks(offsets, TileBlock(1, 1, 3, 3), 0)) == 1
    assert len(decodable_blocks(offsets, TileBlock(1, 1, 3, 3), 1)) == 4
    assert len(decodable_blocks(empty, TileBlock(0, 0, 2, 2), 4)) == 4
    assert block_area(plain, TileBlock(1, 1, 3, 3), 1) == (32, 24, 75, 55)
