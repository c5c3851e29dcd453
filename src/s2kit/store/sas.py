"""Azure Blob storage by HTTPS with shared access signatures (SAS): tokens that a service hands out to anyone.

A token serves for a whole container and some time. One serves a whole machine: the processes of all runs share it
through a file that only their user can read, until shortly before it ends. It is sent to the archive's own host only,
and hidden in all messages. Form of the answer: Planetary Computer's data authentication API,
`{"msft:expiry": …, "token": …}`.
"""

import hashlib
import json
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from s2kit.errors import S2KitError, ServiceError
from s2kit.run.files import write_atomic
from s2kit.run.locks import destination_lock
from s2kit.run.redact import conceal
from s2kit.store.archive import Archive
from s2kit.store.https import HttpsStore

MARGIN = timedelta(minutes=5)
"""So long before its end a token is asked for anew."""
_UNSAID = timedelta(minutes=15)
"""How long a token is used if the service does not say when it ends."""
_LOCK_WAIT_S = 120.0
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class SasToken:
    """One token."""

    text: str = field(repr=False)
    """What stands behind the `?` of an address."""
    ends: datetime

    def serves(self, refused: str) -> bool:
        """True if it has some time left, and is not the one that was refused."""
        return self.text != refused and datetime.now(UTC) + MARGIN < self.ends


class SasStore(HttpsStore):
    """Files of a container; what `HttpsStore` does, with a token in every request."""

    def _url(self, key: str) -> str:
        return f"{super()._url(key)}?{current_token(self.archive).text}"

    def _name(self, key: str) -> str:
        return super()._url(key)

    @contextmanager
    def _answer(self, method: str, key: str, headers: Mapping[str, str]) -> Iterator[Any]:
        with super()._answer(method, key, headers) as answer:
            if answer.status_code not in _REFUSED:
                yield answer
                return
            used = str(answer.request.url).partition("?")[2]
        current_token(self.archive, refused=used)  # it ended early, or was withdrawn
        with super()._answer(method, key, headers) as answer:
            yield answer


_tokens: dict[str, SasToken] = {}
_lock = threading.Lock()


def current_token(archive: Archive, refused: str = "") -> SasToken:
    """A token for an archive: that of this process, else that of this machine, else a new one.

    Args:
        archive: One with a `sas_endpoint`.
        refused: A token that the archive does not take any more.

    Raises:
        ServiceError: The service answered something else than a token.
        S2KitError: It cannot be reached, or is busy for longer than its retries.
    """
    endpoint = archive.sas_endpoint
    assert endpoint is not None, "only archives with tokens have such a store"
    with _lock:
        token = _tokens.get(endpoint)
        if token is None or not token.serves(refused):
            token = _tokens[endpoint] = _shared(endpoint, refused)
            conceal([token.text])
        return token


def _shared(endpoint: str, refused: str) -> SasToken:
    folder = _folder()
    if folder is None:
        return _asked(endpoint)
    path = folder / f"{hashlib.blake2b(endpoint.encode(), digest_size=12).hexdigest()}.json"
    with destination_lock(folder, _LOCK_WAIT_S):
        with suppress(OSError, S2KitError):
            kept = _parsed(path.read_bytes(), endpoint)
            if kept.serves(refused):
                return kept
        token = _asked(endpoint)
        with suppress(S2KitError, OSError):  # without the file, each process asks for itself
            document = json.dumps({"token": token.text, "msft:expiry": token.ends.isoformat()})
            write_atomic(path, document.encode(), overwrite=True)
        return token


def _asked(endpoint: str) -> SasToken:
    service = HttpsStore(Archive(name="SAS tokens", address=endpoint, anonymous=True, max_connections=1))
    return _parsed(service.read(""), endpoint)


def _parsed(answer: bytes, endpoint: str) -> SasToken:
    try:
        document = json.loads(answer)
        text, said = str(document["token"]).lstrip("?"), document.get("msft:expiry")
        ends = datetime.fromisoformat(str(said)) if said else datetime.now(UTC) + _UNSAID
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError(f"{endpoint} answered something else than a token", "is the address right?") from error
    if not text or not text.isascii() or not text.isprintable() or " " in text or "#" in text:
        raise ServiceError(f"{endpoint} answered a token that cannot be part of an address")
    return SasToken(text, ends.replace(tzinfo=UTC) if ends.tzinfo is None else ends)


def _folder() -> Path | None:
    """The folder that this user's processes share, and nobody else can read; None if there cannot be one."""
    path = Path(tempfile.gettempdir()) / f"s2kit-sas-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return path if private else None
