"""The store of batch jobs: records in SQLite, a folder a job for files. Touches the disk and starts processes.

The command line and the service use the same store at the same time. A job starts once: its record goes from `queued`
to `running` in one transaction, under a lock that the job's processes hold until the last of them has ended. Whoever
finds a `running` job whose lock is free knows that it died with its machine.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from s2kit.errors import UsageError
from s2kit.openeo.errors import JobLockedError, JobNotFinishedError, JobNotFoundError
from s2kit.openeo.job import Job, JobState, NewJob, compact, without_secrets
from s2kit.openeo.job_log import LogLine, append_line, read_lines
from s2kit.openeo.job_process import JobLock, end_session, start_supervisor
from s2kit.openeo.job_table import JobTable, column_names, job_of, timestamp
from s2kit.run.files import ensure_folder, remove

RESULTS = "results"
LOG = "log.jsonl"
PRINTED = "stdout.txt"
_NEXT = """
SELECT id FROM jobs AS one WHERE state = 'queued'
ORDER BY (SELECT count(*) FROM jobs WHERE state = 'running' AND owner = one.owner), queued, number
"""
"""Waiting jobs: first those of owners of whom the fewest run, so that many jobs of one do not keep out another's."""
_DIED = "the job's process is gone: killed, or the machine went down"


@dataclass(frozen=True, slots=True)
class JobStore:
    """Batch jobs in a folder; safe for several threads and processes at once."""

    root: Path
    """Folder of the store; made if need be."""
    slots: int = 2
    """How many jobs run at once; the others wait in the queue."""

    @property
    def _table(self) -> JobTable:
        return JobTable(self.root)

    def create(self, new: NewJob) -> Job:
        """Make a job in the state `created`; what its body has of secrets (`Login`) is left out.

        Raises:
            OutputError: The store cannot be written.
        """
        made = timestamp()
        job_id = f"j-{uuid.uuid4().hex}"
        values = {
            "id": job_id, "kind": new.kind.value, "state": JobState.CREATED.value, "owner": new.owner,
            "created": made, "updated": made, "title": new.title, "description": new.description,
            "words": compact(list(new.words)).decode(), "folder": str(Path(new.folder).resolve()),
            "max_seconds": new.limits.seconds, "max_memory_bytes": new.limits.memory_bytes,
            "body": compact(without_secrets(new.body)),
        }  # fmt: skip
        ensure_folder(self.folder(job_id))
        with self._table.transaction() as db:
            marks = ", ".join("?" * len(values))
            db.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", list(values.values()))  # noqa: S608
        return self.get(job_id)

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """One job.

        Args:
            job_id: Its id.
            owner: Whose it must be; None for anybody's.

        Raises:
            JobNotFoundError: There is none, or it is somebody else's.
        """
        with self._table.connection() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", [job_id]).fetchone()
        if row is None or (owner is not None and row["owner"] != owner):
            raise JobNotFoundError(f"there is no job {job_id!r}", "s2kit jobs list prints all")
        return job_of(row)

    def find(self, start: str) -> str:
        """The id of the only job whose id begins so, with or without `j-`.

        Raises:
            JobNotFoundError: There is none.
            UsageError: There are several.
        """
        begin = f"j-{start.removeprefix('j-')}"
        with self._table.connection() as db:
            query = "SELECT id FROM jobs WHERE substr(id, 1, ?) = ? LIMIT 2"
            found = [row["id"] for row in db.execute(query, [len(begin), begin])]
        if not found or begin == "j-":
            raise JobNotFoundError(f"there is no job {start!r}", "s2kit jobs list prints all")
        if len(found) > 1:
            raise UsageError(f"several jobs begin with {start!r}", "type more of the id")
        return str(found[0])

    def numbered(self, number: int, owner: str | None = None) -> Job:
        """The job that was made as the nth of the store; see `get`.

        Raises:
            JobNotFoundError: There is none, or it is somebody else's.
        """
        with self._table.connection() as db:
            row = db.execute("SELECT id FROM jobs WHERE number = ?", [number]).fetchone()
        if row is None:
            raise JobNotFoundError(f"there is no job {number}", "s2kit jobs list prints all")
        return self.get(str(row["id"]), owner)

    def jobs(self, owner: str | None = None, *, limit: int = 0, offset: int = 0) -> list[Job]:
        """Jobs, the newest first, without their bodies.

        Args:
            owner: Whose; None for everybody's.
            limit: At most so many; 0 for all.
            offset: How many to leave out first.
        """
        self.settle()
        columns = ", ".join(name for name in column_names() if name != "body")
        where, values = ("WHERE owner = ?", [owner]) if owner is not None else ("", [])
        query = f"SELECT {columns} FROM jobs {where} ORDER BY number DESC LIMIT ? OFFSET ?"  # noqa: S608 - names of ours
        with self._table.connection() as db:
            return [job_of(row) for row in db.execute(query, [*values, limit or -1, offset])]

    def update(self, job_id: str, owner: str | None = None, **changes: Any) -> Job:
        """Change `title`, `description`, `body`, `words` or `limits` of a job that is neither queued nor running.

        With another body or other words it is as new: its state is `created`, its results are gone.

        Raises:
            JobNotFoundError: There is none.
            JobLockedError: It is queued or running.
        """
        self.get(job_id, owner)
        values: dict[str, Any] = {key: changes[key] for key in ("title", "description") if key in changes}
        if "body" in changes:
            values["body"] = compact(without_secrets(changes["body"]))
        if "words" in changes:
            values["words"] = compact(list(changes["words"])).decode()
        if "limits" in changes:
            values |= {
                "max_seconds": changes["limits"].seconds,
                "max_memory_bytes": changes["limits"].memory_bytes,
            }
        other = "body" in changes or "words" in changes
        if other:
            values |= {
                "state": JobState.CREATED.value,
                "started": None,
                "ended": None,
                "message": None,
                "exit_code": None,
            }
        self._change(job_id, values, unless=(JobState.QUEUED, JobState.RUNNING))
        if other:
            remove(self.results_folder(job_id))  # they belong to another process
        return self.get(job_id)

    def start(
        self, job_id: str, owner: str | None = None, *, may_pay: bool | None = None, is_waited_for: bool = False
    ) -> Job:
        """Put a job into the queue and start what there is room for; nothing happens if it is queued or running.

        Args:
            job_id: Its id.
            owner: Whose it must be; None for anybody's.
            may_pay: Whether it may read archives that bill their readers; None if the settings decide.
            is_waited_for: True to start it before others that wait, since a client waits for its answer.

        Raises:
            JobNotFoundError: There is none.
        """
        self.get(job_id, owner)
        self.recover()
        since = 0.0 if is_waited_for else datetime.now(UTC).timestamp()
        values = {"state": JobState.QUEUED.value, "queued": since, "started": None,
                  "ended": None, "message": None, "exit_code": None, "pid": None, "may_pay": may_pay}  # fmt: skip
        with suppress(JobLockedError):
            self._change(job_id, values, unless=(JobState.QUEUED, JobState.RUNNING))
        self.dispatch()
        return self.get(job_id)

    def stop(self, job_id: str, owner: str | None = None) -> Job:
        """Cancel a job that is queued or running; returns when its processes are gone. Otherwise nothing happens.

        Raises:
            JobNotFoundError: There is none.
        """
        job = self.get(job_id, owner)
        values = {"state": JobState.CANCELED.value, "ended": timestamp(), "message": "stopped"}
        with suppress(JobLockedError):
            self._change(job_id, values, only=(JobState.QUEUED, JobState.RUNNING))
        job = self.get(job_id)
        if job.state is JobState.CANCELED:
            end_session(job.pid, self._lock(job_id))
            self.dispatch()
        return self.get(job_id)

    def delete(self, job_id: str, owner: str | None = None) -> None:
        """Stop a job and remove it with all its files.

        Raises:
            JobNotFoundError: There is none.
        """
        self.stop(job_id, owner)
        with self._table.transaction() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", [job_id])
        remove(self.folder(job_id))

    def results(self, job_id: str, owner: str | None = None) -> list[Path]:
        """Files (and Zarr folders) that a finished job made: the results in their order, then what describes them.

        Raises:
            JobNotFoundError: There is none.
            JobNotFinishedError: It has not finished.
        """
        job = self.refreshed(job_id, owner)
        if job.state is not JobState.FINISHED:
            reason = f": {job.message}" if job.message else ""
            hint = f"s2kit jobs start {job_id}" if not job.state.is_busy else "wait for it to end"
            raise JobNotFinishedError(f"job {job_id} is {job.state.value}{reason}", hint)
        folder = self.results_folder(job_id)
        printed = [Path(line) for line in _lines(self.folder(job_id) / PRINTED) if Path(line).parent == folder]
        found = {path for path in folder.iterdir() if not path.name.startswith(".")}
        return [*(path for path in printed if path in found), *sorted(found - set(printed))]

    def refreshed(self, job_id: str, owner: str | None = None) -> Job:
        """One job, after jobs whose processes are gone were set right; see `get`."""
        self.settle()
        return self.get(job_id, owner)

    def logs(self, job_id: str, owner: str | None = None, *, offset: int = 0, limit: int = 0) -> list[LogLine]:
        """Lines of a job's log, the oldest first.

        Args:
            job_id: Its id.
            owner: Whose it must be; None for anybody's.
            offset: How many to leave out first.
            limit: At most so many; 0 for all.

        Raises:
            JobNotFoundError: There is none.
        """
        self.get(job_id, owner)
        return read_lines(self.folder(job_id) / LOG, offset=offset, limit=limit)

    def recover(self) -> list[str]:
        """Set `running` jobs whose processes are gone to `error`; returns their ids."""
        with self._table.connection() as db:
            running = [row["id"] for row in db.execute("SELECT id FROM jobs WHERE state = 'running'")]
        dead = []
        for job_id in running:
            lock = self._lock(job_id)
            if not lock.acquire():
                continue
            try:
                values = {"state": JobState.ERROR.value, "ended": timestamp(), "message": _DIED}
                with suppress(JobLockedError, JobNotFoundError):
                    self._change(job_id, values, only=(JobState.RUNNING,))
                    append_line(self.folder(job_id) / LOG, LogLine.of("error", _DIED))
                    dead.append(job_id)
            finally:
                lock.release()
        return dead

    def settle(self) -> None:
        """Set right what a crash of the machine left: dead jobs end in `error`, the queue moves on."""
        dead = self.recover()
        with self._table.connection() as db:
            waiting = db.execute("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1").fetchone()
        if dead or waiting:
            self.dispatch()

    def dispatch(self) -> list[str]:
        """Start queued jobs, see `_NEXT`, while there is room; returns the ids of those that were started."""
        self.recover()
        started = []
        while (claimed := self._claim()) is not None:
            job, lock = claimed
            try:
                start_supervisor(self.root, self.slots, job, lock)
                started.append(job.id)
            except OSError as error:
                self.finish(job.id, JobState.ERROR, message=f"could not be started: {error.strerror or error}")
            finally:
                lock.release()  # the processes of the job hold their own copy of it
        return started

    def note_pid(self, job_id: str, pid: int) -> None:
        """Say which process (and session) works on a job."""
        with self._table.transaction() as db:
            db.execute("UPDATE jobs SET pid = ? WHERE id = ?", [pid, job_id])

    def finish(
        self,
        job_id: str,
        state: JobState,
        *,
        message: str | None = None,
        exit_code: int | None = None,
        peak_memory_bytes: int | None = None,
    ) -> None:
        """Say how a running job ended; nothing happens if it was canceled meanwhile."""
        values = {"state": state.value, "ended": timestamp(), "message": message, "exit_code": exit_code,
                  "peak_memory_bytes": peak_memory_bytes}  # fmt: skip
        with suppress(JobLockedError, JobNotFoundError):
            self._change(job_id, values, only=(JobState.RUNNING,))

    def folder(self, job_id: str) -> Path:
        """Folder of a job's files.

        Raises:
            JobNotFoundError: The id is none of ours.
        """
        if not job_id.removeprefix("j-").isalnum():
            raise JobNotFoundError(f"there is no job {job_id!r}", "s2kit jobs list prints all")
        return self.root / job_id

    def results_folder(self, job_id: str) -> Path:
        """Folder of a job's results."""
        return self.folder(job_id) / RESULTS

    def _claim(self) -> tuple[Job, JobLock] | None:
        """The oldest queued job, now `running`, with its lock held; None if there is no room or no job."""
        busy: set[str] = set()
        while True:
            with self._table.transaction() as db:
                (running,) = db.execute("SELECT count(*) FROM jobs WHERE state = 'running'").fetchone()
                if running >= self.slots:
                    return None
                rows = db.execute(_NEXT).fetchall()
                job_id = next((row["id"] for row in rows if row["id"] not in busy), None)
                if job_id is None:
                    return None
                lock = self._lock(job_id)
                if lock.acquire():
                    db.execute(
                        "UPDATE jobs SET state = 'running', started = ?, updated = ?, runs = runs + 1 WHERE id = ?",
                        [timestamp(), timestamp(), job_id],
                    )
                else:
                    busy.add(job_id)  # its last run has not quite ended
                    continue
            return self.get(job_id), lock

    def _lock(self, job_id: str) -> JobLock:
        return JobLock(self.folder(job_id) / "lock")

    def _change(
        self,
        job_id: str,
        values: dict[str, Any],
        *,
        only: Sequence[JobState] = (),
        unless: Sequence[JobState] = (),
    ) -> None:
        """Change a record if its state allows it, in one transaction."""
        with self._table.transaction() as db:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", [job_id]).fetchone()
            if row is None:
                raise JobNotFoundError(f"there is no job {job_id!r}", "s2kit jobs list prints all")
            state = JobState(row["state"])
            if state in unless or (only and state not in only):
                raise JobLockedError(f"job {job_id} is {state.value}", f"stop it with: s2kit jobs stop {job_id}")
            values = {**values, "updated": timestamp()}
            names = ", ".join(f"{name} = ?" for name in values)
            db.execute(f"UPDATE jobs SET {names} WHERE id = ?", [*values.values(), job_id])  # noqa: S608 - names of ours


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
