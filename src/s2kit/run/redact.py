"""The one redactor: secrets never leave the process by a message, a log, a record of a run or a search result.

Sinks call `redacted` on whatever they write; nobody else needs to.
"""

import re
from collections.abc import Iterable

_SHORTEST = 6
"""Characters that a value needs so that it is looked for by itself: `abc` is in too many words."""

_NAMES = (
    r"x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|awsaccesskeyid|signature|sig|"
    r"[\w-]*token|api[_-]?key|subscription[_-]key|[\w-]*passw(?:or)?d|pwd|[\w-]*secret|authorization|jwt"
)
_PARAMETER = re.compile(rf"(?i)(?<![\w-])({_NAMES})=(?!\*\*\*)[^&\s'\"<>#,;)\]}}]+")
_LOGIN = re.compile(r"//[^/?#\s'\"]+@")
_HEADER = re.compile(r"(?i)\b(bearer|authorization['\"]?\s*:\s*['\"]?\w+)\s+[\w.~+/=-]{8,}")
_concealed: set[str] = set()


def conceal(values: Iterable[str]) -> None:
    """Add values, such as passwords, that `redacted` shall hide wherever they occur."""
    _concealed.update(value for value in values if len(value) >= _SHORTEST)


def redacted(text: str) -> str:
    """A text with `***` for user and password in addresses, signatures, tokens and values of `conceal`."""
    for value in _concealed:
        text = text.replace(value, "***")
    if "@" in text:
        text = _LOGIN.sub("//***@", text)
    if "=" in text:
        text = _PARAMETER.sub(r"\1=***", text)
    return _HEADER.sub(r"\1 ***", text)
