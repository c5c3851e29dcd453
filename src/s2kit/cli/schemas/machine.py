"""Schemas of what s2kit says of itself: bands, settings, cache, checks, its log of runs, schemas. Pure."""

from dataclasses import fields
from typing import Any

from s2kit.admin.doctor import CheckState
from s2kit.cli.schemas.model import Document, Listing
from s2kit.cli.schemas.parts import Schema, closed, listed, mapped, maybe, number, one_of, text, time, whole
from s2kit.product.bands import SATELLITES
from s2kit.run.cache_folders import CACHES
from s2kit.settings import SECRETS, Settings
from s2kit.settings.model import CatalogueSettings
from s2kit.store.archive import Archive

_SOURCE = "Where the numbers are from."

BANDS = Listing(
    name="bands",
    about="Bands and layers, by `s2kit bands`.",
    properties={
        "band": text("Name, such as B04, B8A or SCL."),
        "name": text("What it shows."),
        **{
            f"centre_nm_{satellite.lower()}": maybe(number(f"Centre wavelength on {satellite} in nanometres.", 0))
            for satellite in SATELLITES
        },
        "resolution_m": whole("Side of a pixel in metres.", 10),
        "levels": listed(one_of(("L1C", "L2A"), "Level."), "Processing levels that have it."),
        "use": text("What it is used for."),
        "source": text(_SOURCE),
        "common_name": maybe(text("Name by which options take it too, such as red.")),
    },
    extra={"source": text(_SOURCE)},
)

CACHE = Listing(
    name="cache",
    about="Parts of the cache, by `s2kit cache show`, or what `s2kit cache clear` removed.",
    properties={
        "name": one_of(tuple(CACHES), "Name of the part."),
        "holds": text("What it holds."),
        "files": whole("Files in it."),
        "nbytes": whole("Bytes of all files."),
        "oldest_days": maybe(number("Age of the oldest file in days.", 0)),
        "folder": text("Its folder."),
    },
)

DOCTOR = Listing(
    name="doctor",
    about="Checks of the machine, by `s2kit doctor`.",
    properties={
        "check": text("What was checked."),
        "state": one_of(CheckState, "How it came out."),
        "detail": text("What was found."),
        "hint": text("How to mend it; empty if there is nothing to mend."),
    },
)


def _type_of(value: Any) -> Schema:
    """The schema of a setting, by its built-in value."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, tuple):
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "string"}


def _given(schema: Schema, about: str) -> Schema:
    """A value, or with --origin the value and where it is from."""
    origin = text("File, variable or option that says it; built-in if none does.")
    pair = closed({"value": {**schema, "description": "The value."}, "origin": origin})
    return {"anyOf": [schema, pair], "description": about}


_ENTRIES = {
    "address": "Bucket, address or folder.",
    "layout": "How products are laid out in it.",
    "endpoint_url": "S3 endpoint.",
    "region": "Region of the bucket.",
    "requester_pays": "True if reading is billed to the reader.",
    "anonymous": "True if requests are not signed.",
    "profile": "AWS profile that holds the keys.",
    "sas_endpoint": "Address that gives tokens of an Azure container.",
    "max_connections": "Connections at one time.",
    "url": "Root of the service, or a folder.",
    "kind": "stac, odata, dhus or local.",
    "in_all": "True if --catalogue all asks it.",
}
"""What the entries of an archive and a catalogue mean."""


def _entry(example: Archive | CatalogueSettings) -> Schema:
    """A table of the settings like this one; an entry without a value is left out."""
    names = [one.name for one in fields(example) if one.name != "name"]
    return closed(
        {name: _given(_type_of(getattr(example, name)), _ENTRIES[name]) for name in names}, optional=tuple(names)
    )


def _setting(value: Any, about: str) -> Schema:
    if not isinstance(value, dict):
        return _given(_type_of(value), about)
    first = next(iter(value.values()), "")
    if isinstance(first, (Archive, CatalogueSettings)):
        return mapped(_entry(first), about)
    return mapped(_given({"type": "string"}, "The entry."), about)


CONFIG = Document(
    name="config",
    about="All settings, by `s2kit config show -f json`; secrets are never shown.",
    body=closed(
        {
            **{one.name: _setting(getattr(Settings(), one.name), one.metadata["about"]) for one in fields(Settings)},
            "secrets": closed(
                {name: maybe(one_of(("***",), "Credential.")) for name in SECRETS},
                "*** if set, else null.",
            ),
        }
    ),
)

LOG_REQUESTS = Document(
    name="log-requests",
    about="A line of the file that `--log-requests` names: one for each run.",
    form="jsonl",
    body={
        **closed(
            {
                "time": time("When the run began."),
                "verb": text("The verb."),
                "arguments": listed(text("Word."), "Words of the command line, without secrets."),
                "seconds": number("How long the run took.", 0),
                "exit": whole("Exit code."),
                "failed": listed(text("Error."), "What failed."),
            }
        ),
        "additionalProperties": True,
    },
)

USERS = Listing(
    name="serve-users",
    about="Users of the service, by `s2kit serve user list`.",
    command="serve",
    properties={"name": text("Name to log in with.")},
)

SCHEMAS = Listing(
    name="schema",
    about="The list of schemas, by `s2kit schema`.",
    properties={
        "name": text("Name, for `s2kit schema NAME`."),
        "version": whole("Grows with each change of the schema.", 1),
        "formats": listed(text("Format."), "Formats that have a schema, the usual one first."),
        "about": text("What it describes."),
    },
)

OUTPUTS = (BANDS, CACHE, DOCTOR, CONFIG, LOG_REQUESTS, USERS, SCHEMAS)
