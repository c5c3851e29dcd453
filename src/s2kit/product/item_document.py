"""STAC items as JSON: which file holds one, what it says of its assets and its time."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from s2kit.errors import InputError
from s2kit.product.safe_tree import MAX_READ
from s2kit.run.read_file import read_file


def item_file(path: Path) -> Path:
    """The file in which the STAC item of a folder would be, `NAME/NAME.json`, or the file itself."""
    return path if path.suffix == ".json" else path / f"{path.name}.json"


def json_address(address: str) -> str:
    """The address of a STAC item, of which its folder may have been named."""
    base = address.rstrip("/")
    return base if base.endswith(".json") else f"{base}/{base.rpartition('/')[2]}.json"


def json_at(path: Path) -> object:
    """What a file holds as JSON; None if it is no such file."""
    try:
        return json.loads(read_file(path, MAX_READ)) if path.is_file() else None
    except (OSError, ValueError, InputError):
        return None


def parse_item(data: bytes, label: str) -> object:
    """The bytes of a STAC item as JSON.

    Raises:
        InputError: They are something else.
    """
    try:
        return json.loads(data)
    except ValueError as error:
        raise InputError(f"{label} is not JSON") from error


def asset_href(asset: Mapping[str, Any]) -> str:
    """The address of an asset: that in a bucket if the item gives one, since it needs no login of a web page."""
    alternate = asset.get("alternate")
    s3 = alternate.get("s3") if isinstance(alternate, Mapping) else None
    return str((s3 if isinstance(s3, Mapping) else {}).get("href") or asset["href"])


def item_time(text: str) -> datetime:
    """The time of a STAC item, UTC.

    Raises:
        ValueError: It is none.
    """
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
