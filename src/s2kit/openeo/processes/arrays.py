"""Processes on arrays: elements, labels, order, cumulation. Computes only."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.elementwise import equal
from s2kit.openeo.processes.values import (
    Callback,
    LabelledValues,
    Value,
    along,
    as_float,
    bounded,
    floats,
    is_array,
    is_lazy,
    is_nan,
    is_number,
    plain,
    sequence,
    stacked,
)


def labels_of(items: list[Value] | LabelledValues) -> list[Any]:
    """Labels of the elements; their numbers from 0 if they have none."""
    if isinstance(items, LabelledValues) and items.labels is not None:
        return [_text_label(label) for label in items.labels]
    return list(range(len(items)))


def _text_label(label: Any) -> Any:
    """A time as text, as it is written in graphs; a numpy scalar as a plain value."""
    if isinstance(label, np.datetime64):
        return f"{np.datetime_as_string(label, unit='s')}Z"
    return plain(label)


def _elements(items: list[Value] | LabelledValues) -> list[Value]:
    return items if isinstance(items, list) else [items.element(at) for at in range(len(items))]


def _together(values: list[Value], labels: list[Any] | None = None) -> Value:
    """Elements as an array again."""
    bounded(len(values))
    if any(is_array(value) for value in values):
        series = stacked(values)
        return LabelledValues(series.values, series.axis, labels)
    if labels is None:
        return values
    numeric = all(value is None or is_number(value) for value in values)
    return LabelledValues(
        np.asarray([as_float(value) for value in values] if numeric else values, None if numeric else object), 0, labels
    )


def _labels(items: Value) -> list[Any] | None:
    return list(items.labels) if isinstance(items, LabelledValues) and items.labels is not None else None


def array_element(
    data: Value,
    index: int | None = None,
    label: Value = None,
    return_nodata: bool = False,  # noqa: FBT001, FBT002
) -> Value:
    """One element, by its number or its label."""
    items = sequence(data)
    if index is None and label is None:
        raise ProcessError("index or label must be given", code="ArrayElementParameterMissing")
    if index is not None and label is not None:
        raise ProcessError("index and label exclude one another", code="ArrayElementParameterConflict")
    if label is not None:
        if _labels(items) is None:
            raise ProcessError(f"the array has no labels, so none is {label!r}", "use index", "ArrayNotLabeled")
        known = labels_of(items)
        index = known.index(_same_label(label, known)) if _same_label(label, known) in known else -1
    assert index is not None, "one of both was given"
    if 0 <= int(index) < len(items):
        return items[int(index)] if isinstance(items, list) else items.element(int(index))
    if return_nodata:
        return None
    wanted = f"label {label!r}" if label is not None else f"index {index}"
    raise ProcessError(f"the array has no element with {wanted}", code="ArrayElementNotAvailable")


def _same_label(label: Value, known: list[Any]) -> Value:
    """A label as it is among the known ones: times may be written in several ways."""
    if label in known or not isinstance(label, str):
        return label
    try:
        wanted = np.datetime64(label.removesuffix("Z"))
    except ValueError:
        return label
    texts = [one for one in known if isinstance(one, str) and one.endswith("Z")]
    return next((one for one in texts if np.datetime64(one.removesuffix("Z")) == wanted), label)


def array_create(data: Value = (), repeat: int = 1) -> Value:
    """A new array, its elements repeated so many times."""
    items = sequence(data if data is not None else [])
    bounded(len(items) * int(repeat))
    return (
        _together(_elements(items) * int(repeat)) if not (isinstance(items, LabelledValues) and repeat == 1) else items
    )


def array_create_labeled(data: Value, labels: Value) -> Value:
    """An array with labels."""
    items = sequence(data)
    names = [plain(label) for label in _elements(sequence(labels))]
    if len(names) != len(items):
        raise ProcessError(f"{len(items)} elements and {len(names)} labels", code="ArrayLengthMismatch")
    return _together(_elements(items), names)


def _is_of_pixels(value: Value) -> bool:
    """True for one value of each pixel, as an element of a series is."""
    return is_array(value) and value.ndim > 1


def array_concat(array1: Value, array2: Value) -> Value:
    """The elements of one array after those of another; a number that clients write for an array of one is one."""
    one, two = (sequence([array] if is_number(array) or _is_of_pixels(array) else array) for array in (array1, array2))
    first, second = _labels(one), _labels(two)
    if first is not None and second is not None and set(first) & set(second):
        raise ProcessError("a label is in both arrays", "rename labels first", "ArrayLabelConflict")
    labels = [*first, *second] if first is not None and second is not None else None
    return _together([*_elements(one), *_elements(two)], labels)


def array_append(data: Value, value: Value, label: Value = None) -> Value:
    """An array with one element more."""
    items = sequence(data)
    labels = _labels(items)
    if label is not None and labels is not None and label in labels_of(items):
        raise ProcessError(f"label {label!r} is there already", code="LabelExists")
    if label is not None and labels is None and len(items):
        raise ProcessError("the array has no labels", "leave the label out", "ArrayNotLabeled")
    names = [*labels, label if label is not None else len(items)] if labels is not None else None
    if names is None and label is not None and not len(items):
        names = [label]
    return _together([*_elements(items), value], names)


def array_contains(data: Value, value: Value) -> Value:
    """Whether an element equals a value."""
    found = array_find(data, value)
    return found is not None if not is_array(found) else ~np.isnan(found)


def array_find(data: Value, value: Value, reverse: bool = False) -> Value:  # noqa: FBT001, FBT002
    """Number of the first (or last) element that equals a value; no data if none does."""
    items = sequence(data)
    if value is None or is_nan(value) or isinstance(value, (list, dict)):
        return None
    if isinstance(items, LabelledValues) and items.values.ndim > 1:

        def find(values: Any, axis: int) -> Any:
            met = np.flip(values == value, axis) if reverse else values == value
            at = met.argmax(axis=axis).astype(np.float32)
            return np.where(met.any(axis=axis), met.shape[axis] - 1 - at if reverse else at, np.float32(np.nan))

        return along(items, find)
    found = [at for at, item in enumerate(_elements(items)) if equal(item, value)]
    return None if not found else found[-1 if reverse else 0]


def array_find_label(data: Value, label: Value) -> Value:
    """Number of the element with a label; no data if there is none."""
    items = sequence(data)
    known = labels_of(items) if _labels(items) is not None else []
    wanted = _same_label(label, known)
    return known.index(wanted) if wanted in known else None


def array_labels(data: Value) -> Value:
    """The labels; numbers from 0 if there are none."""
    return labels_of(sequence(data))


def array_modify(data: Value, values: Value, index: int, length: int = 1) -> Value:
    """Replace, insert (`length` 0) or remove (no values) elements."""
    items, new = sequence(data), sequence(values)
    if index > len(items):
        raise ProcessError(f"index {index} is beyond the {len(items)} elements", code="ArrayElementNotAvailable")
    old_labels, new_labels = _labels(items), _labels(new)
    labels = None
    if old_labels is not None and new_labels is not None:
        kept = [*old_labels[:index], *old_labels[index + length :]]
        if set(kept) & set(new_labels):
            raise ProcessError("a label is in both arrays", "rename labels first", "ArrayLabelConflict")
        labels = [*old_labels[:index], *new_labels, *old_labels[index + length :]]
    old = _elements(items)
    return _together([*old[:index], *_elements(new), *old[index + length :]], labels)


def array_apply(data: Value, process: Callback, context: Value = None) -> Value:
    """Apply a process to each element."""
    items = sequence(data)
    labels = labels_of(items)
    made = [process(x=value, index=at, label=labels[at], context=context) for at, value in enumerate(_elements(items))]
    return _together(made)


def array_filter(data: Value, condition: Callback, context: Value = None) -> Value:
    """The elements that meet a condition, which must not depend on pixels."""
    items = sequence(data)
    labels = labels_of(items)
    elements = _elements(items)
    met = [condition(x=value, index=at, label=labels[at], context=context) for at, value in enumerate(elements)]
    if any(is_array(one) for one in met):
        raise ProcessError("the condition differs from pixel to pixel", "use a mask", "ProcessParameterInvalid")
    kept = [at for at, one in enumerate(met) if one is True]
    return items.take(kept) if isinstance(items, LabelledValues) else [items[at] for at in kept]


def array_interpolate_linear(data: Value) -> Value:
    """Fill gaps between two elements linearly, by numbers or times of the labels."""
    items = sequence(data)
    x = _positions(items)
    if isinstance(items, list):
        values = np.asarray([as_float(value) for value in items])
        filled = _interpolated(values, x).tolist()
        return [old if np.isnan(new) else new for old, new in zip(items, filled, strict=True)]

    def fill(values: Any, axis: int) -> Any:
        return np.apply_along_axis(_interpolated, axis, values, x)

    return items.with_values(along(items.with_values(floats(items.values)), fill, length=len(items)))


def _positions(items: list[Value] | LabelledValues) -> Any:
    labels = _labels(items)
    if labels is None:
        return np.arange(len(items), dtype=float)
    for kind in ("datetime64[s]", "float64"):
        try:
            texts = [str(label).removesuffix("Z") if isinstance(label, str) else label for label in labels]
            return np.asarray(texts, dtype=kind).astype(float)
        except (ValueError, TypeError):
            continue
    return np.arange(len(items), dtype=float)


def _interpolated(values: Any, x: Any) -> Any:
    valid = ~np.isnan(values)
    if valid.all() or valid.sum() < 2:
        return values
    filled = values.copy()
    filled[~valid] = np.interp(x[~valid], x[valid], values[valid], left=np.nan, right=np.nan)
    return filled


def order(data: Value, asc: bool = True, nodata: bool | None = None) -> Value:  # noqa: FBT001, FBT002
    """Numbers of the elements in ascending or descending order; no data left out, last (true) or first (false)."""
    items = sequence(data)
    if isinstance(items, LabelledValues) and items.values.ndim > 1:
        return items.with_values(along(items, lambda values, axis: _ranks(values, axis, asc), length=len(items)))
    elements = _elements(items)
    missing = [at for at, item in enumerate(elements) if item is None or is_nan(item)]
    known = sorted(
        (at for at in range(len(elements)) if at not in set(missing)), key=elements.__getitem__, reverse=not asc
    )
    return known if nodata is None else [*known, *missing] if nodata else [*missing, *known]


def _ranks(values: Any, axis: int, asc: bool) -> Any:  # noqa: FBT001
    return np.argsort(values if asc else -values, axis=axis, kind="stable").astype(np.float32)


def sort(data: Value, asc: bool = True, nodata: bool | None = None) -> Value:  # noqa: FBT001, FBT002
    """The elements in ascending or descending order; no data left out, last (true) or first (false)."""
    items = sequence(data)
    if isinstance(items, LabelledValues) and items.values.ndim > 1:
        sign = 1 if asc else -1
        values = floats(items.values)
        done = along(
            items.with_values(values), lambda one, axis: sign * np.sort(sign * one, axis=axis), length=len(items)
        )
        return LabelledValues(done, items.axis)
    elements = _elements(items)
    return [elements[at] for at in order(data, asc, nodata)]


def rearrange(data: Value, order: Value) -> Value:
    """The elements in the order of their numbers."""
    items = sequence(data)
    numbers = [int(number) for number in _elements(sequence(order))]
    return items.take(numbers) if isinstance(items, LabelledValues) else [items[number] for number in numbers]


def _cumulative(name: str) -> Callable[..., Value]:
    function = {"cumsum": np.add, "cumproduct": np.multiply, "cummin": np.fmin, "cummax": np.fmax}[name]
    neutral = {"cumsum": 0.0, "cumproduct": 1.0, "cummin": np.inf, "cummax": -np.inf}[name]

    def cumulate(values: Any, axis: int, ignore_nodata: bool) -> Any:  # noqa: FBT001
        missing = np.isnan(values)
        done = function.accumulate(np.where(missing, neutral, values), axis=axis)
        hidden = missing if ignore_nodata else np.logical_or.accumulate(missing, axis=axis)
        return np.where(hidden, np.nan, done).astype(values.dtype)

    def process(data: Value, ignore_nodata: bool = True) -> Value:  # noqa: FBT001, FBT002
        items = sequence(data)
        if isinstance(items, list):
            if not items:
                return []
            values = np.asarray([as_float(value) for value in items])
            return [None if np.isnan(value) else value for value in cumulate(values, 0, ignore_nodata).tolist()]
        step = functools.partial(cumulate, ignore_nodata=ignore_nodata)
        return items.with_values(along(items.with_values(floats(items.values)), step, length=len(items)))

    return process


def computed(value: Value) -> Value:
    """A lazy array as numpy."""
    return value.compute() if is_lazy(value) else value


PROCESSES: dict[str, Callable[..., Value]] = {
    "array_element": array_element, "array_create": array_create, "array_create_labeled": array_create_labeled,
    "array_concat": array_concat, "array_append": array_append, "array_contains": array_contains,
    "array_find": array_find, "array_find_label": array_find_label, "array_labels": array_labels,
    "array_modify": array_modify, "array_apply": array_apply, "array_filter": array_filter,
    "array_interpolate_linear": array_interpolate_linear, "order": order, "sort": sort, "rearrange": rearrange,
    **{name: _cumulative(name) for name in ("cumsum", "cumproduct", "cummin", "cummax")},
}  # fmt: skip
