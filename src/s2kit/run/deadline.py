"""One moment by which everything has to be done."""

import time

from s2kit.errors import TryLaterError


class Deadline:
    """The moment by which everything has to be done; it may be shared by threads."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if not seconds else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, never below 0."""
        return float("inf") if self._end is None else max(0.0, self._end - time.monotonic())

    def expire(self) -> None:
        """Let the time be up now, so that whoever still waits gives up."""
        self._end = time.monotonic()

    def check(self, host: str) -> None:
        """Raise `TryLaterError` where the time is up."""
        if self.left() <= 0:
            raise TryLaterError(
                f"{host} did not finish within {self.seconds:g} s", "run again later, ask for less, or raise --timeout"
            )
