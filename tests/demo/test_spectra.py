"""Surfaces reflect what such surfaces reflect, and crops follow the year."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.demo.farmland import FIRST_PARCEL, Crop, FarmParcel
from s2kit.demo.landscape import Cover
from s2kit.demo.spectra import BAND_NAMES, canopy, palette

BLUE, RED, NIR, SWIR = (BAND_NAMES.index(name) for name in ("B02", "B04", "B08", "B11"))
parcels = st.builds(
    FarmParcel,
    st.just(0),
    st.sampled_from(Crop),
    st.floats(-20, 20),
    st.floats(0.6, 1.25),
    st.floats(0, 1),
)


def ndvi(crop: Crop, day: float) -> float:
    rho = palette([FarmParcel(0, crop, 0.0, 1.0, 0.4)], day).rho[:, FIRST_PARCEL]
    return float((rho[NIR] - rho[RED]) / (rho[NIR] + rho[RED]))


@given(parcels, st.floats(1, 366))
def test_shares_of_a_canopy_sum_to_one(parcel: FarmParcel, day: float) -> None:
    shares = canopy(parcel, day)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0


@given(parcels, st.floats(1, 366))
def test_reflectances_are_possible(parcel: FarmParcel, day: float) -> None:
    rho = palette([parcel], day).rho
    assert rho.min() >= 0
    assert rho.max() < 0.6


def test_water_vegetation_and_soil_look_like_themselves() -> None:
    rho = palette([], 110).rho
    assert rho[NIR, Cover.RIVER] < rho[RED, Cover.RIVER] < 0.1
    assert rho[SWIR, Cover.LAKE] < 0.01
    for wood in (Cover.DECIDUOUS, Cover.CONIFER):
        assert (rho[NIR, wood] - rho[RED, wood]) / (rho[NIR, wood] + rho[RED, wood]) > 0.7
    assert rho[BLUE, Cover.GRAVEL] < rho[RED, Cover.GRAVEL] < rho[SWIR, Cover.GRAVEL]


def test_crops_grow_and_ripen() -> None:
    assert ndvi(Crop.WHEAT, 110) > 0.75 > 0.45 > ndvi(Crop.WHEAT, 178)
    assert ndvi(Crop.MAIZE, 110) < 0.3 < 0.7 < ndvi(Crop.MAIZE, 190)
    assert ndvi(Crop.SUNFLOWER, 110) < 0.3 < 0.6 < ndvi(Crop.SUNFLOWER, 175)


def test_rape_in_bloom_is_yellow() -> None:
    rape, wheat = (
        palette([FarmParcel(0, crop, 0.0, 1.0, 0.4)], 108).rho[:, FIRST_PARCEL] for crop in (Crop.RAPE, Crop.WHEAT)
    )
    assert rape[RED] > 2 * wheat[RED]
    assert rape[2] > 2 * rape[BLUE]


def test_vegetated_says_where_the_ndvi_is_high() -> None:
    colours = palette([FarmParcel(0, Crop.MAIZE, 0.0, 1.0, 0.4), FarmParcel(1, Crop.WHEAT, 0.0, 1.0, 0.4)], 110)
    assert colours.vegetated[[Cover.DECIDUOUS, Cover.RIVER, FIRST_PARCEL, FIRST_PARCEL + 1]].tolist() == [
        True,
        False,
        False,
        True,
    ]
