"""How the process ends: told to stop, or done, it is gone a few seconds later, whatever hangs in a request.

Nothing is lost by that: what a verb writes gets its name when it is whole, so that a run may be cut off at any moment.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any, Never

from s2kit.errors import ExitCode

GRACE_S = 5.0
"""Seconds that a run which was told to stop has to put things in order."""

_LAST_S = 1.0
"""Seconds for threads to end once all is said and done."""

_told = 0
"""The signal that told this run to stop; 0 if none did."""


def heed_signals() -> None:
    """Let SIGTERM and Ctrl-C unwind the run, and cut it off if that takes longer than `GRACE_S`."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_cut_off_after_signal, args=(reader,), name="s2kit-signals", daemon=True).start()
    signal.signal(signal.SIGTERM, _unwind)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # else the caller wants it ignored
        signal.signal(signal.SIGINT, _unwind)


def code_of_signal() -> ExitCode | None:
    """What the process shall end with because it was told to stop; None if it was not.

    A library may turn what unwinds the run into an error of its own, or lose it: the signal decides all the same.
    """
    if not _told:
        return None
    return ExitCode.INTERRUPTED if _told == signal.SIGINT else ExitCode.TERMINATED


def leave_signals_alone() -> None:
    """Let a server, which ends its requests by itself, take its time after a signal."""
    signal.set_wakeup_fd(-1)


def end_soon(code: Any) -> None:
    """Do not let threads that hang in a request keep the process, now that all is said and done."""
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        return
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    number = code if isinstance(code, int) else 0
    threading.Thread(target=_cut_off, args=(_LAST_S, number), name="s2kit-end", daemon=True).start()


def _unwind(number: int, frame: FrameType | None) -> Never:
    global _told  # noqa: PLW0603 - a process is told once
    _told = number
    signal.signal(number, signal.SIG_IGN)  # once is enough; what is being put in order shall not be disturbed
    sys.unraisablehook = lambda unraisable: None  # what threads and finalizers meet from here on is no news
    threading.excepthook = lambda args: None
    sys.excepthook = lambda *error: None  # compiled modules print what their imports meet, before they hand it on
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(ExitCode.TERMINATED)


def _cut_off_after_signal(reader: int) -> Never:
    number = 0
    while number not in {signal.SIGINT, signal.SIGTERM}:
        number = os.read(reader, 1)[0]
    _cut_off(GRACE_S, ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)


def _cut_off(after_s: float, code: int) -> Never:
    time.sleep(after_s)
    os._exit(code)
