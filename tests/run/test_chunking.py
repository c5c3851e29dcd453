from collections.abc import Iterator
from itertools import chain

import pytest

from s2kit.run.chunking import LARGEST, SMALLEST, chunked


class Line:
    """A line of some bytes a second, and the clock beside it."""

    def __init__(self, nbytes: int, rates: Iterator[float]) -> None:
        self.left = nbytes
        self.rates = rates
        self.now = 0.0
        self.asked: list[int] = []

    def read(self, nbytes: int) -> bytes:
        self.asked.append(nbytes)
        given = min(nbytes, self.left)
        self.left -= given
        self.now += given / next(self.rates)
        return b"x" * given

    def clock(self) -> float:
        return self.now


def always(rate: float) -> Iterator[float]:
    while True:
        yield rate


@pytest.mark.parametrize("nbytes", [0, 1, SMALLEST, SMALLEST + 1, 5 * LARGEST + 7])
@pytest.mark.parametrize("rate", [100.0, 1e6, 1e9, float("inf")])
def test_every_byte_comes_once(nbytes: int, rate: float) -> None:
    line = Line(nbytes, always(rate))
    assert sum(map(len, chunked(line.read, line.clock))) == nbytes


def test_a_slow_line_is_asked_for_little() -> None:
    line = Line(100 * SMALLEST, always(10_000.0))
    list(chunked(line.read, line.clock))
    assert set(line.asked) == {SMALLEST}


def test_a_fast_line_is_soon_asked_for_much() -> None:
    line = Line(10 * LARGEST, always(1e9))
    list(chunked(line.read, line.clock))
    assert line.asked[:4] == [SMALLEST, 4 * SMALLEST, 16 * SMALLEST, LARGEST]
    assert set(line.asked[3:]) == {LARGEST}


def test_a_line_that_becomes_slow_is_asked_for_less_at_once() -> None:
    line = Line(20 * LARGEST, chain([2.0**30] * 6, always(2.0**18)))
    list(chunked(line.read, line.clock))
    assert line.asked[6] == LARGEST
    assert set(line.asked[7:]) == {2**16}


def test_the_time_in_which_a_piece_is_used_does_not_count() -> None:
    line = Line(3 * LARGEST, always(1e9))
    for _ in chunked(line.read, line.clock):
        line.now += 60.0
    assert max(line.asked) == LARGEST
