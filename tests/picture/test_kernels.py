"""Kernels: against plain sums, against GDAL's warper, and free of no data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2kit.grid import Grid, Window
from s2kit.picture.kernels import picked, resampled
from s2kit.picture.warp import warped

SOURCE = Grid(32631, 300000.0, 4900020.0, 10.0, 60, 48)
RANDOM = np.random.default_rng(3)
VALUES = RANDOM.integers(200, 9000, (1, *SOURCE.shape)).astype(np.uint16)


def at(resolution_m, shift=0.0):
    side = (int(SOURCE.width * 10 / resolution_m), int(SOURCE.height * 10 / resolution_m))
    return Grid(32631, SOURCE.west + shift, SOURCE.north - shift, resolution_m, *side)


@pytest.mark.parametrize("factor", [2, 3, 4, 6])
def test_an_average_is_the_mean_of_the_block(factor):
    target = at(10.0 * factor)
    blocks = VALUES[0].reshape(target.height, factor, target.width, factor).mean(axis=(1, 3))
    assert np.array_equal(resampled(VALUES, SOURCE, target, "average")[0], np.floor(blocks + 0.5))


@pytest.mark.parametrize("method", ["average", "bilinear", "cubic"])
@pytest.mark.parametrize("resolution_m", [5.0, 10.0, 12.5, 15.0, 20.0, 60.0])
def test_it_is_as_gdal_has_it(method, resolution_m):
    target = at(resolution_m)
    ours = resampled(VALUES, SOURCE, target, method)[0].astype(int)
    theirs = warped(VALUES, SOURCE, target, method)[0].astype(int)
    inside = (slice(3, -3), slice(3, -3)) if resolution_m < 60 else (slice(1, -1), slice(1, -1))
    assert np.abs(ours - theirs)[inside].max() <= 1


def test_no_data_is_left_out():
    pixels = np.array([[[10, 0, 4, 4], [30, 0, 4, 4], [0, 0, 8, 8], [0, 0, 8, 16]]], np.uint16)
    fine, coarse = Grid(32631, 0.0, 0.0, 10.0, 4, 4), Grid(32631, 0.0, 0.0, 20.0, 2, 2)
    assert resampled(pixels, fine, coarse, "average").tolist() == [[[20, 4], [0, 10]]]


@pytest.mark.parametrize("method", ["average", "bilinear", "cubic"])
def test_values_beside_no_data_stay_within_those_around(method):
    pixels = VALUES.copy()
    pixels[0, :, :20] = 0
    found = resampled(pixels, SOURCE, at(7.0), method)[0]
    assert not found[:, : int(19 * 10 / 7)].any()
    if method != "cubic":
        assert found[found > 0].min() >= 200
    assert found.max() <= 9000 * 1.3


def test_of_three_components_black_is_data():
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[2, :, 2:] = 90
    fine, coarse = Grid(32631, 0.0, 0.0, 10.0, 4, 4), Grid(32631, 0.0, 0.0, 20.0, 2, 2)
    assert resampled(pixels, fine, coarse, "average")[:, 0].tolist() == [[0, 0], [0, 0], [0, 90]]


@given(
    st.sampled_from(["average", "bilinear", "cubic"]),
    st.sampled_from([4.0, 10.0, 15.0, 20.0, 30.0]),
    st.integers(0, 8), st.integers(0, 8), st.integers(1, 12), st.integers(1, 12),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_pixel_has_one_value_in_every_window(method, resolution_m, col, row, width, height):
    target = at(resolution_m)
    window = Window(col, row, width, height).intersection(target.window)
    if window is None:
        return
    whole = resampled(VALUES, SOURCE, target, method)[0]
    reach = SOURCE.covering(target.bounds_of(window))
    wide = int(4 + 2 * resolution_m / 10)
    part = Window(reach.col - wide, reach.row - wide, reach.width + 2 * wide, reach.height + 2 * wide)
    inner = part.intersection(SOURCE.window)
    pixels = VALUES[:, inner.row : inner.row_end, inner.col : inner.col_end]
    found = resampled(pixels, SOURCE.cropped(inner), target.cropped(window), method)[0]
    assert np.array_equal(found, whole[window.row : window.row_end, window.col : window.col_end])


def test_what_lies_outside_is_no_data():
    target = Grid(32631, SOURCE.west - 100, SOURCE.north + 100, 20.0, 10, 10)
    for method in ("average", "bilinear", "cubic"):
        found = resampled(VALUES, SOURCE, target, method)[0]
        assert not found[:5].any()
        assert not found[:, :5].any()
        assert found[5:, 5:].all()
    assert not picked(VALUES, SOURCE, target)[0, :5].any()
