"""Numbers that several processes add to: a small file of JSON, changed under a lock. Touches the disk.

A process finds the file by a variable of its environment, which its children inherit; without it nothing is counted.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

TALLY = "_S2KIT_TALLY"
"""Environment variable with the path of the file."""
_LARGEST = 1 << 22


def is_counting() -> bool:
    """True if this process counts for somebody."""
    return TALLY in os.environ


def add(amounts: Mapping[str, float]) -> None:
    """Add to some numbers; whoever counts never fails because of it.

    Args:
        amounts: What to add, by name; a number that is not there yet begins at 0.
    """
    with suppress(OSError), _held(os.O_RDWR, fcntl.LOCK_EX) as handle:
        numbers = _numbers(handle)
        for name, amount in amounts.items():
            numbers[name] = numbers.get(name, 0) + amount
        data = json.dumps(numbers, separators=(",", ":")).encode()
        os.pwrite(handle, data, 0)
        os.ftruncate(handle, len(data))


def totals() -> dict[str, float]:
    """All numbers; none if nobody counts."""
    with suppress(OSError), _held(os.O_RDONLY, fcntl.LOCK_SH) as handle:
        return _numbers(handle)
    return {}


@contextmanager
def _held(flags: int, lock: int) -> Iterator[int]:
    handle = os.open(os.environ.get(TALLY, ""), flags)
    try:
        fcntl.flock(handle, lock)
        yield handle
    finally:
        os.close(handle)


def _numbers(handle: int) -> dict[str, float]:
    """What the file holds; nothing if a process was killed while it wrote."""
    try:
        found = json.loads(os.pread(handle, _LARGEST, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
