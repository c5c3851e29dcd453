"""Processes on whole cubes: apply, reduce, merge, mask, indices. Computes only; lazily if the cube is lazy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.dimensions import (
    GEOMETRIES,
    Cube,
    band_numbers,
    bands,
    existing,
    labels,
    names_of,
    retyped,
    type_of,
)
from s2kit.openeo.processes.space import same_grid
from s2kit.openeo.processes.values import Callback, LabelledValues, Value, as_float, floats, full, sequence


def series_of(cube: Cube, dimension: str) -> LabelledValues:
    """A cube's pixels along one dimension."""
    return LabelledValues(cube.data, cube.get_axis_num(dimension), labels(cube, dimension))


def create_data_cube() -> Cube:
    """A cube without dimensions."""
    import xarray as xr

    return xr.DataArray(np.float32(np.nan))


def apply(data: Cube, process: Callback, context: Value = None) -> Cube:
    """Apply a process to each pixel."""
    return data.copy(data=full(process(x=data.data, context=context), data.shape, data.dtype))


def reduce_dimension(data: Cube, reducer: Callback, dimension: str, context: Value = None) -> Cube:
    """Reduce a dimension to one value a pixel."""
    series = series_of(data, existing(data, dimension))
    return without(data, dimension, _single(reducer(data=series, context=context)))


def without(cube: Cube, dimension: str, values: Value) -> Cube:
    """A cube that lost a dimension, with other values."""
    import xarray as xr

    kept = [name for name in cube.dims if name != dimension]
    coords = {name: coord for name, coord in cube.coords.items() if dimension not in coord.dims}
    shape = tuple(cube.sizes[name] for name in kept)
    return xr.DataArray(full(values, shape, cube.dtype), coords=coords, dims=kept, attrs=cube.attrs, name=cube.name)


def _single(value: Value) -> Value:
    if isinstance(value, (LabelledValues, list)):
        raise ProcessError("a reducer must give one value, not an array", code="ProcessParameterInvalid")
    return value


def reduce_spatial(data: Cube, reducer: Callback, context: Value = None) -> Cube:
    """Reduce all dimensions in space to one value."""
    names = names_of(data, "spatial")
    if not names:
        raise ProcessError("the cube has no dimensions in space", code="DimensionNotAvailable")
    flat = data.transpose(..., *names)
    rest = flat.dims[: -len(names)]
    shape = tuple(flat.sizes[name] for name in rest)
    series = LabelledValues(flat.data.reshape((*shape, -1)), len(rest))
    coords = {name: coord for name, coord in data.coords.items() if not set(coord.dims) & set(names)}
    import xarray as xr

    values = full(_single(reducer(data=series, context=context)), shape, data.dtype)
    return xr.DataArray(values, coords=coords, dims=rest, attrs=data.attrs)


def apply_dimension(
    data: Cube, process: Callback, dimension: str, target_dimension: str | None = None, context: Value = None
) -> Cube:
    """Apply a process to all values along a dimension; it may give more or fewer of them."""
    import xarray as xr

    name = existing(data, dimension)
    axis = data.get_axis_num(name)
    made = _as_series(process(data=series_of(data, name), context=context), data, axis)
    values = np.moveaxis(made.values, made.axis, axis)
    length = values.shape[axis]
    target = target_dimension or name
    coords = {key: coord for key, coord in data.coords.items() if name not in coord.dims}
    if target == name and length == data.sizes[name]:
        return data.copy(data=values)
    dims = [target if one == name else one for one in data.dims]
    if len(set(dims)) < len(dims):
        raise ProcessError(f"dimension {target!r} is there already", code="DimensionExists")
    cube = xr.DataArray(values, coords={**coords, target: np.arange(length)}, dims=dims, attrs=data.attrs)
    return retyped(cube, **{target: type_of(data, name) if target == name else "other"})


def _as_series(value: Value, cube: Cube, axis: int) -> LabelledValues:
    """What a process gave along a dimension as a series that has an axis for each dimension of the cube."""
    if isinstance(value, list):
        value = sequence(value)
    if isinstance(value, LabelledValues) and value.values.ndim == cube.ndim:
        return value
    shape = tuple(size for at, size in enumerate(cube.shape) if at != axis)
    if isinstance(value, (LabelledValues, list)):  # the same values for all pixels
        items = value.values if isinstance(value, LabelledValues) else [as_float(item) for item in value]
        return LabelledValues(np.broadcast_to(np.asarray(items), (*shape, len(items))), len(shape))
    return LabelledValues(full(value, shape, cube.dtype)[..., None], len(shape))


def ndvi(data: Cube, nir: str = "nir", red: str = "red", target_band: str | None = None) -> Cube:
    """Normalised difference of near infrared and red: instead of the bands, or as one more band."""
    if not names_of(data, "bands"):
        raise ProcessError("the cube has no dimension of bands", code="DimensionAmbiguous")
    name = bands(data)
    found = []
    for band, code in ((nir, "NirBandAmbiguous"), (red, "RedBandAmbiguous")):
        numbers = band_numbers(data, band)
        if not numbers:
            have = ", ".join(map(str, labels(data, name)))
            raise ProcessError(f"there is no band {band!r}", f"there are: {have}", code)
        found.append(floats(data.isel({name: numbers[0]}).data))
    with np.errstate(all="ignore"):
        index = (found[0] - found[1]) / (found[0] + found[1])
    index = np.where(np.isfinite(index), index, np.nan).astype(found[0].dtype)
    if target_band is None:
        return without(data, name, index)
    if target_band in labels(data, name):
        raise ProcessError(f"band {target_band!r} is there already", code="BandExists")
    import xarray as xr

    one = without(data, name, index).expand_dims({name: [target_band]}, axis=data.get_axis_num(name))
    extra = [key for key, coord in data.coords.items() if name in coord.dims and key != name]
    return xr.concat([data.drop_vars(extra), one], dim=name).assign_attrs(data.attrs)


def mask(data: Cube, mask: Cube, replacement: Value = None) -> Cube:
    """Replace the pixels whose mask is true or not zero; no data in the mask changes nothing."""
    for name in mask.dims:
        if type_of(mask, str(name)) == "spatial":
            continue
        if name not in data.dims:
            raise ProcessError(f"the data has no dimension {name!r}", code="DimensionMismatch")
        if data.sizes[name] != mask.sizes[name]:
            raise ProcessError(f"dimension {name!r} has other labels in the mask", code="DimensionLabelCountMismatch")
        if list(labels(data, str(name))) != list(labels(mask, str(name))):
            raise ProcessError(f"dimension {name!r} has other labels in the mask", code="LabelMismatch")
    if set(names_of(data, "spatial")) != set(names_of(mask, "spatial")):
        raise ProcessError("data and mask differ in their dimensions in space", code="DimensionMismatch")
    aligned = same_grid(mask, data)
    values = aligned.data
    hidden = values & True if values.dtype.kind == "b" else (values != 0) & ~np.isnan(values)
    drop = [key for key in aligned.coords if key not in aligned.dims]
    keep = aligned.copy(data=~hidden.astype(bool)).drop_vars(drop)
    filled = data.where(keep, np.nan if replacement is None else replacement)
    return filled.transpose(*data.dims).assign_attrs(data.attrs)


def merge_cubes(cube1: Cube, cube2: Cube, overlap_resolver: Callback | None = None, context: Value = None) -> Cube:
    """Join two cubes: side by side if their labels differ in one dimension, else pixel by pixel with a resolver."""
    import xarray as xr

    shared = [str(name) for name in cube1.dims if name in cube2.dims]
    differing = [name for name in shared if _label_list(cube1, name) != _label_list(cube2, name)]
    if len(differing) == 1 and set(cube1.dims) == set(cube2.dims):
        name = differing[0]
        second = cube2.transpose(*cube1.dims)
        one, two = set(_label_list(cube1, name)), set(_label_list(cube2, name))
        if not one & two:
            joined = xr.concat([_bare(cube1), _bare(second)], dim=name, join="exact").assign_attrs(cube1.attrs)
            return _resorted(joined, name, type_of(cube1, name))
        return _partly(cube1, second, name, _resolver(overlap_resolver), context)
    if differing:
        raise ProcessError(
            f"the cubes differ in the labels of {', '.join(differing)}",
            "resample one of them first",
            "IncompatibleCubes",
        )
    high, low = (cube1, cube2) if cube1.ndim >= cube2.ndim else (cube2, cube1)
    if not set(low.dims) <= set(high.dims):
        raise ProcessError("each cube has a dimension that the other has not", code="IncompatibleCubes")
    return _resolved(cube1, cube2, high, _resolver(overlap_resolver), context)


def _label_list(cube: Cube, name: str) -> list[Any]:
    return list(labels(cube, name).tolist())


def _bare(cube: Cube) -> Cube:
    """A cube with nothing but the labels of its dimensions, so that two of them can be joined."""
    return cube.drop_vars([key for key in cube.coords if key not in cube.dims])


def _resorted(cube: Cube, name: str, kind: str) -> Cube:
    return cube.sortby(name) if kind == "temporal" else cube


def _resolver(given: Callback | None) -> Callback:
    if given is None:
        raise ProcessError("the cubes overlap", "give an overlap_resolver", "OverlapResolverMissing")
    return given


def _resolved(cube1: Cube, cube2: Cube, like: Cube, resolver: Callback, context: Value) -> Cube:
    one, two = (_bare(cube).broadcast_like(_bare(like)).transpose(*like.dims) for cube in (cube1, cube2))
    return like.copy(data=full(resolver(x=one.data, y=two.data, context=context), like.shape, like.dtype))


def _partly(cube1: Cube, cube2: Cube, name: str, resolver: Callback, context: Value) -> Cube:
    """Cubes of which some labels of a dimension are in both."""
    import xarray as xr

    first, second = _label_list(cube1, name), _label_list(cube2, name)
    both = [label for label in first if label in second]
    shared, theirs = _at(cube1, name, both), _at(cube2, name, both)
    parts = {
        "both": _resolved(shared, theirs, shared, resolver, context),
        "one": _at(cube1, name, [label for label in first if label not in both]),
        "two": _at(cube2, name, [label for label in second if label not in both]),
    }
    joined = xr.concat([_bare(part) for part in parts.values() if part.sizes[name]], dim=name, join="exact")
    wanted = [*first, *(label for label in second if label not in both)]
    return _resorted(_at(joined, name, wanted), name, type_of(cube1, name)).assign_attrs(cube1.attrs)


def _at(cube: Cube, name: str, wanted: list[Any]) -> Cube:
    have = _label_list(cube, name)
    return cube.isel({name: [have.index(label) for label in wanted]})


def flatten_dimensions(data: Cube, dimensions: list[str], target_dimension: str, label_separator: str = "~") -> Cube:
    """Several dimensions as one, whose labels are joined texts."""
    names = [existing(data, name) for name in dimensions]
    if target_dimension in data.dims:
        raise ProcessError(f"dimension {target_dimension!r} is there already", code="DimensionExists")
    import itertools

    import xarray as xr

    rest = [name for name in data.dims if name not in names]
    moved = data.transpose(*rest, *names)
    texts = [
        label_separator.join(map(str, combination))
        for combination in itertools.product(*(labels(data, n) for n in names))
    ]
    values = moved.data.reshape((*(data.sizes[name] for name in rest), len(texts)))
    coords = {name: data.coords[name] for name in rest if name in data.coords}
    return xr.DataArray(
        values, coords={**coords, target_dimension: texts}, dims=[*rest, target_dimension], attrs=data.attrs
    )


def trim_cube(data: Cube) -> Cube:
    """Without labels (but those in space) whose pixels are all no data."""
    if data.dtype.kind != "f":
        return data
    for name in data.dims:
        if type_of(data, str(name)) in {"spatial", GEOMETRIES}:
            continue
        valid = data.notnull().any(dim=[other for other in data.dims if other != name])
        data = data.isel({name: np.flatnonzero(valid.values)})
    return data


PROCESSES: dict[str, Callable[..., Value]] = {
    "create_data_cube": create_data_cube, "apply": apply, "reduce_dimension": reduce_dimension,
    "reduce_spatial": reduce_spatial, "apply_dimension": apply_dimension, "ndvi": ndvi, "mask": mask,
    "merge_cubes": merge_cubes, "flatten_dimensions": flatten_dimensions, "trim_cube": trim_cube,
}  # fmt: skip
