"""Coordinates between CRSs."""

import pytest
from shapely.geometry import Point, box

from s2kit.area.projection import crs_epsg, project, project_all, project_point
from s2kit.errors import InputError


def test_box_of_the_older_system():
    x, y = project_point(7.54167, 51.880772, 4326, 32632)
    assert (x, y) == pytest.approx((399621.666, 5748782.570), abs=0.01)


def test_there_and_back():
    square = box(1, 43, 1.1, 43.1)
    assert project(project(square, 4326, 32631), 32631, 4326).equals_exact(square, 1e-9)
    assert project_all([square], 4326, 4326) == [square]


def test_both_sides_of_the_antimeridian_are_one_place_in_utm():
    (west, east) = (project_point(lon, 10, 4326, 32660)[0] for lon in (179.999, -179.999))
    assert east - west == pytest.approx(219, rel=0.01)


def test_what_cannot_be():
    with pytest.raises(InputError):
        project(Point(1, 1), 4326, 999999)
    with pytest.raises(InputError):
        project(Point(float("inf"), 1), 4326, 32631)
    with pytest.raises(InputError, match="not known"):
        crs_epsg("nowhere", "file")
    assert crs_epsg("EPSG:32631", "file") == 32631
