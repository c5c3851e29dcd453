"""How much of a body to take at a time: little of a slow line, so that it can be stopped; much of a fast one."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Piece = TypeVar("Piece", bytes, memoryview)

SMALLEST = 1 << 14
LARGEST = 1 << 20
_PIECE_S = 0.25
_GROWTH = 4


def chunked(read: Callable[[int], Piece], clock: Callable[[], float] = time.monotonic) -> Iterator[Piece]:
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


def reused(readinto: Callable[[memoryview], int]) -> Callable[[int], memoryview]:
    """A reader for `chunked` that fills one buffer again and again: a piece is valid until the next one is read.

    Args:
        readinto: Fills a buffer, as `io.RawIOBase.readinto` does; 0 at the end.
    """
    buffer = memoryview(bytearray(LARGEST))
    return lambda nbytes: buffer[: readinto(buffer[:nbytes])]
