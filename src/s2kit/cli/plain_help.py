"""Help without the names of Python types: Typer prints `<list[str]>` after arguments and `<bool>` after flags.

On a terminal it keeps the line breaks of docstrings too, where they are not.
"""

from collections.abc import Iterable
from typing import Any, cast

from typer._click.core import Command, Parameter
from typer._click.decorators import help_option
from typer.core import TyperArgument, TyperOption


class _Argument(TyperArgument):
    """An argument that is shown by its name alone."""

    def display_type_rich(self, ctx: Any) -> str | None:
        """No type."""
        return None

    def _usage_display_name(self) -> str:
        dots = "" if self.nargs == 1 else "..."
        return f"{self.display_name_raw if self.required else f'[{self.display_name_raw}]'}{dots}"

    def _rich_display_name(self) -> str:
        return f"{self.display_name_raw}{'' if self.nargs == 1 else '...'}"


def show_plainly(command: Command) -> None:
    """Let the help of a command, and of those below it, name no types and break no line within a paragraph."""
    for below in getattr(command, "commands", {}).values():
        show_plainly(below)
    help_option(["-h", "--help"])(command)
    command._help_option = cast("TyperOption", command.params.pop())
    without_types((*command.params, command._help_option))
    if command.help:
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in command.help.split("\n\n"))


def without_types(parameters: Iterable[Parameter]) -> None:
    """Let parameters be shown without the names of their types."""
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            parameter.__class__ = _Argument
        elif isinstance(parameter, TyperOption) and (parameter.is_flag or parameter.count):
            parameter.metavar = ""
