from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine

from s2kit.area.projection import project_point
from s2kit.errors import InputError
from s2kit.grid import Grid, Window
from s2kit.picture.kernels import picked
from s2kit.picture.read import OpenImages, level_grid, read, reduction_for, same_pixels
from s2kit.product.open import open_product
from s2kit.store.location import LocalFile


@pytest.fixture(scope="module")
def product(scene):
    return open_product(scene.l2a[0])


def read_on(image, grid, resampling="auto", use="data"):
    return read([image], [grid], resampling=resampling, use=use)[0][0]


def _file(image):
    with rasterio.open(str(image.location)) as opened:
        return opened.read()


@pytest.mark.parametrize(("band", "res"), [("B04", 10), ("B11", 20), ("B01", 60), ("SCL", 20), ("TCI", 10)])
def test_its_own_grid_gives_the_file_s_pixels(product, band, res):
    image = product.image(band, res)
    assert (read_on(image, image.grid) == _file(image)).all()


def test_a_window(product):
    image = product.image("B04", 10)
    window = Window(1000, 1010, 90, 80)
    part = read_on(image, image.grid.cropped(window))
    assert (part[0] == _file(image)[0, 1010:1090, 1000:1090]).all()


def test_beyond_the_image_is_no_data(product):
    image = product.image("B04", 60)
    part = read_on(image, image.grid.cropped(Window(-5, -5, 10, 10)))
    assert not part[0, :5].any()
    assert not part[0, :, :5].any()
    assert (part[0, 5:, 5:] == _file(image)[0, :5, :5]).all()
    far = Grid(image.grid.epsg, image.grid.west + 1e6, image.grid.north, 120.0, 4, 4)
    assert not read_on(image, far).any()


def _means(pixels, side):
    rows, cols = (size // side * side for size in pixels.shape)
    return pixels[:rows, :cols].reshape(rows // side, side, cols // side, side).astype(float).mean(axis=(1, 3))


def test_data_at_half_the_resolution_is_the_mean_of_the_pixels(product):
    image = product.image("B04", 10)
    means = np.floor(_means(_file(image)[0], 2) + 0.5)
    assert np.array_equal(read_on(image, image.grid.reduced(1))[0], means)


def test_data_at_two_thirds_is_a_mean_too(product):
    image = product.image("B04", 20)
    coarse = product.image("B04", 60).grid
    assert np.array_equal(read_on(image, coarse)[0], np.floor(_means(_file(image)[0], 3) + 0.5))


@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_a_picture_from_a_reduction_lies_where_the_data_does(product, reduction):
    """A wavelet level sits (2**r - 1) / 2 source pixels to the north-west; nothing of that is left in a picture."""
    image = product.image("B04", 10)
    grid = image.grid.reduced(reduction)
    data = read_on(image, grid)[0].astype(float)[4:-4, 4:-4]
    shown = read_on(image, grid, use="picture")[0].astype(float)
    with rasterio.open(str(image.location), OVERVIEW_LEVEL=reduction - 1) as level:
        stored = level.read(1).astype(float)
    assert np.abs(shown[4:-4, 4:-4] - data).mean() < 0.75 * np.abs(stored[4:-4, 4:-4] - data).mean()
    moved = [np.abs(shown[4 + d : -4 + d or None, 4 + d : -4 + d or None] - data).mean() for d in (-1, 0, 1)]
    assert moved[1] < min(moved[0], moved[2])


def test_where_a_level_lies():
    full = Grid(32631, 300000.0, 4900020.0, 10.0, 10980, 10980)
    level = level_grid(full, 2, wavelet=True)
    assert (level.west, level.north, level.resolution_m) == (299985.0, 4900035.0, 40.0)
    assert level_grid(full, 2, wavelet=False) == full.reduced(2)


def test_many_grids_of_one_image_are_as_each_alone(product):
    image = product.image("B04", 10)
    grids = [
        image.grid.cropped(Window(10, 10, 64, 64)),
        image.grid.cropped(Window(60, 40, 64, 64)),
        Grid(image.grid.epsg, image.grid.west + 300, image.grid.north - 300, 20.0, 40, 40),
        Grid(image.grid.epsg, image.grid.west - 9000, image.grid.north, 20.0, 4, 4),
        Grid(image.grid.epsg, image.grid.west + 305, image.grid.north - 305, 60.0, 11, 12),
    ]
    together = read([image], grids)[0]
    for grid, pixels in zip(grids, together, strict=True):
        assert np.array_equal(pixels, read_on(image, grid))
        assert pixels.shape[1:] == grid.shape


def test_a_large_grid_is_filled_in_strips(product, monkeypatch):
    image = product.image("B04", 10)
    grid = Grid(image.grid.epsg, image.grid.west, image.grid.north, 30.0, 440, 440)
    whole = read_on(image, grid)
    monkeypatch.setattr("s2kit.picture.read._STRIP_PX", 90_000)
    assert np.array_equal(read_on(image, grid), whole)
    monkeypatch.setattr("s2kit.picture.read._STRIP_ROWS", 32)
    for resampling in ("bilinear", "cubic", "nearest"):
        monkeypatch.setattr("s2kit.picture.read._STRIP_PX", 90_000)
        strips = read_on(image, grid, resampling)
        monkeypatch.setattr("s2kit.picture.read._STRIP_PX", 12 << 20)
        assert np.array_equal(strips, read_on(image, grid, resampling))


def test_a_grid_of_the_next_utm_zone(product):
    from s2kit.area.projection import LON_LAT, project_point

    image = product.image("B11", 20)
    x, y = image.grid.west + 3010, image.grid.north - 3010
    other = image.grid.epsg + 1
    there = project_point(*project_point(x, y, image.grid.epsg, LON_LAT), LON_LAT, other)
    pixels = read_on(image, Grid(other, there[0] - 50, there[1] + 50, 20.0, 5, 5), "nearest")
    assert pixels[0, 2, 2] == _file(image)[0, 150, 150]


def test_images_stay_open(product):
    image = product.image("SCL", 20)
    with OpenImages() as opened:
        first = opened.read(image, [image.grid.cropped(Window(0, 0, 9, 9))])
        assert len(opened._open) == 1
        again = opened.read(image, [image.grid.cropped(Window(0, 0, 9, 9))])
    assert np.array_equal(first[0], again[0])


def test_classes_are_picked_and_never_mixed(product):
    image = product.image("SCL", 20)
    side = image.grid.width // 5
    coarse = replace(image.grid, resolution_m=100.0, width=side, height=side)
    assert (read_on(image, coarse)[0] == _file(image)[0, 2::5, 2::5][:side, :side]).all()


def test_nearest_repeats_pixels(product):
    image = product.image("B11", 20)
    fine = product.image("B04", 10).grid
    doubled = np.kron(_file(image)[0], np.ones((2, 2), np.uint16))
    assert (read_on(image, fine, "nearest")[0] == doubled).all()


@pytest.mark.parametrize("resampling", ["auto", "bilinear", "cubic", "average"])
def test_upwards_values_stay_near(product, resampling):
    image = product.image("B11", 20)
    fine = read_on(image, product.image("B04", 10).grid, resampling)[0].astype(float)
    doubled = np.kron(_file(image)[0], np.ones((2, 2))).astype(float)
    assert np.abs(fine - doubled).mean() < 0.05 * doubled.mean()


def test_no_data_is_not_mixed_in(scene):
    image = open_product(scene.l2a[1]).image("B04", 10)  # has the edge of a swath
    grid = image.grid
    small = Grid(grid.epsg, grid.west, grid.north, 15.0, grid.width * 2 // 3, grid.height * 2 // 3)
    pixels, whole = read_on(image, small)[0], _file(image)[0]
    assert (pixels == 0).any()
    assert pixels[pixels > 0].min() >= whole[whole > 0].min()


def test_a_file_of_another_size_is_named(product, tmp_path):
    path = tmp_path / "B04.jp2"
    with rasterio.open(
        path, "w", driver="GTiff", width=5, height=4, count=1, dtype="uint16", transform=Affine(10, 0, 0, 0, -10, 0)
    ) as out:
        out.write(np.ones((1, 4, 5), np.uint16))
    image = replace(product.image("B04", 10), location=LocalFile(path))
    with pytest.raises(InputError, match="holds 5 x 4 px, where the product's metadata says 1320 x 1320"):
        read_on(image, image.grid)


def test_reductions():
    ten = Grid(32631, 0.0, 0.0, 10.0, 10980, 10980)
    there = (0, 1, 2, 3, 4)
    wanted = {10.0: 0, 15.0: 0, 20.0: 1, 60.0: 2, 80.0: 3, 500.0: 4, 5.0: 0}
    for resolution_m, reduction in wanted.items():
        assert reduction_for(ten, replace(ten, resolution_m=resolution_m), there) == reduction


def test_a_picture_in_another_crs_is_made_from_a_reduction_too(product):
    image = product.image("B04", 10)
    west, north = project_point(image.grid.west + 2000, image.grid.north - 2000, image.grid.epsg, 3857)
    coarse = Grid(3857, west, north, 152.9, 64, 64)
    assert reduction_for(image.grid, coarse, (0, 1, 2, 3, 4)) == 3
    with OpenImages() as opened:
        (picture,) = opened.read(image, [coarse], use="picture")
        (data,) = opened.read(image, [coarse])
    there = (picture > 0) & (data > 0)
    assert there.any()
    difference = picture[there].astype(float) - data[there]
    assert abs(difference.mean()) < 30
    assert np.corrcoef(picture[there], data[there])[0, 1] > 0.97


def test_same_pixels():
    grid = Grid(32631, 300000.0, 4900020.0, 10.0, 100, 100)
    assert same_pixels(grid, grid.cropped(Window(3, 4, 5, 6)))
    assert not same_pixels(grid, replace(grid, west=300005.0))
    assert not same_pixels(grid, grid.reduced(1))


def test_picked_beyond_the_edge_is_no_data():
    grid = Grid(32631, 0.0, 0.0, 10.0, 2, 2)
    pixels = np.array([[[1, 2], [3, 4]]], np.uint8)
    assert picked(pixels, grid, Grid(32631, 0.0, 0.0, 5.0, 5, 4))[0, 0].tolist() == [1, 1, 2, 2, 0]
