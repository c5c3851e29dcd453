"""File formats of results, and writing them. Touches files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from s2kit.openeo.format_names import format_name
from s2kit.openeo.formats.base import FileFormat, Writing, is_cube, is_vector
from s2kit.openeo.formats.netcdf import write_netcdf
from s2kit.openeo.formats.pictures import write_geotiff, write_png
from s2kit.openeo.formats.tables import write_csv, write_json, write_parquet
from s2kit.openeo.formats.zarr import write_zarr

__all__ = ["FORMATS", "FileFormat", "Writing", "find_format", "is_cube", "is_vector"]

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
