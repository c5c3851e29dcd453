"""The newest of reprocessed twins: a pure rule over search records."""

from collections.abc import Iterable

from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import coverage_pct
from s2kit.catalogue.record import ProductRecord, with_missing
from s2kit.product.baseline import Baseline

_SAME_AREA_PCT = 99.5


def newest(records: Iterable[ProductRecord]) -> list[ProductRecord]:
    """One record for each product that was seen, in the order of first appearance.

    Twins have mission, level, datatake start, relative orbit and tile in common. The newest baseline wins. Products of
    one baseline both stay, since a datatake may be split between two stations, unless the footprint of one contains the
    other's: then the larger one stays, of equal ones the one that was made last. A record that occurs twice takes what
    it lacks from its double.
    """
    groups: dict[tuple[object, ...], dict[str, ProductRecord]] = {}
    for record in records:
        twins = groups.setdefault(_twin_key(record), {})
        known = twins.get(record.id)
        twins[record.id] = record if known is None else with_missing(known, record)
    return [record for twins in groups.values() for record in _survivors(list(twins.values()))]


def _twin_key(record: ProductRecord) -> tuple[object, ...]:
    if record.datatake is None or record.tile is None or record.baseline is None:
        return (record.id,)
    return (record.mission, record.level, record.datatake, record.orbit, record.tile)


def _survivors(twins: list[ProductRecord]) -> list[ProductRecord]:
    if len(twins) == 1:
        return twins
    last = max(_baseline(record) for record in twins)
    best = sorted((record for record in twins if _baseline(record) == last), key=_made, reverse=True)
    kept: list[ProductRecord] = []
    for record in sorted(best, key=_extent, reverse=True):  # stable: of equal extents the one made last comes first
        if not any(_contains(other.geometry, record.geometry) for other in kept):
            kept.append(record)
    return kept


def _baseline(record: ProductRecord) -> Baseline:
    return Baseline.parse(record.baseline or "00.00")


def _made(record: ProductRecord) -> str:
    return record.generated or ""


def _extent(record: ProductRecord) -> float:
    return 0.0 if record.geometry is None else round(float(record.geometry.area), 4)


def _contains(outer: BaseGeometry | None, inner: BaseGeometry | None) -> bool:
    if outer is None or inner is None or inner.is_empty or inner.area == 0:
        return True
    return coverage_pct(inner, outer) >= _SAME_AREA_PCT
