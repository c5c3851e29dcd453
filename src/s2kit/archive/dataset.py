"""The dataset folder: where `download` puts products and the other verbs look for them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from s2kit.errors import DiskError, InputError
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.product.safe_tree import safe_name

MAX_DEPTH = 6
"""How many folders deep products are looked for; `{range}/{aoi}/original` is three."""

_PRODUCT = re.compile(r".+\.(SAFE|zip)", re.IGNORECASE)


def product_paths(folder: Path) -> Iterator[Path]:
    """SAFE folders and zips with a product's name below a folder, sorted; of a product that is there as both, both.

    Hidden folders and what is half-written (`.part`) are passed over, no SAFE is looked into, and no folder twice,
    whatever links lead to it.

    Raises:
        DiskError: The folder itself cannot be listed.
    """
    try:
        yield from _below(folder, 0, set())
    except OSError as error:
        raise DiskError(f"{folder}: cannot be listed: {error.strerror or error}", "see s2kit config show") from error


def find_in_dataset(folder: Path, name: AnyProductName) -> Path | None:
    """Where a product is below a dataset folder: a SAFE folder if there is one, else a zip, else None."""
    for ending in (".SAFE", ".zip", ".SAFE.zip", ""):
        direct = folder / f"{name}{ending}"
        if direct.exists():
            return direct
    if not folder.is_dir():
        return None
    found = [path for path in product_paths(folder) if safe_name(path.name) == str(name)]
    return min(found, key=lambda path: (path.is_file(), str(path)), default=None)


def _below(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Path]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name.startswith(".") or entry.name.endswith(".part"):
            continue
        if _is_product(entry):
            yield Path(entry.path)
        elif depth < MAX_DEPTH and entry.is_dir() and not entry.name.upper().endswith(".SAFE"):
            try:
                yield from _below(Path(entry.path), depth + 1, seen)
            except OSError:
                continue  # a folder that may not be read holds nothing that could be used


def _is_product(entry: "os.DirEntry[str]") -> bool:
    if not _PRODUCT.fullmatch(entry.name) or entry.is_file() == entry.name.upper().endswith(".SAFE"):
        return False
    try:
        parse_product_name(entry.name)
    except InputError:
        return False
    return True
