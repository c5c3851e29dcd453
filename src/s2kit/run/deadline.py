"""One moment by which everything has to be done, and the word that it shall stop before; asks the clock."""

import threading
import time

from s2kit.errors import TryLaterError


class StoppedError(TryLaterError):
    """The run was interrupted or its time is over; nothing is tried again."""


class Deadline:
    """The moment by which everything has to be done; it may be shared by threads."""

    def __init__(self, seconds: float | None = None) -> None:
        """Start the clock.

        Args:
            seconds: From now on; None or 0 for no bound.
        """
        self.seconds = seconds
        self._end = time.monotonic() + seconds if seconds else None
        self._stopped = threading.Event()

    def left(self) -> float:
        """Seconds that are left, never below 0; infinite without a bound."""
        return float("inf") if self._end is None else max(0.0, self._end - time.monotonic())

    def expire(self) -> None:
        """Let the time be up now, so that whoever still waits gives up."""
        self._end = time.monotonic()

    def stop(self) -> None:
        """Make whatever looks at this deadline end at its next check: the run was interrupted."""
        self._stopped.set()

    def check(self, who: str | None = None) -> None:
        """Go on only if that is wanted.

        Args:
            who: Who has to be done by then, such as a host; None for the whole run.

        Raises:
            StoppedError: The time is up, or the run was interrupted.
        """
        if self.left() <= 0:
            raise (
                overtime()
                if who is None
                else StoppedError(
                    f"{who} did not finish within {self.seconds:g} s",
                    "run again later, ask for less, or raise --timeout",
                )
            )
        if self._stopped.is_set():
            raise StoppedError("interrupted", "run again: it goes on where it stopped")


def overtime() -> StoppedError:
    """The error of what was not done when the run's time was over."""
    return StoppedError("the time for this run is over", "run again: it goes on where it stopped, or raise --timeout")
