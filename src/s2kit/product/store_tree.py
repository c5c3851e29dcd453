"""A product in a store: a SAFE folder below a prefix, or objects that stand for the files of one."""

from collections.abc import Mapping
from pathlib import Path

from s2kit.errors import NotFoundError
from s2kit.product.safe_tree import check_readable, is_of_safe, safe_name, size_of
from s2kit.store.base import ObjectInfo, Store
from s2kit.store.location import ImageLocation, LocalFile, RemoteObject
from s2kit.store.metadata import list_objects, read_proven

MANIFEST = "manifest.safe"


class StoreTree:
    """The files of a SAFE as objects of a store."""

    def __init__(
        self, store: Store, objects: Mapping[str, ObjectInfo], address: str, kept: Mapping[str, bytes] | None = None
    ) -> None:
        """Nothing is read here.

        Args:
            store: The store.
            objects: The object of each path of the SAFE.
            address: What to call the tree; its last part is taken for the product's name.
            kept: Contents of files that were read before, so that they are not fetched again.
        """
        self._store = store
        self._objects = {path: objects[path] for path in sorted(objects) if is_of_safe(path)}
        self._sizes = {path: info.nbytes for path, info in self._objects.items()}
        self._kept = dict(kept or {})
        self.address = address.rstrip("/")

    @property
    def name(self) -> str:
        """The last part of the address without `.SAFE`."""
        return safe_name(self.address.rpartition("/")[2])

    def paths(self) -> tuple[str, ...]:
        """All files, as they were listed."""
        return tuple(self._objects)

    def nbytes(self, path: str) -> int:
        """Size of an object, as it was listed."""
        return size_of(self._sizes, path, self.address)

    def read(self, path: str, nbytes: int | None = None) -> bytes:
        """An object, or its start; a whole object is fetched once."""
        check_readable(self.nbytes(path), f"{self.address}/{path}")
        if path in self._kept:
            return self._kept[path][:nbytes]
        listed = self._objects[path]
        if nbytes is not None and nbytes < listed.nbytes:
            return self._store.read(listed.key, 0, nbytes)
        self._kept[path] = read_proven(self._store, listed.key, listed).data
        return self._kept[path]

    def location(self, path: str) -> ImageLocation:
        """The archive and key, or the file itself where the store is a folder."""
        self.nbytes(path)
        archive, key = self._store.archive, self._objects[path].key
        if "://" in archive.address:
            return RemoteObject(archive, key)
        return LocalFile(Path(archive.address).expanduser().absolute() / key)


def prefix_tree(store: Store, prefix: str) -> StoreTree:
    """The SAFE folder below a prefix.

    Args:
        store: The store; it is listed once.
        prefix: Key of the folder with its slash, or `""` where the archive's address is the folder.

    Raises:
        NotFoundError: There is nothing below it.
    """
    address = f"{store.archive.address.rstrip('/')}/{prefix}"
    found = {key.removeprefix(prefix): info for key, info in list_objects(store, prefix).items()}
    if not found:
        raise NotFoundError(f"{address}: there is nothing")
    return StoreTree(store, found, address)
