"""One writer a format of cubes; its package is loaded when it is asked for."""

from collections.abc import Callable
from pathlib import Path

from s2kit.cube.formats import Built, CubeFormat, CubeOutput, replace_folder
from s2kit.cube.plan import CubePlan

Writer = Callable[[CubePlan, Built, Path, CubeOutput], tuple[Path, ...]]
"""Finishes an unfinished cube, puts it in its place, and returns the files."""


def check_writer(form: CubeFormat) -> None:
    """Raise `ConfigError` if the package that writes a format is not installed."""
    if form is CubeFormat.ZARR:
        from s2kit.cube.zarr_store import library

        library()
    elif form is CubeFormat.NETCDF:
        from s2kit.cube.netcdf import library as netcdf

        netcdf()


def writer_of(form: CubeFormat) -> Writer:
    """The writer of a format."""
    match form:
        case CubeFormat.ZARR:
            return _zarr
        case CubeFormat.NETCDF:
            from s2kit.cube import netcdf

            return netcdf.publish
        case CubeFormat.PICTURES:
            from s2kit.cube import pictures

            return pictures.publish
        case _:
            from s2kit.cube import geotiffs

            return geotiffs.publish


def _zarr(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> tuple[Path, ...]:
    from s2kit.cube import zarr_store

    del plan
    zarr_store.finish(part, built.shares_in_order)
    replace_folder(part, output.path)
    return (output.path,)
