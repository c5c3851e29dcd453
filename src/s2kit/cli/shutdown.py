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


def heed_signals() -> None:
    """Let SIGTERM and Ctrl-C unwind the run, and cut it off where that takes longer than `GRACE_S`."""
    signal.signal(signal.SIGTERM, _unwind)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the caller wants it ignored
        signal.signal(signal.SIGINT, _unwind)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_cut_off_after_signal, args=(reader,), name="s2kit-signals", daemon=True).start()


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
    signal.signal(number, signal.SIG_IGN)  # once is enough; what is being put in order shall not be disturbed
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
