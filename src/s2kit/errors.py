"""Everything that can go wrong, each with the exit code it ends the process with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `s2kit` process; 65 to 78 are those of sysexits.h."""

    DONE = 0
    BUG = 1
    USAGE = 2
    NOTHING_FOUND = 3
    PARTIAL = 4
    INPUT = 65
    NOT_FOUND = 66
    SERVICE = 69
    OUTPUT = 73
    DISK = 74
    TRY_LATER = 75
    ACCESS = 77
    CONFIG = 78
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """One line for the manual and the README."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done; also: already there, nothing new, an empty search",
    ExitCode.BUG: "a defect of s2kit (run again with -vv and report it)",
    ExitCode.USAGE: "the command line could not be understood",
    ExitCode.NOTHING_FOUND: "nothing found, only with --fail-if-empty",
    ExitCode.PARTIAL: "some items failed, the others are done",
    ExitCode.INPUT: "bad input data",
    ExitCode.NOT_FOUND: "a named product, band, key or file is not there",
    ExitCode.SERVICE: "a service answered nonsense or is gone",
    ExitCode.OUTPUT: "the output exists or cannot be created",
    ExitCode.DISK: "disk full or failing",
    ExitCode.TRY_LATER: "a passing fault, or another run is at work: run again later",
    ExitCode.ACCESS: "credentials missing or refused, or a payment not agreed to",
    ExitCode.CONFIG: "the settings are wrong",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
    ExitCode.PIPE_CLOSED: "the reader of the output went away",
    ExitCode.TERMINATED: "terminated by a signal",
}


class S2KitError(Exception):
    """Base of all errors that s2kit raises on purpose.

    Args:
        message: One line that names the thing and what is wrong with it.
        hint: One line that names the fix, often the next command to type.
    """

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)  # both, so that the error survives pickling
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(S2KitError):
    """Options that are each well-formed but cannot stand together."""

    exit_code = ExitCode.USAGE


class ConfigError(S2KitError):
    """A settings file or environment variable with an unknown key or a wrong value."""

    exit_code = ExitCode.CONFIG


class InputError(S2KitError, ValueError):
    """Data that cannot be used: an unparsable name, a corrupt file, an area that does not overlap."""

    exit_code = ExitCode.INPUT


class NotFoundError(S2KitError, LookupError):
    """A named product, band, key or file that is not there."""

    exit_code = ExitCode.NOT_FOUND


class NothingFoundError(S2KitError):
    """An empty answer, where the caller asked for that to be a failure."""

    exit_code = ExitCode.NOTHING_FOUND


class AccessError(S2KitError):
    """Credentials that are missing or refused, or a requester-pays archive that was not agreed to."""

    exit_code = ExitCode.ACCESS


class ServiceError(S2KitError):
    """A remote service that answered nonsense or is closed for good."""

    exit_code = ExitCode.SERVICE


class TryLaterError(S2KitError):
    """A passing fault: time-outs after all retries, throttling, a lock that is held."""

    exit_code = ExitCode.TRY_LATER


class OutputError(S2KitError, OSError):
    """An output that exists already or cannot be created."""

    exit_code = ExitCode.OUTPUT

    def __str__(self) -> str:  # OSError would print its two arguments as errno and text
        return self.message


class DiskError(OutputError):
    """A disk that is full or failing."""

    exit_code = ExitCode.DISK


class PartialFailure(S2KitError):  # noqa: N818 - it reports failures, it is not one item's error
    """Some items failed while the others are done."""

    exit_code = ExitCode.PARTIAL
