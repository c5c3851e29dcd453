"""A cube's dimensions: their types, labels and reference system; and the processes that change them. Computes only.

A cube is an `xarray.DataArray`. `attrs["crs"]` is its reference system (any text that pyproj reads); the type of a
dimension follows from its labels and its name, unless `attrs["dimension_types"]` says otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.values import Value, plain

Cube = Any
"""An `xarray.DataArray`; xarray is loaded only where one is made."""

X_NAMES = ("x", "lon", "longitude")
Y_NAMES = ("y", "lat", "latitude")
TIME_NAMES = ("t", "time", "date")
BAND_NAMES = ("bands", "band", "b")
GEOMETRIES = "geometries"
TYPES = "dimension_types"


def type_of(cube: Cube, name: str) -> str:
    """Type of a dimension: `spatial`, `temporal`, `bands`, `geometry` or `other`."""
    given = cube.attrs.get(TYPES, {}).get(name)
    if given is not None:
        return str(given)
    lower = str(name).lower()
    if name in cube.coords and cube.coords[name].dtype.kind == "M":
        return "temporal"
    for kind, names in (("spatial", (*X_NAMES, *Y_NAMES)), ("bands", BAND_NAMES), ("temporal", TIME_NAMES)):
        if lower in names:
            return kind
    return "geometry" if lower == GEOMETRIES else "other"


def names_of(cube: Cube, kind: str) -> list[str]:
    """Names of all dimensions of a type, in their order."""
    return [str(name) for name in cube.dims if type_of(cube, str(name)) == kind]


def temporal(cube: Cube, dimension: str | None = None) -> str:
    """The dimension in time: the named one, or the only one.

    Raises:
        ProcessError: There is none, or there are several and none is named.
    """
    found = names_of(cube, "temporal")
    if dimension is not None:
        return existing(cube, dimension)
    if not found:
        raise ProcessError("the cube has no dimension in time", code="DimensionNotAvailable")
    if len(found) > 1:
        raise ProcessError(f"the cube has several dimensions in time: {', '.join(found)}", code="TooManyDimensions")
    return found[0]


def bands(cube: Cube) -> str:
    """The dimension of bands.

    Raises:
        ProcessError: There is none.
    """
    found = names_of(cube, "bands")
    if not found:
        raise ProcessError("the cube has no dimension of bands", code="DimensionMissing")
    return found[0]


def spatial(cube: Cube) -> tuple[str, str]:
    """Names of the dimensions in x and y.

    Raises:
        ProcessError: One is missing.
    """
    x = next((str(name) for name in cube.dims if str(name).lower() in X_NAMES), None)
    y = next((str(name) for name in cube.dims if str(name).lower() in Y_NAMES), None)
    if x is None or y is None:
        raise ProcessError("the cube has no dimensions in space", code="DimensionNotAvailable")
    return x, y


def existing(cube: Cube, name: str) -> str:
    """The name of a dimension that is there.

    Raises:
        ProcessError: It is not.
    """
    if name not in cube.dims:
        have = ", ".join(map(str, cube.dims)) or "none"
        raise ProcessError(f"there is no dimension {name!r}", f"there are: {have}", "DimensionNotAvailable")
    return name


def labels(cube: Cube, name: str) -> Any:
    """Labels of a dimension; numbers from 0 if it has none."""
    return cube[name].values


def label_texts(cube: Cube, name: str) -> list[Any]:
    """Labels of a dimension as graphs write them: times as RFC 3339."""
    values = labels(cube, name)
    if values.dtype.kind == "M":
        return [f"{text}Z" for text in np.datetime_as_string(values, unit="s").tolist()]
    return [plain(value) for value in values]


def retyped(cube: Cube, **types: str) -> Cube:
    """A cube with the types of some dimensions set."""
    return cube.assign_attrs({TYPES: {**cube.attrs.get(TYPES, {}), **types}})


def datetimes(texts: Sequence[str]) -> Any:
    """Dates of a graph as labels."""
    from s2kit.openeo.processes.words import instant

    return np.asarray([instant(text).replace(tzinfo=None) for text in texts], dtype="datetime64[ns]")


def dimension_labels(data: Cube, dimension: str) -> list[Any]:
    """All labels of a dimension."""
    return label_texts(data, existing(data, dimension))


def add_dimension(data: Cube, name: str, label: Value, type: str = "other") -> Cube:
    """A new dimension with one label."""
    if name in data.dims:
        raise ProcessError(f"dimension {name!r} is there already", code="DimensionExists")
    value = datetimes([label])[0] if type == "temporal" and isinstance(label, str) else label
    kind = type if type in {"spatial", "temporal", "bands", "geometry"} else "other"
    return retyped(data.expand_dims({name: [value]}), **{name: kind})


def drop_dimension(data: Cube, name: str) -> Cube:
    """Remove a dimension that has one label."""
    existing(data, name)
    if data.sizes[name] > 1:
        raise ProcessError(
            f"dimension {name!r} has {data.sizes[name]} labels", "reduce it", "DimensionLabelCountMismatch"
        )
    return data.isel({name: 0}, drop=True)


def rename_dimension(data: Cube, source: str, target: str) -> Cube:
    """Another name for a dimension; its type stays."""
    kind = type_of(data, existing(data, source))
    if target in data.dims:
        raise ProcessError(f"dimension {target!r} is there already", code="DimensionExists")
    return retyped(data.rename({source: target}), **{target: kind})


def rename_labels(data: Cube, dimension: str, target: Sequence[Value] = (), source: Sequence[Value] = ()) -> Cube:
    """Other labels: for those in `source`, or if there is no source for the first ones of labels that are numbers."""
    have = label_texts(data, existing(data, dimension))
    old, new = list(source or ()), list(target or ())
    if not new:
        old, new = [], old
    if not old:
        if have != list(range(len(have))):
            raise ProcessError(f"the labels of {dimension!r} are not numbers from 0", code="LabelsNotEnumerated")
        old = have[: len(new)]
    if len(old) != len(new):
        raise ProcessError(f"{len(old)} labels in source, {len(new)} in target", code="LabelMismatch")
    for label in old:
        if label not in have:
            raise ProcessError(f"there is no label {label!r} in {dimension!r}", code="LabelNotAvailable")
    kept = [label for label in have if label not in old]
    if clash := [label for label in new if label in kept]:
        raise ProcessError(f"label {clash[0]!r} is there already", code="LabelExists")
    table = dict(zip(old, new, strict=True))
    renamed = np.empty(len(have), dtype=object)
    renamed[:] = [table.get(label, label) for label in have]
    labels_ = renamed if len({type(label) for label in renamed}) > 1 else renamed.tolist()
    return retyped(data.assign_coords({dimension: labels_}), **{dimension: type_of(data, dimension)})


def filter_bands(data: Cube, bands: Sequence[str] = (), wavelengths: Sequence[Any] = ()) -> Cube:
    """The named bands, in the order in which they are named; also by common names and by wavelengths in micrometres."""
    if not bands and not wavelengths:
        raise ProcessError("bands or wavelengths must be given", code="BandFilterParameterMissing")
    name = _bands(data)
    at = [index for band in bands for index in band_numbers(data, band)]
    centres = data.coords.get("center_wavelength")
    for low, high in wavelengths:
        at += [] if centres is None else [i for i, value in enumerate(centres.values) if low <= value <= high]
    return data.isel({name: list(dict.fromkeys(at))})


def band_numbers(cube: Cube, band: str) -> list[int]:
    """Numbers of the bands of a name; of a common name if no band is called so. Empty if there is none."""
    name = _bands(cube)
    have = [str(label) for label in cube[name].values]
    if band in have:
        return [have.index(band)]
    common = cube.coords.get("common_name")
    return [] if common is None else [at for at, value in enumerate(common.values) if value == band]


def filter_labels(data: Cube, condition: Callable[..., Value], dimension: str, context: Value = None) -> Cube:
    """The labels that meet a condition."""
    texts = label_texts(data, existing(data, dimension))
    met = [at for at, text in enumerate(texts) if condition(value=text, x=text, context=context) is True]
    return data.isel({dimension: met})


_bands = bands
PROCESSES: dict[str, Callable[..., Value]] = {
    "dimension_labels": dimension_labels, "add_dimension": add_dimension, "drop_dimension": drop_dimension,
    "rename_dimension": rename_dimension, "rename_labels": rename_labels, "filter_bands": filter_bands,
    "filter_labels": filter_labels,
}  # fmt: skip
