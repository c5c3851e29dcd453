"""The one place where work is spread over processes of this machine, or over a cluster.

`pmap` takes joblib's loky executor and not `joblib.Parallel`, because `Parallel` goes on dispatching while its
consumer is slow (results pile up) and does not tell which items were at work when a worker died. Here no more than
two items a worker are ever on their way.
"""

import logging
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from s2kit.errors import ExitCode, TryLaterError
from s2kit.run.no_boto3 import keep_boto3_from_rasterio
from s2kit.run.outcome import Done, Failed, Raised, as_ours, call, outcome, short
from s2kit.run.sharing import WORKERS, handed_down

if TYPE_CHECKING:
    from s2kit.run.cluster import Cluster

__all__ = ["Done", "Failed", "distributed", "end_workers", "on_cluster", "pmap", "worker_count"]

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

WORKER_ENV = {"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"}
"""One thread a worker. GDAL's variable alone gives OpenJPEG a pool of one, which doubles the cost at 20 and 60 m."""

_IN_FLIGHT_PER_WORKER = 2
_IDLE_S = 30
_TAKEN_UP_S = 2.0
_MANY_BREAKS = 2
_LOOK_AT_PARENT_S = 0.5


_cluster: "Cluster | None" = None
"""Where this process has its work done; None for its own workers."""
_idle: Any = None
"""The executor of the last work, whose workers wait for more."""


@contextmanager
def on_cluster(cluster: "Cluster") -> Iterator[None]:
    """Let `pmap` have its work done by a cluster while the block runs; it is asked first when there is work."""
    global _cluster  # noqa: PLW0603 - a rule for the process, as its pool is
    before, _cluster = _cluster, cluster
    try:
        yield
    finally:
        _cluster = before
        cluster.close()


def distributed() -> bool:
    """True if work is done by a cluster, whose workers see shared folders but no temporary files of this machine."""
    return _cluster is not None


def end_workers() -> None:
    """End the idle workers of this process at once, with all that they hold: the last thing a program does."""
    global _idle
    executor, _idle = _idle, None
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)


def worker_count(jobs: int) -> int:
    """How many workers `jobs` means: 0 stands for every core that this process may use."""
    if jobs:
        return jobs
    from joblib import cpu_count

    return int(cpu_count())


def pmap(function: Callable[[T], R], items: Iterable[T], jobs: int = 0) -> Iterator[Done[R] | Failed]:
    """Apply a function to items in worker processes; results come in the order of completion.

    An exception in a task becomes `Failed`. When a worker is killed, the pool is made anew and its unfinished items are
    done again; after a second such loss each of the items that were at work runs alone, so that only the one that
    kills its worker fails. Leaving the iteration early, by an exception too, ends the workers at once.

    Args:
        function: Importable by name; whatever it writes must be atomic, since it may run twice for an item.
        items: Small, picklable arguments: addresses and windows, not datasets or arrays.
        jobs: Worker processes; 1 runs everything in this process, 0 takes every core. A cluster has its own number.
    """
    if _cluster is not None:
        yield from _cluster.pmap(function, items)
        return
    workers = worker_count(jobs)
    todo = deque(enumerate(items))
    if workers == 1:
        for index, item in todo:
            yield outcome(index, item, call(function, item))
        return
    yield from _Pool(function, workers).run(todo)


class _Pool(Generic[T, R]):
    """The executor with the book-keeping of what is at work."""

    def __init__(self, function: Callable[[T], R], workers: int) -> None:
        self._function = function
        self._workers = workers
        self._breaks = 0
        self._executor: Any = None

    def run(self, todo: deque[tuple[int, T]]) -> Iterator[Done[R] | Failed]:
        at_work: dict[Future[R | Raised], tuple[int, T]] = {}
        lost: list[tuple[int, T]] = []
        finished = False
        try:
            while todo or at_work or lost:
                if not lost:
                    lost = self._fill(todo, at_work)
                wait(at_work, return_when=FIRST_COMPLETED)
                for future in [future for future in at_work if future.done()]:
                    index, item = at_work.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        lost.append((index, item))
                    else:
                        yield outcome(index, item, _result(future))
                if lost and not at_work:
                    yield from self._recover(sorted(lost, key=lambda pair: pair[0]), todo)
                    lost = []
            finished = True
            _keep(self._executor)
        finally:
            if not finished:
                self._kill(at_work)

    def _fill(
        self, todo: deque[tuple[int, T]], at_work: dict[Future[R | Raised], tuple[int, T]]
    ) -> list[tuple[int, T]]:
        """Submit until every worker has its share; returns the item that a broken pool refused, if any."""
        while todo and len(at_work) < self._workers * _IN_FLIGHT_PER_WORKER:
            index, item = todo.popleft()
            try:
                at_work[self._submit(item, self._workers)] = (index, item)
            except BrokenProcessPool:
                return [(index, item)]
        return []

    def _submit(self, item: T, workers: int) -> "Future[R | Raised]":
        from joblib.externals.loky import get_reusable_executor

        with _interrupt_held():
            self._executor = get_reusable_executor(
                max_workers=workers,
                timeout=_IDLE_S,
                env={
                    **handed_down(),
                    **WORKER_ENV,
                    WORKERS: str(workers),
                    "PWD": str(Path.cwd()),
                },  # another folder, another pool
                initializer=_begin_worker,
                initargs=(os.getpid(),),
            )
            future: Future[R | Raised] = self._executor.submit(call, self._function, item)
        return future

    def _recover(self, lost: list[tuple[int, T]], todo: deque[tuple[int, T]]) -> Iterator[Done[R] | Failed]:
        self._breaks += 1
        _log.debug("a worker died with %d items at work (loss %d)", len(lost), self._breaks)
        self._kill({})
        if self._breaks < _MANY_BREAKS:
            todo.extendleft(reversed(lost))
            return
        for index, item in lost:
            yield self._alone(index, item)

    def _alone(self, index: int, item: T) -> Done[R] | Failed:
        future = self._submit(item, 1)
        wait([future])
        if isinstance(future.exception(), BrokenProcessPool):
            self._kill({})
            return Failed(
                index,
                item,
                TryLaterError(
                    f"{short(item)}: the worker process was killed, three times over",
                    "it may have run out of memory: try fewer --jobs",
                ),
            )
        return outcome(index, item, _result(future))

    def _kill(self, at_work: Iterable["Future[R | Raised]"]) -> None:
        """End the workers at once, but not before loky has taken up what was submitted: its manager would fail."""
        deadline = time.monotonic() + _TAKEN_UP_S
        while time.monotonic() < deadline and any(not (future.running() or future.done()) for future in at_work):
            time.sleep(0.001)
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)


def _keep(executor: Any) -> None:
    global _idle  # noqa: PLW0603 - see `end_workers`
    _idle = executor


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Let Ctrl-C wait while workers are started: they are born without it, and say nothing while modules load."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # loky starts it before its workers; it lets signals pass again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int) -> None:
    """Ctrl-C reaches the whole process group: only the parent answers it, and ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="s2kit-parent", daemon=True).start()
    keep_boto3_from_rasterio()


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, however it went: nobody would read from it or end it any more.

    A worker waits for work on a pipe whose other end it holds itself, so it would never hear of it.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_AT_PARENT_S)
    os._exit(ExitCode.TERMINATED)


def _result(future: "Future[R | Raised]") -> R | Raised:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    return Raised(as_ours(error), "".join(traceback.format_exception(error)))
