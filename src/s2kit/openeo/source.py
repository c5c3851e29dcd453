"""JSON from outside: a file or standard input, bounded in size and depth. Touches files."""

from pathlib import Path
from typing import Any

from s2kit.errors import InputError, NotFoundError
from s2kit.openeo.job import read_body
from s2kit.run.stdin import read_stdin

MAX_NBYTES = 32 << 20
"""Size of the largest graph that is read."""


def read_source(path: Path, *, lists: bool = False) -> Any:
    """A process graph, a job's body or a batch.

    Args:
        path: The file; `-` for standard input.
        lists: True if a list is good too.

    Raises:
        NotFoundError: There is no such file.
        InputError: It cannot be read, is too large, not JSON, or nested too deeply.
        UsageError, DiskError: Standard input is a terminal, or closed.
    """
    label = "stdin" if str(path) == "-" else str(path)
    data = read_stdin("-", "pipe a process graph into it", MAX_NBYTES + 1) if label == "stdin" else _start_of(path)
    if len(data) > MAX_NBYTES:
        raise InputError(f"{label}: larger than {MAX_NBYTES >> 20} MiB", "no process graph is that large")
    return read_body(data.removeprefix(b"\xef\xbb\xbf"), label, lists=lists)


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_NBYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
