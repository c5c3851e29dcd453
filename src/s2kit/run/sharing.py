"""How many processes share what this one may use: the pool tells its workers, readers of archives ask."""

import os

WORKERS = "_S2KIT_WORKERS"
"""Environment variable that a pool sets for its workers: the number of them."""


def sharers() -> int:
    """How many processes share an archive's connections: 1 outside a pool, in a worker the pool's size."""
    return int(os.environ.get(WORKERS, "1"))
