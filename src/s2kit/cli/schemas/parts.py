"""The parts that schemas are made of, as JSON Schema 2020-12. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def text(about: str) -> Schema:
    """Any text."""
    return {"type": "string", "description": about}


def time(about: str) -> Schema:
    """A moment, ISO 8601 in UTC with a `Z`; fractions of a second may follow."""
    return {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", "description": about}


def matching(pattern: str, about: str) -> Schema:
    """Text of one form."""
    return {"type": "string", "pattern": pattern, "description": about}


def number(about: str, low: float | None = None, high: float | None = None) -> Schema:
    """A number, between bounds if there are some."""
    return {"type": "number", **_bounds(low, high), "description": about}


def percent(about: str) -> Schema:
    """A share from 0 to 100."""
    return number(about, 0, 100)


def whole(about: str, low: int | None = 0, high: int | None = None) -> Schema:
    """A whole number, from 0 unless another bound is given."""
    return {"type": "integer", **_bounds(low, high), "description": about}


def flag(about: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": about}


def exactly(value: object) -> Schema:
    """One value only."""
    return {"const": value}


def one_of(choices: type[StrEnum] | Sequence[str], about: str) -> Schema:
    """One of a closed set of words."""
    return {"enum": [str(choice) for choice in choices], "description": about}


def anything(about: str) -> Schema:
    """A value that another specification describes."""
    return {"description": about}


def maybe(schema: Schema) -> Schema:
    """The same, or null if it is not known or does not apply."""
    if "type" in schema:
        kinds = schema["type"]
        return {**schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    about = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [{key: value for key, value in schema.items() if key != "description"}, {"type": "null"}], **about}


def listed(item: Schema, about: str, *, low: int | None = None, high: int | None = None) -> Schema:
    """A list."""
    sizes = {"minItems": low, "maxItems": high}
    return {
        "type": "array",
        "items": item,
        **{key: size for key, size in sizes.items() if size is not None},
        "description": about,
    }


def mapped(value: Schema, about: str, *, keys: str | None = None) -> Schema:
    """An object whose keys are free, or of a pattern."""
    names = {} if keys is None else {"propertyNames": {"pattern": keys}}
    return {"type": "object", "additionalProperties": value, **names, "description": about}


def closed(properties: Mapping[str, Schema], about: str = "", *, optional: Sequence[str] = ()) -> Schema:
    """An object with these keys and no others.

    Args:
        properties: The schema of each key.
        about: What the object is.
        optional: Keys that need not be there.
    """
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in properties if name not in optional],
        "properties": dict(properties),
        **({"description": about} if about else {}),
    }


def opened(properties: Mapping[str, Schema], about: str, *, required: Sequence[str] = ()) -> Schema:
    """An object that may have more keys, which another specification describes."""
    return {"type": "object", "required": list(required), "properties": dict(properties), "description": about}


def geometry(about: str) -> Schema:
    """A GeoJSON geometry in longitude and latitude of WGS 84."""
    kinds = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": one_of(kinds, "Kind."),
            "coordinates": {"type": "array", "description": "Longitude and latitude, nested by the kind."},
            "geometries": {"type": "array", "items": {"type": "object"}, "description": "Parts of a collection."},
        },
        "description": f"{about} GeoJSON (RFC 7946), longitude and latitude of WGS 84 in degrees.",
    }


def _bounds(low: float | None, high: float | None) -> Schema:
    return {key: bound for key, bound in (("minimum", low), ("maximum", high)) if bound is not None}
