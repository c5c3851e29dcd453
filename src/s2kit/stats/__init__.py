"""Numbers of parcels over time: a `StatsRun` answers a `StatsRequest` row by row."""

from s2kit.stats.run import StatsRequest, StatsRow, StatsRun

__all__ = ["StatsRequest", "StatsRow", "StatsRun"]
