"""What becomes of an item of parallel work, whatever engine runs it; computes."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from s2kit.errors import S2KitError
from s2kit.run.files import name_too_long

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)
_LONGEST_ITEM = 100


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """An item that succeeded."""

    index: int
    """Position of the item in the input, from 0."""
    item: Any
    value: R


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that failed; the others go on."""

    index: int
    """Position of the item in the input, from 0."""
    item: Any
    error: S2KitError


@dataclass(frozen=True, slots=True)
class Raised:
    """What a task raised, as it travels back."""

    error: S2KitError
    trace: str


def call(function: Callable[[T], R], item: T) -> R | Raised:
    """Run a task: whatever it raises is that item's failure, never the pool's."""
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001 - see above
        return Raised(as_ours(error), traceback.format_exc())


def as_ours(error: Exception) -> S2KitError:
    """An error of any kind as one of ours."""
    if isinstance(error, S2KitError):
        return error
    if isinstance(error, OSError) and (too_long := name_too_long(error)) is not None:
        return too_long
    return S2KitError(f"{type(error).__name__}: {error}", "this is a defect of s2kit: run again with -vv and report it")


def outcome(index: int, item: T, value: R | Raised) -> Done[R] | Failed:
    """What a task returned or raised, with its item."""
    if isinstance(value, Raised):
        _log.debug("item %d failed:\n%s", index, value.trace)
        return Failed(index, item, value.error)
    return Done(index, item, value)


def short(item: object) -> str:
    """What a person knows an item by: its label or name, never its whole `repr`."""
    for name in ("label", "name", "source", "path"):
        if isinstance(found := getattr(item, name, None), (str, Path)):
            return str(found)
    text = str(item)
    return text if len(text) <= _LONGEST_ITEM else type(item).__name__
