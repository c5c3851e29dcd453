"""Cubes for notebooks: a lazy `xarray.Dataset`, or files as the command line writes them."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from s2kit.api.verbs import with_keywords_of
from s2kit.cube import CubeFormat, CubeOptions, CubeOutput, CubeRequest, CubeResult, make_cube, new_plan, ready_plan
from s2kit.cube.dataset import dataset
from s2kit.product.ref import Products
from s2kit.run.events import Report, silent
from s2kit.run.options import Text, text
from s2kit.settings import Loaded, at_work, in_use

if TYPE_CHECKING:
    import xarray as xr


@with_keywords_of(CubeOptions)
def cube(
    products: Products = None,
    *,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[CubeOptions],
) -> "xr.Dataset":
    """Products of an area and its dates as one Dataset, read on dask when it is looked at.

    Args:
        products: Products, folders of products, or what `s2kit.search` found; None for a search.
        settings: Where defaults come from.
        report: Takes notes: bands that are lacking, dates that are left out.
        options: `aoi`, `bbox`, `range`, `bands`, `index`, `res`, `crs`, `mask_clouds`, `composite` …: those of
            `s2kit cube`.

    Returns:
        Variables `[time, y, x]`, with the numbers that `s2kit cube` writes, to the bit.

    Raises:
        S2KitError: Options that cannot be used, no product, or xarray is not installed.
    """
    request = CubeRequest.parse(in_use(settings), report, products=products, **options)
    with at_work(request.settings):
        return dataset(ready_plan(request, report))


@with_keywords_of(CubeOptions)
def write_cube(
    products: Products = None,
    *,
    out: Text,
    format: str | None = None,
    append: bool = False,
    overwrite: bool = False,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[CubeOptions],
) -> CubeResult:
    """Write a cube as `s2kit cube` does: by the pool, whole or not at all, continued after a kill.

    Args:
        products: Products, folders of products, or what `s2kit.search` found; None for a search.
        out: The cube: a folder for Zarr and GeoTIFFs, a file for netCDF.
        format: `zarr`, `netcdf`, `cog` or `multicog`; None for that of the name of `out`.
        append: True adds new dates to the cube that is there.
        overwrite: True replaces it.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: As for `cube`.

    Returns:
        Files, times, and the dates that could not be read.

    Raises:
        S2KitError: Options that cannot be used, no product, an output that exists or cannot be written.
    """
    request = CubeRequest.parse(in_use(settings), report, products=products, **options)
    path = Path(text(out))
    output = CubeOutput(
        path=path,
        form=CubeFormat.of(format, path),
        append=append,
        overwrite=overwrite,
        jobs=request.settings.jobs,
    )
    with at_work(request.settings):
        plan = new_plan(request, output, report)
        return CubeResult(path) if plan is None else make_cube(plan, output, report)
