"""Folders of netCDF, Zarr or GeoTIFF files as collections; dimensions are read from the files. Touches files.

Sea surface temperature (OISST) comes in two layouts: NCEI's daily files (time at noon, a dimension `zlev`) and PSL's
yearly ones (`sst.day.mean.YYYY.nc`, midnight). Both become days at midnight, without `zlev`; a mixture is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from s2kit.errors import ConfigError, InputError, NotFoundError, S2KitError
from s2kit.openeo.collections.base import Description, LoadedCube, LoadWanted, chosen_bands
from s2kit.openeo.collections.rasters import open_rasters
from s2kit.openeo.errors import INSTALL, ProcessError
from s2kit.openeo.processes.dimensions import BAND_NAMES, TIME_NAMES, X_NAMES, Y_NAMES
from s2kit.openeo.processes.words import instant
from s2kit.run.events import Note, Report

_NETCDF = (".nc", ".nc4", ".h5")
_TIFF = (".tif", ".tiff")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Files of one kind that are one cube together, stacked in time."""

    id: str
    source: Path
    """A folder, or one file (or Zarr folder)."""

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All files, by name.

        Raises:
            NotFoundError: There is none.
            InputError: Files of several kinds.
        """
        if not self.source.exists():
            raise NotFoundError(f"collection {self.id}: {self.source} is not there")
        found = [self.source] if _kind(self.source) else sorted(p for p in self.source.rglob("*") if _kind(p))
        found = [path for path in found if not any(_kind(parent) == "zarr" for parent in path.parents)]
        if not found:
            hint = "there are netCDF, Zarr and GeoTIFF files to be read"
            raise NotFoundError(f"collection {self.id}: no file in {self.source}", hint)
        kinds = {_kind(path) for path in found}
        if len(kinds) > 1:
            first = {_kind(path): path.name for path in found}
            raise InputError(f"collection {self.id}: files of several kinds: {', '.join(first.values())}")
        return tuple(found)

    @cached_property
    def _is_sst(self) -> bool:
        return _kind(self.paths[0]) == "netcdf" and "sst" in self.paths[0].name.lower()

    def describe(self) -> Description:
        """Dimensions and bands of the first and the last file."""
        if self._is_sst:
            self._refuse_mixture(self.paths)
        first = self._opened(self.paths[:1])
        last = first if len(self.paths) == 1 else self._opened(self.paths[-1:])
        return described(self.id, self.source, first, last)

    def load(self, wanted: LoadWanted, report: Report) -> LoadedCube:
        """See `Collection.load`; files whose names say another time are not opened."""
        from s2kit.openeo.processes.space import filter_bbox
        from s2kit.openeo.processes.time import filter_temporal

        paths = self._chosen(wanted)
        cube = self._opened(paths)
        names = chosen_bands(described(self.id, self.source, cube, cube), wanted.bands)
        cube = cube.sel(bands=names)
        if "t" in cube.dims and (wanted.start or wanted.end):
            cube = filter_temporal(cube, [wanted.start, wanted.end])
            if not cube.sizes["t"]:
                raise self._nothing(wanted)
            self._report_gaps(cube, wanted, report)
        if wanted.extent is not None:
            cube = filter_bbox(cube, wanted.extent)
            if 0 in (cube.sizes["x"], cube.sizes["y"]):
                raise ProcessError(f"collection {self.id} has no pixel in that box", code="NoDataAvailable")
        return LoadedCube(cube=cube, sources=tuple(path.name for path in paths))

    def _chosen(self, wanted: LoadWanted) -> tuple[Path, ...]:
        """The files that may have something of the time that is wanted, by their names."""
        kept = tuple(path for path in self.paths if _may_hold(path.name, wanted))
        if self._is_sst:
            self._refuse_mixture(kept or self.paths)
        if not kept:
            raise self._nothing(wanted)
        return kept

    def _nothing(self, wanted: LoadWanted) -> ProcessError:
        hint = f"the first file is {self.paths[0].name}, the last {self.paths[-1].name}"
        text = f"collection {self.id} has nothing from {wanted.start} to {wanted.end}"
        return ProcessError(text, hint, "NoDataAvailable")

    def _refuse_mixture(self, paths: Iterable[Path]) -> None:
        layouts = {"sst.day" in path.name: path.name for path in paths}
        if len(layouts) > 1:
            hint = "keep the daily and the yearly files in two folders"
            raise InputError(f"collection {self.id}: files of two layouts: {', '.join(layouts.values())}", hint)

    def _opened(self, paths: Sequence[Path]) -> Any:
        """A lazy cube `[t, bands, y, x]` of all files."""
        try:
            if _kind(paths[0]) == "tiff":
                return open_rasters(paths, _date_of)
            return _stacked([_dataset(path) for path in paths], self.id)
        except ImportError as error:
            raise ConfigError(f"collection {self.id}: {error.name} is not installed", INSTALL) from error
        except S2KitError:
            raise
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"collection {self.id}: {paths[0].name} cannot be read: {error}") from error

    def _report_gaps(self, cube: Any, wanted: LoadWanted, report: Report) -> None:
        """Say which days of a daily collection are missing."""
        if not self._is_sst:
            return
        import numpy as np

        have = cube["t"].values.astype("datetime64[D]")
        first = have[0] if wanted.start is None else np.datetime64(instant(wanted.start).date())
        last = have[-1] + np.timedelta64(1, "D") if wanted.end is None else np.datetime64(instant(wanted.end).date())
        missing = sorted(set(np.arange(first, last)) - set(have))
        if missing:
            days = f"{len(missing)} day{'s' if len(missing) > 1 else ''}"
            span = f"{missing[0]}" if len(missing) == 1 else f"{missing[0]} … {missing[-1]}"
            report(Note(f"collection {self.id}: {days} missing: {span}", warning=True))


def _kind(path: Path) -> str | None:
    """`netcdf`, `tiff` or `zarr`; None for anything else."""
    suffix = path.suffix.lower()
    if suffix in _NETCDF:
        return "netcdf"
    if suffix in _TIFF:
        return "tiff"
    is_zarr = suffix == ".zarr" or ((path / "zarr.json").is_file() or (path / ".zgroup").is_file())
    return "zarr" if is_zarr and path.is_dir() else None


def _date_of(name: str) -> str | None:
    """The day that a file's name says; None if it says none."""
    found = _DAY.search(name)
    return None if found is None else "-".join(found.groups())


def _may_hold(name: str, wanted: LoadWanted) -> bool:
    """Whether a file may have something of the time that is wanted, as far as its name says."""
    day, year = _date_of(name), _YEAR.search(name)
    if day is not None:
        first, last = day, day
    elif year is not None:
        first, last = f"{year[1]}-01-01", f"{year[1]}-12-31"
    else:
        return True
    after = wanted.start is None or last >= wanted.start[:10]
    return after and (wanted.end is None or first <= wanted.end[:10])


def _dataset(path: Path) -> Any:
    import xarray as xr

    if _kind(path) == "zarr":
        return xr.open_zarr(path, chunks={})
    return xr.open_dataset(path, chunks={}, engine="netcdf4")


def _stacked(datasets: Sequence[Any], name: str) -> Any:
    import xarray as xr

    cubes = [_cube(dataset, name) for dataset in datasets]
    if len(cubes) == 1:
        return cubes[0]
    if any("t" not in cube.dims for cube in cubes):
        raise InputError(f"collection {name}: several files without a dimension in time")
    shared = [band for band in cubes[0]["bands"].values if all(band in cube["bands"].values for cube in cubes)]
    joined = xr.concat([cube.sel(bands=shared) for cube in cubes], dim="t", join="exact", combine_attrs="override")
    joined = joined.sortby("t")
    _, first = _unique(joined["t"].values)
    return joined if len(first) == joined.sizes["t"] else joined.isel(t=first)


def _unique(values: Any) -> Any:
    import numpy as np

    return np.unique(values, return_index=True)


def _cube(dataset: Any, name: str) -> Any:
    """A cube of all variables of a file that have dimensions in space."""
    import numpy as np

    spatial = {_axis(dim): dim for dim in map(str, dataset.dims) if _axis(dim) in {"x", "y"}}
    if set(spatial) != {"x", "y"}:
        raise InputError(f"collection {name}: the files have no dimensions in x and y")
    variables = [
        key
        for key, variable in dataset.data_vars.items()
        if set(spatial.values()) <= set(variable.dims) and variable.dtype.kind in "fiub"
    ]
    if not variables:
        raise InputError(f"collection {name}: no variable of the files has dimensions in x and y")
    crs = _crs(dataset, variables[0])
    own = next((str(dim) for dim in dataset[variables[0]].dims if str(dim).lower() in BAND_NAMES), None)
    array = dataset[variables[0]] if own else dataset[variables].to_dataarray("bands")
    names = {dim: _axis(str(dim)) for dim in array.dims if _axis(str(dim)) is not None}
    array = array.rename({dim: new for dim, new in names.items() if new != dim})
    for extra in [dim for dim in array.dims if dim not in {"t", "bands", "y", "x"} and array.sizes[dim] == 1]:
        array = array.isel({extra: 0}, drop=True)
    array = array.drop_vars([key for key in array.coords if key not in array.dims])
    array = array.astype(np.float32) if array.dtype.kind != "f" else array
    if "t" in array.dims and array["t"].dtype.kind == "M" and "sst" in variables:
        array = array.assign_coords(t=array["t"].values.astype("datetime64[D]").astype("datetime64[ns]"))
    order = [dim for dim in ("t", "bands", "y", "x") if dim in array.dims]
    rest = [dim for dim in array.dims if dim not in order]
    return array.transpose(*rest, *order).assign_attrs({"crs": crs})


def _axis(name: str) -> str | None:
    lower = name.lower()
    for axis, words in (("x", X_NAMES), ("y", Y_NAMES), ("t", TIME_NAMES), ("bands", BAND_NAMES)):
        if lower in words:
            return axis
    return None


def _crs(dataset: Any, variable: str) -> str:
    """The reference system of a file by CF's grid mapping; degrees if its coordinates are called so."""
    mapping = dataset[variable].attrs.get("grid_mapping") or dataset[variable].encoding.get("grid_mapping")
    for key in (mapping, "spatial_ref", "crs"):
        if key in dataset.variables:
            text = dataset[key].attrs.get("crs_wkt") or dataset[key].attrs.get("spatial_ref")
            if text:
                return _short_crs(str(text))
    if any(str(dim).lower() in {"lon", "longitude"} for dim in dataset[variable].dims):
        return "EPSG:4326"
    raise InputError("the files do not say their reference system", "add a grid mapping with crs_wkt")


def _short_crs(wkt: str) -> str:
    import pyproj

    code = pyproj.CRS.from_user_input(wkt).to_epsg()
    return wkt if code is None else f"EPSG:{code}"


def described(name: str, source: Path, first: Any, last: Any) -> Description:
    """The description of a collection out of the cubes of its first and last file."""
    import numpy as np

    from s2kit.openeo.processes.geometry import transformer
    from s2kit.openeo.processes.space import crs_of, step_of

    x, y = first["x"].values, first["y"].values
    box = [float(x.min()), float(y.min()), float(x.max()), float(y.max())]
    degrees = [float(side) for side in transformer(crs_of(first), "EPSG:4326").transform_bounds(*box)]
    if degrees[2] > 180:
        degrees[0], degrees[2] = -180.0, 180.0
    times: list[str | None] = [None, None]
    if "t" in first.dims and first.sizes["t"]:
        edges = (first["t"].values.min(), last["t"].values.max())
        times = [f"{np.datetime_as_string(edge.astype('datetime64[s]'))}Z" for edge in edges]
    bands = [str(band) for band in first["bands"].values]
    dimensions: dict[str, Mapping[str, Any]] = {
        "x": {"type": "spatial", "axis": "x", "extent": [box[0], box[2]], "step": step_of(first, "x")},
        "y": {"type": "spatial", "axis": "y", "extent": [box[1], box[3]], "step": step_of(first, "y")},
        "bands": {"type": "bands", "values": bands},
    }
    for axis in ("x", "y"):
        code = crs_of(first).removeprefix("EPSG:")
        dimensions[axis] = {**dimensions[axis], "reference_system": int(code) if code.isdigit() else code}
    if "t" in first.dims:
        dimensions["t"] = {"type": "temporal", "extent": times}
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/datacube/v2.2.0/schema.json"],
        "id": name,
        "title": name,
        "description": f"Files of {source.name}.",
        "license": "other",
        "extent": {"spatial": {"bbox": [degrees]}, "temporal": {"interval": [times]}},
        "links": [],
        "cube:dimensions": dimensions,
        "summaries": {"eo:bands": [{"name": band} for band in bands]},
    }
