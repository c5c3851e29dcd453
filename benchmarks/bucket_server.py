"""A bucket for benchmarks: files of a folder over as much of S3 as downloads need, fast, over a link of a given speed.

moto's server costs more processor time than the programs that are measured. This one lists, tells sizes and sends
ranges with `sendfile`; a common allowance of bytes a second stands for the link, a pause before each answer for its
length.

    python -m benchmarks.bucket_server FOLDER RATE LATENCY    # bytes a second, 0 for no bound; seconds; prints its port
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_SLICE = 1 << 18
_BURST_S = 0.02


class Link:
    """An allowance that all connections draw from."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0
        self._lock = threading.Lock()

    def wait(self, nbytes: int) -> None:
        """Sleep until that many bytes may go."""
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - _BURST_S) + nbytes / self._rate
            pause = self._free_at - now
        if pause > 0:
            time.sleep(pause)


class Bucket(ThreadingHTTPServer):
    """The server; the first part of each path is the bucket's name, whatever it is."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folder: Path, rate: float, latency_s: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.link, self.latency_s = Link(rate), latency_s
        self.folder = folder
        self.counts = {"GET": 0, "LIST": 0, "HEAD": 0, "bytes": 0}
        self.lock = threading.Lock()
        self.sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def count(self, kind: str, number: int = 1) -> None:
        """Note requests of a kind, or bytes of bodies."""
        with self.lock:
            self.counts[kind] += number

    def tag(self, key: str) -> str:
        """A tag as multipart uploads have: it is no checksum."""
        return f'"{hashlib.md5(key.encode()).hexdigest()}-9"'


class Handler(BaseHTTPRequestHandler):
    """GET, HEAD and ListObjectsV2."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Bucket

    def log_message(self, *args: object) -> None:
        """Silence."""

    def do_HEAD(self) -> None:
        """Size and tag of an object."""
        self._object(body=False)

    def do_GET(self) -> None:
        """An object, a range of it, or a listing."""
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        if parts.path == "/count":
            self._answer(200, json.dumps(self.server.counts).encode())
        elif "list-type" in query or parts.path.strip("/").count("/") == 0:
            self._list(query.get("prefix", [""])[0])
        else:
            self._object(body=True)

    def _list(self, prefix: str) -> None:
        self.server.count("LIST")
        time.sleep(self.server.latency_s)
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size><ETag>{escape(self.server.tag(key))}</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
            for key, size in self.server.sizes.items()
            if key.startswith(prefix)
        )
        head = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        )
        inner = f"<Name>b</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>{rows}"
        self._answer(200, f"{head}{inner}</ListBucketResult>".encode())

    def _object(self, *, body: bool) -> None:
        self.server.count("GET" if body else "HEAD")
        time.sleep(self.server.latency_s)
        key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]
        size = self.server.sizes.get(key)
        if size is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        start, end = self._range(size)
        ranged = self.headers.get("Range") is not None
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        for name, value in (("Content-Length", str(end - start)), ("ETag", self.server.tag(key))):
            self.send_header(name, value)
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if body:
            self._send(self.server.folder / key, start, end)

    def _range(self, size: int) -> tuple[int, int]:
        start, _, end = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")
        return int(start), min(int(end) + 1, size) if end else size

    def _send(self, path: Path, start: int, end: int) -> None:
        self.server.count("bytes", end - start)
        self.wfile.flush()
        with path.open("rb") as file:
            while start < end:
                wanted = min(_SLICE, end - start)
                self.server.link.wait(wanted)
                try:
                    start += os.sendfile(self.connection.fileno(), file.fileno(), start, wanted)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                    return

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def served(folder: Path, *, rate: float = 0, latency_s: float = 0) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bucket_server", str(folder), str(rate), str(latency_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def counts(url: str) -> dict[str, int]:
    """Requests of each kind and bytes of objects since the server began."""
    with urllib.request.urlopen(f"{url}/count") as answer:
        found: dict[str, int] = json.load(answer)
    return found


def main() -> None:
    """Serve until killed."""
    server = Bucket(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main()
