"""Which products a verb works on: words of the command line, or what another verb printed."""

import json
from collections.abc import Iterator, Mapping

from s2kit.errors import InputError
from s2kit.product.ref import ProductRef
from s2kit.run.stdin import read_stdin_text


def product_refs(given: list[str] | None) -> list[ProductRef]:
    """Products in the order they were named, each once; `-` stands for what stdin says.

    Raises:
        UsageError: `-` on a terminal, where nothing would ever come.
        InputError: stdin holds something that is neither names nor search results.
    """
    refs: dict[str, ProductRef] = {}
    for word in given or []:
        for ref in _from_stdin() if word == "-" else [ProductRef(word)]:
            refs.setdefault(ref.text, ref)
    return list(refs.values())


def _from_stdin() -> Iterator[ProductRef]:
    yield from parse_refs(read_stdin_text("-", "pipe names or search results into it"))


def parse_refs(text: str) -> Iterator[ProductRef]:
    """Products from lines of names or paths, from JSON lines, or from a FeatureCollection.

    Blank lines and lines that begin with `#` are passed over.
    """
    if not text.lstrip().startswith(("{", "[")):
        for line in text.splitlines():
            name = line.strip()
            if name and not name.startswith("#"):
                yield ProductRef(name)
        return
    for record in _records(text):
        properties = record.get("properties")
        identity = record.get("id") or (properties.get("id") if isinstance(properties, Mapping) else None)
        if not isinstance(identity, str) or not identity:
            raise InputError("stdin: a record without an id", "pipe the output of s2kit search -f ids or -f jsonl")
        yield ProductRef(identity, record)


def _records(text: str) -> list[Mapping[str, object]]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        whole = [_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, Mapping):
        whole = whole.get("features") or whole.get("items") or [whole]
    if not isinstance(whole, list) or not all(isinstance(record, Mapping) for record in whole):
        raise InputError("stdin: neither names nor search results", "pipe the output of s2kit search into it")
    return whole


def _line(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"stdin, line {number}: not JSON: {error.msg}") from error
