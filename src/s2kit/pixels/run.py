"""Dump pixels: raw digital numbers of images anywhere, whole at a reduction or a window, as JSON, arrays or numbers."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import box

from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError, S2KitError, UsageError
from s2kit.grid import Grid, Window
from s2kit.image.open import Image, ImageInfo, open_image
from s2kit.jp2.remote_index import SHARES
from s2kit.pixels.dump import (
    NoSuchLevelError,
    PixelFormat,
    csv_chunks,
    json_chunks,
    statistics,
    text_nbytes,
)
from s2kit.pixels.files import write_json, write_npy, write_text, write_tiff
from s2kit.pixels.request import LOWEST, PixelsRequest, PixelWish, part_of
from s2kit.pixels.target import Target, connections, find_target
from s2kit.run.events import Finished, Note, Report, WorkPlanned, silent
from s2kit.run.files import atomic_file
from s2kit.run.locks import output_lock
from s2kit.run.parallel import Done, pmap, worker_count
from s2kit.settings import Access, Settings
from s2kit.store.cost import PRICE_LIST, estimate
from s2kit.store.location import RemoteObject, ZarrArray, large_chunks

LARGEST_TEXT = 500_000_000
"""Bytes of JSON or CSV that are written without being forced."""
NODATA = 0
"""No data in files that name no value: every ESA image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelTask:
    """One image, for one worker."""

    wish: PixelWish
    path: Path
    """The file that gets the answer."""
    form: PixelFormat
    settings: Access
    meta: bool = False
    named: bool = False
    """True where the answer says which source it is of."""
    force: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class PixelAnswer:
    """One image that was dumped."""

    source: str
    path: Path
    rows: int
    cols: int
    nbytes_read: int
    requests: int
    note: str = ""
    """What was read in place of what was asked for; empty if nothing was."""


@dataclass(frozen=True, slots=True)
class PixelPlan:
    """What dumping one image would take."""

    source: str
    rows: int
    cols: int
    nbytes: int
    """Bytes that would be read, about."""
    requests: int
    usd: float
    usd_in_region: float
    price_list: str | None
    answer_nbytes: int
    """Bytes of the answer, about."""
    remark: str = ""
    """What is unusual about reading it, such as very large chunks."""


@dataclass(frozen=True, slots=True)
class PixelOutcome:
    """One image, done or failed; `index` is its place among those asked for."""

    index: int
    wish: PixelWish
    answer: PixelAnswer | None
    error: S2KitError | None


def dump(
    request: PixelsRequest, paths: Sequence[Path], report: Report = silent, *, overwrite: bool = False
) -> Iterator[PixelOutcome]:
    """Dump images in the pool, in the order in which they get done.

    Args:
        request: The images.
        paths: The file of each answer.
        report: Takes progress.
        overwrite: True if the files may be replaced.
    """
    many = len(request.wishes) > 1
    tasks = [
        PixelTask(
            wish=wish,
            path=path,
            form=request.form,
            settings=request.settings.access,
            meta=request.meta,
            named=many and request.form.is_json,
            force=request.force,
            overwrite=overwrite,
        )
        for wish, path in zip(request.wishes, paths, strict=True)
    ]
    report(WorkPlanned(len(tasks), what="images"))
    caps = [cap for task in tasks if (cap := connections(task.wish, task.settings)) is not None]
    workers = min(worker_count(request.settings.jobs), max(len(tasks), 1), *caps)
    for result in pmap(dump_one, tasks, workers):
        wish = tasks[result.index].wish
        if isinstance(result, Done):
            if result.value.note:
                report(Note(result.value.note, warning=True))
            report(Finished(wish.source, f"{result.value.nbytes_read} bytes in {result.value.requests} requests"))
            yield PixelOutcome(result.index, wish, result.value, None)
        else:
            yield PixelOutcome(result.index, wish, None, result.error)


def dump_one(task: PixelTask) -> PixelAnswer:
    """Read one image and write its answer, atomically, while no other run writes it; runs in a worker."""
    with output_lock(task.path):
        return _dumped(task)


def _dumped(task: PixelTask) -> PixelAnswer:
    wish = task.wish
    started = time.perf_counter()
    target = find_target(wish, task.settings)
    found_s = time.perf_counter() - started if isinstance(target.location, RemoteObject) else 0.0
    with _opened(target, task.settings) as image:
        reduction, window = _asked(image.info, wish, target)
        rows, cols = _shape(image.info, window, reduction)
        _check_size(task, image.info.count, rows, cols)
        if reduction and target.is_classes and not wish.is_legacy:
            pixels = _picked(image, window or Window(0, 0, image.size.width, image.size.height), reduction)
        else:
            pixels = image.level(reduction) if window is None else image.window(window, reduction)
        traffic, info = image.traffic, image.info
    waited = found_s + traffic.waited_s
    grid = _grid(info, window, reduction)
    nodata = _nodata(info)
    more: dict[str, Any] = {}
    if task.named:  # the same product may be asked for several bands
        more = {"path": wish.source} | ({"band": wish.band} if wish.band else {})
    if task.meta:
        more |= {
            "path": wish.source,
            "band": target.band,
            "crs": None if grid is None else f"EPSG:{grid.epsg}",
            "transform": None if grid is None else list(grid.geotransform),
            "nodata": "nan" if math.isnan(nodata) else nodata,
            "rlevel": reduction,
            "window": None if window is None else [window.col, window.row, window.width, window.height],
            "bytes_read": traffic.nbytes,
            "requests": traffic.requests if traffic.round_trips else 0,
        }
    with atomic_file(task.path, overwrite=task.overwrite) as part:
        spent = (waited, time.perf_counter() - started - waited)
        _write(part, task.form, pixels, spent, more, grid, nodata, target)
    return PixelAnswer(wish.source, task.path, rows, cols, traffic.nbytes, traffic.requests, target.note)


def plan(wish: PixelWish, form: PixelFormat, settings: Settings) -> PixelPlan:
    """What dumping one image would take; only its header is read.

    Raises:
        S2KitError: It cannot be found, or read.
    """
    target = find_target(wish, settings)
    with _opened(target, settings) as image:
        info = image.info
        reduction, window = _asked(info, wish, target)
        size, requests = target.nbytes, image.traffic.requests
    rows, cols = _shape(info, window, reduction)
    share = SHARES[min(reduction, len(SHARES) - 1)] * part_of(window, info.width, info.height)
    nbytes = min(size, int(size * share) + 8192)
    answer = text_nbytes(info.count, rows, cols) if form.is_text else rows * cols * info.count * info.dtype.itemsize
    if isinstance(target.location, (RemoteObject, ZarrArray)) and target.location.is_remote:
        reads = requests + (8 if window is not None else max(8, nbytes // (8 << 20)))
        cost = estimate(target.location.archive, nbytes, reads, 0)
        billed = target.location.archive.requester_pays
        price = (cost.usd, cost.usd_in_region, PRICE_LIST if billed else None)
    else:
        reads, price = 0, (0.0, 0.0, None)
    remark = "; ".join(filter(None, (target.note, large_chunks([target.location]))))
    return PixelPlan(wish.source, rows, cols, nbytes, reads, *price, answer, remark)


def _opened(target: Target, settings: Settings | Access) -> Image:
    return open_image(target.location, openjpeg=settings.openjpeg, cache=settings.kept_in)


def _picked(image: Image, window: Window, reduction: int) -> NDArray[Any]:
    """Classes at a reduction, `[component, row, col]`: the pixel in the middle of each block of full resolution."""
    part, size = window.reduced(reduction), image.size
    full = Window(*(edge << reduction for edge in (part.col, part.row, part.width, part.height)))
    inside = full.intersection(Window(0, 0, size.width, size.height))
    assert inside is not None, "a window that lies outside is refused before"
    middle = (1 << reduction) // 2
    rows = np.minimum(full.row + (np.arange(part.height) << reduction) + middle, inside.row_end - 1) - inside.row
    cols = np.minimum(full.col + (np.arange(part.width) << reduction) + middle, inside.col_end - 1) - inside.col
    codes: NDArray[Any] = image.window(inside)[:, np.maximum(rows, 0)][:, :, np.maximum(cols, 0)]
    return codes


def _nodata(info: ImageInfo) -> float:
    """The value that means no data: what the file says, else NaN in images of floats and 0 in all others."""
    if info.nodata is not None:
        return info.nodata
    return math.nan if info.dtype.kind == "f" else NODATA


def _asked(info: ImageInfo, wish: PixelWish, target: Target) -> tuple[int, Window | None]:
    """The reduction and the window in full-resolution pixels, None for the whole image."""
    reduction = info.reductions[-1] if wish.rlevel == LOWEST else wish.rlevel
    if reduction not in info.reductions:
        there = ", ".join(map(str, info.reductions))
        raise NoSuchLevelError(f"{target.location}: there is no rlevel {reduction}", f"there are -1 and {there}")
    if wish.box is None:
        return reduction, wish.window
    grid = info.grid
    if grid is None:
        raise InputError(f"{target.location} has no place on Earth", "take --window instead of --bbox or --aoi")
    west, south, east, north = project(box(*wish.box).segmentize(0.05), LON_LAT, grid.epsg).bounds
    window = grid.covering(type(wish.box)(west, south, east, north)).intersection(grid.window)
    if window is None:
        raise InputError(
            f"{target.location}: the area lies wholly outside the image", "see its footprint with: s2kit info"
        )
    return reduction, window


def _shape(info: ImageInfo, window: Window | None, reduction: int) -> tuple[int, int]:
    return (window or Window(0, 0, info.width, info.height)).reduced(reduction).shape


def _grid(info: ImageInfo, window: Window | None, reduction: int) -> Grid | None:
    if info.grid is None:
        return None
    grid = info.grid.reduced(reduction)
    return grid if window is None else grid.cropped(window.reduced(reduction))


def _check_size(task: PixelTask, count: int, rows: int, cols: int) -> None:
    nbytes = text_nbytes(count, rows, cols)
    if task.force or not task.form.is_text or nbytes <= LARGEST_TEXT:
        return
    raise UsageError(
        f"{task.wish.source}: {rows} x {cols} pixels are about {nbytes // 10**6} MB of {task.form}",
        f"-f npy ({2 * count * rows * cols // 10**6} MB), -f gtiff, -f stats, --window and --rlevel 1 are smaller; "
        "--force writes it all the same",
    )


def _write(
    part: Path,
    form: PixelFormat,
    pixels: NDArray[Any],
    spent: tuple[float, float],
    more: dict[str, Any],
    grid: Grid | None,
    nodata: float,
    target: Target,
) -> None:
    match form:
        case PixelFormat.JSON | PixelFormat.JSONL:
            write_text(part, json_chunks(pixels, *spent, more))
        case PixelFormat.CSV:
            write_text(part, csv_chunks(pixels))
        case PixelFormat.NPY:
            write_npy(part, pixels)
        case PixelFormat.GTIFF:
            if grid is None:
                raise InputError(f"{target.location} has no place on Earth, a GeoTIFF needs one", "take -f npy")
            write_tiff(part, pixels, grid, nodata, target.band)
        case PixelFormat.STATS:
            numbers = [statistics(component, nodata) for component in pixels]
            described = numbers[0] if len(numbers) == 1 else {"components": numbers}
            write_json(part, {"shape": list(pixels.shape[1:]), **described, **more})


def error_line(source: str, text: str, *, named: bool) -> str:
    """An error in the legacy service's form."""
    return json.dumps({"path": source, "Error": text} if named else {"Error": text})
