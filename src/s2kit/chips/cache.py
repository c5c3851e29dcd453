"""Chips that were cut before: one folder for a place and its parameters, one file pair a product.

A chip stands under its final name only when it is whole, and its record (`NAME.json`) is written after it; so two runs
at once do no harm: at worst both make the same chip.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2kit.errors import DiskError, OutputError
from s2kit.run.files import atomic_file, ensure_folder, new_part, remove, translate_os_error, writes_straight
from s2kit.run.names import file_name

FOLDER = "chips"
_KEY_FILE = "key.json"
_CLEAR_FILE = "last-clear.json"


@dataclass(frozen=True, slots=True)
class ChipStore:
    """The chips of one place with one set of parameters."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where a chip's file stands or will stand."""
        return self.folder / name

    def _record_path(self, product_id: str) -> Path:
        return self.folder / f"{file_name(product_id)}.json"

    def record(self, product_id: str) -> dict[str, Any] | None:
        """The record of a product's chip; None if there is none, or one of its files is gone."""
        try:
            record = json.loads(self._record_path(product_id).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or not all((self.folder / name).exists() for name in record.get("files", [])):
            return None
        return record

    def records(self) -> Iterator[dict[str, Any]]:
        """All records whose files are there, in name order."""
        for path in sorted(self.folder.glob("*.json")):
            if path.name != _KEY_FILE:
                record = self.record(path.stem)
                if record is not None:
                    yield record

    def keep(self, product_id: str, record: Mapping[str, Any]) -> None:
        """Write the record of a chip whose files are in place."""
        replace_file(self._record_path(product_id), json.dumps(record, default=str).encode())


def can_be_written(cache_dir: Path) -> bool:
    """True if chips can be kept below a cache folder; the folder is made."""
    try:
        with tempfile.TemporaryFile(dir=ensure_folder(cache_dir / FOLDER)):
            return True
    except (OSError, OutputError):
        return False


def open_store_of(cache_dir: Path, slug: str, parameters: Mapping[str, object]) -> ChipStore:
    """The store of a place and its parameters; its folder is made.

    Args:
        cache_dir: The user's cache folder.
        slug: What a person recognises the place by.
        parameters: All that decides what the chips look like.

    Raises:
        OutputError: The folder cannot be made.
    """
    text = json.dumps(parameters, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    folder = ensure_folder(cache_dir / FOLDER / f"{slug}_{digest}")
    if not (folder / _KEY_FILE).exists():
        replace_file(folder / _KEY_FILE, text.encode())
    return ChipStore(folder)


def replace_file(path: Path, data: bytes) -> None:
    """Write a cache file so that readers see the old one or the new one; nothing is synced, a cache may be lost.

    Raises:
        OutputError: It cannot be written.
    """
    part = new_part(path)
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        remove(part)
        raise translate_os_error(error, path) from error


def place_file(source: Path, target: Path) -> None:
    """Put a cached file into an output folder: as a hard link where the disk allows it, else as a copy.

    Raises:
        OutputError: It cannot be written.
        DiskError: The disk is full.
    """
    ensure_folder(target.parent)
    if target.is_symlink() or writes_straight(target):
        with atomic_file(target, overwrite=True) as copy:
            shutil.copyfile(source, copy)
        return
    part = new_part(target)
    try:
        part.unlink()
        try:
            part.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, part)
        part.replace(target)
        with contextlib.suppress(FileNotFoundError):  # renaming a link onto its own file leaves both names
            part.unlink()
    except OSError as error:
        remove(part)
        raise (error if isinstance(error, DiskError) else translate_os_error(error, target)) from error


@dataclass(frozen=True, slots=True)
class Clear:
    """What the last `s2kit stats --clear` found."""

    products: Mapping[str, str]
    """Where each clear product was read from, by its name."""
    places: tuple[dict[str, Any], ...]
    """Where they are clear."""


def remember_clear(cache_dir: Path, clear: Clear) -> None:
    """Keep which products were found clear of cloud, and where, for the next verb of a pipe."""
    folder = ensure_folder(cache_dir / FOLDER)
    kept = {"products": dict(clear.products), "places": list(clear.places)}
    replace_file(folder / _CLEAR_FILE, json.dumps(kept).encode())


def recall_clear(cache_dir: Path, product_ids: Iterable[str]) -> Clear | None:
    """What was remembered, if all of some products were among the clear ones; else None."""
    try:
        kept = json.loads((cache_dir / FOLDER / _CLEAR_FILE).read_text(encoding="utf-8"))
        clear = Clear(dict(kept["products"]), tuple(kept["places"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    wanted = set(product_ids)
    return clear if wanted and wanted <= set(clear.products) else None
