"""Numbers of an area: the counts of its classes, the spread of its values."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Summary:
    """The spread of an area's values; all None but `count` if there is no value."""

    count: int
    mean: float | None = None
    std: float | None = None
    """Standard deviation of the population (divided by n)."""
    min: float | None = None
    max: float | None = None
    p25: float | None = None
    p50: float | None = None
    p75: float | None = None


def summarise(values: NDArray[np.generic]) -> Summary:
    """The spread of some values, computed in float64; percentiles are interpolated linearly between ranks.

    Args:
        values: Any shape; NaN is left out.
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=None)  # NaN goes to the end
    count = int(np.searchsorted(ordered, np.inf, side="right"))
    if not count:
        return Summary(0)
    ordered = ordered[:count]
    mean = float(ordered.sum() / count)
    spread = ordered - mean
    return Summary(
        count,
        mean,
        float(np.sqrt(np.dot(spread, spread) / count)),
        float(ordered[0]),
        float(ordered[-1]),
        _at(ordered, 0.25),
        _at(ordered, 0.5),
        _at(ordered, 0.75),
    )


def _at(ordered: NDArray[np.float64], share: float) -> float:
    place = share * (ordered.size - 1)
    below = int(place)
    low = float(ordered[below])
    return low if below + 1 == ordered.size else low + (float(ordered[below + 1]) - low) * (place - below)


def class_histogram(codes: NDArray[np.integer], inside: NDArray[np.bool_] | None = None) -> dict[int, int]:
    """How many pixels an area has of each class; class 0, no data, is left out.

    Args:
        codes: Class codes, 0 to 255, `[row, col]`.
        inside: True for the pixels of the area; None for all.
    """
    chosen = codes if inside is None else codes[inside]
    counts = np.bincount(chosen.ravel().astype(np.intp, copy=False))
    return {int(code): int(counts[code]) for code in np.flatnonzero(counts) if code}


def histogram_text(histogram: Mapping[int, int]) -> str:
    """A histogram as the legacy chip service printed it: `{4: 186, 5: 1}`."""
    return "{" + ", ".join(f"{code}: {count}" for code, count in sorted(histogram.items())) + "}"
