"""The threads that transfer the objects of products, and what becomes of each file."""

import time
from concurrent.futures import Future, as_completed
from threading import Lock

from s2kit.download.destination import Destination, quarantine
from s2kit.download.plan import FileResult, Task
from s2kit.download.record import FileState
from s2kit.errors import AccessError, OutputError, S2KitError
from s2kit.run.deadline import StoppedError
from s2kit.run.events import Advanced, Report
from s2kit.run.sharing import share_of
from s2kit.run.threads import Pool
from s2kit.store.archive import Archive
from s2kit.store.transfer import Budget, Commit, ProofError, Wanted, fetch, parts_of

_SYNCS = 4
"""Files that are synced to the disk at one time."""


class TransferPools:
    """The threads that transfer: for each archive as many as it takes connections, shared by all products of a run."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._pools: dict[Archive, Pool] = {}
        self._syncs = Pool(_SYNCS, "s2kit-sync")
        self._lock = Lock()

    def sync(self, commit: Commit) -> "Future[None]":
        """Have a proven file synced to the disk and renamed, while its connection goes on with the next object.

        Raises:
            RuntimeError: The pools are closed; the file is left as a part.
        """
        try:
            future = self._syncs.submit(commit)
        except RuntimeError:
            commit.abandon()
            raise
        future.add_done_callback(lambda done: commit.abandon() if done.cancelled() else None)
        return future

    def submit(
        self, place: Destination, task: Task, report: Report, syncs: "list[Future[None]]"
    ) -> "Future[FileResult]":
        """Have one object fetched into the growing folder; its last step is added to `syncs`."""
        archive = task.store.archive
        with self._lock:
            if archive not in self._pools:
                self._pools[archive] = Pool(share_of(archive.max_connections), f"s2kit-{archive.name}")
            return self._pools[archive].submit(_fetch, place, task, self, report, syncs)

    def close(self) -> None:
        """Begin nothing new; what is at work gets a moment to end."""
        for pool in self._pools.values():
            pool.close()
        self._syncs.close()


def transfer_all(place: Destination, tasks: list[Task], crew: TransferPools, report: Report) -> list[FileResult]:
    """Fetch the objects, the largest first; a fault of the disk or the run's end stops all of them."""
    ordered = sorted(tasks, key=lambda task: -task.info.nbytes)
    syncs: list[Future[None]] = []
    futures = [crew.submit(place, task, report, syncs) for task in ordered]
    try:
        files = [future.result() for future in as_completed(futures)]
        for sync in syncs:
            sync.result()
        return files
    finally:
        for future in futures:
            future.cancel()


def _fetch(
    place: Destination, task: Task, crew: TransferPools, report: Report, syncs: "list[Future[None]]"
) -> FileResult:
    started = time.monotonic()
    target = place.part / task.path
    entry = task.entry
    wanted = Wanted(task.info, target, *((entry.algorithm, entry.checksum) if entry is not None else (None, None)))
    try:
        done = fetch(
            task.store,
            wanted,
            crew.budget,
            lambda nbytes: report(Advanced(place.product, nbytes)),
            lambda commit: syncs.append(crew.sync(commit)),
        )
    except (StoppedError, OutputError, AccessError):  # the other files would meet the same
        raise
    except ProofError as error:
        for part in parts_of(target):
            quarantine(place, part, task.path)
        return _failed(task, started, f"{error} (moved to {place.quarantine.name})")
    except S2KitError as error:
        return _failed(task, started, str(error))
    state = FileState.VERIFIED if entry is not None else FileState.UNLISTED
    return FileResult(task.path, state, done.nbytes, done.moved, time.monotonic() - started, done.proof)


def _failed(task: Task, started: float, message: str) -> FileResult:
    return FileResult(task.path, FileState.FAILED, task.info.nbytes, 0, time.monotonic() - started, "", message)
