"""Files that are either whole or not there: atomic writing, locks, free space.

Everything is written as `NAME.part` beside its place, synced to the disk and renamed, so that a name without `.part` is
complete by construction, whatever killed the writer.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from s2kit.errors import DiskError, OutputError, TryLaterError

PART_SUFFIX = ".part"
LOCK_NAME = ".s2kit.lock"


def part_path(path: Path) -> Path:
    """Where a file or folder is written before it is complete."""
    return path.with_name(path.name + PART_SUFFIX)


def translate_os_error(error: OSError, path: Path) -> OutputError:
    """An operating system's error about an output as one of ours, naming the path.

    Args:
        error: What the system raised.
        path: The output that was being made.
    """
    reason = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskError(f"{path}: {reason}", "free some space, or name another place with --out")
    if error.errno in {errno.EIO, errno.ESTALE}:
        return DiskError(f"{path}: {reason}", "check the disk")
    return OutputError(f"{path}: {reason}", "name a place that you may write to with --out")


def ensure_folder(folder: Path) -> Path:
    """Make a folder with its parents, if it is not there.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os_error(error, folder) from error
    return folder


def refuse_existing(path: Path) -> None:
    """Raise `OutputError` where an output is there already."""
    if path.exists():
        raise OutputError(f"{path} exists already", "use --overwrite to replace it, or name another output")


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """The path to write to; after the block it stands at `path`, complete, or not at all.

    Args:
        path: Where the file shall stand; its folder is made.
        overwrite: True where a file of that name may be replaced.

    Raises:
        OutputError: `path` exists and may not be replaced, or cannot be written.
        DiskError: The disk is full or failing.
    """
    if not overwrite:
        refuse_existing(path)
    ensure_folder(path.parent)
    part = part_path(path)
    try:
        yield part
        _sync(part)
        part.replace(path)
        fsync_folder(path.parent)
    except BaseException as error:
        remove(part)
        if isinstance(error, OSError) and not isinstance(error, OutputError) and error.errno is not None:
            raise translate_os_error(error, path) from error
        raise


def write_atomic(path: Path, data: bytes, *, overwrite: bool = False) -> Path:
    """Write a small file in one go, atomically; returns its path."""
    with atomic_file(path, overwrite=overwrite) as part:
        part.write_bytes(data)
    return path


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; nothing happens where it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that holds `path`, which need not exist yet."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


@contextmanager
def destination_lock(folder: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Keep every other run of s2kit out of a destination folder.

    Args:
        folder: The destination; it is made if need be.
        wait_s: How long to wait for another run to end.

    Raises:
        TryLaterError: Another run holds the folder.
    """
    from filelock import FileLock, Timeout

    ensure_folder(folder)
    try:
        lock = FileLock(folder / LOCK_NAME, timeout=wait_s)
        lock.acquire()
    except Timeout as error:
        raise TryLaterError(
            f"another run of s2kit is at work in {folder}", "wait for it to end, or name another --out"
        ) from error
    except OSError as error:
        raise translate_os_error(error, folder) from error
    try:
        yield
    finally:
        lock.release()
