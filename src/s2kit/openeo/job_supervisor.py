"""The first process of a job's session: runs the verb, keeps its log, holds it to its limits, says how it ended.

Run as `python -m s2kit.openeo.job_supervisor STORE SLOTS JOB LOCK`. Touches processes and the store; loads nothing
heavy.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from s2kit.openeo.job import Job, JobKind, JobState
from s2kit.openeo.job_log import LogLine, append_line, from_stderr
from s2kit.openeo.job_process import GRACE_S, command_of, session_memory_bytes
from s2kit.openeo.job_store import LOG, PRINTED, JobStore
from s2kit.run.files import ensure_folder, remove

LOOK_S = 0.25
"""Seconds between two looks at a job's memory and time."""


@dataclass(slots=True)
class _Watched:
    """What the watch has seen."""

    peak_memory_bytes: int | None = None
    exceeded: str | None = None
    last_error: str | None = None
    told_to_stop: bool = False


def supervise(store: JobStore, job_id: str, lock_handle: int) -> None:
    """Run a job that is `running` in the store, to its end.

    Args:
        store: The store.
        job_id: The job.
        lock_handle: Descriptor of the job's lock, which the verb's process inherits.
    """
    seen = _Watched()

    def stop(number: int, frame: FrameType | None) -> None:
        seen.told_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    store.note_pid(job_id, os.getpid())
    job = store.get(job_id)
    if job.state is not JobState.RUNNING:  # stopped before it began
        return
    folder, results = store.folder(job_id), store.results_folder(job_id)
    log = folder / LOG
    try:
        if job.kind is JobKind.RENDER or job.runs == 1:
            remove(results)
        ensure_folder(results)
        append_line(log, LogLine.of("info", f"run {job.runs} begins"))
        with (folder / PRINTED).open("wb") as stdout:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                command_of(job, folder, results),
                cwd=job.folder,
                env={**os.environ, **job.environment},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                pass_fds=(lock_handle,),
            )
        assert process.stderr is not None
        reader = threading.Thread(target=_keep_log, args=(process.stderr, log, seen), daemon=True)
        reader.start()
        _watch(process, job, seen)
        reader.join(timeout=GRACE_S)
        state, message = _ended(process.returncode, seen)
        append_line(log, LogLine.of("info" if state is JobState.FINISHED else "error", message or "finished"))
        store.finish(
            job_id,
            state,
            message=message,
            exit_code=process.returncode if process.returncode >= 0 else None,
            peak_memory_bytes=seen.peak_memory_bytes,
        )
    except OSError as error:
        store.finish(job_id, JobState.ERROR, message=f"could not be run: {error}")


def _keep_log(stream: IO[bytes], log: Path, seen: _Watched) -> None:
    for text in stream:
        line = from_stderr(text.decode(errors="replace"))
        if line.message:
            append_line(log, line)
        if line.level == "error":
            seen.last_error = line.message


def _watch(process: "subprocess.Popen[bytes]", job: Job, seen: _Watched) -> None:
    """Wait for the verb's end; what exceeds a limit, or is told to stop, ends with all its children."""
    end = time.monotonic() + job.limits.seconds if job.limits.seconds else None
    while True:
        try:
            process.wait(timeout=LOOK_S)
            return
        except subprocess.TimeoutExpired:
            memory = session_memory_bytes(os.getsid(0))
        if memory is not None:
            seen.peak_memory_bytes = max(memory, seen.peak_memory_bytes or 0)
            if job.limits.memory_bytes and memory > job.limits.memory_bytes:
                seen.exceeded = f"took {memory >> 20} MiB of memory, {job.limits.memory_bytes >> 20} MiB is the limit"
        if end is not None and time.monotonic() > end:
            seen.exceeded = f"took more than {job.limits.seconds:g} s, its limit"
        if seen.exceeded or seen.told_to_stop:
            _end_children(process)
            return


def _end_children(process: "subprocess.Popen[bytes]") -> None:
    """End the verb and its workers, which are in this process's group; this process ignores the signal meanwhile."""
    previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    try:
        process.wait(timeout=GRACE_S - 1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    signal.signal(signal.SIGTERM, previous)


def _ended(code: int, seen: _Watched) -> tuple[JobState, str | None]:
    """State and message of a job whose verb ended."""
    if seen.exceeded:
        return JobState.ERROR, seen.exceeded
    if seen.told_to_stop:
        return JobState.ERROR, "terminated from outside"
    if code == 0:
        return JobState.FINISHED, None
    if code < 0:
        reason = " (out of memory?)" if -code == signal.SIGKILL else ""
        return JobState.ERROR, f"killed by signal {-code}{reason}"
    return JobState.ERROR, seen.last_error or f"ended with exit code {code}"


def main() -> None:
    """Run one job, then start the next in the queue."""
    root, slots, job_id, handle = sys.argv[1:]
    store = JobStore(Path(root), int(slots))
    os.set_inheritable(int(handle), False)  # noqa: FBT003 - it takes no name
    supervise(store, job_id, int(handle))
    os.close(int(handle))
    store.dispatch()


if __name__ == "__main__":
    main()
