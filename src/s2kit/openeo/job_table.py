"""The table of batch jobs in SQLite: one row a job. Touches the disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from s2kit.errors import DiskError, UsageError
from s2kit.openeo.job import Job, JobKind, JobLimits, JobState, read_body
from s2kit.run.files import ensure_folder, translate_os_error

DATABASE = "jobs.sqlite"
_VERSION = 2
_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
  created TEXT NOT NULL, updated TEXT NOT NULL, queued REAL, started TEXT, ended TEXT,
  title TEXT, description TEXT, message TEXT, exit_code INTEGER, pid INTEGER, runs INTEGER NOT NULL DEFAULT 0,
  peak_memory_bytes INTEGER, words TEXT NOT NULL, folder TEXT NOT NULL,
  max_seconds REAL NOT NULL, max_memory_bytes INTEGER NOT NULL, body BLOB NOT NULL, may_pay INTEGER
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, queued);
"""
_ADDED = {2: "ALTER TABLE jobs ADD COLUMN may_pay INTEGER;"}
"""What a store of the version before lacks."""


@dataclass(frozen=True, slots=True)
class JobTable:
    """The database of a store; every call opens it anew, so that threads and processes share it."""

    root: Path
    """Folder of the store; made if need be."""

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """An open database, made if need be.

        Raises:
            DiskError: It cannot be read or written.
            UsageError: A newer s2kit made it.
        """
        ensure_folder(self.root)
        path = self.root / DATABASE
        try:
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                    self._set_up(db)
                yield db
        except sqlite3.Error as error:
            raise DiskError(f"{path}: {error}", "check the disk, or name another folder in job_store") from error
        except OSError as error:
            if error.errno is None or isinstance(error, DiskError):
                raise
            raise translate_os_error(error, self.root) from error

    def _set_up(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise UsageError(f"{self.root}: the job store is of a newer s2kit", "update s2kit")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        (version,) = db.execute("PRAGMA user_version").fetchone()  # another process may have been faster
        steps = (_ADDED[step] for step in range(version + 1, _VERSION + 1)) if version else (_TABLE,)
        for statement in (*"".join(steps).split(";")[:-1], f"PRAGMA user_version = {_VERSION}", "COMMIT"):
            db.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """As `connection`; what is changed within is written whole or not at all."""
        with self.connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def column_names() -> list[str]:
    """All columns, in order."""
    text = _TABLE[_TABLE.index("(") + 1 : _TABLE.index(");")]
    return [part.split()[0] for part in text.replace("\n", " ").split(",")]


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row; without its body if that was not asked for."""
    names = set(row.keys())
    limits = JobLimits(seconds=row["max_seconds"], memory_bytes=row["max_memory_bytes"])
    plain = ("id", "number", "created", "updated", "title", "description", "owner", "started", "ended", "message",
             "exit_code", "pid", "runs", "peak_memory_bytes", "folder")  # fmt: skip
    job = Job(
        **{name: row[name] for name in plain},
        kind=JobKind(row["kind"]),
        state=JobState(row["state"]),
        words=tuple(read_body(row["words"], "options", lists=True)),
        limits=limits,
        may_pay=None if row["may_pay"] is None else bool(row["may_pay"]),
    )
    return replace(job, body=read_body(row["body"], job.id, lists=True)) if "body" in names else job


def timestamp() -> str:
    """The time in UTC as records hold it: `2024-04-19T10:50:31.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
