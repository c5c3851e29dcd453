"""The one owner of the terminal: whatever goes to stdout or stderr passes here, and stands above the progress bars.

Nothing that came from outside reaches a terminal as a control sequence: `printable` shows it as an escape.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Protocol, TextIO

from s2kit.errors import DiskError
from s2kit.run.redact import redacted

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


class Display(Protocol):
    """What is drawn at the bottom of the terminal."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is drawn while the block runs."""
        yield


_display: Display | None = None


def show(display: Display | None) -> None:
    """Name what is drawn at the bottom of the terminal from now on; None for nothing."""
    global _display  # noqa: PLW0603 - a process has one terminal
    _display = display


@contextmanager
def stdout() -> Iterator[TextIO]:
    """Standard output for a block, above the bars, flushed at its end: the next program in the pipe waits for it.

    Raises:
        DiskError: It is closed or full.
        BrokenPipeError: Its reader went away.
    """
    try:
        with _above(sys.stdout):
            yield sys.stdout
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise stdout_error(error) from error


def stdout_error(error: OSError) -> DiskError:
    """The error of a standard output that cannot be written to, which is given up."""
    give_up(sys.stdout)
    return DiskError(f"stdout: {error.strerror or error}", "it is closed, or its disk is full")


def say(text: str) -> None:
    """A line on stderr, above the bars and without secrets; one that cannot be written is lost."""
    try:
        with _above(sys.stderr):
            sys.stderr.write(f"{printable(redacted(text))}\n")
            sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)


def give_up(stream: IO[str]) -> None:
    """Let a stream that cannot be written to go nowhere, so that the end of the process does not try once more."""
    with suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with control characters and bytes that are no text as escapes such as `\e` and `\xe9`.

    No terminal obeys it, and it can be written in UTF-8.

    Args:
        text: Whatever somebody wrote.
        lines: True keeps tabs and line breaks.
    """
    return (_CONTROL_BUT_LINES if lines else _CONTROL).sub(_escape, text)


def _escape(found: "re.Match[str]") -> str:
    character = found[0]
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is no UTF-8 (PEP 383)
        number -= 0xDC00
    return _SHORT.get(character) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")


@contextmanager
def _above(stream: IO[str]) -> Iterator[None]:
    if _display is None or not stream.isatty():
        yield
        return
    with _display.paused():
        yield
