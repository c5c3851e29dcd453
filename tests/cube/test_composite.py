"""Composites against numpy."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2kit.cube.composite import Composite, chosen, picked, reduce_stack
from s2kit.errors import InputError, UsageError


def stack_of(count, seed=0, side=9):
    rng = np.random.default_rng(seed)
    stack = rng.integers(1, 3000, (count, side, side)).astype(np.uint16)
    stack[rng.random(stack.shape) < 0.4] = 0
    return stack


def with_nan(stack):
    return np.where(stack == 0, np.nan, stack.astype(np.float64))


@given(st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_median_of_whole_numbers_is_numpys(count, seed):
    stack = stack_of(count, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nan_to_num(np.rint(np.nanmedian(with_nan(stack), axis=0))).astype(np.uint16)
    assert np.array_equal(reduce_stack(stack, Composite("median")), expected)


@given(st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_median_of_floats_is_numpys_to_the_bit(count, seed):
    stack = (with_nan(stack_of(count, seed)) / 10000).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(stack, axis=0)
    assert np.array_equal(reduce_stack(stack.copy(), Composite("median")), expected, equal_nan=True)


@pytest.mark.parametrize("text", ["mean", "p25", "p90"])
@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_mean_and_percentiles_are_numpys(text, count):
    stack = stack_of(count, 5)
    values = with_nan(stack)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact = np.nanmean(values, axis=0) if text == "mean" else np.nanpercentile(values, int(text[1:]), axis=0)
    expected = np.nan_to_num(np.rint(exact)).astype(np.uint16)
    assert np.array_equal(reduce_stack(stack, Composite.parse(text)), expected)


def test_the_largest_number_of_16_bits_is_a_value_and_no_end_of_the_list():
    stack = np.array([[[65535]], [[65534]], [[65535]]], np.uint16)
    assert reduce_stack(stack, Composite("median"))[0, 0] == 65535


def test_a_pixel_that_is_never_clear_has_no_data_and_comes_from_no_date():
    clear = np.array([[[False, True, False]], [[False, True, True]]])
    at = chosen(clear, None)
    assert at.tolist() == [[-1, 0, 1]]
    layers = [np.array([[1, 2, 3]], np.uint16), np.array([[4, 5, 6]], np.uint16)]
    assert picked(layers, at, 0).tolist() == [[0, 2, 6]]


def test_the_largest_index_decides_and_unknown_ones_do_not():
    clear = np.ones((3, 1, 3), bool)
    clear[2, 0, 0] = False
    values = np.array([[[0.1, 0.5, np.nan]], [[0.3, 0.5, np.nan]], [[0.9, 0.2, np.nan]]], np.float32)
    assert chosen(clear, values).tolist() == [[1, 0, -1]]


@pytest.mark.parametrize("text", ["mode", "p0", "p100", "max", "min:ndvi"])
def test_other_words_are_refused(text):
    with pytest.raises(UsageError, match="--composite"):
        Composite.parse(text)


def test_an_index_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="ndvj"):
        Composite.parse("max:ndvj")


@pytest.mark.parametrize("text", ["median", "mean", "p25", "max:ndvi", "first-clear", "count"])
def test_the_text_of_a_composite_is_what_was_typed(text):
    assert Composite.parse(text).text == text
