"""Cubes as netCDF-4 files with the attributes of CF. Touches files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.errors import DiskError
from s2kit.openeo.formats.base import Writing, is_vector, plain_attributes, refuse, variable_name
from s2kit.openeo.processes.dimensions import Cube, names_of, type_of
from s2kit.run.files import atomic_file


def write_netcdf(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """CF: a variable for each band, or one called `var` without bands; with the reference system."""
    import netCDF4

    if is_vector(cube):
        refuse(cube, "netCDF", "JSON, CSV or Parquet")
    bands = names_of(cube, "bands")
    parts = {"var": cube}
    if bands:
        parts = {variable_name(label): cube.isel({bands[0]: at}) for at, label in enumerate(cube[bands[0]].values)}
    target = path.with_name(f"{path.name}.nc")
    with atomic_file(target, overwrite=writing.overwrite) as part:
        try:
            with netCDF4.Dataset(part, "w", format="NETCDF4") as file:
                _fill_netcdf(file, parts, writing)
        except RuntimeError as error:  # netCDF's and HDF5's own, without a number of the system
            hint = "is the disk full? free some space, or name another --out"
            raise DiskError(f"{target}: {error}", hint) from error
    return [target]


def _fill_netcdf(file: Any, parts: Mapping[str, Cube], writing: Writing) -> None:
    file.Conventions = "CF-1.11"
    file.history = writing.history
    first = next(iter(parts.values()))
    for name in first.dims:
        _netcdf_axis(file, first, str(name))
    mapping = _netcdf_mapping(file, first)
    for name, one in parts.items():
        _netcdf_variable(file, name, one, mapping)


def _netcdf_axis(file: Any, cube: Cube, name: str) -> None:
    values, kind = cube[name].values, type_of(cube, name)
    file.createDimension(name, len(values))
    if kind == "temporal" and values.dtype.kind == "M":
        axis = file.createVariable(name, "f8", (name,))
        axis.units, axis.calendar, axis.standard_name, axis.axis = "seconds since 1970-01-01", "standard", "time", "T"
        axis[:] = values.astype("datetime64[s]").astype(float)
    elif values.dtype.kind in "OUS":
        axis = file.createVariable(name, str, (name,))
        axis[:] = np.asarray([str(value) for value in values], dtype=object)
    else:
        axis = file.createVariable(name, values.dtype if values.dtype.kind in "fi" else "f8", (name,))
        axis[:] = values
        if kind == "spatial":
            degrees = "4326" in str(cube.attrs.get("crs", "4326"))
            is_x = name.lower() in {"x", "lon", "longitude"}
            axis.axis = "X" if is_x else "Y"
            axis.units = ("degrees_east" if is_x else "degrees_north") if degrees else "m"
            words = ("longitude", "latitude") if degrees else ("projection_x_coordinate", "projection_y_coordinate")
            axis.standard_name = words[0] if is_x else words[1]


def _netcdf_mapping(file: Any, cube: Cube) -> str | None:
    if cube.attrs.get("crs") is None:
        return None
    import pyproj

    attributes = pyproj.CRS.from_user_input(cube.attrs["crs"]).to_cf()
    mapping = file.createVariable("spatial_ref", "i4")
    for key, value in attributes.items():
        mapping.setncattr(key, value)
    mapping.setncattr("spatial_ref", attributes["crs_wkt"])
    return "spatial_ref"


def _netcdf_variable(file: Any, name: str, cube: Cube, mapping: str | None) -> None:
    kind = cube.dtype if cube.dtype.kind in "fiu" else np.dtype("u1")
    fill = np.nan if kind.kind == "f" else None
    chunks = [min(size, 512) if at >= cube.ndim - 2 else 1 for at, size in enumerate(cube.shape)] or None
    dims = tuple(map(str, cube.dims))
    variable = file.createVariable(name, kind, dims, zlib=bool(dims), complevel=4, fill_value=fill, chunksizes=chunks)
    if mapping and len(names_of(cube, "spatial")) == 2:
        variable.grid_mapping = mapping
    for key, value in plain_attributes(cube.attrs).items():
        variable.setncattr(key, value)
    if not dims:
        variable[...] = cube.values
        return
    for start in range(cube.shape[0] if cube.ndim > 2 else 1):  # one slice at a time: pixels may lie in a file
        at = start if cube.ndim > 2 else slice(None)
        variable[at] = np.asarray(cube.data[at]).astype(kind, copy=False)
