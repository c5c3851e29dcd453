"""Helper threads for waiting on the network: they never keep a process alive that has been told to stop."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

_LOOK_UP_S = 0.2


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


def ahead(source: Iterator[T]) -> Iterator[T]:
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

    start(fetch, "ahead")
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
