"""What workflows tell while they run: small values, handed to a `report` callable.

A workflow never prints. The command line turns these into progress bars, log lines or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkPlanned:
    """How much there is to do, said once before the work starts."""

    items: int
    """Number of items."""
    nbytes: int | None = None
    """Bytes to move, if known."""
    what: str = ""
    """What the items are, for people: `products`, `pictures`."""


@dataclass(frozen=True, slots=True)
class Started:
    """Work on an item began."""

    item: str
    nbytes: int | None = None
    """Bytes to move for it, where known."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """More bytes of an item have arrived."""

    item: str
    nbytes: int
    """Bytes since the last event of this item."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An item is done."""

    item: str
    detail: str = ""
    """What a person would like to know: a path, a size, a time."""


@dataclass(frozen=True, slots=True)
class ItemFailed:
    """An item failed; the others go on."""

    item: str
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that is worth a line, such as a mended geometry; a `warning` is what a cron mail should carry."""

    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class DryRunSum:
    """What a dry run adds up to: bytes, requests, cost; always worth a line, and no warning."""

    message: str


Event = WorkPlanned | Started | Advanced | Finished | ItemFailed | Note | DryRunSum
Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """Report to nobody."""
