"""Damaged JPEG 2000 files: right pixels or one InputError, never a crash, a hang or a guess."""

import logging
import struct
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.jp2.image import Jp2Image
from support.jp2_files import path_of, pixels_of, reduced_pixels_of
from support.jp2_fuzz import fuzz, tile_starts

ROUTES = ("auto", "off")


@pytest.fixture
def damaged(tmp_path: Path):
    def write(data: bytes) -> Path:
        path = tmp_path / "damaged.j2k"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("openjpeg", ROUTES)
@pytest.mark.parametrize("name", ["plain", "parts", "offsets"])
def test_a_plt_that_contradicts_its_tile_is_passed_over_with_one_warning(name, openjpeg, damaged, caplog) -> None:
    data = bytearray(path_of(name).read_bytes())
    for start in tile_starts(bytes(data)):
        if data[start + 12 : start + 14] == b"\xff\x58":
            data[start + 17] ^= 1
    with open_image(damaged(bytes(data)), openjpeg=openjpeg) as image:
        assert isinstance(image._reader, Jp2Image)
        for reduction in image.info.reductions:
            assert np.array_equal(image.level(reduction), reduced_pixels_of(name, reduction))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "taking whole tiles instead" in warnings[0].getMessage()


@pytest.mark.parametrize("level", [logging.WARNING, logging.CRITICAL])
@pytest.mark.parametrize("openjpeg", ROUTES)
@pytest.mark.parametrize("name", ["plain", "sop", "eph", "sop_eph"])
def test_a_plt_whose_sum_is_right_and_whose_packets_are_not_is_noticed(
    name, openjpeg, level, damaged, caplog, monkeypatch
) -> None:
    data = bytearray(path_of(name).read_bytes())
    start = tile_starts(bytes(data))[0]
    at = start + 17
    single = [n for n in range(at, at + 10) if 1 < data[n] < 127][:2]  # last bytes of two lengths
    data[single[0]] += 1
    data[single[1]] -= 1
    monkeypatch.setattr(logging.getLogger("rasterio"), "level", level)
    logging.getLogger("rasterio").manager._clear_cache()
    with open_image(damaged(bytes(data)), openjpeg=openjpeg) as image:
        assert np.array_equal(image.level(), pixels_of(name))
    assert [r.getMessage() for r in caplog.records if "PLT contradicts the packets" in r.getMessage()]
    logging.disable(logging.CRITICAL)
    try:
        with open_image(damaged(bytes(data)), openjpeg=openjpeg) as image:
            assert np.array_equal(image.level(), pixels_of(name))
        assert logging.root.manager.disable == logging.CRITICAL
    finally:
        logging.disable(logging.NOTSET)
    assert not [r for r in caplog.records if "SOP" in r.getMessage()]


def test_a_tlm_that_contradicts_the_tile_parts_is_passed_over_with_one_warning(damaged, caplog) -> None:
    data = bytearray(path_of("tlm").read_bytes())
    at = data.index(b"\xff\x55")
    step = (struct.unpack_from(">H", data, at + 2)[0] - 4) // 9
    data[at + 6 + 3 * step - 1] += 2
    data[at + 6 + 4 * step - 1] -= 2
    with open_image(damaged(bytes(data))) as image:
        assert np.array_equal(image.level(), pixels_of("tlm"))
    assert [record.getMessage() for record in caplog.records if "TLM contradicts the tile-parts" in record.getMessage()]
    assert len(caplog.records) == 1


def test_a_tlm_of_another_length_than_the_file_is_passed_over(damaged, caplog) -> None:
    data = bytearray(path_of("tlm").read_bytes())
    at = data.index(b"\xff\x55")
    data[at + 2 + struct.unpack_from(">H", data, at + 2)[0] - 1] ^= 1
    with open_image(damaged(bytes(data))) as image:
        assert np.array_equal(image.level(), pixels_of("tlm"))
    assert "TLM contradicts the length of the file" in caplog.text


@pytest.mark.parametrize("openjpeg", ROUTES)
def test_a_file_cut_in_a_tile_still_has_the_tiles_before(openjpeg, damaged) -> None:
    data = path_of("plain").read_bytes()
    starts = tile_starts(data)
    with open_image(damaged(data[: starts[4] + 100]), openjpeg=openjpeg) as image:
        assert np.array_equal(image.window(Window(0, 0, 64, 96)), pixels_of("plain")[:, :96, :64])
        with pytest.raises(
            InputError, match=r"damaged.j2k: the file is cut short: it ends at byte \d+, tile 4 at byte"
        ):
            image.window(Window(64, 48, 10, 10))
        with pytest.raises(InputError, match=r"tile 5 of 9 is not in the file"):
            image.window(Window(140, 48, 10, 10))
        with pytest.raises(InputError, match=r"damaged.j2k"):
            image.level()


@pytest.mark.parametrize("cut", [1, 2, 3, 30])
def test_a_file_without_its_last_bytes_is_told(cut: int, damaged) -> None:
    data = path_of("plain").read_bytes()
    with open_image(damaged(data[:-cut])) as image:
        assert np.array_equal(image.window(Window(0, 0, 40, 40)), pixels_of("plain")[:, :40, :40])
        with pytest.raises(InputError, match="cut short"):
            image.level()


@pytest.mark.parametrize("length", [4, 12, 50, 110, 116])
def test_a_file_cut_in_its_header_is_told(length: int, damaged) -> None:
    with pytest.raises(InputError, match=r"damaged.j2k: .*(end|not a)") as caught:
        open_image(damaged(path_of("plain").read_bytes()[:length]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((4, b"\0\x01"), "tile 0|contradict|not in the file"),  # Isot: two tiles 1, none 0
        ((4, b"\0\x77"), "tile 119 of 9"),
        ((6, b"\0\0\0\x20"), "tile 0|no marker|does not end"),  # Psot far too short
        ((6, b"\x7f\0\0\0"), "cut short"),
        ((10, b"\x03"), "contradict"),  # TPsot
        ((11, b"\x02"), "contradict"),  # TNsot
        ((0, b"\xff\x10"), "no marker segment|not in the file"),
    ],
)
def test_damage_in_sot_is_told(change, message, damaged) -> None:
    data = bytearray(path_of("plain").read_bytes())
    at, new = change
    start = tile_starts(bytes(data))[0] + at
    data[start : start + len(new)] = new
    with pytest.raises(InputError, match=message), open_image(damaged(bytes(data))) as image:
        image.window(Window(0, 0, 30, 30))


@pytest.mark.parametrize("openjpeg", ROUTES)
@pytest.mark.parametrize("name", ["plain", "tlm", "parts"])
@pytest.mark.parametrize("at", [9, 13, 24, 28])
def test_damage_of_siz_is_told_every_time(at, name, openjpeg, damaged) -> None:
    """Xsiz, Ysiz, XTsiz and YTsiz: more tiles than there are, or fewer."""
    data = bytearray(path_of(name).read_bytes())
    data[at] ^= 1
    path = damaged(bytes(data))
    for _ in range(2):
        with pytest.raises(InputError), open_image(path, openjpeg=openjpeg) as image:
            image.window(Window(20, 20, 90, 90))


def test_bytes_lost_or_put_in_are_told(damaged) -> None:
    data = path_of("plain").read_bytes()
    start = tile_starts(data)[3] + 400
    for broken in (data[:start] + data[start + 1 :], data[:start] + b"\x55" + data[start:]):
        with open_image(damaged(broken)) as image, pytest.raises(InputError, match="tile 3 does not end"):
            image.window(Window(0, 50, 30, 30))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # rasterio, of GDAL messages not in UTF-8
@pytest.mark.parametrize("seed", range(8))
def test_mutated_files_give_pixels_on_both_routes_alike_or_an_input_error(seed: int, tmp_path: Path) -> None:
    outcomes = Counter(case.outcome for case in fuzz(seed, 60, tmp_path))
    assert outcomes["refused"] > 5
    assert outcomes["right"] > 10
    assert outcomes["other"] <= 3  # damage of a packet that is not read cannot be known
    assert not outcomes["routes differ"]


def test_threads_that_listen_to_gdal_do_not_silence_one_another(damaged, monkeypatch) -> None:
    """By the portable route, with GDAL's log switched off: whoever is done first must not put it back for the others."""
    data = bytearray(path_of("plain").read_bytes())
    start = tile_starts(bytes(data))[0]
    single = [n for n in range(start + 17, start + 27) if 1 < data[n] < 127][:2]
    data[single[0]] += 1
    data[single[1]] -= 1
    path, log = damaged(bytes(data)), logging.getLogger("rasterio")
    monkeypatch.setattr(log, "level", logging.CRITICAL)
    log.manager._clear_cache()

    def read(name: Path) -> np.ndarray:
        with open_image(name, openjpeg="off") as image:
            return image.level()

    names = [path_of("tlm"), path, path_of("plain"), path] * 20
    expected = {path: pixels_of("plain"), path_of("plain"): pixels_of("plain"), path_of("tlm"): pixels_of("tlm")}
    with ThreadPoolExecutor(4) as pool:
        for name, pixels in zip(names, pool.map(read, names), strict=True):
            assert np.array_equal(pixels, expected[name])
    assert not logging.getLogger("rasterio._err").isEnabledFor(logging.ERROR)
