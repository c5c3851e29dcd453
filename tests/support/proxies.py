"""Run `faulty_proxy.py` as a process of its own for the length of a block."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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
    command = [sys.executable, str(Path(__file__).with_name("faulty_proxy.py"))]
    command += ["--upstream", urlsplit(upstream).netloc, "--log", str(log), "--rate", str(rate)]
    for rule in rules:
        command += ["--rule", json.dumps(rule)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield RunningProxy(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
