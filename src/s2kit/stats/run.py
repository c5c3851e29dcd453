"""Numbers of parcels over time: the rows of a counting as its tasks end, and what has to be said of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry import mapping

from s2kit.chips.places import PLACES_KEY, parcel_place
from s2kit.errors import S2KitError
from s2kit.picture.substitutes import grouped
from s2kit.picture.zonal import histogram_text
from s2kit.product.cog_offset import offset_note
from s2kit.product.scl import unknown_codes
from s2kit.run.events import Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.parallel import Failed, pmap
from s2kit.run.wording import counted
from s2kit.stats.deal import deal
from s2kit.stats.pick import Pick, pick
from s2kit.stats.request import StatsRequest
from s2kit.stats.rows import StatsRow, clear_products
from s2kit.stats.task import SCL, StatsOutcome, StatsTask, count, layer_name

_PLACES_A_RECORD = 100
_WHOLE_PCT = 99.5
"""A parcel of which a product shows so much is not talked about."""


@dataclass(slots=True)
class StatsRun:
    """The counting under way: iterate `rows`, then look at the failures."""

    request: StatsRequest
    report: Report = silent
    failures: dict[str, S2KitError] = field(default_factory=dict)
    """By product."""
    products: int = 0
    """How many products answer for any parcel, or were to."""
    offset_sources: dict[str, str] = field(default_factory=dict)
    """Who says what the offset is, by product."""
    notes: dict[tuple[str, str], None] = field(default_factory=dict)
    """Product and what was substituted in it."""
    cloudy: dict[tuple[str, str], float] = field(default_factory=dict)
    """Parcels and products whose numbers have clouds in them, with the clear share in percent."""
    thin: dict[str, str] = field(default_factory=dict)
    """Parcels in which no pixel centre lies, with a layer of which that is true."""
    unseen: dict[str, str] = field(default_factory=dict)
    """Parcels whose pixels have no data, with a product of which that is true."""

    def rows(self) -> Iterator[StatsRow]:
        """All rows, place by place; within a task by parcel, time and layer, in the same order at every run."""
        picks = pick(self.request.found, self.request.parcels)
        by_key = {(one.number, one.product.id): one for one in picks}
        self.products = len({one.product.id for one in picks}) + len(self.request.unusable)
        self.failures |= self.request.unusable
        self._tell_lonely(picks)
        tasks = deal(self.request, picks)
        self.report(WorkPlanned(len(tasks), what="products"))
        layers = {layer_name(layer): at for at, layer in enumerate(self.request.recipe.layers)}
        waiting: dict[int, list[StatsRow]] = {}
        turn = 0
        for done in pmap(count, tasks, self.request.jobs):
            waiting[done.index] = self._rows_of(done, tasks[done.index], by_key, layers)
            while turn in waiting:
                for row in waiting.pop(turn):
                    self._see_clouds(row)
                    yield row
                turn += 1
        for remark in grouped(self.notes):
            self.report(remark)
        self._warn_clouds()
        if any(layer != SCL for layer in self.request.recipe.layers):
            note = offset_note(self.offset_sources.items())
            if note is not None:
                self.report(Note(note, warning=True))

    def _rows_of(
        self, done: Any, task: StatsTask, by_key: Mapping[tuple[int, str], Pick], layers: Mapping[str, int]
    ) -> list[StatsRow]:
        label = f"{len(task.outlines)} parcels in {len(task.visits)} products"
        if isinstance(done, Failed):
            for visit in task.visits:
                self._fail(visit.product, done.error)
            return []
        outcome: StatsOutcome = done.value
        self.offset_sources |= outcome.offset_sources
        self.notes |= dict.fromkeys(outcome.notes)
        for product, error in outcome.failures.items():
            self._fail(product, error)
        self.report(Finished(label))
        rows = []
        for numbers in outcome.numbers:
            one = by_key[numbers.number, numbers.product]
            shown, parcel = one.product, self.request.parcels[numbers.number]
            rows.append(
                StatsRow(parcel.pid, shown.id, shown.sensing, shown.level, shown.tile, one.covered_pct, numbers)
            )
        rows.sort(key=lambda row: (row.numbers.number, row.sensing, row.product, layers[row.numbers.layer]))
        return rows

    def _see_clouds(self, row: StatsRow) -> None:
        """Remember a row of bands or indices that has clouds in it."""
        clear = row.numbers.clear_pct
        if not (self.request.recipe.mask or row.numbers.layer == SCL) and clear is not None and clear < 100:
            self.cloudy.setdefault((row.pid, row.product), clear)

    def _warn_clouds(self) -> None:
        if not self.cloudy:
            return
        (pid, product), clear = next(iter(self.cloudy.items()))
        where = f"parcel {pid} in {product} is {clear:g} % clear"
        if len(self.cloudy) > 1:
            where += f", and {counted(len(self.cloudy) - 1, 'other is', 'others are')} not all clear"
        self.report(Note(f"clouds are in the numbers: {where}; --mask-clouds leaves them out", warning=True))

    def _fail(self, product: str, error: S2KitError) -> None:
        if product not in self.failures:
            self.failures[product] = error
            self.report(ItemFailed(product, error.message))

    def _tell_lonely(self, picks: Sequence[Pick]) -> None:
        """Say which parcels no product shows, and which none shows whole."""
        parcels = self.request.parcels
        best: dict[int, float] = {}
        for one in picks:
            best[one.number] = max(best.get(one.number, 0.0), one.covered_pct)
        lonely = [parcel.pid for at, parcel in enumerate(parcels) if at not in best]
        if lonely:
            self.report(Note(f"no product shows {len(lonely)} of {len(parcels)} parcels: {_few(lonely)}", warning=True))
        partly = [f"{parcels[at].pid} ({share:.0f} %)" for at, share in sorted(best.items()) if share < _WHOLE_PCT]
        if partly:
            self.report(Note(f"no product shows all of {len(partly)} of {len(parcels)} parcels: {_few(partly)}"))


def clear_rows(run: StatsRun, min_clear_pct: float, min_seen_pct: float | None = None) -> list[dict[str, Any]]:
    """The clear products of a counting as rows, with the places at which they are clear for the next verb."""
    rows = list(run.rows())
    first = {row.product: row for row in reversed(rows)}
    found = {one.id: one for one in run.request.found}
    outlines = [parcel_place(parcel).to_json() for parcel in run.request.parcels[:_PLACES_A_RECORD]]
    return [
        {
            "id": product,
            "datetime": f"{first[product].sensing:%Y-%m-%dT%H:%M:%SZ}",
            "level": first[product].level,
            "tile": first[product].tile,
            "source": found[product].ref.text,
            "s2kit:locations": {"cogs" if "://" in found[product].ref.text else "local": found[product].ref.text},
            "geometry": mapping(found[product].footprint),
            PLACES_KEY: outlines,
        }
        for product in clear_products(rows, min_clear_pct, min_seen_pct)
    ]


def shown(run: StatsRun, *, as_text: bool, with_outline: bool) -> Iterator[dict[str, Any]]:
    """The rows of a counting as flat values, as they come.

    Args:
        run: The counting.
        as_text: True gives histograms as `{4: 187}`.
        with_outline: True adds each parcel's outline as `geometry`.
    """
    strange: set[int] = set()
    for row in run.rows():
        values = row.to_json()
        histogram = row.numbers.histogram
        strange.update(unknown_codes(histogram or {}))
        if as_text and histogram is not None:
            values["histogram"] = histogram_text(histogram)
        if with_outline:
            values["geometry"] = mapping(run.request.parcels[row.numbers.number].geometry)
        if row.numbers.seen_pct is None:
            run.thin.setdefault(row.pid, row.numbers.layer)
        elif not row.numbers.seen_pct:
            run.unseen.setdefault(row.pid, row.product)
        yield values
    if run.unseen:
        unseen = _few([f"{pid} in {product}" for pid, product in run.unseen.items()])
        some = "1 parcel lies" if len(run.unseen) == 1 else f"{len(run.unseen)} parcels lie"
        run.report(Note(f"{some} where a product has no data (beyond its image or swath): {unseen}", warning=True))
    if run.thin:
        thin = _few(list(run.thin))
        run.report(Note(f"no pixel centre lies in {len(run.thin)} of the parcels (too thin): {thin}", warning=True))
    if strange:
        codes = ", ".join(map(str, sorted(strange)))
        run.report(Note(f"SCL holds codes that do not exist ({codes}); they count as not clear", warning=True))


def _few(names: Sequence[str]) -> str:
    """The first five names."""
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
