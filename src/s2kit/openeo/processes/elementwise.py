"""Processes on single values, which take arrays too, element by element: mathematics, logic. Computes only.

A single value that is no data (`None`) makes the result no data, unless the specification says otherwise. Integers
become floating-point numbers first: differences of 16-bit reflectances must not wrap around.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.values import (
    Array,
    LabelledValues,
    Value,
    as_float,
    floats,
    is_array,
    is_nan,
    is_number,
    plain,
)


def _elementwise(function: Callable[..., Any], *names: str) -> Callable[..., Value]:
    """A process out of a numpy function.

    Args:
        function: Takes numbers or arrays by position.
        names: Its parameters, by the names of the specification, in order.
    """

    def process(**arguments: Value) -> Value:
        values = [arguments[name] for name in names]
        if any(value is None for value in values):
            return None
        series = next((value for value in values if isinstance(value, LabelledValues)), None)
        bare = [value.values if isinstance(value, LabelledValues) else value for value in values]
        numbers = [floats(value) if is_array(value) else as_float(value) for value in bare]
        if any(map(is_array, numbers)):  # a float64 beside float32 pixels would double their memory
            numbers = [number if is_array(number) else float(number) for number in numbers]
        with np.errstate(all="ignore"):
            result = function(*numbers)
        return plain(result) if series is None else series.with_values(result)

    return process


def _mod(x: Array, y: Array) -> Array:
    by_zero = np.copysign(np.inf, x) * np.where(x == 0, np.nan, 1)
    return np.where(y == 0, by_zero, np.where(np.isinf(y) & np.isfinite(x), x, np.mod(x, y)))


def _divide(x: Array, y: Array) -> Array:
    return np.divide(x, y)


def _log(x: Array, base: Array) -> Array:
    return np.log(x) / np.log(base)


def _normalized_difference(x: Array, y: Array) -> Array:
    return (x - y) / (x + y)


UNARY: dict[str, tuple[Callable[..., Any], str]] = {
    "absolute": (np.abs, "x"), "arccos": (np.arccos, "x"), "arcosh": (np.arccosh, "x"), "arcsin": (np.arcsin, "x"),
    "arctan": (np.arctan, "x"), "arsinh": (np.arcsinh, "x"), "artanh": (np.arctanh, "x"), "ceil": (np.ceil, "x"),
    "cos": (np.cos, "x"), "cosh": (np.cosh, "x"), "exp": (np.exp, "p"), "floor": (np.floor, "x"),
    "int": (np.trunc, "x"), "ln": (np.log, "x"), "sgn": (np.sign, "x"), "sin": (np.sin, "x"), "sinh": (np.sinh, "x"),
    "sqrt": (np.sqrt, "x"), "tan": (np.tan, "x"), "tanh": (np.tanh, "x"),
}  # fmt: skip
BINARY: dict[str, tuple[Callable[..., Any], str, str]] = {
    "add": (np.add, "x", "y"), "subtract": (np.subtract, "x", "y"), "multiply": (np.multiply, "x", "y"),
    "divide": (_divide, "x", "y"), "arctan2": (np.arctan2, "y", "x"), "power": (np.power, "base", "p"),
    "log": (_log, "x", "base"), "normalized_difference": (_normalized_difference, "x", "y"), "mod": (_mod, "x", "y"),
}  # fmt: skip


def round_(x: Value, p: int = 0) -> Value:
    """Round half to even, to `p` decimals; a negative `p` means tens, hundreds."""
    return _elementwise(lambda value: np.round(value, p), "x")(x=x)


def clip(x: Value, min: Value, max: Value) -> Value:
    """Values below `min` become `min`, those above `max` become `max`."""
    if is_number(min) and is_number(max) and min > max:
        raise ProcessError(f"min {min} is more than max {max}", code="MinMaxSwapped")
    return _elementwise(np.clip, "x", "min", "max")(x=x, min=min, max=max)


def linear_scale_range(
    x: Value,
    inputMin: Value,  # noqa: N803 - the names of the specification
    inputMax: Value,  # noqa: N803
    outputMin: float = 0.0,  # noqa: N803
    outputMax: float = 1.0,  # noqa: N803
) -> Value:
    """Stretch linearly from one range to another; what is outside the first is clipped."""

    def scale(x: Array, low: float, high: float, out_low: float, out_high: float) -> Array:
        inside = np.clip(x, min(low, high), max(low, high))
        return (inside - low) / (high - low) * (out_high - out_low) + out_low

    process = _elementwise(scale, "x", "a", "b", "c", "d")
    return process(x=x, a=inputMin, b=inputMax, c=outputMin, d=outputMax)


def constant(x: Value) -> Value:
    """The value itself."""
    return x


def _no_data(value: Array) -> Array:
    """Mask, True where an array is no data."""
    return np.isnan(value) if value.dtype.kind == "f" else np.zeros(value.shape, dtype=bool)


def _three_valued(result: Array, *operands: Value) -> Array:
    """A condition as an array: booleans, or 0, 1 and NaN as float32 if an operand can be no data."""
    kinds = [value for value in operands if is_array(value) and value.dtype.kind == "f"]
    if not kinds:
        return result
    unknown = _no_data(kinds[0])
    for value in kinds[1:]:
        unknown = unknown | _no_data(value)
    return np.where(unknown, np.float32(np.nan), result.astype(np.float32))


def _comparison(operator: Callable[[Any, Any], Any]) -> Callable[..., Value]:
    def process(x: Value, y: Value) -> Value:
        if x is None or y is None:
            return None
        if is_array(x) or is_array(y):
            if not all(is_array(value) or is_number(value) for value in (x, y)):
                return np.zeros(x.shape if is_array(x) else y.shape, dtype=bool)
            return _three_valued(operator(x, y), x, y)
        return bool(operator(x, y)) if is_number(x) and is_number(y) else False

    return process


COMPARISONS = {
    "gt": _comparison(lambda x, y: x > y), "gte": _comparison(lambda x, y: x >= y),
    "lt": _comparison(lambda x, y: x < y), "lte": _comparison(lambda x, y: x <= y),
}  # fmt: skip


def equal(x: Value, y: Value, delta: float | None = None, *, case_sensitive: bool = True) -> bool:
    """Whether two single values are equal; values of different types never are."""
    if is_number(x) and is_number(y):
        return bool(abs(x - y) <= delta) if delta else bool(x == y)
    if type(x) is not type(y) or isinstance(x, (list, dict)):
        return False
    if isinstance(x, str) and not case_sensitive:
        return bool(x.casefold() == y.casefold())
    return bool(x == y)


def eq(x: Value, y: Value, delta: float | None = None, case_sensitive: bool = True) -> Value:  # noqa: FBT001, FBT002
    """Whether two values are equal; no data if one of them is."""
    if x is None or y is None:
        return None
    if not (is_array(x) or is_array(y)):
        return equal(x, y, delta, case_sensitive=case_sensitive)
    if not all(is_array(value) or is_number(value) for value in (x, y)):
        return np.zeros(x.shape if is_array(x) else y.shape, dtype=bool)
    return _three_valued(np.abs(x - y) <= delta if delta else x == y, x, y)


def neq(x: Value, y: Value, delta: float | None = None, case_sensitive: bool = True) -> Value:  # noqa: FBT001, FBT002
    """Whether two values differ; no data if one of them is."""
    return not_(eq(x, y, delta, case_sensitive))


def between(x: Value, min: Value, max: Value, exclude_max: bool = False) -> Value:  # noqa: FBT001, FBT002
    """Whether `min <= x <= max`, or `x < max`."""
    if is_array(x) and all(is_number(value) for value in (min, max)):
        upper = x < max if exclude_max else x <= max
        return _three_valued((x >= min) & upper, x)
    if x is None or min is None or max is None:
        return None
    if not all(is_number(value) for value in (x, min, max)):
        return False
    return bool(min <= x and (x < max if exclude_max else x <= max))


def is_nan_(x: Value) -> Value:
    """True for what is no number: NaN, and all that is of another type."""
    if is_array(x):
        return np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, dtype=bool)
    return not is_number(x) or is_nan(x)


def is_infinite(x: Value) -> Value:
    """True for positive and negative infinity."""
    if is_array(x):
        return np.isinf(x)
    return is_number(x) and bool(np.isinf(x))


def is_nodata(x: Value) -> Value:
    """True for no data: null; in arrays NaN."""
    return is_nan_(x) if is_array(x) else x is None


def is_valid(x: Value) -> Value:
    """True for what is neither no data nor NaN nor infinite."""
    if is_array(x):
        return np.isfinite(x)
    return x is not None and not (is_number(x) and not math.isfinite(x))


def _truth(value: Value) -> tuple[Array, Array]:
    """What is true and what is false; neither is no data."""
    if value is None or is_nan(value):
        return np.bool_(False), np.bool_(False)  # noqa: FBT003
    if not is_array(value):
        return np.bool_(bool(value)), np.bool_(not value)
    known = ~_no_data(value)
    return known & (value != 0), known & (value == 0)


def _from_truth(true: Array, false: Array) -> Value:
    if not is_array(true):
        return True if bool(true) else False if bool(false) else None
    return np.where(true, np.float32(1), np.where(false, np.float32(0), np.float32(np.nan)))


def and_(x: Value, y: Value) -> Value:
    """Kleene's conjunction: false and no data is false."""
    (x_true, x_false), (y_true, y_false) = _truth(x), _truth(y)
    return _from_truth(x_true & y_true, x_false | y_false)


def or_(x: Value, y: Value) -> Value:
    """Kleene's disjunction: true or no data is true."""
    (x_true, x_false), (y_true, y_false) = _truth(x), _truth(y)
    return _from_truth(x_true | y_true, x_false & y_false)


def xor(x: Value, y: Value) -> Value:
    """Exactly one is true; no data if one of them is."""
    (x_true, x_false), (y_true, y_false) = _truth(x), _truth(y)
    return _from_truth((x_true & y_false) | (x_false & y_true), (x_true & y_true) | (x_false & y_false))


def not_(x: Value) -> Value:
    """The opposite; no data stays so."""
    true, false = _truth(x)
    return _from_truth(false, true)


def if_(value: Value, accept: Value, reject: Value = None) -> Value:
    """`accept` if the value is true, otherwise `reject`."""
    true, _ = _truth(value)
    if not is_array(true):
        return accept if bool(true) else reject
    return np.where(
        true, *(choice if is_array(choice) else as_float(choice).astype("f4") for choice in (accept, reject))
    )


def _wrapped() -> dict[str, Callable[..., Value]]:
    unary = {name: _elementwise(function, parameter) for name, (function, parameter) in UNARY.items()}
    return unary | {name: _elementwise(function, one, two) for name, (function, one, two) in BINARY.items()}


PROCESSES: dict[str, Callable[..., Value]] = {
    **_wrapped(), **COMPARISONS,
    "round": round_, "clip": clip, "linear_scale_range": linear_scale_range, "constant": constant, "eq": eq, "neq": neq,
    "between": between, "is_nan": is_nan_, "is_infinite": is_infinite, "is_nodata": is_nodata, "is_valid": is_valid,
    "and": and_, "or": or_, "xor": xor, "not": not_, "if": if_,
    "e": lambda: math.e, "pi": lambda: math.pi, "nan": lambda: math.nan,
}  # fmt: skip
