"""OpenJPEG through ctypes: trusted only when it proves itself, and silent where it does not."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from s2kit.errors import InputError
from s2kit.jp2 import openjpeg
from s2kit.jp2.packets import Area
from s2kit.jp2.window import SmallCodestream

PROOF = SmallCodestream(openjpeg._PROOF, openjpeg._PROOF_AREA, marked=False)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A process that has not looked for the library yet."""
    monkeypatch.setattr(openjpeg, "_state", {})
    monkeypatch.setattr(openjpeg, "_reasons", [])
    return monkeypatch


def library() -> openjpeg.OpenJpeg:
    found = openjpeg.load()
    assert found is not None, "rasterio's wheel carries libopenjp2"
    return found


def test_the_library_of_the_wheel_is_found_and_named() -> None:
    assert openjpeg.route_in_use() == f"OpenJPEG {library().version} area decode ({Path(library().path).name})"
    assert openjpeg.route_in_use("off") == "rasterio's in-memory files (openjpeg = off)"


def test_any_area_of_the_built_in_codestream_is_right() -> None:
    for x0, y0, x1, y1 in [(100, 50, 130, 70), (100, 50, 101, 51), (115, 65, 117, 67), (129, 69, 130, 70)]:
        row, col = np.mgrid[y0:y1, x0:x1]
        pixels = library().decode(PROOF, Area(x0, y0, x1, y1), 1, 15)
        assert np.array_equal(pixels[0], openjpeg._proof_pixels(row, col))


def test_no_library_means_the_other_route(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(openjpeg, "library_paths", lambda *_: [])
    assert openjpeg.load() is None
    assert openjpeg.route_in_use() == "rasterio's in-memory files (no libopenjp2 found)"


def test_a_file_that_is_no_library_is_passed_over(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "libopenjp2.so"
    broken.write_bytes(b"not a library")
    good = library().path
    fresh.setattr(openjpeg, "_state", {})
    fresh.setattr(openjpeg, "library_paths", lambda *_: [str(broken), ctypes.util.find_library("c"), good])
    found = openjpeg.load()
    assert found is not None
    assert found.path == good
    assert len(openjpeg._reasons) == 2


@pytest.mark.parametrize("version", ["2.3.1", "3.0.0", "1.5.2"])
def test_unknown_versions_are_not_trusted(fresh: pytest.MonkeyPatch, version: str) -> None:
    fresh.setattr(openjpeg, "_version_of", lambda _: version)
    assert openjpeg.load() is None
    assert f"OpenJPEG {version} is not known" in openjpeg.route_in_use()


def test_a_library_that_decodes_wrongly_is_not_trusted(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(openjpeg, "_proof_pixels", lambda row, col: row + col)
    assert openjpeg.load() is None
    assert "decodes the built-in codestream wrongly" in openjpeg.route_in_use()


@pytest.mark.parametrize("length", [1, 2, 40, 120, 200, 900, 1500])
def test_data_cut_anywhere_is_an_input_error(length: int) -> None:
    with pytest.raises(InputError, match="cannot be decoded"):
        library().decode(SmallCodestream(PROOF.data[:length], PROOF.area, marked=False), Area(*PROOF.area), 1, 15)


def test_what_was_not_asked_for_is_an_input_error() -> None:
    with pytest.raises(InputError, match="1 components instead of 3"):
        library().decode(PROOF, Area(100, 50, 110, 60), 3, 15)
    with pytest.raises(InputError, match="instead of"):
        library().decode(PROOF, Area(100, 50, 110, 60), 1, 8)
    with pytest.raises(InputError, match="instead of"):
        library().decode(PROOF, Area(120, 60, 140, 80), 1, 15)
    with pytest.raises(InputError, match="coordinates beyond"):
        library().decode(PROOF, Area(0, 0, 1 << 31, 5), 1, 15)


def test_a_hundred_failures_leave_nothing_behind() -> None:
    for _ in range(100):
        with pytest.raises(InputError):
            library().decode(SmallCodestream(PROOF.data[:300], PROOF.area, marked=False), Area(*PROOF.area), 1, 15)
    assert library().decode(PROOF, Area(*PROOF.area), 1, 15).shape == (1, 20, 30)
