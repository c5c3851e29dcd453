"""Which found products answer a question: our own filter, and the exact area.

Servers ignore filters, so every record passes here whatever its catalogue promised.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import Aoi, coverages_pct
from s2kit.area.dates import DateRange
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import UsageError
from s2kit.product.baseline import Baseline
from s2kit.product.tile import TileId

LANDSAT = ("landsat-c2-l2",)
"""Collections of Landsat: Collection 2, Level 2, as Earth Search calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a product has to be, besides where and when."""

    mission: str = "s2"
    """`s2`, `s1` or `landsat`; without a meaning if collections are named."""
    collections: tuple[str, ...] = ()
    """Collections of a STAC API; empty for those of the mission."""
    level: str | None = "L2A"
    """`L1C` or `L2A`; None for either, and for Sentinel-1."""
    max_cloud_pct: float | None = None
    """At most this cloud cover; a product without a known cover does not pass, but with 100 everything does."""
    orbits: frozenset[int] = frozenset()
    """Relative orbits; empty for any, as below."""
    baselines: frozenset[str] = frozenset()
    """`04.00` …"""
    platforms: frozenset[str] = frozenset()
    """`S2A` …"""
    tiles: frozenset[str] = frozenset()
    """`31TCJ` …"""
    modes: frozenset[str] = frozenset()
    """Sentinel-1's `IW` …"""
    polarisations: frozenset[str] = frozenset()
    """Sentinel-1's channels, all of which a product must have: `VV`, `VH` …"""
    product_types: frozenset[str] = frozenset()
    """`GRD`, `SLC`, `S2MSI2A` …"""
    min_overlap_pct: float | None = None
    """At least this share of the area must be covered."""


def new_query(
    *,
    mission: str = "s2",
    collections: Collection[str] = (),
    level: str | None = None,
    max_cloud_pct: float | None = None,
    orbits: Collection[int] = (),
    baselines: Collection[str] = (),
    platforms: Collection[str] = (),
    tiles: Collection[str] = (),
    modes: Collection[str] = (),
    polarisations: Collection[str] = (),
    product_types: Collection[str] = (),
    min_overlap_pct: float | None = None,
) -> Query:
    """A query from texts as users write them: `s2a`, `sentinel-2a`, `N0400`, `4.00`, `T31TCJ`, `VV+VH`.

    Raises:
        InputError: No such baseline or tile.
        UsageError: Options that cannot stand together.
    """
    if mission not in {"s1", "s2", "landsat"}:
        raise UsageError(f"--mission {mission}: there are s2, s1 and landsat")
    if mission == "landsat" or collections:
        _refuse_sentinel_words(modes, polarisations, baselines, tiles, platforms)
        return Query(
            mission=mission,
            collections=tuple(collections) or LANDSAT,
            level=None,
            max_cloud_pct=max_cloud_pct,
            orbits=frozenset(orbits),
            min_overlap_pct=min_overlap_pct,
        )
    normal_level = level.upper() if level else None
    if normal_level not in {None, "L1C", "L2A"}:
        raise UsageError(f"--level {level}: there are l2a and l1c")
    _refuse_other_mission(mission, modes, polarisations, baselines, tiles, max_cloud_pct)
    return Query(
        mission=mission,
        level=normal_level if mission == "s2" else None,
        max_cloud_pct=max_cloud_pct,
        orbits=frozenset(orbits),
        baselines=frozenset(str(Baseline.parse(text)) for text in baselines),
        platforms=frozenset(normal_platform(text, mission) for text in platforms),
        tiles=frozenset(str(TileId.parse(text)) for text in tiles),
        modes=frozenset(text.upper() for text in modes),
        polarisations=frozenset(
            channel for text in polarisations for channel in text.upper().replace("+", " ").split()
        ),
        product_types=frozenset(text.upper() for text in product_types),
        min_overlap_pct=min_overlap_pct,
    )


def _refuse_sentinel_words(*words: Collection[str]) -> None:
    names = ("--mode", "--polarisation", "--baseline", "--tile", "--platform")
    for name, given in zip(names, words, strict=True):
        if given:
            raise UsageError(f"{name} is a matter of Sentinel products", "leave it out for other collections")


def _refuse_other_mission(
    mission: str,
    modes: Collection[str],
    polarisations: Collection[str],
    baselines: Collection[str],
    tiles: Collection[str],
    max_cloud_pct: float | None,
) -> None:
    if mission == "s2":
        given = {"--mode": bool(modes), "--polarisation": bool(polarisations)}
    else:
        given = {"--baseline": bool(baselines), "--tile": bool(tiles), "--max-cloud": max_cloud_pct is not None}
    for name in (name for name, is_given in given.items() if is_given):
        own, other = ("Sentinel-1", "s1") if mission == "s2" else ("Sentinel-2", "s2")
        raise UsageError(f"{name} is a matter of {own}", f"add --mission {other}")


def normal_platform(text: str, mission: str) -> str:
    """`S2A` from `s2a`, `A`, `2A` or `sentinel-2a`.

    Raises:
        UsageError: No satellite of that mission.
    """
    short = text.upper().replace("SENTINEL-", "S").replace("SENTINEL", "S")
    number = mission[1]
    name = f"S{number}{short.removeprefix('S').removeprefix(number)}"
    if name[2:] not in {"A", "B", "C", "D"}:
        raise UsageError(f"--platform {text}: no satellite of {mission}", f"for example S{number}A")
    return name


def matches(record: ProductRecord, query: Query, when: DateRange) -> bool:
    """True if a record is what was asked for, its place aside."""
    wanted: tuple[tuple[frozenset[Any], object], ...] = (
        (query.orbits, record.orbit),
        (query.baselines, record.baseline),
        (query.platforms, record.platform),
        (query.tiles, record.tile),
        (query.modes, record.mode),
        (query.product_types, record.product_type),
    )
    return (
        (record.collection in {None, *query.collections} if query.collections else record.mission == query.mission)
        and query.level in (None, record.level)
        and all(not allowed or value in allowed for allowed, value in wanted)
        and query.polarisations <= set(record.polarisations)
        and _clear_enough(record.cloud_cover, query.max_cloud_pct)
        and when.overlaps(record.searched_time, record.end)
    )


def unknown_in(record: ProductRecord, query: Query) -> str | None:
    """What is asked for and not known of a record, so that it does not match; None if nothing."""
    if query.level is not None and record.level is None and record.mission == query.mission:
        return "level"
    if record.cloud_cover is None and not _clear_enough(None, query.max_cloud_pct):
        return "cloud cover"
    return None


def _clear_enough(cloud_cover: float | None, max_cloud_pct: float | None) -> bool:
    if max_cloud_pct is None or max_cloud_pct >= 100:
        return True
    return cloud_cover is not None and cloud_cover <= max_cloud_pct


_ROUNDING_PCT = 1e-6


def located(
    records: Sequence[ProductRecord], aoi: Aoi | None, when: DateRange, min_overlap_pct: float | None = None
) -> list[ProductRecord]:
    """The records whose footprints reach an area, each with its share of the area, in order.

    A record without a footprint cannot be ruled out by its place; it passes unless an overlap is demanded.
    """
    dates = str(when)
    if aoi is None:
        return [record.with_facts(range=dates) for record in records]
    if aoi.tile is not None:  # to Sentinel-1 a tile is an area like others
        records = [record for record in records if record.tile == aoi.tile or record.mission != "s2"]
    shapes = [_shape(record) for record in records]
    shares = iter(coverages_pct(aoi.geometry, [shape for shape in shapes if shape is not None]))
    answers = []
    for record, shape in zip(records, shapes, strict=True):
        share = None if shape is None else next(shares)
        if _reaches(record, aoi, share, min_overlap_pct):
            answers.append(record.with_facts(aoi=aoi.name, range=dates, coverage_pct=share))
    return answers


def _shape(record: ProductRecord) -> BaseGeometry | None:
    return None if record.geometry is None or record.geometry.is_empty else record.geometry


def _reaches(record: ProductRecord, aoi: Aoi, share: float | None, min_overlap_pct: float | None) -> bool:
    if share is None:
        return not min_overlap_pct
    if min_overlap_pct is not None and share < min_overlap_pct - _ROUNDING_PCT:
        return False
    return share > 0 or (aoi.tile is not None and record.mission == "s2") or aoi.geometry.intersects(record.geometry)
