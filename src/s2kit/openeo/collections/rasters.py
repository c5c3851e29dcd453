"""GeoTIFF files of one grid as a lazy cube: a time for each date in the names, a band for each band. Touches files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.errors import InputError
from s2kit.image.gdal_open import open_raster_file

_SIDE_PX = 1024


def open_rasters(paths: Sequence[Path], date_of: Callable[[str], str | None]) -> Any:
    """A cube `[t, bands, y, x]` (without `t` if no name has a date), float32 with NaN for no data.

    Args:
        paths: The files.
        date_of: The day that a file's name says.

    Raises:
        InputError: A file is no raster, or the grids or bands differ.
    """
    import dask.array
    import xarray as xr

    da: Any = dask.array
    heads = [_head(path) for path in paths]
    first = heads[0]
    for path, head in zip(paths, heads, strict=True):
        if head[:4] != first[:4]:
            raise InputError(f"{path.name} has another grid or other bands than {paths[0].name}")
    crs, transform, shape, names = first[:4]
    days = [date_of(path.name) for path in paths]
    layers = [_lazy(da, path, len(names), shape) for path in paths]
    coords: dict[str, Any] = {
        "bands": list(names),
        "y": transform[5] + transform[4] * (np.arange(shape[0]) + 0.5),
        "x": transform[2] + transform[0] * (np.arange(shape[1]) + 0.5),
    }
    attrs = {"crs": crs, "x_step": transform[0], "y_step": transform[4]}
    if len(paths) == 1 and days[0] is None:
        return xr.DataArray(layers[0], coords=coords, dims=("bands", "y", "x"), attrs=attrs)
    if any(day is None for day in days):
        undated = next(path.name for path, day in zip(paths, days, strict=True) if day is None)
        raise InputError(
            f"{undated}: the name says no date", "several files need dates such as 2024-05-01 in their names"
        )
    coords["t"] = np.asarray(days, dtype="datetime64[ns]")
    return xr.DataArray(da.stack(layers), coords=coords, dims=("t", "bands", "y", "x"), attrs=attrs).sortby("t")


def _head(path: Path) -> tuple[str, tuple[float, ...], tuple[int, int], tuple[str, ...]]:
    """Reference system, affine transform, rows and columns, names of the bands."""
    from rasterio.errors import RasterioIOError

    try:
        with open_raster_file(path) as image:
            if image.crs is None:
                raise InputError(f"{path.name} has no reference system")
            code = image.crs.to_epsg()
            names = [text or f"band{number}" for number, text in enumerate(image.descriptions, 1)]
            place = tuple(float(number) for number in tuple(image.transform)[:6])
            return f"EPSG:{code}" if code else image.crs.to_wkt(), place, image.shape, tuple(names)
    except RasterioIOError as error:
        raise InputError(f"{path.name}: no raster: {error}") from error


def _lazy(da: Any, path: Path, count: int, shape: tuple[int, int]) -> Any:
    chunks = ((count,), *(_parts(size) for size in shape))
    return da.map_blocks(
        _read, str(path), chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32), name=f"read-{path}"
    )


def _parts(size: int) -> tuple[int, ...]:
    whole, rest = divmod(size, _SIDE_PX)
    return (_SIDE_PX,) * whole + ((rest,) if rest else ())


def _read(path: str, block_info: Any = None) -> Any:
    """One block, scaled as the file says; runs in workers."""
    from rasterio.windows import Window

    (_, rows, cols) = block_info[None]["array-location"]
    window = Window(cols[0], rows[0], cols[1] - cols[0], rows[1] - rows[0])
    with open_raster_file(Path(path)) as image:
        values = image.read(window=window, masked=True).astype(np.float32).filled(np.nan)
        scales = np.asarray(image.scales, np.float32)[:, None, None]
        offsets = np.asarray(image.offsets, np.float32)[:, None, None]
    return values * scales + offsets if (scales != 1).any() or (offsets != 0).any() else values
