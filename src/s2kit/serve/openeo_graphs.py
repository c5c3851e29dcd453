"""openEO: collections and file formats, validation, and graphs that run while the client waits."""

import asyncio
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from s2kit.openeo.collections import Collections, open_catalogue
from s2kit.openeo.errors import Problem
from s2kit.openeo.formats import FORMATS
from s2kit.openeo.job import Job, JobState, read_body
from s2kit.openeo.request import problems_of
from s2kit.serve.answers import ApiError
from s2kit.serve.login import bearer_user
from s2kit.serve.openeo import base
from s2kit.serve.openeo_jobs import graph_body, media_type, new_job
from s2kit.serve.state import State, state_of
from s2kit.serve.users import ANYBODY

router = APIRouter(tags=["openEO graphs"])

_LOOK_S = 0.1


@router.get("/api/v1/file_formats")
def file_formats() -> dict[str, Any]:
    """What results can be saved as; files of clients are not read."""
    output = {
        one.name: {"title": one.title, "gis_data_types": list(one.kinds), "parameters": {}} for one in FORMATS.values()
    }
    return {"input": {}, "output": output}


@router.get("/api/v1/collections")
def collections(request: Request) -> dict[str, Any]:
    """What graphs may load."""
    found = [one for one in _catalogue(request).described() if not one.get("s2kit:unavailable")]
    own = {"rel": "self", "href": f"{base(request)}/collections", "type": "application/json"}
    return {"collections": [_linked(request, one) for one in found], "links": [own]}


@router.get("/api/v1/collections/{collection_id}")
def collection(request: Request, collection_id: str) -> dict[str, Any]:
    """One collection with its dimensions and bands."""
    catalogue = _catalogue(request)
    if collection_id not in catalogue.collections:
        raise ApiError(404, "CollectionNotFound", f"there is no collection {collection_id[:80]!r}")
    return _linked(request, catalogue.collections[collection_id].describe())


@router.post("/api/v1/validation")
async def validation(request: Request) -> dict[str, Any]:
    """All problems of a graph; no pixel is read."""
    user, state = bearer_user(request), state_of(request)
    body = read_body(await request.body(), "the body")
    problems = await state.work.run(request, lambda _: problems_of(body, open_catalogue(state.loaded_for(user))))
    return {"errors": [_error(one) for one in problems]}


@router.get("/api/v1/jobs/{job_id}/estimate")
def estimate(request: Request, job_id: str) -> dict[str, Any]:
    """What a job costs: nothing, within the limits of the user."""
    state, user = state_of(request), bearer_user(request)
    state.jobs.get(job_id, user.name)
    return {"costs": 0}


@router.post("/api/v1/result")
async def result(request: Request) -> Response:
    """Run a graph and answer with its file; it runs in a process of its own, which ends if the client goes away."""
    user, state = bearer_user(request), state_of(request)
    body = await graph_body(request)
    problems = await state.work.run(request, lambda _: problems_of(body, open_catalogue(state.loaded_for(user))))
    if problems:
        raise ApiError(400, problems[0].code, "; ".join(one.line for one in problems[:5]))
    job = state.jobs.create(new_job(state, user, body, is_waited_for=True))
    try:
        state.start_job(job.id, user, is_waited_for=True)
        job = await _finished(request, state, job)
        path = await asyncio.to_thread(_one_file, state, job)
        if (nbytes := path.stat().st_size) > (most := state.options.limits.answer_nbytes):
            raise ApiError(
                413, "ResultTooLarge", f"the result has {nbytes} bytes, {most} are allowed: make a batch job"
            )
        return Response(
            await asyncio.to_thread(path.read_bytes),
            media_type=media_type(path),
            headers={"OpenEO-Costs": "0", "Content-Disposition": f'attachment; filename="{path.name}"'},
        )
    finally:
        await asyncio.to_thread(state.jobs.delete, job.id)


async def _finished(request: Request, state: State, job: Job) -> Job:
    """The job at its end.

    Raises:
        ApiError: It failed, the client went away, or it takes too long.
    """
    limit = state.options.limits.sync_s
    end = time.monotonic() + limit
    while (job := await asyncio.to_thread(state.jobs.refreshed, job.id)).state.is_busy:
        if await request.is_disconnected():
            raise ApiError(499, "Canceled", "the client has gone")
        if time.monotonic() > end:
            raise ApiError(408, "ProcessingTimeout", f"this takes more than {limit:g} s: make a batch job")
        await asyncio.sleep(_LOOK_S)
    if job.state is not JobState.FINISHED:
        raise ApiError(500, "Internal", job.message or "the graph could not be run")
    return job


def _one_file(state: State, job: Job) -> Path:
    """The only file of a result; several, or a folder, as one zip."""
    folder = state.jobs.results_folder(job.id)
    described = read_body((folder / "result.json").read_bytes(), "the description of the result")
    made: list[Path] = [folder / asset["href"] for asset in described["assets"].values() if "data" in asset["roles"]]
    if len(made) == 1 and made[0].is_file():
        return made[0]
    path = folder / ".result.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for one in made:
            for file in [one] if one.is_file() else sorted(part for part in one.rglob("*") if part.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def _catalogue(request: Request) -> Collections:
    return open_catalogue(state_of(request).loaded_for(ANYBODY))


def _linked(request: Request, description: Mapping[str, Any]) -> dict[str, Any]:
    links = [link for link in description.get("links", []) if link.get("rel") not in {"self", "root", "parent"}]
    root = base(request)
    return {
        **description,
        "links": [
            *links,
            {"rel": "self", "href": f"{root}/collections/{description['id']}", "type": "application/json"},
            {"rel": "root", "href": f"{root}/", "type": "application/json"},
            {"rel": "parent", "href": f"{root}/collections", "type": "application/json"},
        ],
    }


def _error(problem: Problem) -> dict[str, str]:
    return {"id": problem.node or "", "code": problem.code, "message": problem.line}
