"""How much of a body to take at a time: little of a slow line, so that it can be stopped; much of a fast one."""

import time
from collections.abc import Callable, Iterator

SMALLEST = 1 << 14
LARGEST = 1 << 20
_PIECE_S = 0.25
_GROWTH = 4


def chunked(read: Callable[[int], bytes], clock: Callable[[], float] = time.monotonic) -> Iterator[bytes]:
    """A body in pieces that take about a quarter of a second each, as far as `SMALLEST` and `LARGEST` allow.

    Args:
        read: Gives so many bytes, fewer at the end, none behind it.
        clock: Seconds that only grow.
    """
    nbytes = SMALLEST
    started = clock()
    while piece := read(nbytes):
        seconds = clock() - started
        yield piece
        rate = len(piece) / seconds if seconds > 0 else float("inf")
        nbytes = int(max(SMALLEST, min(rate * _PIECE_S, nbytes * _GROWTH, LARGEST)))
        started = clock()
