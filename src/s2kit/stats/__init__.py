"""Numbers of parcels over time: a `StatsRun` answers a `StatsRequest` row by row."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.stats.request import StatsOptions, StatsRequest
    from s2kit.stats.rows import StatsRow
    from s2kit.stats.run import StatsRun
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.stats.request": ("StatsOptions", "StatsRequest"),
            "s2kit.stats.rows": ("StatsRow",),
            "s2kit.stats.run": ("StatsRun",),
        },
    )

__all__ = ["StatsOptions", "StatsRequest", "StatsRow", "StatsRun"]
