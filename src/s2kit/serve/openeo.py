"""openEO API 1.2 at `/api/v1` and `/.well-known/openeo`: what there is, and a login. Jobs are in `openeo_jobs.py`.

Profiles L1 Minimal, L1A (synchronous) and L1B (batch jobs).
"""

from typing import Any

from fastapi import APIRouter, Request

from s2kit.openeo.specs import specs
from s2kit.serve.answers import ApiError
from s2kit.serve.login import basic_user, bearer_user
from s2kit.serve.state import state_of
from s2kit.version import __version__

API_VERSION = "1.2.0"
STAC_VERSION = "1.0.0"
CONFORMANCE = [
    "https://api.openeo.org/1.2.0",
    "https://api.openeo.org/extensions/commercial-data/0.1.0",
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
]
_ROUTES = {
    "/": ["GET"],
    "/conformance": ["GET"],
    "/file_formats": ["GET"],
    "/processes": ["GET"],
    "/collections": ["GET"],
    "/collections/{collection_id}": ["GET"],
    "/credentials/basic": ["GET"],
    "/me": ["GET"],
    "/udf_runtimes": ["GET"],
    "/service_types": ["GET"],
    "/validation": ["POST"],
    "/result": ["POST"],
    "/jobs": ["GET", "POST"],
    "/jobs/{job_id}": ["GET", "PATCH", "DELETE"],
    "/jobs/{job_id}/estimate": ["GET"],
    "/jobs/{job_id}/logs": ["GET"],
    "/jobs/{job_id}/results": ["GET", "POST", "DELETE"],
}

router = APIRouter(tags=["openEO"])


@router.get("/.well-known/openeo")
@router.get("/api/v1/.well-known/openeo", include_in_schema=False)
def well_known(request: Request) -> dict[str, Any]:
    """The versions of the API that are served."""
    return {"versions": [{"url": f"{base(request)}/", "api_version": API_VERSION, "production": False}]}


@router.get("/api/v1")
@router.get("/api/v1/", include_in_schema=False)
def capabilities(request: Request) -> dict[str, Any]:
    """What this back-end can do."""
    root = base(request)
    return {
        "api_version": API_VERSION,
        "backend_version": __version__,
        "stac_version": STAC_VERSION,
        "type": "Catalog",
        "id": "s2kit",
        "title": "s2kit",
        "description": "Sentinel-2 products, sea surface temperature and other cubes of this machine.",
        "production": False,
        "conformsTo": CONFORMANCE,
        "endpoints": [{"path": path, "methods": methods} for path, methods in _ROUTES.items()],
        "links": [
            {"rel": "self", "href": f"{root}/", "type": "application/json"},
            {"rel": "data", "href": f"{root}/collections", "type": "application/json"},
            {"rel": "conformance", "href": f"{root}/conformance", "type": "application/json"},
            {"rel": "version-history", "href": f"{host(request)}/.well-known/openeo", "type": "application/json"},
        ],
    }


@router.get("/api/v1/conformance")
def conformance() -> dict[str, list[str]]:
    """The specifications that are kept."""
    return {"conformsTo": CONFORMANCE}


@router.get("/api/v1/processes")
def processes(request: Request) -> dict[str, Any]:
    """The processes that graphs may use."""
    return {
        "version": API_VERSION,
        "processes": list(specs().values()),
        "links": [{"rel": "self", "href": f"{base(request)}/processes", "type": "application/json"}],
    }


@router.get("/api/v1/udf_runtimes")
@router.get("/api/v1/service_types", include_in_schema=False)
def nothing() -> dict[str, Any]:
    """None: graphs never run code, and there are no secondary web services."""
    return {}


@router.get("/api/v1/credentials/basic")
def login(request: Request) -> dict[str, str]:
    """A token for a name and a password."""
    state, user = state_of(request), basic_user(request)
    return {"access_token": "open" if state.is_open else state.users.new_token(user)}


@router.get("/api/v1/me")
def me(request: Request) -> dict[str, Any]:
    """Who is logged in, and what is left."""
    state, user = state_of(request), bearer_user(request)
    stored = state.stored_nbytes(user)
    quota = state.options.limits.stored_nbytes
    return {"user_id": user.name, "name": user.name, "storage": {"quota": quota, "free": max(0, quota - stored)}}


@router.api_route("/api/v1/process_graphs", methods=["GET", "POST"], include_in_schema=False)
@router.api_route("/api/v1/services", methods=["GET", "POST"], include_in_schema=False)
@router.api_route("/api/v1/files", methods=["GET", "POST"], include_in_schema=False)
@router.get("/api/v1/credentials/oidc", include_in_schema=False)
def not_offered() -> None:
    """Parts of the API that this back-end does not have."""
    raise ApiError(501, "FeatureUnsupported", "this back-end does not offer that")


def host(request: Request) -> str:
    """The address of the service as the client sees it, with the path of a proxy, without a last slash."""
    return str(request.base_url).rstrip("/")


def base(request: Request) -> str:
    """The address of the openEO API, without a last slash."""
    return f"{host(request)}/api/v1"
