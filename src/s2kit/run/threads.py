"""Helper threads for waiting on the network: they never hold up for long what has been told to stop."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 2.0
"""Seconds that the end of a `Pool` waits for what is at work: a request that hangs cannot be ended, only left."""

_LOOK_UP_S = 0.2


class Pool(ThreadPoolExecutor):
    """Threads that wait for the network; closing it, or the end of its block, waits for them a moment only.

    Work that others wait for anyway is done by then. What is still at work hangs in a request: it must see for itself,
    when the answer comes, that nobody wants it any more.
    """

    def __init__(self, threads: int, name: str) -> None:
        """Make a pool.

        Args:
            threads: At most so many.
            name: For the threads' names.
        """
        super().__init__(max(1, threads), name)
        self._pending: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Have something done by a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def close(self) -> None:
        """Begin nothing new, and wait `PATIENCE_S` at most for what is at work."""
        self.shutdown(wait=False, cancel_futures=True)
        wait(list(self._pending), PATIENCE_S)

    def __exit__(self, *_: object) -> None:
        self.close()


def start(work: Callable[[], None], name: str) -> None:
    """Run something in a thread that is forgotten when the process ends."""
    threading.Thread(target=work, name=name, daemon=True).start()


def put(items: "queue.Queue[T]", item: T, stop: threading.Event) -> bool:
    """Put an item into a bounded queue; False where nobody wants it any more.

    Args:
        items: The queue.
        item: What to put.
        stop: Set when nobody reads the queue any longer.
    """
    while not stop.is_set():
        try:
            items.put(item, timeout=_LOOK_UP_S)
        except queue.Full:
            continue
        return True
    return False


def prefetch(source: Iterator[T]) -> Iterator[T]:
    """The same items, the next one being fetched by a thread while one is looked at; errors come where they belong."""
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(1)
    stop = threading.Event()

    def fetch() -> None:
        end: BaseException | None = None
        try:
            for item in source:
                if not put(ready, (item, None), stop):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are read
            end = error
        put(ready, (None, end), stop)

    start(fetch, "prefetch")
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop.set()
