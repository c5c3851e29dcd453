"""The server process, or several on one socket: uvicorn with the manners that a service on the network needs."""

import asyncio
import logging
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from s2kit.errors import InputError, OutputError
from s2kit.serve.app import create_app
from s2kit.serve.metrics import counting
from s2kit.serve.options import ServeOptions

log = logging.getLogger(__name__)

_END_S = 6
"""Seconds that running requests get after SIGTERM."""
_IDLE_S = 15
_MOST_CONNECTIONS = 2000
_DRAINED_NBYTES = 8_000_000
"""Bytes of a body that are still read after its answer was sent, so that clients which only send come to read it."""


class TimedProtocol(H11Protocol):
    """Closes a connection on which the head of a request does not arrive in time, so that idle ones cost nothing.

    So does one on which a body goes on and on after its answer was sent.
    """

    head_s = 10.0
    _head_timer: asyncio.TimerHandle | None = None
    _drained_nbytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a request has begun."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or (before is not None and not before.response_complete):
            self._stop_waiting()
            self._drained_nbytes = 0
        elif self._head_timer is None:
            self._wait_for_head()
        if before is self.cycle and before is not None and before.response_complete:
            self._drained_nbytes += len(data)
            if self._drained_nbytes > _DRAINED_NBYTES:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_s, self._close_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_slow(self) -> None:
        self._head_timer = None
        self.transport.close()


@dataclass(frozen=True)
class _Factory:
    """Makes the application in each process; picklable."""

    options: ServeOptions

    def __call__(self) -> Any:
        TimedProtocol.head_s = self.options.limits.header_s
        return create_app(self.options)


def _bound(options: ServeOptions) -> socket.socket:
    host = options.host.strip("[]")
    try:
        family = socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, options.port), family=family, backlog=2048)
    except OSError as error:
        raise OutputError(
            f"{options.host}:{options.port} cannot be bound to: {error.strerror or error}", "choose another --port"
        ) from error
    bound.set_inheritable(True)
    return bound


def _check_certificate(options: ServeOptions) -> None:
    """Raise `InputError` if the certificate and its key cannot be used."""
    if options.tls_cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.tls_cert, options.tls_key)
    except OSError as error:  # ssl.SSLError is one too
        raise InputError(
            f"{options.tls_cert} and {options.tls_key} cannot be used: {error.strerror or error}",
            "a certificate chain and its key without a password, both PEM",
        ) from error


def run_server(options: ServeOptions) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        InputError: The certificate or its key cannot be used.
        OutputError: The port is taken.
    """
    _check_certificate(options)
    config = uvicorn.Config(
        _Factory(options),
        factory=True,
        host=options.host.strip("[]"),
        port=options.port,
        workers=options.workers,
        http=TimedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=options.forwarded_allow_ips,
        root_path=options.root_path,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_END_S,
        limit_concurrency=_MOST_CONNECTIONS,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
    )
    server = uvicorn.Server(config)
    with closing(_bound(options)) as sock, counting():
        if options.workers > 1:
            Multiprocess(config, sockets=[sock]).run()
        else:
            server.run(sockets=[sock])
