"""Batches: many pictures from one file; each entry is checked before any work, and named if it is wrong.

Three forms are read: the JSON body of the legacy service (see `legacy`), a JSON list of objects, and a CSV file with a
header. Objects and rows have `bands`, `index` or `recipe` (or `r`, `g`, `b`), and may have `res`, `stretch`, `gamma`
and `product`.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.picture.composites import Subject, parse_bands, parse_index, parse_recipe, parse_resolution
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.ref import ProductRef
from s2kit.render.legacy import is_legacy_body, legacy_entries
from s2kit.render.spec import PictureSpec
from s2kit.run.read_file import read_named
from s2kit.run.stdin import read_stdin_text

_KEYS = frozenset(("bands", "index", "recipe", "composite", "r", "g", "b", "res", "stretch", "gamma", "product"))


def read_batch(path: Path, *, res: int | None, stretch: Stretch) -> tuple[PictureSpec, ...]:
    """Read a batch.

    Args:
        path: The file; `-` for standard input.
        res: Resolution of entries that name none.
        stretch: Stretch of entries that name none.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is neither JSON nor CSV, or some entries are wrong: the message names each.
    """
    label = "stdin" if str(path) == "-" else path.name
    text = _text(path)
    if text.lstrip().startswith(("{", "[")):
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{label}: not JSON: {error}") from error
    else:
        body = _rows(text, label)
    return specs_of(body, label, res=res, stretch=stretch)


def specs_of(body: Any, label: str, *, res: int | None, stretch: Stretch) -> tuple[PictureSpec, ...]:
    """The pictures of a batch that is read already.

    Args:
        body: JSON in one of the forms.
        label: What messages call it.
        res: Resolution of entries that name none.
        stretch: Stretch of entries that name none.

    Raises:
        InputError: Some entries are wrong: the message names each.
    """
    if is_legacy_body(body):
        return _checked(legacy_entries(body, label, stretch), label)
    entries = body if isinstance(body, list) else [body]
    if not entries:
        raise InputError(f"{label}: no entry at all", "each entry names bands, index or recipe")
    return _checked([partial(_spec, entry, res, stretch) for entry in entries], label)


def _text(path: Path) -> str:
    try:
        return (
            read_stdin_text("--batch -", "pipe JSON or CSV into it")
            if str(path) == "-"
            else read_named(path).decode("utf-8-sig")
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such batch file") from error
    except OSError as error:
        raise DiskError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file: {error.reason}") from error


def _rows(text: str, label: str) -> list[dict[str, Any]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return []
    reader = csv.DictReader(lines, skipinitialspace=True, restkey="", delimiter=";" if ";" in lines[0] else ",")
    if not _KEYS & set(reader.fieldnames or ()):
        raise InputError(
            f"{label}: neither JSON nor a CSV with a header",
            f"its first line names columns: {', '.join(sorted(_KEYS))}",
        )
    return [{name: value for name, value in row.items() if value and name} for row in reader]


def _checked(makers: Sequence[Callable[[], PictureSpec]], label: str) -> tuple[PictureSpec, ...]:
    """Make all entries; if some are wrong, raise one error that names each of them."""
    specs, wrong, hint = [], [], None
    for number, make in enumerate(makers, 1):
        try:
            specs.append(replace(make(), label=f"entry {number}"))
        except InputError as error:
            wrong.append(f"entry {number}: {error.message}")
            hint = hint or error.hint
    if wrong:
        raise InputError(f"{label}: {'; '.join(wrong)}", hint)
    return tuple(specs)


def _spec(entry: Any, res: int | None, stretch: Stretch) -> PictureSpec:
    if not isinstance(entry, Mapping):
        raise InputError(f"{entry!r} is no object", 'as in {"bands": "B04,B03,B02", "res": 20}')
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise InputError(f"{unknown[0]!r} is not known", f"known are {', '.join(sorted(_KEYS))}")
    resolution = parse_resolution(str(entry["res"])) if entry.get("res") else res
    if entry.get("stretch") or entry.get("gamma"):
        gamma = _number(entry["gamma"]) if entry.get("gamma") else None
        stretch = parse_stretch(str(entry.get("stretch") or stretch.text), gamma)
    subject = _subject(entry).at(resolution)
    return PictureSpec(
        subject=subject, stretch=stretch, product=ProductRef(str(entry["product"])) if entry.get("product") else None
    )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"gamma {value!r} is no number") from error


def _subject(entry: Mapping[str, Any]) -> Subject:
    if entry.get("r"):
        return parse_bands(",".join(str(entry[name]) for name in ("r", "g", "b") if entry.get(name)))
    kinds = (("bands", parse_bands), ("index", parse_index), ("recipe", parse_recipe), ("composite", parse_recipe))
    named = [(parse, entry[name]) for name, parse in kinds if entry.get(name)]
    if len(named) != 1:
        raise InputError("it must name one of bands, index or recipe", 'as in {"index": "ndvi"}')
    parse, value = named[0]
    return parse(",".join(str(part) for part in value) if isinstance(value, list) else str(value))
