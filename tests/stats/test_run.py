"""Which product answers for which parcel, and which products are clear."""

import json
from datetime import UTC, datetime

import pytest
from shapely.geometry import Polygon, shape

from s2kit.area.mgrs import tile_bounds, tile_polygon
from s2kit.area.parcel import Parcel
from s2kit.chips.candidates import candidates, outlines_in
from s2kit.chips.selection import Candidate
from s2kit.product.ref import ProductRef
from s2kit.product.tile import TileId
from s2kit.settings import Settings
from s2kit.stats.pick import pick
from s2kit.stats.rows import StatsRow, clear_products
from s2kit.stats.task import ZonalResult

NOON = datetime(2018, 1, 1, 10, 54, 41, tzinfo=UTC)


def parcel(geometry, pid="p"):
    return Parcel(pid=pid, geometry=geometry)


@pytest.fixture
def ring(shared_data):
    path = shared_data.parent / "cases" / "stats" / "ring-at-the-edge-of-31TDH.geojson"
    return shape(json.loads(path.read_text())["features"][0]["geometry"])


def test_a_ring_within_the_chord_of_a_footprint_but_beyond_the_tile_is_not_covered(real_l1c, ring, tmp_path):
    (product,) = candidates([ProductRef(str(real_l1c))], Settings(dataset=tmp_path))
    assert product.footprint.contains(ring)  # in degrees
    assert pick([product], [parcel(ring)]) == []


def test_of_two_tiles_the_one_that_has_the_pixels_is_read(real_l1c, ring, tmp_path):
    (product,) = candidates([ProductRef(str(real_l1c))], Settings(dataset=tmp_path))
    south = Candidate(
        id="south", level="L1C", sensing=product.sensing, baseline="02.00", tile="31TDG",
        footprint=tile_polygon(TileId.parse("31TDG")),
    )  # fmt: skip
    for found in ([product, south], [south, product]):
        (one,) = pick(found, [parcel(ring)])
        assert (one.product.id, one.covered_pct, one.companions) == ("south", 100.0, ())


def test_outlines_are_cut_to_the_tile():
    corners = tile_polygon(TileId.parse("31TDH"), points_per_edge=1)
    one = Candidate(id="a", level="L1C", sensing=NOON, baseline="02.06", tile="31TDH", footprint=corners.buffer(0.01))
    (outline,) = outlines_in([one], 32631)
    assert outline.bounds == pytest.approx(tile_bounds(TileId.parse("31TDH")), abs=1e-6)
    elsewhere = Candidate(id="b", level="L1C", sensing=NOON, baseline="02.06", tile="", footprint=Polygon(corners))
    (whole,) = outlines_in([elsewhere], 32631)
    assert whole.area > 0


def row(product, clear_pct, seen_pct, pixels=100):
    numbers = ZonalResult(0, product, "SCL", pixels, seen_pct, clear_pct)
    return StatsRow("p", product, NOON, "L2A", "31TDH", 100.0, numbers)


def test_unseen_pixels_are_not_clear():
    rows = [row("whole", 100.0, 100.0), row("half", 100.0, 50.0), row("cloudy", 40.0, 100.0), row("none", None, 0.0)]
    assert clear_products(rows, 100) == ["whole"]
    assert clear_products(rows, 50) == ["half", "whole"]
    assert clear_products(rows, 100, 50) == ["half", "whole"]
    assert clear_products(rows, 100, 60) == ["whole"]
