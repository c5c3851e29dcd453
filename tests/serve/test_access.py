"""Logins, hosts, sizes, and what a service does that others can reach."""

import asyncio
import base64
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from s2kit.serve.guard import Guard
from s2kit.serve.metrics import RequestCounts
from s2kit.serve.options import is_loopback
from s2kit.serve.users import UserStore
from support.scenes import built_scene
from support.service import Service, free_port, running, write_settings


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def bearer(service: Service, name: str) -> dict[str, str]:
    answer = httpx.get(f"{service.address}/api/v1/credentials/basic", headers=basic(name, f"{name}'s password"))
    return {"Authorization": f"Bearer basic//{answer.json()['access_token']}"}


PRIVATE = ["/api/job-list/", "/query/info", "/tiles/x/1/0/0.png", "/map", "/Output/x.jpg", "/api/v1/jobs", "/api/v1/me"]


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_private_without_a_login(closed: Service, path: str) -> None:
    assert httpx.get(closed.address + path).status_code == 401
    assert httpx.get(closed.address + path, headers=basic("anna", "wrong password")).status_code == 401
    answer = httpx.get(closed.address + path, headers={"Authorization": "Bearer basic//open"})
    assert answer.status_code in {401, 403}


def test_the_parcel_service_asks_as_it_did(closed: Service) -> None:
    answer = httpx.get(f"{closed.address}/query/info")
    assert answer.headers["www-authenticate"] == 'Basic realm="Login Required"'
    assert httpx.get(f"{closed.address}/query/info", headers=basic("anna", "anna's password")).status_code == 200


def test_jobs_of_others_do_not_exist(closed: Service) -> None:
    body = {"process": {"process_graph": {"a": {"process_id": "add", "arguments": {"x": 1, "y": 1}, "result": True}}}}
    made = httpx.post(f"{closed.address}/api/v1/jobs", json=body, headers=bearer(closed, "anna"))
    path = f"{closed.address}/api/v1/jobs/{made.headers['OpenEO-Identifier']}"
    assert httpx.get(path, headers=bearer(closed, "anna")).status_code == 200
    for method in ("GET", "DELETE", "PATCH"):
        assert httpx.request(method, path, json={}, headers=bearer(closed, "otto")).status_code == 404
    assert httpx.get(f"{closed.address}/api/v1/jobs", headers=bearer(closed, "otto")).json()["jobs"] == []


def test_a_login_in_a_graph_is_never_kept(closed: Service) -> None:
    node = {"process_id": "add", "arguments": {"x": 1, "y": 1}, "result": True}
    body = {"process": {"process_graph": {"a": node, "Login": {"password": "hush-hush"}}}}
    httpx.post(f"{closed.address}/api/v1/jobs", json=body, headers=bearer(closed, "anna"))
    kept = b"".join(file.read_bytes() for file in closed.folder.rglob("*") if file.is_file())
    assert b"hush-hush" not in kept
    assert b"anna's password" not in kept


def test_hosts_that_are_not_ours(closed: Service) -> None:
    answer = httpx.get(f"{closed.address}/health", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_bodies_that_are_too_large(closed: Service) -> None:
    login = basic("anna", "anna's password")
    large = httpx.post(f"{closed.address}/api/jp2", content=b"x" * 3_000_000, headers=login)
    assert large.status_code == 413

    def endless():
        for _ in range(300):
            yield b"x" * 10_000

    chunked = httpx.post(f"{closed.address}/api/jp2", content=endless(), headers=login)
    assert chunked.status_code == 413


def test_a_body_that_is_said_to_be_a_gigabyte(closed: Service) -> None:
    with socket.create_connection(("127.0.0.1", int(closed.address.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(b"POST /api/jp2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert b" 413 " in connection.recv(200)


def test_heads_that_never_end(closed: Service) -> None:
    with socket.create_connection(("127.0.0.1", int(closed.address.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localh")
        begun = time.monotonic()
        assert connection.recv(100) == b""
        assert time.monotonic() - begun < 15


def test_the_audit_log_says_who_and_what_but_no_secret(closed: Service) -> None:
    httpx.get(f"{closed.address}/query/info", headers=basic("otto", "otto's password"))
    lines = [json.loads(line) for line in (closed.folder / "audit.jsonl").read_text().splitlines()]
    line = next(line for line in reversed(lines) if line["route"] == "/query/info" and line["status"] == 200)
    assert (line["user"], line["method"], line["address"]) == ("otto", "GET", "127.0.0.1")
    assert "password" not in json.dumps(lines)


def test_the_network_needs_users(tmp_path: Path) -> None:
    from s2kit.errors import UsageError
    from s2kit.serve.options import ServeOptions, check_exposed
    from s2kit.settings import load_settings

    loaded = load_settings(environment={}, folder=tmp_path)
    options = ServeOptions(loaded=loaded, state=tmp_path, folder=tmp_path, host="0.0.0.0")
    with pytest.raises(UsageError, match="can be reached from other machines"):
        check_exposed(options, users=0)
    check_exposed(options, users=1)
    assert is_loopback("127.0.0.5")
    assert not is_loopback("192.168.0.1")
    assert not is_loopback("example.org")


def test_without_its_last_user_a_service_lets_nobody_in(tmp_path: Path) -> None:
    users = UserStore(tmp_path / "state")
    users.add("anna", "anna's password")
    scene = built_scene()
    with running(tmp_path, write_settings(tmp_path, scene.folder, scene.parcels)) as service:
        assert httpx.get(f"{service.address}/query/info", headers=basic("anna", "anna's password")).status_code == 200
        users.remove("anna")
        assert httpx.get(f"{service.address}/query/info", headers=basic("anna", "anna's password")).status_code == 401
        assert httpx.get(f"{service.address}/query/info").status_code == 401


def test_the_end_comes_within_ten_seconds(tmp_path: Path) -> None:
    scene = built_scene()
    with running(tmp_path, write_settings(tmp_path, scene.folder, scene.parcels)) as service:
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(15)
        assert time.monotonic() - begun < 10
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "s2kit", "serve", "--port", str(taken.getsockname()[1]), "--state", str(tmp_path / "s")],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 73
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert free_port()


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    (tmp_path / "chain.pem").write_text("no certificate")
    for chain in ("none.pem", "chain.pem"):
        done = subprocess.run(
            [sys.executable, "-m", "s2kit", "serve", "--tls-cert", chain, "--tls-key", "key.pem", "--port",
             str(free_port()), "--state", str(tmp_path / "s"), "--workers", "2"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 65
        assert f"{chain} and key.pem cannot be used" in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_an_answer_is_in_the_log_before_its_last_bytes_leave(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    noted: list[bool] = []

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await send({"type": "http.response.body", "body": b"thing"})

    async def send(message) -> None:
        if message["type"] == "http.response.body":
            noted.append(log.exists())

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    guard = Guard(app, body_nbytes=1000, hosts=None, audit=log, counts=RequestCounts())
    asyncio.run(guard({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send))
    assert noted == [False, True]
    (line,) = map(json.loads, log.read_text().splitlines())
    assert (line["status"], line["bytes"]) == (200, 9)


def test_a_body_that_does_not_end_is_not_read_to_its_end(closed: Service) -> None:
    sent = 0
    with socket.create_connection(("127.0.0.1", int(closed.address.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(
            b"POST /api/jp2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Authorization: " + basic("anna", "anna's password")["Authorization"].encode() + b"\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            while sent < 1_000_000_000:
                connection.sendall(b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000))
                sent += 100_000
    assert sent < 100_000_000
    assert httpx.get(f"{closed.address}/health").status_code == 200


def test_hundreds_of_idle_connections_hinder_nobody(closed: Service) -> None:
    port = int(closed.address.rpartition(":")[2])
    held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(400)]
    try:
        assert httpx.get(f"{closed.address}/health", timeout=30).status_code == 200
        assert all(connection.recv(1) == b"" for connection in held)  # closed, since no head came
    finally:
        for connection in held:
            connection.close()


def test_a_request_that_the_end_of_the_service_cuts_is_told_503() -> None:
    sent: list[dict] = []

    async def app(scope, receive, send) -> None:
        await asyncio.sleep(3600)

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ended() -> None:
        guard = Guard(app, body_nbytes=1000, hosts=None, audit=None, counts=RequestCounts())
        task = asyncio.ensure_future(
            guard({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
        )
        await asyncio.sleep(0)
        task.cancel()
        await task

    asyncio.run(ended())
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["code"] == "ServiceUnavailable"
