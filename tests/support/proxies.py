"""Run `faulty_proxy.py` as a process of its own for the length of a block."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MITMDUMP = os.environ.get("S2KIT_TEST_MITMDUMP")
"""mitmproxy's `mitmdump` in an environment of its own: it injects the faults that it can, instead of our proxy."""
_MITM_FAULTS = frozenset({"status", "skew", "denied", "reset", "flip", "slow", "ignore_range"})


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy that listens."""

    url: str
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """What passed so far, in order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def gets(self, part: str = "") -> list[dict[str, Any]]:
        """Reads of objects whose path holds `part`."""
        found = (entry for entry in self.requests() if entry["method"] == "GET")
        return [entry for entry in found if "list-type" not in entry["path"] and part in entry["path"]]

    def lists(self) -> list[dict[str, Any]]:
        """Listings."""
        return [entry for entry in self.requests() if "list-type" in entry["path"]]


@contextmanager
def proxied(upstream: str, log: Path, *rules: dict[str, Any], rate: float = 0.0) -> Iterator[RunningProxy]:
    """Put a proxy before a server.

    Args:
        upstream: `http://host:port` of the server.
        log: File for the log.
        rules: `{"fault": "status|skew|denied|reset|truncate|flip|slow|bytes|ignore_range", "path": "…", "times": 2}`.
        rate: Bytes a second, 0 for no bound.
    """
    able = not rate and all(rule["fault"] in _MITM_FAULTS for rule in rules)
    start = _mitmproxy if MITMDUMP is not None and able else _own
    process, port = start(upstream, log, rules, rate)
    try:
        yield RunningProxy(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def _own(upstream: str, log: Path, rules: Any, rate: float) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, str(Path(__file__).with_name("faulty_proxy.py"))]
    command += ["--upstream", urlsplit(upstream).netloc, "--log", str(log), "--rate", str(rate)]
    for rule in rules:
        command += ["--rule", json.dumps(rule)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _mitmproxy(upstream: str, log: Path, rules: Any, rate: float) -> tuple[subprocess.Popen[str], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log.touch()
    command = [str(MITMDUMP), "--quiet", "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1"]
    command += ["--listen-port", str(port), "--set", "keep_host_header=true", "--set", f"confdir={log}-mitm"]
    command += ["-s", str(Path(__file__).with_name("mitm_addon.py"))]
    environment = {**os.environ, "FAULT_RULES": json.dumps(list(rules)), "FAULT_LOG": str(log)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, "mitmdump ended"
        time.sleep(0.1)
    return process, port
