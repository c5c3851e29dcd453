"""Invented images are encoded as ESA encodes: the markers say so, beside those of real files."""

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio

from s2kit.demo.series import Scene
from s2kit.demo.writer import BANDS_60M, new_folder, write_jp2
from s2kit.errors import OutputError
from s2kit.grid import Grid
from support.scenes import built_scene

COD, QCD, PLT, TLM, SIZ, SOT, SOD = 0xFF52, 0xFF5C, 0xFF58, 0xFF55, 0xFF51, 0xFF90, 0xFF93


def markers(path: Path) -> list[tuple[int, bytes]]:
    """Marker segments of the main header and of all tile-part headers (ISO/IEC 15444-1, annex A)."""
    data = path.read_bytes()
    at = data.index(b"\xff\x4f\xff\x51") + 2
    found, tile_end = [], 0
    while True:
        (code,) = struct.unpack_from(">H", data, at)
        if code == 0xFFD9:
            return found
        if code == SOD:
            at = tile_end
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if code == SOT:
            tile_end = at + struct.unpack_from(">I", body, 2)[0]
        found.append((code, body))
        at += 2 + length


def coding(path: Path) -> dict[str, object]:
    segments = markers(path)
    first = dict(reversed(segments))
    cod, siz = first[COD], first[SIZ]
    tiles = sum(code == SOT for code, _ in segments)
    return {
        "progression": cod[1],
        "layers": struct.unpack_from(">H", cod, 2)[0],
        "levels": cod[5],
        "code_block": (4 << cod[6], 4 << cod[7]),
        "style": cod[8],
        "reversible": cod[9] == 1,
        "precincts": {(1 << (size & 15), 1 << (size >> 4)) for size in cod[10:]},
        "tile": struct.unpack_from(">II", siz, 18),
        "bits": siz[36] + 1,
        "components": struct.unpack_from(">H", siz, 34)[0],
        "guard_bits_and_style": first[QCD][0] & 31,
        "plt_in_every_tile": sum(code == PLT for code, _ in segments) >= tiles,
        "one_part_a_tile": all(body[6] == 0 for code, body in segments if code == SOT),
        "tlm": any(code == TLM for code, _ in segments),
    }


REAL = "S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454.SAFE"


@pytest.mark.parametrize(
    "name",
    [
        *("AOT_10m", "AOT_20m", "SCL_20m", "B04_60m", "SCL_60m", "TCI_60m", "MSK_CLASSI_B00", "MSK_CLDPRB_20m"),
        *("MSK_DETFOO_B02", "MSK_DETFOO_B05", "MSK_QUALIT_B01", "MSK_QUALIT_B02"),
    ],
)
def test_coding_equals_esas(scene: Scene, real_l2a: Path, name: str) -> None:
    (ours,) = scene.l2a[0].rglob(f"*{name}.jp2")
    (real,) = real_l2a.rglob(f"*{name}.jp2")
    expected = coding(real)
    with rasterio.open(ours) as image:
        expected["tile"] = tuple(min(side, image.width) for side in expected["tile"])
    assert coding(ours) == expected


@pytest.mark.parametrize(
    ("name", "tile", "code_block", "precinct", "tiles"),
    [("B02_10m", 1024, 64, 256, 4), ("B11_20m", 640, 8, 128, 4), ("B09_60m", 192, 4, 64, 4)],
)
def test_coding_of_bands(scene: Scene, name: str, tile: int, code_block: int, precinct: int, tiles: int) -> None:
    (path,) = scene.l2a[1].rglob(f"*{name}.jp2")
    found = coding(path)
    assert found["tile"] == (tile, tile)
    assert found["code_block"] == (code_block, code_block)
    assert found["precincts"] == {(precinct, precinct)}
    assert (found["bits"], found["levels"], found["layers"], found["progression"]) == (15, 4, 1, 0)
    assert found["reversible"]
    assert found["plt_in_every_tile"]
    assert not found["tlm"]
    assert sum(code == SOT for code, _ in markers(path)) == tiles


def test_tile_part_lengths_when_asked_for() -> None:
    product = built_scene(side=600, dates=1, levels=("L2A",), tlm=True).l2a[0]
    assert all(coding(path)["tlm"] for path in product.rglob("IMG_DATA/**/*.jp2"))


def test_georeference_is_in_the_file(scene: Scene) -> None:
    (path,) = scene.l1c[0].rglob("IMG_DATA/*_B05.jp2")
    with rasterio.open(path) as image:
        assert image.crs.to_epsg() == 32631
        assert image.transform[:6] == (20.0, 0.0, 300000.0, 0.0, -20.0, 4900020.0)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    grid = Grid(32631, 0.0, 0.0, 60.0, 64, 64)
    with pytest.raises(OutputError, match="missing"):
        write_jp2(tmp_path / "missing" / "a.jp2", np.zeros((1, 64, 64), np.uint16), grid, BANDS_60M)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def interrupted() -> None:
        with new_folder(tmp_path / "x") as part:
            (part / "half").write_text("…")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
