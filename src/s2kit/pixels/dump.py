"""Pixels as an answer: the nested lists of the legacy web service, statistics, and its four texts for errors."""

import json
import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import ConfigError, InputError, NotFoundError, OutputError, S2KitError, UsageError

PERCENTILES = (1, 2, 5, 25, 50, 75, 95, 98, 99)
BINS = 64
"""Bins of a histogram, unless there are fewer different values."""
TEXT_NBYTES_PER_VALUE = 6
"""About what a digital number takes as JSON or CSV, with its separator."""


class PixelFormat(StrEnum):
    """What an answer looks like."""

    JSON = "json"
    JSONL = "jsonl"
    NPY = "npy"
    CSV = "csv"
    GTIFF = "gtiff"
    STATS = "stats"

    @property
    def is_text(self) -> bool:
        """True if every value is written as text, which makes large answers very large."""
        return self in {PixelFormat.JSON, PixelFormat.JSONL, PixelFormat.CSV}

    @property
    def is_json(self) -> bool:
        """True if an error can be reported in the answer's own form."""
        return self in {PixelFormat.JSON, PixelFormat.JSONL, PixelFormat.STATS}

    @property
    def suffix(self) -> str:
        """Suffix of a file of this format."""
        return {"gtiff": ".tif", "stats": ".json", "jsonl": ".json"}.get(self.value, f".{self.value}")


class LegacyError(StrEnum):
    """The four texts with which the legacy web service answered if it failed."""

    BAD_REQUEST = "Bad json"
    NOT_FOUND = "Image not found"
    DOWNLOAD = "Could not download image"
    PARSE = "Error parsing jp2"


class PixelRequestError(InputError):
    """A request that is not of the legacy service's form."""


class NoSuchLevelError(NotFoundError):
    """A reduction that the image does not have."""


def legacy_error(error: S2KitError) -> LegacyError | None:
    """Which of the four texts of the legacy service says what went wrong; None for what it never said."""
    if isinstance(error, (UsageError, ConfigError, OutputError)):
        return None
    if isinstance(error, PixelRequestError):
        return LegacyError.BAD_REQUEST
    if isinstance(error, (InputError, NoSuchLevelError)):
        return LegacyError.PARSE
    if isinstance(error, NotFoundError):
        return LegacyError.NOT_FOUND
    return LegacyError.DOWNLOAD


def json_chunks(
    pixels: NDArray[Any], time_download: float, time_processing: float, more: Mapping[str, Any]
) -> Iterator[str]:
    """The answer as JSON text, a row at a time: `img_data`, `shape`, `time_download`, `time_processing`, then `more`.

    Args:
        pixels: `[component, row, col]`; with one component a pixel is a number, else a list with one for each.
        time_download: Seconds that were spent waiting for bytes.
        time_processing: Seconds of everything else.
        more: Further keys.
    """
    yield '{"img_data": ['
    rows = np.moveaxis(pixels, 0, -1)
    for number in range(pixels.shape[1]):
        row = rows[number] if pixels.shape[0] > 1 else rows[number, :, 0]
        yield f"{', ' if number else ''}{json.dumps(_finite(row))}"
    rest = {
        "shape": list(pixels.shape[1:]),
        "time_download": time_download,
        "time_processing": time_processing,
        **more,
    }
    yield f"], {json.dumps(rest)[1:]}"


def _finite(row: NDArray[Any]) -> list[Any]:
    """Values for JSON, which has no NaN and no infinity: they become null."""
    if row.dtype.kind != "f" or np.isfinite(row).all():
        return list(row.tolist())
    values = row.astype(object)
    values[~np.isfinite(row)] = None
    return list(values.tolist())


def csv_chunks(pixels: NDArray[Any]) -> Iterator[str]:
    """The answer as CSV: rows of numbers; of several components, a line `row,col,…` for each pixel."""
    if pixels.shape[0] == 1:
        for row in pixels[0]:
            yield ",".join(map(str, row.tolist())) + "\n"
        return
    yield ",".join(["row", "col", *(f"c{number}" for number in range(pixels.shape[0]))]) + "\n"
    for number, row in enumerate(np.moveaxis(pixels, 0, -1)):
        yield "".join(f"{number},{col},{','.join(map(str, values))}\n" for col, values in enumerate(row.tolist()))


def text_nbytes(count: int, rows: int, cols: int) -> int:
    """About how many bytes an answer takes as text."""
    return count * rows * cols * TEXT_NBYTES_PER_VALUE


def statistics(pixels: NDArray[Any], nodata: float | None) -> dict[str, Any]:
    """Numbers that describe one component; no data, and whatever is no finite number, is left out of all but its share.

    Args:
        pixels: `[row, col]`.
        nodata: The value that means no data, or None.
    """
    valid = pixels.reshape(-1) if nodata is None else pixels[pixels != nodata]
    if valid.dtype.kind == "f":
        valid = valid[np.isfinite(valid)]
    share = 100.0 * (pixels.size - valid.size) / pixels.size
    if valid.size == 0:
        empty = dict.fromkeys(("min", "max", "mean", "std"))
        return {**empty, "percentiles": {}, "nodata_pct": share, "histogram": {"edges": [], "counts": []}}
    low, high = valid.min().item(), valid.max().item()
    return {
        "min": low,
        "max": high,
        "mean": float(valid.mean(dtype=np.float64)),
        "std": float(valid.std(dtype=np.float64)),
        "percentiles": dict(zip(map(str, PERCENTILES), np.percentile(valid, PERCENTILES).tolist(), strict=True)),
        "nodata_pct": share,
        "histogram": _histogram(valid, low, high),
    }


def _histogram(valid: NDArray[Any], low: float, high: float) -> dict[str, list[float]]:
    """Counts between edges; whole numbers get bins of equal whole widths, so that none is favoured."""
    if np.issubdtype(valid.dtype, np.integer):
        width = math.ceil((high - low + 1) / BINS)
        bins = math.ceil((high - low + 1) / width)
        edges = [low + width * at for at in range(bins + 1)]
        counts, _ = np.histogram(valid, bins=np.array(edges) - 0.5)
        return {"edges": edges, "counts": counts.tolist()}
    counts, bounds = np.histogram(valid, bins=BINS)
    return {"edges": bounds.tolist(), "counts": counts.tolist()}
