"""Chips are exactly N x N and lie on the grid of the coarsest band."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.chips.grid import (
    ChipSize,
    at_resolution,
    check_size,
    chip_frame,
    square_around,
    utm_epsg,
    window_in,
)
from s2kit.errors import InputError
from s2kit.grid import Bounds, Grid, Window

TEN = Grid(32631, 499980, 5900040, 10, 10980, 10980)
TWENTY = Grid(32631, 499980, 5900040, 20, 5490, 5490)
SIXTY = Grid(32631, 499980, 5900040, 60, 1830, 1830)


def test_the_seeds_chip_is_128_pixels_at_10_m_and_64_at_20_m():
    assert chip_frame(TEN, 10, (520000.3, 5850000.7), ChipSize(metres=1280)).shape == (128, 128)
    assert chip_frame(TWENTY, 20, (520000.3, 5850000.7), ChipSize(metres=1280)).shape == (64, 64)


@given(
    st.floats(499980, 609780),
    st.floats(5790240, 5900040),
    st.sampled_from([(TEN, 10), (TEN, 20), (TEN, 60), (TWENTY, 20), (TWENTY, 60), (SIXTY, 60)]),
    st.integers(1, 300),
)
def test_snapped_to_the_coarsest_grid_and_centred(x, y, grids, size):
    grid, coarsest = grids
    frame = chip_frame(grid, coarsest, (x, y), ChipSize(px=size))
    assert frame.shape == (size, size)
    assert (frame.west - grid.west) % coarsest == 0
    assert (grid.north - frame.north) % coarsest == 0
    bounds = frame.bounds
    assert abs((bounds.west + bounds.east) / 2 - x) <= coarsest / 2 + 1e-6
    assert abs((bounds.north + bounds.south) / 2 - y) <= coarsest / 2 + 1e-6
    window = window_in(grid, frame)
    assert grid.bounds_of(window) == bounds


def test_windows_of_coarser_bands_cover_the_same_ground():
    frame = chip_frame(TEN, 60, (512345, 5812345), ChipSize(metres=1320))
    assert window_in(SIXTY, frame).shape == (22, 22)
    assert SIXTY.bounds_of(window_in(SIXTY, frame)) == frame.bounds
    assert at_resolution(frame, 20).shape == (66, 66)
    assert at_resolution(frame, 20).bounds == frame.bounds


def test_a_size_that_is_no_whole_number_of_pixels_is_rounded_up():
    assert chip_frame(TEN, 10, (512345, 5812345), ChipSize(metres=1281)).shape == (129, 129)
    assert at_resolution(Grid(32631, 0, 0, 10, 129, 129), 20).shape == (65, 65)


def test_windows_may_reach_beyond_the_tile():
    window = window_in(TEN, chip_frame(TEN, 10, (499990, 5900030), ChipSize(metres=1280)))
    assert window == Window(-63, -63, 128, 128)


@pytest.mark.parametrize("size", [{}, {"metres": 10, "px": 3}, {"metres": 0}, {"px": -4}, {"metres": float("nan")}])
def test_sizes_that_are_none(size):
    with pytest.raises(InputError):
        ChipSize(**size)


def test_large_chips_want_force():
    check_size(ChipSize(metres=5120), force=False)
    check_size(ChipSize(metres=9000), force=True)
    with pytest.raises(InputError, match="5130 m"):
        check_size(ChipSize(px=513), force=False)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (2.3, 48.9, 32631),
        (-71, -33, 32719),
        (5, 60, 32632),
        (10, 78, 32633),
        (180, 10, 32601),
        (-180, -10, 32701),
        (179.99, 0, 32660),
    ],
)
def test_utm_zone(lon, lat, epsg):
    assert utm_epsg(lon, lat) == epsg


def test_square():
    assert square_around((100, 200), 50) == Bounds(75, 175, 125, 225)
