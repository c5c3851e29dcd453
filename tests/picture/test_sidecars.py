import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from s2kit.grid import Grid
from s2kit.picture.jpeg import write_jpeg
from s2kit.picture.png import PngOptions, write_png
from s2kit.picture.raster import RasterOptions, read_tags, write_webp
from s2kit.picture.sidecars import crs_text, sidecar_paths, world_text, write_sidecars

GRID = Grid(32631, 300000.0, 4900020.0, 10.0, 20, 10)
TAGS = {"PRODUCT": "S2A", "NOTE": 'a < b & "c"'}


@pytest.mark.parametrize(("suffix", "world"), [(".jpg", ".jgw"), (".png", ".pgw"), (".webp", ".wpw")])
def test_gdal_reads_place_and_tags(tmp_path, suffix, world):
    path, pixels = tmp_path / f"a{suffix}", np.full((10, 20, 3), 100, np.uint8)
    if suffix == ".jpg":
        write_jpeg(path, pixels)
    elif suffix == ".png":
        write_png(path, pixels, PngOptions())
    else:
        write_webp(path, pixels, RasterOptions(grid=GRID))
    write_sidecars(path, GRID, TAGS)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        [path.name, f"a{world}", f"{path.name}.aux.xml"]
    )
    with rasterio.open(path) as image:
        assert image.crs.to_epsg() == 32631
        assert tuple(image.transform)[:6] == GRID.geotransform
    assert read_tags(path).items() >= TAGS.items()


def test_the_world_file_names_the_centre_of_the_first_pixel():
    assert world_text(GRID).split() == ["10.0", "0.0", "0.0", "-10.0", "300005.0", "4900015.0"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_world_file_alone_places_the_picture(tmp_path):
    path = tmp_path / "a.jpg"
    write_jpeg(path, np.full((10, 20, 3), 100, np.uint8))
    write_sidecars(path, GRID, TAGS)
    (tmp_path / "a.jpg.aux.xml").unlink()
    with rasterio.open(path) as image:
        assert tuple(image.transform)[:6] == GRID.geotransform


def test_a_tiff_has_nothing_beside_it(tmp_path):
    assert sidecar_paths(tmp_path / "a.tif") == ()
    write_sidecars(tmp_path / "a.tif", GRID, TAGS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("epsg", [32601, 32629, 32660, 32701, 32733, 32760, 32661, 3857, 5041])
def test_the_crs_is_gdal_s_own_text(epsg):
    assert crs_text(epsg) == CRS.from_epsg(epsg).to_wkt()
