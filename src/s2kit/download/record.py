"""The record beside a product: where it came from, what the source lacked, what was asked for, what was proven.

It is `NAME.SAFE.s2kit.json`, beside the folder or zip and never inside it. It makes a second run cheap, since files
whose size and time are those of the record need not be hashed again, and it makes `verify` fair.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from s2kit.errors import InputError
from s2kit.product.subset import Subset

SUFFIX = ".SAFE.s2kit.json"
SCHEMA = 1


class FileState(StrEnum):
    """What became of one file of a product."""

    VERIFIED = "verified"
    """There, and its bytes are those that the manifest lists."""
    UNLISTED = "unlisted"
    """There, though no manifest lists it: proven by the store's tag at best."""
    ABSENT = "absent-at-source"
    """The manifest lists it, the archive never had it."""
    SKIPPED = "skipped"
    """Not asked for."""
    FAILED = "failed"
    """Not to be had, or wrong."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Size and time of change of a file when it was proven."""

    nbytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ManifestProof:
    """What is known of `manifest.safe`, by which all other files are proven."""

    sha256: str
    """Of its bytes, hexadecimal: what `verify` holds it against."""
    witness: str
    """How the bytes that arrived were proven: see `store.metadata.Witness`."""
    confirmed_by: str | None = None
    """An independent catalogue that lists the same checksum (`--check-against`), None if none was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadRecord:
    """What is known of one product at its destination."""

    product: str
    archive: str
    """Name of the archive."""
    address: str
    time: str
    """When it was completed, ISO 8601, UTC."""
    version: str
    """Of s2kit."""
    subset: Subset = field(default_factory=Subset)
    files: Mapping[str, Stamp] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Proven files of the SAFE folder, by path."""
    unlisted: tuple[str, ...] = ()
    """Those of `files` that no manifest lists."""
    absent: tuple[str, ...] = ()
    """Listed by the manifest, never had by the archive."""
    skipped: tuple[str, ...] = ()
    """Listed by the manifest, not asked for."""
    etags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Of the objects, if the destination is a bucket."""
    manifest: ManifestProof | None = None
    """None in records of older versions."""
    zip: Stamp | None = None
    """The zip, if there is one; its members were proven after it was written."""

    def covers(self, subset: Subset) -> bool:
        """True if everything that a subset wants is there, as far as the source had it."""
        return not any(subset.wants(path) for path in self.skipped)

    def to_json(self) -> str:
        """As text, one file a line."""
        value = {
            "schema": SCHEMA,
            "product": self.product,
            "source": {"archive": self.archive, "address": self.address},
            "time": self.time,
            "s2kit": self.version,
            "subset": self.subset.to_record(),
            "absent_at_source": list(self.absent),
            "skipped": list(self.skipped),
            "unlisted": list(self.unlisted),
            "etags": dict(self.etags),
            "manifest": None if self.manifest is None else asdict(self.manifest),
            "zip": None if self.zip is None else [self.zip.nbytes, self.zip.mtime_ns],
        }
        head = json.dumps(value, indent=1, ensure_ascii=False)
        stamps = (f"  {json.dumps(path)}: [{s.nbytes}, {s.mtime_ns}]" for path, s in sorted(self.files.items()))
        return f'{head[:-2]},\n "files": {{\n' + ",\n".join(stamps) + "\n }\n}\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a record.

        Raises:
            InputError: It is damaged, or of a later schema.
        """
        try:
            value: Mapping[str, Any] = json.loads(text)
            _check_schema(value["schema"])
            return cls(
                product=str(value["product"]),
                archive=str(value["source"]["archive"]),
                address=str(value["source"]["address"]),
                time=str(value["time"]),
                version=str(value["s2kit"]),
                subset=Subset.from_record(value["subset"]),
                files={str(path): Stamp(int(pair[0]), int(pair[1])) for path, pair in value["files"].items()},
                unlisted=tuple(map(str, value["unlisted"])),
                etags={str(path): str(tag) for path, tag in value["etags"].items()},
                absent=tuple(map(str, value["absent_at_source"])),
                skipped=tuple(map(str, value["skipped"])),
                manifest=_manifest(value.get("manifest")),
                zip=None if value["zip"] is None else Stamp(int(value["zip"][0]), int(value["zip"][1])),
            )
        except InputError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise InputError(f"the record is damaged: {type(error).__name__}: {error}", "remove it") from error


def _manifest(value: Mapping[str, Any] | None) -> ManifestProof | None:
    if value is None:
        return None
    confirmed = value.get("confirmed_by")
    return ManifestProof(str(value["sha256"]), str(value["witness"]), None if confirmed is None else str(confirmed))


def _check_schema(schema: object) -> None:
    if schema != SCHEMA:
        raise InputError(f"the record is of schema {schema}, which is not known here", "use a newer s2kit")


def now() -> str:
    """The moment, ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
