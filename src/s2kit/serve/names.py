"""Names that clients send: nothing outside the folder that is meant can be named by them."""

import re
from pathlib import Path

from s2kit.errors import InputError, NotFoundError

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@=+,~-]*")
_MAX_CHARS = 1024


def checked_path(text: str) -> str:
    """A relative path of plain parts, as a client may send it for a key, a product or a file.

    Raises:
        InputError: It has a scheme, `..`, `/vsi`, a control character, or is absolute or too long.
    """
    parts = text.split("/")
    plain = all(_PART.fullmatch(part) and not part.endswith((".", " ")) for part in parts)
    if not text or len(text) > _MAX_CHARS or not plain or parts[0].lower().startswith("vsi"):
        raise InputError(f"{text[:80]!r} cannot be used as a name", "give a plain name or a path below the dataset")
    return text


def checked_word(text: str) -> str:
    """One part of a path, such as an id.

    Raises:
        InputError: It is not one plain part.
    """
    if "/" in text:
        raise InputError(f"{text[:80]!r} cannot be used as a name", "give a name without '/'")
    return checked_path(text)


def contained(root: Path, path: str) -> Path:
    """A file or folder below a root, with all links resolved.

    Raises:
        InputError: The path is not plain.
        NotFoundError: There is no such file, or a link leads out of the root.
    """
    inside = root.resolve()
    found = (inside / checked_path(path)).resolve()
    if not found.is_relative_to(inside) or not found.exists():
        raise NotFoundError(f"there is no {path}")
    return found
