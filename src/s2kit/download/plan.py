"""What a download is asked to do, what it will do to one product, and what came of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from s2kit.archive.source import Source
from s2kit.download.destination import Destination
from s2kit.download.present import is_edition, proven_files, unchanged
from s2kit.download.record import FileState
from s2kit.errors import S2KitError
from s2kit.product.manifest import ManifestEntry
from s2kit.product.subset import MANIFEST, Subset
from s2kit.store.base import ObjectInfo, Store
from s2kit.store.cost import PRICE_LIST, Estimate, estimate

_ESSENTIAL = re.compile(
    r"(?:.*/)?(?:MTD_\w+\.xml|S2[A-D]_(?:OPER|USER)_MTD_\w+\.xml|IMG_DATA/.+|measurement/.+|annotation/.+)", re.ASCII
)
"""Without these a product is broken; reports, masks and auxiliary data may be lacking in an archive."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file."""

    path: str
    state: FileState
    nbytes: int = 0
    """Size of the file."""
    moved: int = 0
    """Bytes that came over the wire for it in this run."""
    seconds: float = 0.0
    proof: str = ""
    """`manifest`, `etag` or `size`; empty if there is none."""
    message: str = ""
    """Why it failed, or where it was."""

    def record(self, product: str) -> dict[str, Any]:
        """As plain values, for reports."""
        return {
            "product": product,
            "path": self.path,
            "state": str(self.state),
            "nbytes": self.nbytes,
            "moved": self.moved,
            "seconds": round(self.seconds, 3),
            "proof": self.proof,
            "message": self.message,
        }


class Status(StrEnum):
    """What became of a product."""

    DONE = "done"
    ALREADY_THERE = "already-there"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProductResult:
    """What became of one product."""

    product: str
    status: Status
    path: str = ""
    """Where it is: a folder, a zip or an address."""
    archive: str = ""
    files: tuple[FileResult, ...] = ()
    seconds: float = 0.0
    error: S2KitError | None = None

    @property
    def moved(self) -> int:
        """Bytes that came over the wire."""
        return sum(file.moved for file in self.files)

    def count(self, state: FileState) -> int:
        """How many of its files are in a state."""
        return sum(file.state is state for file in self.files)

    def record(self) -> dict[str, Any]:
        """As plain values, for reports."""
        return {
            "product": self.product,
            "status": str(self.status),
            "path": self.path,
            "archive": self.archive,
            "verified": self.count(FileState.VERIFIED),
            "unlisted": self.count(FileState.UNLISTED),
            "absent": [file.path for file in self.files if file.state is FileState.ABSENT],
            "skipped": self.count(FileState.SKIPPED),
            "failed": [file.path for file in self.files if file.state is FileState.FAILED],
            "moved": self.moved,
            "seconds": round(self.seconds, 3),
            "error": None if self.error is None else str(self.error),
        }


@dataclass(frozen=True, slots=True)
class Task:
    """One object to fetch."""

    path: str
    store: Store
    info: ObjectInfo
    entry: ManifestEntry | None
    """None if the manifest does not list it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to one product."""

    product: str
    source: Source
    tasks: tuple[Task, ...]
    have: Mapping[str, Path] = field(hash=False)
    """Proven files that are there already."""
    absent: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    broken: tuple[FileResult, ...] = ()
    """Files that the archive should have and lacks, or has with another size."""

    @property
    def nbytes(self) -> int:
        """Bytes to fetch."""
        return sum(task.info.nbytes for task in self.tasks)

    @property
    def estimate(self) -> Estimate:
        """Bytes, requests and cost."""
        reads = self.source.reads + sum(task.store is self.source.store for task in self.tasks)
        return estimate(self.source.archive, self.nbytes, reads, self.source.lists)

    def record(self) -> dict[str, Any]:
        """As plain values, for `--dry-run`."""
        cost = self.estimate
        return {
            "product": self.product,
            "archive": self.source.archive.name,
            "files": len(self.tasks),
            "nbytes": self.nbytes,
            "there": len(self.have),
            "requests": cost.reads + cost.lists,
            "usd": cost.usd,
            "usd_in_region": cost.usd_in_region,
            "price_list": PRICE_LIST if self.source.archive.requester_pays else None,
            "absent": list(self.absent),
            "failed": [file.path for file in self.broken],
        }


def make_plan(
    source: Source, place: Destination | None, subset: Subset, check: Callable[[], None], *, prove: bool = True
) -> Plan:
    """Hold the manifest against the archive and the destination.

    Args:
        source: The product in its archive.
        place: Its destination; None if nothing can be there.
        subset: What is wanted of it.
        check: Called before files are read; raises to stop.
        prove: False if only the record counts and nothing is read (`--dry-run`).
    """
    have = {} if place is None else _present(source, place, check, prove=prove)
    tasks: list[Task] = []
    absent: list[str] = []
    skipped: list[str] = []
    broken: list[FileResult] = []
    for entry in source.manifest.entries:
        if not subset.wants(entry.path):
            if entry.path not in have:
                skipped.append(entry.path)
            continue
        if entry.path in have:
            continue
        info = source.find(entry.path)
        if info is not None and info.nbytes == entry.nbytes:
            tasks.append(Task(entry.path, source.store, info, entry))
        elif info is not None or (source.rules.keys(entry.path) and _ESSENTIAL.fullmatch(entry.path)):
            broken.append(FileResult(entry.path, FileState.FAILED, message=_fault(entry, info, source)))
        else:
            absent.append(entry.path)
    tasks += [
        Task(path, source.store, info, None)
        for path, info in source.extras.items()
        if subset.wants(path) and path not in have
    ]
    return Plan(str(source.name), source, tuple(tasks), have, tuple(absent), tuple(skipped), tuple(broken))


def _fault(entry: ManifestEntry, info: ObjectInfo | None, source: Source) -> str:
    if info is None:
        return f"not in archive {source.archive.name}"
    return f"{info.nbytes} bytes in archive {source.archive.name}, the manifest says {entry.nbytes}"


def _present(source: Source, place: Destination, check: Callable[[], None], *, prove: bool) -> dict[str, Path]:
    """What is there of this very edition: a record counts only if the manifest beside it is this run's."""
    record = place.record()
    trusted: set[str] = set()
    if record is not None and is_edition(place, record, source.manifest_bytes):
        trusted = unchanged(place, record)
    found = {path: place.safe / path for path in trusted if path != MANIFEST}
    if prove:
        found |= proven_files(place.safe, source.manifest, trusted, check)
        for path, file in proven_files(place.part, source.manifest, (), check).items():
            found.setdefault(path, file)
    return found
