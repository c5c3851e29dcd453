"""What stands in front of every route: hosts, sizes, browsers, the audit log and the counts.

Plain ASGI, since it has to see requests before anything reads them and answers after everything is sent.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException

from s2kit.serve.metrics import RequestCounts
from s2kit.serve.options import LOOPBACK_NAMES

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", ", ".join(ALLOWED_METHODS).encode()),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Range, If-None-Match"),
    (
        b"access-control-expose-headers",
        b"Location, OpenEO-Identifier, OpenEO-Costs, Link, Content-Range, Accept-Ranges",
    ),
    (b"access-control-max-age", b"600"),
]
_SAFETY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


_BODY_S = 30.0
"""Seconds in which the next piece of a body has to come."""


class BodyError(HTTPException):
    """A body of more bytes than the service takes, or one that does not come; FastAPI passes its kind on as it is."""


class Guard:
    """Wraps the application."""

    def __init__(
        self, app: App, *, body_nbytes: int, hosts: tuple[str, ...] | None, audit: Path | None, counts: RequestCounts
    ) -> None:
        """Nothing is opened here.

        Args:
            app: The application.
            body_nbytes: Bytes that a body may have.
            hosts: Names that the Host header may have; None for any.
            audit: File that gets a JSON line for each request.
            counts: What is counted.
        """
        self._app, self._body_nbytes, self._audit, self._counts = app, body_nbytes, audit, counts
        self._hosts = None if hosts is None else frozenset((*LOOPBACK_NAMES, *(host.lower() for host in hosts)))
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        while "//" in scope["path"]:  # the official openEO suite joins addresses with two slashes
            scope["path"] = scope["path"].replace("//", "/")
        scope["s2kit.request_id"] = secrets.token_hex(8)
        headers = dict(scope["headers"])
        begun = time.monotonic()
        sent = _Sent(send, lambda done: self._note(scope, done, time.monotonic() - begun))
        try:
            await self._serve(scope, headers, receive, sent)
        except asyncio.CancelledError:  # the service ends, and the time for running requests is up
            if sent.status:
                raise
            await _plain(sent, 503, "the service is ending: ask again in a while", "ServiceUnavailable")
        except BodyError as error:
            if not sent.status:
                await _plain(sent, error.status_code, error.detail)
        except ValueError as error:  # a Content-Length that is no number
            if sent.status:
                raise
            await _plain(sent, 400, f"the request cannot be read: {error}")
        finally:
            sent.note()

    async def _serve(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, sent: "_Sent") -> None:
        """Pass a request on, unless it is refused by its head."""
        if not self._is_known(headers.get(b"host", b"").decode("latin-1")):
            await _plain(sent, 421, "this service is not known by that name (see s2kit serve --allow-host)")
        elif int(headers.get(b"content-length", b"0") or 0) > self._body_nbytes:
            await _plain(sent, 413, f"the body has more than {self._body_nbytes} bytes")
        elif scope["method"] == "OPTIONS":
            await sent({"type": "http.response.start", "status": 204, "headers": []})
            await sent({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, self._counted(receive), sent)

    def _is_known(self, host: str) -> bool:
        if self._hosts is None:
            return True
        name = host.rpartition(":")[0] if host.count(":") == 1 or (host.startswith("[") and "]:" in host) else host
        return name.lower() in self._hosts

    def _counted(self, receive: Receive) -> Receive:
        left, more = self._body_nbytes, True

        async def counted() -> Message:
            nonlocal left, more
            if not more:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), _BODY_S)
            except TimeoutError:
                raise BodyError(408, f"the body did not come within {_BODY_S:g} s") from None
            left -= len(message.get("body", b""))
            more = bool(message.get("more_body", False))
            if left < 0:
                raise BodyError(413, f"the body has more than {self._body_nbytes} bytes")
            return message

        return counted

    def _note(self, scope: Scope, sent: "_Sent", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        status = sent.status or 499  # the client went away
        method = scope["method"] if scope["method"] in ALLOWED_METHODS else "other"
        self._counts.add(route, method, status, seconds, sent.nbytes)
        if self._audit is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": scope["s2kit.request_id"],
            "user": scope.get("s2kit.user"),
            "address": (scope.get("client") or ("",))[0],
            "method": scope["method"],
            "route": route,
            "status": status,
            "bytes": sent.nbytes,
            "seconds": round(seconds, 3),
        }
        with self._lock, self._audit.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


class _Sent:
    """Passes an answer on and remembers its status and size; every answer gets the headers that browsers want.

    An answer is noted once, before its last bytes leave: who has the whole answer finds it in the log and the counts.
    """

    def __init__(self, send: Send, noted: Callable[["_Sent"], None]) -> None:
        self._send, self._noted = send, noted
        self.status, self.nbytes = 0, 0
        self._is_noted = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", []), *_CORS, *_SAFETY]}
        else:
            self.nbytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.note()
        await self._send(message)

    def note(self) -> None:
        """Notes the answer as it is now, if it is not noted yet."""
        if not self._is_noted:
            self._is_noted = True
            self._noted(self)


async def _plain(send: Send, status: int, text: str, code: str = "BadRequest") -> None:
    body = json.dumps({"id": "", "code": code, "message": text, "links": []}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
