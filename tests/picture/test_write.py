"""The one writer: every format with its tags, place and legend; opacity; what stays after a failure."""

import numpy as np
import pytest
import rasterio

from s2kit.errors import DiskError
from s2kit.grid import Grid
from s2kit.picture.formats import PictureFormat
from s2kit.picture.indices import find_index
from s2kit.picture.limits import Limits
from s2kit.picture.painter import Look, Mode, PaintedBand
from s2kit.picture.raster import read_tags
from s2kit.picture.stretch import parse_stretch
from s2kit.picture.write import Output, Painting, leftovers, write_picture
from s2kit.product.metadata import Radiometry

GRID = Grid(32631, 300000.0, 4900020.0, 10.0, 3, 2)
BANDS = tuple(PaintedBand(name, Radiometry(10000.0, -1000.0)) for name in ("B04", "B03", "B02"))
COLOURS = Look(mode=Mode.COLOURS, bands=BANDS, stretch=parse_stretch("0:0.3"), limits=(Limits(0.0, 0.3),) * 3)
VALUES = Look(mode=Mode.VALUES, bands=BANDS[:2], index=find_index("ratio=B04/B03"))
PIXELS = np.array([[[0, 0, 0], [1, 2, 3], [255, 255, 255]], [[9, 9, 9], [8, 8, 8], [7, 7, 7]]], np.uint8)


def write(tmp_path, look, pixels, form, **options):
    path = tmp_path / f"a.{PictureFormat(form).extension}"
    output = Output(path=path, form=PictureFormat(form), tags={"PRODUCT": "S2A"}, **options)
    assert write_picture(Painting(look, GRID, pixels), output, threads=1) == path.stat().st_size
    return path


@pytest.mark.parametrize("form", list(PictureFormat))
def test_every_format_has_place_and_tags(tmp_path, form):
    path = write(tmp_path, COLOURS, PIXELS, form)
    with rasterio.open(path) as image:
        assert tuple(image.transform)[:6] == GRID.geotransform
        assert image.crs.to_epsg() == 32631
        assert (image.width, image.height) == (3, 2)
    tags = read_tags(path)
    assert tags["PRODUCT"] == "S2A"
    assert tags["STRETCH_LIMITS"] == "B04 0:0.3; B03 0:0.3; B02 0:0.3"


def test_no_data_is_a_transparent_colour_or_has_no_opacity(tmp_path):
    with rasterio.open(write(tmp_path, COLOURS, PIXELS, "png")) as image:
        assert image.count == 3
        assert (image.dataset_mask() > 0).tolist() == [[False, True, True], [True, True, True]]
    with rasterio.open(write(tmp_path, COLOURS, PIXELS, "png", opacity=True)) as image:
        assert image.count == 4
        assert (image.read(4) > 0).tolist() == [[False, True, True], [True, True, True]]
        assert (np.moveaxis(image.read()[:3], 0, 2) == PIXELS).all()


def test_colours_of_values_have_a_legend_if_it_is_wanted(tmp_path):
    steps = PIXELS[..., :1]
    path = write(tmp_path, VALUES, steps, "png")
    legend = (tmp_path / "a.legend.svg").read_text()
    assert "RATIO = B04 / B03" in legend
    with rasterio.open(path) as image:
        assert (image.read(1) == steps[..., 0]).all()
    (tmp_path / "a.legend.svg").unlink()
    with rasterio.open(write(tmp_path, VALUES, steps, "png", opacity=True, legend=False)) as image:
        assert image.count == 4
        assert image.read()[:3, 1, 0].tolist() == VALUES.palette[9].tolist()
    assert not (tmp_path / "a.legend.svg").exists()


def test_data_says_what_its_numbers_are(tmp_path):
    stored = Look(mode=Mode.DATA, bands=BANDS[:2], dtype="uint16")
    with rasterio.open(write(tmp_path, stored, np.ones((2, 3, 2), np.uint16), "gtiff")) as image:
        assert image.scales == pytest.approx((1e-4, 1e-4))
        assert image.offsets == pytest.approx((-0.1, -0.1))
        assert (image.nodata, image.descriptions) == (0, ("B04", "B03"))
    values = Look(mode=Mode.DATA, bands=BANDS[:2], dtype="float32", index=find_index("ratio=B04/B03"))
    with rasterio.open(write(tmp_path, values, np.ones((2, 3, 1), np.float32), "cog")) as image:
        assert np.isnan(image.nodata)
        assert image.descriptions == ("ratio",)
        assert image.tags()["FORMULA"] == "B04 / B03"


def test_a_small_tiff_is_not_filled_up_to_a_tile(tmp_path):
    path = write(tmp_path, COLOURS, PIXELS, "gtiff")
    with rasterio.open(path) as image:
        assert image.block_shapes[0] == (2, 3)
    assert path.stat().st_size < 4000


def test_nothing_is_left_of_a_picture_that_could_not_be_written(tmp_path, monkeypatch):
    def full(*_, **__):
        raise DiskError("no space left")

    monkeypatch.setattr("s2kit.picture.write.legend_svg", full)
    with pytest.raises(DiskError):
        write(tmp_path, VALUES, PIXELS[..., :1], "png")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_those_of_the_picture_and_of_the_files_beside_it(tmp_path):
    output = Output(path=tmp_path / "a.png", form=PictureFormat.PNG)
    left = [tmp_path / f"a.{name}.1234abcd.part" for name in ("png", "pgw", "png.aux.xml", "legend.svg")]
    for path in (*left, tmp_path / "b.png.1234abcd.part", tmp_path / "a.png"):
        path.touch()
    assert sorted(leftovers([output])) == sorted(left)
