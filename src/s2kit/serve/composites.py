"""`/api/…`: the Django service for composites; each of its jobs is a render batch of the job store.

Its paths work with and without the last slash. What it got wrong is right here: bad input is 400 and not 500, outputs
come in the order of the job, failures are told, and the files are served at `/Output/NAME`.
"""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from s2kit.archive.dataset import products_in
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.openeo.job import Job, JobKind, JobLimits, JobState, NewJob, read_body
from s2kit.openeo.job_store import JobStore
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.render.legacy import LISTS, legacy_entries
from s2kit.serve.answers import ApiError
from s2kit.serve.login import BASIC_LOGIN, basic_user
from s2kit.serve.names import checked_word
from s2kit.serve.state import state_of
from s2kit.serve.users import User

router = APIRouter(tags=["composites"])

_LONGEST = 200
"""Characters of a list."""
_LOOK_S = 0.2
_WORDS = ("--stretch", "legacy", "--crop", "legacy")
_STATUS = {
    JobState.CREATED: "Pending",
    JobState.QUEUED: "Running",
    JobState.RUNNING: "Running",
    JobState.FINISHED: "Done",
    JobState.ERROR: "Failed",
    JobState.CANCELED: "Failed",
}
_OVERVIEW = {
    "Job List": "/job-list/",
    "Detail View": "/job-detail/<str:pk>/",
    "Create Job": "/job-create/",
    "Update Job": "/job-update/<str:pk>/",
    "Delete Job": "/job-delete/<str:pk>/",
    "Run Job": "/job-run/<str:pk>/",
}


@router.get("/api/")
def overview() -> dict[str, str]:
    """The paths of this part."""
    return _OVERVIEW


@router.post("/api/job-create", dependencies=BASIC_LOGIN)
@router.post("/api/job-create/", dependencies=BASIC_LOGIN, include_in_schema=False)
async def create(request: Request) -> Response:
    """Make a job of four comma lists: `res_list`, `r_list`, `g_list`, `b_list`."""
    user, state = basic_user(request), state_of(request)
    body = await _lists(request)
    new = NewJob(
        body=body,
        kind=JobKind.RENDER,
        owner=user.name,
        words=(*state.options.job_words, *_WORDS, *_names(state.options.loaded.settings.dataset)),
        folder=str(state.options.folder),
        limits=JobLimits(seconds=state.options.limits.job_s, memory_bytes=state.options.limits.job_memory_bytes),
    )
    return JSONResponse(_record(state.jobs, state.jobs.create(new)))


@router.get("/api/job-list")
@router.get("/api/job-list/", include_in_schema=False)
def list_jobs(request: Request) -> list[dict[str, Any]]:
    """All jobs, the newest first."""
    user, store = basic_user(request), state_of(request).jobs
    jobs = (store.get(job.id) for job in store.jobs(user.name) if job.kind is JobKind.RENDER)
    return [_record(store, job) for job in jobs if _is_ours(job)]


@router.get("/api/job-detail/{pk}")
@router.get("/api/job-detail/{pk}/", include_in_schema=False)
def detail(request: Request, pk: str) -> dict[str, Any]:
    """One job."""
    store = state_of(request).jobs
    store.settle()
    return _record(store, _job(store, pk, basic_user(request)))


@router.post("/api/job-update/{pk}", dependencies=BASIC_LOGIN)
@router.post("/api/job-update/{pk}/", dependencies=BASIC_LOGIN, include_in_schema=False)
async def update(request: Request, pk: str) -> dict[str, Any]:
    """Change the lists of a job; it is pending again."""
    user, state = basic_user(request), state_of(request)
    job = _job(state.jobs, pk, user)
    return _record(state.jobs, state.jobs.update(job.id, user.name, body=await _lists(request)))


@router.delete("/api/job-delete/{pk}")
@router.delete("/api/job-delete/{pk}/", include_in_schema=False)
def delete(request: Request, pk: str) -> str:
    """Remove a job with its files."""
    user, store = basic_user(request), state_of(request).jobs
    store.delete(_job(store, pk, user).id, user.name)
    return "Item succsesfully delete!"  # as it was spelled


@router.get("/api/job-run/{pk}", dependencies=BASIC_LOGIN)
@router.get("/api/job-run/{pk}/", dependencies=BASIC_LOGIN, include_in_schema=False)
async def run(request: Request, pk: str) -> dict[str, Any]:
    """Run a job and answer when all its pictures are made; a client that goes away leaves the job at work."""
    user, state = basic_user(request), state_of(request)
    job = _job(state.jobs, pk, user)
    state.start_job(job.id, user)
    while (job := state.jobs.refreshed(job.id)).state.is_busy:
        if await request.is_disconnected():
            raise ApiError(499, "Canceled", "the client has gone")
        await asyncio.sleep(_LOOK_S)
    return _record(state.jobs, job)


@router.head("/Output/{name}", include_in_schema=False)
@router.get("/Output/{name}")
def output(request: Request, name: str) -> Response:
    """A picture that a job made."""
    user, store = basic_user(request), state_of(request).jobs
    checked_word(name)
    for job in store.jobs(user.name):
        if job.kind is JobKind.RENDER and job.state is JobState.FINISHED:
            for path in store.results(job.id):
                if path.name == name:
                    return FileResponse(path)
    raise NotFoundError(f"there is no output {name}")


def _job(store: JobStore, pk: str, user: User) -> Job:
    """The job of a number, if it is one of this part and the user's own.

    Raises:
        ApiError: 404.
    """
    try:
        job = store.numbered(int(pk), user.name)
    except (ValueError, OverflowError, S2KitError) as error:
        raise ApiError(404, "JobNotFound", "Not found.") from error
    if not _is_ours(job):
        raise ApiError(404, "JobNotFound", "Not found.")
    return job


def _is_ours(job: Job) -> bool:
    return job.kind is JobKind.RENDER and isinstance(job.body, dict) and set(job.body) == set(LISTS)


def _names(dataset: Path) -> tuple[str, ...]:
    """The names of the Django service, which knew one product, if there is no more than one."""
    return ("--name-template", "legacy") if len(products_in(dataset)) == 1 else ()


async def _lists(request: Request) -> dict[str, str]:
    """The four lists of a body, JSON or a form, checked as the verb checks them; anything else in it is ignored.

    Raises:
        InputError: One is missing, too long or names what there is not.
    """
    if request.headers.get("content-type", "").startswith("application/json"):
        given = read_body(await request.body(), "the body")
    else:
        given = dict(_form(await request.body()))
    body = {name: given[name] for name in LISTS if name in given}
    for name, value in body.items():
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
            raise InputError(f"{name}: a text of 1 to {_LONGEST} characters is expected")
    for make in legacy_entries(body, "the job", Stretch(StretchKind.LEGACY)):
        make()
    return body


def _form(body: bytes) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)


def _record(store: JobStore, job: Job) -> dict[str, Any]:
    """A job in the shape and order of the Django service."""
    if job.state is JobState.FINISHED:
        made = [path for path in store.results(job.id) if path.suffix in {".jpg", ".jpeg"}]
        text = "".join(f"./Output/{path.name}," for path in made)
    else:
        text = job.message or ""
    lists = {name: job.body[name] for name in LISTS}
    return {"id": job.number, **lists, "status": _STATUS[job.state], "output": text}
