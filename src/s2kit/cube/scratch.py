"""Pixels of a cube as plain arrays in files, filled by the workers: what netCDF and GeoTIFFs are written from."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s2kit.cube.layers import CubeLayer
from s2kit.grid import Window
from s2kit.run.files import ensure_folder, translate_os_error

FOLDER = ".pixels"


def _path(part: Path, name: str) -> Path:
    return part / FOLDER / name


def create(part: Path, layers: Sequence[CubeLayer], shape: tuple[int, int, int]) -> None:
    """Make the files, allocated, so that a full disk is seen now.

    Raises:
        DiskError: The disk is full or failing.
    """
    ensure_folder(part / FOLDER)
    for layer in layers:
        path = _path(part, layer.name)
        try:
            with path.open("wb") as file:
                nbytes = int(np.prod(shape)) * np.dtype(layer.dtype).itemsize
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, nbytes)
                else:
                    file.truncate(nbytes)
        except OSError as error:
            raise translate_os_error(error, path) from error


def pixels(part: Path, layer: CubeLayer, shape: tuple[int, int, int], mode: Literal["r", "r+"] = "r") -> NDArray[Any]:
    """A layer, `[time, row, col]`, mapped from its file."""
    return np.memmap(_path(part, layer.name), np.dtype(layer.dtype), mode, shape=shape)


def write(
    part: Path, layer: CubeLayer, shape: tuple[int, int, int], step: int, window: Window, values: NDArray[Any]
) -> None:
    """Put one block of one layer; runs in the workers."""
    mapped = pixels(part, layer, shape, "r+")
    mapped[step, window.row : window.row_end, window.col : window.col_end] = values
