"""File names of foreign text: ids, names of parcels and places come from servers, files and pipes."""

import hashlib
import re
from pathlib import Path

from s2kit.errors import InputError

LONGEST = 150
"""Bytes of a name made here; the file systems take 255, and endings are put behind it."""

PORTABLE = r"[^\w.+-]"
SEPARATORS = r"[/\\\x00-\x1f\x7f]"


def file_name(text: str, drop: str = PORTABLE, by: str = "_") -> str:
    r"""A text as the name of one file: never a path, never hidden, never longer than a file system takes.

    Args:
        text: Any text; a longer one is cut and gets a hash of the whole.
        drop: Class of characters that are replaced; it must hold `/`, `\` and the control characters.
        by: What they are replaced by.
    """
    name = re.sub(drop, by, text)
    if not name.strip(". "):
        name = by
    elif name.startswith("."):
        name = f"{by}{name.lstrip('.')}"
    data = name.encode("utf-8", "replace")
    if len(data) > LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{data[: LONGEST - 9].decode('utf-8', 'ignore')}-{digest}"
    return name


def inside(folder: Path, name: str) -> Path:
    """A path below a folder.

    Raises:
        InputError: The name, or a link on its way, leads out of the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{name!r} leads out of {folder}", "nothing was written")
    return path
