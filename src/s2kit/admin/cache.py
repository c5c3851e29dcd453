"""Look into the cache, and clear it."""

import re
from collections.abc import Sequence

from s2kit.errors import UsageError
from s2kit.run.cache_folders import CacheUsage, clear, usage
from s2kit.settings import Settings

_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def show_cache(settings: Settings, names: Sequence[str] = ()) -> list[CacheUsage]:
    """How much the cache holds, folder by folder."""
    return usage(settings.cache_dir, names)


def clear_cache(settings: Settings, names: Sequence[str] = (), older_than: str | None = None) -> list[CacheUsage]:
    """Clear the cache; says what was removed.

    Args:
        settings: Name the cache folder.
        names: Which of its folders; none for all.
        older_than: Keep what is younger, such as `30d`; None keeps nothing.

    Raises:
        UsageError: No such folder, or an age that is none.
    """
    return clear(settings.cache_dir, names, 0.0 if older_than is None else _seconds(older_than))


def _seconds(text: str) -> float:
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"--older-than {text}: not an age", "write 12h, 30d or 8w")
    return float(found[1]) * _UNITS[found[2]]
