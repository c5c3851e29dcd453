"""Processes along time: extents, intervals, calendar periods. Computes only."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.cubes import series_of
from s2kit.openeo.processes.dimensions import Cube, labels, retyped, temporal, type_of
from s2kit.openeo.processes.values import Callback, Value, full
from s2kit.openeo.processes.words import instant

PERIODS = ("hour", "day", "week", "dekad", "month", "season", "tropical-season", "year", "decade", "decade-ad")
_FORMATS = {"hour": "%Y-%m-%d-%H", "day": "%Y-%j", "month": "%Y-%m", "year": "%Y"}


def bound(text: str | None) -> Any:
    """A bound of an interval as a label of time; None if it is open."""
    return None if text is None else np.datetime64(instant(text).astimezone(dt.UTC).replace(tzinfo=None), "ns")


def interval(extent: Sequence[str | None]) -> tuple[Any, Any]:
    """Start (included) and end (excluded) of a temporal extent.

    Raises:
        ProcessError: The end is not after the start.
    """
    start, end = (bound(text) for text in extent)
    if start is not None and end is not None and end <= start:
        hint = "the end is excluded: for one day give the next day as the end"
        raise ProcessError(f"the extent in time is empty: {extent[0]} to {extent[1]}", hint, "TemporalExtentEmpty")
    return start, end


def within(times: Any, start: Any, end: Any) -> Any:
    """Mask, True for times in `[start, end)`."""
    inside = np.ones(len(times), dtype=bool)
    if start is not None:
        inside &= times >= start
    if end is not None:
        inside &= times < end
    return inside


def filter_temporal(data: Cube, extent: Sequence[str | None], dimension: str | None = None) -> Cube:
    """The labels in an interval, whose end is excluded."""
    name = temporal(data, dimension)
    return data.isel({name: np.flatnonzero(within(_times(data, name), *interval(extent)))})


def _times(cube: Cube, name: str) -> Any:
    values = labels(cube, name)
    if values.dtype.kind == "M":
        return values.astype("datetime64[ns]")
    try:
        return np.asarray([bound(str(value)) for value in values], dtype="datetime64[ns]")
    except ProcessError as error:
        raise ProcessError(f"the labels of {name!r} are no dates", code="DimensionNotAvailable") from error


def grouped(
    cube: Cube, name: str, groups: Sequence[Sequence[int]], names: Sequence[Any], reducer: Callback, context: Value
) -> Cube:
    """One label for each group of labels; a group without members is no data.

    Args:
        cube: The cube.
        name: The dimension.
        groups: Numbers of the labels of each group.
        names: The new labels.
        reducer: Makes one value of a group.
        context: Handed to the reducer.
    """
    import xarray as xr

    series, axis = series_of(cube, name), cube.get_axis_num(name)
    shape = tuple(size for at, size in enumerate(cube.shape) if at != axis)
    parts = [
        full(reducer(data=series.take(members), context=context) if len(members) else None, shape, cube.dtype)
        for members in groups
    ]
    values = np.stack(parts, axis=axis) if parts else cube.data[(slice(None),) * axis + (slice(0, 0),)]
    coords = {key: coord for key, coord in cube.coords.items() if name not in coord.dims}
    made = xr.DataArray(values, coords={**coords, name: list(names)}, dims=cube.dims, attrs=cube.attrs)
    return retyped(made, **{name: type_of(cube, name)})


def aggregate_temporal(
    data: Cube,
    intervals: Sequence[Sequence[Any]],
    reducer: Callback,
    labels: Sequence[Any] = (),
    dimension: str | None = None,
    context: Value = None,
) -> Cube:
    """One value for each interval, whose end is excluded; intervals may overlap."""
    name = temporal(data, dimension)
    if labels and len(labels) != len(intervals):
        raise ProcessError(f"{len(intervals)} intervals and {len(labels)} labels", code="LabelCountMismatch")
    names = list(labels) or [str(start) for start, _ in intervals]
    if len(set(names)) < len(names):
        raise ProcessError("the labels are not distinct", "give labels", "DistinctDimensionLabelsRequired")
    if all(len(str(start)) <= 8 and ":" in str(start) for start, _ in intervals):
        groups = [_by_time_of_day(_times(data, name), *one) for one in intervals]
    else:
        groups = [np.flatnonzero(within(_times(data, name), *interval(one))).tolist() for one in intervals]
    if not labels and all(start is not None for start, _ in intervals) and ":" not in names[0][:8]:
        return grouped(data, name, groups, _start_labels(intervals), reducer, context)
    return grouped(data, name, groups, names, reducer, context)


def _start_labels(intervals: Sequence[Sequence[Any]]) -> list[Any]:
    return [bound(start) for start, _ in intervals]


def _by_time_of_day(times: Any, start: str, end: str) -> list[int]:
    """Numbers of the times whose time of day is in an interval, which may go over midnight."""
    since = (times - times.astype("datetime64[D]")).astype("timedelta64[s]").astype(int)
    low, high = (_seconds(text) for text in (start, end))
    inside = (since >= low) & (since < high) if low <= high else (since >= low) | (since < high)
    return [int(at) for at in np.flatnonzero(inside)]


def _seconds(text: str) -> int:
    when = dt.time.fromisoformat(text.replace("24:00", "23:59:59").removesuffix("Z"))
    return when.hour * 3600 + when.minute * 60 + when.second


def aggregate_temporal_period(
    data: Cube, period: str, reducer: Callback, dimension: str | None = None, context: Value = None
) -> Cube:
    """One value for each calendar period from the first to the last label; a period without data is no data."""
    name = temporal(data, dimension)
    times = _times(data, name).astype("datetime64[s]")
    if not len(times):
        return data
    labelled = [period_label(when, period) for when in times.astype(object)]
    one = np.timedelta64(1, "h") if period == "hour" else np.timedelta64(1, "D")
    first, last = (edge.astype(f"datetime64[{np.datetime_data(one)[0]}]") for edge in (times.min(), times.max()))
    span = np.arange(first, last + one).astype("datetime64[s]").astype(object)
    names = list(dict.fromkeys(period_label(when, period) for when in span))
    groups = {key: [at for at, one in enumerate(labelled) if one == key] for key in names}
    return grouped(data, name, list(groups.values()), names, reducer, context)


def period_label(when: dt.datetime, period: str) -> str:
    """Label of the period that a time is in, as the specification writes it."""
    if period in _FORMATS:
        return when.strftime(_FORMATS[period])
    match period:
        case "week":
            year, week, _ = when.isocalendar()
            return f"{year}-{week:02d}"
        case "dekad":
            return f"{when.year}-{(when.month - 1) * 3 + min((when.day - 1) // 10, 2) + 1:02d}"
        case "season":
            return f"{when.year + (when.month == 12)}-{('djf', 'mam', 'jja', 'son')[(when.month % 12) // 3]}"
        case "tropical-season":
            wet = when.month >= 11 or when.month <= 4
            return f"{when.year + (when.month >= 11)}-{'ndjfma' if wet else 'mjjaso'}"
        case "decade":
            return f"{when.year // 10 * 10}"
        case "decade-ad":
            return f"{(when.year - 1) // 10 * 10 + 1}"
    raise ProcessError(f"period {period!r} is not known", f"there are {', '.join(PERIODS)}", "ProcessParameterInvalid")


def resample_cube_temporal(
    data: Cube, target: Cube, dimension: str | None = None, valid_within: float | None = None
) -> Cube:
    """The labels of another cube, each with the nearest values in time; none farther away than so many days."""
    name, other = temporal(data, dimension), temporal(target, dimension)
    have, wanted = _times(data, name), _times(target, other)
    if not len(have):
        raise ProcessError("the cube has no label in time", code="DimensionNotAvailable")
    apart = np.abs(wanted[:, None] - have[None, :])
    moved = data.isel({name: apart.argmin(axis=1)}).assign_coords({name: wanted})
    if valid_within is None:
        return moved
    near = apart.min(axis=1) <= np.timedelta64(round(valid_within * 86_400_000), "ms")
    import xarray as xr

    return moved.where(xr.DataArray(near, dims=[name], coords={name: wanted})).assign_attrs(data.attrs)


PROCESSES: dict[str, Callable[..., Value]] = {
    "filter_temporal": filter_temporal, "aggregate_temporal": aggregate_temporal,
    "aggregate_temporal_period": aggregate_temporal_period, "resample_cube_temporal": resample_cube_temporal,
}  # fmt: skip
