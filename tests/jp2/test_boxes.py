"""Boxes and main headers: piecewise from a prefix, and refused where they contradict themselves."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.jp2.boxes import SIGNATURE, is_jpeg2000, parse_header
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.markers import NeedMore
from support.jp2_files import BY_PACKETS, parameters, path_of

PLAIN = path_of("plain").read_bytes()


def box(kind: bytes, content: bytes, *, wide: bool = False, open_end: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", 0 if open_end else len(content) + 8, kind) + content


def jp2(
    codestream: bytes = PLAIN, *, shape: tuple[int, int, int] = (110, 150, 1), space: int = 17, **last: bool
) -> bytes:
    ihdr = box(b"ihdr", struct.pack(">IIHBBBB", *shape, 14, 7, 0, 0))
    colr = box(b"colr", struct.pack(">BBBI", 1, 0, 0, space))
    return SIGNATURE + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + box(b"jp2h", ihdr + colr) + box(b"jp2c", codestream, **last)


def whole(data: bytes) -> MainHeader:
    header = parse_header(data, len(data))
    assert isinstance(header, MainHeader)
    return header


def test_a_codestream_and_the_same_one_in_boxes_say_the_same() -> None:
    bare = whole(PLAIN)
    for boxed in (jp2(), jp2(wide=True), jp2(open_end=True), jp2() + box(b"free", b"12345")):
        found = whole(boxed)
        assert (found.size, found.codings, found.segments) == (bare.size, bare.codings, bare.segments)
        assert boxed[found.codestream_start : found.codestream_end] == PLAIN
        assert boxed[found.first_sot : found.first_sot + 2] == b"\xff\x90"
        assert found.refusal is None


@pytest.mark.parametrize("name", BY_PACKETS)
def test_the_header_says_how_the_file_was_made(name: str) -> None:
    width, height, components, bits, options = parameters(name)
    header = whole(path_of(name).read_bytes())
    assert (header.size.width, header.size.height, len(header.size.components)) == (width, height, components)
    assert {component.bits for component in header.size.components} == {bits}
    assert len(header.reductions) == int(options.split()[options.split().index("-n") + 1])
    assert header.refusal is None
    assert header.reversible
    assert (header.sop, header.eph) == ("-SOP" in options, "-EPH" in options)
    assert bool(header.tlm) == ("-TLM" in options)
    assert header.colour_transform == ("-mct 1" in options)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rlcp", "progression RLCP"),
        ("rpcl", "progression RPCL"),
        ("pcrl", "progression PCRL"),
        ("cprl", "progression CPRL"),
        ("layers", "3 layers"),
        ("irreversible", "the irreversible 9-7 filter"),
    ],
)
def test_other_codings_are_recognised_and_refused(name: str, reason: str) -> None:
    assert whole(path_of(name).read_bytes()).refusal == reason


def test_a_colour_space_that_readers_convert_is_refused() -> None:
    assert whole(jp2(space=18)).refusal == "colour space sYCC"


@given(st.data())
def test_any_prefix_is_answered_by_how_much_more_is_needed(data: st.DataObject) -> None:
    whole_file = jp2()
    prefix = data.draw(st.integers(0, len(whole_file)))
    answer = parse_header(whole_file[:prefix], len(whole_file))
    for _ in range(50):
        if not isinstance(answer, NeedMore):
            break
        assert prefix < answer.nbytes <= len(whole_file)
        prefix = answer.nbytes
        answer = parse_header(whole_file[:prefix], len(whole_file))
    assert answer == whole(whole_file)


@given(st.integers(0, len(PLAIN) - 1))
def test_a_file_that_ends_in_its_header_is_refused_and_no_other(length: int) -> None:
    header_end = whole(PLAIN).first_sot
    if length >= header_end + 4:
        assert whole(PLAIN[:length]).first_sot == header_end
    else:
        with pytest.raises(InputError, match=r"ends|beyond the end|not a JPEG 2000 file"):
            parse_header(PLAIN[:length], length)


@pytest.mark.parametrize(
    "data", [b"", b"II*\0" + bytes(100), b"\xff\xd8\xff\xe0" + bytes(100), bytes(100), b"\xff\x4f"]
)
def test_other_files_are_not_jpeg_2000(data: bytes) -> None:
    assert not is_jpeg2000(data)
    with pytest.raises(InputError, match=r"not a JPEG 2000 file|ends in its header"):
        parse_header(data, len(data))


def test_a_jp2_file_without_codestream_is_refused() -> None:
    data = SIGNATURE + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    with pytest.raises(InputError, match="no JPEG 2000 codestream"):
        parse_header(data, len(data))


def test_boxes_and_codestream_must_agree() -> None:
    data = jp2(shape=(111, 150, 1))
    with pytest.raises(InputError, match=r"\(111, 150, 1\).*\(110, 150, 1\)"):
        parse_header(data, len(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for start in (b"", SIGNATURE, PLAIN[:60], PLAIN[:117]):
        mixed = start + data
        try:
            answer = parse_header(mixed, len(mixed))
        except InputError:
            continue
        assert isinstance(answer, MainHeader)


@given(st.lists(st.tuples(st.integers(0, 116), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_header_is_parsed_or_refused(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(PLAIN)
    for at, value in changes:
        damaged[at] = value
    try:
        header = parse_header(bytes(damaged), len(damaged))
    except InputError:
        return
    assert isinstance(header, MainHeader)
    assert header.size.tiles <= 65535
