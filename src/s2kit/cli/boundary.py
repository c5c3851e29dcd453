"""Where errors end: one line on stderr, one hint, one exit code, no traceback unless it is asked for."""

import errno
import logging
import sys
import traceback
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer._click.exceptions import NoArgsIsHelpError, UsageError  # Typer shows only their subclass BadParameter
from typer.core import TyperGroup

from s2kit.cli.plain_help import show_plainly, without_types
from s2kit.cli.plain_values import converting_plainly
from s2kit.cli.shutdown import code_of_signal
from s2kit.cli.streams import give_up, say, stdout, stdout_error
from s2kit.cli.verbs import Verbs
from s2kit.errors import ExitCode, S2KitError
from s2kit.errors import UsageError as OurUsageError

_log = logging.getLogger("s2kit")
_log.addHandler(logging.NullHandler())  # what is said before a verb begins goes to nobody but stderr

_GLOBAL_FLAGS = {"--quiet", "-q", "-qq", "--verbose", "-v", "-vv", "-vvv", "--progress", "--no-progress"}
_GLOBAL_VALUES = {"--config", "--env-file", "--dataset", "--log-file", "--log-requests", "--cluster"}


class Root(TyperGroup):
    """The top-level group: global options may stand anywhere, errors become exit codes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        show_plainly(self)
        self.commands = ChainMap(self.commands, Verbs(self.rich_markup_mode))  # type: ignore[arg-type] # nobody adds to it

    def get_params(self, ctx: Any) -> Any:
        """Its options, with those that Typer adds itself."""
        parameters = converting_plainly(super().get_params(ctx))
        without_types(parameters)
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after moving global options to the front; help and version are printed here."""
        if ctx.resilient_parsing:  # a shell asks what may follow
            from s2kit.cli.completion import attach

            attach(self)
        with _translated():
            return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        """Run a verb and translate what it raises."""
        with _translated():
            result = super().invoke(ctx)
            with stdout():  # what is still on its way
                return result


@contextmanager
def _translated() -> Iterator[None]:
    """Errors become exits, after the one line about them."""
    try:
        yield
    except S2KitError as error:
        _unless_told_to_stop()
        say_error(error)
        raise typer.Exit(error.exit_code) from error
    except UsageError as error:
        raise _refused(error) from error
    except BrokenPipeError:  # `s2kit search | head`: end quietly
        give_up(sys.stdout)
        raise typer.Exit(ExitCode.PIPE_CLOSED) from None
    except KeyboardInterrupt:
        say("s2kit: interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        if type(error).__module__.startswith("typer"):  # exits are Typer's own business
            raise
        _unless_told_to_stop()
        ours = _environment_error(error) or _defect(error)
        say_error(ours)
        raise typer.Exit(ours.exit_code) from error


def _unless_told_to_stop() -> None:
    """Exit as a run that was told to stop, if it was: what it met then is no error of its own."""
    code = code_of_signal()
    if code is not None:
        if code is ExitCode.INTERRUPTED:
            say("s2kit: interrupted")
        raise typer.Exit(code)


def _environment_error(error: Exception) -> S2KitError | None:
    """The error of a full stdout or an impossible file name, met where nobody expected it; None for other errors."""
    from s2kit.run.files import name_too_long

    if not isinstance(error, OSError):
        return None
    if error.filename is None and error.errno in {errno.EBADF, errno.EIO, errno.ENOSPC}:  # the help is Typer's to print
        return stdout_error(error)
    return name_too_long(error)


def _refused(error: UsageError) -> Exception:
    """What to raise for words that cannot be understood: an exit, after the one line about them."""
    if isinstance(error, NoArgsIsHelpError):
        return error  # its message is the help
    command = error.ctx.command_path if error.ctx is not None else "s2kit"
    message = error.format_message().replace("Value error, ", "")  # pydantic's, of no use to who typed it
    say_error(OurUsageError(message, f"{command} --help lists the options"))
    return typer.Exit(ExitCode.USAGE)


def hoisted(args: list[str]) -> list[str]:
    """The words of a command line with the global options first, wherever they stood before `--`."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _GLOBAL_FLAGS or (word.partition("=")[0] in _GLOBAL_VALUES and "=" in word):
            front.append(word)
        elif word in _GLOBAL_VALUES:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return front + rest


def say_error(error: S2KitError) -> None:
    """Print an error and its hint on stderr; with -vv the traceback first, with -qq nothing."""
    from s2kit.cli.context import verbosity

    level = verbosity()
    _log.error("%s", error)
    if level >= 2:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    if level > -2:
        say(f"s2kit: error: {error}")
        if error.hint:
            say(f"s2kit: hint: {error.hint}")


def _defect(error: Exception) -> S2KitError:
    defect = S2KitError(f"internal: {type(error).__name__}: {error}", "run again with -vv and report what it prints")
    defect.__cause__ = error
    return defect
