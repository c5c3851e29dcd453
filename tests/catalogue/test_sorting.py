"""The order of results."""

import pytest

from s2kit.catalogue.record import named_record
from s2kit.catalogue.sorting import ordered, parse_sort
from s2kit.errors import UsageError

STEM = "S2A_MSIL2A_202001{day}T105441_N0208_R051_T31TCJ_20200105T131500"
A, B, C = (
    named_record(STEM.format(day=day), cloud_cover=cloud) for day, cloud in (("05", 20.0), ("06", None), ("07", 10.0))
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("datetime", [A, B, C]),
        ("-datetime", [C, B, A]),
        ("cloud", [C, A, B]),
        ("-eo:cloud_cover", [A, C, B]),
        ("tile,-datetime", [C, B, A]),
        ("+id", [A, B, C]),
        ("none", [B, C, A]),
    ],
)
def test_orders(text: str, expected: list[object]) -> None:
    assert ordered([B, C, A], parse_sort(text)) == expected


def test_a_field_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match="beauty"):
        parse_sort("datetime,beauty")
