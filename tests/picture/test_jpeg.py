import sys

import numpy as np
import pytest
import rasterio

from s2kit.picture.jpeg import write_jpeg
from s2kit.picture.raster import read_tags

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def _smooth(bands):
    row, col = np.mgrid[0:120, 0:90]
    return np.stack([(row + col * (band + 1)) % 200 for band in range(bands)], -1).astype(np.uint8)[:80, :40]


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("route", ["simplejpeg", "gdal"])
def test_near_to_the_pixels(tmp_path, monkeypatch, bands, route):
    if route == "gdal":
        monkeypatch.setitem(sys.modules, "simplejpeg", None)
    pixels = _smooth(bands)
    write_jpeg(tmp_path / "a.jpg", pixels, quality=95)
    with rasterio.open(tmp_path / "a.jpg") as image:
        back = np.moveaxis(image.read(), 0, 2)
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).mean() < 6
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_the_comment_is_in_the_file(tmp_path):
    write_jpeg(tmp_path / "a.jpg", _smooth(3), comment="CREDIT=Contains modified Copernicus Sentinel data 2024")
    with rasterio.open(tmp_path / "a.jpg") as image:
        assert image.tags()["COMMENT"].startswith("CREDIT=Contains")


def test_tags_travel_in_the_file_alone(tmp_path):
    write_jpeg(tmp_path / "a.jpg", _smooth(3), comment='PRODUCT=S2A\nS2KIT_RECIPE={"a":"b=c"}')
    assert read_tags(tmp_path / "a.jpg").items() >= {"PRODUCT": "S2A", "S2KIT_RECIPE": '{"a":"b=c"}'}.items()


def test_a_comment_that_is_too_long_is_cut(tmp_path):
    write_jpeg(tmp_path / "a.jpg", _smooth(1), comment="x" * 100_000)
    with rasterio.open(tmp_path / "a.jpg") as image:
        assert image.read().any()


def test_better_quality_is_larger(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for quality in (50, 95):
        write_jpeg(tmp_path / f"{quality}.jpg", pixels, quality=quality)
    assert (tmp_path / "95.jpg").stat().st_size > (tmp_path / "50.jpg").stat().st_size
