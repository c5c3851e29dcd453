"""The same question to several catalogues: who has which scene, at which baseline, and who lacks it; computes.

A scene is what one datatake shows of one tile at one level. Pieces of a datatake that was split between two ground
stations are one scene.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from s2kit.catalogue.record import ProductRecord
from s2kit.errors import S2KitError, UsageError
from s2kit.product.baseline import Baseline
from s2kit.product.newest import are_pieces, datastrip_start
from s2kit.run.events import Report, silent
from s2kit.search.map import Colouring
from s2kit.search.request import SearchRequest
from s2kit.search.run import Search

AUDITED = ("earth-search", "cdse", "planetary-computer")
"""Catalogues that are compared if none is named."""
COLUMNS = ("datetime", "tile", "level", "newest", "has", "lacks", "behind", "failed", "pieces", "footprints_differ")
"""What a table of scenes shows."""
DISAGREE = 0.05
"""Share of their joint ground in which footprints may differ before they are said to."""

_GAP, _BEHIND, _EVERYWHERE, _UNKNOWN = "#c4562f", "#d9a21b", "#1a7f4b", "#5b6b7a"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedScene:
    """What the catalogues say of one scene."""

    best: ProductRecord
    """Its newest product; the footprint is that of all of its pieces."""
    baselines: Mapping[str, tuple[str, ...]]
    """Processing baselines by catalogue, ascending; empty for a catalogue that does not have the scene."""
    lacks: tuple[str, ...]
    """Catalogues that do not have it, or not all of its pieces."""
    behind: tuple[str, ...]
    """Catalogues that have it at an older baseline only."""
    failed: tuple[str, ...]
    """Catalogues that did not answer, of which nothing is known."""
    pieces: int
    """Pieces of the datatake over this tile; 1 unless it was split."""
    footprints_differ: bool

    @property
    def has(self) -> tuple[str, ...]:
        """Catalogues that have it or a piece of it."""
        return tuple(name for name, found in self.baselines.items() if found)

    def record(self) -> dict[str, Any]:
        """A flat record; keys are added, never renamed."""
        shape = self.best.geometry
        return {
            "id": self.best.id,
            "datetime": _time(self.best).isoformat().replace("+00:00", "Z"),
            "tile": self.best.tile,
            "level": self.best.level,
            "newest": self.best.baseline,
            "has": list(self.has),
            "lacks": list(self.lacks),
            "behind": list(self.behind),
            "failed": list(self.failed),
            "baselines": {name: list(found) for name, found in self.baselines.items()},
            "pieces": self.pieces,
            "footprints_differ": self.footprints_differ,
            "geometry": None if shape is None or shape.is_empty else mapping(shape),
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of a comparison."""

    scenes: tuple[AuditedScene, ...]
    """By time and tile."""
    failures: Mapping[str, S2KitError]
    """What the catalogues failed with that did not answer in full."""

    @property
    def gaps(self) -> int:
        """How many scenes a catalogue lacks."""
        return sum(bool(scene.lacks) for scene in self.scenes)

    def colouring(self) -> Colouring:
        """The colours of a map of the scenes."""
        colours = {scene.best.id: _colour(scene) for scene in self.scenes}
        legend = (
            (_EVERYWHERE, "every catalogue has it"),
            (_BEHIND, "older baselines only in some"),
            (_GAP, "some catalogue lacks it"),
            (_UNKNOWN, "not every catalogue answered"),
        )
        return Colouring(lambda record: colours[record.id], legend)


def audit(request: SearchRequest, report: Report = silent) -> Audit:
    """Ask several catalogues the same question, and compare what they have.

    Args:
        request: The question; its limit and its rule for reprocessed twins are not used.
        report: Takes notes and warnings.

    Raises:
        UsageError: There is only one catalogue to ask.
        S2KitError: No catalogue answered.
    """
    names = [source.name for source in request.sources]
    if len(names) < 2:
        raise UsageError(f"an audit compares catalogues, and only {names[0]} is named", "name another --catalogue")
    found = Search(replace(request, limit=None, keep_newest=False, sort=("datetime",)), report)
    records = list(found)
    failures: dict[str, S2KitError] = {}
    for tally in found.tallies:
        failures = {**tally.failed, **failures}
    if len(failures) == len(names) and found.problem is not None:
        raise found.problem
    return Audit(compare(records, names, failures), failures)


def compare(
    records: Iterable[ProductRecord], catalogues: Sequence[str], failed: Iterable[str] = ()
) -> tuple[AuditedScene, ...]:
    """The scenes of records that name their catalogues, by time and tile.

    Args:
        records: Of all catalogues; a product that answers several areas may occur more than once.
        catalogues: All that were asked, in the order in which they are listed.
        failed: Those that did not answer in full: what they do not have is not known to be lacking.
    """
    groups: dict[tuple[datetime, str, str], list[ProductRecord]] = {}
    for record in records:
        groups.setdefault((_time(record), record.tile or record.id, record.level or ""), []).append(record)
    return tuple(_scene(groups[key], catalogues, frozenset(failed)) for key in sorted(groups))


def _scene(records: Sequence[ProductRecord], catalogues: Sequence[str], failed: frozenset[str]) -> AuditedScene:
    by_catalogue = {name: [one for one in records if one.catalogue == name] for name in catalogues}
    best = max(records, key=lambda one: (_baseline(one), one.generated or "", one.id))
    pieces = _pieces(records)
    lacks = [
        name for name, own in by_catalogue.items() if name not in failed and (not own or _lacks_a_piece(own, pieces))
    ]
    behind = [name for name, own in by_catalogue.items() if own and max(map(_baseline, own)) < _baseline(best)]
    shapes = [one.geometry for one in records if one.geometry is not None and not one.geometry.is_empty]
    return AuditedScene(
        best=best.with_facts(geometry=shapely.union_all(shapes)) if len(pieces) > 1 and shapes else best,
        baselines={name: tuple(sorted({str(_baseline(one)) for one in own})) for name, own in by_catalogue.items()},
        lacks=tuple(lacks),
        behind=tuple(behind),
        failed=tuple(name for name in catalogues if name in failed),
        pieces=max(len(pieces), 1),
        footprints_differ=_differ([_ground(own) for own in by_catalogue.values() if own]),
    )


def _time(record: ProductRecord) -> datetime:
    return (record.datatake or record.datetime).astimezone(UTC).replace(microsecond=0)


def _baseline(record: ProductRecord) -> Baseline:
    return Baseline.parse(record.baseline or "00.00")


def _pieces(records: Iterable[ProductRecord]) -> list[datetime]:
    """The starts of the datastrips of a scene, one for each piece, ascending; empty if none is known."""
    found: list[datetime] = []
    for start in sorted(start for one in records if (start := datastrip_start(one.datastrip)) is not None):
        if not found or are_pieces(found[-1], start):
            found.append(start)
    return found


def _lacks_a_piece(own: Sequence[ProductRecord], pieces: Sequence[datetime]) -> bool:
    """True if a catalogue gives the datastrips of all it has, and one of the pieces is not among them."""
    starts = [datastrip_start(one.datastrip) for one in own]
    return all(starts) and any(all(are_pieces(piece, start) for start in starts) for piece in pieces)


def _ground(records: Iterable[ProductRecord]) -> BaseGeometry:
    return shapely.union_all([one.geometry for one in records if one.geometry is not None])


def _differ(grounds: Sequence[BaseGeometry]) -> bool:
    known = [ground for ground in grounds if not ground.is_empty]
    whole = shapely.union_all(known).area if known else 0.0
    return bool(whole) and any(whole - ground.area > DISAGREE * whole for ground in known)


def _colour(scene: AuditedScene) -> str:
    if scene.lacks:
        return _GAP
    if scene.behind:
        return _BEHIND
    return _UNKNOWN if scene.failed else _EVERYWHERE
