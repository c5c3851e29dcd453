"""How HTTP is spoken: one kind of session for catalogues, files and probes; touches the network.

A session retries what passes and nothing else, waits as it is told but never past the deadline, sends user and password
by HTTPS only (this machine excepted) and to their own host only, and follows no redirect from HTTPS to HTTP.
"""

import logging
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_auth_from_url, get_environ_proxies, get_netrc_auth, select_proxy
from urllib3 import Retry
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, ProxyError, SSLError
from urllib3.response import BaseHTTPResponse

from s2kit.errors import AccessError, S2KitError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline
from s2kit.store.keys import is_loopback
from s2kit.version import __version__

RETRIES = 5
RETRY_STATUS = frozenset({429, 500, 502, 503, 504})
CONNECT_S = 15.0
READ_S = 60.0
"""Silence of this length within an answer counts as a fault."""
LONGEST_WAIT_S = 120.0
"""A longer `Retry-After` is reported instead of waited for, if there is no deadline."""
MAX_REDIRECTS = 10

_PASSING_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_log = logging.getLogger(__name__)


class PatientRetry(Retry):
    """urllib3's retry with a deadline: a wait that would not end in time is not begun."""

    deadline: Deadline
    host: str = ""

    def new(self, **changes: Any) -> Self:
        """The retry that is left after one more try."""
        retry = super().new(**changes)
        retry.deadline, retry.host = self.deadline, self.host
        return retry

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        """Count a try; what will not pass is raised at once."""
        if error is not None and _is_final(error):
            raise error
        retry = super().increment(method, url, response, error, _pool, _stacktrace)
        retry.host = str(getattr(_pool, "host", ""))
        return retry

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as told, or longer with each try."""
        told = self.get_retry_after(response) if response is not None else None
        wait = self.get_backoff_time() if told is None else told
        left = self.deadline.left()
        if told is not None and told >= (LONGEST_WAIT_S if left == float("inf") else left):
            raise TryLaterError(
                f"{self.host} is busy and asks to wait {_span(wait)}", f"run again in {_span(wait)}, or raise --timeout"
            )
        _log.debug("waiting %.1f s before asking %s again", wait, self.host)
        time.sleep(min(wait, left))
        self.deadline.check(self.host)


def patient_retry(
    deadline: Deadline, retries: int, *, methods: frozenset[str] | None, longest_pause_s: float = 30
) -> PatientRetry:
    """The retry of all sessions.

    Args:
        deadline: No wait goes past it.
        retries: How often a request that failed in passing is sent again.
        methods: Those that are sent again; None for all, since a search by POST changes nothing.
        longest_pause_s: Longest pause between two tries, if the server does not say how long to wait.
    """
    retry = PatientRetry(
        total=retries,
        connect=min(2, retries),
        status_forcelist=RETRY_STATUS,
        allowed_methods=methods,
        backoff_factor=0.3,
        backoff_jitter=0.3,
        backoff_max=longest_pause_s,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    retry.deadline = deadline
    return retry


@dataclass(frozen=True, slots=True)
class Login:
    """User and password for one host."""

    user: str
    password: str = field(repr=False)
    host: str
    """Host, with the port if the address has one, as `host_of` gives it."""


def new_session(adapter: HTTPAdapter, login: Login | None = None) -> requests.Session:
    """A session.

    Args:
        adapter: Sends the requests, with its retries.
        login: User and password of a host; other hosts get those of their address, or of `~/.netrc`.
    """
    session = _Session()
    session.auth = _BoundLogin(login)
    session.headers["User-Agent"] = f"s2kit/{__version__}"
    session.max_redirects = MAX_REDIRECTS
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


class _Session(requests.Session):
    """A session that keeps secrets from those whom they are not for."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; each step of a redirect passes here, too."""
        if "Authorization" in request.headers and not _is_private(str(request.url)):
            raise AccessError(
                f"{host_of(str(request.url))}: a password is not sent unencrypted", "name an https:// address"
            )
        return super().send(request, **options)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take the login off where a redirect leads to another host, and look that host up in `~/.netrc`."""
        url = str(prepared_request.url)
        if self.should_strip_auth(str(response.request.url), url):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)
            login = get_netrc_auth(url) if _is_private(url) else None
            if login is not None:
                prepared_request.prepare_auth(login)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer leads to.

        Raises:
            ServiceError: From HTTPS to plain HTTP.
        """
        target = super().get_redirect_target(resp)
        if target is not None and target.startswith("http://") and resp.url.startswith("https://"):
            raise ServiceError(f"{host_of(resp.url)} redirects from https to http", "ask the keeper of the service")
        return target


class _BoundLogin(AuthBase):
    """User and password of a request: those given for its host, those of its address, or those of `~/.netrc`."""

    def __init__(self, login: Login | None) -> None:
        self._login = login

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        login = self._login_for(str(request.url))
        return request if login is None else HTTPBasicAuth(*login)(request)

    def _login_for(self, url: str) -> tuple[str, str] | None:
        if self._login is not None and host_of(url) == self._login.host:
            return self._login.user, self._login.password
        user, password = get_auth_from_url(url)
        if user or password:
            return user, password
        return get_netrc_auth(url) if _is_private(url) else None


def host_of(url: str) -> str:
    """The host of an address with its port, for messages; without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def unanswered(error: BaseException, where: str, url: str) -> S2KitError:
    """The error for a request that got no answer.

    Args:
        error: What requests raised.
        where: What the message names.
        url: What was asked for; the way to it may lead through a proxy.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ProxyError):
            return _proxy_error(cause, where, url)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return AccessError(
                f"{where}: its certificate is not trusted: {_line(cause.verify_message)}",
                "check the address; if your network's proxy signs certificates, set REQUESTS_CA_BUNDLE",
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _PASSING_TLS):
            return AccessError(
                f"{where}: no secure connection: {_line(cause.reason or cause)}", "check the address and its port"
            )
        if isinstance(cause, NameResolutionError):
            return TryLaterError(
                f"{where} cannot be reached: no address is known for this name",
                "check the spelling of the name, and that this machine has a network and a name server",
            )
    if any(isinstance(cause, (NewConnectionError, ConnectTimeoutError)) for cause in causes):
        return TryLaterError(f"{where} cannot be reached: {reason(error)}", "check the address and the network")
    return TryLaterError(f"{where}: no answer: {reason(error)}", "check the network, or run again later")


def refused_by_proxy(url: str) -> AccessError:
    """The error for the answer 407."""
    return AccessError(
        f"the proxy {_proxy(url)} wants user and password",
        "write them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
    )


def _proxy_error(error: ProxyError, where: str, url: str) -> S2KitError:
    said = _line(error.original_error)
    if "407" in said:
        return refused_by_proxy(url)
    if "Tunnel connection failed" in said:
        return AccessError(
            f"the proxy {_proxy(url)} refuses to connect to {where}: {said}",
            f"ask its keeper, or go past it: NO_PROXY={urlsplit(url).hostname}",
        )
    return TryLaterError(
        f"the proxy {_proxy(url)} cannot be reached: {reason(error.original_error)}", "check HTTPS_PROXY and HTTP_PROXY"
    )


def _proxy(url: str) -> str:
    return host_of(select_proxy(url, get_environ_proxies(url, no_proxy=None)) or "between here and there")


def _is_private(url: str) -> bool:
    """True if nobody on the way can read what is sent."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def _is_final(error: BaseException) -> bool:
    """True for what another try does not mend: a certificate, a protocol, a proxy that refuses."""
    if isinstance(error, ProxyError):
        return "Tunnel connection failed: 4" in str(error.original_error)
    return isinstance(error, SSLError) and any(
        isinstance(cause, ssl.SSLError) and not isinstance(cause, _PASSING_TLS) for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what lies inside it, outermost first."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        inner = [getattr(one, "reason", None), getattr(one, "original_error", None), one.__cause__, one.__context__]
        todo += [cause for cause in (*inner, *one.args) if isinstance(cause, BaseException)]


def reason(error: BaseException) -> str:
    """The innermost reason, in a few words."""
    seen: BaseException = error
    while True:
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    told = str(seen).rpartition("Failed to establish a new connection: ")[2]  # what urllib3 puts before the cause
    return _line(told) or type(seen).__name__


def _line(said: object) -> str:
    return " ".join(str(said).split())[:160]


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
