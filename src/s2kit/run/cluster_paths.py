"""Which paths the tasks of a cluster name, to be shown to its workers; looks at files and makes short-lived ones."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from s2kit.run.cluster_task import Check, Question

_LONGEST_PATH = 1000
_MOST = 40
_PRIVATE = ("kept_in", "cache_dir", "dataset", "archives")
"""Fields that name a cache, of which each machine has its own, or places that need not be read."""


@dataclass(frozen=True, slots=True)
class SeenPaths:
    """What the caller has where."""

    folder: str
    """The current folder, where relative paths begin; empty if workers need not stand there."""
    relative: str
    """The first relative path of the tasks; empty if there is none."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What stands for what: folders by the files that were made in them."""


@contextmanager
def question_for(items: Sequence[Any], checks: tuple[Check, ...]) -> Iterator[tuple[Question, SeenPaths]]:
    """What to ask workers about some tasks; files that are made for it are gone after the block.

    Args:
        items: Tasks.
        checks: What else to ask.
    """
    here = str(Path.cwd())
    relative = ""
    files: dict[str, int] = {}
    folders = {here: None}
    names: dict[str, str] = {}
    for text in dict.fromkeys(text for item in items for text in paths_in(item)):
        if not os.path.isabs(text):  # noqa: PTH117 - many, of plain text
            relative = relative or text
        place = _nearest(Path(text).absolute())
        if place.is_file():
            if len(files) < _MOST:
                files[str(place)] = place.stat().st_size
        elif len(folders) < _MOST:
            folders[str(place)] = None
    try:
        for folder in folders:
            if token := _token(Path(folder)):
                names[token] = folder
        yield (
            Question(files, tuple(folders), tuple(names), checks),
            SeenPaths(here, relative, names),
        )
    finally:
        for token in names:
            with suppress(OSError):
                Path(token).unlink()


def paths_in(value: Any) -> Iterator[str]:
    """The paths of this machine in a task, at any depth; texts count if something is there."""
    if isinstance(value, Path):
        yield str(value)
    elif isinstance(value, str):
        if _is_path(value):
            yield value
    else:
        for part in _parts(value):
            yield from paths_in(part)


def _parts(value: Any) -> Iterable[Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, one.name) for one in fields(value) if one.name not in _PRIVATE]
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (tuple, list, set, frozenset)) else ()


def _is_path(text: str) -> bool:
    if "://" in text or not ("/" in text or "." in text) or len(text) > _LONGEST_PATH or "\n" in text:
        return False
    try:
        return os.path.exists(text)  # noqa: PTH110 - many, of plain text
    except ValueError:
        return False


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _token(folder: Path) -> str:
    """A new file in a folder that may be written to; empty if there is none: products are left as they are."""
    if any(part.endswith(".SAFE") for part in folder.parts):
        return ""
    path = folder / f".s2kit-{secrets.token_hex(6)}.part"
    try:
        path.touch(exist_ok=False)
    except OSError:
        return ""
    return str(path)
