"""HTTP byte ranges (RFC 9110, section 14): asking for them, and making sense of what comes back."""

import re
from collections.abc import Iterator

from s2kit.errors import InputError, ServiceError, TryLaterError

BODY_ATTEMPTS = 4
"""How often a body that broke off is asked for in all."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class BrokenBodyError(TryLaterError):
    """A transfer that ended before all its bytes had come; asking again may help."""


def request_range(start: int, length: int | None) -> str | None:
    """The value of a Range header; None if the whole object is wanted."""
    if length is not None:
        return f"bytes={start}-{start + length - 1}"
    return f"bytes={start}-" if start else None


def content_range(value: str | None) -> tuple[int, int] | None:
    """`(first byte, size of the whole object)` of a Content-Range header; None if there is none."""
    found = _CONTENT_RANGE.fullmatch(value or "")
    return (int(found[1]), int(found[3])) if found else None


def refuse_encoded(encoding: str | None, name: str) -> None:
    """Raise `InputError` if an object's bytes are an encoding of the file's, such as gzip.

    Args:
        encoding: The Content-Encoding header; `aws-chunked`, which some stores keep from the upload, changes nothing.
        name: Address of the object, for the message.
    """
    codings = {coding.strip().lower() for coding in (encoding or "").split(",")} - {"", "identity", "aws-chunked"}
    if codings:
        raise InputError(
            f"{name} is stored compressed (Content-Encoding: {', '.join(sorted(codings))}): "
            "its bytes are not those of the file",
            "store it without Content-Encoding",
        )


def sliced(chunks: Iterator[bytes], first: int, start: int, length: int | None, total: int, name: str) -> bytes:
    """The wanted bytes out of a body, which may be the whole object if the server ignored the range.

    Args:
        chunks: The body; no more of it is taken than needed.
        first: Offset of the body's first byte in the object.
        start: First byte wanted.
        length: How many; None for all that follow.
        total: Size of the object.
        name: Address of the object, for messages.

    Raises:
        ServiceError: The body begins behind `start`.
        BrokenBodyError: The body ends too early.
    """
    if first > start:
        raise ServiceError(f"{name}: asked for byte {start}, the server sent from byte {first} on")
    end = total if length is None else min(start + length, total)
    parts: list[bytes] = []
    at = first
    for chunk in chunks:
        parts.append(chunk[max(start - at, 0) : max(end - at, 0)])
        at += len(chunk)
        if at >= end:
            break
    if at < end:
        raise BrokenBodyError(f"{name}: the transfer broke off at byte {at} of {end}", "run again later")
    return b"".join(parts)
