"""A counting as flat values: what a row says, which columns a table shows, which products are clear."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from s2kit.picture.zonal import histogram_text
from s2kit.stats.task import ZonalResult


@dataclass(frozen=True, slots=True)
class StatsRow:
    """One parcel in one layer of one product."""

    pid: str
    product: str
    sensing: datetime
    level: str
    tile: str
    covered_pct: float
    """Share of the parcel inside the product's footprint."""
    numbers: ZonalResult

    def to_json(self) -> dict[str, Any]:
        """Flat values; the keys are always the same."""
        numbers = self.numbers
        histogram = numbers.histogram
        summary = asdict(numbers.summary) if numbers.summary else dict.fromkeys(SUMMARY_KEYS)
        return {
            "pid": self.pid,
            "id": self.product,
            "datetime": f"{self.sensing:%Y-%m-%dT%H:%M:%SZ}",
            "level": self.level,
            "tile": self.tile,
            "layer": numbers.layer,
            "pixels": numbers.pixels,
            "covered_pct": self.covered_pct,
            "seen_pct": numbers.seen_pct,
            "clear_pct": numbers.clear_pct,
            "cloud_pct": numbers.cloud_pct,
            "histogram": None if histogram is None else {str(code): many for code, many in sorted(histogram.items())},
            **summary,
        }

    @property
    def line(self) -> str:
        """As the older system's client printed it: `NAME.SCL.tif {4: 187}`."""
        histogram = self.numbers.histogram
        return f"{self.product}.{self.numbers.layer}.tif {histogram_text(histogram or {})}"


SUMMARY_KEYS = ("count", "mean", "std", "min", "max", "p25", "p50", "p75")


COLUMNS = (
    *("pid", "datetime", "id", "layer", "pixels", "covered_pct", "clear_pct", "histogram"),
    *("count", "mean", "std", "min", "max"),
)
"""What a table shows."""


CSV_COLUMNS = (
    *("pid", "id", "datetime", "level", "tile", "layer", "pixels"),
    *("covered_pct", "seen_pct", "clear_pct", "cloud_pct", "histogram", *SUMMARY_KEYS),
)
"""All keys of a row, in order."""


CLEAR_COLUMNS = ("datetime", "id", "tile")
"""What a table of clear products shows."""


def clear_products(rows: Sequence[StatsRow], min_clear_pct: float, min_seen_pct: float | None = None) -> list[str]:
    """The products in which every parcel that they show is clear, in ascending time.

    Args:
        rows: Rows of all parcels; those without a clear share or a pixel make a product not clear.
        min_clear_pct: A parcel is clear with at least this share of clear pixels.
        min_seen_pct: None counts pixels without data as not clear; else the clear share is that of the pixels with
            data, of which a parcel must have at least this share.
    """
    verdict: dict[str, bool] = {}
    times: dict[str, datetime] = {}
    for row in rows:
        times[row.product] = row.sensing
        share, seen = row.numbers.clear_pct, row.numbers.seen_pct
        fine = share is not None and seen is not None and _is_clear(share, seen, min_clear_pct, min_seen_pct)
        verdict[row.product] = verdict.get(row.product, True) and fine
    return sorted((product for product, fine in verdict.items() if fine), key=lambda product: (times[product], product))


def _is_clear(clear_pct: float, seen_pct: float, min_clear_pct: float, min_seen_pct: float | None) -> bool:
    if min_seen_pct is None:
        return clear_pct * seen_pct >= min_clear_pct * 100.0
    return clear_pct >= min_clear_pct and seen_pct >= min_seen_pct
