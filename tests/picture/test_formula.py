"""Formulas of the user's own: what is computed, and what is refused before anything is."""

import pickle

import numpy as np
import pytest

from s2kit.errors import InputError
from s2kit.picture.formula import LONGEST, parse_formula
from s2kit.picture.indices import INDICES, compute, find_index

NIR, RED = np.array([0.4, -0.01, 0.3, np.nan], np.float32), np.array([0.1, 0.02, -0.01, 0.1], np.float32)


@pytest.mark.parametrize(
    ("text", "bands", "values"),
    [
        ("(B08-B04)/(B08+B04+0.5)", ("B08", "B04"), (NIR - RED) / (NIR + RED + 0.5)),
        ("nir / red", ("B08", "B04"), NIR / RED),
        ("2.5*(nir08 - b4)", ("B8A", "B04"), 2.5 * (NIR - RED)),
        ("sqrt(max(B08, B04)) - abs(-B04) ** 2", ("B08", "B04"), np.sqrt(np.maximum(NIR, RED)) - np.abs(RED) ** 2),
        ("min(log(exp(B08)), 1) + (+B04)", ("B08", "B04"), np.minimum(NIR, 1) + RED),
        ("B08", ("B08",), NIR),
    ],
)
def test_values(text, bands, values):
    formula = pickle.loads(pickle.dumps(parse_formula(text)))
    assert formula.bands == bands
    made = formula(*(NIR, RED)[: len(bands)])
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, values, rtol=1e-5)


def test_a_normalised_difference_is_that_of_the_table():
    """Reflectance below 0 is clipped in either; the same text of another name has the same values."""
    mine, ndvi = find_index("mine=(nir - red)/(red + nir)"), INDICES["ndvi"]
    assert mine.formula == "(B08 - B04) / (B04 + B08)"
    assert (
        compute(mine, [NIR, RED]).tolist()[:3] == compute(ndvi, [NIR, RED]).tolist()[:3] == pytest.approx([0.6, -1, 1])
    )


def test_what_goes_in_is_not_changed():
    stored = np.array([np.inf, 1.0], np.float32)
    assert np.isnan(compute(find_index("x=B08"), [stored])).tolist() == [True, False]
    assert stored[0] == np.inf


def test_division_by_zero_and_overflow_are_no_data():
    zero = np.zeros(1, np.float32)
    for text in ("x=1/B08", "x=9**9**9**9*(B08+1)", "x=log(B08-1)", "x=1e400*B08"):
        assert np.isnan(compute(find_index(text), [zero]))


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "1+1", "B08 +", "B08.real", "B08[0]", "__import__('os').system('true')", "open('x')", "eval('1')",
        "lambda: B08", "B08 if B04 else B03", "B08 > B04", "B08 and B04", "[B08]", "B08, B04", "sqrt(B08, B04)",
        "sqrt(x=B08)", "max(B08)", "B08 == B04", "B08 + True", "B08 + 'a'", "B08 + 1j", "not B08", "~B08", "B08 % 2",
        "B08 // 2", "B08 @ B04", "SCL + 1", "TCI", "crimson", "(x := B08)", "B08 for B08 in B04", "f'{B08}'",
        "(" * 300 + "B08" + ")" * 300, "-" * 400 + "B08", "B08+" * 200 + "B08", "B08\x00",
    ],
)  # fmt: skip
def test_whatever_else_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_formula(text)
    assert caught.value.hint
    assert len(caught.value.message) < 160


def test_a_power_is_not_a_hat():
    with pytest.raises(InputError) as caught:
        parse_formula("B08 ^ 2")
    assert caught.value.hint == "a power is written **, not ^"


def test_the_longest_formula():
    text = "B08" + " " * (LONGEST - 3)
    assert parse_formula(text).bands == ("B08",)
    with pytest.raises(InputError, match=f"{LONGEST + 1} characters"):
        parse_formula(text + " ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ndvi=B08-B04", "ndvi is .* already"),
        ("a b=B08", "no name of an index"),
        ("=B08", "no name of an index"),
        ("../x=B08", "no name of an index"),
        ("x" * 41 + "=B08", "no name of an index"),
        ("x=", "formula ''"),
    ],
)
def test_names_of_formulas(text, message):
    with pytest.raises(InputError, match=message):
        find_index(text)


def test_a_spec_reads_itself():
    index = find_index("Mine=(nir-red)*2")
    assert (index.name, index.spec) == ("mine", "mine=(B08 - B04) * 2")
    assert find_index(index.spec) == index
    assert find_index("ndvi=(B08 - B04) / (B08 + B04)") is INDICES["ndvi"]


@pytest.mark.parametrize("name", INDICES)
def test_the_formulas_of_the_table_can_be_typed(name):
    """The table's text, typed as a formula, gives the table's values."""
    index = INDICES[name]
    typed = find_index(f"mine={index.formula.replace('^', '**')}")
    rng = np.random.default_rng(1)
    bands = {band: rng.uniform(0.01, 0.6, 50).astype(np.float32) for band in index.bands}
    table = compute(index, [bands[band] for band in index.bands])
    np.testing.assert_allclose(compute(typed, [bands[band] for band in typed.bands]), table, atol=1e-5)


def test_a_substitute_is_named_in_the_formula():
    index = INDICES["msavi"].reading(["B8A", "B04"])
    assert (index.bands, index.formula) == (("B8A", "B04"), INDICES["msavi"].formula.replace("B08", "B8A"))
