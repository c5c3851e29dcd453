"""What a check of the machine says. Pure."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from s2kit.errors import ConfigError, S2KitError


class CheckState(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """Something works less well, or not at all if it is needed."""
    FAIL = "fail"
    """s2kit does not work as it is; decides the exit code."""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was looked at."""

    check: str
    state: CheckState
    detail: str
    hint: str = ""
    exit_code_of: type[S2KitError] = ConfigError
    """The error that a failure of this check stands for."""

    def record(self) -> dict[str, object]:
        """The check for output."""
        record = asdict(self)
        del record["exit_code_of"]
        return record
