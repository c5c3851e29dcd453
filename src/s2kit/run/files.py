"""Files that are either whole or not there: atomic writing, free space.

Everything is written as `NAME.RANDOM.part` beside its place, synced to the disk and renamed, so that a name without
`.part` is complete by construction, whatever killed the writer. Links are followed to the file they name; a device, a
pipe or an open descriptor (`/dev/stdout`) is never replaced: the finished bytes are copied into it.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from s2kit.errors import DiskError, InputError, OutputError, S2KitError

PART_SUFFIX = ".part"
LONGEST_NAME = 255
"""Bytes of a file name that file systems allow."""

_MOST_LINKS = 40
_ROOM = 1 << 20
_LONGEST_STEM = 200
"""Bytes of a name that are kept in its temporary name: GDAL sets files with longer names beside it."""
_PART = re.compile(rf"(?P<stem>.+)\.[0-9a-f]{{8}}{re.escape(PART_SUFFIX)}.*", re.DOTALL)


def part_path(path: Path) -> Path:
    """Where a folder is built before it is complete; a later run continues it."""
    return path.with_name(path.name + PART_SUFFIX)


def parts_of(*paths: Path) -> list[Path]:
    """What writers that were killed have left behind for these files, with the files that GDAL sets beside it.

    Only for whoever holds the lock of the files or of their folder: another writer's work would be among them.
    """
    stems: dict[Path, set[str]] = {}
    for path in map(_resolved, paths):
        stems.setdefault(path.parent, set()).add(_stem(path.name))
    return sorted(
        entry
        for folder, names in stems.items()
        if folder.is_dir()
        for entry in folder.iterdir()
        if (found := _PART.fullmatch(entry.name)) and found["stem"] in names
    )


def target_of(part: Path) -> Path:
    """The file that a temporary name of `atomic_file` is for, for messages; other paths as they are."""
    found = _PART.fullmatch(part.name)
    return part if found is None else part.with_name(found["stem"])


def why_it_stopped(file: BinaryIO) -> OSError | None:
    """Why a library that keeps that to itself could not go on writing a file; None if there is room for more.

    Args:
        file: Opened for appending; it is spoilt.
    """
    try:
        file.write(bytes(_ROOM))
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def translate_os_error(error: OSError, path: Path) -> S2KitError:
    """An operating system's error about an output as one of ours, naming the path.

    Args:
        error: What the system raised.
        path: The output that was being made.
    """
    if isinstance(error, S2KitError):
        return error
    reason = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskError(f"{path}: {reason}", "free some space, or name another place with --out")
    if error.errno in {errno.EIO, errno.ESTALE}:
        return DiskError(f"{path}: {reason}", "check the disk")
    if error.errno == errno.ENAMETOOLONG:
        return _too_long(path)
    return OutputError(f"{path}: {reason}", "name a place that you may write to with --out")


def name_too_long(error: OSError) -> InputError | None:
    """The error of a path that no file system takes; None for other errors."""
    if error.errno != errno.ENAMETOOLONG:
        return None
    return _too_long(Path(os.fsdecode(error.filename or "a path")))


def _too_long(path: Path) -> InputError:
    longest = max(path.parts, key=lambda part: len(os.fsencode(part)), default="")
    nbytes = len(os.fsencode(longest))
    return InputError(
        f"{longest[:60]}…: the name has {nbytes} bytes, file systems allow {LONGEST_NAME}", "take a shorter name"
    )


def ensure_folder(folder: Path) -> Path:
    """Make a folder with its parents, if it is not there.

    Raises:
        OutputError: It cannot be made.
        InputError: Its name is too long.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os_error(error, folder) from error
    return folder


def refuse_existing(path: Path) -> None:
    """Raise `OutputError` if an output is there already; a device or a pipe may always be written to."""
    try:
        there = path.exists() and not writes_straight(path)
    except OSError as error:
        raise translate_os_error(error, path) from error
    if there:
        raise OutputError(f"{path} exists already", "use --overwrite to replace it, or name another output")


def writes_straight(path: Path) -> bool:
    """True for what must be written to and never replaced: a device, a pipe, a socket, an open descriptor."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        return False
    return not stat.S_ISREG(mode) or _descriptor(path) is not None


def _descriptor(path: Path) -> int | None:
    """The number of the open descriptor that a path such as `/dev/stdout` or `/dev/fd/3` names; None for others."""
    here = path.absolute()
    for _ in range(_MOST_LINKS):
        if here.name.isdecimal() and str(here.parent) in {"/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd"}:
            return int(here.name)
        if not here.is_symlink():
            return {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}.get(str(here))
        here = Path(os.path.normpath(here.parent / here.readlink()))
    return None


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False, synced: bool = True) -> Iterator[Path]:
    """The path to write to; after the block it stands at `path`, complete, or not at all.

    A link is followed: the file that it names is replaced. A device, a pipe or an open descriptor gets the bytes after
    the block, from a temporary file.

    Args:
        path: Where the file shall stand; its folder is made.
        overwrite: True if a file of that name may be replaced.
        synced: False for a file of a cache: it need not survive a power cut, and waiting for the disk costs time.

    Raises:
        OutputError: `path` exists and may not be replaced, or cannot be written.
        DiskError: The disk is full or failing.
        InputError: The name is too long.
        BrokenPipeError: The reader of a pipe went away.
    """
    if not overwrite:
        refuse_existing(path)
    if writes_straight(path):
        with _spooled(path) as spool:
            yield spool
        return
    target = _resolved(path)
    if len(os.fsencode(target.name)) > LONGEST_NAME:
        raise _too_long(Path(target.name))
    if target.is_dir():
        raise OutputError(f"{path} is a folder", "name a file")
    ensure_folder(target.parent)
    part = new_part(target)
    try:
        yield part
        if synced:
            _sync(part)
        part.replace(target)
        if synced:
            fsync_folder(target.parent)
    except BaseException as error:
        remove(part)
        if isinstance(error, OSError) and error.errno is not None:
            raise translate_os_error(error, path) from error
        raise


def new_part(target: Path) -> Path:
    """An empty file beside a target, of a name that nobody else has; never through a link.

    Raises:
        OutputError: It cannot be made.
    """
    part = target.with_name(f"{_stem(target.name)}.{secrets.token_hex(4)}{PART_SUFFIX}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666))
    except OSError as error:
        raise translate_os_error(error, target) from error
    return part


def write_atomic(path: Path, data: bytes, *, overwrite: bool = False, synced: bool = True) -> Path:
    """Write a small file in one go, atomically; returns its path. Arguments are those of `atomic_file`."""
    with atomic_file(path, overwrite=overwrite, synced=synced) as part:
        part.write_bytes(data)
    return path


@contextmanager
def _spooled(path: Path) -> Iterator[Path]:
    """A temporary file whose bytes go to a device, pipe or descriptor when the block is done."""
    with tempfile.TemporaryDirectory(prefix="s2kit-") as folder:
        spool = Path(folder) / (path.name or "output")
        yield spool
        number = _descriptor(path)
        try:
            if number in {1, 2}:
                (sys.stdout if number == 1 else sys.stderr).flush()
            with spool.open("rb") as source, open(path if number is None else os.dup(number), "wb") as into:  # noqa: PTH123 - a descriptor
                shutil.copyfileobj(source, into)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise translate_os_error(error, path) from error


def _resolved(path: Path) -> Path:
    """The file that a path stands for, whatever links lead to it; it need not exist."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _stem(name: str) -> str:
    """What the temporary names of a file begin with."""
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST_STEM:
        return name
    return raw[: _LONGEST_STEM - 20].decode(errors="ignore") + "~" + hashlib.sha256(raw).hexdigest()[:16]


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, if the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; nothing happens if it is not there."""
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
