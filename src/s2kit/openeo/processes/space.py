"""Processes in space: extents, grids, polygons, zones, kernels. Computes only; lazily if the cube is lazy."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.dimensions import Cube, labels, names_of, spatial
from s2kit.openeo.processes.geometry import (
    WGS84,
    Shapes,
    crs_text,
    read_shapes,
    same_crs,
    transformer,
    vector_cube,
)
from s2kit.openeo.processes.values import Callback, LabelledValues, Value, dask_arrays, full, is_array, is_lazy

METHODS = ("near", "bilinear", "cubic", "cubicspline", "lanczos", "average", "mode", "max", "min", "med", "q1", "q3")
_BORDERS = {"replicate": "nearest", "reflect": "reflect", "reflect_pixel": "mirror", "wrap": "wrap"}


def crs_of(cube: Cube) -> str:
    """Reference system of a cube; degrees if its coordinates are called so and it has none.

    Raises:
        ProcessError: It has none.
    """
    if cube.attrs.get("crs") is not None:
        return crs_text(cube.attrs["crs"])
    if any(str(name).lower() in {"lon", "longitude"} for name in cube.dims):
        return WGS84
    raise ProcessError("the cube has no reference system", code="UnsupportedProjection")


def step_of(cube: Cube, name: str) -> float:
    """Distance of two neighbouring labels; 0 if there is only one."""
    values = labels(cube, name)
    return float(values[1] - values[0]) if len(values) > 1 else float(cube.attrs.get(f"{name}_step", 0.0))


def affine_of(cube: Cube) -> Any:
    """The affine transform from column and row to the corner of a pixel."""
    from affine import Affine

    x, y = spatial(cube)
    dx, dy = step_of(cube, x), step_of(cube, y)
    return Affine(dx, 0, labels(cube, x)[0] - dx / 2, 0, dy, labels(cube, y)[0] - dy / 2)


def bbox_in(extent: Mapping[str, Any], crs: str) -> tuple[float, float, float, float]:
    """West, south, east, north of an extent in another reference system (the box around the moved box)."""
    box = tuple(float(extent[side]) for side in ("west", "south", "east", "north"))
    source = crs_text(extent.get("crs") or WGS84)
    if same_crs(source, crs):
        return box  # type: ignore[return-value]
    return tuple(float(side) for side in transformer(source, crs).transform_bounds(*box))  # type: ignore[return-value]


def filter_bbox(data: Cube, extent: Mapping[str, Any]) -> Cube:
    """The pixels whose centres are in a box, west to east; over the edge of the grid longitudes go on: -10 to 20."""
    if not names_of(data, "spatial"):
        raise ProcessError("the cube has no dimensions in space", code="DimensionNotAvailable")
    x, y = spatial(data)
    west, south, east, north = bbox_in(extent, crs_of(data))
    part = data.isel({x: columns(labels(data, x), west, east, degrees=_is_geographic(data)),
                      y: np.flatnonzero((labels(data, y) >= south) & (labels(data, y) <= north))})  # fmt: skip
    return _going_on(part, x) if _is_geographic(data) else part


def _going_on(cube: Cube, x: str) -> Cube:
    """The same cube with longitudes that only rise: those beyond the edge of the grid are a turn further."""
    values = labels(cube, x)
    falls = np.flatnonzero(np.diff(values) < 0)
    if len(falls) != 1 or step_of(cube, x) < 0:
        return cube
    whole = values + 360.0 * (np.arange(len(values)) > falls[0])
    return cube.assign_coords({x: whole - 360 if (whole[0] + whole[-1]) / 2 > 180 else whole})


def _is_geographic(cube: Cube) -> bool:
    return same_crs(crs_of(cube), WGS84)


def columns(x: Any, west: float, east: float, *, degrees: bool) -> Any:
    """Numbers of the columns between west and east.

    Args:
        x: `[n]` centres.
        west: Included.
        east: Included.
        degrees: True if `x` are longitudes: 350 to 20, -10 to 20 and 350 to 380 are the same then, west to east.
    """
    if not degrees:
        return np.flatnonzero((x >= west) & (x <= east))
    if east < west:
        east += 360
    if east - west >= 360:
        return np.arange(len(x))
    beyond = (x - west) % 360
    at = np.flatnonzero(beyond <= east - west)
    return at[np.argsort(beyond[at], kind="stable")]


def same_grid(cube: Cube, target: Cube, method: str = "near") -> Cube:
    """A cube on the grid of another; as it is if both are equal."""
    if all(np.array_equal(labels(cube, name), labels(target, name)) for name in names_of(target, "spatial")):
        return cube
    return resample_cube_spatial(cube, target, method)


def resample_cube_spatial(data: Cube, target: Cube, method: str = "near", options: Value = None) -> Cube:
    """A cube on the grid of another."""
    return _warped(data, _geobox(target), spatial(target), crs_of(target), method)


def resample_spatial(
    data: Cube,
    resolution: Any = 0,
    projection: Value = None,
    method: str = "near",
    align: str = "upper-left",
) -> Cube:
    """A cube in another resolution or reference system."""
    from odc.geo.geobox import GeoBox

    crs = crs_of(data) if projection is None else crs_text(projection)
    steps = [float(one) for one in (resolution if isinstance(resolution, (list, tuple)) else (resolution, resolution))]
    box = _geobox(data)
    moved = box if same_crs(crs, crs_of(data)) else box.to_crs(crs)
    bounds = moved.boundingbox
    dx, dy = (step or abs(size) for step, size in zip(steps, (moved.affine.a, moved.affine.e), strict=True))
    columns_, rows = (max(1, round(length / step)) for length, step in ((bounds.span_x, dx), (bounds.span_y, dy)))
    from affine import Affine

    west = bounds.right - columns_ * dx if "right" in align else bounds.left
    north = bounds.bottom + rows * dy if "lower" in align else bounds.top
    grid = GeoBox((rows, columns_), Affine(dx, 0, west, 0, -dy, north), crs)
    return _warped(data, grid, spatial(data), crs, method)


def _geobox(cube: Cube) -> Any:
    from odc.geo.geobox import GeoBox

    x, y = spatial(cube)
    return GeoBox((cube.sizes[y], cube.sizes[x]), affine_of(cube), crs_of(cube))


def _warped(cube: Cube, grid: Any, names: tuple[str, str], crs: str, method: str) -> Cube:
    """Pixels on another grid by GDAL's kernels, block by block."""
    import odc.geo.xr
    import xarray as xr

    if method not in METHODS:
        raise ProcessError(
            f"method {method!r} is not known", f"take one of {', '.join(METHODS)}", "ProcessParameterInvalid"
        )
    x, y = spatial(cube)
    rest = [name for name in cube.dims if name not in {x, y}]
    plane = cube.transpose(*rest, y, x)
    kind = plane.dtype if plane.dtype.kind != "b" else np.dtype("uint8")
    coords = odc.geo.xr.xr_coords(_geobox(cube), dims=(y, x))
    bare = xr.DataArray(plane.data.astype(kind), dims=plane.dims, coords=coords)
    nodata = np.nan if kind.kind == "f" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about arrays in memory that have no transform
        kernel = "nearest" if method == "near" else method
        moved = odc.geo.xr.xr_reproject(bare, grid, resampling=kernel, dst_nodata=nodata)
    rows, cols = moved.dims[-2:]
    kept = {key: coord for key, coord in cube.coords.items() if not set(coord.dims) & {x, y}}
    dims = [*rest, names[1], names[0]]
    coords_out = {**kept, names[1]: moved[rows].values, names[0]: moved[cols].values}
    made = xr.DataArray(moved.data, dims=dims, coords=coords_out, attrs={**cube.attrs, "crs": crs})
    order = [names[0] if name == x else names[1] if name == y else name for name in cube.dims]
    return made.transpose(*order)


def polygon_mask(cube: Cube, shapes: Shapes) -> Any:
    """`[y, x]` mask, True for pixels whose centres are in one of the geometries."""
    from rasterio.features import geometry_mask

    x, y = spatial(cube)
    size = (cube.sizes[y], cube.sizes[x])
    if 0 in size:
        return np.zeros(size, dtype=bool)
    moved = shapes.transformed(crs_of(cube)).geometries
    usable = [one for one in moved if not one.is_empty]
    if not usable:
        return np.zeros(size, dtype=bool)
    return geometry_mask(usable, out_shape=size, transform=affine_of(cube), invert=True)


def mask_polygon(data: Cube, mask: Value, replacement: Value = None, inside: bool = False) -> Cube:  # noqa: FBT001, FBT002
    """Replace the pixels outside of polygons, or inside."""
    import xarray as xr

    x, y = spatial(data)
    inner = polygon_mask(data, read_shapes(mask))
    keep = xr.DataArray(~inner if inside else inner, dims=[y, x])
    filled = data.where(keep, np.nan if replacement is None else replacement)
    return filled.transpose(*data.dims).assign_attrs(data.attrs)


def filter_spatial(data: Cube, geometries: Value) -> Cube:
    """The box around polygons; pixels outside of the polygons become no data."""
    shapes = read_shapes(geometries)
    inner = polygon_mask(data, shapes)
    x, y = spatial(data)
    cut = data.isel({y: _span(inner.any(axis=1)), x: _span(inner.any(axis=0))})
    return mask_polygon(cut, geometries)


def _span(hit: Any) -> slice:
    at = np.flatnonzero(hit)
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0)


def aggregate_spatial(
    data: Cube, geometries: Value, reducer: Callback, target_dimension: str | None = None, context: Value = None
) -> Cube:
    """One value for each geometry, of the pixels whose centres are inside.

    With the context `{"weights": "area"}` all pixels that a polygon touches take part, each with the share of its area
    that is inside: in `mean`, `sum` and `count`.
    """
    x, y = spatial(data)
    shapes = read_shapes(geometries)
    moved = shapes.transformed(crs_of(data))
    by_area = isinstance(context, Mapping) and context.get("weights") == "area"
    rest = [name for name in data.dims if name not in {x, y}]
    plane = data.transpose(*rest, y, x)
    shape = tuple(plane.sizes[name] for name in rest)
    parts = [
        full(_of_zone(plane, one, moved.crs, reducer, context, by_area), shape, data.dtype) for one in moved.geometries
    ]
    coords = {str(key): coord for key, coord in data.coords.items() if not set(coord.dims) & {x, y}}
    values: Any = np.stack(parts)
    if is_lazy(values):  # in one block, so that pixels that several geometries need are read once
        values = values.rechunk({0: -1})
    return vector_cube(shapes, values, [str(name) for name in rest], coords)


def _of_zone(plane: Cube, geometry: Any, crs: str, reducer: Callback, context: Value, by_area: bool) -> Value:  # noqa: FBT001
    rows, cols, weights = zone_weights(plane, geometry, crs, by_area=by_area)
    window = plane.data[..., rows, cols]
    flat = window.reshape((*window.shape[:-2], -1))
    at = np.flatnonzero(weights.ravel() > 0)
    series = LabelledValues(flat, flat.ndim - 1, None, weights.ravel() if by_area else None).take(at)
    made = reducer(data=series, context=context)
    if isinstance(made, (LabelledValues, list)):
        raise ProcessError("a reducer must give one value, not an array", code="ProcessParameterInvalid")
    return made


def zone_weights(plane: Cube, geometry: Any, crs: str, *, by_area: bool) -> tuple[slice, slice, Any]:
    """Rows and columns that a geometry touches, and the weight of each pixel: 1 or 0, or the share of its area."""
    x, y = spatial(plane)
    xs, ys = labels(plane, x), labels(plane, y)
    dx, dy = abs(step_of(plane, x)), abs(step_of(plane, y))
    if geometry.is_empty:
        return slice(0, 0), slice(0, 0), np.zeros((0, 0))
    west, south, east, north = geometry.bounds
    cols = _span((xs >= west - dx) & (xs <= east + dx))
    rows = _span((ys >= south - dy) & (ys <= north + dy))
    part = plane.isel({y: rows, x: cols})
    if 0 in (part.sizes[y], part.sizes[x]):
        return rows, cols, np.zeros((part.sizes[y], part.sizes[x]))
    if not by_area:
        if geometry.geom_type.endswith("Point"):
            return rows, cols, _nearest(part, geometry, x, y)
        window = part.isel({name: 0 for name in part.dims if name not in {x, y}})
        window = window.assign_attrs({f"{x}_step": step_of(plane, x), f"{y}_step": step_of(plane, y)})
        return rows, cols, polygon_mask(window, Shapes((geometry,), ({},), crs)).astype(float)
    import shapely

    grid_x, grid_y = np.meshgrid(labels(part, x), labels(part, y))
    cells = shapely.box(grid_x - dx / 2, grid_y - dy / 2, grid_x + dx / 2, grid_y + dy / 2)
    return rows, cols, shapely.area(shapely.intersection(cells, geometry)) / (dx * dy)


def _nearest(part: Cube, geometry: Any, x: str, y: str) -> Any:
    """The pixels that hold the points."""
    hit = np.zeros((part.sizes[y], part.sizes[x]))
    for point in getattr(geometry, "geoms", [geometry]):
        hit[np.abs(labels(part, y) - point.y).argmin(), np.abs(labels(part, x) - point.x).argmin()] = 1
    return hit


def apply_kernel(
    data: Cube,
    kernel: Sequence[Sequence[float]],
    factor: float = 1,
    border: Any = 0,
    replace_invalid: float = 0,
) -> Cube:
    """Weighted sums of each pixel's neighbours (a convolution)."""
    weights = np.asarray(kernel, dtype=float)
    if weights.ndim != 2 or any(size % 2 == 0 for size in weights.shape):
        raise ProcessError("a kernel has odd numbers of rows and columns", code="KernelDimensionsUneven")
    x, y = spatial(data)
    plane = data.transpose(..., y, x)
    mode = _BORDERS.get(border) if isinstance(border, str) else "constant"
    if mode is None:
        raise ProcessError(
            f"border {border!r} is not known", f"take a number or {', '.join(_BORDERS)}", "ProcessParameterInvalid"
        )

    def convolved(values: Any) -> Any:
        from scipy.ndimage import convolve

        filled = np.where(np.isfinite(values), values, replace_invalid).astype(np.result_type(values.dtype, np.float32))
        whole = weights.reshape((1,) * (values.ndim - 2) + weights.shape)
        fill = 0.0 if isinstance(border, str) else float(border)
        return convolve(filled, whole, mode=mode, cval=fill) * factor

    values = plane.data
    if is_lazy(values):
        reach = {values.ndim - 2: weights.shape[0] // 2, values.ndim - 1: weights.shape[1] // 2}
        edges = {"nearest": "nearest", "reflect": "reflect", "mirror": "reflect", "wrap": "periodic"}
        outside = edges[mode] if isinstance(border, str) else float(border)
        done = dask_arrays().map_overlap(
            convolved, values, depth=reach, boundary=dict.fromkeys(reach, outside), dtype=np.float32
        )
    else:
        done = convolved(values)
    return plane.copy(data=done).transpose(*data.dims)


def apply_polygon(
    data: Cube, geometries: Value, process: Callback, mask_value: Value = None, context: Value = None
) -> Cube:
    """Apply a process to the pixels of each polygon by itself; others become no data, or `mask_value`."""
    x, y = spatial(data)
    shapes = read_shapes(geometries).transformed(crs_of(data))
    result = None
    for one in shapes.geometries:
        inner = polygon_mask(data, Shapes((one,), ({},), shapes.crs))
        own = data.where(_plane(inner, y, x), np.nan if mask_value is None else mask_value).transpose(*data.dims)
        made = own.copy(data=full(process(data=own.data, context=context), own.shape, own.dtype))
        clear = made.where(_plane(inner, y, x)).transpose(*data.dims)
        result = clear if result is None else result.where(~_plane(inner, y, x), clear).transpose(*data.dims)
    assert result is not None, "there is at least one geometry"
    return result.assign_attrs(data.attrs)


def _plane(values: Any, y: str, x: str) -> Any:
    import xarray as xr

    return xr.DataArray(values, dims=[y, x])


def apply_neighborhood(
    data: Cube,
    process: Callback,
    size: Sequence[Mapping[str, Any]],
    overlap: Sequence[Mapping[str, Any]] = (),
    context: Value = None,
) -> Cube:
    """Apply a process to blocks of pixels; each comes with its overlap, which is cut off afterwards."""
    lengths = {one["dimension"]: one["value"] for one in size if one.get("value") is not None}
    extra = {one["dimension"]: int(one["value"]) for one in overlap or ()}
    for name in (*lengths, *extra):
        if name not in data.dims:
            raise ProcessError(f"there is no dimension {name!r}", code="DimensionNotAvailable")
        if lengths.get(name) is not None and not isinstance(lengths[name], (int, float)):
            raise ProcessError(f"the size of {name!r} must be a number of pixels", code="ProcessParameterInvalid")
    da = dask_arrays()
    lazy = data.data if is_lazy(data.data) else da.from_array(data.data)
    blocks = lazy.rechunk({data.get_axis_num(name): int(length) for name, length in lengths.items()})
    depth = {data.get_axis_num(name): length for name, length in extra.items()}

    def block(values: Any) -> Any:
        made = process(data=values, x=values, context=context)
        return np.asarray(made) if is_array(made) else full(made, values.shape, values.dtype)

    kind = np.result_type(data.dtype, np.float32)
    done = da.map_overlap(
        block, blocks, depth=depth, boundary=np.nan, dtype=kind, meta=np.empty((0,) * data.ndim, kind)
    )
    return data.copy(data=done if is_lazy(data.data) else done.compute())


PROCESSES: dict[str, Callable[..., Value]] = {
    "filter_bbox": filter_bbox, "resample_cube_spatial": resample_cube_spatial, "resample_spatial": resample_spatial,
    "mask_polygon": mask_polygon, "filter_spatial": filter_spatial, "aggregate_spatial": aggregate_spatial,
    "apply_kernel": apply_kernel, "apply_polygon": apply_polygon, "apply_neighborhood": apply_neighborhood,
}  # fmt: skip
