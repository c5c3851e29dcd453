"""Painting, spread over processes: small pictures one a task, large ones in blocks into an array on the disk.

Blocks follow the tiles of the finest file in use, so that no tile is decoded twice. All processes map the same file,
which is allocated beforehand: a full disk is an error at the start and not a killed worker.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.errors import S2KitError
from s2kit.grid import Window
from s2kit.picture.painter import BandCounts, Look, Pixels, count, has_data, paint
from s2kit.picture.write import Output, Painting, write_picture
from s2kit.render.picture import Picture, clear_pixels, count_band, paint_window, read_pixels
from s2kit.run.files import translate_os_error
from s2kit.run.parallel import Failed, pmap
from s2kit.run.sharing import threads_limited

SMALL_PX = 2048 * 2048
"""Pictures of no more pixels are one task: the pool's start would cost more than it saves."""
FILE_TILE_PX = {10: 1024, 20: 640, 60: 192}
"""Sides of the tiles in ESA's files by resolution in metres, the same in all baselines."""
_BLOCK_PX = 900
"""Blocks are at least about so wide and high."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture that is written."""

    look: Look
    """With the limits that were used."""
    nbytes: int
    """Of its file."""
    has_data: bool
    """False if all its pixels are no data."""


@dataclass(frozen=True, slots=True)
class WholeTask:
    """A picture that is painted and written in one go."""

    picture: Picture
    output: Output
    threads: int


def is_small(picture: Picture) -> bool:
    """True if a picture is one task."""
    return picture.grid.width * picture.grid.height <= SMALL_PX


def paint_whole(task: WholeTask) -> Painted:
    """Read, stretch, encode and write one small picture; a large one only if a cluster has a worker do it."""
    picture = task.picture
    if not is_small(picture):
        return paint_large(picture, task.output, 1, task.threads)
    pixels = read_pixels(picture, picture.grid)
    if picture.look.needs_counts:
        clear = clear_pixels(picture, picture.grid)
        bands = zip(picture.look.bands, pixels, strict=True)
        picture = picture.painted_with([[count(band, values, clear)] for band, values in bands])
    return _written(picture, paint(picture.look, pixels), task.output, task.threads)


def _written(picture: Picture, pixels: Pixels, output: Output, threads: int) -> Painted:
    nbytes = write_picture(Painting(picture.look, picture.grid, pixels), output, threads=threads)
    return Painted(picture.look, nbytes, has_data(picture.look, pixels))


@dataclass(frozen=True, slots=True)
class CountTask:
    """One band of a picture whose values are to be counted."""

    picture: Picture
    place: int


def count_one(task: CountTask) -> BandCounts:
    """Count the values of one band of one picture."""
    return count_band(task.picture, task.place)


def count_bands(pictures: Sequence[Picture], jobs: int) -> list[list[BandCounts] | S2KitError]:
    """Count the values of all bands of some pictures; for each picture its bands' counts, or why that failed."""
    tasks = [CountTask(picture, place) for picture in pictures for place in range(len(picture.sources))]
    owners = [at for at, picture in enumerate(pictures) for _ in picture.sources]
    found: dict[int, BandCounts] = {}
    errors: dict[int, S2KitError] = {}
    with closing(pmap(count_one, tasks, jobs)) as results:  # type: ignore[type-var]
        for done in results:
            if isinstance(done, Failed):
                errors[owners[done.index]] = done.error
            else:
                found[done.index] = done.value
    counts: list[list[BandCounts] | S2KitError] = []
    for at in range(len(pictures)):
        own = [index for index, owner in enumerate(owners) if owner == at]
        counts.append(errors[at] if at in errors else [found[index] for index in own])
    return counts


@dataclass(frozen=True, slots=True)
class PaintBlock:
    """A part of a large picture."""

    picture: Picture
    window: Window
    array: Path
    """The file that holds the pixels of the whole picture, `[row, col, channel]`."""


def paint_block(task: PaintBlock) -> None:
    """Paint one block into the array on the disk."""
    pixels = paint_window(task.picture, task.window)
    array = _mapped(task.picture, task.array, "r+")
    at = task.window
    array[at.row : at.row_end, at.col : at.col_end] = pixels


def paint_large(picture: Picture, output: Output, jobs: int, threads: int) -> Painted:
    """Paint a large picture in blocks, then encode it.

    Raises:
        S2KitError: The first error of a block; the others are dropped, as the picture cannot be whole any more.
    """
    with _array_file(picture) as path:
        tasks = [PaintBlock(picture, window, path) for window in blocks(picture)]
        with threads_limited(threads), closing(pmap(paint_block, tasks, jobs)) as results:  # type: ignore[type-var]
            for done in results:
                if isinstance(done, Failed):
                    raise done.error
        return _written(picture, _mapped(picture, path, "r"), output, threads)


def blocks(picture: Picture) -> Iterator[Window]:
    """Windows that cover a picture once, cut where the tiles of its finest file end."""
    finest = min(picture.sources, key=lambda image: image.resolution_m)
    tile = FILE_TILE_PX.get(finest.resolution_m, FILE_TILE_PX[10]) * finest.resolution_m / picture.grid.resolution_m
    step = tile * max(1, round(_BLOCK_PX / tile))
    shift_x = (picture.grid.west - finest.grid.west) / picture.grid.resolution_m
    shift_y = (finest.grid.north - picture.grid.north) / picture.grid.resolution_m
    cols, rows = _cuts(picture.grid.width, step, shift_x), _cuts(picture.grid.height, step, shift_y)
    for row, row_end in pairwise(rows):
        for col, col_end in pairwise(cols):
            yield Window(col, row, col_end - col, row_end - row)


def _cuts(size: int, step: float, shift: float) -> list[int]:
    """0, the places at which tiles begin, and the size."""
    first = int(shift // step) + 1
    edges = (round(number * step - shift) for number in range(first, first + int(size / step) + 2))
    return [0, *(edge for edge in edges if 0 < edge < size), size]


@contextmanager
def _array_file(picture: Picture) -> Iterator[Path]:
    """A file in a temporary folder that holds the pixels, allocated and zero."""
    with tempfile.TemporaryDirectory(prefix="s2kit-render-") as folder:
        path = Path(folder) / "pixels"
        nbytes = (
            picture.grid.width * picture.grid.height * picture.look.channels * np.dtype(picture.look.dtype).itemsize
        )
        try:
            with path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, nbytes)
                else:
                    file.truncate(nbytes)
        except OSError as error:
            raise translate_os_error(error, path) from error
        yield path


def _mapped(picture: Picture, path: Path, mode: Any) -> Pixels:
    shape = (picture.grid.height, picture.grid.width, picture.look.channels)
    return np.memmap(path, np.dtype(picture.look.dtype), mode, shape=shape)
