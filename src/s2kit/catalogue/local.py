"""A dataset folder as a catalogue: SAFE folders, zips and the AWS layout, from their own metadata, with no network.

What was read is kept in an index beside the other caches; an entry counts as long as its metadata file (or zip) has the
same size and time, so that new, changed and removed products are noticed by one walk without reading anything.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from s2kit.archive.dataset import SAFE, TILE, products_below
from s2kit.archive.tile_tree import TILE_INFO
from s2kit.area.dates import DateRange
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.query import Query
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import NotFoundError, S2KitError
from s2kit.product.kinds import kind_at
from s2kit.run.deadline import Deadline
from s2kit.run.files import write_atomic

_INDEX_VERSION = 3
METADATA_FILES = re.compile(r"MTD_MSIL(?:1C|2A)\.xml|S2[A-D]_(?:OPER|USER)_MTD_\w+\.xml|manifest\.safe")
"""The file at the top of a SAFE whose size and time tell whether it changed."""
_log = logging.getLogger(__name__)


class LocalCatalogue:
    """A folder with products."""

    def __init__(self, source: CatalogueSource, deadline: Deadline) -> None:
        self.source = source
        self._root = Path(source.url)
        self._deadline = deadline

    def pages(self, query: Query, area: BaseGeometry | None, when: DateRange) -> Iterator[Page]:
        """All products of the folder on one page; the caller filters them."""
        if not self._root.is_dir():
            raise NotFoundError(f"dataset folder {self._root} does not exist", "name it with --dataset")
        records, notes = self._records()
        yield Page(tuple(records), len(records), tuple(notes))

    def _records(self) -> tuple[list[ProductRecord], list[str]]:
        known = self._load_index()
        fresh: dict[str, Any] = {}
        records: list[ProductRecord] = []
        notes: list[str] = []
        changed = False
        for path, mark in sorted(find_products(self._root)):
            key = str(path.relative_to(self._root))
            entry = known.get(key)
            record = _from_entry(entry, mark)
            if record is None:
                changed = True
                self._deadline.check("the scan of the dataset folder")
                try:
                    record = _read(path, self.source.name)
                except S2KitError as error:
                    notes.append(f"{path}: left out: {error}")
                    continue
                entry = {"mark": mark, "record": _to_plain(record)}
            records.append(replace(record, catalogue=self.source.name))  # the index serves all names of the folder
            fresh[key] = entry
        if changed or fresh.keys() != known.keys():
            self._save_index(fresh)
        return records, notes

    def _index_path(self) -> Path | None:
        if self.source.cache_dir is None:
            return None
        digest = hashlib.blake2b(str(self._root.resolve()).encode(), digest_size=8).hexdigest()
        return self.source.cache_dir / "products" / f"{digest}.json"

    def _load_index(self) -> dict[str, Any]:
        path = self._index_path()
        try:
            document = json.loads(path.read_bytes()) if path is not None else {}
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict) or document.get("version") != _INDEX_VERSION:
            return {}
        return dict(document.get("products", {}))

    def _save_index(self, products: Mapping[str, Any]) -> None:
        path = self._index_path()
        if path is None:
            return
        text = json.dumps({"version": _INDEX_VERSION, "folder": str(self._root.resolve()), "products": products})
        try:
            write_atomic(path, text.encode(), overwrite=True)
        except S2KitError as error:  # an index that cannot be kept costs time, nothing else
            _log.debug("the index of %s cannot be kept: %s", self._root, error)


def _read(path: Path, catalogue: str) -> ProductRecord:
    from s2kit.catalogue.local_products import read_product  # what an unchanged folder need not load

    return read_product(path, catalogue)


def find_products(root: Path) -> Iterator[tuple[Path, str]]:
    """Products below a folder, each with a mark that changes when its metadata does."""
    try:
        for path, form in products_below(root):
            if form == SAFE:
                yield path, _safe_mark(str(path))
            elif form == TILE:
                yield path / TILE_INFO, _tile_mark(path)
            else:
                kind = kind_at(path)
                files = (path,) if kind is None else kind.files(path)
                yield path, "+".join(_mark(file.stat()) for file in files)
    except S2KitError as error:
        _log.debug("%s", error)


def _tile_mark(folder: Path) -> str:
    xml = folder / "metadata.xml"  # it comes second when a tile is fetched
    return _mark((folder / TILE_INFO).stat()) + (f"+{_mark(xml.stat())}" if xml.is_file() else "")


def _safe_mark(folder: str) -> str:
    """The mark of a SAFE folder: of its metadata file, or of the folder itself where there is none."""
    try:
        with os.scandir(folder) as entries:
            files = {entry.name: entry for entry in entries if METADATA_FILES.fullmatch(entry.name)}
        names = sorted(files, key=lambda name: name == "manifest.safe")  # the metadata before the manifest
        return _mark(files[names[0]].stat() if names else Path(folder).stat())
    except OSError:
        return "?"


def _mark(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _to_plain(record: ProductRecord) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name in (f.name for f in fields(ProductRecord)):
        value = getattr(record, name)
        if isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif isinstance(value, BaseGeometry):
            plain[name] = shapely.to_wkb(value, hex=True)
        elif isinstance(value, Mapping):
            plain[name] = dict(value)
        elif value not in (None, ()):
            plain[name] = value
    return plain


_TIMES = ("datetime", "catalogue_datetime", "end", "datatake")


def _from_entry(entry: object, mark: str) -> ProductRecord | None:
    """The record of an index entry, None where it is out of date or not of this form."""
    if not isinstance(entry, Mapping) or entry.get("mark") != mark:
        return None
    try:
        plain = dict(entry["record"])
        for name in _TIMES:
            if name in plain:
                plain[name] = datetime.fromisoformat(plain[name])
        if "geometry" in plain:
            plain["geometry"] = shapely.from_wkb(plain["geometry"])
        if "polarisations" in plain:
            plain["polarisations"] = tuple(plain["polarisations"])
        return ProductRecord(**plain)
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        return None
