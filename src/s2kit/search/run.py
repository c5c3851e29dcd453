"""Finding products: one pipeline for all catalogues, as a stream of records.

query → page → our own filter → the exact area → the newest of twins → order → limit. With neither order nor twins to
look after, a record leaves as soon as its page is here; otherwise each area and range waits until it is complete.
"""

import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import Aoi, for_query, require_area
from s2kit.area.dates import DateRange
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.dedupe import newest
from s2kit.catalogue.open import open_catalogue
from s2kit.catalogue.query import Query, located, matches, unknown_in
from s2kit.catalogue.record import ProductRecord
from s2kit.catalogue.sorting import ordered
from s2kit.errors import AccessError, S2KitError, ServiceError
from s2kit.run.deadline import Deadline
from s2kit.run.events import Note, Report, silent
from s2kit.run.threads import put, start
from s2kit.search.request import SearchRequest

MAX_PARALLEL = 6
"""Questions that are asked at one time; the limit for each host comes on top."""
QUIET_S = 10.0
"""Seconds without any answer after which a note says so; notes are shown on terminals and in logs."""

_WAITING_PAGES = 20  # that a slow reader of the stream may leave behind


@dataclass(slots=True)
class Tally:
    """What became of one area and range."""

    aoi: str | None
    range: str
    returned: int = 0
    """Records that were handed out."""
    matched: int | None = None
    """Products that answer; None if the search stopped before it knew."""
    truncated: bool = False
    """True if the limit held some back."""
    failed: dict[str, S2KitError] = field(default_factory=dict)
    """What catalogues failed with, by their names."""

    @property
    def errors(self) -> list[S2KitError]:
        """What catalogues failed with."""
        return list(self.failed.values())

    @property
    def complete(self) -> bool:
        """False if a catalogue failed, so that products may be missing."""
        return not self.errors


class Search:
    """A search under way: iterate for the records, then look at the tallies and the problem."""

    def __init__(self, request: SearchRequest, report: Report = silent) -> None:
        """Check the request; nothing is asked yet.

        Raises:
            InputError: A share of an area is demanded of a line or a point.
        """
        if request.query.min_overlap_pct is not None:
            for aoi in request.aois:
                require_area(aoi, "--min-overlap")
        self.request = request
        self._report = report
        aois: Sequence[Aoi | None] = request.aois or (None,)
        self._groups = [_Group(aoi, when, len(request.sources)) for when in request.ranges for aoi in aois]

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """What became of each area and range, ranges first."""
        return tuple(group.tally for group in self._groups)

    @property
    def complete(self) -> bool:
        """False if a catalogue failed, so that products may be missing."""
        return all(tally.complete for tally in self.tallies)

    @property
    def problem(self) -> S2KitError | None:
        """The error to end with if the answer is not complete; it names what was found."""
        errors = [error for tally in self.tallies for error in tally.errors]
        if not errors:
            return None
        found = sum(tally.returned for tally in self.tallies)
        worst = next(
            (error for kind in (AccessError, ServiceError) for error in errors if isinstance(error, kind)), errors[0]
        )
        others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        told = f"; {found} products were found, others may be missing" if found else ""
        return type(worst)(f"{worst.message}{others}{told}", worst.hint)

    def __iter__(self) -> Iterator[ProductRecord]:
        """The records, area by area and range by range unless streamed."""
        deadline = Deadline(self.request.timeout_s)
        parts = [_Part(group, source) for group in self._groups for source in self.request.sources]
        arrivals = self._one_by_one(parts, deadline) if len(parts) == 1 else self._in_parallel(parts, deadline)
        arrivals = _with_notice(arrivals, self.request, self._report)
        yield from self._streamed(arrivals) if self.request.is_stream else self._collected(arrivals)

    def _streamed(self, arrivals: "Iterator[_Arrival]") -> Iterator[ProductRecord]:
        for arrival in arrivals:
            group = arrival.group
            for record in arrival.records:
                if group.is_full(self.request.limit):
                    group.tally.truncated = True
                    group.stop.set()
                    break
                group.tally.returned += 1
                yield record
            if arrival.is_end:
                self._close_part(arrival)
                if group.open_parts == 0:
                    group.finish(group.tally.returned + group.tally.truncated)
                    self._warn(group)

    def _collected(self, arrivals: "Iterator[_Arrival]") -> Iterator[ProductRecord]:
        waiting = list(self._groups)
        for arrival in arrivals:
            arrival.group.records += arrival.records
            if not arrival.is_end:
                continue
            self._close_part(arrival)
            while waiting and waiting[0].open_parts == 0:
                yield from self._settled(waiting.pop(0))

    def _settled(self, group: "_Group") -> Iterator[ProductRecord]:
        rank = {source.name: number for number, source in enumerate(self.request.sources)}
        group.records.sort(key=lambda record: rank.get(record.catalogue, len(rank)))  # whoever answered first
        found = newest(group.records, group.area) if self.request.keep_newest else group.records
        group.records = []
        chosen = ordered(found, self.request.sort)
        group.tally.truncated = self.request.limit is not None and len(chosen) > self.request.limit
        group.finish(len(chosen))
        self._warn(group)
        for record in islice(chosen, self.request.limit):
            group.tally.returned += 1
            yield record

    def _close_part(self, arrival: "_Arrival") -> None:
        arrival.group.open_parts -= 1
        if arrival.error is not None:
            arrival.group.tally.failed[arrival.catalogue] = arrival.error

    def _warn(self, group: "_Group") -> None:
        tally = group.tally
        if tally.truncated:
            whole = "more" if tally.matched is None else str(tally.matched)
            place = f"{tally.aoi or 'everywhere'}, {tally.range}"
            self._report(
                Note(f"{place}: {whole} products match, the limit of {self.request.limit} cut the list", warning=True)
            )

    def _one_by_one(self, parts: "Sequence[_Part]", deadline: Deadline) -> "Iterator[_Arrival]":
        for part in parts:
            yield from _ask(part, self.request, deadline, self._report)

    def _in_parallel(self, parts: "Sequence[_Part]", deadline: Deadline) -> "Iterator[_Arrival]":
        arrivals: queue.Queue[_Arrival] = queue.Queue(_WAITING_PAGES)
        stop = threading.Event()

        todo: queue.SimpleQueue[_Part] = queue.SimpleQueue()
        for part in parts:
            todo.put(part)

        def work() -> None:
            while not todo.empty():
                with suppress(queue.Empty):
                    for arrival in _ask(todo.get_nowait(), self.request, deadline, self._report):
                        if not put(arrivals, arrival, stop):
                            return

        for number in range(min(MAX_PARALLEL, len(parts))):
            start(work, f"search-{number}")
        try:
            open_parts = len(parts)
            while open_parts:
                arrival = arrivals.get()
                open_parts -= arrival.is_end
                yield arrival
        finally:
            stop.set()
            deadline.expire()
            for group in self._groups:
                group.stop.set()


def search(request: SearchRequest, report: Report = silent) -> Search:
    """Begin a search; iterate over the result for records.

    Args:
        request: What to look for.
        report: Takes notes and warnings.

    Raises:
        InputError: A share of an area is demanded of a line or a point.
    """
    return Search(request, report)


class _Group:
    """One area and range: all catalogues' answers to it."""

    def __init__(self, aoi: Aoi | None, when: DateRange, parts: int) -> None:
        self.aoi = aoi
        self.when = when
        self.tally = Tally(None if aoi is None else aoi.name, str(when))
        self.open_parts = parts
        self.records: list[ProductRecord] = []
        self.stop = threading.Event()
        """Set when no more records are wanted."""

    @property
    def area(self) -> BaseGeometry | None:
        """What was asked for, in lon/lat."""
        return None if self.aoi is None else self.aoi.geometry

    def is_full(self, limit: int | None) -> bool:
        return limit is not None and self.tally.returned >= limit

    def finish(self, matched: int) -> None:
        """Note how many products match, as far as that is known."""
        stopped_early = self.stop.is_set() or not self.tally.complete
        self.tally.matched = None if stopped_early else matched


@dataclass(frozen=True, slots=True)
class _Part:
    """One question to one catalogue."""

    group: _Group
    source: CatalogueSource


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Records of a page, or the end of one of a group's parts."""

    group: _Group
    records: Sequence[ProductRecord] = ()
    is_end: bool = False
    error: S2KitError | None = None
    catalogue: str = ""
    """Whose end it is."""


def _with_notice(arrivals: "Iterator[_Arrival]", request: SearchRequest, report: Report) -> "Iterator[_Arrival]":
    """The same arrivals; if none comes for a while, a note names those who are waited for."""
    names = ", ".join(source.name for source in request.sources)
    bound = f", for {request.timeout_s:g} s at most (--timeout)" if request.timeout_s else ""
    notice = threading.Timer(QUIET_S, lambda: report(Note(f"no answer from {names} yet, still waiting{bound}")))
    notice.daemon = True
    notice.start()
    try:
        for arrival in arrivals:
            notice.cancel()
            yield arrival
    finally:
        notice.cancel()


def _ask(part: _Part, request: SearchRequest, deadline: Deadline, report: Report) -> Iterator[_Arrival]:
    """The pages of one part, then its end; errors end it and are told, never raised."""
    error: S2KitError | None = None
    try:
        for records in _answers(part, request, deadline, report):
            yield _Arrival(part.group, records)
            if part.group.stop.is_set():
                break
    except S2KitError as problem:
        error = problem
    except Exception as problem:  # noqa: BLE001 - it would be lost in a thread
        error = S2KitError(f"internal: {part.source.name}: {type(problem).__name__}: {problem}")
        error.__cause__ = problem
    yield _Arrival(part.group, is_end=True, error=error, catalogue=part.source.name)


def _answers(part: _Part, request: SearchRequest, deadline: Deadline, report: Report) -> Iterator[list[ProductRecord]]:
    """What a catalogue says, page by page, filtered, each product once."""
    group = part.group
    area = None if group.aoi is None else for_query(group.aoi.geometry)
    seen: set[str] = set()
    catalogue = open_catalogue(part.source, deadline, request.page_size, prefetching=not request.is_stream)
    told = 0
    count: int | None = None
    unknown: Counter[str] = Counter()
    for page in catalogue.pages(_with_tile(request.query, group.aoi), area, group.when):
        for note in page.notes:
            report(Note(note, warning=True))
        told, count = told + len(page.records), page.matched if page.matched is not None else count
        fresh: dict[str, ProductRecord] = {}
        for record in page.records:
            if record.id not in seen and matches(record, request.query, group.when):
                fresh.setdefault(record.id, record)
            elif lacking := unknown_in(record, request.query):
                unknown[lacking] += 1
        seen.update(record.id for record in page.records)
        yield located(list(fresh.values()), group.aoi, group.when, request.query.min_overlap_pct)
    for lacking, number in unknown.items():
        products = f"{number} product{'' if number == 1 else 's'}"
        report(Note(f"{part.source.name}: {products} of unknown {lacking} left out", warning=True))
    if count is not None and told < count:
        report(Note(f"{part.source.name} told of {count} products and sent {told}", warning=True))


def _with_tile(query: Query, aoi: Aoi | None) -> Query:
    if aoi is None or aoi.tile is None or query.mission != "s2":
        return query
    return replace(query, tiles=frozenset({aoi.tile}))
