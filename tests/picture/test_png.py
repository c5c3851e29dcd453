import zlib

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from s2kit.picture.png import STRIPE_ROWS, PngOptions, adler_combine, encode_png, write_png

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def _noise(rows, cols, bands):
    return np.random.default_rng(3).integers(0, 256, (rows, cols, bands), np.uint8)


def _read(path):
    with rasterio.open(path) as image:
        return np.moveaxis(image.read(), 0, 2)


@pytest.mark.parametrize("rows", [1, STRIPE_ROWS - 1, STRIPE_ROWS, STRIPE_ROWS + 1, 5 * STRIPE_ROWS + 7])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_read_back_equal(tmp_path, rows, bands):
    pixels = _noise(rows, 37, bands)
    write_png(tmp_path / "a.png", pixels, PngOptions(threads=2))
    assert (_read(tmp_path / "a.png") == pixels).all()


def test_every_stripe_is_one_valid_stream(tmp_path):
    """Python's own zlib checks the combined Adler-32, which GDAL's reader may not."""
    pixels = _noise(300, 50, 3)
    write_png(tmp_path / "a.png", pixels, PngOptions())
    data, at, stream = (tmp_path / "a.png").read_bytes(), 8, b""
    while at < len(data):
        nbytes, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + nbytes]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + nbytes : at + 12 + nbytes], "big")
        stream += body if kind == b"IDAT" else b""
        at += 12 + nbytes
    assert len(zlib.decompress(stream)) == 300 * (1 + 150)


def test_zlib_stands_in_for_isal(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "isal", None)
    pixels = _noise(130, 20, 3)
    write_png(tmp_path / "a.png", pixels, PngOptions())
    assert (_read(tmp_path / "a.png") == pixels).all()


def test_a_palette_with_a_transparent_colour(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    colours = _noise(256, 3, 1)[..., 0]
    write_png(tmp_path / "a.png", pixels, PngOptions(palette=colours, transparent=True))
    assert (_read(tmp_path / "a.png") == pixels).all()
    with rasterio.open(tmp_path / "a.png") as image:
        named = image.colormap(1)
        assert [named[byte][:3] for byte in (1, 200)] == [tuple(colours[1]), tuple(colours[200])]
        assert named[0][3] == 0
        assert named[1][3] == 255


@pytest.mark.parametrize("bands", [1, 3])
def test_black_is_transparent_where_wanted(tmp_path, bands):
    pixels = _noise(10, 10, bands) | 1
    pixels[2, 3] = 0
    write_png(tmp_path / "a.png", pixels, PngOptions(transparent=True))
    with rasterio.open(tmp_path / "a.png") as image:
        mask = image.dataset_mask()
    assert mask[2, 3] == 0
    assert (mask == 0).sum() == 1


def test_texts_are_kept(tmp_path):
    write_png(tmp_path / "a.png", _noise(3, 3, 1), PngOptions(texts={"CREDIT": "ä contains"}))
    assert "ä contains".encode() in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("bands", "options"),
    [
        (5, PngOptions()),
        (3, PngOptions(palette=np.zeros((256, 3), np.uint8))),
        (4, PngOptions(transparent=True)),
        (2, PngOptions(transparent=True)),
    ],
)
def test_what_no_png_can_hold(tmp_path, bands, options):
    with pytest.raises(ValueError, match="cannot be written"):
        write_png(tmp_path / "a.png", _noise(3, 3, bands), options)


def test_bytes_are_those_of_the_file(tmp_path):
    pixels = _noise(70, 40, 4)
    write_png(tmp_path / "a.png", pixels, PngOptions())
    assert encode_png(pixels) == (tmp_path / "a.png").read_bytes()


@given(st.binary(max_size=70000), st.binary(max_size=300))
def test_adler_sums_combine(first, second):
    assert adler_combine(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)
