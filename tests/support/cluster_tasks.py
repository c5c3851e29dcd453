"""Tasks for the workers of test clusters, which find this module by PYTHONPATH."""

import os
import signal
import time
from pathlib import Path

from s2kit.errors import InputError
from s2kit.run.files import write_atomic
from s2kit.run.sharing import connection, share_of


def square(number: int) -> int:
    if number == 13:
        raise InputError("13 is unlucky", "take 14")
    if number == 17:
        raise ValueError("not one of ours")
    return number * number


def die_on_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def write(job: tuple[str, int, float]) -> int:
    """A file that takes a while, written as all outputs are."""
    folder, number, seconds = job
    time.sleep(seconds)
    write_atomic(Path(folder) / f"{number}.txt", str(number).encode(), overwrite=True)
    return os.getpid()


def where(path: str) -> tuple[str, bool]:
    return str(Path.cwd()), Path(path).exists()


def exists(path: Path) -> bool:
    return path.exists()


def hold(number: int) -> tuple[float, float]:
    """When one of two connections of an archive was held."""
    with connection("narrow", 2):
        started = time.time()
        time.sleep(0.3)
        return started, time.time()


def shares(most: int) -> int:
    return share_of(most)


def lacking() -> str:
    return "it has no keys for the archive cdse"
