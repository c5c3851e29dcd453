"""What a store can do: list, read ranges, get and put, whatever stands behind it.

`open_store` makes one from an `Archive`; each worker opens its own, since connections do not travel to other processes.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from s2kit.errors import TryLaterError
from s2kit.store.archive import Archive


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of a store."""

    key: str
    """Key below the archive's address, without a leading slash."""
    nbytes: int
    etag: str | None = None
    """Entity tag without quotes; None where the store has none (a plain folder has one of size and time)."""


@dataclass(frozen=True, slots=True)
class Body:
    """An open transfer of one object."""

    info: ObjectInfo
    """What the server says of the whole object."""
    start: int
    """Offset of the first byte that `chunks` yields; 0 if the server ignored the range."""
    chunks: Iterator[bytes] | Iterator[memoryview]
    """The bytes as they arrive; a piece is valid until the next one is asked for, since its buffer is used again."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of an object."""

    info: ObjectInfo
    """What the server says of the whole object."""
    data: bytes
    ranged: bool = True
    """False where the server ignored the range and sent the object from its first byte on."""


class ChangedError(TryLaterError):
    """The object is no longer the one that a tag names: whoever holds parts of it must start again."""


class Store(Protocol):
    """Objects by key. Errors: `NotFoundError`, `AccessError`, `TryLaterError`, `ServiceError`, `DiskError`."""

    archive: Archive

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with `prefix`, in key order."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """The common prefixes one level below `prefix` (which ends in a slash), each ending in a slash."""
        ...

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object."""
        ...

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Bytes `start` to `start + length` (fewer at the end of the object; all where `length` is None).

        Raises:
            ChangedError: The object is no longer the one that `if_match` names.
        """
        ...

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """What `read` does, with what the server says of the whole object; it is one request."""
        ...

    def body(self, key: str, start: int = 0, if_match: str | None = None) -> AbstractContextManager[Body]:
        """An object from an offset on, in chunks as they arrive."""
        ...

    def put(self, key: str, source: Path) -> ObjectInfo:
        """Store a local file under a key."""
        ...
