import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s2kit.errors import InputError
from s2kit.picture.indices import INDICES, SUBSTITUTES, compute, find_index
from s2kit.picture.palettes import palette
from s2kit.product.bands import BANDS

REFLECTANCE = {"B02": 0.04, "B03": 0.08, "B04": 0.06, "B05": 0.12, "B08": 0.42, "B8A": 0.44, "B11": 0.2, "B12": 0.1}
BY_HAND = {
    "ndvi": 0.36 / 0.48,
    "gndvi": 0.34 / 0.5,
    "ndre": 0.3 / 0.54,
    "evi": 2.5 * 0.36 / (0.42 + 0.36 - 0.3 + 1),
    "evi2": 2.5 * 0.36 / (0.42 + 0.144 + 1),
    "savi": 1.5 * 0.36 / 0.98,
    "msavi": (1.84 - (1.84**2 - 8 * 0.36) ** 0.5) / 2,
    "ndwi": -0.34 / 0.5,
    "mndwi": -0.12 / 0.28,
    "ndmi": 0.24 / 0.64,
    "nbr": 0.34 / 0.54,
    "ndsi": -0.12 / 0.28,
    "ndbi": -0.22 / 0.62,
    "bsi": (0.26 - 0.46) / (0.26 + 0.46),
}


def _values(name, reflectance):
    index = INDICES[name]
    return compute(index, [np.full((2, 2), reflectance[band], np.float32) for band in index.bands])


@pytest.mark.parametrize("name", INDICES)
def test_value_by_hand(name):
    values = _values(name, REFLECTANCE)
    assert values.dtype == np.float32
    assert values == pytest.approx(np.full((2, 2), BY_HAND[name]), abs=1e-6)


@pytest.mark.parametrize("name", INDICES)
def test_the_formula_that_is_shown_is_the_one_that_is_computed(name):
    index = INDICES[name]
    shown = index.formula.replace("^", "**").replace("sqrt", "np.sqrt")
    said = eval(shown, {"np": np, **REFLECTANCE})
    assert _values(name, REFLECTANCE)[0, 0] == pytest.approx(said, abs=1e-6)


@pytest.mark.parametrize("name", INDICES)
def test_every_index_names_real_bands_a_palette_and_a_source(name):
    index = INDICES[name]
    assert set(index.bands) <= set(BANDS)
    assert index.low < index.high
    assert palette(index.palette).shape == (256, 3)
    assert any(year in index.source for year in map(str, range(1970, 2025)))


def test_the_numbers_of_the_older_system():
    red, nir = np.array([4, 2], np.float32), np.array([1, 3], np.float32)
    assert compute(INDICES["ndvi"], [nir, red]).tolist() == pytest.approx([-0.6, 0.2])


def test_division_by_zero_is_no_data():
    zero, some = np.zeros(2, np.float32), np.array([0.0, 0.5], np.float32)
    values = compute(INDICES["ndvi"], [some, zero])
    assert np.isnan(values[0])
    assert values[1] == 1.0


def test_no_data_in_any_band_is_no_data():
    holes = np.array([np.nan, 0.3], np.float32)
    full = np.array([0.2, 0.1], np.float32)
    assert np.isnan(compute(INDICES["evi"], [full, holes, full])).tolist() == [True, False]


@given(
    arrays(np.float32, 20, elements=st.floats(0, 1, width=32)),
    arrays(np.float32, 20, elements=st.floats(0, 1, width=32)),
)
def test_a_normalised_difference_stays_within_one(first, second):
    values = compute(INDICES["ndvi"], [first, second])
    finite = values[np.isfinite(values)]
    assert (np.abs(finite) <= 1).all()


def test_unknown_index_is_named_with_the_nearest():
    with pytest.raises(InputError, match="no index 'ndvo'") as caught:
        find_index("ndvo")
    assert "did you mean ndvi?" in caught.value.hint
    assert find_index(" NDVI ").name == "ndvi"


def test_substitutes_are_the_two_of_the_near_infrared():
    assert dict(SUBSTITUTES) == {"B08": "B8A", "B8A": "B08"}
