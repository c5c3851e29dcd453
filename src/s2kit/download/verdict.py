"""What is known of the files of a product that is held against its manifest, or against its STAC item; values only."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from s2kit.store.hashes import Algorithm
from s2kit.store.location import ImageLocation


class Verdict(StrEnum):
    """What is known of one file."""

    VERIFIED = "verified"
    SIZED = "size-only"
    """Of the right size; nothing gives a checksum of it."""
    MISSING = "missing"
    WRONG = "wrong"
    EXTRA = "extra"
    """Nobody knows it."""
    UNLISTED = "unlisted"
    """Part of a SAFE, though its manifest does not list it."""
    ABSENT = "absent-at-source"
    """Missing, and the record says that the archive never had it."""
    SKIPPED = "skipped"
    """Missing, and the record says that it was not asked for."""


ALWAYS_BAD = frozenset({Verdict.MISSING, Verdict.WRONG})
UNLISTED = frozenset({Verdict.EXTRA, Verdict.UNLISTED})
STRICTLY_BAD = ALWAYS_BAD | {Verdict.EXTRA, Verdict.ABSENT, Verdict.SKIPPED}


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What is known of one file."""

    path: str
    verdict: Verdict
    nbytes: int = 0
    message: str = ""

    def record(self, product: str) -> dict[str, Any]:
        """As plain values, for reports."""
        return {
            "product": product,
            "path": self.path,
            "state": str(self.verdict),
            "nbytes": self.nbytes,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One file whose checksum is to be taken, in whichever process."""

    product: int
    """Number of the product in this run."""
    path: str
    location: ImageLocation
    nbytes: int
    algorithm: Algorithm
    checksum: str
    says: str = "the manifest"
    """Who says so, for messages."""
    proof: str = ""
    """What the verdict says of a file that has it; empty for the manifest's checksum."""


@dataclass(slots=True)
class Checked:
    """A product at work."""

    path: Path
    name: str
    lister: str = "manifest"
    """What lists its files."""
    verdicts: list[FileVerdict] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    pending: int = 0
