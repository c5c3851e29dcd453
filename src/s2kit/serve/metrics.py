"""What the service counts, over all its processes, in Prometheus' text format (exposition format 0.0.4)."""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from s2kit.run import tally
from s2kit.store.counted import NBYTES, REQUESTS

_FLUSH_S = 0.2
_ASKED, _SECONDS, _SENT = "requests", "seconds", "sent"
_COUNTERS = {
    _ASKED: ("s2kit_requests_total", "Requests by route, method and status.", ("route", "method", "status")),
    _SECONDS: ("s2kit_request_seconds_total", "Seconds that requests took, by route.", ("route",)),
    _SENT: ("s2kit_sent_bytes_total", "Bytes of answers.", ()),
    REQUESTS: ("s2kit_archive_requests_total", "Requests to archives, those of jobs too.", ("archive",)),
    NBYTES: ("s2kit_archive_bytes_total", "Bytes read from archives, those of jobs too.", ("archive",)),
}
"""Name, meaning and labels of each kind of number in the tally; its names are kind and values of the labels."""


@contextmanager
def counting() -> Iterator[None]:
    """Count in this process and in all that it starts, as long as the block runs."""
    handle, path = tempfile.mkstemp(prefix="s2kit-counts-")
    os.close(handle)
    os.environ[tally.TALLY] = path
    try:
        yield
    finally:
        del os.environ[tally.TALLY]
        Path(path).unlink(missing_ok=True)


class RequestCounts:
    """The requests of one process; they are added to the numbers of all processes a few times a second."""

    def __init__(self) -> None:
        self.started = time.time()
        self._new: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, route: str, method: str, status: int, seconds: float, nbytes: int) -> None:
        """Count one request; called in the event loop."""
        with self._lock:
            if not self._new:
                with suppress(RuntimeError):
                    asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)
            self._new[f"{_ASKED} {route} {method} {status}"] += 1
            self._new[f"{_SECONDS} {route}"] += seconds  # type: ignore[assignment]
            self._new[_SENT] += nbytes

    def flush(self) -> None:
        """Add what is new to the numbers of all processes."""
        with self._lock:
            new, self._new = self._new, Counter()
        if new:
            tally.add(new)


def exposition(totals: Mapping[str, float], jobs: Mapping[str, int], started: float) -> str:
    """The counts as text.

    Args:
        totals: The tally of all processes.
        jobs: How many jobs of the store are in each state.
        started: When this process began, in seconds since 1970.
    """
    return "".join(f"{line}\n" for line in _lines(totals, jobs, started))


def _lines(totals: Mapping[str, float], jobs: Mapping[str, int], started: float) -> Iterator[str]:
    for kind, (metric, meaning, labels) in _COUNTERS.items():
        found = {name.removeprefix(kind).strip(): value for name, value in totals.items() if _is_of(name, kind)}
        if not labels:
            found = found or {"": 0}
        yield from _head(metric, meaning, "counter")
        for values, number in sorted(found.items()):
            text = repr(round(number, 6)) if number % 1 else f"{number:.0f}"
            yield f"{metric}{_labels(labels, values.split(' ', len(labels) - 1) if labels else [])} {text}"
    yield from _head("s2kit_uptime_seconds", "Seconds since the process that answers began.", "gauge")
    yield f"s2kit_uptime_seconds {time.time() - started:.1f}"
    yield from _head("s2kit_jobs", "Jobs in the store by state.", "gauge")
    for state, number in sorted(jobs.items()):
        yield f"s2kit_jobs{_labels(('state',), [state])} {number}"


def _is_of(name: str, kind: str) -> bool:
    return name == kind or name.startswith(f"{kind} ")


def _head(metric: str, meaning: str, kind: str) -> tuple[str, str]:
    return f"# HELP {metric} {meaning}", f"# TYPE {metric} {kind}"


def _labels(names: tuple[str, ...], values: list[str]) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
