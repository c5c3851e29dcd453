"""The first instructions of the program: signals and standard streams are put in order before anything is loaded."""

import atexit
import os
import signal
import sys
from types import FrameType
from typing import Never

_INTERRUPTED, _TERMINATED = 130, 143


def main() -> None:
    """Run the command line. Until a verb runs, Ctrl-C and SIGTERM end the process without a word."""
    _heed_early()
    _open_closed_streams()
    from s2kit.cli.app import main as run

    run()


def _heed_early() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the caller wants it ignored
        signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    atexit.register(_end_as_decided)  # the first to come is the last to be called


def _end_as_decided() -> None:
    """Let no signal change the exit code once all is done: the interpreter gives up our handlers before it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> Never:
    os._exit(_INTERRUPTED if number == signal.SIGINT else _TERMINATED)


def _open_closed_streams() -> None:
    """Give closed standard streams a descriptor: else the next file that is opened would get their number.

    What is read from them or written to stdout fails then, as it should; stderr goes nowhere. Workers inherit them.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)  # the lowest free number: this one
    sys.stdin = sys.stdin or os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
