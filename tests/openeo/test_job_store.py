"""Batch jobs: real processes, in sessions of their own, that are started once, ended, killed, and found dead."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from s2kit.errors import UsageError
from s2kit.openeo.errors import JobLockedError, JobNotFinishedError, JobNotFoundError
from s2kit.openeo.job import JobKind, JobLimits, JobState, NewJob
from s2kit.openeo.job_process import session_memory_bytes
from s2kit.openeo.job_store import JobStore

PICTURE = [{"bands": "B04", "res": 60}]
AREA = b"POLYGON((0 43, 2 43, 2 45, 0 45, 0 43))"


@pytest.fixture
def store(tmp_path):
    store = JobStore(tmp_path / "store")
    yield store
    for job in store.jobs():
        store.delete(job.id)


@dataclass
class Held:
    """A job that hangs, in its own process, until it is let go: its area comes from a pipe."""

    new: NewJob
    pipe: Path

    def let_go(self) -> None:
        whole = self.pipe.with_suffix(".wkt")
        whole.write_bytes(AREA)
        with self.pipe.open("wb") as pipe:
            whole.replace(self.pipe)  # for whoever opens it once more
            pipe.write(AREA)


@pytest.fixture
def held(tmp_path, scene):
    def make(name="a", **more) -> Held:
        pipe = tmp_path / name
        os.mkfifo(pipe)
        words = (str(scene.l2a[0]), "--aoi", str(pipe), "--max-px", "50", "--jobs", "1")
        return Held(NewJob(body=PICTURE, kind=JobKind.RENDER, words=words, folder=str(tmp_path), **more), pipe)

    return make


def until(store, job_id, *states, seconds=60.0):
    end = time.monotonic() + seconds
    while (job := store.refreshed(job_id)).state not in states:
        assert (job.state.is_busy, time.monotonic() < end) == (True, True), f"{job}, log: {store.logs(job_id)}"
        time.sleep(0.05)
    return job


def until_pid(store, job_id, seconds=30.0):
    end = time.monotonic() + seconds
    while store.get(job_id).pid is None or len(_session(store.get(job_id).pid)) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    return store.get(job_id).pid


def _session(session):
    """Living processes of a session; what is dead and waits for its parent does not count."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,sess=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, its, state in rows if int(its) == session and not state.startswith("Z")]


def _left(session):
    """Processes of a session that are still there after a moment: one that ends takes some milliseconds to be gone."""
    end = time.monotonic() + 2
    while (left := _session(session)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def test_a_render_batch_is_a_job_like_any_other(store, scene, tmp_path):
    body = [{"bands": "B04", "res": 60}, {"index": "ndvi", "res": 20}]
    words = (str(scene.l2a[0]), "--max-px", "50", "--jobs", "1")
    job = store.create(NewJob(body=body, kind=JobKind.RENDER, title="two", words=words, folder=str(tmp_path)))
    assert (job.state, job.title, job.pid) == (JobState.CREATED, "two", None)
    with pytest.raises(JobNotFinishedError, match="is created"):
        store.results(job.id)
    store.start(job.id)
    done = until(store, job.id, JobState.FINISHED)
    assert (done.exit_code, done.message, done.runs) == (0, None, 1)
    assert done.created <= done.started <= done.ended
    assert ["B04" in path.name for path in store.results(job.id)[:2]] == [True, False]
    assert all(path.stat().st_size for path in store.results(job.id))
    assert [line.level for line in store.logs(job.id)].count("error") == 0
    assert "finished" in store.logs(job.id)[-1].message


def test_what_goes_wrong_is_in_the_record_and_the_log(store, tmp_path):
    job = store.create(NewJob(body=PICTURE, kind=JobKind.RENDER, words=("nowhere.SAFE",), folder=str(tmp_path)))
    store.start(job.id)
    failed = until(store, job.id, JobState.ERROR)
    assert "nowhere.SAFE" in failed.message
    assert failed.exit_code not in {0, None}
    assert [line for line in store.logs(job.id) if line.level == "error" and "nowhere.SAFE" in line.message]
    with pytest.raises(JobNotFinishedError, match=r"nowhere\.SAFE"):
        store.results(job.id)
    store.start(job.id)  # may be tried again
    assert until(store, job.id, JobState.ERROR).runs == 2


def test_stop_ends_every_process_of_the_session(store, held):
    job = store.create(held().new)
    store.start(job.id)
    session = until_pid(store, job.id)
    assert os.getsid(session) == session != os.getsid(0)
    assert session_memory_bytes(session) > 1 << 20
    assert store.stop(job.id).state is JobState.CANCELED
    assert _left(session) == []
    assert store.refreshed(job.id).message == "stopped"


def test_a_job_that_ignores_the_first_signal_is_killed(store, held):
    job = store.create(held().new)
    store.start(job.id)
    session = until_pid(store, job.id)
    for pid in _session(session):
        os.kill(pid, signal.SIGSTOP)  # deaf to SIGTERM
    begun = time.monotonic()
    store.stop(job.id)
    assert _left(session) == []
    assert time.monotonic() - begun < 20


def test_a_job_is_locked_while_it_runs_and_deleting_stops_it(store, held):
    job = store.create(held().new)
    store.start(job.id)
    session = until_pid(store, job.id)
    with pytest.raises(JobLockedError, match="running"):
        store.update(job.id, title="other")
    assert store.start(job.id).runs == 1  # nothing happens
    store.delete(job.id)
    assert _left(session) == []
    assert not store.folder(job.id).exists()
    with pytest.raises(JobNotFoundError, match="there is no job"):
        store.get(job.id)


def test_a_job_killed_with_its_machine_is_found_dead(store, held):
    job = store.create(held().new)
    store.start(job.id)
    session = until_pid(store, job.id)
    os.killpg(session, signal.SIGKILL)  # as a power cut does: nobody says goodbye
    dead = until(store, job.id, JobState.ERROR, seconds=10)
    assert "gone" in dead.message
    assert "gone" in store.logs(job.id)[-1].message


def test_a_supervisor_killed_alone_does_not_let_the_job_start_twice(store, held):
    one = held()
    job = store.create(one.new)
    store.start(job.id)
    session = until_pid(store, job.id)
    os.kill(session, signal.SIGKILL)
    time.sleep(0.3)
    assert store.recover() == []  # its verb is at work still
    assert store.start(job.id).runs == 1
    one.let_go()
    assert "gone" in until(store, job.id, JobState.ERROR).message


def test_many_starts_at_once_start_a_job_once(store, held):
    one = held()
    job = store.create(one.new)
    code = (
        "import sys; from pathlib import Path; from s2kit.openeo.job_store import JobStore;"
        "sys.stdin.read(); JobStore(Path(sys.argv[1])).start(sys.argv[2])"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(store.root), job.id], stdin=subprocess.PIPE) for _ in range(6)
    ]
    for process in starters:
        process.stdin.close()
    threads = [threading.Thread(target=store.start, args=(job.id,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for worker in (*threads,):
        worker.join()
    assert [process.wait() for process in starters] == [0] * 6
    until_pid(store, job.id)
    begun = [line for line in store.logs(job.id) if "begins" in line.message]
    assert (len(begun), store.get(job.id).runs) == (1, 1)
    one.let_go()
    until(store, job.id, JobState.FINISHED)


def test_jobs_wait_for_room_and_the_next_starts_by_itself(tmp_path, held):
    store = JobStore(tmp_path / "store", slots=1)
    first, second = held("a"), held("b")
    ids = [store.create(one.new).id for one in (first, second)]
    for job_id in ids:
        store.start(job_id)
    until_pid(store, ids[0])
    assert store.get(ids[1]).state is JobState.QUEUED
    first.let_go()
    until(store, ids[0], JobState.FINISHED)
    until_pid(store, ids[1])  # started by the end of the first; nobody asked
    second.let_go()
    until(store, ids[1], JobState.FINISHED)
    assert store.start(ids[0]).state is JobState.RUNNING
    store.stop(ids[0])


def test_the_many_jobs_of_one_owner_do_not_keep_out_anothers(tmp_path, held):
    store = JobStore(tmp_path / "store", slots=2)
    owners = ("anna", "anna", "anna", "otto")
    jobs = [store.create(held(f"p{at}", owner=owner).new).id for at, owner in enumerate(owners)]
    for job_id in jobs:
        store.start(job_id)
    until_pid(store, jobs[0])
    store.stop(jobs[0])
    assert [store.get(one).state for one in jobs[1:]] == [JobState.RUNNING, JobState.QUEUED, JobState.RUNNING]
    for job_id in jobs:
        store.stop(job_id)


def test_a_job_that_is_waited_for_starts_before_others(tmp_path, held):
    store = JobStore(tmp_path / "store", slots=1)
    jobs = [store.create(held(f"p{at}").new).id for at in range(3)]
    for job_id in jobs[:2]:
        store.start(job_id)
    store.start(jobs[2], is_waited_for=True)
    until_pid(store, jobs[0])
    store.stop(jobs[0])
    assert [store.get(one).state for one in jobs[1:]] == [JobState.QUEUED, JobState.RUNNING]
    for job_id in jobs:
        store.stop(job_id)


def test_limits_of_time_and_memory_end_a_job(store, held):
    slow = store.create(held("a", limits=JobLimits(seconds=1.5)).new)
    large = store.create(held("b", limits=JobLimits(memory_bytes=1 << 20)).new)
    store.start(slow.id)
    store.start(large.id)
    assert "1.5 s" in until(store, slow.id, JobState.ERROR).message
    ended = until(store, large.id, JobState.ERROR)
    assert "1 MiB is the limit" in ended.message
    assert ended.peak_memory_bytes > 1 << 20


def test_secrets_of_a_body_are_never_stored(store, tmp_path):
    node = {"process_id": "load_collection", "arguments": {"Login": ["me", "HUSH"], "password": "HUSH", "x": 1}}
    job = store.create(NewJob(body={"process": {"process_graph": {"a": node}}}))
    assert store.get(job.id).body["process"]["process_graph"]["a"]["arguments"] == {"x": 1}
    store.update(job.id, body={"process_graph": {"a": node}})
    everything = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert b"HUSH" not in everything


def test_jobs_belong_to_their_owners(store):
    hers = store.create(NewJob(body={}, owner="her"))
    store.create(NewJob(body={}, owner="him"))
    assert [job.id for job in store.jobs("her")] == [hers.id]
    with pytest.raises(JobNotFoundError):
        store.get(hers.id, "him")
    with pytest.raises(JobNotFoundError):
        store.delete(hers.id, "him")
    assert [job.owner for job in store.jobs(limit=1)] == ["him"]
    assert [job.owner for job in store.jobs(offset=1)] == ["her"]


def test_an_id_is_never_a_path(store):
    for text in ("../other", "j-../x", "/etc", ""):
        with pytest.raises(JobNotFoundError):
            store.get(text)
        with pytest.raises(JobNotFoundError):
            store.folder(text)


def test_the_begin_of_an_id_will_do(store):
    job = store.create(NewJob(body={}))
    assert store.find(job.id[:8]) == store.find(job.id[2:8]) == job.id
    with pytest.raises(JobNotFoundError):
        store.find("zzz")
    others = [store.create(NewJob(body={})) for _ in range(17)]
    first = {one.id[2] for one in others if sum(other.id[2] == one.id[2] for other in others) > 1}.pop()
    with pytest.raises(UsageError, match="several"):
        store.find(first)


def test_a_store_of_the_future_is_refused(store):
    import sqlite3

    store.create(NewJob(body={}))
    with sqlite3.connect(store.root / "jobs.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(UsageError, match="newer"):
        store.jobs()
    with sqlite3.connect(store.root / "jobs.sqlite") as db:
        db.execute("PRAGMA user_version = 2")
    db.close()


def test_a_store_of_the_version_before_goes_on(store):
    import sqlite3

    job = store.create(NewJob(body={}, title="old"))
    with sqlite3.connect(store.root / "jobs.sqlite") as db:
        db.execute("ALTER TABLE jobs DROP COLUMN may_pay")
        db.execute("PRAGMA user_version = 1")
    db.close()
    found = store.get(job.id)
    assert (found.title, found.may_pay, found.environment) == ("old", None, {})
    assert store.create(NewJob(body={})).may_pay is None


def test_a_record_is_json(store):
    job = store.create(NewJob(body={"process_graph": {}}, description="d", limits=JobLimits(seconds=3)))
    record = json.loads(json.dumps(job.record()))
    assert record["process"] == {"process_graph": {}}
    assert (record["status"], record["max_seconds"], record["description"]) == ("created", 3, "d")
