"""Values of options and arguments without pydantic, which Typer loads for each of them, given or not.

Plain values only: whatever is not as it should be goes to Typer, which converts or refuses it.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from typer.core import TyperArgument, TyperOption

P = TypeVar("P")

_NUMBERS = {int: re.compile(r"-?[0-9]{1,9}"), float: re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")}


def converting_plainly(parameters: Sequence[P]) -> Sequence[P]:
    """The parameters of a command, each of which converts plain values by itself from now on."""
    for parameter in parameters:
        if isinstance(parameter, (TyperOption, TyperArgument)):
            parameter._runtime_param = _Plain()  # type: ignore[assignment] # what Typer would make of pydantic
    return parameters


class _Plain:
    """Stands where Typer keeps the converter of a parameter."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a parameter as the verb takes it.

        Raises:
            BadParameter: It cannot be converted.
        """
        with suppress(ValueError, TypeError, AttributeError):  # the last from a Typer that is other than we know
            return _plain(value, param)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _plain(value: Any, param: Any) -> Any:
    """A plain value, converted.

    Raises:
        ValueError: It is none, or not right.
    """
    many = param.multiple or param.nargs == -1
    if value is None:
        return () if many else None
    if value is param.default:  # has its type already
        return value
    about, kind = param.type_descriptor.parameter_info, param.type_descriptor.annotation
    if not many:
        return _one(value, kind, about)
    if get_origin(kind) is not list or isinstance(value, str):
        raise ValueError(value)
    return [_one(item, get_args(kind)[0], about) for item in value]


def _one(text: Any, kind: Any, about: Any) -> Any:
    if about.parser is not None:
        return about.parser(text)
    if type(text) is kind and about.min is None and about.max is None:  # flags that are counted
        return text
    if not isinstance(text, str):
        raise TypeError(text)
    if kind is str:
        return text
    if kind is Path:
        return _path(text, about)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(text)
    return _number(text, kind, about)


def _path(text: str, about: Any) -> Path:
    special = about.resolve_path or about.path_type or about.writable
    if special or not (about.file_okay and about.dir_okay):
        raise ValueError(text)
    if not os.access(text, os.R_OK) and (about.exists or os.path.lexists(text)):
        raise ValueError(text)
    return Path(text)


def _number(text: str, kind: Any, about: Any) -> int | float:
    if kind not in _NUMBERS or not _NUMBERS[kind].fullmatch(text) or about.clamp:
        raise ValueError(text)
    number: int | float = kind(text)
    if (about.min is not None and number < about.min) or (about.max is not None and number > about.max):
        raise ValueError(text)
    return number
