import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.product.baseline import Baseline, RelativeOrbit

BASELINES = st.builds(Baseline, st.integers(0, 99), st.integers(0, 99))
ORBITS = st.builds(RelativeOrbit, st.integers(1, 143))


@given(BASELINES)
def test_a_baseline_reads_what_it_writes(baseline: Baseline) -> None:
    assert Baseline.parse(str(baseline)) == baseline
    assert Baseline.parse(baseline.code) == baseline
    assert Baseline.parse(baseline.code[1:]) == baseline


@given(BASELINES, BASELINES)
def test_baselines_are_ordered_by_both_parts(one: Baseline, other: Baseline) -> None:
    assert (one < other) == ((one.major, one.minor) < (other.major, other.minor))
    assert (one < other) == (str(one) < str(other))


def test_spellings_of_one_baseline() -> None:
    assert {Baseline.parse(text) for text in ("N0400", "0400", "04.00", "4.00", " 04.00 ")} == {Baseline(4, 0)}
    assert Baseline(4, 0).code == "N0400"
    assert str(Baseline(4, 0)) == "04.00"


@pytest.mark.parametrize(
    ("text", "offset"), [("02.04", 0), ("03.01", 0), ("04.00", -1000), ("05.00", -1000), ("05.11", -1000)]
)
def test_the_offset_came_with_04_00(text: str, offset: int) -> None:
    assert Baseline.parse(text).reflectance_offset == offset


@pytest.mark.parametrize("text", ["", "N", "N04", "4", "four", "04,00", "N04000", "-1.00"])
def test_what_is_no_baseline_is_named(text: str) -> None:
    with pytest.raises(InputError, match="baseline"):
        Baseline.parse(text)


def test_a_baseline_has_two_digits_a_part() -> None:
    with pytest.raises(InputError, match=r"100\.0"):
        Baseline(100, 0)


@given(ORBITS)
def test_an_orbit_reads_what_it_writes(orbit: RelativeOrbit) -> None:
    assert RelativeOrbit.parse(str(orbit)) == orbit
    assert RelativeOrbit.parse(str(int(orbit))) == orbit


@pytest.mark.parametrize("text", ["", "R", "R000", "R144", "51.0", "orbit"])
def test_what_is_no_orbit_is_named(text: str) -> None:
    with pytest.raises(InputError, match="orbit"):
        RelativeOrbit.parse(text)
