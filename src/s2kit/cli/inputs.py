"""Which products a verb works on: words of the command line, or what another verb printed."""

import json
from collections.abc import Iterable, Iterator, Mapping

from s2kit.cli.context import NothingToDoError
from s2kit.errors import InputError, S2KitError
from s2kit.product.ref import ProductRef
from s2kit.run.stdin import read_stdin_lines

_NAMED_BY = ("id", "path", "product")
"""Columns of a table that name products, the best one first."""


def named_products(given: list[str] | None) -> list[ProductRef] | None:
    """Products in the order they were named, each once, `-` replaced by what stdin names; None if none was named.

    Raises:
        NothingToDoError: There was `-`, stdin named nothing, and nothing else was named: not the same as no argument.
        UsageError: `-` on a terminal, where nothing would ever come.
        InputError: stdin holds something that is neither names nor search results.
    """
    if not given:
        return None
    refs: dict[str, ProductRef] = {}
    for word in given:
        for ref in _from_stdin() if word == "-" else [ProductRef(word)]:
            refs.setdefault(ref.text, ref)
    if not refs:
        raise NothingToDoError("stdin names no product: there is nothing to do")
    return list(refs.values())


def with_folders_opened(refs: Iterable[ProductRef]) -> list[ProductRef]:
    """The same with the products of a dataset folder in its place; what holds none stays, to fail by itself."""
    found: list[ProductRef] = []
    for ref in refs:
        if ref.text.endswith((".SAFE", ".zip")):
            found.append(ref)
            continue
        from s2kit.archive.find import expand

        try:
            found += expand([ref])
        except S2KitError:
            found.append(ref)
    return found


def _from_stdin() -> Iterator[ProductRef]:
    yield from parse_refs(read_stdin_lines("-", "pipe names or search results into it"))


def parse_refs(text: str) -> Iterator[ProductRef]:
    """Products from lines of names or paths, from a table or CSV, from JSON lines, or from a FeatureCollection.

    Blank lines and lines that begin with `#` are skipped.

    Raises:
        InputError: It is something else.
    """
    if not text.lstrip().startswith(("{", "[")):
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        yield from (ProductRef(name) for name in _names(lines))
        return
    for record in _records(text):
        properties = record.get("properties")
        identity = record.get("id") or (properties.get("id") if isinstance(properties, Mapping) else None)
        if not isinstance(identity, str) or not identity:
            raise InputError("stdin: a record without an id", "pipe the output of s2kit search -f ids or -f jsonl")
        yield ProductRef(identity, record)


def _names(lines: list[str]) -> Iterator[str]:
    """The names in lines: each line is one, unless the first is the head of a table or of CSV."""
    head = lines[0] if lines else ""
    for divider, cells_of in ((",", _csv_cells), (None, _table_cells)):
        columns = [column.strip() for column in head.split(divider)]
        wanted = next((name for name in _NAMED_BY if name in columns), None)
        if wanted is not None and len(columns) > 1:
            yield from filter(None, cells_of(lines, wanted))
            return
    yield from (line.strip() for line in lines)


def _csv_cells(lines: list[str], column: str) -> Iterator[str]:
    import csv

    return (row[column] or "" for row in csv.DictReader(lines))


def _table_cells(lines: list[str], column: str) -> Iterator[str]:
    """The cells of an aligned table: each begins below the name of its column."""
    start = f" {lines[0]} ".index(f" {column} ")
    return (line[start:].partition("  ")[0].strip() for line in lines[1:])


def _records(text: str) -> list[Mapping[str, object]]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        whole = [_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, Mapping):
        whole = next((whole[key] for key in ("features", "items") if key in whole), [whole])
    if not isinstance(whole, list) or not all(isinstance(record, Mapping) for record in whole):
        raise InputError("stdin: neither names nor search results", "pipe the output of s2kit search into it")
    return whole


def _line(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"stdin, line {number}: not JSON: {error.msg}") from error
