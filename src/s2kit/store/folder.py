"""A local folder as a store: keys are paths below it, with `/` between their parts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from s2kit.errors import AccessError, DiskError, InputError, NotFoundError, S2KitError
from s2kit.run.files import PART_SUFFIX, atomic_file, name_too_long
from s2kit.run.locks import LOCK_NAME
from s2kit.store.archive import Archive
from s2kit.store.base import Body, ChangedError, ObjectInfo, Part

_CHUNK = 1 << 20


class FolderStore:
    """The files below a folder; what is being written (`NAME.part`) and locks are not listed."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.root = Path(archive.address).expanduser()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All files whose key begins with `prefix`, in key order."""
        folder, _, _ = prefix.rpartition("/")
        for key, path in _walk(self._path(folder) if folder else self.root, f"{folder}/" if folder else ""):
            if key.startswith(prefix):
                yield _info(key, path)

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders one level below `prefix`, each ending in a slash."""
        for name, path in _entries(self._path(prefix.rstrip("/")) if prefix.rstrip("/") else self.root):
            if path.is_dir():
                yield f"{prefix}{name}"

    def stat(self, key: str) -> ObjectInfo:
        """Size of a file; its tag is made of size and time of the last change."""
        return _info(key, self._path(key))

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Bytes `start` to `start + length`, fewer at the end of the file."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                _expect(_info(key, path), if_match, path)
                file.seek(start)
                return file.read(-1 if length is None else length)
        except OSError as error:
            raise _translated(error, path) from error

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """What `read` does, with size and tag of the whole file."""
        return Part(self.stat(key), self.read(key, start, length, if_match))

    @contextmanager
    def body(self, key: str, start: int = 0, if_match: str | None = None) -> Iterator[Body]:
        """A file from an offset on, in chunks."""
        path = self._path(key)
        info = _info(key, path)
        _expect(info, if_match, path)
        try:
            file = path.open("rb")
        except OSError as error:
            raise _translated(error, path) from error
        with file:
            file.seek(start)
            yield Body(info, start, _chunks(file, path))

    def put(self, key: str, source: Path) -> ObjectInfo:
        """Copy a local file to its place, atomically; a file of that name is replaced."""
        path = self._path(key)
        with atomic_file(path, overwrite=True) as part:
            shutil.copyfile(source, part)
        return _info(key, path)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key)
        if not key or parts.is_absolute() or ".." in parts.parts:
            raise InputError(f"key {key!r} does not name anything below {self.root}")
        return self.root / parts


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for name, path in _entries(folder):
        if path.is_dir():
            yield from _walk(path, f"{prefix}{name}")
        else:
            yield f"{prefix}{name}", path


def _entries(folder: Path) -> list[tuple[str, Path]]:
    """Names (folders with a slash, which makes the order that of keys) and paths; nothing where there is no folder."""
    try:
        with os.scandir(folder) as found:
            entries = [(f"{entry.name}/" if entry.is_dir() else entry.name, Path(entry.path)) for entry in found]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _translated(error, folder) from error
    passing = (PART_SUFFIX, f"{PART_SUFFIX}/", LOCK_NAME)
    return sorted((name, path) for name, path in entries if not name.endswith(passing))


def _info(key: str, path: Path) -> ObjectInfo:
    try:
        stat = path.stat()
    except OSError as error:
        raise _translated(error, path) from error
    if not path.is_file():
        raise NotFoundError(f"{path} is a folder, not a file")
    return ObjectInfo(key, stat.st_size, f"{stat.st_size:x}-{stat.st_mtime_ns:x}")


def _expect(info: ObjectInfo, if_match: str | None, path: Path) -> None:
    if if_match is not None and info.etag != if_match:
        raise ChangedError(f"{path} changed while it was being read", "run again when nothing writes to it")


def _chunks(file: IO[bytes], path: Path) -> Iterator[bytes]:

    while True:
        try:
            chunk = file.read(_CHUNK)
        except OSError as error:
            raise _translated(error, path) from error
        if not chunk:
            return
        yield chunk


def _translated(error: OSError, path: Path) -> S2KitError:
    if isinstance(error, S2KitError):
        return error
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return NotFoundError(f"{path}: no such file")
    if isinstance(error, IsADirectoryError):
        return NotFoundError(f"{path} is a folder, not a file")
    if isinstance(error, PermissionError):
        return AccessError(f"{path}: {error.strerror}", "ask its owner for read access")
    return name_too_long(error) or DiskError(f"{path}: {error.strerror or error}", "check the disk")
