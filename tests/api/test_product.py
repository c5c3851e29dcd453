"""A product in Python: what it says of itself, and pixels that are those of the files."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.warp import transform_bounds
from rasterio.windows import Window as RasterioWindow
from rasterio.windows import from_bounds

import s2kit
from s2kit.errors import InputError, NotFoundError, UsageError
from support.scenes import copied


@pytest.fixture
def product(scene: Any) -> Any:
    return s2kit.open(scene.l2a[0])


def file_of(product: Any, band: str, res: int) -> Path:
    return next(Path(product.address).rglob(f"*_{band}_{res}m.jp2"))


def test_a_product_says_what_it_is(product: Any) -> None:
    assert repr(product).startswith(f"<OpenProduct {product.id}: level L2A, time 2024-04-19 10:50:31 UTC, tile 31TCJ, ")
    assert (product.level, product.tiles, product.ref.text) == ("L2A", ("31TCJ",), product.address)
    assert product.resolutions("B08") == (10,)
    assert product.footprint.bounds[0] < 0.53 < product.footprint.bounds[2]


def test_windows_are_the_pixels_of_the_file(product: Any) -> None:
    found = product.read("b04", window=(30, 20, 7, 5))
    with rasterio.open(file_of(product, "B04", 10)) as file:
        assert np.array_equal(found.values, file.read(1, window=RasterioWindow(30, 20, 7, 5)))
    assert np.asarray(found).dtype == np.uint16
    assert found.transform == (10.0, 0.0, 300300.0, 0.0, -10.0, 4899820.0)
    assert (found.crs, found.shape, found.band, found.nodata) == ("EPSG:32631", (5, 7), "B04", 0)


def test_a_window_beyond_the_product_is_no_data(product: Any) -> None:
    found = product.read("B04", window=(-2, 0, 4, 1))
    assert found.values[0, :2].tolist() == [0, 0]
    assert found.valid.tolist() == [[False, False, True, True]]
    physical = product.read("B04", window=(-2, 0, 4, 1), physical=True)
    assert np.isnan(physical.values[0, :2]).all()
    assert np.array_equal(physical.valid, found.valid)


def test_boxes_are_in_degrees(product: Any) -> None:
    box = transform_bounds("EPSG:32631", "EPSG:4326", 301005, 4897005, 301995, 4897995)
    found = product.read("B04", bbox=box)
    with rasterio.open(file_of(product, "B04", 10)) as file:
        assert np.array_equal(found.values, file.read(1, window=from_bounds(*found.bounds, file.transform)))
    assert found.bounds.west <= 301005
    assert found.bounds.north >= 4897995
    assert found.shape[0] < 110


def test_numbers_are_physical_if_asked(product: Any) -> None:
    stored, real = product.read("B8A"), product.read("B8A", physical=True)
    assert real.values.dtype == np.float32
    assert np.allclose(real.values, (stored.values.astype(float) - 1000) / 10000, atol=1e-6)
    assert (real.tags["UNIT"], stored.tags["UNIT"]) == ("reflectance", "digital number")
    assert product.read("WVP", window=(0, 0, 1, 1), physical=True).tags["UNIT"] == "cm"


def test_other_resolutions_are_made_of_the_finest(product: Any) -> None:
    fine, coarse = product.read("B08"), product.read("B08", res=40)
    blocks = fine.values[:40, :40].reshape(10, 4, 10, 4).mean(axis=(1, 3))
    assert np.abs(coarse.values[:10, :10] - blocks).max() <= 0.5
    assert coarse.grid.resolution_m == 40
    classes = product.read("SCL", res=10)
    assert classes.shape == fine.shape
    assert set(np.unique(classes.values)) == set(np.unique(product.read("SCL").values))


def test_three_components_of_a_picture(product: Any) -> None:
    found = product.read("TCI", res=60)
    assert (found.values.ndim, found.shape[0], found.values.dtype) == (3, 3, np.uint8)
    assert found.valid.shape == found.shape[1:]


def pixels_of(png: bytes) -> Any:
    """`[component, row, col]`."""
    with warnings.catch_warnings(), rasterio.MemoryFile(png) as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open() as picture:
            return picture.read()


def test_a_preview_for_notebooks(product: Any) -> None:
    picture = pixels_of(product.preview())
    assert picture.shape[0] == 3
    assert 100 < max(picture.shape) <= 300
    html = product._repr_html_()
    assert "data:image/png;base64," in html
    assert "<th>tile</th><td>31TCJ</td>" in html


def test_a_product_without_a_picture_still_shows_itself(scene: Any, tmp_path: Path) -> None:
    bare = copied(scene.l2a[0], tmp_path)
    for image in bare.rglob("*.jp2"):
        image.unlink()
    assert "no preview: " in s2kit.open(bare)._repr_html_()
    cut = copied(scene.l2a[1], tmp_path)
    for image in cut.rglob("*TCI*.jp2"):
        image.write_bytes(image.read_bytes()[:200])
    assert "no preview: " in s2kit.open(cut)._repr_html_()


def test_previews_of_what_is_there(scene: Any, tmp_path: Path) -> None:
    part = copied(scene.l2a[0], tmp_path)
    for image in (*part.rglob("*TCI*.jp2"), *part.rglob("*PVI*.jp2")):
        image.unlink()
    product = s2kit.open(part)
    picture = pixels_of(product.preview(50))
    assert (picture.shape[0], max(picture.shape)) == (3, 50)
    assert 20 < picture.mean() < 235


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"window": (0, 0, 1, 1), "bbox": (0, 1, 2, 3)}, UsageError),
        ({"bbox": (2, 1, 1, 3)}, UsageError),
        ({"bbox": (10, 10, 11, 11)}, InputError),
        ({"res": 0}, UsageError),
        ({"band": "B10"}, NotFoundError),
        ({"band": "B77"}, InputError),
    ],
    ids=str,
)
def test_what_cannot_be_read(product: Any, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        product.read(**({"band": "B04"} | options))
