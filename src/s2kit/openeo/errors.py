"""Errors with the codes of the openEO API. Computes only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from s2kit.errors import ConfigError, ExitCode, InputError, NotFoundError, S2KitError, TryLaterError, UsageError

INSTALL = "install what is missing with: pip install 's2kit[openeo]'"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a process graph."""

    code: str
    """openEO's error code, such as `ProcessUnsupported`."""
    message: str
    """One line that names what is wrong."""
    node: str | None = None
    """Path of the node, callbacks with slashes (`reduce1/reducer/mean`); None for the graph as a whole."""
    argument: str | None = None
    hint: str | None = None

    @property
    def line(self) -> str:
        """Node, argument, message and code on one line."""
        place = ", ".join(
            [
                *([f"node {self.node!r}"] if self.node is not None else []),
                *([f"argument {self.argument!r}"] if self.argument is not None else []),
            ]
        )
        return f"{place + ': ' if place else ''}{self.message} [{self.code}]"

    def record(self) -> dict[str, str | None]:
        """As a flat mapping."""
        return {
            "code": self.code,
            "node": self.node,
            "argument": self.argument,
            "message": self.message,
            "hint": self.hint,
        }


class GraphError(UsageError):
    """A process graph that cannot run; carries all problems that were found.

    Args:
        message: One line for all.
        hint: The fix.
        problems: Each fault with node, argument and code.
    """

    def __init__(self, message: str, hint: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, problems)
        self.problems = problems

    @classmethod
    def of(cls, problems: "tuple[Problem, ...] | list[Problem]") -> "GraphError":
        """One error for all problems: the first in full, and how many more there are."""
        first, *rest = problems
        more = f" (and {len(rest)} more)" if rest else ""
        return cls(first.line + more, first.hint, tuple(problems))

    @property
    def code(self) -> str:
        """The openEO code of the first problem."""
        return self.problems[0].code if self.problems else "ProcessGraphInvalid"


class ProcessError(InputError):
    """A process that failed while it ran, by its own rules (`TooManyDimensions`, `ExtentMissing` …).

    Args:
        message: One line.
        hint: The fix.
        code: openEO's code, as the specification of the process names it.
    """

    def __init__(self, message: str, hint: str | None = None, code: str = "Internal") -> None:
        super().__init__(message, hint)
        self.args = (message, hint, code)
        self.code = code


class JobNotFoundError(NotFoundError):
    """There is no such job."""

    code = "JobNotFound"


class JobLockedError(TryLaterError):
    """A job that is queued or running cannot be changed."""

    code = "JobLocked"
    exit_code = ExitCode.TRY_LATER


class JobNotFinishedError(S2KitError):
    """A job has no results yet, or none at all."""

    code = "JobNotFinished"
    exit_code = ExitCode.TRY_LATER


@contextmanager
def extra_needed() -> Iterator[None]:
    """A package that is not installed is a matter of settings, wherever in a run it is first needed.

    Raises:
        ConfigError: A package is missing; with the line that installs the extra.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigError(f"process graphs need {error.name}", INSTALL) from error
