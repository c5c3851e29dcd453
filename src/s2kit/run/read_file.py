"""Whole files from outside, with a bound: no device, no pipe that nobody writes to, nothing larger than it can be."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from s2kit.errors import InputError

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

MAX_NAMED = 64 << 20
"""Bytes of the largest batch, request or settings file that is read."""


def open_regular(path: Path) -> int:
    """A handle of a regular file; opening does not wait, whatever stands at the path.

    Raises:
        InputError: It is a device, a pipe or a socket.
        OSError: It cannot be opened, or is a folder.
    """
    handle = os.open(path, _FLAGS)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return handle
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a directory", str(path))
    raise InputError(f"{path} is no regular file", "devices and pipes are not read here")


def read_file(path: Path, most: int, nbytes: int | None = None) -> bytes:
    """A file, or its start.

    Args:
        path: Where it is; links are followed.
        most: Refuse more bytes than this.
        nbytes: Read no more than so many bytes from the start; None for all.

    Raises:
        InputError: It is no regular file, or too large.
        OSError: It cannot be read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        return _bounded(file, path, most, nbytes)


def read_named(path: Path) -> bytes:
    """A text file that the user names, such as a batch or settings; it may be a pipe, as the shell's `<(command)`.

    Raises:
        InputError: It is larger than such a file can be.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return _bounded(file, path, MAX_NAMED)


def _bounded(file: BinaryIO, path: Path, most: int, nbytes: int | None = None) -> bytes:
    data = file.read(most + 1 if nbytes is None else min(nbytes, most))
    if len(data) > most:
        raise InputError(f"{path} has more than {most} bytes, too many for what it should be")
    return data
