"""Counts and spreads, against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2kit.picture.zonal import Summary, class_histogram, histogram_text, summarise


@given(hnp.arrays(np.uint16, st.integers(1, 200)))
def test_summary_equals_numpy(values):
    found = summarise(values)
    wide = values.astype(np.float64)
    assert found.count == values.size
    assert found.mean == pytest.approx(wide.mean())
    assert found.std == pytest.approx(wide.std(), abs=1e-9)
    assert (found.min, found.max) == (wide.min(), wide.max())
    assert (found.p25, found.p50, found.p75) == pytest.approx(tuple(np.percentile(wide, [25, 50, 75])))


def test_nothing_has_no_spread():
    assert summarise(np.array([])) == Summary(0)
    assert summarise(np.array([np.nan])) == Summary(0)


def test_nan_is_left_out():
    assert summarise(np.array([[1.0, np.nan], [3.0, np.nan]])).mean == 2.0


def test_histogram_without_class_0():
    codes = np.array([[0, 4, 4], [5, 12, 0]], np.uint8)
    assert class_histogram(codes) == {4: 2, 5: 1, 12: 1}
    assert class_histogram(codes, codes == 4) == {4: 2}
    assert class_histogram(codes, codes > 99) == {}


def test_the_line_of_the_legacy_service():
    assert histogram_text({4: 187}) == "{4: 187}"
    assert histogram_text({5: 1, 4: 186}) == "{4: 186, 5: 1}"
    assert histogram_text({}) == "{}"
