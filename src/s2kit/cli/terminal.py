"""What goes to stderr: progress bars on a terminal, log lines when asked for, silence in a healthy cron job.

Rich is imported only if bars are drawn. Lines of stdout and stderr go through `cli/streams.py`, which takes the bars
off the screen for them; a thread draws them again.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from threading import RLock, Thread
from typing import TYPE_CHECKING

from s2kit.cli.streams import printable, say, show
from s2kit.run.events import Advanced, DryRunSum, Event, Finished, ItemFailed, Note, Report, Started, WorkPlanned
from s2kit.run.redact import redacted
from s2kit.run.sharing import done_by

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import TaskID

_log = logging.getLogger("s2kit")
_TICK_S = 0.1
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
    stderr = _ToTerminal()
    stderr.setLevel(logging.DEBUG if verbosity >= 2 else logging.CRITICAL + 1)
    handlers: list[logging.Handler] = [stderr]
    if 0 <= verbosity < 2:
        handlers.append(_Doubts())
    for handler in handlers:
        handler.setFormatter(formatter)
        _log.addHandler(handler)
    if log_file:
        try:
            file = logging.FileHandler(log_file, encoding="utf-8")
        except OSError as error:
            raise translate_os_error(error, Path(log_file)) from error
        file.setLevel(logging.DEBUG if verbosity >= 2 else logging.INFO)
        file.setFormatter(formatter)
        _log.addHandler(file)


class _Formatter(logging.Formatter):
    """Log lines without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _ToTerminal(logging.Handler):
    """Log lines on stderr, above the bars."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line, and the lines of its traceback."""
        for line in self.format(record).splitlines():
            say(line)


class _Doubts(logging.Handler):
    """Doubts about products, such as a metadata file that is cut, as warnings on stderr; each once."""

    _ABOUT = ("s2kit.product.", "s2kit.catalogue.")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print the line."""
        text = record.getMessage()
        if record.name.startswith(self._ABOUT) and text not in self._said:
            self._said.add(text)
            say(f"s2kit: warning: {text}")


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
    drawn = _Bars(verb, lines)
    show(drawn)
    try:
        yield drawn
    finally:
        show(None)
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
        case DryRunSum(message):
            return logging.INFO, f"{verb} {message}"
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
        _log.log(level, "%s", printable(text))
        said = self.text(event)
        if said is not None:
            say(said)

    def text(self, event: Event) -> str | None:
        """The line for stderr, if this event deserves one."""
        match event:
            case ItemFailed(item, message) if self._verbosity > -2:
                return f"s2kit: failed: {_named(item, message)}"
            case Note(message, True) if self._verbosity >= 0:
                return f"s2kit: warning: {message}"
            case Note(message) if self._verbosity >= 1 or (self._verbosity == 0 and sys.stderr.isatty()):
                return f"s2kit: note: {message}"
            case DryRunSum(message) if self._verbosity >= 0:
                return f"s2kit: {message}"
            case Finished(item, detail) if self._verbosity >= 1:
                where = f"({done_by()})" if done_by() else ""
                return " ".join(filter(None, (f"s2kit: {self._verb}:", item, detail, where)))
            case _:
                return None


class _Bars:
    """Progress bars: one of items, one of bytes; drawn by a thread, taken off the screen while somebody else writes."""

    def __init__(self, verb: str, lines: _Lines) -> None:
        from rich.console import Console, Group
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        label = TextColumn("{task.description}", markup=False)
        self._verb = verb
        self._lines = lines
        self._console = Console(stderr=True)
        self._items = Progress(label, BarColumn(), MofNCompleteColumn(), TextColumn("ETA"), TimeRemainingColumn())
        self._bytes = Progress(
            label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TextColumn("ETA"), TimeRemainingColumn()
        )
        self._both = Group(self._items, self._bytes)
        self._item_task: TaskID | None = None
        self._byte_task: TaskID | None = None
        self._lock = RLock()
        self._live: Live | None = None
        self._ended = Flag()
        self._thread: Thread | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:  # events come from several threads
            match event:
                case WorkPlanned(items, nbytes, what):
                    self._plan(items, nbytes, f"{self._verb} {what}".rstrip())
                case Advanced(_, nbytes) if self._byte_task is not None:
                    self._bytes.advance(self._byte_task, nbytes)
                case Finished() | ItemFailed() if self._item_task is not None:
                    self._items.advance(self._item_task)
                case _:
                    pass
        self._lines(event)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No bar is on the screen while the block runs; the next tick draws them below what was written."""
        with self._lock:
            self._erase()
            yield

    def stop(self) -> None:
        """Take the bars off the screen for good."""
        self._ended.set()
        with self._lock:
            self._erase()

    def _plan(self, items: int, nbytes: int | None, label: str) -> None:
        if nbytes:
            if self._byte_task is None:
                self._byte_task = self._bytes.add_task(label, total=0)
            total = self._bytes.tasks[0].total or 0  # another item may be planned while the first are at work
            self._bytes.update(self._byte_task, total=total + nbytes)
        if items > 1:
            if self._item_task is not None:  # the next part of the work
                self._items.remove_task(self._item_task)
            self._item_task = self._items.add_task(label, total=items)
        if self._thread is None and (nbytes or items > 1):
            self._thread = Thread(target=self._tick, name="s2kit-bars", daemon=True)
            self._thread.start()

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_S):
            with self._lock:
                if not self._ended.is_set():
                    self._draw()

    def _draw(self) -> None:
        from rich.live import Live

        if self._live is None:
            self._live = Live(
                self._both,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            self._console.show_cursor()  # a process that is killed could not show it again
        self._live.refresh()

    def _erase(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
