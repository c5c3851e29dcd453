"""Classes of the scene classification."""

import pytest

from s2kit.errors import InputError
from s2kit.product.scl import CLEAR, CLOUDY, SCENE_CLASSES, class_name, parse_classes, share_of, unknown_codes


def test_table():
    assert list(SCENE_CLASSES) == list(range(12))
    assert class_name(4) == "vegetation"
    assert class_name(12) == "code 12 (unknown)"
    assert not CLEAR & CLOUDY


def test_classes():
    assert parse_classes("3_8_9_10_11") == {3, 8, 9, 10, 11} == parse_classes("3, 8,9,10,11")
    for bad in ("12", "3,,4", "cloud", "-1", ""):
        with pytest.raises(InputError, match="does not exist"):
            parse_classes(bad)


def test_shares_leave_no_data_out():
    assert share_of({0: 100, 4: 30, 9: 10}, CLOUDY) == 0.25
    assert share_of({0: 100}, CLOUDY) is None
    assert share_of({4: 186, 5: 1}, CLEAR) == 1.0
    assert share_of({4: 1, 12: 1}, CLEAR) == 0.5


def test_codes_that_do_not_exist_are_told():
    assert unknown_codes({4: 1, 12: 2, 99: 1}) == (12, 99)
