"""What the routes of one process share."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import Request

from s2kit.openeo.job_store import JobStore
from s2kit.serve.answers import ApiError
from s2kit.serve.metrics import RequestCounts
from s2kit.serve.options import ServeOptions
from s2kit.serve.shelf import Shelf
from s2kit.serve.users import User, UserStore
from s2kit.serve.work import Workplace
from s2kit.settings import Loaded


@dataclass(frozen=True, slots=True)
class State:
    """Everything a route needs besides its request."""

    options: ServeOptions
    users: UserStore
    shelf: Shelf
    jobs: JobStore
    work: Workplace
    counts: RequestCounts
    key: bytes = field(repr=False)
    """What links to results are signed with; the same in all processes of the service."""

    @property
    def is_open(self) -> bool:
        """True if nobody has to log in: it began without users on the loopback, and there are none yet."""
        return self.options.insecure or not (self.options.needs_login or self.users.names())

    def loaded_for(self, user: User) -> Loaded:
        """The settings that a user's work runs with: archives that bill their readers only for those who may pay."""
        loaded = self.options.loaded
        return replace(loaded, settings=replace(loaded.settings, allow_requester_pays=self.may_pay(user), jobs=1))

    def may_pay(self, user: User) -> bool:
        """True if archives that bill their readers may be used for a user: the settings and the user allow it."""
        return self.options.loaded.settings.allow_requester_pays and user.may_pay

    def stored_nbytes(self, user: User) -> int:
        """Bytes of all results of a user's jobs."""
        return sum(_nbytes(self.jobs.results_folder(job.id)) for job in self.jobs.jobs(user.name))

    def start_job(self, job_id: str, user: User, *, is_waited_for: bool = False) -> None:
        """Put a user's job into the queue.

        Raises:
            ApiError: The user has too many jobs at work, or too many bytes of results.
            JobNotFoundError: There is no such job.
        """
        limits = self.options.limits
        busy = [job for job in self.jobs.jobs(user.name) if job.state.is_busy and job.id != job_id]
        if len(busy) >= limits.queued_jobs:
            raise ApiError(429, "JobLimitExceeded", f"{len(busy)} of your jobs are waiting or at work: let them end")
        if (stored := self.stored_nbytes(user)) > limits.stored_nbytes:
            raise ApiError(400, "StorageQuotaExceeded", f"your results have {stored} bytes: delete some jobs")
        self.jobs.start(job_id, user.name, may_pay=self.may_pay(user), is_waited_for=is_waited_for)


def _nbytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def state_of(request: Request) -> State:
    """What the routes of this process share."""
    state = request.app.state.s2kit
    assert isinstance(state, State)
    return state
