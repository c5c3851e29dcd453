"""A Dask scheduler and its workers as real processes on loopback, started with dask's own commands."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_DASK = [sys.executable, "-m", "dask"]
_ADDRESS = re.compile(r"Scheduler at:\s+(tcp://\S+)")


@dataclass
class DaskCluster:
    """Processes that are ended with the block of `dask_cluster`."""

    folder: Path
    address: str = ""
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)

    def start_scheduler(self, port: int = 0) -> None:
        log = self.folder / "scheduler.log"
        self.scheduler = self._start("scheduler", "--port", str(port), "--no-dashboard", "--host", "127.0.0.1", log=log)
        end = time.monotonic() + 60
        while not (found := _ADDRESS.search(log.read_text())):
            assert time.monotonic() < end, log.read_text()
            assert self.scheduler.poll() is None, log.read_text()
            time.sleep(0.05)
        self.address = found[1]

    def start_worker(self, *, nanny: bool = True, **environment: str) -> "subprocess.Popen[bytes]":
        number = len(self.workers)
        worker = self._start(
            "worker", self.address, "--nthreads", "1", "--no-dashboard", "--name", f"w{number}", "--death-timeout", "90",
            "--local-directory", str(self.folder / "dask"), "--nanny" if nanny else "--no-nanny",
            log=self.folder / f"worker{number}.log", environment=environment,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def wait(self, count: int) -> None:
        """Until so many workers are registered."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=90)

    def kill_a_worker(self, at: int = 0) -> None:
        """Kill what does the work, not its nanny."""
        nanny = psutil.Process(self.workers[at].pid)
        busy = [child for child in nanny.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
        (busy[0] if busy else nanny).send_signal(signal.SIGKILL)

    def assert_alive(self) -> None:
        """Fail with the log of the process that ended, and how it ended, if one has that nobody was to end."""
        named = [("scheduler", self.scheduler), *((f"worker{at}", one) for at, one in enumerate(self.workers))]
        for name, process in named:
            code = None if process is None else process.poll()
            log = (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]
            assert code is None, f"the {name} of this test's cluster ended with {code} before the test:\n{log}"

    def stop(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            if process.poll() is not None:
                continue  # its number may be somebody else's by now
            with psutil_gone():
                for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                    with psutil_gone():
                        one.kill()
            process.wait()

    def _start(self, *words: str, log: Path, environment: Mapping[str, str] = {}) -> "subprocess.Popen[bytes]":
        with log.open("wb") as into:
            return subprocess.Popen(
                [*_DASK, *words],
                stdout=into,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **self.environment, **environment},
            )


@contextmanager
def psutil_gone() -> Iterator[None]:
    with suppress(psutil.NoSuchProcess):
        yield


@contextmanager
def dask_cluster(folder: Path, workers: int = 2, **environment: str) -> Iterator[DaskCluster]:
    """A scheduler with workers of one thread each."""
    cluster = DaskCluster(folder, environment=environment)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        if workers:
            cluster.wait(workers)
        yield cluster
    finally:
        cluster.stop()
