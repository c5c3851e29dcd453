"""openEO batch jobs: the records, states, logs and results of the job store, and links to results that expire."""

import hashlib
import hmac
import mimetypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from s2kit.errors import NotFoundError, S2KitError
from s2kit.openeo.errors import JobNotFinishedError, JobNotFoundError
from s2kit.openeo.graph import unwrap
from s2kit.openeo.job import Job, JobKind, JobLimits, JobState, NewJob, read_body
from s2kit.serve.answers import ApiError
from s2kit.serve.login import bearer_user
from s2kit.serve.names import contained
from s2kit.serve.openeo import STAC_VERSION, base, host
from s2kit.serve.state import State, state_of
from s2kit.serve.users import User

router = APIRouter(tags=["openEO jobs"])

LINK_S = 86_400
"""Seconds for which a link to results is good."""
_SUMMARY = ("id", "title", "description", "status", "created", "updated")
_PATCHED = frozenset(("title", "description", "process", "plan", "budget"))


@router.get("/api/v1/jobs")
def list_jobs(request: Request) -> dict[str, Any]:
    """The user's jobs, the newest first."""
    user, state = bearer_user(request), state_of(request)
    jobs = [job for job in state.jobs.jobs(user.name) if job.kind is JobKind.OPENEO]
    return {
        "jobs": [_metadata(job, _SUMMARY) for job in jobs],
        "links": [{"rel": "self", "href": f"{base(request)}/jobs", "type": "application/json"}],
    }


@router.post("/api/v1/jobs", status_code=201)
async def create(request: Request) -> Response:
    """Make a job; only the form of its graph is looked at here, everything at `/validation` and at the start."""
    user, state = bearer_user(request), state_of(request)
    body = await graph_body(request)
    job = state.jobs.create(new_job(state, user, body))
    headers = {"OpenEO-Identifier": job.id, "Location": f"{base(request)}/jobs/{job.id}"}
    return Response(status_code=201, headers=headers)


@router.get("/api/v1/jobs/{job_id}")
def detail(request: Request, job_id: str) -> dict[str, Any]:
    """One job with its process."""
    job, _ = _job(request, job_id)
    return _metadata(job, (*_SUMMARY, "process"))


@router.patch("/api/v1/jobs/{job_id}", status_code=204)
async def change(request: Request, job_id: str) -> Response:
    """Change title, description or process of a job that is not at work."""
    job, user = _job(request, job_id)
    given = read_body(await request.body(), "the body")
    unknown = sorted(set(given) - _PATCHED)
    if unknown:
        raise ApiError(400, "PropertyNotEditable", f"{unknown[0]!r} cannot be changed")
    changes: dict[str, Any] = {key: given[key] for key in ("title", "description") if key in given}
    if "process" in given:
        unwrap(given)
        changes["body"] = {**job.body, "process": given["process"]}
    state_of(request).jobs.update(job.id, user.name, **changes)
    return Response(status_code=204)


@router.delete("/api/v1/jobs/{job_id}", status_code=204)
def delete(request: Request, job_id: str) -> Response:
    """Stop a job and remove it with its results."""
    job, user = _job(request, job_id)
    state_of(request).jobs.delete(job.id, user.name)
    return Response(status_code=204)


@router.get("/api/v1/jobs/{job_id}/logs")
def logs(request: Request, job_id: str, offset: str = "", limit: int = 0, level: str = "debug") -> dict[str, Any]:
    """Lines of a job's log, the oldest first; `offset` is the id of the last line that is known."""
    job, user = _job(request, job_id)
    levels = ("error", "warning", "info", "debug")
    if level not in levels:
        raise ApiError(400, "ParameterValueInvalid", f"level {level[:20]!r} is none of {', '.join(levels)}")
    begin = int(offset) if offset.isdecimal() and len(offset) < 12 else 0
    lines = state_of(request).jobs.logs(job.id, user.name, offset=begin, limit=max(0, limit))
    wanted = levels[: levels.index(level) + 1]
    return {"level": level, "logs": [line.record() for line in lines if line.level in wanted], "links": []}


@router.post("/api/v1/jobs/{job_id}/results", status_code=202)
def start(request: Request, job_id: str) -> Response:
    """Put a job into the queue."""
    job, user = _job(request, job_id)
    state_of(request).start_job(job.id, user)
    return Response(status_code=202)


@router.delete("/api/v1/jobs/{job_id}/results", status_code=204)
def stop(request: Request, job_id: str) -> Response:
    """Cancel a job."""
    job, user = _job(request, job_id)
    state_of(request).jobs.stop(job.id, user.name)
    return Response(status_code=204)


@router.get("/api/v1/jobs/{job_id}/results")
def results(request: Request, job_id: str) -> Response:
    """What a job made, as a STAC document whose assets can be fetched for a day without a login."""
    job, user = _job(request, job_id)
    state = state_of(request)
    if job.state in {JobState.ERROR, JobState.CANCELED}:
        raise ApiError(424, "JobFailed" if job.state is JobState.ERROR else "JobCanceled", job.message or "it failed")
    if job.state is JobState.CREATED:
        raise ApiError(400, "JobNotStarted", "the job was not started")
    if job.state.is_busy:
        raise ApiError(400, "JobNotFinished", f"the job is {job.state.value}")
    until = int(time.time()) + LINK_S
    return JSONResponse(_document(request, state, job, user, until), headers={"OpenEO-Costs": "0"})


@router.get("/api/v1/results/{job_id}/{until}/{proof}", include_in_schema=False)
def signed_results(request: Request, job_id: str, until: int, proof: str) -> Response:
    """The same document at an address that nobody can guess."""
    state = state_of(request)
    job = _signed(state, job_id, until, proof)
    return JSONResponse(_document(request, state, job, User(job.owner), until))


@router.api_route("/download/{job_id}/{until}/{proof}/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
def download(request: Request, job_id: str, until: int, proof: str, path: str) -> Response:
    """A file of a result."""
    state = state_of(request)
    job = _signed(state, job_id, until, proof)
    file = contained(state.jobs.results_folder(job.id), path)
    if not file.is_file():
        raise NotFoundError(f"there is no {path}")
    return FileResponse(file, media_type=media_type(file))


async def graph_body(request: Request) -> Mapping[str, Any]:
    """A body with a process graph, bounded in nodes and nesting.

    Raises:
        ApiError: It is no JSON object with a graph.
    """
    limits = state_of(request).options.limits
    try:
        body = read_body(await request.body(), "the body")
        graph = unwrap(body)
    except S2KitError as error:
        raise ApiError(400, getattr(error, "code", "ProcessGraphMissing"), error.message) from error
    if len(graph.nodes) > limits.nodes:
        raise ApiError(400, "ProcessGraphComplexity", f"the graph has more than {limits.nodes} nodes")
    if not any(isinstance(node, Mapping) and isinstance(node.get("process_id"), str) for node in graph.nodes.values()):
        raise ApiError(400, "ProcessGraphMissing", "no node of the graph names a process")
    found: Mapping[str, Any] = body
    return found


def new_job(state: State, user: User, body: Mapping[str, Any], *, is_waited_for: bool = False) -> NewJob:
    """A job of a user, within the limits of the service."""
    limits = state.options.limits
    most_px = limits.sync_px if is_waited_for else limits.job_px
    return NewJob(
        body=body,
        title=_text(body, "title"),
        description=_text(body, "description"),
        owner=user.name,
        words=(*state.options.job_words, "--max-px", str(most_px)),
        folder=str(state.options.folder),
        limits=JobLimits(
            seconds=limits.sync_s if is_waited_for else limits.job_s, memory_bytes=limits.job_memory_bytes
        ),
    )


def media_type(path: Path) -> str:
    """The media type of a result."""
    known = {".tif": "image/tiff; application=geotiff", ".nc": "application/x-netcdf", ".json": "application/json",
             ".geojson": "application/geo+json", ".parquet": "application/vnd.apache.parquet"}  # fmt: skip
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _job(request: Request, job_id: str) -> tuple[Job, User]:
    """A job of the user; another's does not exist for him.

    Raises:
        ApiError: 404.
    """
    user, state = bearer_user(request), state_of(request)
    try:
        job = state.jobs.refreshed(job_id, user.name)
    except JobNotFoundError as error:
        raise ApiError(404, "JobNotFound", error.message) from error
    if job.kind is not JobKind.OPENEO:
        raise ApiError(404, "JobNotFound", f"there is no job {job_id!r}")
    return job, user


def _metadata(job: Job, keys: tuple[str, ...]) -> dict[str, Any]:
    record = job.record(full=True) if "process" in keys else job.record(full=False) | {"description": job.description}
    return {key: record[key] for key in keys if record.get(key) is not None}


def _text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) else None


def _proof(state: State, job_id: str, until: int) -> str:
    return hmac.new(state.key, f"{job_id} {until}".encode(), hashlib.sha256).hexdigest()


def _signed(state: State, job_id: str, until: int, proof: str) -> Job:
    """The job of a signed link.

    Raises:
        ApiError: 404 for a wrong link, 410 for one that has expired.
    """
    if not hmac.compare_digest(_proof(state, job_id, until), proof):
        raise ApiError(404, "ResultNotFound", "there is no such result")
    if until < time.time():
        raise ApiError(410, "ResultLinkExpired", "the link has expired: ask for the results again")
    try:
        return state.jobs.get(job_id)
    except JobNotFoundError as error:
        raise ApiError(404, "ResultNotFound", "there is no such result") from error


def _document(request: Request, state: State, job: Job, user: User, until: int) -> dict[str, Any]:
    """The STAC item or collection of a result, with addresses that can be fetched.

    The graph is a link and no asset: clients that fetch "the" file of a result refuse several assets.
    """
    try:
        paths = state.jobs.results(job.id, user.name)
    except JobNotFinishedError as error:
        raise ApiError(400, "JobNotFinished", error.message) from error
    proof = _proof(state, job.id, until)
    folder = state.jobs.results_folder(job.id)
    described = folder / "result.json"
    document: dict[str, Any] = orjson.loads(described.read_bytes()) if described.is_file() else {}
    root = f"{host(request)}/download/{job.id}/{until}/{proof}"
    known = {Path(str(asset.get("href", ""))).name: asset for asset in document.get("assets", {}).values()}
    files = {
        file.relative_to(folder).as_posix(): {
            "type": media_type(file), "roles": ["data"], **known.get(file.name, {}),
            "href": f"{root}/{file.relative_to(folder).as_posix()}",
        }
        for path in paths
        for file in ([path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file()))
        if file != described
    }  # fmt: skip
    assets = {name: asset for name, asset in files.items() if asset["roles"] != ["metadata"]}
    graphs = [{"rel": "processing-expression", "href": asset["href"], "type": asset["type"], "title": "process graph"}
              for name, asset in files.items() if name not in assets]  # fmt: skip
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    canonical = f"{base(request)}/results/{job.id}/{until}/{proof}"
    properties = {"datetime": job.ended, **document.get("properties", {}), "title": job.title, "created": job.created,
                  "updated": job.updated, "expires": expires}  # fmt: skip
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "geometry": None,
        **{key: value for key, value in document.items() if key not in {"assets", "links", "properties"}},
        "id": job.id,
        "properties": {key: value for key, value in properties.items() if value is not None or key == "datetime"},
        "assets": assets,
        "openeo:status": job.state.value,
        "links": [
            *(link for link in document.get("links", []) if link.get("rel") == "derived_from"),
            *graphs,
            {"rel": "self", "href": f"{base(request)}/jobs/{job.id}/results", "type": "application/json"},
            {"rel": "canonical", "href": canonical, "type": "application/json"},
        ],
    }
