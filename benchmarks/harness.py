"""Measure commands: wall time, processor time and peak memory of the whole process tree.

A benchmark runs its contestants in turns (A B A B), takes medians, and prints ratios, because a shared machine's
seconds mean little. Memory is PSS: pages that several processes share are counted once.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
_SAMPLE_S = 0.05
_FIRST_SAMPLE_S = 0.005
_SAMPLING_SHARE = 0.02


class CommandFailedError(RuntimeError):
    """A measured command that ended with another code than expected; its stderr is the message."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run cost, or the median of several."""

    wall_s: float
    cpu_s: float
    """User and system time, children included."""
    peak_pss_mb: float
    """Peak of the tree's PSS in 10^6 bytes; NaN where the system does not tell (no `/proc/PID/smaps_rollup`)."""
    runs: int = 1

    @classmethod
    def median(cls, runs: Sequence["Measurement"]) -> "Measurement":
        """The median of each number by itself."""
        return cls(
            statistics.median(run.wall_s for run in runs),
            statistics.median(run.cpu_s for run in runs),
            statistics.median(run.peak_pss_mb for run in runs),
            len(runs),
        )


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command that does the work."""

    command: Sequence[str]
    env: Mapping[str, str] | None = None
    """Variables laid over this process's environment."""
    cwd: Path | None = None
    before: Callable[[], object] | None = None
    """Called before each run, unmeasured: removes outputs, drops caches."""
    expect: int = 0
    """Exit code that counts as success."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A contestant that is not on this machine; the table says so."""

    reason: str


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    repeat: int = 1,
    before: Callable[[], object] | None = None,
    expect: int = 0,
) -> Measurement:
    """Run a command and return what it cost: the median of `repeat` runs.

    Args:
        command: Program and arguments; its stdout is thrown away.
        env: Variables laid over this process's environment.
        cwd: Folder to run in.
        repeat: Number of runs.
        before: Called before each run, outside the clock.
        expect: Exit code that counts as success.

    Raises:
        CommandFailedError: The command ended with another code.
    """
    runs = []
    for _ in range(repeat):
        if before is not None:
            before()
        runs.append(_once([str(word) for word in command], {**environment(), **(env or {})}, cwd, expect))
    return Measurement.median(runs)


def environment() -> dict[str, str]:
    """What all contestants get: an installed program has its bytecode, even on a machine that forbids writing it."""
    ours = {"S2KIT_BENCH_DIR", "S2KIT_LOAD_S", "PYTHONDONTWRITEBYTECODE"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def interleaved(contestants: Mapping[str, Contestant | Absent], repeat: int = 3) -> dict[str, Measurement | Absent]:
    """Run all contestants in turns (A B A B), so that a busy neighbour hurts all alike; medians by name."""
    runs: dict[str, list[Measurement]] = {}
    for _ in range(repeat):
        for name, contestant in contestants.items():
            if isinstance(contestant, Contestant):
                run = measure(
                    contestant.command,
                    env=contestant.env,
                    cwd=contestant.cwd,
                    before=contestant.before,
                    expect=contestant.expect,
                )
                runs.setdefault(name, []).append(run)
    return {
        name: contestant if isinstance(contestant, Absent) else Measurement.median(runs[name])
        for name, contestant in contestants.items()
    }


def _once(command: list[str], env: Mapping[str, str], cwd: Path | None, expect: int) -> Measurement:
    with tempfile.TemporaryFile() as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=stderr)
        sampler = _Sampler(process.pid)
        sampler.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            sampler.stop()
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != expect:
            stderr.seek(0)
            text = stderr.read().decode(errors="replace")[-2000:]
            raise CommandFailedError(f"{' '.join(command)[:300]} ended with {process.returncode}: {text}")
    waited = usage.ru_utime + usage.ru_stime
    return Measurement(wall, max(waited, sampler.cpu_s), sampler.peak_pss / 1e6 if sampler.works else float("nan"))


class _Sampler(threading.Thread):
    """Watches a process and all below it: the peak of their PSS, and processor time that nobody waited for."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = pid
        self._ended = threading.Event()
        self._cpu: dict[int, float] = {}
        self.peak_pss = 0
        self.works = (PROC / "self" / "smaps_rollup").exists()

    @property
    def cpu_s(self) -> float:
        """Processor time of all processes seen, as of the last sample."""
        return sum(self._cpu.values())

    def run(self) -> None:
        pause = _FIRST_SAMPLE_S
        while self.works and not self._ended.wait(pause):
            started = time.thread_time()
            self._sample()
            pause = max(_SAMPLE_S, (time.thread_time() - started) / _SAMPLING_SHARE)

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _sample(self) -> None:
        total = 0
        for pid in process_tree(self._root):
            with contextlib.suppress(OSError, IndexError, ValueError):
                self._cpu[pid] = _cpu_of(pid)
                total += pss_of(pid)
        self.peak_pss = max(self.peak_pss, total)


def process_tree(root: int) -> list[int]:
    """A process and all that descend from it, by `/proc`."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` after the command's name: state, parent, …"""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _cpu_of(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_of(pid: int) -> int:
    """Proportional set size of a process in bytes, by `/proc`."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title, for a terminal or the README."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def text(self) -> str:
        """Aligned columns."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([self.title, *body, *(f"  {note}" for note in self.notes), ""])

    def markdown(self) -> str:
        """A table as GitHub reads it."""
        body = ["| " + " | ".join(line) + " |" for line in (self.head, ["---"] * len(self.head), *self.rows)]
        return "\n".join([f"**{self.title}**", "", *body, *(f"\n{note}" for note in self.notes), ""])


HEAD = ("what", "wall s", "CPU s", "peak MB", "wall ratio", "memory ratio")


def comparison(
    title: str, measured: Mapping[str, Measurement | Absent], *, ours: str = "s2kit", notes: Sequence[str] = ()
) -> Table:
    """A table of contestants; a ratio of 3 means: takes three times what `ours` takes."""
    base = measured[ours]
    assert isinstance(base, Measurement)
    return Table(title, HEAD, [_row(name, run, base) for name, run in measured.items()], notes)


def _row(name: str, run: Measurement | Absent, base: Measurement) -> Sequence[str]:
    if isinstance(run, Absent):
        return (f"{name} (absent: {run.reason})", "", "", "", "", "")
    wall, memory = run.wall_s / base.wall_s, run.peak_pss_mb / max(base.peak_pss_mb, 1e-9)
    return (
        name,
        number(run.wall_s),
        number(run.cpu_s),
        f"{run.peak_pss_mb:.0f}",
        "1" if run is base else f"{wall:.2f}",
        "1" if run is base else f"{memory:.2f}",
    )


def number(value: float) -> str:
    """Three significant digits at most, never an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def work_folder() -> Path:
    """Where inputs and outputs of benchmarks go: `S2KIT_BENCH_DIR`, or `benchmarks/work`."""
    folder = Path(os.environ.get("S2KIT_BENCH_DIR") or Path(__file__).with_name("work"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def s2kit_command() -> list[str]:
    """The `s2kit` that is installed beside this Python."""
    return [str(Path(sys.executable).with_name("s2kit"))]


def peer_python(name: str, packages: Sequence[str]) -> Path | Absent:
    """A Python with other people's packages, in a virtual environment of its own under the work folder.

    Args:
        name: Name of the environment; it is made once.
        packages: What pip installs into it.
    """
    home = work_folder() / "peers" / name
    python = home / "bin" / "python"
    ready = home / ".ready"
    if not ready.exists() or ready.read_text() != " ".join(packages):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        made = subprocess.run([sys.executable, "-m", "venv", str(home)], **quiet, check=False).returncode == 0
        pip = [str(python), "-m", "pip", "install", "-q", *packages]
        if not made or subprocess.run(pip, **quiet, check=False).returncode != 0:
            return Absent(f"pip could not install {' '.join(packages)}")
        ready.write_text(" ".join(packages))
    return python
