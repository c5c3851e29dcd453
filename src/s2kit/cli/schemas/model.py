"""What a schema is of: the records of a verb, or one JSON document. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s2kit.cli.schemas.parts import DIALECT, Schema, closed, exactly, listed, text
from s2kit.cli.schemas.versions import VERSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(ABC):
    """One output with its schema, by format."""

    name: str
    """What `s2kit schema NAME` calls it."""
    about: str
    """What it is, and which command makes it."""

    @property
    def version(self) -> int:
        """Grows with each change."""
        return VERSIONS[self.name]

    @property
    def id(self) -> str:
        """The name of the schema of its first format."""
        return f"urn:s2kit:schema:{self.name}:{self.version}"

    @property
    @abstractmethod
    def formats(self) -> Sequence[str]:
        """Formats that there is a schema for, the usual one first."""

    def schema(self, form: str | None = None) -> Schema:
        """The JSON Schema of a format.

        Args:
            form: One of `formats`; None for the first.
        """
        form = form or self.formats[0]
        suffix = "" if form == self.formats[0] else f":{form}"
        body = dict(self._body(form))
        head = {"$schema": DIALECT, "$id": f"{self.id}{suffix}", "title": f"s2kit {self.name}, {form}"}
        return {**head, "description": self.about, **{key: body[key] for key in body if key != "description"}}

    @abstractmethod
    def _body(self, form: str) -> Schema: ...

    def record(self) -> dict[str, Any]:
        """As a row of the list of schemas."""
        return {"name": self.name, "version": self.version, "formats": list(self.formats), "about": self.about}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Described):
    """Records: JSON lines, an object around all of them, or GeoJSON features."""

    properties: Mapping[str, Schema] = field(hash=False)
    """The keys of a record."""
    optional: tuple[str, ...] = ()
    """Keys that need not be there."""
    extra: Mapping[str, Schema] = field(default_factory=dict, hash=False)
    """Keys of the JSON object beside `items`."""
    command: str = ""
    """What the JSON object calls the verb; empty for the name."""
    line: Schema | None = field(default=None, hash=False)
    """A line of JSON lines, if it is not the record."""
    whole: Schema | None = field(default=None, hash=False)
    """The JSON document, if it is not an object with `items`."""
    is_open: bool = False
    """True if the record may have keys that another specification describes."""

    @property
    def formats(self) -> Sequence[str]:
        """All three."""
        return ("json", "jsonl", "geojson")

    def _body(self, form: str) -> Schema:
        if form == "jsonl":
            return self.line or self._record(self.properties)
        if form == "geojson":
            return self._features()
        if self.whole is not None:
            return self.whole
        head = {
            "schema": exactly(self.version) | {"description": "Version of this schema."},
            "s2kit": text("Version of s2kit."),
            "command": exactly(self.command or self.name),
        }
        items = listed(self._record(self.properties), "The records, in the order of the other formats.")
        return closed({**head, "items": items, **self.extra})

    def _record(self, properties: Mapping[str, Schema]) -> Schema:
        made = closed(properties, optional=self.optional)
        return {**made, "additionalProperties": True} if self.is_open else made

    def _features(self) -> Schema:
        shape = self.properties.get("geometry", {"type": "null"})
        facts = {key: one for key, one in self.properties.items() if key != "geometry"}
        feature = {
            "type": exactly("Feature"),
            "id": {"type": ["string", "number", "null"], "description": "The `id` of the record, if it has one."},
            "properties": {**self._record(facts), "description": "The other keys of the record."},
            "geometry": {"anyOf": [shape, {"type": "null"}], "description": "Where it is, or null."},
        }
        features = listed(closed(feature), "One feature a record.")
        return closed({"type": exactly("FeatureCollection"), "features": features, **self.extra})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Described):
    """One JSON document."""

    body: Schema = field(hash=False)
    form: str = "json"
    """`json`, `jsonl` for a file that gets lines, or `geojson`."""
    more: Mapping[str, Schema] = field(default_factory=dict, hash=False)
    """Other formats."""

    @property
    def formats(self) -> Sequence[str]:
        """The one of the document, then the others."""
        return (self.form, *self.more)

    def _body(self, form: str) -> Schema:
        return self.body if form == self.form else self.more[form]
