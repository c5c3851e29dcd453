"""Limits of a stretch and the bytes that follow from them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.picture.limits import (
    KNEE,
    Counts,
    Limits,
    absolute_limits,
    histogram,
    lut,
    percentile_limits,
    softened,
)
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.metadata import Radiometry

PLAIN = Radiometry(10000.0, 0.0)
OFFSET = Radiometry(10000.0, -1000.0)


def test_legacy_bytes_are_those_of_the_legacy_service():
    table = lut(parse_stretch("legacy"), Limits(0, 1), OFFSET)
    assert table[[255, 256, 6655, 6656, 10000]].tolist() == [0, 10, 250, 255, 255]
    assert len(np.unique(table[:12000])) == 27
    dn = np.arange(65536)
    assert (table == np.minimum(255, 10 * (dn // 256))).all()


def test_no_data_is_left_out_of_percentiles():
    dn = np.array([[0] * 90 + list(range(2000, 2010))], np.uint16)
    counts = Counts.of(histogram(dn), OFFSET)
    assert counts.total == 10
    assert counts.percentile(0) == pytest.approx(0.1)
    assert counts.percentile(100) == pytest.approx(0.1009)


@given(st.lists(st.integers(1, 65535), min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_numpys(values, percent):
    dn = np.array(values, np.uint16)
    counts = Counts.of(histogram(dn), Radiometry(1.0, 0.0))
    assert counts.percentile(percent) == np.percentile(dn, percent, method="inverted_cdf")


def test_counts_of_a_mask():
    dn = np.array([[1, 2], [3, 0]], np.uint16)
    keep = np.array([[True, False], [True, True]])
    assert Counts.of(histogram(dn, keep), Radiometry(1.0, 0.0)).values.tolist() == [1.0, 3.0]


def test_counts_merge_across_offsets():
    old = Counts.of(histogram(np.array([1000], np.uint16)), PLAIN)
    new = Counts.of(histogram(np.array([2000, 3000], np.uint16)), OFFSET)
    merged = Counts.merged([new, old])
    assert merged.values.tolist() == pytest.approx([0.1, 0.1, 0.2])
    assert merged.total == 3
    assert Counts.merged([]).total == 0


def test_percentiles_of_nothing():
    empty = Counts.of(histogram(np.zeros((3, 3), np.uint16)), OFFSET)
    assert math.isnan(empty.percentile(50))
    limits = percentile_limits(parse_stretch("2:98%"), [empty] * 3, [empty] * 3, shared=True)
    assert limits == (Limits(0.0, 1.0),) * 3
    assert lut(Stretch(), limits[0], OFFSET)[0] == 0


def _counts(*pairs):
    values, counts = zip(*pairs, strict=True)
    return Counts(np.array(values, np.float64), np.array(counts, np.int64))


def test_shared_limits_have_one_reach():
    bands = [_counts((0.02, 50), (0.1, 50)), _counts((0.01, 50), (0.3, 50))]
    both = percentile_limits(parse_stretch("2:98%"), bands, bands, shared=True)
    assert [one[:2] for one in both] == [pytest.approx((0.015, 0.305)), pytest.approx((0.01, 0.3))]
    assert [one.white for one in both] == [None, None]
    each = percentile_limits(parse_stretch("2:98%"), bands, bands, shared=False)
    assert each == (Limits(0.02, 0.1), Limits(0.01, 0.3))


def test_an_empty_band_does_not_widen_shared_limits():
    full, empty = _counts((0.1, 5), (0.2, 5)), Counts.merged([])
    limits = percentile_limits(parse_stretch("0:100%"), [full, empty], [full, empty], shared=True)
    assert limits[0][:2] == pytest.approx((0.1, 0.2))
    assert limits[0].white is None
    assert limits[1] == Limits(0.0, 1.0)


def test_auto_takes_the_clear_pixels_and_keeps_the_clouds_form():
    clear = _counts((0.02, 50), (0.1, 50))
    everything = _counts((0.02, 50), (0.1, 50), (1.2, 400))
    (limits,) = percentile_limits(Stretch(), [clear], [everything], shared=False)
    assert limits == Limits(0.02, 0.1, 1.2)
    table = lut(Stretch(), limits, PLAIN)
    cloud, land = table[8000], table[1000]
    assert land < cloud < 255


def test_auto_takes_all_pixels_where_hardly_any_is_clear():
    clear, everything = _counts((0.02, 1)), _counts((0.02, 1), (0.5, 500), (0.9, 500))
    (limits,) = percentile_limits(Stretch(), [clear], [everything], shared=False)
    assert limits == Limits(0.5, 0.9)


def test_absolute_limits_read_digital_numbers_with_the_offset():
    assert absolute_limits(parse_stretch("0:0.3"), [OFFSET])[0] == Limits(0.0, 0.3)
    assert absolute_limits(parse_stretch("1000:4000dn"), [OFFSET])[0][:2] == pytest.approx((0.0, 0.3))
    low, high = absolute_limits(parse_stretch("legacy"), [PLAIN])[0][:2]
    assert (low, high) == (0.0, 0.6656)


def test_data_never_becomes_the_byte_of_no_data():
    table = lut(parse_stretch("0:0.3"), Limits(0.0, 0.3), OFFSET)
    assert table[0] == 0
    assert table[1] == 1
    assert table[1000] == 1
    assert table[4000] == 255
    assert table[65535] == 255


def test_gamma_brightens_the_middle_and_keeps_the_ends():
    straight = lut(parse_stretch("0:1"), Limits(0.0, 1.0), PLAIN)
    bright = lut(parse_stretch("0:1", 2.0), Limits(0.0, 1.0), PLAIN)
    assert bright[5000] > straight[5000]
    assert bright[[1, 10000]].tolist()[1] == 255


def test_equal_limits_make_two_greys():
    table = lut(parse_stretch("0:1"), Limits(0.5, 0.5), PLAIN)
    assert set(table[1:5000].tolist()) == {1}
    assert set(table[5001:].tolist()) == {255}


@given(st.floats(1.6, 1e3))
def test_soft_highlights_rise_without_a_kink(white):
    share = np.linspace(0, white, 20001)
    soft = softened(share, white)
    assert soft[0] == 0
    assert soft[-1] == pytest.approx(1.0)
    assert (np.diff(soft) > 0).all()
    beside = softened(np.array([1 - 1e-6, 1.0, 1 + 1e-6]), white)
    assert beside[1] == pytest.approx(KNEE)
    assert (beside[2] - beside[1]) == pytest.approx(beside[1] - beside[0], rel=1e-3)


@given(st.integers(1, 65535), st.floats(0.01, 1), st.floats(0.5, 3))
def test_the_table_never_falls(dn, high, gamma):
    table = lut(Stretch(gamma=gamma), Limits(0.0, high, 4 * high), OFFSET)
    assert table[dn] >= table[max(1, dn - 1)]


def test_what_is_bright_in_all_bands_is_white_in_any_composite():
    infrared, red = _counts((0.01, 10), (0.4, 490)), _counts((0.01, 400), (0.1, 100))
    cloudy = [Counts.merged([band, _counts((0.6, 200), (1.5, 50))]) for band in (infrared, red)]
    limits = percentile_limits(Stretch(), [infrared, red], cloudy, shared=False)
    bright, dark = (lut(Stretch(), one, PLAIN) for one in limits)
    for dn in (4000, 6000, 15000):
        assert bright[dn] == dark[dn]
    assert dark[6000] > 200
    assert bright[1000] < dark[1000]
    assert (np.diff(bright[1:].astype(int)) >= 0).all()


def test_limits_say_themselves():
    assert str(Limits(0.01, 0.2)) == "0.01:0.2"
    assert str(Limits(0.01, 0.2, 1.5)) == "0.01:0.2..1.5"


def test_a_white_below_the_shared_high_limit_gives_no_soft_end():
    """Highlights of one band that reach less far than the land of another are no highlights."""
    bands = [_counts((0.02, 50), (0.03, 48), (0.2, 2)), _counts((0.02, 2), (0.5, 98))]
    clear = [_counts((0.02, 50), (0.03, 50)), _counts((0.02, 2), (0.5, 98))]
    limits = percentile_limits(Stretch(), clear, bands, shared=True)
    assert all(one.white is None for one in limits)
    for one in limits:
        assert lut(Stretch(), one, PLAIN).max() == 255
