"""What processes and threads share: an archive's connections, the cores, keys that are not in the environment.

The process's own environment is read, never changed.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

WORKERS = "_S2KIT_WORKERS"
"""Environment variable that a pool sets for its workers: the number of them."""

_handed_down: dict[str, str] = {}
_decoding: int | None = None


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
