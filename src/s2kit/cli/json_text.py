"""JSON that a person or a program reads: one way to write dates, paths, no data and control characters."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_CONTROL = re.compile("[\x7f-\x9f]")
"""What JSON leaves as it is and terminals obey; it can only stand within a string."""


def to_json(value: object, indent: int | None = None) -> str:
    """JSON text; dates as ISO 8601, paths as text, NaN as null, no character that a terminal would obey."""
    text = _json(value, indent)
    return (
        text if text.isascii() and "\x7f" not in text else _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    )


def _json(value: object, indent: int | None) -> str:
    import orjson  # numbers are nearly all of a record, and it writes them ten times as fast

    strict = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    if indent is None:
        try:
            return orjson.dumps(value, option=strict).decode()
        except TypeError:  # something that only the standard library can be taught
            pass
    encoder = json.JSONEncoder(indent=indent, separators=(",", ": " if indent else ":"), **_ENCODING)
    try:
        return encoder.encode(value)
    except ValueError:  # NaN somewhere
        return encoder.encode(_plain(value))


def _encodable(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


_ENCODING: Mapping[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _encodable}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
