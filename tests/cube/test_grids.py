"""The grid of a cube."""

import pytest
from shapely.geometry import MultiPolygon, box

from s2kit.area.aoi import bbox_aoi, tile_aoi
from s2kit.area.mgrs import tile_bounds
from s2kit.cube.grids import block_side, blocks, bounds_in, bounds_of, cube_grid, parse_crs, refuse_degrees, zone_of
from s2kit.errors import InputError, UsageError
from s2kit.grid import Grid
from s2kit.product.tile import TileId


@pytest.mark.parametrize(
    ("area", "epsg"),
    [
        (box(1, 43, 2, 44), 32631),
        (box(5, 43, 6.5, 44), 32631),
        (box(5.6, 43, 6.5, 44), 32632),
        (box(-1, -2, 1, 1), 32730),  # more of it is in the south, and as much west as east
        (box(4, 60, 6, 61), 32632),  # south-west Norway
        (box(8, 78, 8.9, 79), 32631),  # Svalbard
        (box(10, 78, 20, 79), 32633),
        (bbox_aoi(178, -18, -179, -17).geometry, 32760),
        (bbox_aoi(179, -18, -178, -17).geometry, 32701),
    ],
)
def test_the_zone_is_that_of_most_of_the_area(area, epsg):
    assert zone_of(area) == epsg


@pytest.mark.parametrize("tile", ["31TCJ", "19HBC", "60KXF"])
def test_a_tile_is_its_own_grid(tile):
    grid = cube_grid(
        bounds_of(tile_aoi(tile).geometry, TileId.parse(tile).epsg), TileId.parse(tile).epsg, 10, [10, 20, 60]
    )
    own = tile_bounds(TileId.parse(tile))
    inner = grid.covering(own)
    assert grid.bounds_of(inner) == own, "the tile's pixels are pixels of the grid"
    assert abs(grid.west - own.west) <= 60
    assert abs(grid.north - own.north) <= 60


def test_the_origin_is_a_multiple_of_the_coarsest_resolution():
    grid = cube_grid(bounds_of(box(1.5, 43.6, 1.52, 43.61), 32631), 32631, 10, [10, 60])
    assert grid.west % 60 == 0
    assert grid.north % 60 == 0
    assert grid.width % 6 == 0
    south = cube_grid(bounds_of(box(-70.5, -33.6, -70.4, -33.5), 32719), 32719, 10, [60])
    assert (10_000_000 - south.north) % 60 == 0


def test_an_area_over_the_antimeridian_and_one_over_three_zones_have_a_grid():
    pacific = cube_grid(bounds_of(bbox_aoi(179.95, -18, -179.95, -17.95).geometry, 32760), 32760, 10, [10])
    assert 1000 < pacific.width < 1200
    wide = cube_grid(bounds_of(box(-0.5, 43, 12.5, 43.1), 32632), 32632, 100, [10])
    assert 10_000 < wide.width < 11_000


def test_degrees_and_metres_are_not_taken_for_one_another():
    with pytest.raises(UsageError, match="10 degrees"):
        refuse_degrees(4326, 10)
    refuse_degrees(3857, 10)
    grid = cube_grid(bounds_of(box(1, 43, 2, 44), 4326), 4326, 0.001, [10])
    assert (grid.width, grid.height) == (1000, 1000)


def test_half_a_continent_at_millimetres_is_refused():
    with pytest.raises(InputError, match="too large"):
        cube_grid(bounds_of(box(-10, 40, 20, 60), 32631), 32631, 0.001, [10])


@pytest.mark.parametrize(("text", "epsg"), [("auto", None), ("EPSG:32631", 32631), ("3857", 3857)])
def test_a_crs_is_read(text, epsg):
    assert parse_crs(text) == epsg


def test_other_words_are_no_crs():
    with pytest.raises(UsageError, match="--crs"):
        parse_crs("UTM")


def test_blocks_cover_a_grid_once():
    grid = Grid(32631, 0, 0, 10, 1100, 700)
    found = blocks(grid, 512)
    assert sum(one.width * one.height for one in found) == 1100 * 700
    assert {(one.col, one.row) for one in found} == {(c, r) for c in (0, 512, 1024) for r in (0, 512)}


def test_blocks_of_many_slices_are_smaller():
    assert block_side(4, 1) == 1024
    assert block_side(4, 60) == 512


def test_an_area_of_several_parts_has_one_zone():
    area = MultiPolygon([box(1, 43, 2, 44), box(7, 43, 7.5, 43.2)])
    assert zone_of(area) == 32631


def test_a_crs_that_ends_at_the_antimeridian_has_no_grid_over_it():
    both = bbox_aoi(179.95, -18, -179.95, -17.95).geometry
    for epsg in (3857, 4326):
        with pytest.raises(InputError, match="on both sides of the antimeridian"):
            bounds_of(both, epsg)
    west = bounds_of(bbox_aoi(179.95, -18, 180, -17.95).geometry, 4326)
    assert (west.west, west.east) == (179.95, 180)
    tile = cube_grid(bounds_of(both, 32760), 32760, 10, [10])
    with pytest.raises(InputError, match="on both sides of the antimeridian"):
        bounds_in(tile, 4326)
    assert bounds_of(bbox_aoi(-180, -80, 180, 80).geometry, 4326).west == -180, "the world is an area of its own"
