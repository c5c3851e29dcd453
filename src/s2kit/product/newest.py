"""Which products of one datatake and tile are superseded: one rule for search, chips, stats and cubes; pure.

A newer product takes the place of an older one only where it shows the same ground. An older baseline stays if it adds
area to the question; pieces of a datatake that was split between two ground stations stay, told apart by the start of
their datastrips, though catalogues give both the outline of the whole tile; one without a footprint hides nothing.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import shapely
from shapely.geometry.base import BaseGeometry

from s2kit.product.baseline import Baseline

NEGLIGIBLE = 0.005
"""Share of its ground in the question that a product must add to stay: outlines of twins differ in the last digits."""
SAME_DATASTRIP = timedelta(seconds=10)
"""Starts of datastrips that differ by less are those of one piece; pieces are minutes apart."""

_DATASTRIP_START = re.compile(r"_S(\d{8}T\d{6})(?:_|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class View:
    """A product as a view of the ground."""

    id: str
    twins: Hashable
    """What it has in common with the other products of its datatake and tile: level, datatake, orbit, tile."""
    baseline: str | None
    """Processing baseline, `04.00`; an unknown one is the oldest."""
    generation: str = ""
    """When it was made, as a text that orders."""
    footprint: BaseGeometry | None = None
    """Where it has pixels, in the CRS of the question; None if unknown."""
    datastrip: datetime | None = None
    """Start of its datastrip; None if unknown."""


def not_superseded(views: Iterable[View], area: BaseGeometry | None = None) -> list[View]:
    """The views that show something that no newer one shows.

    Args:
        views: Products, in any order.
        area: The question, in the CRS of the footprints; None for everywhere.

    Returns:
        The views that stay, twins in the order of first appearance, and of twins the one to prefer first: the newest
        baseline, then the largest footprint, then the one that was made last.
    """
    groups: dict[Hashable, list[View]] = {}
    for view in views:
        groups.setdefault(view.twins, []).append(view)
    return [view for twins in groups.values() for view in _survivors(twins, area)]


def datastrip_start(identifier: str | None) -> datetime | None:
    """Start of a datastrip from its identifier, `…_S20220401T090142_N04.00`; None if it says none."""
    found = _DATASTRIP_START.search(identifier or "")
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def are_pieces(one: datetime | None, other: datetime | None) -> bool:
    """True if two starts of datastrips are those of two pieces of a datatake; False also if one is unknown."""
    return one is not None and other is not None and abs(one - other) >= SAME_DATASTRIP


def _survivors(twins: list[View], area: BaseGeometry | None) -> list[View]:
    if len(twins) == 1:
        return twins
    kept: list[View] = []
    for view in sorted(twins, key=_rank, reverse=True):
        if not _is_hidden(view, [other for other in kept if not are_pieces(view.datastrip, other.datastrip)], area):
            kept.append(view)
    return kept


def _rank(view: View) -> tuple[Baseline, float, str, str]:
    extent = 0.0 if view.footprint is None else round(float(view.footprint.area), 4)
    return Baseline.parse(view.baseline or "00.00"), extent, view.generation, view.id


def _is_hidden(view: View, newer: Sequence[View], area: BaseGeometry | None) -> bool:
    """True if newer views show all that a view has to show."""
    shapes = [other.footprint for other in newer if other.footprint is not None]
    if view.footprint is None or not shapes:
        return False
    ground = view.footprint if area is None else view.footprint.intersection(area)
    extra = ground.difference(shapely.union_all(shapes))
    if extra.is_empty:
        return True
    whole = _measure(ground)
    return whole > 0 and _measure(extra) <= NEGLIGIBLE * whole


def _measure(geometry: BaseGeometry) -> float:
    """Area, or for lines their length; 0 for points."""
    return float(geometry.area or geometry.length)
