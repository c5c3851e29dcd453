"""Reducers: processes that make one value (or a few) of an array. Computes only.

Lists follow the specification to the letter: `None` is left out, or makes the result `None`. Series of pixels have NaN
for no data, and may be lazy.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.values import (
    LabelledValues,
    Value,
    along,
    dask_arrays,
    floats,
    is_lazy,
    is_nan,
    is_number,
    plain,
    sequence,
)

Numbers = Callable[[Any, int], Any]
"""Takes an array with NaN for no data and an axis; gives an array without that axis."""


def _quiet(function: Numbers) -> Numbers:
    """Without numpy's remarks about slices that are all no data: their result is no data."""

    def silent(values: Any, axis: int) -> Any:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            return function(values, axis)

    return silent


def _reducer(
    of_list: Callable[[list[float]], Value],
    ignoring: Numbers,
    strict: Numbers,
    lazy: tuple[str, str] | None = None,
) -> Callable[..., Value]:
    """A reducer.

    Args:
        of_list: For a list of numbers without no data, never empty.
        ignoring: For arrays, leaving NaN out.
        strict: For arrays, NaN making NaN.
        lazy: Names of the functions of dask.array that do the same chunk by chunk; None to work on whole series.
    """

    def process(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
        items = sequence(data)
        if isinstance(items, list):
            if not ignore_nodata and None in items:
                return None
            numbers = [item for item in items if item is not None]
            return plain(of_list(numbers)) if numbers else None
        if len(items) == 0:
            return _nothing(items)
        items = items.with_values(floats(items.values))
        if lazy is not None and is_lazy(items.values):
            return getattr(dask_arrays(), lazy[0 if ignore_nodata else 1])(items.values, axis=items.axis)
        return plain(along(items, _quiet(ignoring if ignore_nodata else strict)))

    return process


def _nothing(series: LabelledValues) -> Value:
    """No data for each pixel: there was nothing to reduce."""
    shape = tuple(size for axis, size in enumerate(series.values.shape) if axis != series.axis)
    return np.full(shape, np.nan, np.result_type(series.values.dtype, np.float32)) if shape else None


def _wide(function: Callable[..., Any]) -> Numbers:
    """Summed in float64, given in the kind of the pixels."""
    return lambda values, axis: function(values, axis=axis, dtype=np.float64).astype(values.dtype)


def _emptied(function: Numbers) -> Numbers:
    """NaN where there was nothing but NaN, which numpy's sums take for 0."""

    def checked(values: Any, axis: int) -> Any:
        return np.where(np.isnan(values).all(axis=axis), np.nan, function(values, axis)).astype(values.dtype)

    return checked


def _of_axis(function: Callable[..., Any], **options: Any) -> Numbers:
    return lambda values, axis: function(values, axis=axis, **options)


def _of_list(function: Callable[..., Any], **options: Any) -> Callable[[list[float]], Value]:
    def compute(numbers: list[float]) -> Value:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            return float(function(np.asarray(numbers, dtype=float), **options))

    return compute


def _spread(function: Callable[..., Any]) -> Callable[[list[float]], Value]:
    return lambda numbers: _of_list(function, ddof=1)(numbers) if len(numbers) > 1 else None


def _weighted(series: LabelledValues, values: Any) -> Any:
    """The weights of a series, shaped so that they multiply its values."""
    shape = [1] * values.ndim
    shape[series.axis] = -1
    return np.asarray(series.weights, dtype=np.float64).reshape(shape)


def mean(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
    """The arithmetic mean; weighted if the series has weights."""
    items = sequence(data)
    if not isinstance(items, LabelledValues) or items.weights is None:
        return _MEAN(data=items, ignore_nodata=ignore_nodata)
    values = floats(items.values)
    weights = np.where(np.isnan(values), 0 if ignore_nodata else np.nan, _weighted(items, values))
    with np.errstate(all="ignore"):
        total = np.where(weights > 0, values, 0) * weights
        return (total.sum(axis=items.axis) / weights.sum(axis=items.axis)).astype(values.dtype)


def sum_(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
    """The sum; weighted if the series has weights."""
    items = sequence(data)
    if not isinstance(items, LabelledValues) or items.weights is None:
        return _SUM(data=items, ignore_nodata=ignore_nodata)
    values = floats(items.values)
    return _SUM(data=LabelledValues(values * _weighted(items, values), items.axis), ignore_nodata=ignore_nodata)


_MEAN = _reducer(_of_list(np.mean), _wide(np.nanmean), _wide(np.mean), ("nanmean", "mean"))
_SUM = _reducer(_of_list(np.sum), _emptied(_wide(np.nansum)), _wide(np.sum))


def _end(position: int) -> Numbers:
    """The first (0) or last (-1) element that is not NaN."""

    def pick(values: Any, axis: int) -> Any:
        valid = np.moveaxis(~np.isnan(values), axis, -1)
        ordered = np.moveaxis(values, axis, -1)
        at = valid.argmax(axis=-1) if position == 0 else valid.shape[-1] - 1 - valid[..., ::-1].argmax(axis=-1)
        return np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0]

    return pick


def count(data: Value, condition: Value = None, context: Value = None) -> Value:
    """How many elements are valid, or meet a condition; all for `condition` true."""
    from s2kit.openeo.processes.elementwise import is_valid

    items = sequence(data)
    length = len(items)
    if condition is True:
        return length if isinstance(items, list) else _pixels(items, np.ones_like(items.values, dtype=bool))
    if isinstance(items, list):
        met = [condition(x=x, context=context) if callable(condition) else is_valid(x) for x in items]
        return sum(one is True for one in met)
    met = condition(x=items.values, context=context) if callable(condition) else is_valid(items.values)
    return _pixels(items, np.nan_to_num(met).astype(bool))


def _pixels(series: LabelledValues, met: Any) -> Any:
    if series.weights is not None:
        return (met * _weighted(series, met)).sum(axis=series.axis)
    return met.sum(axis=series.axis).astype(np.float32)


def extrema(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
    """Minimum and maximum."""
    ends = [PROCESSES[name](data=data, ignore_nodata=ignore_nodata) for name in ("min", "max")]
    return sequence(ends)


def quantiles(
    data: Value,
    probabilities: Value = None,
    q: int | None = None,
    ignore_nodata: bool = True,  # noqa: FBT001, FBT002
) -> Value:
    """Quantiles by linear interpolation (type 7), at probabilities or for `q` intervals of equal size."""
    if probabilities is None and q is None:
        raise ProcessError("probabilities or q must be given", code="QuantilesParameterMissing")
    if probabilities is not None and q is not None:
        raise ProcessError("probabilities and q exclude one another", code="QuantilesParameterConflict")
    wanted: Any = q if q is not None else probabilities
    at = [step / wanted for step in range(1, wanted)] if is_number(wanted) else list(wanted)
    items = sequence(data)
    if isinstance(items, list):
        if not ignore_nodata and None in items:
            return [None] * len(at)
        numbers = [item for item in items if item is not None]
        if any(map(is_nan, numbers)):
            return [math.nan] * len(at)
        return [_quantile(sorted(numbers), one) for one in at] if numbers else [None] * len(at)
    function = np.nanquantile if ignore_nodata else np.quantile

    def compute(values: Any, axis: int) -> Any:
        return np.moveaxis(function(values, at, axis=axis), 0, axis).astype(values.dtype)

    series = items.with_values(floats(items.values))
    return LabelledValues(along(series, _quiet(compute), length=len(at)), items.axis)


def _quantile(ordered: list[float], probability: float) -> float:
    """Linear interpolation between two elements, right for infinite ones too."""
    place = probability * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    part = place - math.floor(place)
    return float(low) if low == high or part == 0 else float(low * (1 - part) + high * part)


def _any_all(*, of_all: bool) -> Callable[..., Value]:
    """`any` or `all`: Kleene's disjunction or conjunction of many."""

    def process(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
        items = sequence(data)
        if isinstance(items, list):
            known = [bool(item) for item in items if item is not None and item == item]
            if (of_all and not all(known)) or (not of_all and any(known)):
                return not of_all
            unknown = len(known) < len(items)
            return None if not known or (unknown and not ignore_nodata) else of_all
        return along(items, _quiet(lambda values, axis: _kleene(values, axis, of_all, ignore_nodata)))

    return process


def _kleene(values: Any, axis: int, of_all: bool, ignore_nodata: bool) -> Any:  # noqa: FBT001
    unknown = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    decided = (~unknown & (values == 0 if of_all else values != 0)).any(axis=axis)
    open_ = unknown.all(axis=axis) if ignore_nodata else unknown.any(axis=axis)
    result = np.where(decided, not of_all, of_all).astype(np.float32)
    return np.where(~decided & open_, np.float32(np.nan), result)


PROCESSES: dict[str, Callable[..., Value]] = {
    "mean": mean,
    "sum": sum_,
    "min": _reducer(_of_list(np.min), _of_axis(np.nanmin), _of_axis(np.min), ("nanmin", "min")),
    "max": _reducer(_of_list(np.max), _of_axis(np.nanmax), _of_axis(np.max), ("nanmax", "max")),
    "median": _reducer(_of_list(np.median), _of_axis(np.nanmedian), _of_axis(np.median)),
    "product": _reducer(_of_list(np.prod), _emptied(_wide(np.nanprod)), _wide(np.prod)),
    "sd": _reducer(_spread(np.std), _of_axis(np.nanstd, ddof=1), _of_axis(np.std, ddof=1)),
    "variance": _reducer(_spread(np.var), _of_axis(np.nanvar, ddof=1), _of_axis(np.var, ddof=1)),
    "first": _reducer(lambda items: items[0], _end(0), lambda values, axis: values.take(0, axis)),
    "last": _reducer(lambda items: items[-1], _end(-1), lambda values, axis: values.take(-1, axis)),
    "count": count, "extrema": extrema, "quantiles": quantiles,
    "any": _any_all(of_all=False), "all": _any_all(of_all=True),
}  # fmt: skip
