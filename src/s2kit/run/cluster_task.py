"""What a worker of a cluster does: it runs one task as the caller would have run it, and answers questions beforehand.

The scheduler loads this module too, so it is light. Tasks travel as bytes that only workers open.
"""

import os
import pickle
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2kit.errors import ConfigError
from s2kit.run.outcome import Raised, call
from s2kit.run.sharing import lease_connections, threads_limited
from s2kit.version import __version__

Check = Callable[[], str]
"""Run on each worker before the work starts: says what is missing there; empty if nothing."""


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """One task on its way; the function and its item stay closed until a worker of the same version opens them."""

    version: str
    folder: str
    """Where relative paths begin; empty if the caller's folder is not shared."""
    threads: int
    """Of all workers."""
    body: bytes
    """The function and its item, pickled."""


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """A task that ran."""

    worker: str
    body: bytes
    """What it returned or raised, pickled."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each worker before the work starts."""

    files: Mapping[str, int]
    """Files that it has to see, with their sizes."""
    folders: tuple[str, ...]
    """Folders that it has to see."""
    tokens: tuple[str, ...]
    """Files that the caller just made in folders that are written to."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker answers."""

    version: str
    host: str
    missing: tuple[str, ...] = ()
    """Paths that it does not see, or sees differently."""
    lacks: tuple[str, ...] = ()
    """What the checks miss."""
    free_nbytes: int = field(default=0)
    """Free bytes for temporary files."""


def run_order(order: TaskOrder) -> WorkerAnswer:
    """Run a task; what it raises is its answer.

    Raises:
        ConfigError: This worker has another version of s2kit.
    """
    worker = _my_name()
    if order.version != __version__:
        error = ConfigError(
            f"worker {worker} has s2kit {__version__}, this is {order.version}", "give all workers the same version"
        )
        return WorkerAnswer(worker, pickle.dumps(Raised(error, "")))
    function, item = pickle.loads(order.body)  # noqa: S301 - a Dask cluster runs what its clients send
    lease_connections(_lease, order.threads)
    with _standing_in(order.folder), threads_limited(1):
        return WorkerAnswer(worker, pickle.dumps(call(function, item)))


def look_around(question: Question) -> Report:
    """Answer a question on this machine."""
    missing = [path for path, nbytes in question.files.items() if _nbytes(path) != nbytes]
    missing += [path for path in question.folders if not os.path.isdir(path)]  # noqa: PTH112 - many, of plain text
    missing += [path for path in question.tokens if not os.path.exists(path)]  # noqa: PTH110
    lacks = tuple(text for check in question.checks if (text := check()))
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return Report(__version__, socket.gethostname(), tuple(missing), lacks, free)


def _nbytes(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def _my_name() -> str:
    from distributed import get_worker

    return str(get_worker().address)


class _Place:
    """The folder of this process, which its threads share: tasks of another folder wait for those of this one."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.folder: str | None = None
        self.users = 0


_place = _Place()


@contextmanager
def _standing_in(folder: str) -> Iterator[None]:
    if not folder:
        yield
        return
    with _place.changed:
        while _place.users and _place.folder != folder:
            _place.changed.wait()
        os.chdir(folder)
        _place.folder = folder
        _place.users += 1
    try:
        yield
    finally:
        with _place.changed:
            _place.users -= 1
            _place.changed.notify_all()


@contextmanager
def _lease(name: str, most: int) -> Iterator[None]:
    """One of the connections to an archive that all tasks of all workers share."""
    with _semaphore(name, most):
        yield


_semaphores: dict[tuple[str, int], Any] = {}
_semaphores_lock = threading.Lock()


def _semaphore(name: str, most: int) -> Any:
    from distributed import Semaphore

    with _semaphores_lock:
        if (name, most) not in _semaphores:
            _semaphores[name, most] = Semaphore(max_leases=most, name=f"s2kit {name} {most}")
        return _semaphores[name, most]
