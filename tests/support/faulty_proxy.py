"""A proxy that spoils what passes: a process of its own in front of an S3 server, or of any HTTP server on loopback.

    python tests/support/faulty_proxy.py --upstream 127.0.0.1:5000 --log requests.jsonl --rule '{"fault": "flip", "times": 1}'

It prints the port that it listens on. A rule spoils the first `times` GETs of each path that holds `path`; faults are
real: a status, a connection that is reset or closed in the middle of a body, a byte that is inverted on its way, bytes
one by one, or slowly, a range that is ignored, a body in chunks or up to the end of the connection, without a length. `--rate` holds all connections together to so many bytes a second.
Every answer becomes a line of the log: method, path, range, status, bytes of the body that were handed on.
"""

import argparse
import asyncio
import json
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHUNK = 1 << 16
REFUSALS = {"status": (503, "SlowDown"), "skew": (403, "RequestTimeTooSkewed"), "denied": (403, "AccessDenied")}


@dataclass
class Rule:
    fault: str
    path: str = ""
    times: int = 1
    seen: dict[str, int] = field(default_factory=dict)

    def hits(self, method: str, path: str) -> bool:
        if method != "GET" or self.path not in path:
            return False
        count = self.seen.get(path, 0)
        self.seen[path] = count + 1
        return count < self.times


@dataclass
class Throttle:
    """A bucket of bytes that all connections draw from."""

    rate: float
    free_at: float = 0.0

    async def wait(self, nbytes: int) -> None:
        if not self.rate:
            return
        now = time.monotonic()
        self.free_at = max(self.free_at, now - 0.02) + nbytes / self.rate
        if self.free_at > now + 0.002:
            await asyncio.sleep(self.free_at - now)


class SpoiltError(Exception):
    """The connection to the client is over."""


@dataclass
class Proxy:
    upstream: tuple[str, int]
    rules: list[Rule]
    log: Any
    throttle: Throttle

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(SpoiltError, ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            while await self.one(reader, writer):
                pass
        with suppress(ConnectionError, RuntimeError):
            writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, headers = parse(head)
        method, path, _ = line.split(" ", 2)
        plain = path.partition("?")[0]
        listing = "list-type" in path or plain.count("/") < 2  # faults are for objects
        fault = None if listing else next((rule.fault for rule in self.rules if rule.hits(method, plain)), None)
        if headers.get("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        incoming = await reader.readexactly(int(headers.get("content-length", 0)))
        if fault in REFUSALS:
            return await self.refuse(method, path, headers, fault, writer)
        dropped = {"connection", "expect"} | ({"range"} if fault == "ignore_range" else set())
        lines = [line, *(f"{k}: {v}" for k, v in headers.items() if k not in dropped), "Connection: close", "", ""]
        up_reader, up_writer = await asyncio.open_connection(*self.upstream, limit=1 << 20)
        try:
            up_writer.write("\r\n".join(lines).encode("latin-1") + incoming)
            await up_writer.drain()
            return await self.answer(method, path, headers, fault, up_reader, writer)
        finally:
            up_writer.close()

    async def refuse(
        self, method: str, path: str, headers: dict[str, str], fault: str, writer: asyncio.StreamWriter
    ) -> bool:
        status, code = REFUSALS[fault]
        body = f"<Error><Code>{code}</Code><Message>{code}.</Message></Error>".encode()
        writer.write(f"HTTP/1.1 {status} {code}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        self.note(method, path, headers, status, 0)
        return True

    async def answer(
        self,
        method: str,
        path: str,
        asked: dict[str, str],
        fault: str | None,
        upstream: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        line, headers = parse(await upstream.readuntil(b"\r\n\r\n"))
        status = int(line.split(" ")[1])
        length = headers.get("content-length")
        kept = [f"{k}: {v}" for k, v in headers.items() if k not in {"connection", "transfer-encoding"}]
        keep_alive = length is not None or method == "HEAD"
        chunked = headers.get("transfer-encoding", "") == "chunked"
        if chunked:  # only listings and errors of the upstream come so: they are small
            body = dechunked(await upstream.read(-1))
            kept, length, keep_alive = [*kept, f"content-length: {len(body)}"], str(len(body)), True
        unmeasured = fault in {"chunked", "no_length"} and method != "HEAD"
        if unmeasured:
            kept = [text for text in kept if not text.lower().startswith("content-length")]
            kept.append("Transfer-Encoding: chunked" if fault == "chunked" else "Connection: close")
            keep_alive = keep_alive and fault == "chunked"
        writer.write("\r\n".join([line, *kept, "", ""]).encode("latin-1"))
        await writer.drain()
        sent = 0
        try:
            if method != "HEAD" and status not in {204, 304}:
                total = int(length or 0)
                source = chunks_of(body) if chunked else chunks_from(upstream, total)
                async for chunk in self.spoil(source, fault, total, writer):
                    await self.throttle.wait(len(chunk))
                    framed = fault == "chunked" and chunk
                    writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if framed else chunk)
                    await writer.drain()
                    sent += len(chunk)
                if fault == "chunked":
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
        finally:
            self.note(method, path, asked, status, sent)
        return keep_alive

    async def spoil(self, source: Any, fault: str | None, total: int, writer: asyncio.StreamWriter) -> Any:
        at = 0
        async for piece in source:
            chunk = piece
            if fault in {"reset", "truncate"} and at + len(chunk) > total // 2:
                yield chunk[: total // 2 - at]
                if fault == "reset":
                    await asyncio.sleep(0.01)
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                raise SpoiltError
            if fault == "flip" and at <= total // 2 < at + len(chunk):
                where = total // 2 - at
                chunk = chunk[:where] + bytes([chunk[where] ^ 0x20]) + chunk[where + 1 :]
            if fault == "slow":
                await asyncio.sleep(0.02)
            if fault == "bytes" and at == 0:
                for index in range(min(len(chunk), 400)):
                    yield chunk[index : index + 1]
                    await asyncio.sleep(0)
                yield chunk[400:]
            else:
                yield chunk
            at += len(chunk)

    def note(self, method: str, path: str, headers: dict[str, str], status: int, sent: int) -> None:
        entry = {"method": method, "path": path, "range": headers.get("range"), "status": status, "sent": sent}
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()


async def chunks_from(reader: asyncio.StreamReader, total: int) -> Any:
    left = total
    while left > 0:
        chunk = await reader.read(min(CHUNK, left))
        if not chunk:
            raise SpoiltError
        left -= len(chunk)
        yield chunk


async def chunks_of(body: bytes) -> Any:
    yield body


def dechunked(raw: bytes) -> bytes:
    parts = []
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        parts.append(raw[:length])
        raw = raw[length + 2 :]
    return b"".join(parts)


def parse(head: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    return line, {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rule", action="append", default=[])
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    host, _, port = options.upstream.partition(":")
    rules = [Rule(**json.loads(text)) for text in options.rule]
    with Path(options.log).open("a", encoding="utf-8") as log:
        proxy = Proxy((host, int(port)), rules, log, Throttle(options.rate))
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=1 << 20, backlog=256)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
