"""One run of a verb: its settings, its voice on stderr, its log."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2kit.errors import AccessError, ExitCode, NothingFoundError, PartialFailure, S2KitError

if TYPE_CHECKING:
    from s2kit.run.events import Report
    from s2kit.settings import Loaded, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """What stands before the verb, or behind it."""

    config: Path | None = None
    env_file: Path | None = None
    dataset: Path | None = None
    verbosity: int = 0
    """-2 nothing, -1 errors only, 0 as usual, 1 each item, 2 debug."""
    log_file: Path | None = None
    log_requests: Path | None = None
    progress: bool = True
    cluster: str | None = None


class NothingToDoError(Exception):
    """Products were to come from stdin, and stdin named none."""


_WITHOUT_PIXELS = {"bands", "cache", "doctor", "schema"}
"""Verbs that need no GDAL, or look at it themselves."""

_ON_THIS_MACHINE = {*_WITHOUT_PIXELS, "demo", "info", "jobs", "parcels", "search", "serve"}
"""Verbs whose work no cluster does."""

_options = GlobalOptions()


def remember(options: GlobalOptions) -> None:
    """Keep the global options for the verb that follows."""
    global _options  # noqa: PLW0603 - Typer gives a callback and its command no other common place that is typed
    _options = options


def verbosity() -> int:
    """How much to say: -2 nothing, -1 errors only, 0 as usual, 1 each item, 2 debug."""
    return _options.verbosity


def words_for_jobs() -> tuple[str, ...]:
    """Options that give a job of this process the same settings files."""
    files = (("--config", _options.config), ("--env-file", _options.env_file))
    return tuple(word for option, path in files if path for word in (option, str(path.absolute())))


@dataclass(slots=True)
class Session:
    """What a verb works with."""

    verb: str
    loaded: "Loaded"
    report: "Report"
    """Takes the events of a workflow."""
    failures: list[S2KitError] = field(default_factory=list)
    items: int = 0
    """Items that were asked for, for the summary of failures."""
    result: dict[str, Any] = field(default_factory=dict)
    """What `--log-requests` reports about the result."""
    fail_if_empty: bool = False
    """True if an empty answer is a failure."""

    @property
    def settings(self) -> "Settings":
        """The merged settings."""
        return self.loaded.settings

    @property
    def secrets(self) -> Mapping[str, str]:
        """Credentials from the environment or `.env`, by the names of `settings.SECRETS`."""
        return self.loaded.secrets

    def fail(self, item: str, error: S2KitError) -> None:
        """Note that an item failed while the others go on; said at once, unless it is the only one and ends the run."""
        from s2kit.run.events import ItemFailed

        self.failures.append(error)
        if self.items != 1:
            self.report(ItemFailed(item, str(error)))

    def close(self, *, empty: bool = False) -> None:
        """Raise what the process ends with.

        Args:
            empty: True if nothing was found or made.

        Raises:
            S2KitError: The error itself if the only item failed.
            PartialFailure: Some of several items failed.
            AccessError: All failed for want of credentials or consent to pay.
            NothingFoundError: Nothing was found, with `--fail-if-empty`.
        """
        if len(self.failures) == 1 and self.items == 1:
            raise self.failures[0]
        if self.failures:
            from s2kit.run.wording import counted

            total = max(self.items, len(self.failures))
            refused = len(self.failures) == total and all(isinstance(error, AccessError) for error in self.failures)
            kind = AccessError if refused else PartialFailure
            hint = next((error.hint for error in self.failures if error.hint), None)
            raise kind(f"{len(self.failures)} of {counted(total, 'item')} failed", hint)
        if empty and self.fail_if_empty:
            raise NothingFoundError("nothing found")


def load(**flags: object) -> "Loaded":
    """The settings of this run, with flags laid over them."""
    from s2kit.settings import load_settings

    given = {
        "dataset": _options.dataset,
        "log_file": _options.log_file,
        "log_requests": _options.log_requests,
        "cluster": _options.cluster,
    }
    texts = {name: None if value is None else str(value) for name, value in given.items()}
    return load_settings({**texts, **flags}, config=_options.config, env_file=_options.env_file)


@contextmanager
def session(verb: str, *, fail_if_empty: bool = False, **flags: object) -> Iterator[Session]:
    """Everything around a verb's body: settings, progress, log lines, the record of the run.

    A body that raises `NothingToDoError` ends well: stdin named nothing.

    Args:
        verb: Name of the verb.
        fail_if_empty: True if an empty answer is a failure.
        flags: Settings that were given as options of the verb; None means not given.
    """
    from s2kit.cli.terminal import listening, set_up_logging
    from s2kit.run.events import Note
    from s2kit.run.sharing import hand_down
    from s2kit.settings import at_work, in_use

    loaded = load(**flags)
    in_use(loaded)
    set_up_logging(_options.verbosity, loaded.settings.log_file)
    started = datetime.now(UTC)
    code = ExitCode.DONE
    with listening(verb, verbosity=_options.verbosity, progress=_options.progress) as report:
        run = Session(verb, loaded, report, fail_if_empty=fail_if_empty)
        if loaded.ignored:
            report(Note(loaded.ignored, warning=True))
        try:
            try:
                if verb not in _WITHOUT_PIXELS:
                    _refuse_broken_environment()
                with nullcontext() if verb in _ON_THIS_MACHINE else at_work(loaded.settings):
                    yield run
            except NothingToDoError as nothing:
                report(Note(str(nothing)))
                run.close(empty=True)
        except S2KitError as error:
            code = error.exit_code
            raise
        except BaseException:
            code = ExitCode.BUG
            raise
        finally:
            hand_down({})
            if loaded.settings.log_requests:
                _append_request(Path(loaded.settings.log_requests), run, started, code)


def _refuse_broken_environment() -> None:
    """Raise `ConfigError` if a variable of another installation keeps GDAL or PROJ from working."""
    from s2kit.run.gdal_info import environment_problems

    for problem in environment_problems():
        raise problem


def _append_request(path: Path, run: Session, started: datetime, code: ExitCode) -> None:
    from s2kit.run.files import translate_os_error
    from s2kit.run.redact import redacted

    line = {
        "time": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "verb": run.verb,
        "arguments": sys.argv[1:],
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "exit": int(code),
        "failed": [str(error) for error in run.failures],
        **run.result,
    }
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(redacted(json.dumps(line, ensure_ascii=False, default=str)) + "\n")
    except OSError as error:
        raise translate_os_error(error, path) from error
