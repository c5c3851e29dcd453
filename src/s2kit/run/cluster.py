"""A Dask cluster as the place where `pmap` has its work done; talks to its scheduler.

Dask's own client does the work. What it lacks is added here: a window (nothing piles up at the scheduler), a second try
alone for items whose worker died (the scheduler blames innocent neighbours too), questions to each worker before the
work starts, and a watch for a scheduler that is gone or silent.
"""

import logging
import pickle
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from queue import Empty, Queue
from typing import Any, TypeVar

from s2kit.errors import ConfigError, TryLaterError
from s2kit.run.cluster_paths import SeenPaths, question_for
from s2kit.run.cluster_task import Check, Report, TaskOrder, WorkerAnswer, look_around, run_order
from s2kit.run.outcome import Done, Failed, as_ours, outcome, short
from s2kit.run.sharing import note_worker
from s2kit.version import __version__

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

CONNECT_S = 10.0
SILENT_S = 8.0
"""Seconds without any answer after which the scheduler is asked whether it is there."""
PATIENCE_S = 20.0
"""Seconds that a busy scheduler has to say so."""
GATHER_S = 5.0
"""Seconds after which answers are fetched one by one: a worker may have died with some of them."""
_LOOK_S = 0.5
_COUNT_S = 1.0
_PROBED = 64
"""Items whose paths are shown to the workers before the work starts."""
_ADDRESS = re.compile(r"\w+://\S+")
_LEAST_FREE = 100_000_000
_IN_FLIGHT_PER_THREAD = 8
"""Enough that workers need not wait for the next short task."""
_AT_ONCE = 64
"""Answers that are fetched together."""
_DASK_LOGGERS = (
    "distributed", "distributed.client", "distributed.nanny", "distributed.worker", "distributed.scheduler",
    "distributed.core", "distributed.comm", "tornado", "tornado.application", "asyncio",
)  # fmt: skip


@dataclass(slots=True)
class Cluster:
    """A scheduler that is asked when there is work; nothing happens before that."""

    address: str
    """`tcp://host:8786`, `tls://host:8786`, or `local:N` for N worker processes on this machine."""
    wait_s: float = 60.0
    """Seconds to wait for workers, at the start and if all are gone."""
    checks: tuple[Check, ...] = ()
    """What each worker has to have."""
    _client: Any = None
    _local: Any = None
    _levels: dict[logging.Logger, int] = field(default_factory=dict)

    def pmap(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[Done[R] | Failed]:
        """Apply a function to items on the workers; see `parallel.pmap`.

        Raises:
            TryLaterError: The scheduler cannot be reached, goes away, or has no workers for `wait_s`.
            ConfigError: A worker has another version, or does not see the files; dask is not installed.
        """
        todo = iter(items)
        first = list(islice(todo, _PROBED))
        if not first:
            return
        client = self.connected()
        seen = self._probed(client, first)
        tasks = _Tasks(self, client, function, seen.folder)
        try:
            yield from tasks.run(enumerate(chain(first, todo)))
        finally:
            tasks.cancel()
            note_worker("")

    def connected(self) -> Any:
        """The client, connected, with at least one worker."""
        if self._client is None:
            self._client = self._connect()
        self.wait_for_workers(self._client)
        return self._client

    def close(self) -> None:
        """Leave the cluster; its workers stay, but for those of `local:N`."""
        client, local = self._client, self._local
        is_sound = client is not None and client.status == "running"
        self._client = self._local = None
        for one in (client, local):
            if one is not None:
                _within(5.0, lambda one=one: one.close(timeout=2))  # type: ignore[misc]
        if is_sound:  # else dask goes on for a moment to log, with tracebacks, that it cannot connect
            for logger, level in self._levels.items():
                logger.setLevel(level)
            self._levels.clear()

    def wait_for_workers(self, client: Any) -> None:
        """Go on when there is a worker.

        Raises:
            TryLaterError: None came within `wait_s`.
        """
        end = time.monotonic() + self.wait_s
        while not _slots(client):
            if client.status != "running":
                raise self.gone()
            if time.monotonic() >= end:
                raise TryLaterError(
                    f"the cluster {self.address} has no workers, after {self.wait_s:g} s",
                    f"start some: dask worker {self.address}",
                )
            time.sleep(_LOOK_S / 5)

    def gone(self) -> TryLaterError:
        """The error of a scheduler that went away."""
        return TryLaterError(
            f"the scheduler {self.address} is gone",
            "start it again: dask scheduler; then the same command does what is left",
        )

    def _connect(self) -> Any:
        try:
            import dask
            from distributed import Client
        except ImportError as error:
            raise ConfigError("a cluster needs dask.distributed", "pip install 's2kit[cluster]'") from error
        self._quieten()  # not before: distributed sets the levels of its loggers when it is imported
        address = self._local_cluster() if self.address.startswith("local:") else self.address
        if isinstance(address, str) and not _ADDRESS.fullmatch(address):
            raise ConfigError(f"{address!r} is no address of a scheduler", "such as tcp://host:8786, or local:4")
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s", "distributed.comm.retry.count": 0}):
            # `timeout` bounds the connection, not what is said then: at a port that is mute the client never returns
            client = _within(CONNECT_S + 2, lambda: Client(address, timeout=CONNECT_S, name="s2kit"))
        if client is None or isinstance(client, BaseException):
            _log.debug("no scheduler: %r", client)
            raise TryLaterError(
                f"no Dask scheduler answers at {self.address}", "start one: dask scheduler; it prints its address"
            )
        return client

    def _local_cluster(self) -> Any:
        from distributed import LocalCluster

        count = self.address.removeprefix("local:")
        if not count.isdigit() or int(count) < 1:
            raise ConfigError(f"--cluster {self.address}: not a number of workers", "such as local:4")
        self._local = LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            env={"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"},
        )
        return self._local

    def _probed(self, client: Any, items: Sequence[Any]) -> SeenPaths:
        """Make sure that each worker is of this version and sees what the items name.

        Raises:
            ConfigError: One is not, or does not.
        """
        with question_for(items, self.checks) as (question, seen):
            answers = _within(self.wait_s, lambda: client.run(look_around, question, on_error="return"))
            scheduler = _within(self.wait_s, lambda: client.run_on_scheduler(_version))
        if not isinstance(answers, Mapping):
            raise self.gone()
        if scheduler != __version__:
            raise ConfigError(
                f"the scheduler {self.address} has {_what(scheduler)}, this is s2kit {__version__}",
                "start it in the same environment as the workers",
            )
        for worker, report in answers.items():
            if not isinstance(report, Report):
                raise ConfigError(
                    f"worker {worker} has {_what(report)}, this is s2kit {__version__}",
                    "install the same version of s2kit on all workers",
                )
            _refuse(worker, report)
            blind = {seen.names.get(path, path) for path in report.missing}
            if seen.folder in blind:
                if seen.relative:
                    raise ConfigError(
                        f"worker {worker} ({report.host}) does not see {seen.folder}, where {seen.relative} begins",
                        "run in a folder that all machines share, or name whole paths",
                    )
                blind.remove(seen.folder)
                seen = replace(seen, folder="")
            if blind:
                raise ConfigError(
                    f"worker {worker} ({report.host}) does not see {min(blind)}",
                    "inputs and outputs lie in folders that all machines share, or in buckets",
                )
        return seen

    def _quieten(self) -> None:
        """Keep dask's loggers from stderr: what matters of them is said by an error of ours."""
        ours = logging.getLogger("s2kit")
        if ours.isEnabledFor(logging.DEBUG) and any(one.level <= logging.DEBUG for one in ours.handlers):
            return  # debug lines are wanted
        for logger in map(logging.getLogger, _DASK_LOGGERS):
            self._levels[logger] = logger.level
            logger.setLevel(logging.CRITICAL + 1)


class _Tasks:
    """What of one `pmap` is at work."""

    def __init__(self, cluster: Cluster, client: Any, function: Callable[[Any], Any], folder: str) -> None:
        self._cluster = cluster
        self._client = client
        self._function = function
        self._folder = folder
        self._finished: Queue[Any] = Queue()
        self._at_work: dict[Any, tuple[int, Any, bool]] = {}
        self._suspects: deque[tuple[int, Any]] = deque()
        self._last_sign = time.monotonic()
        self._slots = 0
        self._slots_seen = float("-inf")

    def run(self, todo: Iterator[tuple[int, Any]]) -> Iterator[Done[Any] | Failed]:
        """All outcomes, in the order of completion; items whose worker died run again alone at the end."""
        exhausted = False
        while not exhausted or self._at_work or self._suspects:
            if not exhausted and len(self._at_work) <= self._window() // 2:
                batch = list(islice(todo, self._window() - len(self._at_work)))
                exhausted = not batch
                self._submit(batch, alone=False)
            if not self._at_work and self._suspects:
                self._submit([self._suspects.popleft()], alone=True)
            if self._at_work:
                yield from self._next()

    def _window(self) -> int:
        """How many tasks may be on their way: workers that join later count within a second."""
        if time.monotonic() - self._slots_seen > _COUNT_S:
            self._slots = _slots(self._client) or self._slots
            self._slots_seen = time.monotonic()
        return _IN_FLIGHT_PER_THREAD * max(1, self._slots)

    def cancel(self) -> None:
        """Let go of what is left: what has not begun never does, what has ends by itself."""
        futures, self._at_work = list(self._at_work), {}
        if futures:
            _within(3.0, lambda: self._client.cancel(futures, force=True))

    def _submit(self, batch: Sequence[tuple[int, Any]], *, alone: bool) -> None:
        if not batch:
            return
        orders = [TaskOrder(__version__, self._folder, self._slots, self._packed(item)) for _, item in batch]
        futures = self._client.map(run_order, orders, pure=False, retries=0)
        for future, (index, item) in zip(futures, batch, strict=True):
            self._at_work[future] = (index, item, alone)
            future.add_done_callback(self._finished.put)

    def _packed(self, item: Any) -> bytes:
        import cloudpickle  # as loky does: what travels to workers of this machine travels to those

        packed: bytes = cloudpickle.dumps((self._function, item))
        return packed

    def _next(self) -> Iterator[Done[Any] | Failed]:
        """Wait a moment for tasks to end, and say what became of them."""
        ended = self._ended()
        if not ended:
            self._look()
            return
        self._last_sign = time.monotonic()
        answers = self._gathered([future for future in ended if future.status == "finished"])
        for future in ended:
            if future not in answers and future.status in {"pending", "finished", "lost"}:
                future.add_done_callback(self._finished.put)  # its worker died with the answer: it runs again
                continue
            index, item, alone = self._at_work.pop(future)
            if future in answers:
                answer = answers[future]
                note_worker(answer.worker)
                yield outcome(index, item, pickle.loads(answer.body))  # noqa: S301 - workers run our own code
            elif future.status == "error":
                yield from self._failed(future, index, item, alone=alone)
            else:  # cancelled or lost: nobody but the scheduler does that
                raise self._cluster.gone()
            future.release()

    def _ended(self) -> list[Any]:
        """Tasks that are no longer at work, after a moment at most."""
        found = []
        try:
            found.append(self._finished.get(timeout=_LOOK_S))
            while len(found) < _AT_ONCE:
                found.append(self._finished.get_nowait())
        except Empty:
            pass
        return [future for future in found if future in self._at_work]

    def _gathered(self, futures: list[Any]) -> dict[Any, WorkerAnswer]:
        """The answers of some tasks, fetched together; one whose worker has died meanwhile is missing.

        Raises:
            TryLaterError: The scheduler is gone.
        """
        if not futures:
            return {}
        answers = _within(GATHER_S, lambda: self._client.gather(futures, direct=True))
        if isinstance(answers, list):
            return dict(zip(futures, answers, strict=True))
        self._look(SILENT_S)
        single = {future: _within(_LOOK_S, future.result) for future in futures if future.status == "finished"}
        return {future: answer for future, answer in single.items() if isinstance(answer, WorkerAnswer)}

    def _failed(self, future: Any, index: int, item: Any, *, alone: bool) -> Iterator[Failed]:
        from distributed import KilledWorker

        error = _within(PATIENCE_S, future.exception)
        if not isinstance(error, KilledWorker):
            cause = error if isinstance(error, Exception) else self._cluster.gone()
            yield Failed(index, item, as_ours(cause))
        elif not alone:
            _log.debug("item %d was at work when a worker died: it runs again alone", index)
            self._suspects.append((index, item))
        else:
            yield Failed(
                index,
                item,
                TryLaterError(
                    f"{short(item)}: the worker process was killed, three times over",
                    "it may have run out of memory: give workers more, or fewer threads",
                ),
            )

    def _look(self, silent_s: float | None = None) -> None:
        """See whether somebody is still there, if nothing was heard for a while.

        Raises:
            TryLaterError: The scheduler is gone, or no worker came back.
        """
        if self._client.status != "running":
            raise self._cluster.gone()
        silent_s = time.monotonic() - self._last_sign if silent_s is None else silent_s
        if silent_s < SILENT_S and _slots(self._client):
            return
        if _within(PATIENCE_S, lambda: self._client.run_on_scheduler(_version)) != __version__:
            raise self._cluster.gone()
        self._cluster.wait_for_workers(self._client)
        self._last_sign = time.monotonic()


def _version() -> str:
    return __version__


def _slots(client: Any) -> int:
    """Threads of all workers; 0 if there are none, or the scheduler does not answer."""
    threads = _within(_COUNT_S * 2, client.nthreads)
    return sum(threads.values()) if isinstance(threads, Mapping) else 0


def _refuse(worker: str, report: Report) -> None:
    if report.version != __version__:
        raise ConfigError(
            f"worker {worker} ({report.host}) has s2kit {report.version}, this is s2kit {__version__}",
            "install the same version of s2kit on all workers",
        )
    if report.lacks:
        raise ConfigError(
            f"worker {worker} ({report.host}): {report.lacks[0]}", "workers take keys from their own environment"
        )
    if report.free_nbytes < _LEAST_FREE:
        raise ConfigError(
            f"worker {worker} ({report.host}) has {report.free_nbytes // 10**6} MB free for temporary files",
            "free some space there, or set TMPDIR",
        )


def _what(answer: object) -> str:
    if isinstance(answer, ImportError):
        return "no s2kit"
    if isinstance(answer, str):
        return f"s2kit {answer}"
    return f"another version ({type(answer).__name__})"


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """What a function returns or raises (as a value), or None if it takes longer; its thread is left behind."""
    box: list[Any] = []

    def work() -> None:
        try:
            box.append(function())
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            box.append(error)

    thread = threading.Thread(target=work, name="s2kit-cluster", daemon=True)
    thread.start()
    thread.join(seconds)
    return box[0] if box else None
