"""Windows and grids: integer arithmetic that must not be off by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.grid import Bounds, Grid, Window

windows = st.builds(
    Window,
    st.integers(-3000, 12000),
    st.integers(-3000, 12000),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
TILE = Grid(32631, 399960.0, 4900020.0, 10.0, 10980, 10980)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_window_without_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(InputError, match=f"{width} x {height}"):
        Window(0, 0, width, height)


@given(windows, windows)
def test_intersection_is_symmetric_and_lies_in_both(one: Window, other: Window) -> None:
    both = one.intersection(other)
    assert both == other.intersection(one)
    if both is not None:
        assert one.contains(both)
        assert other.contains(both)


@given(windows, st.integers(-500, 500), st.integers(-500, 500))
def test_shifting_there_and_back_changes_nothing(window: Window, cols: int, rows: int) -> None:
    assert window.shifted(cols, rows).shifted(-cols, -rows) == window


@pytest.mark.parametrize(("side", "reduction", "expected"), [(10980, 5, 344), (5490, 4, 344), (1830, 4, 115)])
def test_reduced_sizes_round_up(side: int, reduction: int, expected: int) -> None:
    assert Window(0, 0, side, side).reduced(reduction).shape == (expected, expected)
    assert Grid(32631, 0.0, 0.0, 10.0, side, side).reduced(reduction).width == expected


@given(windows)
def test_a_windows_bounds_are_covered_by_that_window(window: Window) -> None:
    assert TILE.covering(TILE.bounds_of(window)) == window


def test_pixel_at_counts_from_the_outer_corner() -> None:
    assert TILE.pixel_at(399960.0, 4900020.0) == (0, 0)
    assert TILE.pixel_at(399969.9, 4900010.1) == (0, 0)
    assert TILE.pixel_at(399970.0, 4900010.0) == (1, 1)
    assert TILE.pixel_at(399959.0, 4900021.0) == (-1, -1)


def test_cropped_keeps_the_place_of_every_pixel() -> None:
    cropped = TILE.cropped(Window(100, 200, 30, 40))
    assert cropped.bounds == TILE.bounds_of(Window(100, 200, 30, 40))
    assert cropped.shape == (40, 30)
    assert cropped.geotransform == (10.0, 0.0, 400960.0, 0.0, -10.0, 4898020.0)


def test_an_inverted_box_is_empty() -> None:
    assert Bounds(2.0, 0.0, 1.0, 1.0).is_empty
    assert not Bounds(0.0, 0.0, 1.0, 1.0).is_empty
