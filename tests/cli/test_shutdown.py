"""Servers that take a connection and never answer: a run that is told to stop, or whose time is over, still ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2kit.cli.shutdown import GRACE_S
from support.aws_trees import L1C, L2A
from support.http_server import Fault, Request, serving
from support.jp2 import write_jp2


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[socket.socket]:
    """A listening socket whose connections nobody reads: the only archive of the settings in `tmp_path`."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.settimeout(60)
        (tmp_path / "settings.toml").write_text(
            'archive = "mine"\ndataset = "out"\n[archives.mine]\naddress = "s3://bucket"\nlayout = "aws-s2"\n'
            f'endpoint_url = "http://127.0.0.1:{server.getsockname()[1]}"\nregion = "us-east-1"\nanonymous = true\n'
        )
        yield server


def started(words: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "s2kit", *words],
        cwd=folder,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_stop(silent: socket.socket, tmp_path: Path, number: signal.Signals, code: int) -> None:
    with started(["download", L1C, L2A], tmp_path) as process:
        connection, _ = silent.accept()
        process.send_signal(number)
        out, errors = process.communicate(timeout=GRACE_S + 25)
        connection.close()
    assert process.returncode == code
    assert out == ""
    assert "Traceback" not in errors


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.usefixtures("silent")
def test_the_time_is_over(tmp_path: Path, more: list[str]) -> None:
    with started(["download", L1C, "--timeout", "1", *more], tmp_path) as process:
        out, errors = process.communicate(timeout=40)
    assert process.returncode == 75
    assert L1C not in out
    assert "the time for this run is over" in errors
    assert "Traceback" not in errors


def test_a_file_whose_server_falls_silent_in_the_middle(tmp_path: Path) -> None:
    write_jp2(tmp_path / "many.jp2", 2816, tile=352)
    asked: list[Request] = []

    def falls_silent(request: Request) -> Fault | None:
        asked.append(request)
        return Fault(delay_s=120) if len(asked) > 2 else None

    words = ["pixels", "--no-cache", "--rlevel", "0", "--window", "300,300,1000,1000"]
    with (
        serving(tmp_path, hook=falls_silent) as server,
        started([*words, f"{server.url}/many.jp2"], tmp_path) as process,
    ):
        deadline = time.monotonic() + 60
        while len(asked) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=GRACE_S + 25)
    assert (process.returncode, out, errors) == (143, "", "")
