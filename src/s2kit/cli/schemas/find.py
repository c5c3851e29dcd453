"""All schemas by name. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from s2kit.cli.schemas import machine, numbers, pictures, products
from s2kit.cli.schemas.model import Described
from s2kit.cli.schemas.parts import Schema
from s2kit.errors import NotFoundError, UsageError

SCHEMAS: Mapping[str, Described] = MappingProxyType(
    {
        one.name: one
        for one in sorted(
            (*products.OUTPUTS, *pictures.OUTPUTS, *numbers.OUTPUTS, *machine.OUTPUTS), key=lambda one: one.name
        )
    }
)
"""Each output that has a schema, by its name."""


def schema_of(name: str, form: str | None = None) -> Schema:
    """The JSON Schema of an output.

    Args:
        name: One of `SCHEMAS`.
        form: `json`, `jsonl`, `geojson` …; None for the usual one.

    Raises:
        NotFoundError: There is no schema of that name.
        UsageError: It has no such format.
    """
    if name not in SCHEMAS:
        from difflib import get_close_matches

        near = get_close_matches(name, SCHEMAS, 1)
        hint = f"did you mean {near[0]}?" if near else "s2kit schema lists all"
        raise NotFoundError(f"there is no schema {name!r}", hint)
    formats = SCHEMAS[name].formats
    if form is not None and form not in formats:
        raise UsageError(f"{name} has no format {form}", f"there are {', '.join(formats)}")
    return SCHEMAS[name].schema(form)
