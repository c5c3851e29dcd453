"""The processes of a job: a lock that lives as long as they do, starting them, ending them. Touches processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from s2kit.openeo.job import Job, JobKind, compact, process_of
from s2kit.run.files import ensure_folder, write_atomic

_LAST_S = 2.0
GRACE_S = 7.0
"""Seconds that a job which is told to stop has to put things in order; s2kit itself takes 5 at most."""


@dataclass(slots=True)
class JobLock:
    """A lock on a file that the system lifts when the last process that holds it has ended, however it ended."""

    path: Path
    _handle: int | None = field(default=None, repr=False)

    def acquire(self) -> bool:
        """Take the lock without waiting; False if processes of the job hold it."""
        import fcntl

        ensure_folder(self.path.parent)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    @property
    def handle(self) -> int:
        """Descriptor to hand down to a process, which then holds the lock too."""
        assert self._handle is not None, "the lock is not held"
        return self._handle

    def release(self) -> None:
        """Close this process's hold; processes that inherited it hold it still."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @property
    def is_free(self) -> bool:
        """True if no process holds it."""
        if not self.path.exists():
            return True
        if self.acquire():
            self.release()
            return True
        return False


def start_supervisor(root: Path, slots: int, job: Job, lock: JobLock) -> int:
    """Start the process that runs and watches a job, in a session of its own; returns its id.

    Args:
        root: Folder of the store.
        slots: How many jobs run at once.
        job: The job, already `running`.
        lock: Its lock, held.

    Raises:
        OSError: The process cannot be started.
    """
    words = [str(root.resolve()), str(slots), job.id, str(lock.handle)]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-P", "-m", "s2kit.openeo.job_supervisor", *words],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock.handle,),
    )
    _reap(process)
    return process.pid


def _reap(process: "subprocess.Popen[bytes]") -> None:
    """Wait for a process in the background, so that none stays as a zombie in a service that runs for months."""
    import threading

    threading.Thread(target=process.wait, name=f"s2kit-job-{process.pid}", daemon=True).start()


def command_of(job: Job, folder: Path, results: Path) -> list[str]:
    """The command that does a job's work, after its input is written into its folder.

    Args:
        job: The job.
        folder: Its folder.
        results: Where results go.
    """
    if job.kind is JobKind.RENDER:
        batch = write_atomic(folder / "batch.json", compact(job.body), overwrite=True)
        verb = ["render", "--batch", str(batch), "--out", str(results), *job.words]
    else:
        body = {"title": job.title, "description": job.description, "process": process_of(job.body)}
        graph = write_atomic(folder / "job.json", compact(body), overwrite=True)
        verb = ["run", str(graph), "--out", str(results), "--resume", *job.words]
    return [sys.executable, "-P", "-m", "s2kit", "-v", *verb]


def end_session(session: int | None, lock: JobLock, grace_s: float = GRACE_S) -> None:
    """End all processes of a session: first politely, then by force; returns when the job's lock is free.

    Args:
        session: Id of the session and of the process group, that is of its first process; None if that process has
            not come so far as to say its id: it sees by itself that it is not wanted.
        lock: The job's lock; while it is held the id is certainly still the job's.
        grace_s: Seconds between the two.
    """
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if lock.is_free:
            break
        if session is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(session, number)
        end = time.monotonic() + wait_s
        while not lock.is_free and time.monotonic() < end:
            time.sleep(0.05)
    end = time.monotonic() + _LAST_S
    while session is not None and session_memory_bytes(session) is not None and time.monotonic() < end:
        time.sleep(0.02)  # a process that ends gives up its lock a little before it is gone


def session_memory_bytes(session: int) -> int | None:
    """Resident memory of all processes of a session together; None if the system does not tell."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    try:
        folders = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    for entry in folders:
        with suppress(OSError, ValueError, IndexError):
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == session:
                total += int(after_name[21]) * page
    return total or None
