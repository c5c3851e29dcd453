"""A remote store whose connections are counted over a whole cluster, and its bytes for whoever asked for that.

Each request takes a connection and gives it back, if this process works for a cluster (`run/sharing.py`); what it
brings is added to the tally, if there is one (`run/tally.py`).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from s2kit.run import tally
from s2kit.run.sharing import connection, is_leased
from s2kit.store.base import Body, ObjectInfo, Part, Store

REQUESTS, NBYTES = "archive requests", "archive bytes"
"""How the names of the tally begin; the name of the archive follows after a space."""


class CountedStore:
    """What `Store` is, with one connection of the archive for each request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.archive = store.archive

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with `prefix`; for a cluster they are all listed before the first is given."""
        with self._connection():
            return iter([*self._store.list(prefix)]) if is_leased() else self._store.list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """The common prefixes one level below `prefix`."""
        with self._connection():
            return iter([*self._store.folders(prefix)]) if is_leased() else self._store.folders(prefix)

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object."""
        with self._connection():
            found = self._store.stat(key)
        self._count(0)
        return found

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Some bytes of an object."""
        with self._connection():
            data = self._store.read(key, start, length, if_match)
        self._count(len(data))
        return data

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """Some bytes of an object, with what the server says of it."""
        with self._connection():
            part = self._store.fetch(key, start, length, if_match)
        self._count(len(part.data))
        return part

    @contextmanager
    def body(self, key: str, start: int = 0, if_match: str | None = None) -> Iterator[Body]:
        """An object from an offset on; the connection is held until the block ends."""
        nbytes = 0

        def counted(chunks: Iterator[bytes] | Iterator[memoryview]) -> Iterator[bytes] | Iterator[memoryview]:
            nonlocal nbytes
            for chunk in chunks:
                nbytes += len(chunk)
                yield chunk

        with self._connection(), self._store.body(key, start, if_match) as body:
            try:
                yield Body(body.info, body.start, counted(body.chunks))
            finally:
                self._count(nbytes)

    def put(self, key: str, source: Path) -> ObjectInfo:
        """Store a local file under a key."""
        with self._connection():
            return self._store.put(key, source)

    def _connection(self) -> AbstractContextManager[None]:
        return connection(self.archive.name, self.archive.max_connections)

    def _count(self, nbytes: int) -> None:
        if tally.is_counting():
            tally.add({f"{REQUESTS} {self.archive.name}": 1, f"{NBYTES} {self.archive.name}": nbytes})
