"""Where packets lie: geometry against the standard's own sums, PLT against the tile-parts."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.jp2.packets import (
    Area,
    block_tiles,
    chain_is_whole,
    check_parts,
    packets_below,
    precinct_grids,
    tile_area,
    tile_block,
    tile_packets,
    wanted_packets,
    window_area,
)
from s2kit.store.spans import Span, cut_out, merged
from support.jp2_files import BY_PACKETS, opened


@pytest.mark.parametrize("name", BY_PACKETS)
def test_plt_has_exactly_the_packets_that_the_geometry_counts(name: str) -> None:
    header, parts = opened(name)
    assert set(parts) == set(range(header.size.tiles))
    for tile, several in parts.items():
        packets = tile_packets(header, several)
        assert packets.complaint is None
        assert packets.lengths is not None
        assert len(packets.lengths) == sum(grid.count for grid in packets.grids) == len(packets.offsets)
        assert sum(span.nbytes for span in packets.spans(0, len(packets.lengths))) == sum(packets.lengths)
        assert check_parts(several)
        assert packets.tile == tile


@pytest.mark.parametrize("name", BY_PACKETS)
def test_tiles_cover_the_image_once(name: str) -> None:
    header, parts = opened(name)
    size = header.size
    areas = [tile_area(size, tile) for tile in range(size.tiles)]
    assert sum((a.x1 - a.x0) * (a.y1 - a.y0) for a in areas) == size.width * size.height
    assert block_tiles(size, tile_block(size, Area(size.x0, size.y0, size.x1, size.y1))) == tuple(range(size.tiles))
    flat = [part.part for several in parts.values() for part in several]
    assert chain_is_whole(sorted(flat, key=lambda part: part.offset), header)
    assert not chain_is_whole([], header)
    assert not chain_is_whole(sorted(flat, key=lambda part: part.offset)[:-1], header)


def test_a_resolution_that_is_empty_in_a_tile_has_no_packets() -> None:
    header, _ = opened("empty_resolutions")
    resolutions = [{grid.resolution for grid in precinct_grids(header, tile)} for tile in range(header.size.tiles)]
    assert {0, 1, 2, 3, 4} in resolutions
    assert any(0 not in found for found in resolutions)


@given(st.sampled_from(BY_PACKETS), st.data())
def test_packets_of_a_part_are_among_those_of_the_whole_and_low_ones_first(name: str, data: st.DataObject) -> None:
    header, _ = opened(name)
    tile = data.draw(st.integers(0, header.size.tiles - 1))
    reduction = data.draw(st.sampled_from(header.reductions))
    area = tile_area(header.size, tile).reduced(reduction)
    if area.is_empty:
        return
    grids = precinct_grids(header, tile)
    everything = sorted(n for run in wanted_packets(header, grids, area, reduction) for n in range(*run))
    assert everything == list(range(packets_below(header, grids, reduction)))
    x0 = data.draw(st.integers(area.x0, area.x1 - 1))
    y0 = data.draw(st.integers(area.y0, area.y1 - 1))
    some = Area(x0, y0, data.draw(st.integers(x0 + 1, area.x1)), data.draw(st.integers(y0 + 1, area.y1)))
    wanted = [n for run in wanted_packets(header, grids, some, reduction) for n in range(*run)]
    assert len(set(wanted)) == len(wanted)
    assert set(wanted) <= set(everything)


@given(
    st.sampled_from(BY_PACKETS), st.integers(-200, 300), st.integers(-200, 300), st.integers(1, 300), st.integers(0, 4)
)
def test_a_windows_area_is_what_of_it_lies_in_the_image(
    name: str, col: int, row: int, side: int, reduction: int
) -> None:
    size = opened(name)[0].size
    image = Area(size.x0, size.y0, size.x1, size.y1).reduced(reduction)
    area = window_area(size, Window(col, row, side, side), reduction)
    inside = Window(col, row, side, side).intersection(Window(0, 0, image.x1 - image.x0, image.y1 - image.y0))
    assert area.is_empty == (inside is None)
    if inside is not None:
        assert (area.x0 - image.x0, area.y0 - image.y0) == (inside.col, inside.row)
        assert (area.x1 - area.x0, area.y1 - area.y0) == (inside.width, inside.height)


def test_a_plt_that_contradicts_its_tile_part_is_complained_of() -> None:
    header, parts = opened("plain")
    part = parts[0][0]
    lengths = part.lengths or ()
    for wrong, words in [
        ((*lengths[:-1], lengths[-1] + 1), "bytes, the tile-part has"),
        ((*lengths, 1), "packets, the tile has"),
        ((), "PLT of tile 0 has 0 packets"),
        (None, "tile 0 has no PLT"),
    ]:
        packets = tile_packets(header, [replace(part, lengths=wrong)])
        assert words in (packets.complaint or "")
        assert packets.lengths is None
        assert packets.body == (Span(part.data_offset, part.data_nbytes),)


def test_parts_that_do_not_belong_together_are_refused() -> None:
    header, parts = opened("plain")
    with pytest.raises(InputError, match="other tiles"):
        tile_packets(header, [parts[0][0], parts[1][0]])
    assert not check_parts([replace(parts[0][0], count=2)])
    assert not check_parts([replace(parts[0][0], number=1)])
    short = replace(parts[0][0], data_offset=parts[0][0].part.end - 3)
    with pytest.raises(InputError, match="too short for its"):
        tile_packets(header, [short])


def test_spans_break_where_tile_parts_do() -> None:
    header, parts = opened("parts")
    packets = tile_packets(header, parts[0])
    assert len(packets.parts) == 4
    spans = packets.spans(0, len(packets.lengths or ()))
    assert spans == tuple(span for span in packets.body if span.nbytes)
    assert len(packets.spans(2, 4)) == 2
    assert len(packets.spans(4, 7)) == 1


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=20), st.integers(0, 30))
def test_merged_spans_are_few_in_order_and_hold_every_byte(pairs: list[tuple[int, int]], gap: int) -> None:
    content = bytes(range(256)) * 3
    spans = [Span(*pair) for pair in pairs]
    joined = merged(spans, gap)
    assert all(a.end + gap < b.offset for a, b in pairwise(joined))
    data = [content[span.offset : span.end] for span in joined]
    for span in spans:
        assert cut_out(span, joined, data) == content[span.offset : span.end]
