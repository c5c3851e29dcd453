"""Two hosts: network namespaces with addresses of their own, one folder that both see, and one that only the first sees."""

import filecmp
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from s2kit.demo.series import Scene

TESTS = str(Path(__file__).resolve().parents[1])
pytestmark = pytest.mark.timeout(150)


@dataclass
class Hosts:
    """Two namespaces that reach each other."""

    first: str
    second: str
    first_address: str
    second_address: str


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts(namespace_skip: str) -> Iterator[Hosts]:
    tag = f"{os.getpid() % 10_000}"
    found = Hosts(f"s2k{tag}a", f"s2k{tag}b", "10.77.13.1", "10.77.13.2")
    made = []
    try:
        try:
            for name in (found.first, found.second):
                ip("netns", "add", name)
                made.append(name)
                ip("-n", name, "link", "set", "lo", "up")
            ip(
                "link",
                "add",
                f"v{tag}a",
                "netns",
                found.first,
                "type",
                "veth",
                "peer",
                f"v{tag}b",
                "netns",
                found.second,
            )
            for name, address, link in (
                (found.first, found.first_address, f"v{tag}a"),
                (found.second, found.second_address, f"v{tag}b"),
            ):
                ip("-n", name, "addr", "add", f"{address}/24", "dev", link)
                ip("-n", name, "link", "set", link, "up")
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"{namespace_skip}{error}")
        yield found
    finally:
        for name in made:
            ip("netns", "del", name)


@contextmanager
def running(words: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as into:
        process = subprocess.Popen(
            words,
            stdout=into,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": TESTS},
        )
    try:
        yield
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            one.kill()
        process.wait()


def test_nothing_depends_on_one_machine(hosts: Hosts, scene: Scene, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    dask = [sys.executable, "-m", "dask"]
    log = tmp_path / "scheduler.log"
    scheduler = [
        "ip",
        "netns",
        "exec",
        hosts.first,
        *dask,
        "scheduler",
        "--host",
        hosts.first_address,
        "--port",
        "8786",
        "--no-dashboard",
    ]
    address = f"tcp://{hosts.first_address}:8786"
    # the second host has nothing where the first has `mine`
    work = f"mount -t tmpfs none {mine} && exec {' '.join(dask)} worker {address} --nthreads 1 --no-dashboard --local-directory {tmp_path}/dask"
    worker = ["ip", "netns", "exec", hosts.second, "unshare", "-m", "sh", "-c", work]

    def s2kit(*words: object, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["ip", "netns", "exec", hosts.first, sys.executable, "-m", "s2kit", *map(str, words)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    with running(scheduler, log), running(worker, tmp_path / "worker.log"):
        end = time.monotonic() + 60
        while not re.search(r"Registered to", (tmp_path / "worker.log").read_text()):
            assert time.monotonic() < end, (tmp_path / "worker.log").read_text()
            time.sleep(0.1)
        done = s2kit("render", *scene.l2a, "--res", "60", "--out", "spread", "--cluster", address, "-v")
        assert done.stderr.count(f"(tcp://{hosts.second_address}:") == 2
        copied = mine / scene.l2a[0].name
        shutil.copytree(scene.l2a[0], copied)
        refused = s2kit("render", copied, "--res", "60", "--out", "not", "--cluster", address, code=78)
        assert re.search(rf"worker tcp://{hosts.second_address}:\d+ \(\S+\) does not see {mine}", refused.stderr)
        assert not list(tmp_path.glob("not/*"))
    s2kit("render", *scene.l2a, "--res", "60", "--out", "local", "--jobs", "2")
    names = sorted(path.name for path in (tmp_path / "local").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "spread").iterdir())
    assert filecmp.cmpfiles(tmp_path / "local", tmp_path / "spread", names, shallow=False)[1:] == ([], [])
