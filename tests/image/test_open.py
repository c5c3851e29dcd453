"""Windows and levels: every value equal to GDAL's, or to what the standard says where GDAL offers no such level."""

import logging
import os
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterioWindow

from s2kit.errors import AccessError, InputError, NotFoundError
from s2kit.grid import Grid, Window
from s2kit.image.gdal_image import GdalImage
from s2kit.image.open import open_image
from s2kit.jp2.image import Jp2Image
from s2kit.store.location import FilePart, LocalFile, ZipMember
from support.jp2_files import BY_GDAL, BY_PACKETS, parameters, path_of, pixels_of, reduced_pixels_of

ROUTES = ("auto", "off")
pytestmark = pytest.mark.filterwarnings(f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning")

REAL = [
    "IMG_DATA/R10m/*AOT_10m.jp2",
    "IMG_DATA/R20m/*SCL_20m.jp2",
    "IMG_DATA/R60m/*B04_60m.jp2",
    "IMG_DATA/R60m/*TCI_60m.jp2",
    "IMG_DATA/R60m/*SCL_60m.jp2",
    "QI_DATA/*PVI.jp2",
    "QI_DATA/MSK_QUALIT_B02.jp2",
    "QI_DATA/MSK_DETFOO_B05.jp2",
    "QI_DATA/MSK_CLASSI_B00.jp2",
    "QI_DATA/MSK_SNWPRB_20m.jp2",
]


def cut(whole: np.ndarray, window: Window, fill: int = 0) -> np.ndarray:
    """A window of an array, padded beyond its edges."""
    result = np.full((len(whole), *window.shape), fill, whole.dtype)
    inside = window.intersection(Window(0, 0, whole.shape[2], whole.shape[1]))
    if inside is not None:
        at = inside.shifted(-window.col, -window.row)
        result[:, at.row : at.row_end, at.col : at.col_end] = whole[
            :, inside.row : inside.row_end, inside.col : inside.col_end
        ]
    return result


def gdal_level(path: Path, reduction: int) -> np.ndarray | None:
    """What GDAL reads at a reduction, or None where it offers none."""
    with rasterio.open(path) as dataset:
        if reduction and 1 << reduction not in dataset.overviews(1):
            return None
    with rasterio.open(path, **({"overview_level": reduction - 1} if reduction else {})) as dataset:
        return dataset.read()


@pytest.mark.parametrize("openjpeg", ROUTES)
@pytest.mark.parametrize("name", BY_PACKETS)
def test_all_levels_of_all_codings_are_what_the_standard_says(name: str, openjpeg: str) -> None:
    with open_image(path_of(name), openjpeg=openjpeg) as image:
        assert isinstance(image._reader, Jp2Image)
        for reduction in image.info.reductions:
            level = image.level(reduction)
            assert level.dtype == image.info.dtype
            assert np.array_equal(level, reduced_pixels_of(name, reduction))


@pytest.mark.parametrize("openjpeg", ROUTES)
@settings(max_examples=60)
@given(
    name=st.sampled_from(BY_PACKETS),
    col=st.integers(-60, 160),
    row=st.integers(-60, 120),
    width=st.integers(1, 120),
    height=st.integers(1, 120),
    reduction=st.integers(0, 4),
    fill=st.sampled_from([0, 255]),
)
def test_any_window_is_that_part_of_its_level(openjpeg, name, col, row, width, height, reduction, fill) -> None:
    window = Window(col, row, width, height)
    with open_image(path_of(name), openjpeg=openjpeg) as image:
        reduction = min(reduction, image.info.reductions[-1])
        if window.intersection(Window(0, 0, image.info.width, image.info.height)) is None:
            with pytest.raises(InputError, match="lies wholly outside the image"):
                image.window(window, reduction)
            return
        found = image.window(window, reduction, fill=fill)
        assert found.dtype == image.info.dtype
        assert np.array_equal(found, cut(reduced_pixels_of(name, reduction), window.reduced(reduction), fill))


@pytest.mark.parametrize("name", BY_GDAL)
def test_other_codings_go_through_gdal_and_say_so_in_the_log(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "s2kit"), open_image(path_of(name)) as image:
        assert isinstance(image._reader, GdalImage)
        assert "read with GDAL, since it has" in caplog.text
        whole = image.level()
        if name != "irreversible":
            assert np.array_equal(whole, pixels_of(name))
        assert np.array_equal(image.window(Window(60, 40, 50, 50)), cut(whole, Window(60, 40, 50, 50)))


def test_components_are_chosen_by_number() -> None:
    with open_image(path_of("eight_components")) as image:
        assert image.info.count == 8
        everything = image.window(Window(10, 10, 20, 20))
        assert np.array_equal(image.window(Window(10, 10, 20, 20), components=[5, 0]), everything[[5, 0]])
        assert np.array_equal(image.level(1, [7]), image.level(1)[[7]])
        with pytest.raises(NotFoundError, match="no component 8"):
            image.level(components=[8])


def test_a_level_that_is_not_there_names_those_that_are() -> None:
    with open_image(path_of("uneven")) as image:
        for request in (lambda: image.level(3), lambda: image.window(Window(0, 0, 5, 5), 3), lambda: image.level(-1)):
            with pytest.raises(NotFoundError, match="no reduction") as caught:
                request()
            assert caught.value.hint == "there are 0, 1, 2; 0 is full resolution"


@pytest.mark.parametrize("openjpeg", ROUTES)
def test_written_by_gdal_with_the_coding_of_each_of_esas_resolutions(tmp_path: Path, openjpeg: str) -> None:
    from s2kit.demo.writer import BANDS_10M, BANDS_20M, BANDS_60M, PICTURE, write_jp2

    rng = np.random.default_rng(5)
    for number, (coding, count, tlm) in enumerate(
        [(BANDS_10M, 1, True), (BANDS_20M, 1, False), (BANDS_60M, 1, True), (PICTURE, 3, False)]
    ):
        side = coding.tile + 130
        slope = np.add.outer(np.arange(side), np.arange(side))
        pixels = slope + rng.integers(0, 40, (count, side, side))
        pixels = pixels.astype(np.uint16) if count == 1 else (pixels % 256).astype(np.uint8)
        grid = Grid(32631, 300000.0, 4900020.0, 20.0, side, side)
        path = tmp_path / f"{number}.jp2"
        write_jp2(path, pixels, grid, coding, tlm=tlm)
        with open_image(path, openjpeg=openjpeg) as image:
            assert isinstance(image._reader, Jp2Image)
            assert image.info.grid == grid
            assert (image.info.epsg, image.info.nodata) == (32631, None)
            for window in (Window(coding.tile - 40, coding.tile - 50, 90, 100), Window(side - 30, -10, 60, 60)):
                assert np.array_equal(image.window(window), cut(pixels, window))
            for reduction in (1, 2):
                assert np.array_equal(image.level(reduction), gdal_level(path, reduction))


@pytest.mark.parametrize("pattern", REAL)
def test_real_images_equal_gdal_in_windows_and_levels(real_l2a: Path, pattern: str) -> None:
    (path,) = real_l2a.glob(f"GRANULE/*/{pattern}")
    rng = random.Random(pattern)
    images = [open_image(path, openjpeg=openjpeg) for openjpeg in ROUTES]
    info = images[0].info
    assert all(isinstance(image._reader, Jp2Image) for image in images)
    with rasterio.open(path) as dataset:
        assert (dataset.width, dataset.height, dataset.count) == (info.width, info.height, info.count)
        assert info.grid == Grid(
            dataset.crs.to_epsg(), dataset.transform.c, dataset.transform.f, dataset.transform.a, *dataset.shape[::-1]
        )
        overviews = dataset.overviews(1)
    for reduction in info.reductions:
        options = {"overview_level": reduction - 1} if reduction else {}
        offered = reduction == 0 or 1 << reduction in overviews
        for _ in range(2):
            side = rng.randrange(30, 150)
            window = Window(rng.randrange(-20, info.width), rng.randrange(-20, info.height), side, side)
            found = [image.window(window, reduction) for image in images]
            assert np.array_equal(*found)
            if offered:
                with rasterio.open(path, **options) as dataset:
                    target = window.reduced(reduction)
                    inside = target.intersection(Window(0, 0, dataset.width, dataset.height))
                    assert inside is not None
                    expected = dataset.read(window=RasterioWindow(inside.col, inside.row, inside.width, inside.height))
                assert np.array_equal(found[0], cut(expected, target.shifted(-inside.col, -inside.row)))
        if reduction > 1 and offered:
            expected = gdal_level(path, reduction)
            assert np.array_equal(images[0].level(reduction), expected)
            if "QI_DATA" not in pattern:  # thousands of tiny tiles, or eight components: slow without the area decode
                assert np.array_equal(images[1].level(reduction), expected)
    for image in images:
        image.close()


def test_a_member_that_a_zip_stores_is_read_in_place_and_a_packed_one_through_gdal(tmp_path: Path) -> None:
    path, content = tmp_path / "product.zip", path_of("plain").read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("before.txt", b"x" * 1000)
        archive.writestr(zipfile.ZipInfo("stored.j2k"), content)
        archive.writestr("packed.j2k", content, zipfile.ZIP_DEFLATED)
    offset = path.read_bytes().index(content)
    window = Window(50, 40, 60, 60)
    with open_image(FilePart(path, offset, len(content), "stored.j2k")) as image:
        assert isinstance(image._reader, Jp2Image)
        assert np.array_equal(image.window(window), cut(pixels_of("plain"), window))
        assert image.traffic.nbytes > 0
    with open_image(ZipMember(path, "packed.j2k")) as image:
        assert isinstance(image._reader, GdalImage)
        assert np.array_equal(image.window(window), cut(pixels_of("plain"), window))
    with pytest.raises(InputError, match="the file ends at byte"):
        open_image(FilePart(path, offset, len(content) * 10, "stored.j2k"))
    with pytest.raises(NotFoundError, match="no such file"):
        open_image(ZipMember(tmp_path / "none.zip", "packed.j2k"))


def test_a_geotiff_has_its_own_levels_and_nodata(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    pixels = np.arange(600 * 500, dtype=np.uint16).reshape(1, 600, 500)
    profile = {"driver": "GTiff", "width": 500, "height": 600, "count": 1, "dtype": "uint16", "nodata": 7}
    transform = rasterio.Affine(10, 0, 300000, 0, -10, 4900020)
    with rasterio.open(path, "w", crs="EPSG:32631", transform=transform, tiled=True, **profile) as dataset:
        dataset.write(pixels)
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.nearest)
    with open_image(path) as image:
        assert image.info.reductions == (0, 1, 2)
        assert image.info.nodata == 7
        assert image.info.grid == Grid(32631, 300000.0, 4900020.0, 10.0, 500, 600)
        assert np.array_equal(image.window(Window(480, -5, 40, 20), fill=9), cut(pixels, Window(480, -5, 40, 20), 9))
        assert np.array_equal(image.level(1), gdal_level(path, 1))
        with pytest.raises(NotFoundError, match="no reduction 3"):
            image.level(3)
        with pytest.raises(InputError, match="wholly outside"):
            image.window(Window(500, 0, 5, 5))


def test_a_chip_reads_few_bytes_and_a_level_the_first_packets_only(real_l2a: Path) -> None:
    (path,) = real_l2a.glob("GRANULE/*/IMG_DATA/R60m/*B04_60m.jp2")
    with open_image(path) as image:
        image.window(Window(1000, 900, 128, 128))
        assert image.traffic.nbytes < 0.05 * path.stat().st_size
    with open_image(path) as image:
        image.level(4)
        assert image.traffic.nbytes < 0.12 * path.stat().st_size


@pytest.mark.parametrize("openjpeg", ROUTES)
def test_no_warning_and_no_word_of_missing_coordinates(
    openjpeg: str, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with open_image(path_of("offsets"), openjpeg=openjpeg) as image:
        image.window(Window(10, 10, 50, 50))
        assert image.info.grid is None
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_large_windows_are_decoded_in_pieces_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2kit.jp2 import image as jp2_image

    monkeypatch.setattr(jp2_image, "_PIECE_SAMPLES", 1000)
    monkeypatch.setenv("GDAL_NUM_THREADS", "3")
    for name in ("plain", "offsets", "one_tile"):
        with open_image(path_of(name)) as image:
            assert np.array_equal(image.level(), pixels_of(name))
            assert np.array_equal(image.window(Window(7, 9, 130, 90)), cut(pixels_of(name), Window(7, 9, 130, 90)))
    monkeypatch.setattr(jp2_image, "_MOST_SAMPLES", 2000)
    monkeypatch.setenv("GDAL_NUM_THREADS", "1")
    with open_image(path_of("one_tile")) as image:
        assert np.array_equal(image.level(1), reduced_pixels_of("one_tile", 1))


def test_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.jp2", tmp_path / "text.jp2", tmp_path / "folder.jp2"
    empty.write_bytes(b"")
    text.write_text("<html>not found</html>")
    folder.mkdir()
    for path, message in [(empty, "is empty"), (text, "neither JPEG 2000, TIFF"), (folder, "a folder")]:
        with pytest.raises(InputError, match=message) as caught:
            open_image(path)
        assert str(path) in str(caught.value)
    with pytest.raises(NotFoundError, match="no such file"):
        open_image(str(tmp_path / "none.jp2"))


def test_a_file_that_may_not_be_read_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "secret.jp2"
    path.write_bytes(b"x")
    monkeypatch.setattr(os, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(AccessError, match="may not be read"):
        open_image(LocalFile(path))


def test_a_changed_file_is_not_taken_for_the_one_remembered(tmp_path: Path) -> None:
    path = tmp_path / "image.j2k"
    for name in ("plain", "tlm", "plain"):
        path.write_bytes(path_of(name).read_bytes())
        with open_image(path) as image:
            assert np.array_equal(image.level(), pixels_of(name))
            assert image.info.width == parameters(name)[0]
