"""HTTP for catalogues: answers as a whole, one deadline for everything, few connections to a host.

The session is that of `store.http`. A search by POST changes nothing and is sent again, too; a body that breaks off is
fetched anew; the deadline ends it all, even in the middle of a slow body. All of this is in the adapter, so that
pystac-client and sentinelsat get it, too.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import stamina
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from s2kit.errors import AccessError, NotFoundError, S2KitError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline
from s2kit.store.http import (
    CONNECT_S,
    READ_S,
    RETRIES,
    RETRY_STATUS,
    Login,
    host_of,
    new_session,
    patient_retry,
    reason,
    refused_by_proxy,
    unanswered,
)

CONNECTIONS_PER_HOST = 3
"""At one time and for all searches of a process; CDSE allows four."""
MAX_ANSWER_BYTES = 256 * 1024**2

_CHUNK = 64 * 1024
_BODY_ATTEMPTS = 4
_host_limits: dict[str, threading.BoundedSemaphore] = {}
_host_lock = threading.Lock()


class CatalogueRequestError(ServiceError):
    """The service does not understand what it was asked (400, 405, 413, 422)."""


class _BrokenBodyError(Exception):
    """An answer that broke off."""


class _PoliteAdapter(HTTPAdapter):
    """Sends a request and reads its answer to the end before anyone else sees it."""

    def __init__(self, deadline: Deadline, retries: int) -> None:
        self._deadline = deadline
        retry = patient_retry(deadline, retries, methods=None)
        super().__init__(max_retries=retry, pool_maxsize=CONNECTIONS_PER_HOST)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request; a body that breaks off is asked for again."""
        host = host_of(str(request.url))
        attempts = stamina.retry_context(on=_BrokenBodyError, attempts=_BODY_ATTEMPTS, timeout=None, wait_max=5)
        try:
            for attempt in attempts:
                with attempt:
                    return self._send_once(request, host, options)
        except _BrokenBodyError as error:
            raise TryLaterError(f"{host} broke off in the middle of its answer: {error}", "run again later") from error
        raise AssertionError("unreachable")

    def _send_once(self, request: requests.PreparedRequest, host: str, options: dict[str, Any]) -> requests.Response:
        self._deadline.check(host)
        left = self._deadline.left()
        options |= {"timeout": (min(CONNECT_S, left), min(READ_S, left)), "stream": True}
        with _polite(host, self._deadline):
            try:
                response = super().send(request, **options)
            except requests.exceptions.InvalidURL as error:
                raise ServiceError(f"{request.url}: no address of a service: {error}") from error
            except requests.exceptions.RequestException as error:
                self._deadline.check(host)
                raise unanswered(error, host, str(request.url)) from error
            with response:
                response._content = self._body(response, host)  # requests has no public way to set it
                response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _body(self, response: requests.Response, host: str) -> bytes:
        data = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                data += chunk
                self._deadline.check(host)
                if len(data) > MAX_ANSWER_BYTES:
                    raise ServiceError(f"{host} answered with more than {MAX_ANSWER_BYTES // 1024**2} MB")
        except (HTTPError, OSError) as error:
            self._deadline.check(host)
            raise _BrokenBodyError(reason(error)) from error
        return bytes(data)


class Transport:
    """A session to one service; not to be shared between threads."""

    def __init__(self, deadline: Deadline, login: Login | None = None, retries: int = RETRIES) -> None:
        self.deadline = deadline
        self.session = new_session(_PoliteAdapter(deadline, retries), login)

    def json(
        self, method: str, url: str, *, body: object = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object that a service answers; the same errors as `fetch`.

        Raises:
            ServiceError: The answer is no JSON object.
        """
        return parse_object(self.fetch(method, url, body=body, params=params), host_of(url))

    def fetch(self, method: str, url: str, *, body: object = None, params: Mapping[str, str] | None = None) -> bytes:
        """The bytes that a service answers.

        Raises:
            TryLaterError: A passing fault that outlived all retries, or the deadline.
            CatalogueRequestError: The service does not understand the request.
            ServiceError: Another answer that is none.
            AccessError: 401 or 403.
            NotFoundError: 404.
        """
        try:
            response = self.session.request(method, url, json=body, params=params)
        except requests.exceptions.RequestException as error:  # what is wrong before anything is sent
            raise ServiceError(f"{url}: {reason(error)}", "an address starts with https://") from error
        problem = error_for_status(response, host_of(url))
        if problem is not None:
            raise problem
        return response.content


def parse_object(data: bytes | str, host: str) -> dict[str, Any]:
    """The JSON object that an answer holds.

    Raises:
        ServiceError: It holds none.
    """
    try:
        answer = _loads(data)
    except ValueError as error:
        text = data if isinstance(data, str) else data[:200].decode("utf-8", "replace")
        start = " ".join(text[:200].split())[:60]
        raise ServiceError(
            f"{host} answered with something that is no JSON: {start!r}",
            "is the address that of the service's root? a maintenance page looks like this, too",
        ) from error
    if not isinstance(answer, dict):
        raise ServiceError(f"{host} answered with JSON that is no object")
    return answer


def _loads(data: bytes | str) -> Any:
    data = data.removeprefix("\ufeff") if isinstance(data, str) else data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(data)
    except ValueError:  # NaN, which some services write, and odd encodings
        return json.loads(data)


@contextmanager
def _polite(host: str, deadline: Deadline) -> Iterator[None]:
    """Wait for one of the few connections that a host gets."""
    with _host_lock:
        limit = _host_limits.setdefault(host, threading.BoundedSemaphore(CONNECTIONS_PER_HOST))
    left = deadline.left()
    if not limit.acquire(timeout=None if left == float("inf") else left):
        deadline.check(host)
    try:
        yield
    finally:
        limit.release()


def error_for_status(response: requests.Response, host: str) -> S2KitError | None:
    """The error that an HTTP status stands for, None where it is none."""
    status = response.status_code
    if status < 400:
        return None
    detail = " ".join(response.content[:300].decode("utf-8", "replace").split())[:120]
    told = f"{host} answered {status} {response.reason or ''}".rstrip()
    if status in RETRY_STATUS:
        return TryLaterError(f"{told}, also after {RETRIES} more tries", "run again later")
    if status == 407:
        return refused_by_proxy(response.url)
    if status in {401, 403}:
        return AccessError(
            f"{told}: credentials are missing or refused", "see the README on credentials, or `s2kit doctor`"
        )
    if status in {404, 410}:
        return NotFoundError(f"{told}: {urlsplit(response.url).path}", "is the address that of the service's root?")
    if status in {400, 405, 413, 414, 422}:
        return CatalogueRequestError(f"{told}: {detail}")
    return ServiceError(f"{told}: {detail}")
