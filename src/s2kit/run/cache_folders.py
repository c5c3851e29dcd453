"""The folders below the user's cache folder: what each is for, how much it holds, and clearing them.

Everything in them can be made again, so any file may go at any time; a part of the cache that is not named in `CACHES`
is left alone.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from s2kit.errors import UsageError

CACHES: Mapping[str, str] = MappingProxyType(
    {
        "index": "where the tiles of far JPEG 2000 files lie",
        "chips": "chips that were cut",
        "products": "metadata of products in dataset folders",
    }
)
"""Each folder by its name, with what it holds."""


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """How much one folder holds, or how much of it was removed."""

    name: str
    holds: str
    files: int
    nbytes: int
    oldest_days: float | None
    """Age of the oldest file; None where there is none."""
    folder: str


def usage(cache_dir: Path, names: Sequence[str] = ()) -> list[CacheUsage]:
    """How much the folders hold.

    Args:
        cache_dir: The user's cache folder.
        names: Which; none for all.

    Raises:
        UsageError: There is no such folder.
    """
    return [_summed(cache_dir, name, list(_files(cache_dir / name))) for name in _checked(names)]


def clear(cache_dir: Path, names: Sequence[str] = (), older_than_s: float = 0.0) -> list[CacheUsage]:
    """Remove files, and folders that are empty then; says what was removed.

    Args:
        cache_dir: The user's cache folder.
        names: Which folders; none for all.
        older_than_s: Keep what changed in the last so many seconds.

    Raises:
        UsageError: There is no such folder.
    """
    limit = time.time() - older_than_s
    removed = []
    for name in _checked(names):
        old = [found for found in _files(cache_dir / name) if older_than_s == 0 or found[2] <= limit]
        removed.append(_summed(cache_dir, name, old))
        for path, _, _ in old:
            with contextlib.suppress(OSError):
                path.unlink()
        for folder in sorted((cache_dir / name).rglob("*"), reverse=True):
            if folder.is_dir() and not folder.is_symlink():
                with contextlib.suppress(OSError):
                    folder.rmdir()
    return removed


def _checked(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in CACHES:
            raise UsageError(f"there is no cache {name!r}", f"there are {', '.join(CACHES)}")
    return names or tuple(CACHES)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Each file with its size and the time of its last change."""
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                yield path, stat.st_size, stat.st_mtime


def _summed(cache_dir: Path, name: str, files: Sequence[tuple[Path, int, float]]) -> CacheUsage:
    oldest = min((changed for _, _, changed in files), default=None)
    days = None if oldest is None else round(max(time.time() - oldest, 0.0) / 86400, 2)
    return CacheUsage(name, CACHES[name], len(files), sum(size for _, size, _ in files), days, str(cache_dir / name))
