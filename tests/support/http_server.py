"""A loopback HTTP server with ranges, tags, latency, a log of what it sent, and faults on demand.

It serves bytes from a folder or from memory, or passes requests on to another server (`upstream`). Faults are
real: a status, a connection that is reset, a body that breaks off, a byte that is flipped on the way.
"""

import hashlib
import http.client
import http.server
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server saw it, with what it answered."""

    method: str
    path: str
    range: str | None
    headers: Mapping[str, str] = field(repr=False)
    status: int = 0
    sent: int = 0
    """Bytes of the body that were sent."""
    at: float = 0.0
    """When it came, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to a request instead of answering it properly; each field is one kind of fault."""

    status: int | None = None
    """Answer with this status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, such as Retry-After."""
    body: bytes = b""
    reset: bool = False
    """Close the connection with RST instead of answering."""
    truncate: int | None = None
    """Send this many bytes of the body, then close the connection."""
    flip: int | None = None
    """Invert the byte at this offset of the body."""
    ignore_range: bool = False
    """Answer 200 with everything."""
    ignore_match: bool = False
    """Do not look at If-Match."""
    delay_s: float = 0.0
    """Wait before answering."""


Hook = Callable[[Request], Fault | None]


def first(times: int, fault: Fault, *, path: str = "", method: str = "") -> Hook:
    """The hook that spoils the first `times` requests whose path holds `path`."""
    left = [times]
    lock = threading.Lock()

    def hook(request: Request) -> Fault | None:
        with lock:
            if left[0] > 0 and path in request.path and request.method.startswith(method):
                left[0] -= 1
                return fault
        return None

    return hook


def always(fault: Fault, *, path: str = "") -> Hook:
    """The hook that spoils every request whose path holds `path`."""
    return lambda request: fault if path in request.path else None


@dataclass
class RangeServer:
    """A running server; `url` is its address."""

    root: Path | None = None
    """Folder that is served."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Files in memory by path, which come before those of the folder."""
    upstream: str | None = None
    """Server that all requests are passed on to."""
    latency_s: float = 0.0
    """Wait before each answer."""
    hook: Hook | None = None
    tags: bool = True
    """True where files have an ETag."""
    log: list[Request] = field(default_factory=list)
    url: str = ""
    peak: int = 0
    """Most requests at work at one time."""
    at_work: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_hand: dict[tuple[str, int, int], bytes] = field(default_factory=dict, repr=False)
    digests: dict[tuple[int, int], tuple[str, bytes]] = field(default_factory=dict, repr=False)

    def content(self, path: str) -> bytes | None:
        """The bytes of a file, or None."""
        name = unquote(urlsplit(path).path).lstrip("/")
        if name in self.files:
            return self.files[name]
        path = None if self.root is None else self.root / name
        if path is None or not path.is_file():
            return None
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in self.at_hand:
            self.at_hand[key] = path.read_bytes()
        return self.at_hand[key]

    def tag(self, content: bytes) -> str:
        """The ETag of a file: its MD5, as S3 has it."""
        key = (id(content), len(content))
        if key not in self.digests:
            self.digests[key] = (hashlib.md5(content).hexdigest(), content)
        return f'"{self.digests[key][0]}"'

    @property
    def gets(self) -> list[Request]:
        """The requests for bytes."""
        return [request for request in self.log if request.method == "GET"]

    @property
    def sent(self) -> int:
        """Bytes of all bodies."""
        return sum(request.sent for request in self.log)

    def forget(self) -> None:
        """Empty the log."""
        with self.lock:
            self.log.clear()
            self.peak = 0


def _handler(server: RangeServer) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: C901
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.serve()

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def serve(self):
            length = int(self.headers.get("Content-Length") or 0)
            incoming = self.rfile.read(length) if length else b""
            at = time.monotonic()
            request = Request(self.command, self.path, self.headers.get("Range"), dict(self.headers), at=at)
            with server.lock:
                server.at_work += 1
                server.peak = max(server.peak, server.at_work)
            try:
                self.answer(request, incoming)
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with server.lock:
                    server.at_work -= 1

        def answer(self, request, incoming):
            fault = (server.hook(request) if server.hook else None) or Fault()
            time.sleep(server.latency_s + fault.delay_s)
            if fault.reset:
                self.note(request, 0, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if fault.status is not None:
                self.send(request, fault, fault.status, dict(fault.headers), fault.body)
            elif server.upstream is not None:
                self.send(request, fault, *self.passed_on(incoming))
            else:
                self.send(request, fault, *self.own(request, fault))

        def own(self, request, fault):
            content = server.content(request.path)
            if content is None:
                return 404, {}, b""
            headers = {"Accept-Ranges": "bytes"}
            if server.tags:
                headers["ETag"] = server.tag(content)
                wanted = request.headers.get("If-Match")
                if wanted not in {None, headers["ETag"]} and not fault.ignore_match:
                    return 412, {}, b""
            if request.range is None or fault.ignore_range:
                return 200, headers, content
            start, _, end = request.range.removeprefix("bytes=").partition("-")
            a, b = int(start), min(int(end) if end else len(content) - 1, len(content) - 1)
            if a >= len(content):
                return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
            headers["Content-Range"] = f"bytes {a}-{b}/{len(content)}"
            return 206, headers, content[a : b + 1]

        def passed_on(self, incoming):
            parts = urlsplit(server.upstream)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
            try:
                connection.request(self.command, self.path, body=incoming or None, headers=dict(self.headers))
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            dropped = {"transfer-encoding", "connection", "date", "server"}
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            return answer.status, headers, body

        def send(self, request, fault, status, headers, body):
            if fault.flip is not None and len(body) > fault.flip:
                body = body[: fault.flip] + bytes([body[fault.flip] ^ 0xFF]) + body[fault.flip + 1 :]
            named = {name.lower() for name in headers}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "content-length" not in named:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if request.method == "HEAD":
                body = b""
            if fault.truncate is not None:
                body = body[: fault.truncate]
                self.close_connection = True
            self.note(request, status, len(body))
            self.wfile.write(body)

        def note(self, request, status, sent):
            with server.lock:
                server.log.append(
                    Request(request.method, request.path, request.range, request.headers, status, sent, request.at)
                )

    return Handler


class _Threads(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


@contextmanager
def serving(root: Path | None = None, **options) -> Iterator[RangeServer]:
    """Run a server for the length of a block."""
    server = RangeServer(root, **options)
    running = _Threads(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        running.shutdown()
        running.server_close()
        thread.join()
