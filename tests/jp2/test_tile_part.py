"""Tile-part headers: SOT, PLT, and how much of a file it takes to read them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.jp2.boxes import parse_header
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import NeedMore
from s2kit.jp2.tile_part import TilePart, TilePartHeader, parse_sot, parse_tile_part
from support.jp2_files import BY_PACKETS, path_of


def sot(tile: int = 0, nbytes: int = 100, number: int = 0, count: int = 1) -> bytes:
    return struct.pack(">HHHIBB", 0xFF90, 10, tile, nbytes, number, count)


def plt(index: int, payload: bytes) -> bytes:
    return struct.pack(">HHB", 0xFF58, 3 + len(payload), index) + payload


def parsed(data: bytes, offset: int = 50) -> TilePartHeader:
    answer = parse_tile_part(data, offset, 10_000)
    assert isinstance(answer, TilePartHeader)
    return answer


def test_sot_says_which_tile_and_how_long() -> None:
    assert parse_sot(sot(7, 1234, 2, 5), 99, 10_000) == (TilePart(7, 99, 1234), 2, 5)


def test_length_0_means_up_to_the_end_marker() -> None:
    part, _, _ = parse_sot(sot(nbytes=0), 99, 10_000)
    assert part.end == 9998


@pytest.mark.parametrize(
    "data", [b"", sot()[:11], b"\xff\x91" + sot()[2:], sot()[:3] + b"\x0b" + sot()[4:], sot(nbytes=13)]
)
def test_what_is_no_sot_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="byte 99"):
        parse_sot(data, 99, 10_000)


def test_packet_lengths_of_one_and_many_bytes_over_several_segments() -> None:
    data = sot() + plt(0, b"\x05\x81") + plt(1, b"\x00\x82\x80\x03") + b"\xff\x93"
    assert parsed(data).lengths == (5, 128, 2 * 16384 + 3)
    assert parsed(data).data_offset == 50 + len(data)
    assert parsed(data).data_nbytes == 100 - len(data)


@pytest.mark.parametrize(
    "segments",
    [
        plt(1, b"\x05"),
        plt(0, b"\x05") + plt(2, b"\x05"),
        plt(0, b"\x85"),
        plt(0, b"\x05\x00"),
        plt(0, b"\x90" * 6 + b"\1"),
    ],
)
def test_damaged_packet_lengths_are_none_at_all_but_seen(segments: bytes) -> None:
    assert parsed(sot() + segments + b"\xff\x93").lengths == ()


def test_no_plt_is_another_thing_than_a_damaged_one() -> None:
    assert parsed(sot() + b"\xff\x93").lengths is None


def test_a_comment_is_passed_over_a_coding_of_its_own_refused() -> None:
    comment = b"\xff\x64\0\x06\0\1hi"
    assert parsed(sot() + comment + plt(0, b"\5") + b"\xff\x93").refusal is None
    assert "FF52" in (parsed(sot() + b"\xff\x52\0\x03\0" + b"\xff\x93").refusal or "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (sot(nbytes=20) + plt(0, b"\5" * 10) + b"\xff\x93", "reaches beyond the end"),
        (sot() + b"\x12\x34\0\x05" + bytes(80), "no marker segment"),
        (sot(nbytes=14) + b"\xff\x58\0\2", "reaches beyond the end"),
        (sot(nbytes=18) + b"\xff\x64\0\4ab" + bytes(9), "does not end"),
    ],
)
def test_headers_that_do_not_end_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_tile_part(data, 50, 10_000)


def test_a_file_that_ends_in_the_header_is_refused() -> None:
    for end in range(50, 64):
        with pytest.raises(InputError, match="ends in the header"):
            parse_tile_part((sot() + plt(0, b"\5" * 20))[: end - 50], 50, end)


@given(st.sampled_from(BY_PACKETS), st.integers(0, 40))
def test_any_prefix_is_answered_by_how_much_more_is_needed(name: str, length: int) -> None:
    data = path_of(name).read_bytes()
    header = parse_header(data, len(data))
    assert isinstance(header, MainHeader)
    start, end = header.first_sot, header.codestream_end
    answer = parse_tile_part(data[start : start + length], start, end)
    for _ in range(20):
        if not isinstance(answer, NeedMore):
            break
        assert answer.nbytes > length
        length = answer.nbytes
        answer = parse_tile_part(data[start : start + length], start, end)
    assert answer == parse_tile_part(data[start:], start, end)
    assert isinstance(answer, TilePartHeader)
    assert sum(answer.lengths or ()) == answer.data_nbytes


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for begin in (b"", sot(), sot() + plt(0, b"\5")):
        try:
            parse_tile_part(begin + data, 50, 10_000)
        except InputError:
            continue
