"""Work on a real Dask cluster on loopback: the same outcomes as on this machine, and every fault an end."""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from s2kit.errors import ConfigError, InputError, TryLaterError
from s2kit.run import cluster as engine
from s2kit.run.cluster import Cluster
from s2kit.run.parallel import Done, Failed, distributed, on_cluster, pmap
from s2kit.run.sharing import done_by
from support.cluster_tasks import die_on_seven, exists, hold, lacking, shares, square, where, write
from support.dask_cluster import DaskCluster, dask_cluster

TESTS = str(Path(__file__).resolve().parents[1])
FULL = bool(os.environ.get("S2KIT_FULL_MATRIX"))
pytestmark = [
    pytest.mark.timeout(120),
    # of sockets that a client leaves to a scheduler which is gone
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A cluster of two workers that nobody harms but by its tasks."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2, PYTHONPATH=TESTS) as cluster:
        yield cluster


@pytest.fixture
def two(started: DaskCluster) -> DaskCluster:
    started.assert_alive()
    return started


@pytest.fixture
def own(tmp_path: Path) -> Iterator[DaskCluster]:
    """A cluster of two workers to be killed."""
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask", 2, PYTHONPATH=TESTS) as cluster:
        yield cluster


def values(results: "list[Done[object] | Failed]") -> list[object]:
    return [result.value for result in results if isinstance(result, Done)]


def test_every_item_comes_out_once_and_failures_are_values(two: DaskCluster) -> None:
    assert not distributed()
    with on_cluster(Cluster(two.address)):
        assert distributed()
        results = list(pmap(square, range(200), 1))
    assert not distributed()
    assert sorted(result.index for result in results) == list(range(200))
    done = {result.item: result.value for result in results if isinstance(result, Done)}
    assert done == {n: n * n for n in range(200) if n not in {13, 17}}
    failed = {result.item: result.error for result in results if isinstance(result, Failed)}
    assert (str(failed[13]), failed[13].hint) == ("13 is unlucky", "take 14")
    assert isinstance(failed[13], InputError)
    assert "ValueError: not one of ours" in str(failed[17])


def test_the_worker_of_an_item_is_known(two: DaskCluster) -> None:
    with on_cluster(Cluster(two.address)):
        seen = {done_by() for _ in pmap(square, range(40))}
    assert len(seen) == 2
    assert all(address.startswith("tcp://") for address in seen)
    assert done_by() == ""


def test_only_the_item_that_kills_its_worker_fails(two: DaskCluster) -> None:
    with on_cluster(Cluster(two.address)):
        results = list(pmap(die_on_seven, range(20)))
    assert sorted(values(results)) == [n for n in range(20) if n != 7]
    (failed,) = [result for result in results if isinstance(result, Failed)]
    assert str(failed.error) == "7: the worker process was killed, three times over"
    assert isinstance(failed.error, TryLaterError)


@pytest.mark.parametrize("moment", [0.1 * step for step in range(10)] if FULL else [0.3])
def test_a_worker_is_killed_in_the_middle(own: DaskCluster, tmp_path: Path, moment: float) -> None:
    out = tmp_path / "out"
    out.mkdir()
    jobs = [(str(out), number, 0.05) for number in range(40)]
    killer = threading.Timer(moment, own.kill_a_worker)
    with on_cluster(Cluster(own.address)):
        results = []
        for result in pmap(write, jobs):
            if not results:
                killer.start()
            results.append(result)
    assert len(values(results)) == 40
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{number}.txt" for number in range(40))


def test_a_worker_that_joins_in_the_middle_is_used(tmp_path: Path) -> None:
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask", 1, PYTHONPATH=TESTS) as one, on_cluster(Cluster(one.address)):
        workers = set()
        for at, _ in enumerate(pmap(write, ((str(tmp_path), number, 0.1) for number in range(100)))):
            workers.add(done_by())
            if at == 0:
                one.start_worker()
    assert len(workers) == 2


def test_the_scheduler_is_killed(own: DaskCluster, tmp_path: Path) -> None:
    jobs = [(str(tmp_path), number, 0.2) for number in range(50)]
    with on_cluster(Cluster(own.address)):
        results = pmap(write, jobs)
        next(results)
        assert own.scheduler is not None
        own.scheduler.kill()
        killed = time.monotonic()
        with pytest.raises(TryLaterError, match=r"scheduler tcp://.* is gone"):
            list(results)
        assert time.monotonic() < killed + 30
    assert len(list(tmp_path.glob("*.txt"))) < 50


def test_all_workers_are_killed(own: DaskCluster, tmp_path: Path) -> None:
    with on_cluster(Cluster(own.address, wait_s=2)):
        results = pmap(write, [(str(tmp_path), number, 0.2) for number in range(50)])
        next(results)
        for worker in own.workers:
            nanny = psutil.Process(worker.pid)
            for process in [nanny, *nanny.children(recursive=True)]:  # the nanny first: it would start another worker
                process.kill()
        with pytest.raises(TryLaterError, match="no workers, after 2 s"):
            list(results)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        on_cluster(Cluster(f"tcp://127.0.0.1:{port}")),
        pytest.raises(TryLaterError, match="no Dask scheduler answers"),
    ):
        list(pmap(square, [1]))


def test_a_port_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONNECT_S", 1.0)
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        on_cluster(Cluster(f"tcp://127.0.0.1:{mute.getsockname()[1]}")),
        pytest.raises(TryLaterError, match="no Dask scheduler answers"),
    ):
        list(pmap(square, [1]))


def test_a_scheduler_without_workers(tmp_path: Path) -> None:
    with (
        dask_cluster(tmp_path, 0) as empty,
        on_cluster(Cluster(empty.address, wait_s=1)),
        pytest.raises(TryLaterError, match="has no workers, after 1 s"),
    ):
        list(pmap(square, [1]))


def test_a_worker_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import s2kit.version\ns2kit.version.__version__ = '0.0.1'\n")
    with dask_cluster(tmp_path, 0) as cluster:
        cluster.start_worker(PYTHONPATH=f"{tmp_path}:{TESTS}")
        cluster.wait(1)
        with (
            on_cluster(Cluster(cluster.address)),
            pytest.raises(ConfigError, match=r"worker tcp://.* has s2kit 0\.0\.1, this is s2kit"),
        ):
            list(pmap(square, [1]))


def test_a_path_that_workers_do_not_see_is_named_before_the_work(two: DaskCluster) -> None:
    own = Path(f"/proc/self/task/{threading.get_native_id()}")
    if not own.exists():
        return  # macOS has no folder that only one process sees
    with (
        on_cluster(Cluster(two.address)),
        pytest.raises(ConfigError, match=rf"worker tcp://\S+ \(\S+\) does not see {own}"),
    ):
        list(pmap(exists, [own]))


def test_a_worker_without_keys_is_named_before_the_work(two: DaskCluster) -> None:
    with (
        on_cluster(Cluster(two.address, checks=(lacking,))),
        pytest.raises(ConfigError, match=r"worker tcp://.*: it has no keys for the archive cdse"),
    ):
        list(pmap(square, [1]))


def test_relative_paths_mean_what_they_mean_here(
    two: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / f"{folder.name}.txt").touch()
        monkeypatch.chdir(folder)
        with on_cluster(Cluster(two.address)):
            assert set(values(list(pmap(where, [f"{folder.name}.txt"] * 4)))) == {(str(folder), True)}
        assert [path.name for path in folder.iterdir()] == [f"{folder.name}.txt"]


def test_connections_to_an_archive_are_counted_over_all_workers(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, 4, PYTHONPATH=TESTS) as four, on_cluster(Cluster(four.address)):
        held = [value for value in values(list(pmap(hold, range(12)))) if isinstance(value, tuple)]
    assert len(held) == 12
    moments = sorted((moment, change) for start, end in held for moment, change in ((start, 1), (end, -1)))
    at_once = most = 0
    for _, change in moments:
        at_once += change
        most = max(most, at_once)
    assert most == 2


def test_many_connections_are_shared_out_and_few_are_counted(two: DaskCluster) -> None:
    with on_cluster(Cluster(two.address)):
        assert values(list(pmap(shares, [64]))) == [32]
        assert values(list(pmap(shares, [4]))) == [4]


def test_leaving_early_leaves_the_workers(two: DaskCluster, tmp_path: Path) -> None:
    with on_cluster(Cluster(two.address)):
        results = pmap(write, [(str(tmp_path), number, 0.2) for number in range(60)])
        next(results)
        started = time.monotonic()
        results.close()  # type: ignore[attr-defined]
        assert time.monotonic() < started + 10
        assert set(values(list(pmap(square, range(3))))) == {0, 1, 4}
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) < 60
    assert all(worker.poll() is None for worker in two.workers)


def test_workers_of_this_machine_only() -> None:
    with on_cluster(Cluster("local:2")):
        assert sorted(values(list(pmap(square, range(5))))) == [0, 1, 4, 9, 16]
    with on_cluster(Cluster("local:none")), pytest.raises(ConfigError, match="local:none: not a number of workers"):
        list(pmap(square, [1]))


def test_without_distributed_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with on_cluster(Cluster("tcp://127.0.0.1:1")), pytest.raises(ConfigError) as caught:
        list(pmap(square, [1]))
    assert caught.value.hint == "pip install 's2kit[cluster]'"
