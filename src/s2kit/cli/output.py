"""What goes to stdout: records as a table, ids, JSON lines, JSON, GeoJSON or CSV.

The format never depends on the terminal. A table on a terminal gets a bold head, and on a narrow one its last columns
stand below each row; it is never cut.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from s2kit.cli.json_text import to_json
from s2kit.cli.options import Format
from s2kit.cli.schemas.versions import VERSIONS
from s2kit.cli.streams import printable, stdout
from s2kit.errors import UsageError
from s2kit.version import __version__

Record = Mapping[str, Any]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell."""
_GAP = "  "
_INDENT = "    "


def emit(
    records: Iterable[Record],
    form: Format,
    columns: Sequence[str],
    *,
    command: str,
    schema: str | None = None,
    id_key: str = "id",
    extra: Record | None = None,
    output: Path | None = None,
) -> int:
    """Print records and return how many there were; JSON lines and ids leave one by one.

    Args:
        records: Flat mappings with stable keys; `geometry` (a GeoJSON geometry) is used by `geojson`.
        form: The format.
        columns: Keys that `table` and `csv` show, in order.
        command: Name of the verb, for the JSON envelope.
        schema: Name of the schema of the records, as `s2kit schema` lists it; None for that of the verb.
        id_key: Key of what `ids` prints.
        extra: More entries of the JSON envelope, read after the last record.
        output: A file that gets the text instead of stdout, atomically.
    """
    counter = _Counter(records)
    if form is Format.STAC:
        raise UsageError(f"{command} has no STAC items to print", "-f stac is a format of s2kit search")
    if form is Format.PARQUET:
        from s2kit.cli.parquet import write_parquet

        if output is None:
            raise UsageError("Parquet is not written to stdout", "use -o FILE.parquet")
        write_parquet(output, counter)
        return counter.count
    head = {"schema": VERSIONS.get(schema or command), "s2kit": __version__, "command": command}
    lines = _lines(counter, form, columns, head, id_key, {} if extra is None else extra)
    write_lines(lines, output)
    return counter.count


def write_lines(lines: Iterable[str], output: Path | None = None) -> None:
    """Lines on stdout, each at once, or atomically in a file."""
    if output is None:
        for line in lines:
            write_line(line)
        return
    from s2kit.run.locks import locked_file

    with locked_file(output, overwrite=True) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def write_line(line: str) -> None:
    """One line on stdout, at once: the next program in the pipe waits for it."""
    with stdout() as stream:
        stream.write(f"{line}\n")


class _Counter:
    """Counts what passes."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = records
        self.count = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record


def _lines(
    records: Iterable[Record], form: Format, columns: Sequence[str], head: Record, id_key: str, extra: Record
) -> Iterator[str]:
    match form:
        case Format.IDS:
            yield from (printable(str(record[id_key])) for record in records)
        case Format.JSONL:
            yield from (to_json(record) for record in records)
        case Format.JSON:
            yield from _enveloped((to_json(record) for record in records), head, "items", extra)
        case Format.GEOJSON:
            features = (to_json(_feature(record, id_key)) for record in records)
            yield from _enveloped(features, {"type": "FeatureCollection"}, "features", extra)
        case Format.CSV:
            yield from _csv_lines(records, columns)
        case _:
            yield from table_lines([[_cell(record.get(key)) for key in columns] for record in records], columns)


def _enveloped(texts: Iterable[str], head: Record, key: str, extra: Record) -> Iterator[str]:
    """The lines of a JSON object around a list that is never held as a whole; none before the first entry is known."""
    held: str | None = None
    for text in texts:
        yield from [_opening(head, key)] if held is None else [f"{held},"]
        held = _indented(text, 4)
    if held is None:
        yield _opening(head, key) + "]" + ("," if extra else "")
    else:
        yield held
        yield "  ]" + ("," if extra else "")
    entries = [f"  {to_json(name)}: {_indented(to_json(value, indent=2), 2).lstrip()}" for name, value in extra.items()]
    yield ",\n".join([*entries]) + ("\n}" if entries else "}")


def _opening(head: Record, key: str) -> str:
    lines = [f"  {to_json(name)}: {to_json(value)}," for name, value in head.items()]
    return "\n".join(["{", *lines, f"  {to_json(key)}: ["])


def _indented(text: str, by: int) -> str:
    return " " * by + text.replace("\n", "\n" + " " * by)


def _feature(record: Record, id_key: str) -> dict[str, Any]:
    properties = dict(record)
    geometry = properties.pop("geometry", None)  # as it is: the classes of geojson would round it to six decimals
    identity = record.get("id") or record.get(id_key)
    named = {} if identity is None else {"id": identity}  # RFC 7946 section 3.2: a text or a number, or no member
    return {"type": "Feature", **named, "properties": properties, "geometry": geometry}


def _csv_lines(records: Iterable[Record], columns: Sequence[str]) -> Iterator[str]:
    yield csv_line(columns)
    for record in records:
        yield csv_line([_csv_cell(record.get(key)) for key in columns])


def csv_line(cells: Sequence[str]) -> str:
    """One row by RFC 4180, without its line break: cells with commas, quotes or line breaks are quoted."""
    buffer = io.StringIO()
    import csv

    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n")


def _csv_cell(value: Any) -> str:
    """Text of a cell; an apostrophe goes before what a spreadsheet would run as a formula."""
    text = printable(_cell(value), lines=True)
    if isinstance(value, (int, float)) or not text.startswith(_FORMULA) or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def table_lines(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> Iterator[str]:
    """Aligned columns under a head; nothing if there are no rows.

    On a terminal that is too narrow the last columns go below each row, as `name value`: nothing is cut, and no cell is
    broken that is not wider than the terminal.
    """
    if not rows:
        return
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(_width(head), *(_width(row[at]) for row in rows)) for at, head in enumerate(columns)]
    room = _columns_of_terminal()
    beside = _fitting(widths, room)
    head = _aligned(columns[:beside], widths)
    yield f"\x1b[1m{head}\x1b[0m" if _decorated() else head
    for row in rows:
        yield _aligned(row[:beside], widths)
        if beside < len(columns):
            yield from _below(columns[beside:], row[beside:], room)


def _fitting(widths: Sequence[int], room: int | None) -> int:
    """How many of the first columns stand beside each other; the first one always does."""
    if room is None:
        return len(widths)
    used, count = widths[0], 1
    for width in widths[1:]:
        used += len(_GAP) + width
        if used > room:
            break
        count += 1
    return count


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=False)).rstrip()


def _below(names: Sequence[str], cells: Sequence[str], room: int | None) -> Iterator[str]:
    """The columns of a row that do not fit beside the others: as many on a line as there is room for."""
    line = ""
    for name, cell in zip(names, cells, strict=True):
        if not cell:
            continue
        entry = f"{name} {cell}"
        if room is not None and len(_INDENT) + _width(entry) > room:
            entry = cell  # whole, even if its name has no room
        joined = f"{line}{_GAP}{entry}" if line else f"{_INDENT}{entry}"
        if line and room is not None and _width(joined) > room:
            yield line
            joined = f"{_INDENT}{entry}"
        line = entry if room is not None and _width(joined) > room else joined
    if line:
        yield line


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _columns_of_terminal() -> int | None:
    """Columns of the terminal that stdout is; None if it is none."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _decorated() -> bool:
    import os

    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ",".join(_cell(item) for item in value)
    if isinstance(value, Mapping):
        return to_json(value)
    return str(value)
