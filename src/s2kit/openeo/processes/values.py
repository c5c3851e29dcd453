"""What process arguments are while a graph runs: single values, lists, arrays, series. Computes only.

A single value is a plain Python one; `None` is no data, NaN is not a number. In arrays (numpy, or dask for what is
still to be computed) NaN is no data. openEO's *array* is a list, or a `Series` if its elements are arrays: the pixels
of a cube along one dimension.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError

Array = Any
"""A numpy or dask array."""
Value = Any
Callback = Callable[..., Value]
"""A sub-process: takes the parameters of the process that calls it by name."""

MAX_ELEMENTS = 1_000_000
"""Longest list that a process makes."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledValues:
    """An array of openEO: `values` along `axis`; the other axes are those of the pixels."""

    values: Array
    axis: int = 0
    labels: Any = None
    """`[n]` labels of the elements; None if they have none."""
    weights: Any = None
    """`[n]` weight of each element in means, sums and counts, such as the share of a pixel in a polygon; None for 1."""

    def __len__(self) -> int:
        return int(self.values.shape[self.axis])

    def element(self, index: int) -> Array:
        """One element: an array without `axis`, or a plain value if there is no other axis."""
        return plain(self.values[(slice(None),) * self.axis + (index,)])

    def take(self, indices: Sequence[int] | Any) -> "LabelledValues":
        """Some elements, in the order of the indices."""
        picked = np.asarray(indices, dtype=int)
        values = self.values[(slice(None),) * self.axis + (picked,)]
        return LabelledValues(
            values,
            self.axis,
            None if self.labels is None else np.asarray(self.labels)[picked],
            None if self.weights is None else np.asarray(self.weights)[picked],
        )

    def with_values(self, values: Array) -> "LabelledValues":
        """Other values with the same labels."""
        return LabelledValues(values, self.axis, self.labels, self.weights)


def is_array(value: Value) -> bool:
    """True for numpy arrays with axes, dask arrays, and cubes."""
    return hasattr(value, "dtype") and hasattr(value, "shape") and getattr(value, "ndim", 0) > 0


def is_lazy(value: Value) -> bool:
    """True for dask arrays."""
    return hasattr(value, "dask")


def is_number(value: Value) -> bool:
    """True for numbers, not for booleans."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def is_nan(value: Value) -> bool:
    """True for a single value that is not a number."""
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def plain(value: Value) -> Value:
    """A numpy scalar as a Python value; anything else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def floats(array: Array) -> Array:
    """Numbers that cannot wrap around: integers and booleans become float32 (16 bits or less) or float64."""
    if array.dtype.kind in "uib":
        return array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    return array


def sequence(data: Value) -> list[Value] | LabelledValues:
    """An openEO array as a list or a series; a list with arrays among its elements becomes a series."""
    if isinstance(data, LabelledValues):
        return data
    if isinstance(data, (list, tuple)):
        return stacked(list(data)) if any(is_array(item) for item in data) else list(data)
    if is_array(data) and data.ndim == 1:
        return LabelledValues(data)
    raise ProcessError(f"an array is expected, not {type(data).__name__}", code="ProcessParameterInvalid")


def stacked(items: Sequence[Value]) -> LabelledValues:
    """Arrays and single values as one series, on a new last axis."""
    shape = np.broadcast_shapes(*(item.shape for item in items if is_array(item)))
    parts = [np.broadcast_to(floats(item) if is_array(item) else as_float(item), shape) for item in items]
    return LabelledValues(np.stack(parts, axis=-1), len(shape))


def as_float(value: Value) -> np.float64:
    """A single value as a number; None is NaN."""
    if value is None:
        return np.float64(np.nan)
    if isinstance(value, (bool, int, float, np.generic)):
        return np.float64(value)
    raise ProcessError(f"a number is expected, not {value!r}", code="ProcessParameterInvalid")


def bounded(count: int) -> int:
    """The length of a list that is to be made.

    Raises:
        ProcessError: It would be too long.
    """
    if count > MAX_ELEMENTS:
        raise ProcessError(
            f"an array of {count} elements is too long, {MAX_ELEMENTS} are allowed", code="ProcessParameterInvalid"
        )
    return count


def dask_arrays() -> Any:
    """The module `dask.array`, which has no types."""
    import dask.array

    return dask.array


def along(series: LabelledValues, function: Callable[[Any, int], Any], *, length: int | None = None) -> Array:
    """Apply a numpy function along a series, lazily if the series is lazy.

    Args:
        series: What to work on.
        function: Gets a numpy array and the axis; gives an array without that axis, or with `length` elements on it.
        length: Elements on the axis of the result; None if the axis goes.
    """
    values = series.values
    if not is_lazy(values):
        return function(np.asarray(values), series.axis)
    da = dask_arrays()
    whole = values.rechunk({series.axis: -1})
    chunks = list(whole.chunks)
    kind = np.result_type(values.dtype, np.float32)
    if length is None:
        return da.map_blocks(
            function,
            whole,
            series.axis,
            dtype=kind,
            drop_axis=series.axis,
            meta=np.empty((0,) * (whole.ndim - 1), kind),
        )
    chunks[series.axis] = (length,)
    return da.map_blocks(
        function, whole, series.axis, dtype=kind, chunks=tuple(chunks), meta=np.empty((0,) * whole.ndim, kind)
    )


def full(value: Value, shape: tuple[int, ...], kind: Any) -> Array:
    """What a sub-process gave as an array of a shape: a single value is spread over it."""
    if is_array(value):
        return value if value.shape == shape else np.broadcast_to(value, shape)
    return np.full(shape, as_float(value), np.result_type(kind, np.float32))
