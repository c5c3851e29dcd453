"""File formats of results, and writing them. Touches files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Never

import numpy as np

from s2kit.errors import DiskError
from s2kit.openeo.errors import ProcessError
from s2kit.openeo.format_names import format_name
from s2kit.openeo.processes.dimensions import GEOMETRIES, TYPES, Cube, label_texts, names_of, type_of
from s2kit.run.files import atomic_file, part_path, refuse_existing, remove, translate_os_error


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """One format."""

    name: str
    title: str
    extension: str
    media_type: str
    kinds: tuple[str, ...]
    """`raster`, `vector`, `table`, `other`: what it can hold, as openEO calls it."""
    write: Callable[[Path, Any, "Writing"], list[Path]] = field(repr=False)
    """Writes files that begin with a path (without extension); gives those that were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How files are written."""

    options: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    history: str = ""
    """What the result says of how it was made."""


def is_cube(value: Any) -> bool:
    """True for cubes of pixels or geometries."""
    return hasattr(value, "dims") and hasattr(value, "coords")


def is_vector(value: Any) -> bool:
    """True for cubes of geometries."""
    return is_cube(value) and GEOMETRIES in value.dims


def write_netcdf(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """CF: a variable for each band, or one called `var` without bands; with the reference system."""
    import netCDF4

    if is_vector(cube):
        _refuse(cube, "netCDF", "JSON, CSV or Parquet")
    bands = names_of(cube, "bands")
    parts = {"var": cube}
    if bands:
        parts = {_variable(label): cube.isel({bands[0]: at}) for at, label in enumerate(cube[bands[0]].values)}
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


def _variable(label: Any) -> str:
    text = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in str(label))
    return text or "var"


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
    for key, value in _clean(cube.attrs).items():
        variable.setncattr(key, value)
    if not dims:
        variable[...] = cube.values
        return
    for start in range(cube.shape[0] if cube.ndim > 2 else 1):  # one slice at a time: pixels may lie in a file
        at = start if cube.ndim > 2 else slice(None)
        variable[at] = np.asarray(cube.data[at]).astype(kind, copy=False)


def _clean(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that a file can hold: texts and numbers; dates as text."""
    kept = {}
    for key, value in attrs.items():
        if key in {"crs", TYPES, "x_step", "y_step"}:
            continue
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            kept[str(key)] = value
        elif hasattr(value, "isoformat") or isinstance(value, (bool, np.datetime64)):
            kept[str(key)] = str(value)
    return kept


def write_zarr(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Zarr version 3 with the attributes of CF; a variable for each band."""
    import xarray as xr

    if is_vector(cube):
        _refuse(cube, "Zarr", "JSON, CSV or Parquet")
    bands = names_of(cube, "bands")
    clean = cube.copy(deep=False)
    clean.attrs = _clean(cube.attrs)
    clean = clean.drop_vars([key for key in clean.coords if key not in clean.dims])
    data = clean.to_dataset(dim=bands[0]) if bands else clean.to_dataset(name="var")
    data = data.rename({name: _variable(name) for name in data.data_vars})
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
    from s2kit.openeo.processes.dimensions import spatial
    from s2kit.openeo.processes.space import affine_of

    x, y = spatial(cube)
    try:
        grid = _grid(cube.transpose(..., y, x))
    except ProcessError:
        return {}
    if affine_of(cube).e > 0:
        return {}
    return {"proj:code": f"EPSG:{grid.epsg}", "proj:transform": list(grid.geotransform), "proj:shape": list(grid.shape)}


def write_geotiff(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Cloud-optimised GeoTIFFs: one for each time, a band for each band."""
    from s2kit.picture.raster import RasterOptions, write_cog

    made = []
    for name, plane, names in _planes(path, cube, "GTiff"):
        target = name.with_name(f"{name.name}.tif")
        pixels = np.moveaxis(plane.data, 0, 2)
        if pixels.dtype.kind not in "fiu" or pixels.dtype.itemsize > 4:
            pixels = pixels.astype(np.float32)
        nodata = np.nan if pixels.dtype.kind == "f" else None
        tags = {"TIFFTAG_SOFTWARE": writing.history}
        options = RasterOptions(grid=_grid(plane), tags=tags, band_names=names, nodata=nodata)
        with atomic_file(target, overwrite=writing.overwrite) as part:
            write_cog(part, pixels, options)
        made.append(target)
    return made


def write_png(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Pictures: one band in the colours of its index or in greys, three as red, green and blue; one for each time."""
    from s2kit.picture.palettes import palette, to_steps
    from s2kit.picture.png import PngOptions
    from s2kit.picture.png import write_png as write

    made = []
    for name, plane, names in _planes(path, cube, "PNG"):
        if len(names) not in {1, 3}:
            hint = "choose with filter_bands"
            raise ProcessError(f"PNG shows 1 or 3 bands, not {len(names)}", hint, "FormatUnsuitable")
        target = name.with_name(f"{name.name}.png")
        colours, low, high = _look(writing, names, plane)
        steps = [to_steps(np.asarray(one, np.float32), a, b) for one, a, b in zip(plane.data, low, high, strict=True)]
        try:
            options = PngOptions(palette=palette(colours) if colours else None, transparent=True)
        except KeyError as error:
            raise ProcessError(f"there is no palette {colours!r}", code="FormatUnsuitable") from error
        with atomic_file(target, overwrite=writing.overwrite) as part:
            write(part, np.stack(steps, axis=-1), options)
        made.append(target)
    return made


def _look(writing: Writing, names: Sequence[str], plane: Cube) -> tuple[str | None, list[float], list[float]]:
    """Palette, and the values that are the darkest and the brightest of each band."""
    from s2kit.picture.indices import INDICES

    low, high = writing.options.get("min"), writing.options.get("max")
    if low is not None and high is not None:
        return writing.options.get("palette"), [float(low)] * len(names), [float(high)] * len(names)
    if len(names) == 1 and names[0].lower() in INDICES:
        index = INDICES[names[0].lower()]
        return index.palette, [index.low], [index.high]
    ends = [_ends(one) for one in plane.data]
    return writing.options.get("palette"), [one[0] for one in ends], [one[1] for one in ends]


def _ends(values: Any) -> tuple[float, float]:
    """The 2nd and 98th percentile of the pixels with data, of a sample of rows if there are many."""
    sample = np.asarray(values[:: max(1, len(values) // 1000)], dtype=np.float32)
    valid = sample[np.isfinite(sample)]
    if not len(valid):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(valid, (2, 98)))
    return low, high if high > low else low + 1.0


def _planes(path: Path, cube: Cube, form: str) -> list[tuple[Path, Cube, tuple[str, ...]]]:
    """A cube as pictures `[bands, y, x]`, north up, with the names of their files and bands."""
    if is_vector(cube) or len(names_of(cube, "spatial")) != 2:
        _refuse(cube, form, "netCDF, JSON or CSV")
    from s2kit.openeo.processes.dimensions import spatial

    x, y = spatial(cube)
    bands, times = names_of(cube, "bands"), names_of(cube, "temporal")
    others = [name for name in cube.dims if name not in {x, y, *bands[:1], *times[:1]}]
    if others:
        hint = "reduce it, or take netCDF"
        raise ProcessError(f"{form} has no room for the dimension {others[0]!r}", hint, "FormatUnsuitable")
    names = tuple(str(label) for label in cube[bands[0]].values) if bands else (cube.name or "var",)
    whole = cube if bands else cube.expand_dims("bands")
    whole = whole.transpose(*times[:1], bands[0] if bands else "bands", y, x)
    if whole.sizes[y] > 1 and whole[y].values[0] < whole[y].values[-1]:
        whole = whole.isel({y: slice(None, None, -1)})
    if not times:
        return [(path, whole, names)]
    texts = [str(text).replace(":", "").replace("-", "") for text in label_texts(whole, times[0])]
    stamps = texts if len(texts) > 1 else [""]
    return [
        (path.with_name(f"{path.name}_{_variable(stamp)}") if stamp else path, whole.isel({times[0]: at}), names)
        for at, stamp in enumerate(stamps)
    ]


def _grid(cube: Cube) -> Any:
    """The grid of a picture that is north up.

    Raises:
        ProcessError: Pixels that are not square, or a reference system without an EPSG code.
    """
    from s2kit.grid import Grid
    from s2kit.openeo.processes.space import affine_of, crs_of

    place, crs = affine_of(cube), crs_of(cube)
    code = crs.removeprefix("EPSG:")
    if not code.isdigit() or abs(abs(place.e) - abs(place.a)) > 1e-9 * abs(place.a):
        hint = "take netCDF, or resample_spatial first"
        raise ProcessError("GTiff is written of square pixels in an EPSG reference system", hint, "FormatUnsuitable")
    height, width = cube.shape[-2:]
    return Grid(int(code), place.c, place.f, abs(place.a), width, height)


def _refuse(cube: Any, form: str, others: str) -> Never:
    kind = "geometries" if is_vector(cube) else f"dimensions {', '.join(map(str, getattr(cube, 'dims', ())))}"
    raise ProcessError(f"{form} cannot hold a result of {kind}", f"take {others}", "FormatUnsuitable")


def write_json(path: Path, value: Any, writing: Writing) -> list[Path]:
    """Geometries as GeoJSON with a property for each value; other cubes with their labels; values as they are."""
    from s2kit.run.files import write_atomic

    target = path.with_name(f"{path.name}.{'geojson' if is_vector(value) else 'data.json'}")
    import orjson

    body = _geojson(value) if is_vector(value) else _plain(value)
    write_atomic(target, orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n", overwrite=writing.overwrite)
    return [target]


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN is null."""
    from s2kit.openeo.processes.values import LabelledValues, is_array, plain

    if is_cube(value):
        labels = {str(name): label_texts(value, str(name)) for name in value.dims}
        return {"dims": list(map(str, value.dims)), "coords": labels, "data": _plain(np.asarray(value.values).tolist())}
    if isinstance(value, LabelledValues):
        return _plain(np.asarray(value.values).tolist())
    if is_array(value):
        return _plain(np.asarray(value).tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    value = plain(value)
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _geojson(cube: Cube) -> dict[str, Any]:
    import shapely.geometry

    features = []
    rows = _table(cube, wide=True)
    for geometry, row in zip(cube[GEOMETRIES].values, rows, strict=True):
        features.append({"type": "Feature", "geometry": shapely.geometry.mapping(geometry), "properties": _plain(row)})
    return {"type": "FeatureCollection", "features": features}


def _table(cube: Cube, *, wide: bool = False) -> list[dict[str, Any]]:
    """Rows of a cube: one for each combination of labels, a column for each band; with `wide` one for each geometry."""
    from itertools import product

    bands = names_of(cube, "bands")
    keys = [str(name) for name in cube.dims if name not in bands[:1]]
    along = [GEOMETRIES] if wide else keys
    whole = cube.transpose(*along, *(name for name in map(str, cube.dims) if name not in along))
    values = np.asarray(whole.values)
    rest = [name for name in map(str, whole.dims) if name not in along]
    columns = ["_".join(map(str, one)) or "value" for one in product(*(label_texts(whole, name) for name in rest))]
    rows = []
    for place in np.ndindex(*(whole.sizes[name] for name in along)):
        row: dict[str, Any] = {}
        for name, at in zip(along, place, strict=True):
            row |= _place(whole, name, at)
        row |= dict(zip(columns, np.ravel(values[place]).tolist(), strict=True))
        rows.append(row)
    return rows


def _place(cube: Cube, name: str, at: int) -> dict[str, Any]:
    """What a row says of its place on one dimension; of a geometry its attributes, or its number."""
    if name != GEOMETRIES:
        return {name: label_texts(cube, name)[at]}
    attributes = [key for key, coord in cube.coords.items() if coord.dims == (GEOMETRIES,) and key != GEOMETRIES]
    known = {str(key): cube.coords[key].values[at] for key in attributes}
    return known or {"feature": at}


def write_csv(path: Path, value: Any, writing: Writing) -> list[Path]:
    """A row for each combination of labels, a column for each band; no data is empty."""
    import csv

    if not is_cube(value):
        _refuse(value, "CSV", "JSON")
    rows = [_plain(row) for row in _table(value)]
    target = path.with_name(f"{path.name}.csv")
    with atomic_file(target, overwrite=writing.overwrite) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [target]


def write_parquet(path: Path, value: Any, writing: Writing) -> list[Path]:
    """The rows of CSV as Parquet; geometries as GeoParquet (WKB)."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    if not is_cube(value):
        _refuse(value, "Parquet", "JSON")
    rows = [_plain(row) for row in _table(value)]
    table = pa.Table.from_pylist(rows)
    if is_vector(value):
        import shapely

        repeat = len(rows) // max(1, value.sizes[GEOMETRIES])
        order = [str(name) for name in value.dims if name not in names_of(value, "bands")[:1]]
        wkb = shapely.to_wkb(np.asarray(value[GEOMETRIES].values, dtype=object)).tolist()
        column = [one for one in wkb for _ in range(repeat)] if order[0] == GEOMETRIES else wkb * repeat
        table = table.append_column("geometry", pa.array(column, pa.binary()))
        described = {"geometry": {"encoding": "WKB", "geometry_types": []}}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": described}
        table = table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})
    target = path.with_name(f"{path.name}.parquet")
    with atomic_file(target, overwrite=writing.overwrite) as part:
        pq.write_table(table, part)
    return [target]


_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_ROWS: tuple[tuple[str, str, str, str, tuple[str, ...], Callable[..., list[Path]]], ...] = (
    ("GTiff", "GeoTIFF (COG)", "tif", _COG, ("raster",), write_geotiff),
    ("netCDF", "netCDF 4 (CF)", "nc", "application/x-netcdf", ("raster", "other"), write_netcdf),
    ("Zarr", "Zarr 3", "zarr", "application/vnd+zarr", ("raster", "other"), write_zarr),
    ("PNG", "PNG picture", "png", "image/png", ("raster",), write_png),
    ("JSON", "JSON, GeoJSON", "json", "application/json", ("vector", "table", "other"), write_json),
    ("CSV", "CSV", "csv", "text/csv", ("vector", "table", "other"), write_csv),
    ("Parquet", "Parquet, GeoParquet", "parquet", "application/vnd.apache.parquet", ("vector", "table"), write_parquet),
)
FORMATS: Mapping[str, FileFormat] = MappingProxyType(
    {
        name: FileFormat(name=name, title=title, extension=ext, media_type=media, kinds=kinds, write=write)
        for name, title, ext, media, kinds, write in _ROWS
    }
)
"""All formats by the names of graphs."""


def find_format(name: str) -> FileFormat:
    """A format by its name, in any case.

    Raises:
        ProcessError: There is none.
    """
    return FORMATS[format_name(name)]
