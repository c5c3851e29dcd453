"""Pixels of images on grids: the one place that picks a level, shares decoding, resamples and says no data.

Whoever needs pixels of a product (pictures, chips, statistics, cubes) asks here, so that one pixel has one value
everywhere. Two uses differ:

- `data`: numbers. They come from full resolution by a true kernel (`picture/kernels.py`).
- `picture`: to be looked at. A reduction of JPEG 2000 may stand for the average that it nearly is: it is decoded in a
  part of the time. It is no average, and lies half a source pixel and more to the north-west; the shift is taken into
  account.

Classes are picked from full resolution in either case: the pixel that holds the centre. Grids of another CRS are
reached by GDAL's warper.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import box

from s2kit.area.projection import project
from s2kit.errors import InputError
from s2kit.grid import Bounds, Grid, Window
from s2kit.image.open import Image, open_image
from s2kit.jp2.reader import ImageSize
from s2kit.jp2.tile_search import Siblings
from s2kit.picture.kernels import REACH, picked, resampled
from s2kit.picture.levels import KeptLevels
from s2kit.picture.shared_windows import share_windows
from s2kit.picture.warp import warped
from s2kit.product.band_image import BandImage
from s2kit.store.location import ImageLocation

Resampling = Literal["auto", "nearest", "bilinear", "cubic", "average"]
RESAMPLINGS: tuple[str, ...] = get_args(Resampling)
"""`auto` averages downwards and interpolates bilinearly upwards; the others are what their names say."""
Use = Literal["data", "picture"]
USES: tuple[str, ...] = get_args(Use)

_MARGIN_PX = 2
"""Pixels beyond a window of another CRS, whose outline is known about so well."""
_STRIP_PX = 12 << 20
"""Source pixels that are held at once while a large grid is filled."""
_STRIP_ROWS = 1024
"""Strips end at multiples of so many source rows, as the tiles of ESA's 10 m files do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read, whatever is wanted of them."""

    openjpeg: str = "auto"
    """`auto`, or `off` to do without the fast decoder."""
    kept_in: bool | Path = True
    """Where what is learned of remote files is kept: a cache folder, True for the user's own, False for nowhere."""
    levels: KeptLevels | None = field(default=None, compare=False)
    """Keeps small reductions of local files for a process that draws many parts of the same pictures."""


DEFAULT_READING = Reading()


def read(
    images: Sequence[BandImage],
    grids: Sequence[Grid],
    *,
    resampling: Resampling = "auto",
    use: Use = "data",
    reading: Reading = DEFAULT_READING,
) -> list[list[NDArray[Any]]]:
    """Read images on grids; many grids of one image share what is decoded.

    Args:
        images: Bands and layers, of one product or several.
        grids: In any CRS; what lies outside an image is no data.
        resampling: How values get onto pixels of another size; classes are always picked.
        use: `data` for numbers, `picture` for what is to be looked at.
        reading: Decoder and cache.

    Returns:
        `[image][grid]`: arrays `[component, row, col]` of the image's dtype; no data is the image's `nodata`.

    Raises:
        NotFoundError: A file is not there.
        InputError: A file is damaged, or is not what the product's metadata says.
    """
    with OpenImages(reading) as opened:
        return [opened.read(image, grids, resampling=resampling, use=use) for image in images]


class OpenImages:
    """Images that stay open while several things are read of them; a context manager, not to be shared by threads."""

    def __init__(self, reading: Reading = DEFAULT_READING) -> None:
        self._reading = reading
        self._stack = ExitStack()
        self._open: dict[ImageLocation, Image] = {}
        self._siblings: defaultdict[str, Siblings] = defaultdict(dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._open.clear()

    def read(
        self, image: BandImage, grids: Sequence[Grid], *, resampling: Resampling = "auto", use: Use = "data"
    ) -> list[NDArray[Any]]:
        """One image on some grids, `[grid]`; see `read`."""
        pixels = self._opened(image)
        plans = [_plan(image, grid, pixels.size, resampling, use) for grid in grids]
        found: list[NDArray[Any] | None] = [None] * len(grids)
        together: defaultdict[int, list[int]] = defaultdict(list)
        for at, plan in enumerate(plans):
            if plan is None:
                found[at] = _nothing(image, pixels.size, grids[at])
            elif plan.window.width * plan.window.height > _STRIP_PX:
                found[at] = _in_strips(pixels, image, plan)
            else:
                together[plan.reduction].append(at)
        for reduction, members in together.items():
            windows = [plan.window for at in members if (plan := plans[at]) is not None]
            for shared in share_windows(windows):
                part = self._window(pixels, image, shared.window, reduction)
                for member in shared.members:
                    at = members[member]
                    plan = plans[at]
                    assert plan is not None, "only planned grids are read"
                    found[at] = _onto(_cut(part, shared.window, plan.window), image, plan)
        return [one for one in found if one is not None]

    def _window(self, pixels: Image, image: BandImage, window: Window, reduction: int) -> NDArray[Any]:
        kept = self._reading.levels
        found = None if kept is None else kept.window(pixels, image, window, reduction)
        return _window(pixels, image, window, reduction) if found is None else found

    def _opened(self, image: BandImage) -> Image:
        opened = self._open.get(image.location)
        if opened is None:
            opened = self._stack.enter_context(
                open_image(
                    image.location,
                    openjpeg=self._reading.openjpeg,
                    cache=self._reading.kept_in,
                    siblings=self._siblings[f"{image.product} {image.tile}"],
                )
            )
            check_size(opened.size, image)
            self._open[image.location] = opened
        return opened


def filled(pixels: NDArray[Any], image: BandImage, others: NDArray[Any], other: BandImage) -> NDArray[Any]:
    """Pixels whose gaps are filled from another product's image of the same band, `[component, row, col]`.

    Args:
        pixels: Of the first image.
        image: The first image.
        others: Of the second image, on the same grid.
        other: The second image; its digital numbers are moved to the offset of the first.
    """
    shift = round(other.offset - image.offset)
    if shift:
        limits = np.iinfo(pixels.dtype)
        moved = np.clip(others.astype(np.int32) + shift, 1, limits.max).astype(pixels.dtype)
        others = np.where(others == other.nodata, image.nodata, moved)
    return np.where(pixels == image.nodata, others, pixels)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one grid is filled from one image."""

    grid: Grid
    source: Grid
    """The whole image at the reduction, where its pixels really are."""
    reduction: int
    window: Window
    """Pixels of `source` that are needed; it may reach beyond the image."""
    method: str
    """`same` (the grid's pixels are pixels of the source), `nearest`, `average`, `bilinear` or `cubic`."""


def _plan(image: BandImage, grid: Grid, size: ImageSize, resampling: Resampling, use: Use) -> _Plan | None:
    """How a grid is filled; None if the image has none of its pixels."""
    exact = resampling == "nearest" or image.is_classes
    reduction = 0 if exact or use == "data" else reduction_for(image.grid, grid, size.reductions)
    source = level_grid(image.grid, reduction, wavelet=size.wavelet)
    if same_pixels(source, grid):
        window, method = source.covering(grid.bounds), "same"
    else:
        method = "nearest" if exact else _method(source, grid, resampling)
        window = _needed(source, grid, method)
    if window.intersection(source.window) is None:
        return None
    return _Plan(grid, source, reduction, window, method)


def level_grid(full: Grid, reduction: int, *, wavelet: bool) -> Grid:
    """Where the pixels of a reduction are.

    Args:
        full: The grid at full resolution.
        reduction: Which reduction.
        wavelet: True for levels of JPEG 2000: sample n is the low-pass value at pixel `n * 2**reduction`
            (ISO/IEC 15444-1, B.5 and F.3), so that its middle is that of this pixel.
    """
    grid = full.reduced(reduction)
    shift = ((1 << reduction) - 1) / 2 * full.resolution_m if wavelet else 0.0
    return replace(grid, west=grid.west - shift, north=grid.north + shift)


def reduction_for(source: Grid, target: Grid, reductions: tuple[int, ...]) -> int:
    """The coarsest reduction of an image that is still as fine as a grid."""
    ratio = _resolution_in(target, source.epsg) / source.resolution_m * (1 + 1e-9)
    return max((reduction for reduction in reductions if 1 << reduction <= ratio), default=0)


def _resolution_in(grid: Grid, epsg: int) -> float:
    """Side of a grid's pixels in the units of a CRS: the shorter one, measured over the whole grid."""
    if grid.epsg == epsg:
        return grid.resolution_m
    west, south, east, north = project(box(*grid.bounds), grid.epsg, epsg).bounds
    return min((east - west) / grid.width, (north - south) / grid.height)


def same_pixels(source: Grid, target: Grid) -> bool:
    """True if a grid's pixels are pixels of the other grid too."""
    shift = ((target.west - source.west) / source.resolution_m, (source.north - target.north) / source.resolution_m)
    return (
        source.epsg == target.epsg
        and source.resolution_m == target.resolution_m
        and all(abs(part - round(part)) < 1e-6 for part in shift)
    )


def check_size(size: ImageSize, image: BandImage) -> None:
    """Raise `InputError` if a file holds an image of another size than its product says."""
    if (size.height, size.width) != image.grid.shape:
        raise InputError(
            f"{image.location}: holds {size.width} x {size.height} px, where the product's metadata says "
            f"{image.grid.width} x {image.grid.height}",
            "the file is not what its name says: fetch the product again",
        )


def _method(source: Grid, grid: Grid, resampling: Resampling) -> str:
    if resampling != "auto":
        return resampling
    coarser = _resolution_in(grid, source.epsg) > source.resolution_m * (1 + 1e-9)
    return "average" if coarser else "bilinear"


def _needed(source: Grid, grid: Grid, method: str) -> Window:
    """The pixels of the source that a grid's pixels are made of, with a margin."""
    bounds = grid.bounds
    if source.epsg != grid.epsg:
        side = max(grid.width, grid.height) * grid.resolution_m
        bounds = Bounds(*project(box(*bounds).segmentize(side / 20), grid.epsg, source.epsg).bounds)
    margin = 0 if source.epsg == grid.epsg else _MARGIN_PX
    if method in {"bilinear", "cubic"}:
        margin += int(np.ceil(REACH[method] * max(1.0, _resolution_in(grid, source.epsg) / source.resolution_m)))
    tight = source.covering(bounds)
    return Window(tight.col - margin, tight.row - margin, tight.width + 2 * margin, tight.height + 2 * margin)


def _window(pixels: Image, image: BandImage, window: Window, reduction: int) -> NDArray[Any]:
    """A window of pixels of a reduction; what lies beyond the image is no data."""
    full = Window(*(edge << reduction for edge in (window.col, window.row, window.width, window.height)))
    return pixels.window(full, reduction, fill=image.nodata)


def _cut(part: NDArray[Any], held: Window, wanted: Window) -> NDArray[Any]:
    if held == wanted:
        return part
    at = wanted.shifted(-held.col, -held.row)
    return part[:, at.row : at.row_end, at.col : at.col_end].copy()  # so that the joint read can go


def _onto(part: NDArray[Any], image: BandImage, plan: _Plan) -> NDArray[Any]:
    """The pixels of a plan's window on its grid."""
    if plan.method == "same":
        return part
    frame = plan.source.cropped(plan.window)
    if plan.source.epsg != plan.grid.epsg:
        return warped(part, frame, plan.grid, plan.method)
    if plan.method == "nearest":
        return picked(part, frame, plan.grid, image.nodata)
    return resampled(part, frame, plan.grid, plan.method, image.nodata)


def _nothing(image: BandImage, size: ImageSize, grid: Grid) -> NDArray[Any]:
    return np.full((size.count, *grid.shape), image.nodata, size.dtype)


def _in_strips(pixels: Image, image: BandImage, plan: _Plan) -> NDArray[Any]:
    """A large grid, filled strip by strip, so that the source is never held as a whole."""
    if plan.method == "same" or plan.source.epsg != plan.grid.epsg:
        return _onto(_window(pixels, image, plan.window, plan.reduction), image, plan)
    out = _nothing(image, pixels.size, plan.grid)
    for rows in _strips(plan):
        grid = plan.grid.cropped(rows)
        window = _needed(plan.source, grid, plan.method)
        if window.intersection(plan.source.window) is not None:
            part = replace(plan, grid=grid, window=window)
            out[:, rows.row : rows.row_end] = _onto(_window(pixels, image, window, plan.reduction), image, part)
    return out


def _strips(plan: _Plan) -> Iterator[Window]:
    """Windows of whole rows of the grid, cut where rows of source tiles end."""
    step = max(_STRIP_PX // plan.window.width, 1)
    step = step // _STRIP_ROWS * _STRIP_ROWS or step
    ratio = plan.grid.resolution_m / plan.source.resolution_m
    first = (plan.source.north - plan.grid.north) / plan.source.resolution_m
    row = 0
    while row < plan.grid.height:
        ends_at = (int((first + row * ratio + 0.5) // step) + 1) * step
        end = min(plan.grid.height, max(row + 1, round((ends_at - first) / ratio)))
        yield Window(0, row, plan.grid.width, end - row)
        row = end
