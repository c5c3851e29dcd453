"""Locks that keep two runs of s2kit from writing to one place: files that lie there while the lock is held.

The lock is the system's (`flock`), so a run that is killed gives it up. The file is removed when the lock is released:
whoever gets the lock of a file that was removed in between takes the new file's lock instead.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from s2kit.errors import TryLaterError
from s2kit.run.files import (
    LONGEST_NAME,
    atomic_file,
    ensure_folder,
    parts_of,
    remove,
    translate_os_error,
    writes_straight,
)

LOCK_NAME = ".s2kit.lock"
_POLL_S = 0.05


@contextmanager
def destination_lock(folder: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Keep every other run of s2kit out of a destination folder.

    Args:
        folder: The destination; it is made if need be.
        wait_s: How long to wait for another run to end.

    Raises:
        TryLaterError: Another run holds the folder.
        OutputError: The folder cannot be made or written to.
    """
    ensure_folder(folder)
    with _held(folder / LOCK_NAME, f"another run of s2kit is at work in {folder}", folder, wait_s):
        yield


@contextmanager
def output_lock(path: Path) -> Iterator[None]:
    """Keep every other run of s2kit from writing the same output file; devices and pipes need no lock.

    Raises:
        TryLaterError: Another run writes this file.
        OutputError: The folder cannot be made or written to.
    """
    if writes_straight(path):
        yield
        return
    target = Path(os.path.realpath(path))
    ensure_folder(target.parent)
    with _held(_lock_beside(target), f"another run of s2kit writes {path}", target, 0.0):
        for part in parts_of(target):
            remove(part)
        yield


@contextmanager
def locked_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """`atomic_file` for an output that the user names: no other run may write it from now on until it stands.

    Raises:
        TryLaterError: Another run writes this file.
        OutputError, DiskError, InputError: See `atomic_file`.
    """
    with output_lock(path), atomic_file(path, overwrite=overwrite) as part:
        yield part


def _lock_beside(target: Path) -> Path:
    name = f".{target.name}{LOCK_NAME}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}{LOCK_NAME}"
    return target.with_name(name)


@contextmanager
def _held(lock: Path, busy: str, subject: Path, wait_s: float) -> Iterator[None]:
    try:
        handle = _acquired(lock, time.monotonic() + wait_s)
    except OSError as error:
        raise translate_os_error(error, subject) from error
    if handle is None:
        raise TryLaterError(busy, "wait for it to end, or name another output")
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(handle)


def _acquired(lock: Path, end: float) -> int | None:
    """A descriptor that holds the lock; None if another process held it until `end`."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file_of(handle, lock):
                return handle
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(handle)
                return None
            time.sleep(_POLL_S)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # removed by the run that held it, or still held: look again


def _is_file_of(handle: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False
