"""What processes share: the connections of an archive, and keys that did not come from the environment."""

import os
from collections.abc import Mapping

WORKERS = "_S2KIT_WORKERS"
"""Environment variable that a pool sets for its workers: the number of them."""

_handed_down: dict[str, str] = {}


def sharers() -> int:
    """How many processes share an archive's connections: 1 outside a pool, in a worker the pool's size."""
    return int(os.environ.get(WORKERS, "1"))


def hand_down(variables: Mapping[str, str]) -> None:
    """Lay variables, such as the keys of `.env`, below the environment of this process and of its workers."""
    _handed_down.clear()
    _handed_down.update(variables)


def handed_down() -> dict[str, str]:
    """What `hand_down` was given, for the environment of workers."""
    return dict(_handed_down)


def variable(name: str) -> str | None:
    """A variable of the environment, or else of what was handed down; None if it is unset or empty."""
    return os.environ.get(name) or _handed_down.get(name)
