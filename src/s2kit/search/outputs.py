"""What a search leaves besides its records: a map, quicklooks, a cursor, a summary."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from s2kit.area.aoi import Aoi
from s2kit.catalogue.cursor import Cursor, save_cursor
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import S2KitError
from s2kit.run.events import Report, silent
from s2kit.run.locks import locked_file
from s2kit.search.map import Colouring, map_page
from s2kit.search.quicklooks import fetch_quicklooks
from s2kit.search.run import Search, Tally


@dataclass(slots=True)
class SideOutputs:
    """What is made of the records while they pass by."""

    found: Search
    report: Report = silent
    cursor: Cursor | None = None
    map_file: Path | None = None
    quicklooks: Path | None = None
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _kept: list[ProductRecord] = field(default_factory=list)
    _passed: int = 0
    _handed_out: dict[tuple[str | None, str], datetime] = field(default_factory=dict)

    def passing(self, records: Iterable[ProductRecord]) -> Iterator[ProductRecord]:
        """The records that are to be printed; what the map, the pictures and the cursor need is kept."""
        for record in records:
            if self.cursor is not None:
                if self.cursor.knows(record.aoi, record.id):
                    continue
                self._handed_out[record.aoi, record.id] = record.searched_time
            self._passed += 1
            if self.map_file is not None or self.quicklooks is not None:
                self._kept.append(record)
            yield record

    def summary(self, found: Search) -> dict[str, Any]:
        """The entries of the JSON envelope: how much there is, and whether that is all."""
        tallies = found.tallies
        known = [tally.matched for tally in tallies]
        return {
            "matched": None if None in known else sum(count for count in known if count is not None),
            "returned": self._passed,
            "truncated": any(tally.truncated for tally in tallies),
            "complete": found.complete,
            "searches": [_tally(tally) for tally in tallies],
            "errors": [_error(error) for tally in tallies for error in tally.errors],
        }

    def write(self) -> tuple[S2KitError, ...]:
        """Write the map and fetch the pictures; the errors of pictures that could not be had."""
        if self.map_file is not None:
            write_map(self.map_file, self._kept, self.found.request.aois, complete=self.found.complete)
        if self.quicklooks is None:
            return ()
        return fetch_quicklooks(self._kept, self.quicklooks, self.report).errors

    def advance(self) -> None:
        """Move the cursor on; only after a complete search."""
        if self.cursor is not None:
            starts = [when.start for when in self.found.request.ranges]
            since = None if None in starts else min(start for start in starts if start is not None)
            save_cursor(self.cursor, self.began, self._handed_out, since)


def write_map(
    path: Path,
    records: Sequence[ProductRecord],
    aois: Sequence[Aoi],
    *,
    complete: bool,
    colouring: Colouring | None = None,
) -> None:
    """Write a map of records; see `map_page`."""
    page = map_page(records, aois, complete=complete, colouring=colouring)
    with locked_file(path, overwrite=True) as part:
        part.write_bytes(page.encode())


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "aoi": tally.aoi,
        "range": tally.range,
        "matched": tally.matched,
        "returned": tally.returned,
        "truncated": tally.truncated,
        "complete": tally.complete,
    }


def _error(error: S2KitError) -> dict[str, Any]:
    return {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}
