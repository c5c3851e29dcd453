"""The byte scale of chips."""

import numpy as np
import pytest

from s2kit.errors import InputError
from s2kit.picture.lut import FLAT, Lut, limits_of, parse_lut, to_bytes


def test_both_forms():
    assert parse_lut("5_95") == Lut((5, 95))
    assert parse_lut("0_4000_0_2500_10_2000") == Lut(None, ((0, 4000), (0, 2500), (10, 2000)))
    assert parse_lut("1.5_98.5", 1).text == "1.5_98.5"
    assert parse_lut("0_4000_0_2500_10_2000").text == "0_4000_0_2500_10_2000"


@pytest.mark.parametrize("text", ["5", "1_2_3", "1_2_3_4", "1_2_3_4_5", "1_2_3_4_5_6_7"])
def test_other_counts_are_refused(text):
    with pytest.raises(InputError, match="numbers"):
        parse_lut(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("95_5", "not below"),
        ("50_50", "not below"),
        ("0_100_30_20_0_100", "30 is not below 20"),
        ("-1_95", "from 0 to 100"),
        ("5_101", "from 0 to 100"),
        ("five_95", "not made of numbers"),
        ("", "not made of numbers"),
        ("nan_5", "not finite"),
    ],
)
def test_what_makes_no_sense_is_refused(text, why):
    with pytest.raises(InputError, match=why):
        parse_lut(text)


def test_one_band_takes_percentiles_only():
    with pytest.raises(InputError, match="it needs 2"):
        parse_lut("0_1_2_3_4_5", 1)


def test_percentiles_leave_no_data_out():
    values = np.concatenate([np.zeros(5000), np.arange(1000, 2000)]).astype(np.float32).reshape(1, 60, 100)
    ((low, high),) = limits_of(Lut((5, 95)), values, values > 0)
    assert (low, high) == pytest.approx(np.percentile(np.arange(1000, 2000), [5, 95]))
    assert limits_of(Lut((5, 95)), values, np.zeros(values.shape, bool)) == ((0, 0),)


def test_bytes_are_cut_off_not_rounded():
    values = np.array([[[0, 99, 100, 150, 199.9, 200, 201]]], np.float32)
    assert to_bytes(values, values > 0, ((100, 200),)).tolist() == [[[0, 0, 0, 127, 254, 255, 255]]]


def test_a_flat_band_is_grey():
    values = np.full((1, 2, 2), 7, np.float32)
    assert (to_bytes(values, values > 0, ((7, 7),)) == FLAT).all()
