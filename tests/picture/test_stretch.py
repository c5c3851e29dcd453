import math

import pytest

from s2kit.errors import InputError
from s2kit.picture.stretch import Stretch, StretchKind, parse_stretch


@pytest.mark.parametrize(
    ("text", "kind", "pairs"),
    [
        ("2:98%", StretchKind.PERCENT, ((2.0, 98.0),)),
        (" 0 : 0.3 ", StretchKind.PHYSICAL, ((0.0, 0.3),)),
        ("0:3000dn", StretchKind.DIGITAL, ((0.0, 3000.0),)),
        ("0:0.3,0:0.25,-0.1:2e-1", StretchKind.PHYSICAL, ((0.0, 0.3), (0.0, 0.25), (-0.1, 0.2))),
        ("0:3000,0:2500,0:2000DN", StretchKind.DIGITAL, ((0.0, 3000.0), (0.0, 2500.0), (0.0, 2000.0))),
        ("1:99%,2:98%,3:97%", StretchKind.PERCENT, ((1.0, 99.0), (2.0, 98.0), (3.0, 97.0))),
        ("legacy", StretchKind.LEGACY, ()),
        ("AUTO", StretchKind.AUTO, ((2.0, 98.0),)),
    ],
)
def test_parse(text, kind, pairs):
    stretch = parse_stretch(text)
    assert (stretch.kind, stretch.pairs) == (kind, pairs)
    assert parse_stretch(stretch.text) == stretch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2:98",
        "98:2%",
        "0:0.3,0:0.2",
        "a:b",
        "0:101%",
        "-1:50%",
        "0:nan",
        "0:inf",
        "5",
        "0:0.3,2:98%,0:3dn",
        "1e5:2e5:3",
    ],
)
def test_what_is_no_stretch(text):
    if text == "2:98":  # reflectance of 2 to 98 is odd and yet well-formed
        assert parse_stretch(text).kind is StretchKind.PHYSICAL
        return
    with pytest.raises(InputError, match="stretch") as caught:
        parse_stretch(text)
    assert caught.value.hint


@pytest.mark.parametrize("gamma", [0, -1, math.nan, math.inf, 11])
def test_gamma_that_makes_no_picture(gamma):
    with pytest.raises(InputError, match="gamma"):
        Stretch(gamma=gamma)


def test_legacy_scales_are_spellings_of_a_stretch():
    assert parse_stretch("5_95") == parse_stretch("5:95%")
    assert parse_stretch("1.5_98.5").text == "1.5:98.5%"
    assert parse_stretch("0_4000_0_2500_10_2000") == parse_stretch("0:0.4,0:0.25,0.001:0.2")


@pytest.mark.parametrize("text", ["5_", "1_2_3", "1_2_3_4", "1_2_3_4_5", "1_2_3_4_5_6_7"])
def test_other_counts_of_a_legacy_scale_are_refused(text):
    with pytest.raises(InputError, match="numbers"):
        parse_stretch(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("95_5", "not below"),
        ("50_50", "not below"),
        ("0_100_30_20_0_100", "30 is not below 20"),
        ("-1_95", "from 0 to 100"),
        ("5_101", "from 0 to 100"),
        ("five_95", "not made of numbers"),
        ("nan_5", "not finite"),
    ],
)
def test_what_makes_no_sense_in_a_legacy_scale(text, why):
    with pytest.raises(InputError, match=why):
        parse_stretch(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0:3000", "0:3000dn for stored numbers, 0:0.3 for reflectance"),
        ("5:95", "5:95dn for stored numbers, 5:95% for percentiles, 0:0.3 for reflectance"),
        ("0:0.3,0:0.3,0:2500", "0:2500dn for stored numbers, 0:0.3 for reflectance"),
    ],
)
def test_limits_beyond_any_reflectance_get_a_hint(text, hint):
    with pytest.raises(InputError, match="beyond any reflectance") as caught:
        parse_stretch(text).check_bands("B04-B03-B02", ("B04", "B03", "B02"))
    assert caught.value.hint == hint
    parse_stretch("0:3000dn").check_bands("B04", ("B04",))
    parse_stretch("0:10").check_bands("WVP", ("WVP",))  # centimetres of water


def test_there_is_one_pair_for_all_bands_or_one_for_each():
    three = parse_stretch("0:0.1,0:0.2,0:0.3")
    three.check_bands("B04-B03-B02", ("B04", "B03", "B02"))
    with pytest.raises(InputError, match="has 3 pairs, B04 has one band"):
        three.check_bands("B04", ("B04",))
    with pytest.raises(InputError, match="has 3 pairs, x has 2 bands"):
        three.check_bands("x", ("B04", "B03"))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("5_95", "percentiles 5 to 95"),
        ("0:0.3,0:0.2,0:0.1", "reflectance 0 to 0.3, 0 to 0.2, 0 to 0.1"),
        ("0:3000dn", "stored numbers 0 to 3000"),
        ("auto", "percentiles 2 to 98 of the clear pixels, soft highlights"),
        ("legacy", "legacy, 10 greys for 256 stored numbers"),
    ],
)
def test_a_stretch_says_what_its_numbers_are(text, meaning):
    assert parse_stretch(text).meaning == meaning
