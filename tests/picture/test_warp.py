"""Pixels on another grid: averages without no data, places kept."""

import numpy as np
import pytest

from s2kit.grid import Grid
from s2kit.picture.warp import warped

FINE = Grid(32631, 300000.0, 4900020.0, 10.0, 4, 4)
COARSE = Grid(32631, 300000.0, 4900020.0, 20.0, 2, 2)


def test_no_data_is_not_mixed_into_an_average():
    pixels = np.array([[10, 0, 4, 4], [30, 0, 4, 4], [0, 0, 8, 8], [0, 0, 8, 16]], np.uint16)
    assert warped(pixels, FINE, COARSE, "average").tolist() == [[20, 4], [0, 10]]


@pytest.mark.parametrize("shape", [(2, 2), (3, 2, 2)])
def test_axes_and_places_are_kept(shape):
    pixels = np.arange(1, np.prod(shape) + 1, dtype=np.uint16).reshape(shape)
    there = warped(pixels, COARSE, FINE, "nearest")
    assert there.shape == (*shape[:-2], 4, 4)
    assert np.array_equal(there[..., ::2, ::2], pixels)
    assert np.array_equal(there[..., 1::2, 1::2], pixels)
