"""Folders of products: where `download` puts them and every verb looks for them. One walk for all.

A product is a SAFE folder, a zip of one, one of the kinds of `product.kinds`, or a tile folder of AWS's layout.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from s2kit.archive.tile_tree import TILE_INFO
from s2kit.errors import DiskError, InputError, S2KitError
from s2kit.product.kinds import KINDS, kind_at, kind_named
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.product.open import open_product
from s2kit.product.safe_tree import MAX_READ, PRODUCT_METADATA, safe_name
from s2kit.run.read_file import read_file

MAX_DEPTH = 10
"""How many folders deep products are looked for: `{range}/{aoi}/original` is three, the AWS layout needs eight."""


SAFE, ZIP, TILE = "safe", "zip", "tile"
_ORDER = (SAFE, ZIP, *(kind.name for kind in KINDS), TILE)
"""What may lie at a path, in the order in which it is preferred."""


class Place(NamedTuple):
    """A product on this machine."""

    path: Path
    form: str
    """`safe`, `zip`, `tile` (AWS's layout), or the name of a kind of `product.kinds`."""

    @property
    def rank(self) -> tuple[int, str]:
        """Places that are preferred come first."""
        return _ORDER.index(self.form), str(self.path)


_ZIP = re.compile(r"S[12][A-D]_.+\.zip", re.IGNORECASE)


def products_below(folder: Path) -> Iterator[Place]:
    """All products below a folder, sorted by path; of a product that is there several times, all.

    Hidden folders and what is half-written (`.part`) are passed over, no product is looked into, and no folder twice,
    whatever links lead to it.

    Raises:
        DiskError: The folder itself cannot be listed.
    """
    try:
        yield from _below(folder, 0, set())
    except OSError as error:
        raise DiskError(f"{folder}: cannot be listed: {error.strerror or error}", "see s2kit config show") from error


def products_in(folder: Path) -> list[Path]:
    """The Sentinel-2 products below a folder, each once, by name: a SAFE folder goes before a zip, Zarr, COGs.

    Raises:
        DiskError: The folder cannot be listed.
    """
    best: dict[str, Place] = {}
    for place in sorted(products_below(folder), key=lambda place: place.rank):
        name = product_of(place)
        if not name.startswith("S1"):
            best.setdefault(name, place)
    return [best[name].path for name in sorted(best)]


def product_of(place: Place) -> str:
    """The name of a product on this machine, as far as the names of its files tell; else its path."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, S2KitError):
        if place.form == TILE:
            return safe_name(json.loads(read_file(place.path / TILE_INFO, MAX_READ))["productName"])
        if place.form not in {SAFE, ZIP}:
            return open_product(place.path).id
    name = safe_name(place.path.name)
    try:
        return str(parse_product_name(name))
    except InputError:
        return str(place.path)


def is_product(path: Path) -> bool:
    """True for what can be opened as one product; False for a folder that may hold several."""
    if not path.is_dir():
        return True
    by_name = path.name.lower().endswith(".safe") or kind_named(path.name) is not None or (path / TILE_INFO).is_file()
    return by_name or kind_at(path) is not None or is_safe(path)


def is_safe(folder: Path) -> bool:
    """True for a folder with what lies at the top of a SAFE, whatever its name."""
    with suppress(OSError):
        names = (entry.name for entry in folder.iterdir())
        return any(name in {"GRANULE", "manifest.safe"} or PRODUCT_METADATA.fullmatch(name) for name in names)
    return False


def find_in_dataset(folder: Path, name: AnyProductName) -> Path | None:
    """Where a product is below a dataset folder: a SAFE folder if there is one, else a zip, another kind, None."""
    for ending in (".SAFE", ".zip", ".SAFE.zip", *(kind.suffix for kind in KINDS if kind.suffix), ""):
        direct = folder / f"{name}{ending}"
        if direct.exists():
            return direct
    return find_id(folder, str(name))


def find_id(folder: Path, identity: str) -> Path | None:
    """Where the product of a name or id is below a dataset folder; the preferred one if it is there several times."""
    if not folder.is_dir():
        return None
    found = [place for place in products_below(folder) if product_of(place) == identity]
    best = min(found, key=lambda place: place.rank, default=None)
    return None if best is None else best.path


def _below(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Place]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    names = {entry.name for entry in listed}
    form = _form_of(folder, names)
    if form is not None:
        yield Place(folder, form)
        return
    for entry in listed:
        if entry.name.startswith(".") or entry.name.endswith(".part"):
            continue
        yield from _at(entry, depth, seen)


def _form_of(folder: Path, names: set[str]) -> str | None:
    """What a folder is, by its name and the names of its files; None if it may hold products."""
    if TILE_INFO in names:
        return TILE
    for kind in KINDS:
        if kind.may_be(folder.name, names) and kind.files(folder):
            return kind.name
    return SAFE if any(PRODUCT_METADATA.fullmatch(name) for name in names) else None


def _at(entry: "os.DirEntry[str]", depth: int, seen: set[tuple[int, int]]) -> Iterator[Place]:
    if not entry.is_dir():
        if _ZIP.fullmatch(entry.name) and _has_name(entry.name):
            yield Place(Path(entry.path), ZIP)
    elif entry.name.upper().endswith(".SAFE"):
        if entry.name.startswith(("S1", "S2")) or is_safe(Path(entry.path)):
            yield Place(Path(entry.path), SAFE)
    elif (named := kind_named(entry.name)) is not None:
        if named.files(Path(entry.path)):
            yield Place(Path(entry.path), named.name)
    elif depth < MAX_DEPTH:
        with suppress(OSError):  # a folder that may not be read holds nothing that could be used
            yield from _below(Path(entry.path), depth + 1, seen)


def _has_name(text: str) -> bool:
    try:
        parse_product_name(safe_name(text))
    except InputError:
        return False
    return True
