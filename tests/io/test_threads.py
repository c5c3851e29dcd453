"""Helper threads: order, errors, and readers that go away."""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from s2kit.io.threads import ahead, put


def test_items_keep_their_order() -> None:
    assert list(ahead(iter(range(1, 50)))) == list(range(1, 50))
    assert list(ahead(iter([]))) == []


def test_the_next_item_is_made_while_one_is_looked_at() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in (1, 2, 3):
            made.append(number)
            yield number

    source = ahead(items())
    assert next(source) == 1
    deadline = time.monotonic() + 5
    while 2 not in made and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 2 in made


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    source = ahead(items())
    assert next(source) == 1
    with pytest.raises(KeyError, match="two"):
        next(source)


def test_a_reader_that_goes_away_ends_the_thread() -> None:
    source = ahead(iter(range(1, 1000)))
    next(source)
    source.close()
    deadline = time.monotonic() + 5
    while any(thread.name == "ahead" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(thread.name == "ahead" for thread in threading.enumerate())


def test_nothing_is_put_where_nobody_reads() -> None:
    full: queue.Queue[int] = queue.Queue(1)
    stop = threading.Event()
    assert put(full, 1, stop)
    stop.set()
    assert not put(full, 2, stop)


def test_a_waiting_thread_does_not_keep_the_process() -> None:
    code = (
        "import time\nfrom s2kit.io.threads import ahead\n"
        "def slow():\n    yield 1\n    time.sleep(60)\n    yield 2\n"
        "print(next(ahead(slow())))"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert time.monotonic() - started < 20
