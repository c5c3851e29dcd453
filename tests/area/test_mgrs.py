"""Tile squares: ESA's own corners, and the projection against PROJ."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.warp import transform

from s2kit.area.mgrs import TILE_SIZE_M, tile_bounds, tile_polygon, utm_to_lonlat
from s2kit.errors import InputError
from s2kit.grid import Bounds
from s2kit.product.tile import TileId

# corners as the MTD_TL.xml of real products give them
CORNERS = {
    "31TDH": (399960, 4800000),
    "29UNU": (499980, 5900040),
    "33TWN": (499980, 5300040),
    "22HBD": (199980, 5900020),
    "53HNV": (499980, 6000040),
    "07HFE": (600000, 6500020),
    "01KAB": (99960, 8200000),
    "01WCP": (300000, 7400040),
}


@pytest.mark.parametrize(("tile", "corner"), CORNERS.items())
def test_a_tile_starts_where_esa_starts_it(tile: str, corner: tuple[int, int]) -> None:
    west, north = corner
    assert tile_bounds(TileId.parse(tile)) == Bounds(west, north - TILE_SIZE_M, west + TILE_SIZE_M, north)


def test_every_real_granule_lies_on_its_tiles_square(shared_data: Path) -> None:
    seen = set()
    for file in sorted(shared_data.rglob("*.xml")):
        if "34LBQ" in str(file):  # an altered name in that fixture: its path and pixels are those of 34LBP
            continue
        text = file.read_bytes()[:400_000].decode(errors="replace")
        tile = re.search(r"TILE_ID[^>]*>[^<]*_T(\d\d[A-Z]{3})_", text)
        corner = re.search(r"<ULX>(\d+)</ULX>\s*<ULY>(\d+)", text)
        if tile and corner:
            bounds = tile_bounds(TileId.parse(tile[1]))
            assert (bounds.west, bounds.north) == (float(corner[1]), float(corner[2])), file
            seen.add(tile[1])
    assert len(seen) >= 10


@given(zone=st.integers(1, 60), x=st.floats(100_000, 900_000), y=st.floats(0, 9_300_000), south=st.booleans())
def test_the_projection_agrees_with_proj_to_a_centimetre(zone: int, x: float, y: float, south: bool) -> None:
    epsg = (32700 if south else 32600) + zone
    if south:
        y = 10_000_000 - y
    lon, lat = utm_to_lonlat(epsg, x, y)
    (expected_lon,), (expected_lat,) = transform(f"EPSG:{epsg}", "EPSG:4326", [x], [y])
    assert lat == pytest.approx(expected_lat, abs=1e-7)
    assert (lon - expected_lon + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_a_square_is_a_ring_around_its_middle() -> None:
    polygon = tile_polygon(TileId.parse("31TCJ"))
    assert polygon.is_valid
    assert polygon.centroid.x == pytest.approx(1.2, abs=0.1)
    assert polygon.centroid.y == pytest.approx(43.75, abs=0.1)


@pytest.mark.parametrize("tile", ["31TJJ", "32TAJ", "31TCS"])
def test_letters_that_name_no_square_are_refused(tile: str) -> None:
    with pytest.raises(InputError, match=tile):
        tile_bounds(TileId.parse(tile))
