import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from s2kit.errors import DiskError, InputError, OutputError
from s2kit.grid import Grid
from s2kit.picture.palettes import palette
from s2kit.picture.raster import RasterOptions, _check_tiff, read_tags, write_cog, write_geotiff, write_webp

GRID = Grid(32629, 499980.0, 5900040.0, 60.0, 700, 600)


def _pixels(dtype, bands):
    values = np.random.default_rng(2).random((600, 700, bands)) * 200 + 1
    values[:50] = 0
    return values.astype(dtype)


@pytest.mark.parametrize("writer", [write_geotiff, write_cog])
@pytest.mark.parametrize(("dtype", "bands"), [("uint8", 3), ("uint8", 1), ("uint16", 3), ("float32", 1)])
def test_values_place_and_tags_come_back(tmp_path, writer, dtype, bands):
    pixels, path = _pixels(dtype, bands), tmp_path / "a.tif"
    names = ("B04", "B03", "B02")[:bands]
    options = RasterOptions(
        grid=GRID,
        tags={"PRODUCT": "x"},
        band_names=names,
        scale_offset=((0.0001, -0.1),) * bands if dtype == "uint16" else (),
    )
    writer(path, pixels, options)
    with rasterio.open(path) as image:
        assert (np.moveaxis(image.read(), 0, 2) == pixels).all()
        assert image.dtypes == (dtype,) * bands
        assert image.crs.to_epsg() == 32629
        assert tuple(image.transform)[:6] == GRID.geotransform
        assert image.nodata == 0
        assert image.descriptions == names
        assert image.block_shapes[0] == (512, 512)
        if dtype == "uint16":
            assert image.scales == (0.0001,) * bands
            assert image.offsets == (-0.1,) * bands
    assert read_tags(path)["PRODUCT"] == "x"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(("dtype", "bands"), [("uint8", 3), ("float32", 1)])
def test_a_cog_is_a_valid_one(tmp_path, dtype, bands):
    write_cog(tmp_path / "a.tif", _pixels(dtype, bands), RasterOptions(grid=GRID))
    valid, errors, warnings = cog_validate(str(tmp_path / "a.tif"), strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif") as image:
        assert image.overviews(1)


@pytest.mark.parametrize("writer", [write_geotiff, write_cog])
def test_colours_by_name(tmp_path, writer):
    options = RasterOptions(grid=GRID, palette=palette("vegetation"), resampling="nearest")
    writer(tmp_path / "a.tif", _pixels("uint8", 1), options)
    with rasterio.open(tmp_path / "a.tif") as image:
        colours = image.colormap(1)
    assert colours[255] == (*(int(part) for part in palette("vegetation")[255]), 255)


def test_nan_is_no_data_of_floats(tmp_path):
    pixels = _pixels("float32", 1)
    pixels[0, 0] = np.nan
    write_geotiff(tmp_path / "a.tif", pixels, RasterOptions(grid=GRID, nodata=float("nan")))
    with rasterio.open(tmp_path / "a.tif") as image:
        assert np.isnan(image.nodata)
        assert image.dataset_mask()[0, 0] == 0


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("bands", [1, 3])
def test_webp_without_loss_and_with_opacity(tmp_path, bands):
    pixels = _pixels("uint8", bands)
    write_webp(tmp_path / "a.webp", pixels, RasterOptions(grid=GRID), quality=100)
    with rasterio.open(tmp_path / "a.webp") as image:
        assert image.count == 4
        back = image.read()
    assert (back[3] == np.where(pixels.any(axis=2), 255, 0)).all()
    assert (back[0][50:] == pixels[50:, :, 0]).all()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.webp"]


def test_webp_has_a_largest_side(tmp_path):
    with pytest.raises(InputError, match="WebP holds 16383"):
        write_webp(tmp_path / "a.webp", np.zeros((1, 16384, 1), np.uint8), RasterOptions(grid=GRID))


@pytest.mark.parametrize("writer", [write_geotiff, write_cog])
def test_a_folder_that_is_none(tmp_path, writer):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="could not write"):
        writer(tmp_path / "file" / "a.tif", _pixels("uint8", 1), RasterOptions(grid=GRID))


def test_a_full_disk_is_one_error_and_no_line_of_libtiff(tmp_path, capfd):
    target = tmp_path / "a.tif"
    target.symlink_to("/dev/full")
    with pytest.raises(DiskError, match="could not be written to its end"):
        write_geotiff(target, _pixels("uint16", 3), RasterOptions(grid=GRID))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("writer", [write_geotiff, write_cog])
def test_a_file_that_was_cut_is_found_out(tmp_path, writer):
    path = tmp_path / "a.tif"
    writer(path, _pixels("uint16", 3), RasterOptions(grid=GRID))
    os.truncate(path, path.stat().st_size - 100)
    with pytest.raises(DiskError):
        _check_tiff(path)


def test_tags_of_what_is_no_raster(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    assert read_tags(tmp_path / "a.jpg") == {}
    assert read_tags(Path(tmp_path / "none.tif")) == {}
