"""Composites: many slices of one block become one; numpy only.

Numbers go in as stacks `[slice, row, col]`. In stacks of whole numbers 0 is no data, in stacks of floats NaN is.
Results of whole numbers are rounded to the nearest, half to even (numpy's `rint`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError, UsageError
from s2kit.picture.indices import find_index

_PERCENTILE = re.compile(r"p(\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Composite:
    """How many slices become one."""

    kind: str
    """`median`, `mean`, `percentile`, `max`, `first-clear` or `count`."""
    index: str | None = None
    """Of `max`: the index whose largest value decides."""
    percentile: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Composite":
        """Read `--composite`.

        Raises:
            UsageError: Something else.
            InputError: No such index.
        """
        word = text.strip().lower()
        if word in {"median", "mean", "first-clear", "count"}:
            return cls(word)
        if word.startswith("max:"):
            return cls("max", index=find_index(word.removeprefix("max:")).spec)
        match = _PERCENTILE.fullmatch(word)
        if match and int(match[1]) >= 1:
            return cls("percentile", percentile=int(match[1]))
        raise UsageError(
            f"--composite {text} is not known", "it is median, mean, p25 (1 to 99), max:ndvi, first-clear or count"
        )

    @property
    def text(self) -> str:
        """As on the command line."""
        if self.kind == "max":
            return f"max:{self.index}"
        return f"p{self.percentile}" if self.kind == "percentile" else self.kind

    @property
    def picks_dates(self) -> bool:
        """True if all bands of a pixel come from one date."""
        return self.kind in {"max", "first-clear"}


def is_composite(text: str) -> bool:
    """True if a text is one of `Composite`, and not the name of a recipe of colours."""
    try:
        Composite.parse(text)
    except UsageError:
        return False
    except InputError:  # an index that does not exist: `parse` will say so
        return True
    return True


def reduce_stack(stack: NDArray[Any], composite: Composite) -> NDArray[Any]:
    """Median, mean or percentile of the values that are there.

    Args:
        stack: `[slice, row, col]`; it is overwritten.
        composite: `median`, `mean` or `percentile`.

    Returns:
        `[row, col]` of the same dtype, no data where no slice has any.
    """
    if composite.kind == "mean":
        return _mean(stack)
    share = 0.5 if composite.kind == "median" else (composite.percentile or 0) / 100
    return _quantile(stack, share)


def _mean(stack: NDArray[Any]) -> NDArray[Any]:
    if stack.dtype.kind == "f":
        count = np.isfinite(stack).sum(axis=0)
        total = np.nansum(stack, axis=0, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total / count, stack.dtype)
    count = np.count_nonzero(stack, axis=0)
    total = stack.sum(axis=0, dtype=np.float64)
    return np.asarray(np.rint(total / np.maximum(count, 1)), stack.dtype)


def _quantile(stack: NDArray[Any], share: float) -> NDArray[Any]:
    """As numpy's `nanquantile` with linear interpolation, by a sorting network: no pixel is looked at by itself."""
    is_float = stack.dtype.kind == "f"
    count = (np.isfinite(stack) if is_float else stack != 0).sum(axis=0, dtype=np.int32)
    if is_float:
        stack[~np.isfinite(stack)] = np.inf
    else:
        stack -= 1  # 0 becomes the largest number, so that no data is sorted to the end
    _sort(stack)
    if not is_float:
        stack += 1
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.intp)
    first = np.take_along_axis(stack, low[None], axis=0)[0]
    second = np.take_along_axis(stack, np.minimum(low + 1, np.maximum(count - 1, 0))[None], axis=0)[0]
    if share == 0.5:
        part = _middle(first, second, (place - low) > 0)
    else:
        weight = place - low
        with np.errstate(invalid="ignore"):
            part = first + (second.astype(np.float64) - first) * weight
    if is_float:
        return np.where(count > 0, part, np.nan).astype(stack.dtype)
    return np.where(count > 0, np.rint(part), 0).astype(stack.dtype)


def _middle(first: NDArray[Any], second: NDArray[Any], between: NDArray[np.bool_]) -> NDArray[Any]:
    """The mean of two values as numpy's median has it: in the dtype itself for floats."""
    if first.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return np.where(between, (first + second) / first.dtype.type(2), first)
    return np.where(between, (first.astype(np.float64) + second) / 2, first)


def _sort(stack: NDArray[Any]) -> None:
    """Sort along the first axis, in place, for all pixels at once."""
    for low, high in _comparators(len(stack)):
        smaller = np.minimum(stack[low], stack[high])
        np.maximum(stack[low], stack[high], out=stack[high])
        stack[low] = smaller


def _comparators(count: int) -> Iterator[tuple[int, int]]:
    """Batcher's odd-even merge sort for any count (Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M)."""
    if count < 2:
        return
    top = 1 << ((count - 1).bit_length() - 1)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            for i in range(count - d):
                if i & p == r:
                    yield i, i + d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def chosen(clear: NDArray[np.bool_], values: NDArray[np.float32] | None) -> NDArray[np.intp]:
    """Which slice each pixel is taken from; -1 for pixels that are never clear.

    Args:
        clear: `[slice, row, col]`, True if the pixel is seen.
        values: Values of which the largest decides, NaN if unknown; None for the first clear slice. Of equal values
            the earlier slice is taken.
    """
    if values is None:
        at = np.argmax(clear, axis=0)
        return np.where(clear.any(axis=0), at, -1)
    usable = clear & np.isfinite(values)
    at = np.argmax(np.where(usable, values, -np.inf), axis=0)
    return np.where(usable.any(axis=0), at, -1)


def picked(layers: Sequence[NDArray[Any]], at: NDArray[np.intp], nodata: float) -> NDArray[Any]:
    """The pixels of the chosen slices, `[row, col]`; `nodata` where none was chosen."""
    out = np.full(at.shape, nodata, layers[0].dtype)
    for number, layer in enumerate(layers):
        np.copyto(out, layer, where=at == number)
    return out
