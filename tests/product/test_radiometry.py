import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.product.metadata import Radiometry
from s2kit.product.radiometry import digital, physical, to_physical

SINCE_0400 = Radiometry(10000.0, -1000.0)


def test_offset_is_added_before_the_division():
    dn = np.array([[0, 1, 1000, 11000]], np.uint16)
    values = to_physical(dn, SINCE_0400)
    assert values.dtype == np.float32
    assert np.isnan(values[0, 0])
    assert values[0, 1:].tolist() == pytest.approx([-0.0999, 0.0, 1.0])


def test_no_data_stays_no_data_without_an_offset():
    values = to_physical(np.array([0, 5000], np.uint16), Radiometry(10000.0, 0.0))
    assert np.isnan(values[0])
    assert values[1] == pytest.approx(0.5)


def test_aerosol_has_its_own_quantification():
    assert to_physical(np.array([132], np.uint16), Radiometry(1000.0, 0.0))[0] == pytest.approx(0.132)


@given(st.floats(-0.1, 6.0), st.sampled_from([0.0, -1000.0]), st.sampled_from([1000.0, 10000.0]))
def test_digital_undoes_physical(value, offset, quantification):
    radiometry = Radiometry(quantification, offset)
    assert physical(digital(value, radiometry), radiometry) == pytest.approx(value, abs=1e-9)
