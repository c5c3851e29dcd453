"""Which products make which time slice, and in which order they are laid; computes only.

One slice is one solar day of the area: what one overpass shows in several tiles, or split over two datastrips, is one
day, also if UTC midnight lies between. Within a slice a pixel comes from the newest baseline, then from the product
whose nadir is nearest, then from the tile in the cube's own zone, then from the tile that holds more of the area.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shapely.geometry.base import BaseGeometry

from s2kit.product.newest import View, not_superseded

_DEGREES_AN_HOUR = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A product as far as its place in the cube goes."""

    id: str
    """Product name without `.SAFE`."""
    sensing: datetime
    """Start of the datatake, UTC."""
    baseline: str
    """Processing baseline as `04.00`; compared as text."""
    tile: str
    """MGRS tile."""
    generation: str = ""
    """The discriminator of the name: later is newer among products of one baseline."""
    footprint: BaseGeometry
    """Where it has data, in the cube's CRS."""
    datastrip: datetime | None = None
    """Start of its datastrip; None if unknown."""
    is_own_zone: bool = True
    """True if its pixels are in the cube's CRS."""
    view_zenith_deg: float | None = None
    """Mean angle from which the tile was seen; None if it is not known."""


@dataclass(frozen=True, slots=True)
class Day:
    """The products of one solar day, in the order in which they are laid: a pixel is that of the first that has it."""

    day: date
    """Solar day of the area."""
    time: datetime
    """Earliest start of a datatake, UTC."""
    products: tuple[Seen, ...]


def solar_day(moment: datetime, longitude: float) -> date:
    """The day by the mean sun at a longitude in degrees."""
    return (moment.astimezone(UTC) + timedelta(hours=longitude / _DEGREES_AN_HOUR)).date()


def days(products: Iterable[Seen], area: BaseGeometry, longitude: float) -> tuple[Day, ...]:
    """Sort products into days, without those that do not show the area and those that a reprocessed twin replaces.

    Args:
        products: In any order; a product named twice counts once.
        area: The cube's extent in its CRS.
        longitude: Of the area's middle, in degrees.

    Returns:
        Days in ascending order.
    """
    by_day: dict[date, dict[str, Seen]] = {}
    for one in products:
        if one.footprint.intersects(area):
            by_day.setdefault(solar_day(one.sensing, longitude), {})[one.id] = one
    return tuple(
        Day(day, min(one.sensing for one in members.values()), _laid(list(members.values()), area))
        for day, members in sorted(by_day.items())
    )


def _laid(members: Sequence[Seen], area: BaseGeometry) -> tuple[Seen, ...]:
    views = [
        View(one.id, (one.tile, one.sensing), one.baseline or None, one.generation, one.footprint, one.datastrip)
        for one in members
    ]
    names = {view.id for view in not_superseded(views, area)}
    kept = [one for one in members if one.id in names]

    def rank(one: Seen) -> tuple[float, bool, float, str]:
        angle = 90.0 if one.view_zenith_deg is None else round(one.view_zenith_deg, 1)
        return angle, not one.is_own_zone, -float(one.footprint.intersection(area).area), one.tile

    return tuple(sorted(sorted(kept, key=rank), key=lambda one: one.baseline, reverse=True))


def needs_angles(products: Sequence[Seen]) -> bool:
    """True if products of one baseline and several datatakes lie over one another: only then angles decide."""
    return any(
        one.baseline == other.baseline and one.sensing != other.sensing and one.footprint.intersects(other.footprint)
        for at, one in enumerate(products)
        for other in products[:at]
    )
