"""A cube as an `xarray.Dataset` that is read when it is looked at; nothing is written.

`dataset` lays blocks on dask: one task reads a block of all layers, which then share it. `opened` serves
`xarray.open_dataset(…, engine="s2kit")`: one product, layer by layer, with or without dask.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from s2kit.cube import meaning
from s2kit.cube.block import make_block
from s2kit.cube.grids import CHUNK_PX
from s2kit.cube.layers import CubeLayer
from s2kit.cube.plan import CubeBlock, CubePlan
from s2kit.errors import ConfigError
from s2kit.grid import Window

if TYPE_CHECKING:
    import xarray as xr

INSTALL = "install the extra: pip install 's2kit[xarray]'"
_DIMENSIONS = ("time", "y", "x")


def library() -> Any:
    """Xarray.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ConfigError("a Dataset needs the package xarray", INSTALL) from error
    return xarray


def _dask() -> tuple[Any, Any]:
    """`dask.array` and `dask.delayed`.

    Raises:
        ConfigError: dask is not installed.
    """
    try:
        import dask.array as da
        from dask.delayed import delayed
    except ImportError as error:
        raise ConfigError("a lazy Dataset needs the package dask", INSTALL) from error
    return da, delayed


def dataset(plan: CubePlan) -> "xr.Dataset":
    """A plan as a Dataset on dask: a chunk is a block of one time, and is read once for all layers.

    Returns:
        Variables `[time, y, x]` by layer, with the numbers that `s2kit cube` writes (`uint16`: reflectance is the
        number times the attribute `scale_factor`, 0 is no data); coordinates `time`, `y`, `x` (middles of pixels),
        `spatial_ref` (the CRS), `day` (solar day).

    Raises:
        ConfigError: xarray or dask is not installed.
    """
    xarray = library()
    da, delayed = _dask()
    token = uuid4().hex
    columns = sorted({window.col for window in plan.blocks})
    rows = [
        [
            [
                (
                    window,
                    delayed(_layers, traverse=False)(plan.task(step, at), dask_key_name=f"s2kit-{token}-{step}-{at}"),
                )
                for at, window in enumerate(plan.blocks)
                if window.col == col
            ]
            for col in columns
        ]
        for step in range(len(plan.steps))
    ]

    def array(layer: CubeLayer) -> Any:
        parts = [
            [
                [
                    da.from_delayed(block[layer.name], (1, *window.shape), np.dtype(layer.dtype))
                    for window, block in column
                ]
                for column in step
            ]
            for step in rows
        ]
        times = [da.concatenate([da.concatenate(column, axis=1) for column in step], axis=2) for step in parts]
        return da.concatenate(times, axis=0)

    variables = {layer.name: (_DIMENSIONS, array(layer), _attributes(layer)) for layer in plan.layers}
    return xarray.Dataset(variables, coordinates(plan), _root(plan))  # type: ignore[no-any-return]


def _layers(task: CubeBlock) -> dict[str, NDArray[Any]]:
    """A block's layers, `[1, row, col]` each; runs wherever dask runs it."""
    return {name: values[None] for name, values in make_block(task).layers.items()}


def coordinates(plan: CubePlan) -> dict[str, Any]:
    """Coordinates of a cube as xarray takes them."""
    times = np.array([one.time.replace(tzinfo=None) for one in plan.steps], "datetime64[ns]")
    days = np.array([one.start for one in plan.steps], "datetime64[ns]")
    found: dict[str, Any] = {
        "time": ("time", times, {"standard_name": "time", "axis": "T"}),
        "day": ("time", days, {"long_name": "solar day"}),
        meaning.SPATIAL_REF: ((), plan.grid.epsg, meaning.crs_attributes(plan.grid)),
    }
    return found | {name: (name, values, attributes) for name, (values, attributes) in meaning.axes(plan.grid).items()}


def _attributes(layer: CubeLayer) -> dict[str, Any]:
    fill = meaning.fill_value(layer)
    attributes = meaning.layer_attributes(layer)
    if layer.kind == "date":
        attributes.pop("calendar")
    return attributes if fill is None else attributes | {"_FillValue": fill}


def _root(plan: CubePlan) -> dict[str, Any]:
    attributes = meaning.root_attributes(plan, range(len(plan.steps)))
    return {name: value for name, value in attributes.items() if not isinstance(value, Mapping)} | {
        "s2kit:products": [source.id for one in plan.slices for source in one.sources]
    }


def opened(plan: CubePlan) -> "xr.Dataset":
    """The only time of a plan as a Dataset `[y, x]` whose layers are read when they are looked at.

    Raises:
        ConfigError: xarray is not installed.
    """
    xarray = library()
    from xarray.core import indexing

    shared = {name: value for name, value in coordinates(plan).items() if name not in {"time", "day"}}
    shared["time"] = np.datetime64(plan.steps[0].time.replace(tzinfo=None), "ns")
    variables = {}
    for layer in plan.layers:
        data = indexing.LazilyIndexedArray(_backend_array(plan, layer))
        variable = xarray.Variable(("y", "x"), data, _attributes(layer))
        variable.encoding["preferred_chunks"] = {"y": 2 * CHUNK_PX, "x": 2 * CHUNK_PX}
        variables[layer.name] = variable
    return xarray.Dataset(variables, shared, _root(plan))  # type: ignore[no-any-return]


def _backend_array(plan: CubePlan, layer: CubeLayer) -> Any:
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class LayerArray(BackendArray):
        """One layer of one product."""

        shape = plan.grid.shape
        dtype = np.dtype(layer.dtype)

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

        def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
            return read_part(plan, layer, key)

    return LayerArray()


def read_part(plan: CubePlan, layer: CubeLayer, key: tuple[Any, ...]) -> NDArray[Any]:
    """A part of one layer of the first time; whole numbers and slices as numpy has them.

    Args:
        plan: The plan.
        layer: One of its layers.
        key: For rows and columns.
    """
    (rows, inner_rows), (cols, inner_cols) = (_span(one, size) for one, size in zip(key, plan.grid.shape, strict=True))
    if not len(rows) or not len(cols):
        return np.asarray(np.zeros((len(rows), len(cols)), layer.dtype)[inner_rows][..., inner_cols])
    window = Window(cols.start, rows.start, len(cols), len(rows))
    task = plan.task_of(0, window)
    alone = replace(task, recipe=replace(task.recipe, layers=(layer,)))
    return np.asarray(make_block(alone).layers[layer.name][inner_rows][..., inner_cols])


def _span(key: Any, size: int) -> tuple[range, Any]:
    """The pixels from the first to the last that a key names, and the key within them."""
    if not isinstance(key, slice):
        at = int(key) % size
        return range(at, at + 1), 0
    places = range(*key.indices(size))
    if not places:
        return range(0), slice(None)
    low, high = min(places[0], places[-1]), max(places[0], places[-1])
    if places.step == 1:
        return range(low, high + 1), slice(None)
    return range(low, high + 1), np.array(places) - low
