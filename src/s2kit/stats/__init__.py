"""Numbers of parcels over time: a `StatsRun` answers a `StatsRequest` row by row."""

from s2kit.stats.request import StatsOptions, StatsRequest
from s2kit.stats.rows import StatsRow
from s2kit.stats.run import StatsRun

__all__ = ["StatsOptions", "StatsRequest", "StatsRow", "StatsRun"]
