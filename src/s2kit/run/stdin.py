"""What is piped into the program; reads standard input."""

import sys

from s2kit.errors import DiskError, InputError, UsageError


def read_stdin(option: str, hint: str, most: int = -1) -> bytes:
    """All that is piped into the program.

    Args:
        option: What asked for it, as the user wrote it: `-`, `--request -`.
        hint: What to pipe into it.
        most: Bytes to read at most; -1 for all.

    Raises:
        UsageError: It is a terminal, from which nothing would ever come.
        DiskError: It is closed, or cannot be read.
    """
    if sys.stdin is None:
        raise DiskError("stdin: it is closed", hint)
    if sys.stdin.isatty():
        raise UsageError(f"{option} reads from stdin, and stdin is a terminal", hint)
    try:
        return sys.stdin.buffer.read(most)
    except OSError as error:
        raise DiskError(f"stdin: {error.strerror}: it is closed or cannot be read", hint) from error


def read_stdin_lines(option: str, hint: str) -> str:
    """The same for lists of names and paths; bytes that are not UTF-8 stay as they are, since paths may have any."""
    return read_stdin(option, hint).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def read_stdin_text(option: str, hint: str) -> str:
    """All that is piped into the program, as text in UTF-8.

    Raises:
        UsageError, DiskError: See `read_stdin`.
        InputError: It is no text in UTF-8.
    """
    try:
        return read_stdin(option, hint).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"stdin is no text in UTF-8: {error.reason}", hint) from error
