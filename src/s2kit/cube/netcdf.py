"""Cubes as netCDF-4 files by netCDF4-python; its exceptions stay here."""

from pathlib import Path
from typing import Any

import numpy as np

from s2kit.cube import meaning, scratch
from s2kit.cube.formats import Built, CubeOutput
from s2kit.cube.grids import CHUNK_PX
from s2kit.cube.layers import CubeLayer
from s2kit.cube.plan import CubePlan
from s2kit.errors import ConfigError, DiskError
from s2kit.run.files import atomic_file, remove

_LEVEL = 4


def library() -> Any:
    """netCDF4-python.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import netCDF4
    except ImportError as error:
        raise ConfigError(
            "netCDF needs the package netCDF4", "pip install 's2kit[xarray]', or write GeoTIFFs with --format cog"
        ) from error
    return netCDF4


def publish(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> tuple[Path, ...]:
    """Write an unfinished cube as one file.

    Raises:
        DiskError: It cannot be written.
    """
    try:
        with atomic_file(output.path, overwrite=output.overwrite) as path, library().Dataset(path, "w") as root:
            _describe(root, plan, built)
            for layer in plan.layers:
                _layer(root, layer, plan, built, part)
    except RuntimeError as error:  # netCDF's and HDF5's own, without a number of the system
        raise DiskError(
            f"{output.path}: {error}", "is the disk full? free some space, or name another --out"
        ) from error
    remove(part)
    return (output.path,)


def _describe(root: Any, plan: CubePlan, built: Built) -> None:
    attributes = meaning.root_attributes(plan, built.steps)
    root.setncatts({name: _plain(value) for name, value in attributes.items()})
    root.createDimension("time", len(built.steps))
    for name, (values, described) in meaning.axes(plan.grid).items():
        root.createDimension(name, len(values))
        axis = root.createVariable(name, "f8", (name,))
        axis.setncatts(described)
        axis[:] = values
    time = root.createVariable("time", "i8", ("time",))
    time.setncatts(meaning.time_attributes())
    time[:] = np.array([meaning.seconds(plan.steps[at].time) for at in built.steps], np.int64)
    crs = root.createVariable(meaning.SPATIAL_REF, "i4", ())
    crs.setncatts(meaning.crs_attributes(plan.grid))
    crs[...] = plan.grid.epsg
    for name, shares in built.shares_in_order.items():
        share = root.createVariable(name, "f4", ("time",))
        share.setncatts(meaning.share_attributes(name))
        share[:] = np.array(shares, np.float32)


def _plain(value: Any) -> Any:
    """An attribute as netCDF knows it: no objects."""
    import json

    if isinstance(value, dict):
        return json.dumps(value)
    return value


def _layer(root: Any, layer: CubeLayer, plan: CubePlan, built: Built, part: Path) -> None:
    rows, cols = plan.grid.shape
    fill = meaning.fill_value(layer)
    variable = root.createVariable(
        layer.name, layer.dtype, ("time", "y", "x"), compression="zlib", complevel=_LEVEL, shuffle=True,
        chunksizes=(1, min(rows, CHUNK_PX), min(cols, CHUNK_PX)), fill_value=False if fill is None else fill,
    )  # fmt: skip
    attributes = meaning.layer_attributes(layer)
    if "flag_values" in attributes:
        attributes["flag_values"] = np.array(attributes["flag_values"], layer.dtype)
    variable.setncatts(attributes | {"coordinates": f"{meaning.DATA_PCT} {meaning.CLEAR_PCT}"})
    variable.set_auto_maskandscale(False)
    pixels = scratch.pixels(part, layer, built.shape)
    for at, place in enumerate(built.places):
        for row in range(0, rows, CHUNK_PX):
            variable[at, row : row + CHUNK_PX, :] = pixels[place, row : row + CHUNK_PX]
