"""Answers as files: JSON, CSV, npy, GeoTIFF."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.grid import Grid
from s2kit.picture.raster import RasterOptions, write_geotiff


def write_text(path: Path, chunks: Iterable[str]) -> None:
    """Write text piece by piece; it ends with a line break."""
    last = "\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for chunk in chunks:
            file.write(chunk)
            last = chunk[-1:] or last
        if last != "\n":
            file.write("\n")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object on one line."""
    write_text(path, [json.dumps(value, allow_nan=False)])


def write_npy(path: Path, pixels: NDArray[Any]) -> None:
    """Write an array: `[row, col]` of one component, else `[component, row, col]`."""
    array = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels)
    with path.open("wb") as file:  # not by `np.save`, whose errors do not say that the disk is full
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def write_tiff(path: Path, pixels: NDArray[Any], grid: Grid, nodata: float | None, band: str | None) -> None:
    """Write a GeoTIFF of `[component, row, col]`, with its place."""
    names = (band,) if band is not None and pixels.shape[0] == 1 else ()
    options = RasterOptions(grid=grid, nodata=nodata, band_names=names, threads=1)
    write_geotiff(path, np.moveaxis(pixels, 0, -1), options)
