"""Series of chips: which are to be cut, cutting the new ones in the pool, and showing the whole window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from s2kit.chips.cache import ChipStore, open_store_of
from s2kit.chips.candidates import choose
from s2kit.chips.cut import CutTask, PlaceTask, cut_chips
from s2kit.chips.places import refuse_no_overlap
from s2kit.chips.record import ChipRecord, ChipSite
from s2kit.chips.request import ChipsRequest
from s2kit.chips.selection import Choice, check_limit
from s2kit.errors import InputError, S2KitError
from s2kit.picture.stretch import StretchKind
from s2kit.picture.substitutes import grouped
from s2kit.product.bands import native_resolution
from s2kit.product.cog_offset import offset_note
from s2kit.product.scl import unknown_codes
from s2kit.run.events import Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.parallel import Failed, pmap


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """What a place's series is made of."""

    place: ChipSite
    choices: tuple[Choice, ...]
    store: ChipStore
    fresh: tuple[Choice, ...]
    """Those that are not cached."""


@dataclass(frozen=True, slots=True)
class ChipSeries:
    """The chips of one place in ascending time."""

    place: ChipSite
    chips: tuple[ChipRecord, ...]
    folder: Path
    """The cache folder that holds their files."""
    empty: tuple[ChipRecord, ...] = ()
    """Products that have no data at the place."""
    cloudy: tuple[ChipRecord, ...] = ()
    """Chips that were left out for their clouds."""


@dataclass(frozen=True, slots=True)
class ChipsResult:
    """What was cut and shown."""

    series: tuple[ChipSeries, ...]
    made: int
    """Chips that were new."""
    failures: Mapping[str, S2KitError] = field(default_factory=dict)
    """By product."""


def plan(request: ChipsRequest) -> list[PlannedSeries]:
    """Choose the products of each place and see which chips are there already.

    Raises:
        InputError: More new chips than the limit, or products were named and none of them shows any place.
    """
    planned = []
    for place in request.places:
        side = request.recipe.size.side_m(request.recipe.res or native_resolution(request.recipe.bands[0]))
        choices = tuple(choose(request.found, place, side))
        store = open_store_of(request.cache_dir, request.recipe.slug(place), request.recipe.parameters(place))
        fresh = tuple(choice for choice in choices if store.record(choice.product.id) is None)
        check_limit(len(fresh), len(choices), request.limit)
        planned.append(PlannedSeries(place, choices, store, fresh))
    if request.named and not any(one.choices for one in planned) and not request.unusable:
        refuse_no_overlap(request.found, "the place" if len(planned) == 1 else "any of the places")
    return planned


def cut(request: ChipsRequest, planned: Sequence[PlannedSeries], report: Report = silent) -> ChipsResult:
    """Cut the new chips of all places, each product opened once, and gather the whole window.

    A product that fails does not stop the others.
    """
    tasks = _tasks(request, planned)
    report(WorkPlanned(len(tasks), what="products"))
    failures: dict[str, S2KitError] = dict(request.unusable)
    made = 0
    for done in pmap(cut_chips, tasks, request.jobs):
        product = tasks[done.index].product.id
        if isinstance(done, Failed):
            failures[product] = done.error
            report(ItemFailed(product, done.error.message))
        else:
            made += len(done.value)
            report(Finished(product, f"{len(done.value)} chips" if len(done.value) > 1 else ""))
    series = tuple(_gather(request, one) for one in planned)
    for one in series:
        _tell(one, report)
    if request.recipe.raw or request.recipe.index or request.recipe.stretch.kind is StretchKind.PHYSICAL:
        note = offset_note((chip.product, chip.offset_source) for one in series for chip in one.chips)
        if note is not None:
            report(Note(note, warning=True))
    for remark in grouped((chip.product, note) for one in series for chip in one.chips for note in chip.notes):
        report(remark)
    return ChipsResult(series, made, failures)


def _tasks(request: ChipsRequest, planned: Iterable[PlannedSeries]) -> list[CutTask]:
    by_product: dict[str, list[tuple[Choice, PlaceTask]]] = {}
    for series in planned:
        for choice in series.fresh:
            companions = tuple(other.ref for other in choice.companions)
            place = PlaceTask(series.place, series.store.folder, companions)
            by_product.setdefault(choice.product.id, []).append((choice, place))
    return [
        CutTask(
            product=members[0][0].product,
            places=tuple(place for _, place in members[start : start + _PLACES_A_TASK]),
            recipe=request.recipe,
            settings=request.settings.access,
        )
        for product, members in sorted(by_product.items())
        for start in range(0, len(members), _PLACES_A_TASK)
    ]


_PLACES_A_TASK = 64
"""Chips that a task holds in memory at most."""


def _gather(request: ChipsRequest, planned: PlannedSeries) -> ChipSeries:
    """The chosen chips and those cut earlier whose time lies in the window, the chosen ones first in case of doubt."""
    chosen = {(choice.product.sensing, choice.product.level): choice.product.id for choice in planned.choices}
    wanted = {choice.product.id for choice in planned.choices}
    records = []
    for text in planned.store.records():
        try:
            record = ChipRecord.from_json(text)
        except InputError:
            continue
        in_window = bool(request.ranges) and any(when.overlaps(record.sensing) for when in request.ranges)
        superseded = (record.sensing, record.level) in chosen
        if record.product in wanted or (in_window and not superseded and request.level in {None, record.level}):
            records.append(record)
    records.sort(key=lambda record: (record.sensing, record.level, record.product))
    shown, empty, cloudy = [], [], []
    most = request.max_cloud_chip_pct
    for record in records:
        if not record.files:
            empty.append(record)
        elif most is not None and record.cloud_pct is not None and record.cloud_pct > most:
            cloudy.append(record)
        else:
            shown.append(record)
    return ChipSeries(planned.place, tuple(shown), planned.store.folder, tuple(empty), tuple(cloudy))


def _tell(series: ChipSeries, report: Report) -> None:
    for record in series.empty:
        report(Note(f"{record.product} has no data at {series.place.title}", warning=True))
    strange = sorted({code for record in series.chips if record.scl for code in unknown_codes(record.scl)})
    if strange:
        codes = ", ".join(map(str, strange))
        report(Note(f"{series.place.title}: SCL holds codes that do not exist ({codes}); they count as not clear"))
    if not series.chips and not series.empty and not series.cloudy:
        report(Note(f"no product shows {series.place.title}", warning=True))
