"""Helper threads: order, errors, and readers that go away."""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from s2kit.run.threads import PATIENCE_S, Pool, prefetch, put


def test_items_keep_their_order() -> None:
    assert list(prefetch(iter(range(1, 50)))) == list(range(1, 50))
    assert list(prefetch(iter([]))) == []


def test_the_next_item_is_made_while_one_is_looked_at() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in (1, 2, 3):
            made.append(number)
            yield number

    source = prefetch(items())
    assert next(source) == 1
    deadline = time.monotonic() + 30
    while 2 not in made and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 2 in made


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    source = prefetch(items())
    assert next(source) == 1
    with pytest.raises(KeyError, match="two"):
        next(source)


def test_a_reader_that_goes_away_ends_the_thread() -> None:
    source = prefetch(iter(range(1, 1000)))
    next(source)
    source.close()
    deadline = time.monotonic() + 30
    while any(thread.name == "prefetch" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


def test_nothing_is_put_where_nobody_reads() -> None:
    full: queue.Queue[int] = queue.Queue(1)
    stop = threading.Event()
    assert put(full, 1, stop)
    stop.set()
    assert not put(full, 2, stop)


def test_a_waiting_thread_does_not_keep_the_process() -> None:
    code = (
        "import time\nfrom s2kit.run.threads import prefetch\n"
        "def slow():\n    yield 1\n    time.sleep(60)\n    yield 2\n"
        "print(next(prefetch(slow())))"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert time.monotonic() - started < 20


def test_a_pool_gives_what_its_threads_make() -> None:
    with Pool(3, "test") as pool:
        assert list(pool.map(lambda number: number * 2, range(20))) == list(range(0, 40, 2))


def test_closing_a_pool_waits_for_what_hangs_a_moment_only() -> None:
    hangs, begun = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        hangs.wait(60)

    pool = Pool(1, "test")
    at_work, waiting = pool.submit(hang), pool.submit(hang)
    assert begun.wait(10)
    started = time.monotonic()
    pool.close()
    assert PATIENCE_S <= time.monotonic() - started < 30
    assert waiting.cancelled()
    assert not at_work.done()
    hangs.set()
    assert at_work.result(10) is None
