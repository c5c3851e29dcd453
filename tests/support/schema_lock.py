"""The shapes of all schemas as they were released: `python tests/support/schema_lock.py` writes them.

A schema whose shape has changed is not written unless its version has grown. Descriptions and titles may change freely.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2kit.cli.schemas.find import SCHEMAS

LOCK = Path(__file__).resolve().parents[1] / "data" / "schemas.lock.json"
COMMAND = "python tests/support/schema_lock.py"
Entries = dict[str, dict[str, Any]]


def shape(value: Any, *, names: bool = False) -> Any:
    """A schema without its words for people.

    Args:
        value: A schema or a part of one.
        names: True if the keys of the value are names of properties, not keywords.
    """
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if names or key not in {"description", "title", "$id"}}
        return {key: shape(item, names=key == "properties" and not names) for key, item in kept.items()}
    return [shape(item) for item in value] if isinstance(value, list) else value


def mark(schemas: Mapping[str, Any]) -> str:
    """A hash of the schemas of an output, by format; the version that stands in them is left out."""
    text = json.dumps({form: shape(schema) for form, schema in schemas.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entries() -> Entries:
    """The version and the hash of each schema as they are now."""
    return {
        name: {"version": one.version, "shape": mark({form: one.schema(form) for form in one.formats})}
        for name, one in SCHEMAS.items()
    }


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What is wrong: each schema that changed or went although its version did not grow."""
    faults = []
    for name, entry in old.items():
        if name not in new:
            faults.append(f"{name}: the schema is gone")
        elif new[name] != entry and new[name]["version"] <= entry["version"]:
            faults.append(f"{name}: the schema changed; its version in cli/schemas/versions.py must grow")
    return faults


if __name__ == "__main__":
    now = entries()
    if LOCK.exists() and (bad := changed(json.loads(LOCK.read_text(encoding="utf-8")), now)):
        raise SystemExit("\n".join(bad))
    LOCK.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
