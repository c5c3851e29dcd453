"""Resampling of pixels onto another grid of the same CRS: averages, bilinear and cubic interpolation; computes.

Each kernel is separable: a target pixel is a weighted sum of source pixels, the weights of its row times those of its
column. Downwards, bilinear and cubic kernels are stretched by the ratio of the pixel sizes, so that every source pixel
counts (as GDAL's warper does). No data is left out of the sum, and the weights of what remains are scaled up.

Weights depend on the places of the two pixels only, not on the window that is read, so that one pixel has one value in
every verb.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.grid import Grid

Floats = NDArray[np.float32]

_LONGEST_PERIOD = 16
_NOISE = 1e-6
"""Share of a pixel below which a difference of places is rounding."""
REACH = {"average": 0.5, "bilinear": 1.0, "cubic": 2.0}
"""Half the width of each kernel in pixels (of the coarser of the two grids)."""


@dataclass(frozen=True, slots=True)
class _Taps:
    """Which source pixels a row (or column) of target pixels is made of."""

    first: NDArray[np.intp]
    """`[target]`: the first source pixel; it may lie outside."""
    weights: Floats
    """`[target, tap]`: what the source pixels from `first` on count; 0 for those outside."""
    whole: bool
    """True if no target pixel lacks a source pixel, so that all weights sum up to 1."""


def resampled(pixels: NDArray[Any], source: Grid, target: Grid, method: str, nodata: int | None = 0) -> NDArray[Any]:
    """Pixels on another grid of the same CRS.

    Args:
        pixels: `[component, row, col]` on `source`; any number type.
        source: The grid they are on.
        target: The grid to resample to; what `source` does not cover becomes no data.
        method: `average`, `bilinear` or `cubic`.
        nodata: The number that means no data (if there are several components: in all of them); None if none does.

    Returns:
        `[component, row, col]` on `target`, of the same dtype; whole numbers are rounded half up.
    """
    ratio = target.resolution_m / source.resolution_m
    rows = _taps((source.north - target.north) / source.resolution_m, ratio, source.height, target.height, method)
    cols = _taps((target.west - source.west) / source.resolution_m, ratio, source.width, target.width, method)
    empty = None if nodata is None else (pixels == nodata).all(axis=0)
    if empty is not None and not empty.any():
        empty = None
    if empty is None and rows.whole and cols.whole:
        return np.stack([_as(_sum(part, rows, cols), pixels.dtype, nodata, len(pixels)) for part in pixels])
    valid = np.ones(source.shape, np.float32) if empty is None else (~empty).astype(np.float32)
    seen = _sum(valid, rows, cols)
    there = seen > _NOISE
    np.copyto(seen, 1, where=~there)
    out = np.full((len(pixels), *target.shape), nodata or 0, pixels.dtype)
    for part, into in zip(pixels, out, strict=True):
        values = _sum(np.where(valid > 0, part, 0), rows, cols) / seen
        np.copyto(into, _as(values, pixels.dtype, nodata, len(pixels)), where=there)
    if method == "cubic" and empty is not None:  # a kernel with negative weights is not to be scaled up
        touched = _sum(1 - valid, _absolute(rows), _absolute(cols)) > _NOISE
        np.copyto(out, resampled(pixels, source, target, "bilinear", nodata), where=touched)
    return out


def picked(pixels: NDArray[Any], source: Grid, target: Grid, nodata: int | None = 0) -> NDArray[Any]:
    """The pixel that holds the centre of each target pixel, `[component, row, col]`; no data beyond the source."""
    step = target.resolution_m / source.resolution_m
    cols = np.floor((target.west - source.west) / source.resolution_m + (np.arange(target.width) + 0.5) * step + _NOISE)
    rows = np.floor(
        (source.north - target.north) / source.resolution_m + (np.arange(target.height) + 0.5) * step + _NOISE
    )
    inside_cols, inside_rows = (cols >= 0) & (cols < source.width), (rows >= 0) & (rows < source.height)
    cols, rows = np.clip(cols, 0, source.width - 1).astype(np.intp), np.clip(rows, 0, source.height - 1).astype(np.intp)
    taken: NDArray[Any] = pixels[:, rows][:, :, cols]
    if not inside_cols.all() or not inside_rows.all():
        taken[:, ~inside_rows] = nodata or 0
        taken[:, :, ~inside_cols] = nodata or 0
    return taken


def _taps(offset: float, ratio: float, size: int, count: int, method: str) -> _Taps:
    """The taps along one axis.

    Args:
        offset: Where the target begins, in source pixels from the source's first edge.
        ratio: Size of a target pixel in source pixels.
        size: Source pixels.
        count: Target pixels.
        method: The kernel.
    """
    middle = offset + (np.arange(count) + 0.5) * ratio
    width = ratio if method == "average" else max(ratio, 1.0)
    reach = REACH[method] * width
    first = np.ceil(middle - reach - (0.5 if method != "average" else 1.0) - _NOISE).astype(np.intp)
    taps = int(np.ceil(2 * reach - _NOISE)) + 2
    place = first[:, None] + np.arange(taps)
    distance = np.abs(place + 0.5 - middle[:, None])
    weights = np.round(_KERNELS[method](distance, width), 9)
    total = weights.sum(axis=1, keepdims=True)
    weights = (weights / np.where(total == 0, 1, total)).astype(np.float32)
    outside = (place < 0) | (place >= size)
    if method != "average":  # only what lies in the source has a value: nothing is extrapolated
        outside |= ((middle < -_NOISE) | (middle > size + _NOISE))[:, None]
    whole = not bool((weights[outside] != 0).any())
    weights[outside] = 0
    used = np.flatnonzero(weights.any(axis=0))
    low, high = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
    return _Taps(first + low, np.ascontiguousarray(weights[:, low:high]), whole)


def _box(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """The share of a target pixel that each source pixel covers."""
    overlap = np.minimum(0.5, width / 2 - distance) + np.minimum(0.5, width / 2 + distance)
    return np.clip(np.where(overlap < _NOISE, 0, overlap), 0, 1)


def _triangle(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    return np.clip(1 - distance / width, 0, None)


def _keys(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Cubic convolution with a = -0.5 (R. Keys, 1981, IEEE Trans. ASSP 29(6), equation 15)."""
    x = distance / width
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))


_KERNELS = {"average": _box, "bilinear": _triangle, "cubic": _keys}


def _absolute(taps: _Taps) -> _Taps:
    return _Taps(taps.first, np.abs(taps.weights), taps.whole)


def _sum(part: NDArray[Any], rows: _Taps, cols: _Taps) -> Floats:
    """Weighted sums of one component, `[row, col]`; always rows first, so that sums do not depend on windows."""
    return _along(_along(part, rows, 0), cols, 1)


def _along(part: NDArray[Any], taps: _Taps, axis: int) -> Floats:
    """Weighted sums along one axis of `[row, col]`."""
    source = part if axis == 0 else part.T
    shape = (len(taps.first), part.shape[1]) if axis == 0 else (part.shape[0], len(taps.first))
    out = np.zeros(shape, np.float32)
    into = out if axis == 0 else out.T
    low, high, period = _regular(taps, source.shape[0])
    if axis == 1 and period > _LONGEST_PERIOD:  # one target at a time: along rows of memory, then
        return _along(np.ascontiguousarray(part.T), taps, 0).T
    for phase in range(period):
        targets = range(low + phase, high, period)
        if targets:
            _add(into[low + phase : high : period], source, taps, targets)
    for target in (*range(low), *range(high, len(taps.first))):
        _add(into[target : target + 1], source, taps, range(target, target + 1))
    return out


def _regular(taps: _Taps, size: int) -> tuple[int, int, int]:
    """The targets that need nothing outside the source, `low` to `high`, and after how many of them weights repeat.

    Pixel sizes in use have ratios as 1/2, 2/3, 3 and 6: weights repeat soon. If they do not, the period is all of them.
    """
    last = taps.first + taps.weights.shape[1] - 1
    inner = np.flatnonzero((taps.first >= 0) & (last < size))
    if not inner.size:
        return 0, 0, 0
    low, high = int(inner[0]), int(inner[-1]) + 1
    first, weights = taps.first[low:high], taps.weights[low:high]
    for period in range(1, _LONGEST_PERIOD + 1):
        steps = first[period:] - first[:-period]
        if (steps == steps[:1]).all() and np.array_equal(weights[period:], weights[:-period]):
            return low, high, period
    return low, high, high - low


def _add(into: Floats, source: NDArray[Any], taps: _Taps, targets: range) -> None:
    """Add the weighted sums of targets with equal weights, evenly spaced, along the first axis."""
    weights, first = taps.weights[targets.start], int(taps.first[targets.start])
    step = int(taps.first[targets[1]]) - first if len(targets) > 1 else 1
    size = source.shape[0]
    for tap in np.flatnonzero(weights):
        start = min(max(first + int(tap), 0), size - 1)
        into += source[start : start + (len(targets) - 1) * step + 1 : step] * weights[tap]


def _as(values: Floats, dtype: np.dtype[Any], nodata: int | None, components: int) -> NDArray[Any]:
    """Values in the dtype of the image: rounded, within its range, and never no data where there is data."""
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    lowest = 1 if nodata == 0 and components == 1 else limits.min
    whole: NDArray[Any] = np.clip(np.floor(values + np.float32(0.5)), lowest, limits.max).astype(dtype)
    return whole
