"""Values of options: read by a parser, or one of a few words; what is wrong is a usage error, since somebody typed it.

Pure: no input or output.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from s2kit.errors import InputError, UsageError

T = TypeVar("T")


def typed(parse: Callable[[str], T], text: str) -> T:
    """The value that a parser reads.

    Raises:
        UsageError: The parser refuses the text with an `InputError`.
    """
    try:
        return parse(text)
    except InputError as error:
        raise UsageError(error.message, error.hint) from error


def one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    """The value in lower case, if it is allowed.

    Args:
        option: Name of the option, without dashes, for the message.
        value: As it was typed.
        allowed: The values to choose from.

    Raises:
        UsageError: It is none of them.
    """
    word = value.strip().lower()
    if word not in allowed:
        raise UsageError(f"--{option} {value!r} is not known", f"take one of {', '.join(allowed)}")
    return word
