"""A gateway that streams: bodies in chunks, without a Content-Length."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def chunked_gateway(
    files: Mapping[str, bytes], *, ranges: bool, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Files by path; gives the server's address.

    Args:
        files: Contents by path, without a leading slash.
        ranges: True answers 206 to a range, False sends everything.
        headers: More headers of each answer.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = files[self.path.partition("?")[0].lstrip("/")]
            asked = self.headers.get("Range") if ranges else None
            self.send_response(206 if asked else 200)
            if asked:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                end = min(int(last) if last else len(data) - 1, len(data) - 1)
                self.send_header("Content-Range", f"bytes {first}-{end}/{len(data)}")
                data = data[int(first) : end + 1]
            for name, value in {"ETag": '"tag"', **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command == "GET":
                for start in range(0, len(data), 1000):
                    piece = data[start : start + 1000]
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
