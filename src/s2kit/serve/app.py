"""The application: all parts of the service on one port."""

import asyncio
import logging
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from s2kit.errors import S2KitError
from s2kit.openeo.job_store import JobStore
from s2kit.run import tally
from s2kit.serve import chips, composites, jp2, openeo, openeo_graphs, openeo_jobs, pages, parcels, tiles
from s2kit.serve.answers import ApiError, error_response, status_of, told
from s2kit.serve.guard import Guard
from s2kit.serve.metrics import RequestCounts, exposition
from s2kit.serve.options import ServeOptions
from s2kit.serve.shelf import Shelf
from s2kit.serve.state import State, state_of
from s2kit.serve.users import UserStore
from s2kit.serve.work import Workplace
from s2kit.version import __version__

log = logging.getLogger(__name__)

_TIDY_S = 600
_CODES = {
    400: "BadRequest",
    401: "AuthenticationRequired",
    403: "PermissionsInsufficient",
    404: "NotFound",
    405: "MethodNotAllowed",
    501: "FeatureUnsupported",
}


def create_app(options: ServeOptions) -> Any:
    """The ASGI application of one process."""
    state = State(
        options,
        UserStore(options.state),
        Shelf(options.state / "files"),
        JobStore(options.state / "jobs", options.limits.running_jobs),
        Workplace(options.limits.working, options.limits.sync_s),
        RequestCounts(),
        _key(options.state),
    )

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        state.jobs.settle()
        tidying = asyncio.ensure_future(_tidy(state))
        yield
        tidying.cancel()
        state.counts.flush()

    app = FastAPI(
        title="s2kit",
        version=__version__,
        description="Sentinel-2 imagery: legacy services, openEO, tiles.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={
            "4XX": {"description": "The request cannot be answered; the body says why."},
            "5XX": {"description": "The service, an archive or the disk failed; the body says why."},
        },
    )
    app.state.s2kit = state
    _add_errors(app)
    for part in (composites, jp2, parcels, chips, tiles, openeo, openeo_graphs, openeo_jobs, pages):
        app.include_router(part.router)
    _add_common(app)
    hosts = options.allowed_hosts if options.is_loopback or options.allowed_hosts else None
    return Guard(app, body_nbytes=options.limits.body_nbytes, hosts=hosts, audit=options.audit, counts=state.counts)


async def _tidy(state: State) -> None:
    """Remove the files of old requests, now and every few minutes."""
    while True:
        await asyncio.to_thread(state.shelf.tidy, state.options.limits.kept_s)
        await asyncio.sleep(_TIDY_S)


def _key(state: Path) -> bytes:
    """The key of signed links: made once, read by every process of the service."""
    path = state / "key"
    if not path.exists():
        fresh = state / f"key.{secrets.token_hex(8)}"
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()


def _add_common(app: FastAPI) -> None:
    @app.get("/health", tags=["operation"])
    def health() -> dict[str, str]:
        """That the service lives."""
        return {"status": "ok", "version": __version__}

    @app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
    def metrics(request: Request) -> str:
        """Counts of all processes of the service in Prometheus' text format."""
        state = state_of(request)
        state.counts.flush()
        jobs = Counter(job.state.value for job in state.jobs.jobs())
        return exposition(tally.totals(), jobs, state.counts.started)

    @app.head("/static/tmp/{token}/{path:path}", include_in_schema=False)
    @app.get("/static/tmp/{token}/{path:path}", tags=["files"])
    def file(request: Request, token: str, path: str) -> Response:
        """A file of a finished request; its address is all that is needed."""
        return FileResponse(state_of(request).shelf.find(token, path))


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> Response:
        return error_response(request, error)

    @app.exception_handler(S2KitError)
    async def our_error(request: Request, error: S2KitError) -> Response:
        status = status_of(error)
        code = getattr(error, "code", None) or _CODES.get(status, type(error).__name__)
        return error_response(request, ApiError(status, str(code), told(error)))

    @app.exception_handler(RequestValidationError)
    async def wrong_request(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return error_response(request, ApiError(400, "BadRequest", f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "InternalError")
        if error.status_code == 405:
            error.detail = f'Method "{request.method}" not allowed.'
        return error_response(request, ApiError(error.status_code, code, str(error.detail), dict(error.headers or {})))

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        log.error("request %s failed", request.scope.get("s2kit.request_id"), exc_info=error)
        return error_response(request, ApiError(500, "Internal", "an internal error; its id is in the log"))
