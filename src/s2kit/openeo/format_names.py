"""Names of the file formats; loads nothing, so that graphs can be validated quickly. Computes only."""

from s2kit.openeo.errors import ProcessError

FORMAT_NAMES = ("GTiff", "netCDF", "Zarr", "PNG", "JSON", "CSV", "Parquet")
_ALIASES = {"cog": "GTiff", "geotiff": "GTiff", "tiff": "GTiff", "nc": "netCDF", "geojson": "JSON"}
EXTENSIONS = {
    ".tif": "GTiff", ".tiff": "GTiff", ".nc": "netCDF", ".zarr": "Zarr", ".png": "PNG", ".json": "JSON",
    ".geojson": "JSON", ".csv": "CSV", ".parquet": "Parquet",
}  # fmt: skip
"""Formats by the extensions of files."""


def format_name(text: str) -> str:
    """The name of a format, whatever its case or an alias.

    Raises:
        ProcessError: There is none.
    """
    wanted = _ALIASES.get(text.lower(), text).lower()
    for name in FORMAT_NAMES:
        if name.lower() == wanted:
            return name
    raise ProcessError(f"there is no format {text!r}", f"there are: {', '.join(FORMAT_NAMES)}", "FormatUnsupported")
