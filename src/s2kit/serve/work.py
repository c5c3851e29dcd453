"""Work that a client waits for: in a thread, a few at a time, stopped if the client goes away or time is up."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from s2kit.run.events import Event, Report
from s2kit.serve.answers import ApiError

T = TypeVar("T")
_LOOK_S = 0.25


class WorkStoppedError(BaseException):
    """Raised inside work whose client has gone; no part of s2kit takes it for a failure of an item."""


class Workplace:
    """Runs the work of one process."""

    def __init__(self, at_once: int, limit_s: float) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._limit_s = limit_s

    async def run(self, request: Request, work: Callable[[Report], T]) -> T:
        """What a function gives.

        Args:
            request: Whose work it is; the work stops at its next event after the client has gone.
            work: Takes the callable that events are reported to.

        Raises:
            ApiError: The time is up, or the service is about to end.
        """
        stop = threading.Event()
        deadline = time.monotonic() + self._limit_s

        def report(_: Event) -> None:
            if stop.is_set():
                raise WorkStoppedError

        def guarded() -> T | None:
            try:
                return work(report)
            except WorkStoppedError:
                return None

        task = asyncio.ensure_future(anyio.to_thread.run_sync(guarded, limiter=self._limiter, abandon_on_cancel=True))
        task.add_done_callback(_seen)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if task.done():
                    break
                if await request.is_disconnected():
                    raise ApiError(499, "Canceled", "the client has gone")
                if time.monotonic() > deadline:
                    raise ApiError(
                        408,
                        "ProcessingTimeout",
                        f"this takes more than {self._limit_s:g} s: ask for less, or make a job",
                    )
            result = task.result()
        finally:
            stop.set()
        return result  # type: ignore[return-value]  # None only if it was stopped, and then nobody waits


def _seen(task: "asyncio.Future[Any]") -> None:
    """What failed after its client had gone is nobody's."""
    if not task.cancelled():
        task.exception()
