"""What `render` answers: one outcome an output.

Pure: no input or output.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from s2kit.errors import S2KitError


class OutputState(StrEnum):
    """The state of one output."""

    MADE = "made"
    KEPT = "kept"
    """It was there already, made with the same options."""
    PLANNED = "planned"
    """It would be made; only in a dry run."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One output of a run."""

    product: str
    subject: str
    state: OutputState
    path: Path | None = None
    resolution_m: float | None = None
    width: int | None = None
    height: int | None = None
    nbytes: int | None = None
    """Of the output; in a dry run, of the images that are read at most."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Stretch limits by band."""
    error: S2KitError | None = None

    def record(self) -> dict[str, object]:
        """A flat mapping for stdout."""
        return {
            "id": str(self.path) if self.path else "",
            "product": self.product,
            "subject": self.subject,
            "state": self.state.value,
            "path": str(self.path) if self.path else None,
            "resolution_m": self.resolution_m,
            "width": self.width,
            "height": self.height,
            "nbytes": self.nbytes,
            "limits": dict(self.limits),
            "error": str(self.error) if self.error else None,
        }
