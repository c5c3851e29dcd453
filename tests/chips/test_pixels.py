"""Windows brought onto the grids of chips."""

import numpy as np
import rasterio
from affine import Affine

from s2kit.area.projection import project_point
from s2kit.chips.pixels import read_frames, read_windows
from s2kit.grid import Grid, Window
from s2kit.image.open import open_image

GRID = Grid(32631, 700000.0, 4900020.0, 20, 150, 150)


def image(tmp_path):
    pixels = np.arange(1, 150 * 150 + 1, dtype=np.uint16).reshape(150, 150)
    path = tmp_path / "b.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=150, height=150, count=1, dtype="uint16", crs="EPSG:32631",
        transform=Affine(*GRID.geotransform),
    ) as dataset:  # fmt: skip
        dataset.write(pixels, 1)
    return path, pixels


def test_shared_windows_give_each_its_own(tmp_path):
    path, pixels = image(tmp_path)
    windows = [Window(10, 20, 30, 5), Window(0, 0, 3, 3), Window(12, 22, 4, 4), Window(140, 140, 20, 20)]
    with open_image(path) as opened:
        found = read_windows(opened, windows)
    for window, part in zip(windows[:3], found, strict=False):
        assert (part[0] == pixels[window.row : window.row_end, window.col : window.col_end]).all()
    assert found[3].shape == (1, 20, 20)
    assert (found[3][0, :10, :10] == pixels[140:, 140:]).all()
    assert not found[3][0, 10:].any()


def test_frames_at_other_sizes(tmp_path):
    path, pixels = image(tmp_path)
    fine = Grid(32631, 700200.0, 4899820.0, 10, 40, 40)
    coarse = Grid(32631, 700200.0, 4899820.0, 60, 10, 10)
    far = Grid(32631, 800000.0, 4899820.0, 20, 4, 4)
    with open_image(path) as opened:
        doubled, mean, nothing = (
            read_frames(opened, GRID, [frame], method)[0]
            for frame, method in ((fine, "nearest"), (coarse, "average"), (far, "nearest"))
        )
    assert (doubled == np.kron(pixels[10:30, 10:30], np.ones((2, 2), int))).all()
    wanted = pixels[10:40, 10:40].reshape(10, 3, 10, 3).mean(axis=(1, 3))
    assert np.allclose(mean, wanted, atol=0.51)
    assert nothing.shape == (4, 4)
    assert not nothing.any()


def test_a_frame_in_the_next_utm_zone(tmp_path):
    path, pixels = image(tmp_path)
    lon, lat = project_point(701510.0, 4898510.0, 32631, 4326)
    x, y = project_point(lon, lat, 4326, 32632)
    frame = Grid(32632, x - 50, y + 50, 20, 5, 5)
    with open_image(path) as opened:
        (found,) = read_frames(opened, GRID, [frame])
    assert found[2, 2] == pixels[75, 75]
