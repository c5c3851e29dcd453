"""The newest of reprocessed twins among search records, by the rule of `product.newest`; pure."""

from collections.abc import Iterable

from shapely.geometry.base import BaseGeometry

from s2kit.catalogue.record import ProductRecord, with_missing
from s2kit.product.newest import View, datastrip_start, not_superseded


def newest(records: Iterable[ProductRecord], area: BaseGeometry | None = None) -> list[ProductRecord]:
    """The records that are not superseded, twins in the order of first appearance.

    Twins have mission, level, datatake start, relative orbit and tile in common. A record that occurs twice takes what
    it lacks from its double.

    Args:
        records: Records of several catalogues.
        area: What was asked for, in lon/lat; None for everywhere.
    """
    known: dict[str, ProductRecord] = {}
    for record in records:
        double = known.get(record.id)
        known[record.id] = record if double is None else with_missing(double, record)
    return [known[view.id] for view in not_superseded(map(_view, known.values()), area)]


def _view(record: ProductRecord) -> View:
    is_named = not (record.datatake is None or record.tile is None or record.baseline is None)
    return View(
        record.id,
        (record.mission, record.level, record.datatake, record.orbit, record.tile) if is_named else record.id,
        record.baseline,
        record.generated or "",
        None if record.geometry is None or record.geometry.is_empty else record.geometry,
        datastrip_start(record.datastrip),
    )
