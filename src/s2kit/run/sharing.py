"""What processes and threads share: an archive's connections, the cores, keys that are not in the environment.

The process's own environment is read, never changed.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

WORKERS = "_S2KIT_WORKERS"
"""Environment variable that a pool sets for its workers: the number of them."""

_handed_down: dict[str, str] = {}
_decoding: int | None = None
Lease = Callable[[str, int], AbstractContextManager[None]]
"""Takes the name of an archive and its largest number of connections, and holds one of them for a block."""
_lease: Lease | None = None
_threads_of_cluster = 1
_COUNTED = 32
"""Connections up to which a cluster counts them one by one; of more each of its threads gets an equal share."""
_done_by: str = ""


def sharers() -> int:
    """How many processes share an archive's connections: 1 outside a pool, in a worker the pool's size."""
    return int(os.environ.get(WORKERS, "1"))


def hand_down(variables: Mapping[str, str]) -> None:
    """Lay variables, such as the keys of `.env`, below the environment of this process and of its workers."""
    _handed_down.clear()
    _handed_down.update(variables)


def handed_down() -> dict[str, str]:
    """What `hand_down` was given, for the environment of workers."""
    return dict(_handed_down)


def variable(name: str) -> str | None:
    """A variable of the environment, or else of what was handed down; None if it is unset or empty."""
    return os.environ.get(name) or _handed_down.get(name)


def lease_connections(lease: Lease, threads: int) -> None:
    """Let every connection to an archive be one that `lease` gives from now on: this process works for a cluster.

    Args:
        lease: Gives one of the connections that all tasks share.
        threads: Of all workers, among which the connections are shared if they are many.
    """
    global _lease, _threads_of_cluster
    _lease, _threads_of_cluster = lease, max(1, threads)


def share_of(most: int) -> int:
    """How many connections to an archive a task may have at a time.

    Args:
        most: Connections that the archive allows, over all tasks of a run.
    """
    if _lease is None:
        return max(1, most // sharers())
    return max(1, most) if most <= _COUNTED else max(1, most // _threads_of_cluster)


def is_leased() -> bool:
    """True in a task of a cluster, which counts connections."""
    return _lease is not None


def connection(archive: str, most: int) -> AbstractContextManager[None]:
    """A connection to an archive for a block; waits if a cluster has none left.

    Args:
        archive: Its name.
        most: Connections that it allows at a time, over all tasks of a run.
    """
    return nullcontext() if _lease is None or most > _COUNTED else _lease(archive, most)


def note_worker(address: str) -> None:
    """Keep which worker of a cluster did the item that is handed out next."""
    global _done_by  # noqa: PLW0603 - read by who shows the item
    _done_by = address


def done_by() -> str:
    """The worker that did the last item; empty if this machine did it."""
    return _done_by


def decoding_threads() -> int:
    """How many threads may decode an image: what `threads_limited` says, else what GDAL was told, else every core."""
    if _decoding is not None:
        return _decoding
    asked = os.environ.get("GDAL_NUM_THREADS", "ALL_CPUS")
    return int(asked) if asked.isdigit() and int(asked) > 0 else os.cpu_count() or 1


@contextmanager
def threads_limited(threads: int) -> Iterator[None]:
    """Let images that are decoded in this very process take so many threads; workers have their own rule."""
    global _decoding  # noqa: PLW0603 - a rule for the process: its threads decode too
    before, _decoding = _decoding, threads
    try:
        yield
    finally:
        _decoding = before
