"""The pool: completion order, failures as values, killed workers, early ends."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from s2kit.errors import InputError, TryLaterError
from s2kit.run.parallel import Done, Failed, pmap, worker_count
from s2kit.run.sharing import decoding_threads, sharers, threads_limited


def square(number: int) -> int:
    if number == 13:
        raise InputError("13 is unlucky", "take 14")
    if number == 17:
        raise ValueError("not one of ours")
    return number * number


def die_on(victim: int, number: int) -> int:
    if number == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(marker: str, number: int) -> int:
    path = Path(marker)
    if number == 3 and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def slow(number: int) -> int:
    time.sleep(90 if number else 0)
    return number


def unpicklable(number: int) -> object:
    return lambda: number


def environment(number: int) -> tuple[str | None, ...]:
    return os.environ.get("GDAL_NUM_THREADS"), os.environ.get("OPJ_NUM_THREADS")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_comes_out_once_and_failures_are_values(jobs: int) -> None:
    results = list(pmap(square, range(20), jobs))
    assert sorted(result.index for result in results) == list(range(20))
    done = {result.item: result.value for result in results if isinstance(result, Done)}
    assert done == {n: n * n for n in range(20) if n not in {13, 17}}
    failed = {result.item: result.error for result in results if isinstance(result, Failed)}
    assert (str(failed[13]), failed[13].hint) == ("13 is unlucky", "take 14")
    assert isinstance(failed[13], InputError)
    assert "ValueError: not one of ours" in str(failed[17])


def test_only_the_item_that_kills_its_worker_fails() -> None:
    results = list(pmap(partial(die_on, 7), range(12), 2))
    assert [result.item for result in results if isinstance(result, Failed)] == [7]
    assert sorted(result.value for result in results if isinstance(result, Done)) == [n for n in range(12) if n != 7]
    error = next(result.error for result in results if isinstance(result, Failed))
    assert isinstance(error, TryLaterError)
    assert "killed" in str(error)


def test_work_of_a_worker_that_was_killed_once_is_done_again(tmp_path: Path) -> None:
    results = list(pmap(partial(die_once, str(tmp_path / "died")), range(8), 2))
    assert sorted(result.value for result in results if isinstance(result, Done)) == list(range(8))


def test_leaving_early_ends_the_workers() -> None:
    results = pmap(slow, range(6), 2)
    assert next(results).index == 0
    workers = [child for child in psutil.Process().children() if "popen_loky_posix" in " ".join(child.cmdline())]
    assert workers
    started = time.perf_counter()
    results.close()
    assert time.perf_counter() - started < 45
    assert psutil.wait_procs(workers, 30)[1] == []


def test_a_result_that_cannot_travel_is_that_items_failure() -> None:
    outcome = list(pmap(unpicklable, [1], 2))
    assert len(outcome) == 1
    assert isinstance(outcome[0], (Done, Failed))


def test_workers_decode_with_one_thread() -> None:
    assert {result.value for result in pmap(environment, range(3), 2) if isinstance(result, Done)} == {("1", "0")}


def sharing(number: int) -> int:
    return sharers()


def test_workers_know_how_many_share_an_archive() -> None:
    assert sharers() == 1
    assert {result.value for result in pmap(sharing, range(4), 2) if isinstance(result, Done)} == {2}


def here(number: int) -> str:
    return str(Path.cwd())


def test_workers_stand_in_the_folder_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert {result.value for result in pmap(here, range(3), 2) if isinstance(result, Done)} == {str(folder)}


def test_zero_jobs_means_every_core() -> None:
    assert worker_count(0) >= 1
    assert worker_count(3) == 3


PARENT = """
import os, time
from pathlib import Path
from s2kit.run.parallel import pmap
from run_tasks import wait
for _ in pmap(wait, range(6), 3):
    print("one", flush=True)
"""
TASKS = """
import time
def wait(number):
    time.sleep(0.05 if number == 0 else 60)
"""


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)  # who adopts orphans may be slow to bury them
    except psutil.NoSuchProcess:
        return False


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    (tmp_path / "run_tasks.py").write_text(TASKS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"one\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len([child for child in children if "popen_loky_posix" in " ".join(child.cmdline())]) == 3
        parent.kill()
        killed = time.monotonic()
    while any(map(alive, children)):
        assert time.monotonic() < killed + 30
        time.sleep(0.05)


@dataclass(frozen=True)
class Large:
    label: str
    more: str = "x" * 4000


@dataclass(frozen=True)
class Nameless:
    more: str = "x" * 4000


def die(item: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(("item", "name"), [(Large("chip 7"), "chip 7"), (Nameless(), "Nameless"), (5, "5")])
def test_a_killed_worker_is_named_in_one_line(item: object, name: str) -> None:
    (failed,) = pmap(die, [item], 2)
    assert isinstance(failed, Failed)
    assert str(failed.error) == f"{name}: the worker process was killed, three times over"


def test_the_environment_stays_as_it_was(tmp_path: Path) -> None:
    before = dict(os.environ)
    with threads_limited(3):
        assert decoding_threads() == 3
        with threads_limited(1):
            assert decoding_threads() == 1
        assert decoding_threads() == 3
        list(pmap(square, range(4), 2))
    assert decoding_threads() >= 1
    assert dict(os.environ) == before


def blocked(number: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_workers_are_born_deaf_to_ctrl_c() -> None:
    """It reaches the whole process group: before the first task it would be a traceback of each of them on stderr."""
    assert [done.value for done in pmap(blocked, range(2), 2) if isinstance(done, Done)] == [True, True]
    assert not blocked(0)
