"""The file in which a transfer gathers: it belongs to one run at a time, and links are not followed.

It keeps its name from run to run, so that a transfer goes on where the last one broke off; a lock of the system, which
goes with the process that holds it, keeps a second run away from it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from s2kit.errors import TryLaterError
from s2kit.run.files import remove

_lock: Callable[[int], None]
try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows: the lock of the destination is all that there is

    def _lock(handle: int) -> None:
        """No lock."""
else:

    def _lock(handle: int) -> None:
        """Take the file, or raise `BlockingIOError` if another run has it."""
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return


_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_MODE = 0o666


def open_part(path: Path) -> IO[bytes]:
    """Open a part for reading and writing; what an earlier run left in it is kept.

    Raises:
        TryLaterError: Another run is writing to it.
        OSError: It cannot be made.
    """
    if path.is_symlink():
        remove(path)
    while True:
        handle = os.open(path, _FLAGS, _MODE)
        try:
            _lock(handle)
            if _is_at(handle, path):
                return os.fdopen(handle, "r+b", buffering=0)
        except BlockingIOError:
            os.close(handle)
            raise _taken(path) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # another run has just renamed or removed it


def remove_part(path: Path) -> None:
    """Remove what an earlier run left.

    Raises:
        TryLaterError: Another run is writing to it.
    """
    if not path.is_symlink() and path.is_file():
        open_part(path).close()
    remove(path)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _taken(path: Path) -> TryLaterError:
    return TryLaterError(f"{path}: another run of s2kit is writing to it", "wait for it to end, or name another --out")
