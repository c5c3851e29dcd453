"""Cubes as Zarr version 3 with the attributes of CF. Touches files."""

from pathlib import Path
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.formats.base import Writing, is_vector, plain_attributes, refuse, variable_name
from s2kit.openeo.formats.grids import grid_of
from s2kit.openeo.processes.dimensions import Cube, names_of, spatial
from s2kit.openeo.processes.space import affine_of
from s2kit.run.files import part_path, refuse_existing, remove, translate_os_error


def write_zarr(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Zarr version 3 with the attributes of CF; a variable for each band."""
    import xarray as xr

    if is_vector(cube):
        refuse(cube, "Zarr", "JSON, CSV or Parquet")
    bands = names_of(cube, "bands")
    clean = cube.copy(deep=False)
    clean.attrs = plain_attributes(cube.attrs)
    clean = clean.drop_vars([key for key in clean.coords if key not in clean.dims])
    data = clean.to_dataset(dim=bands[0]) if bands else clean.to_dataset(name="var")
    data = data.rename({name: variable_name(name) for name in data.data_vars})
    if cube.attrs.get("crs") is not None:
        import pyproj

        attributes = pyproj.CRS.from_user_input(cube.attrs["crs"]).to_cf()
        data["spatial_ref"] = xr.DataArray(np.int32(0), attrs={**attributes, "spatial_ref": attributes["crs_wkt"]})
    data.attrs = {"Conventions": "CF-1.11", "history": writing.history, **_grid_attributes(cube)}
    encoding: dict[str, Any] = {
        str(key): {"chunks": tuple(min(size, 512) for size in one.shape)}
        for key, one in data.data_vars.items()
        if one.ndim
    }
    for name in names_of(cube, "temporal"):
        if data[name].dtype.kind == "M":
            encoding[name] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    target = path.with_name(f"{path.name}.zarr")
    if not writing.overwrite:
        refuse_existing(target)
    part = part_path(target)
    remove(part)
    try:
        data.to_zarr(part, mode="w", zarr_format=3, consolidated=False, encoding=encoding)
        remove(target)
        part.rename(target)
    except OSError as error:
        raise translate_os_error(error, target) from error
    finally:
        remove(part)
    return [target]


def _grid_attributes(cube: Cube) -> dict[str, Any]:
    """The grid as the cubes of `s2kit cube` have it; nothing if the cube is none of square pixels, north up."""
    if len(names_of(cube, "spatial")) != 2 or cube.attrs.get("crs") is None:
        return {}
    x, y = spatial(cube)
    try:
        grid = grid_of(cube.transpose(..., y, x))
    except ProcessError:
        return {}
    if affine_of(cube).e > 0:
        return {}
    return {"proj:code": f"EPSG:{grid.epsg}", "proj:transform": list(grid.geotransform), "proj:shape": list(grid.shape)}
