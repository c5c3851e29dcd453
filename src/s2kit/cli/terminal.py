"""What goes to stderr: progress bars on a terminal, log lines when asked for, silence in a healthy cron job.

Rich is imported only where bars are drawn. Its `Progress` would redirect stdout into the console, and swallow the data,
unless told not to.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from s2kit.run.events import Advanced, Event, Finished, ItemFailed, Note, Report, Started, WorkPlanned
from s2kit.run.redact import redacted

_log = logging.getLogger("s2kit")
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def set_up_logging(verbosity: int, log_file: str) -> None:
    """Send log lines to stderr (debug lines with -vv) and to a file, times in UTC."""
    from pathlib import Path

    from s2kit.run.files import translate_os_error

    for handler in list(_log.handlers):
        _log.removeHandler(handler)
        handler.close()
    formatter = _Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    _log.setLevel(logging.DEBUG)
    _log.propagate = False
    logging.getLogger("stamina").addHandler(logging.NullHandler())  # or each retry would be a line on stderr
    logging.getLogger("stamina").propagate = False
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(logging.DEBUG if verbosity >= 2 else logging.CRITICAL + 1)
    handlers: list[logging.Handler] = [stderr]
    if log_file:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        except OSError as error:
            raise translate_os_error(error, Path(log_file)) from error
        handlers[-1].setLevel(logging.DEBUG if verbosity >= 2 else logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
        _log.addHandler(handler)


class _Formatter(logging.Formatter):
    """Log lines without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


@contextmanager
def listening(verb: str, *, verbosity: int, progress: bool) -> Iterator[Report]:
    """The ear for a workflow's events, shut when the block ends.

    Args:
        verb: Name of the verb, for the lines.
        verbosity: -2 nothing, -1 errors only, 0 as usual, 1 each item, 2 debug.
        progress: True where bars may be drawn on a terminal.
    """
    bars = progress and verbosity >= 0 and sys.stderr.isatty()
    lines = _Lines(verb, verbosity)
    if not bars:
        yield lines
        return
    drawn = _Bars(lines)
    try:
        yield drawn
    finally:
        drawn.stop()


def log_line(event: Event, verb: str) -> tuple[int, str] | None:
    """Level and text of the log line for an event; None for events that are too fine for a log."""
    match event:
        case Finished(item, detail):
            return logging.INFO, f"{verb} {item} {detail}".rstrip()
        case ItemFailed(item, message):
            return logging.ERROR, f"{verb} {_named(item, message)}"
        case Note(message, warning):
            return (logging.WARNING if warning else logging.INFO), f"{verb} {message}"
        case Started(item):
            return logging.DEBUG, f"{verb} {item} started"
        case _:
            return None


def _named(item: str, message: str) -> str:
    """The message with the item before it, unless it begins with the item already."""
    return message if message.startswith(item) else f"{item}: {message}"


class _Lines:
    """Plain lines: failures and warnings always, the rest as loud as asked."""

    def __init__(self, verb: str, verbosity: int) -> None:
        self._verb = verb
        self._verbosity = verbosity

    def __call__(self, event: Event) -> None:
        line = log_line(event, self._verb)
        if line is None:
            return
        level, text = line
        _log.log(level, text)
        said = self.text(event)
        if said is not None:
            print(redacted(said), file=sys.stderr, flush=True)  # noqa: T201 - this is the module that speaks

    def text(self, event: Event) -> str | None:
        """The line for stderr, if this event deserves one."""
        match event:
            case ItemFailed(item, message) if self._verbosity > -2:
                return f"s2kit: failed: {_named(item, message)}"
            case Note(message, True) if self._verbosity >= 0:
                return f"s2kit: warning: {message}"
            case Note(message) if self._verbosity >= 1 or (self._verbosity == 0 and sys.stderr.isatty()):
                return f"s2kit: note: {message}"
            case Finished(item, detail) if self._verbosity >= 1:
                return f"s2kit: {self._verb}: {item} {detail}".rstrip()
            case _:
                return None


class _Bars:
    """Progress bars: one for the whole, one for each item that moves bytes."""

    def __init__(self, lines: _Lines) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TransferSpeedColumn,
        )

        self._lines = lines
        console = Console(stderr=True)
        options = {"console": console, "redirect_stdout": False, "redirect_stderr": False, "transient": True}
        self._count = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), **options)  # type: ignore[arg-type]
        self._bytes = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            **options,  # type: ignore[arg-type]
        )
        self._lock = Lock()
        self._whole: int | None = None
        self._moving: int | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case WorkPlanned(items, nbytes):
                self._plan(items, nbytes)
            case Advanced(_, nbytes) if self._moving is not None:
                self._bytes.advance(self._moving, nbytes)  # type: ignore[arg-type]
            case Finished() | ItemFailed() if self._whole is not None:
                self._count.advance(self._whole)  # type: ignore[arg-type]
            case _:
                pass
        self._lines(event)

    def _plan(self, items: int, nbytes: int | None) -> None:
        with self._lock:  # events come from several threads
            self._count_in(items, nbytes)

    def _count_in(self, items: int, nbytes: int | None) -> None:
        if nbytes and self._moving is not None:  # another item was planned while the first were at work
            total = self._bytes.tasks[0].total or 0
            self._bytes.update(self._moving, total=total + nbytes)  # type: ignore[arg-type]
        elif nbytes:
            self._bytes.start()
            self._moving = self._bytes.add_task("bytes", total=nbytes)
        elif items > 1:
            self._count.start()
            self._whole = self._count.add_task("done", total=items)

    def stop(self) -> None:
        """Take the bars off the screen."""
        self._bytes.stop()
        self._count.stop()
