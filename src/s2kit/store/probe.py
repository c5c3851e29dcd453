"""Is a service there, how long does it take, and does its clock agree with ours?"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from requests.adapters import HTTPAdapter

from s2kit.store.http import new_session, unanswered

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request to a service showed."""

    seconds: float
    """From the request to the head of the answer."""
    skew_s: float | None = None
    """This machine's clock minus the server's; None if the server sends no time."""
    error: str = ""
    """Why there was no answer; empty if there was one, whatever its status."""


def probe(url: str) -> Answer:
    """Send one HEAD request; any status counts as an answer, because many services refuse an unsigned one."""
    started = time.perf_counter()
    try:
        with new_session(HTTPAdapter()) as session:
            reply = session.head(url, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.Timeout:
        return Answer(time.perf_counter() - started, error=f"no answer within {_TIMEOUT_S:.0f} s")
    except requests.RequestException as error:
        return Answer(time.perf_counter() - started, error=str(unanswered(error, "", url)).lstrip(": "))
    seconds = time.perf_counter() - started
    try:
        theirs = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return Answer(seconds)
    return Answer(seconds, (datetime.now(UTC) - theirs).total_seconds())
