"""A store whose connections are counted over a whole cluster: each request takes one and gives it back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from s2kit.run.sharing import connection
from s2kit.store.base import Body, ObjectInfo, Part, Store


class LeasedStore:
    """What `Store` is, with one connection of the archive for each request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.archive = store.archive

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with `prefix`; they are listed to the end before the first is given."""
        with self._connection():
            return iter([*self._store.list(prefix)])

    def folders(self, prefix: str) -> Iterator[str]:
        """The common prefixes one level below `prefix`."""
        with self._connection():
            return iter([*self._store.folders(prefix)])

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object."""
        with self._connection():
            return self._store.stat(key)

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Some bytes of an object."""
        with self._connection():
            return self._store.read(key, start, length, if_match)

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """Some bytes of an object, with what the server says of it."""
        with self._connection():
            return self._store.fetch(key, start, length, if_match)

    @contextmanager
    def body(self, key: str, start: int = 0, if_match: str | None = None) -> Iterator[Body]:
        """An object from an offset on; the connection is held until the block ends."""
        with self._connection(), self._store.body(key, start, if_match) as body:
            yield body

    def put(self, key: str, source: Path) -> ObjectInfo:
        """Store a local file under a key."""
        with self._connection():
            return self._store.put(key, source)

    def _connection(self) -> AbstractContextManager[None]:
        return connection(self.archive.name, self.archive.max_connections)
