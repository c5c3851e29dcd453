"""Numbers of parcels over time: which products answer for which parcel, and the work dealt out by tile and place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from s2kit.area.parcel import Parcel
from s2kit.area.projection import LON_LAT, project_all
from s2kit.chips.candidates import outlines_in, zone_of
from s2kit.chips.places import PLACES_KEY, parcel_place
from s2kit.chips.selection import EQUAL_SHARES, WORTH_ADDING, Candidate, is_piece_of, select
from s2kit.errors import S2KitError
from s2kit.picture.substitutes import grouped
from s2kit.picture.zonal import histogram_text
from s2kit.product.cog_offset import offset_note
from s2kit.product.ref import ProductRef
from s2kit.product.scl import unknown_codes
from s2kit.run.events import Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.parallel import Failed, pmap, worker_count
from s2kit.run.wording import counted
from s2kit.stats.request import StatsRequest
from s2kit.stats.task import SCL, Outline, ParcelVisit, StatsOutcome, StatsTask, ZonalResult, count, layer_name

_CELL_DEG = 0.1
"""Parcels of one cell of this side are counted together: about the side of a coded tile of the 10 m files."""
_PARCELS_A_TASK = 256
_NEAR_DEG = 0.1
"""Parcels farther than this from a product's footprint are not projected into its zone."""


@dataclass(frozen=True, slots=True)
class StatsRow:
    """One parcel in one layer of one product."""

    pid: str
    product: str
    sensing: datetime
    level: str
    tile: str
    covered_pct: float
    """Share of the parcel inside the product's footprint."""
    numbers: ZonalResult

    def to_json(self) -> dict[str, Any]:
        """Flat values; the keys are always the same."""
        numbers = self.numbers
        histogram = numbers.histogram
        summary = asdict(numbers.summary) if numbers.summary else dict.fromkeys(SUMMARY_KEYS)
        return {
            "pid": self.pid,
            "id": self.product,
            "datetime": f"{self.sensing:%Y-%m-%dT%H:%M:%SZ}",
            "level": self.level,
            "tile": self.tile,
            "layer": numbers.layer,
            "pixels": numbers.pixels,
            "covered_pct": self.covered_pct,
            "seen_pct": numbers.seen_pct,
            "clear_pct": numbers.clear_pct,
            "cloud_pct": numbers.cloud_pct,
            "histogram": None if histogram is None else {str(code): many for code, many in sorted(histogram.items())},
            **summary,
        }

    @property
    def line(self) -> str:
        """As the older system's client printed it: `NAME.SCL.tif {4: 187}`."""
        histogram = self.numbers.histogram
        return f"{self.product}.{self.numbers.layer}.tif {histogram_text(histogram or {})}"


SUMMARY_KEYS = ("count", "mean", "std", "min", "max", "p25", "p50", "p75")
COLUMNS = (
    *("pid", "datetime", "id", "layer", "pixels", "covered_pct", "clear_pct", "histogram"),
    *("count", "mean", "std", "min", "max"),
)
"""What a table shows."""
CSV_COLUMNS = (
    *("pid", "id", "datetime", "level", "tile", "layer", "pixels"),
    *("covered_pct", "seen_pct", "clear_pct", "cloud_pct", "histogram", *SUMMARY_KEYS),
)
"""All keys of a row, in order."""
CLEAR_COLUMNS = ("datetime", "id", "tile")
"""What a table of clear products shows."""
_PLACES_A_RECORD = 100
_WHOLE_PCT = 99.5
"""A parcel of which a product shows so much is not talked about."""


@dataclass(frozen=True, slots=True)
class _Pick:
    """A product that answers for a parcel."""

    number: int
    product: Candidate
    covered_pct: float
    companions: tuple[Candidate, ...] = ()
    """Products of the same datatake that show what it does not."""


@dataclass(slots=True)
class StatsRun:
    """The counting under way: iterate `rows`, then look at the failures."""

    request: StatsRequest
    report: Report = silent
    failures: dict[str, S2KitError] = field(default_factory=dict)
    """By product."""
    products: int = 0
    """How many products answer for any parcel."""
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
        self.products = len({one.product.id for one in picks})
        self._tell_lonely(picks)
        tasks = _tasks(self.request, picks)
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
        self, done: Any, task: StatsTask, by_key: Mapping[tuple[int, str], _Pick], layers: Mapping[str, int]
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

    def _tell_lonely(self, picks: Sequence[_Pick]) -> None:
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


def pick(found: Sequence[Candidate], parcels: Sequence[Parcel]) -> list[_Pick]:
    """Which products answer for which parcel: for each sensing time and level the one that covers most of it.

    If shares are equal the highest processing baseline wins, and what a product does not cover is completed from the
    others of its datatake, as for chips. Shares are measured in the UTM zone of each product's tile, within its square.
    """
    picks: list[_Pick] = []
    outlines = _Outlines([parcel.geometry for parcel in parcels])
    groups: dict[tuple[datetime, str], dict[str, Candidate]] = {}
    for one in found:
        groups.setdefault((one.sensing, one.level), {})[one.id] = one
    for _, members in sorted(groups.items(), key=lambda item: item[0]):
        ranked = sorted(members.values(), key=lambda one: (one.baseline, one.tile, one.generation, one.id))
        shares = np.array([outlines.shares(one) for one in ranked])
        best = np.flip(np.round(shares, EQUAL_SHARES), axis=0).argmax(axis=0)
        for number, from_end in enumerate(best):
            at = len(ranked) - 1 - int(from_end)
            share = float(shares[at, number])
            if share <= 0:
                continue
            others = [
                one for one, part in zip(ranked, shares[:, number], strict=True) if part > 0 and one != ranked[at]
            ]
            companions: tuple[Candidate, ...] = ()
            if others and (share < 1 - WORTH_ADDING or any(is_piece_of(ranked[at], one) for one in others)):
                companions, share = outlines.completed(number, ranked[at], others, share)
            picks.append(_Pick(number, ranked[at], round(100.0 * share, 2), companions))
    return picks


class _Outlines:
    """The parcels in the projections of the tiles that show them."""

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        self._lonlat = np.array(geometries, dtype=object)
        self._moved: dict[int, tuple[NDArray[Any], NDArray[np.float64]]] = {}

    def shares(self, one: Candidate) -> NDArray[np.float64]:
        """The share of each parcel that a product shows, 0 to 1."""
        shares = np.zeros(len(self._lonlat))
        near = np.flatnonzero(shapely.intersects(one.footprint.buffer(_NEAR_DEG), self._lonlat))
        if not near.size:
            return shares
        epsg = zone_of(one)
        (shown,) = outlines_in([one], epsg)
        shapely.prepare(shown)
        parcels, areas = self._in(epsg, near)
        whole = shapely.contains_properly(shown, parcels)
        shares[near[whole]] = 1.0
        partly = np.flatnonzero(~whole & shapely.intersects(shown, parcels))
        shares[near[partly]] = shapely.area(shapely.intersection(parcels[partly], shown)) / areas[partly]
        return shares

    def completed(
        self, number: int, main: Candidate, others: Sequence[Candidate], share: float
    ) -> tuple[tuple[Candidate, ...], float]:
        """The products that show what one does not of a parcel, best first, and the share that all show together."""
        epsg = zone_of(main)
        (parcel,), _ = self._in(epsg, np.array([number]))
        choices = select(
            [
                replace(one, footprint=outline)
                for one, outline in zip([main, *others], outlines_in([main, *others], epsg), strict=True)
            ],
            parcel,
        )
        return (choices[0].companions, choices[0].covered) if choices else ((), share)

    def _in(self, epsg: int, members: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Some parcels in a CRS, and their areas there."""
        if epsg not in self._moved:
            self._moved[epsg] = np.full(len(self._lonlat), None, dtype=object), np.zeros(len(self._lonlat))
        moved, areas = self._moved[epsg]
        missing = [at for at in members if moved[at] is None]
        if missing:
            for at, geometry in zip(missing, project_all(list(self._lonlat[missing]), LON_LAT, epsg), strict=True):
                moved[at], areas[at] = geometry, geometry.area
        return moved[members], areas[members]


def _tasks(request: StatsRequest, picks: Sequence[_Pick]) -> list[StatsTask]:
    """Parcels of one cell together, so that what lies between them is decoded once; enough tasks for all workers."""
    by_parcel: dict[int, list[_Pick]] = {}
    for one in picks:
        by_parcel.setdefault(one.number, []).append(one)
    cells: dict[tuple[str, int, int], list[int]] = {}
    for number, mine in by_parcel.items():
        lon, lat = request.parcels[number].centre
        cells.setdefault((mine[0].product.tile, int(lat // _CELL_DEG), int(lon // _CELL_DEG)), []).append(number)
    chunks = _chunks([(tile, members) for (tile, _, _), members in sorted(cells.items())])
    pieces = max(1, -(-4 * worker_count(request.jobs) // max(1, len(chunks))))
    return [task for chunk in chunks for task in _tasks_of(request, chunk, by_parcel, pieces)]


def _chunks(cells: Sequence[tuple[str, Sequence[int]]]) -> list[list[int]]:
    """Parcels of neighbouring cells of one tile, as many as a task may have."""
    chunks: list[list[int]] = []
    last = None
    for tile, members in cells:
        for number in members:
            if tile != last or len(chunks[-1]) >= _PARCELS_A_TASK:
                chunks.append([])
                last = tile
            chunks[-1].append(number)
    return chunks


def _tasks_of(
    request: StatsRequest, chunk: Sequence[int], by_parcel: Mapping[int, list[_Pick]], pieces: int
) -> Iterator[StatsTask]:
    visits: dict[str, list[_Pick]] = {}
    for number in chunk:
        for one in by_parcel[number]:
            visits.setdefault(one.product.id, []).append(one)
    ordered = sorted(
        visits.values(), key=lambda picks: (picks[0].product.tile, picks[0].product.sensing, picks[0].product.id)
    )
    step = max(1, -(-len(ordered) // pieces))
    for start in range(0, len(ordered), step):
        part = ordered[start : start + step]
        numbers = sorted({one.number for picks in part for one in picks})
        yield StatsTask(
            tuple(_outline(number, request.parcels[number]) for number in numbers),
            tuple(_visit(picks) for picks in part),
            request.recipe,
            request.settings.access,
        )


def _visit(picks: Sequence[_Pick]) -> ParcelVisit:
    product = picks[0].product
    completed: dict[ProductRef, set[int]] = {}
    for one in picks:
        for other in one.companions:
            completed.setdefault(other.ref, set()).add(one.number)
    return ParcelVisit(
        product.id,
        product.ref,
        frozenset(one.number for one in picks),
        tuple((ref, frozenset(parcels)) for ref, parcels in completed.items()),
    )


def _outline(number: int, parcel: Parcel) -> Outline:
    if parcel.source_geometry is None:
        return Outline(number, parcel.geometry, 4326)
    return Outline(number, parcel.source_geometry, parcel.srid)


def clear_products(rows: Sequence[StatsRow], min_clear_pct: float, min_seen_pct: float | None = None) -> list[str]:
    """The products in which every parcel that they show is clear, in ascending time.

    Args:
        rows: Rows of all parcels; those without a clear share or a pixel make a product not clear.
        min_clear_pct: A parcel is clear with at least this share of clear pixels.
        min_seen_pct: None counts pixels without data as not clear; else the clear share is that of the pixels with
            data, of which a parcel must have at least this share.
    """
    verdict: dict[str, bool] = {}
    times: dict[str, datetime] = {}
    for row in rows:
        times[row.product] = row.sensing
        share, seen = row.numbers.clear_pct, row.numbers.seen_pct
        fine = share is not None and seen is not None and _is_clear(share, seen, min_clear_pct, min_seen_pct)
        verdict[row.product] = verdict.get(row.product, True) and fine
    return sorted((product for product, fine in verdict.items() if fine), key=lambda product: (times[product], product))


def _is_clear(clear_pct: float, seen_pct: float, min_clear_pct: float, min_seen_pct: float | None) -> bool:
    if min_seen_pct is None:
        return clear_pct * seen_pct >= min_clear_pct * 100.0
    return clear_pct >= min_clear_pct and seen_pct >= min_seen_pct


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
