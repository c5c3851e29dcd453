"""The land has what land has, in plausible shares, and is the same each time."""

import numpy as np
import pytest

from s2kit.demo.farmland import FIRST_PARCEL, Crop
from s2kit.demo.landscape import Cover, Landscape, make_landscape


@pytest.fixture(scope="module")
def land() -> Landscape:
    return make_landscape(7, 900)


def test_same_seed_same_land(land: Landscape) -> None:
    again = make_landscape(7, 900)
    assert again.parcels == land.parcels
    assert np.array_equal(again.surface, land.surface)
    assert np.array_equal(again.height_m, land.height_m)


def test_other_seed_other_land(land: Landscape) -> None:
    assert (make_landscape(8, 900).surface != land.surface).mean() > 0.5


def test_shares_of_covers(land: Landscape) -> None:
    share = np.bincount(land.surface.ravel(), minlength=FIRST_PARCEL) / land.surface.size
    assert 0.005 < share[Cover.RIVER] < 0.06
    assert 0.03 < share[Cover.DECIDUOUS] + share[Cover.CONIFER] < 0.5
    assert share[FIRST_PARCEL:].sum() > 0.4
    assert all(share[cover] > 0 for cover in Cover)


def test_the_river_runs_through(land: Landscape) -> None:
    river = land.surface == Cover.RIVER
    assert river.any(axis=0).mean() > 0.95  # bridges aside, every column has some


def test_the_river_lies_low(land: Landscape) -> None:
    river = land.surface == Cover.RIVER
    assert np.median(land.height_m[river]) < np.median(land.height_m) - 10


def test_fields_are_fields(land: Landscape) -> None:
    area = np.bincount(land.surface.ravel())[FIRST_PARCEL:]
    hectares = area[area > 0] / 100
    assert 0.5 < np.median(hectares) < 20
    assert {parcel.crop for parcel in land.parcels} == set(Crop)
    assert [parcel.number for parcel in land.parcels] == list(range(len(land.parcels)))
    assert land.surface.max() < FIRST_PARCEL + len(land.parcels)


def test_crops_have_distinct_codes() -> None:
    assert len({crop.code for crop in Crop}) == len({crop.title for crop in Crop}) == len(Crop)
