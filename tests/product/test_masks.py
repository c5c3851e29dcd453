"""The pixel-centre rule."""

import numpy as np
from affine import Affine
from rasterio.features import geometry_mask
from shapely.geometry import Point, box

from s2kit.grid import Grid, Window
from s2kit.product.masks import inside, window_of

GRID = Grid(32631, 500000, 5000000, 20, 100, 100)


def test_equals_rasterio_by_hand():
    for outline in (
        Point(501003, 4999011).buffer(333),
        Point(501003, 4999011).buffer(300).difference(Point(501003, 4999011).buffer(100)),
        box(500410, 4999510, 500450, 4999530),
    ):
        window = window_of(outline, GRID)
        whole = ~geometry_mask([outline], GRID.shape, Affine(*GRID.geotransform))
        found = np.zeros(GRID.shape, bool)
        found[window.row : window.row_end, window.col : window.col_end] = inside(outline, GRID, window)
        assert (found == whole).all()
        assert found.any()


def test_thinner_than_a_pixel_holds_no_centre():
    sliver = box(500401, 4999000, 500404, 4999900)
    assert not inside(sliver, GRID, window_of(sliver, GRID)).any()


def test_windows_are_cut_to_the_grid():
    assert window_of(box(499000, 4999900, 500030, 5001000), GRID) == Window(0, 0, 2, 5)
    assert window_of(box(1, 1, 2, 2), GRID) is None
