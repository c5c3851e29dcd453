"""Cursors: what an earlier search has handed out, so that the next one tells only what is new.

A cursor remembers products, not just a time, because products are published days after they were seen, and made anew
years later. It lies in the user's state folder and is written only when a search was complete.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from s2kit.errors import InputError, UsageError
from s2kit.run.files import write_atomic

_VERSION = 1
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What was handed out under a name."""

    name: str
    until: datetime | None = None
    """When the last complete search began, UTC; None before the first."""
    seen: Mapping[str, datetime] = field(default_factory=dict)
    """By area and product: when the product was taken."""

    def knows(self, aoi: str | None, product: str) -> bool:
        """True where a product was handed out before."""
        return _key(aoi, product) in self.seen


def load_cursor(name: str) -> Cursor:
    """The cursor of a name; an empty one where there is none yet.

    Raises:
        UsageError: The name is none.
        InputError: The file is there and cannot be read.
    """
    path = cursor_path(name)
    try:
        document = json.loads(path.read_bytes())
        seen = {key: datetime.fromisoformat(text) for key, text in document["seen"].items()}
        return Cursor(name, datetime.fromisoformat(document["until"]), seen)
    except FileNotFoundError:
        return Cursor(name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"cursor {path} cannot be read: {error}", "delete the file to begin anew") from error


def save_cursor(
    cursor: Cursor, began: datetime, handed_out: Mapping[tuple[str | None, str], datetime], since: datetime | None
) -> Path:
    """Write a cursor after a complete search.

    Args:
        cursor: The cursor as it was before.
        began: When the search began.
        handed_out: When each product of the search was taken, by area and id.
        since: Products that were taken earlier are forgotten, as no later search reaches them; None keeps all.
    """
    seen = {**cursor.seen, **{_key(*key): moment for key, moment in handed_out.items()}}
    kept = {key: moment.isoformat() for key, moment in seen.items() if since is None or moment >= since}
    document = {"version": _VERSION, "until": began.astimezone(UTC).isoformat(), "seen": kept}
    return write_atomic(cursor_path(cursor.name), json.dumps(document).encode(), overwrite=True)


def cursor_path(name: str) -> Path:
    """Where the cursor of a name lies.

    Raises:
        UsageError: The name is none.
    """
    from platformdirs import user_state_path

    if not _NAME.fullmatch(name):
        raise UsageError(f"--since {name}: no name of a cursor", "letters, digits, dots and dashes, such as last")
    return user_state_path("s2kit") / "cursors" / f"{name}.json"


def _key(aoi: str | None, product: str) -> str:
    return f"{aoi or ''}\t{product}"
