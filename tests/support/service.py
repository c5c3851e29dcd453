"""The service as a real process on the loopback."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Service:
    """A running service."""

    address: str
    process: "subprocess.Popen[bytes]"
    folder: Path
    """Where it runs, with `settings.toml`, `state` and `serve.log`."""

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, **options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_settings(folder: Path, dataset: Path, parcels: Path) -> Path:
    """Settings of a service whose dataset is also what it has for Google's archive."""
    path = folder / "service.toml"
    path.write_text(
        f'dataset = "{dataset}"\ncatalogue = "local"\ncache_dir = "{folder / "cache"}"\n'
        f'[parcel_files]\ndemo = "{parcels}"\n[archives.gcp]\naddress = "{dataset}"\nanonymous = false\n'
    )
    return path


@contextmanager
def running(folder: Path, settings: Path, words: Sequence[str] = ()) -> Iterator[Service]:
    """Start the service, wait until it answers, and end it."""
    port = free_port()
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "s2kit", "serve", "--config", str(settings), "--port", str(port),
                "--state", str(folder / "state"), "--audit", str(folder / "audit.jsonl"), *words,
            ],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )  # fmt: skip
    service = Service(f"http://127.0.0.1:{port}", process, folder)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{service.address}/health", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, (folder / "serve.log").read_text()
            assert time.monotonic() < deadline, "the service does not answer"
            time.sleep(0.1)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
