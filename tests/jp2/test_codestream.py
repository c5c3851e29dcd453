"""The main header's segments one by one, built by hand."""

import struct
from dataclasses import replace

import pytest

from s2kit.errors import InputError
from s2kit.jp2.codestream import MainHeader, parse_main_header
from s2kit.jp2.markers import COC, COD, COM, PPM, QCC, QCD, SIZ, TLM

SOT = b"\xff\x90\0\x0a\0\0\0\0\0\x10\0\x01"


def siz(
    *, size=(100, 80), start=(0, 0), tile=(64, 64), tile_start=(0, 0), components=((7, 1, 1),), rsiz=0, count=None
) -> tuple[int, bytes]:
    payload = struct.pack(">H8IH", rsiz, *size, *start, *tile, *tile_start, count or len(components))
    return SIZ, payload + b"".join(bytes(one) for one in components)


def cod(
    *, style=1, progression=0, layers=1, transform=0, levels=2, block=(2, 2), block_style=0, wavelet=1, precincts=None
):
    sizes = bytes([0x55] * (levels + 1) if precincts is None else precincts) if style & 1 else b""
    coding = bytes([levels, *block, block_style, wavelet]) + sizes
    return COD, struct.pack(">BBHB", style, progression, layers, transform) + coding


QUANTISATION = QCD, bytes([0x40]) + bytes(7)


def header(*segments: tuple[int, bytes], nbytes: int = 10_000) -> MainHeader:
    data = b"\xff\x4f" + b"".join(struct.pack(">HH", marker, len(body) + 2) + body for marker, body in segments) + SOT
    found = parse_main_header(data, 0, nbytes)
    assert isinstance(found, MainHeader)
    assert found.first_sot == len(data) - len(SOT)
    return found


def test_geometry_counts_tiles_from_their_own_origin() -> None:
    size = header(siz(start=(10, 20), tile_start=(5, 15), tile=(32, 40)), cod(), QUANTISATION).size
    assert (size.width, size.height) == (90, 60)
    assert (size.tile_cols, size.tile_rows, size.tiles) == (3, 2, 6)


def test_coding_is_read_as_the_standard_numbers_it() -> None:
    coding = header(siz(), cod(levels=2, block=(4, 1), precincts=[0x33, 0x54, 0x76]), QUANTISATION).codings[0]
    assert (coding.levels, coding.block_width_exp, coding.block_height_exp, coding.reversible) == (2, 6, 3, True)
    assert coding.precincts == ((3, 3), (4, 5), (6, 7))


def test_without_precinct_sizes_they_are_the_largest() -> None:
    assert header(siz(), cod(style=0), QUANTISATION).codings[0].precincts == ((15, 15),) * 3


def test_a_component_may_have_a_coding_of_its_own() -> None:
    own = COC, bytes([1, 1, 2, 1, 3, 0, 1, 0x44, 0x44, 0x44])
    found = header(siz(components=((7, 1, 1),) * 2), cod(), own, (QCC, bytes([1, 0x40, *bytes(7)])), QUANTISATION)
    assert found.codings[0].precincts == ((5, 5),) * 3
    assert found.codings[1].precincts == ((4, 4),) * 3
    assert found.codings[1].block_height_exp == 5
    assert found.refusal is None
    assert [marker for marker, _ in found.segments] == [SIZ, COD, COC, QCC, QCD]


def test_comments_and_lengths_are_not_kept_for_decoders() -> None:
    assert [marker for marker, _ in header(siz(), (COM, b"\0\1hi"), cod(), QUANTISATION).segments] == [SIZ, COD, QCD]


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ((siz(components=((7, 2, 1),)), cod()), "subsampled components"),
        ((siz(components=((0x87, 1, 1),)), cod()), "signed or unlike components"),
        ((siz(components=((7, 1, 1), (8, 1, 1))), cod()), "signed or unlike components"),
        ((siz(components=((0, 1, 1),)), cod()), "1 bits"),
        ((siz(components=((23, 1, 1),)), cod()), "24 bits"),
        ((siz(rsiz=0x4000), cod()), "capabilities 0x4000"),
        ((siz(), cod(block_style=0x40)), "another block coder"),
        ((siz(), cod(style=9)), "coding style 0x9"),
        ((siz(), cod(progression=7)), "progression number 7"),
        ((siz(), cod(), (PPM, b"\0\0\0")), "marker FF60 in the main header"),
        (
            (siz(components=((7, 1, 1),) * 2), cod(), (COC, bytes([0, 1, 1, 2, 2, 0, 1, 0x44, 0x44]))),
            "components of unlike levels",
        ),
    ],
)
def test_what_cannot_be_picked_from_is_refused_with_its_reason(segments, reason: str) -> None:
    assert header(*segments, QUANTISATION).refusal == reason


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ((cod(), QUANTISATION), "0 SIZ segments"),
        ((siz(), QUANTISATION), "0 COD segments"),
        ((siz(), cod()), "0 QCD segments"),
        ((siz(), cod(), cod(), QUANTISATION), "2 COD segments"),
        ((cod(), siz(), QUANTISATION), "does not begin with SIZ"),
        ((siz(size=(0, 80)), cod(), QUANTISATION), "an image from 0,0 to 0,80"),
        ((siz(tile=(0, 64)), cod(), QUANTISATION), "in tiles of 0 x 64"),
        ((siz(tile_start=(5, 0)), cod(), QUANTISATION), "first tile at 5,0"),
        ((siz(start=(70, 0)), cod(), QUANTISATION), "apart from the image at 70,0"),
        ((siz(size=(1 << 20, 1 << 20)), cod(), QUANTISATION), "268435456 tiles"),
        ((siz(count=3), cod(), QUANTISATION), "for 3 components"),
        ((siz(components=((7, 0, 1),)), cod(), QUANTISATION), "impossible depth or spacing"),
        ((siz(components=((60, 1, 1),)), cod(), QUANTISATION), "impossible depth or spacing"),
        ((siz(), cod(levels=33, style=0), QUANTISATION), "33 levels"),
        ((siz(), cod(block=(8, 3)), QUANTISATION), r"2\^10 x 2\^5"),
        ((siz(), cod(wavelet=2), QUANTISATION), "filter 2"),
        ((siz(), cod(precincts=[0x55]), QUANTISATION), "1 precinct sizes for 3"),
        ((siz(), cod(precincts=[0x55, 0x05, 0x55]), QUANTISATION), "precincts of one sample"),
        ((siz(), cod(layers=0), QUANTISATION), "no layers"),
        ((siz(), cod(layers=60000), QUANTISATION), "cannot hold the 240000 packets that 60000 layers"),
        ((siz(), cod(), (COC, b"\x05\x01"), QUANTISATION), "component 5 of 1"),
        ((siz(size=(1 << 16, 1 << 16), tile=(1 << 16, 1 << 16)), cod(block=(0, 0)), QUANTISATION), "code-blocks"),
    ],
)
def test_contradictions_are_input_errors(segments, message: str) -> None:
    with pytest.raises(InputError, match=message):
        header(*segments)


@pytest.mark.parametrize(
    ("style", "entries", "expected"),
    [
        (0x00, struct.pack(">4H", 20, 30, 40, 50), ((0, 20), (1, 30), (2, 40), (3, 50))),
        (0x40, struct.pack(">4I", 20, 30, 40, 50), ((0, 20), (1, 30), (2, 40), (3, 50))),
        (
            0x10,
            b"".join(struct.pack(">BH", tile, 20) for tile in (3, 1, 0, 2, 0)),
            ((3, 20), (1, 20), (0, 20), (2, 20), (0, 20)),
        ),
        (0x60, b"".join(struct.pack(">HI", tile, 20) for tile in range(4)), tuple((tile, 20) for tile in range(4))),
        (0x40, struct.pack(">3I", 20, 30, 40), ()),  # a tile is missing
        (0x40, struct.pack(">5I", 20, 30, 40, 50, 60), ()),  # one too many
        (0x40, struct.pack(">4I", 20, 30, 4, 50), ()),  # shorter than its own header
        (0x40, struct.pack(">4I", 20, 30, 40, 50)[:-1], ()),
        (0x30, struct.pack(">4I", 20, 30, 40, 50), ()),
    ],
)
def test_tlm_of_every_style_or_none_at_all(style: int, entries: bytes, expected: tuple[tuple[int, int], ...]) -> None:
    found = header(siz(), cod(), QUANTISATION, (TLM, bytes([0, style]) + entries))
    assert found.tlm == expected
    ends = found.first_sot + sum(nbytes for _, nbytes in expected)
    parts = sorted(
        (part for parts in replace(found, codestream_end=ends + 2).tlm_parts().values() for part in parts),
        key=lambda part: part.offset,
    )
    offset = found.first_sot
    for part, (tile, nbytes) in zip(parts, expected, strict=True):
        assert (part.tile, part.offset, part.nbytes) == (tile, offset, nbytes)
        offset = part.end
    if expected:
        with pytest.raises(InputError, match="length of the file"):
            replace(found, codestream_end=ends + 3).tlm_parts()


def test_several_tlm_segments_join_by_their_numbers() -> None:
    one, two = struct.pack(">BBII", 0, 0x40, 20, 30), struct.pack(">BBII", 1, 0x40, 40, 50)
    assert header(siz(), cod(), (TLM, two), (TLM, one), QUANTISATION).tlm == ((0, 20), (1, 30), (2, 40), (3, 50))
