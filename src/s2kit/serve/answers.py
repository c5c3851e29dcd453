"""Errors as each of the services answers them."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from s2kit.errors import ExitCode, S2KitError

_STATUS = {
    ExitCode.USAGE: HTTPStatus.BAD_REQUEST,
    ExitCode.INPUT: HTTPStatus.BAD_REQUEST,
    ExitCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ExitCode.NOTHING_FOUND: HTTPStatus.NOT_FOUND,
    ExitCode.ACCESS: HTTPStatus.FORBIDDEN,
    ExitCode.SERVICE: HTTPStatus.BAD_GATEWAY,
    ExitCode.TRY_LATER: HTTPStatus.SERVICE_UNAVAILABLE,
    ExitCode.OUTPUT: HTTPStatus.INSUFFICIENT_STORAGE,
    ExitCode.DISK: HTTPStatus.INSUFFICIENT_STORAGE,
}


class ApiError(Exception):
    """An answer that is an error, with its HTTP status and openEO's code for it."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = int(status), code, message, headers or {}


_BY_CODE = {"JobLocked": HTTPStatus.BAD_REQUEST, "JobNotFinished": HTTPStatus.BAD_REQUEST}
"""Statuses that the openEO API gives to its own codes."""


def status_of(error: S2KitError) -> HTTPStatus:
    """The HTTP status that says what an error of ours means."""
    code = getattr(error, "code", None)
    if code in _BY_CODE:
        return _BY_CODE[code]
    return _STATUS.get(error.exit_code, HTTPStatus.INTERNAL_SERVER_ERROR)


def told(error: S2KitError) -> str:
    """An error with its hint, as one text."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def error_response(request: Request, error: ApiError) -> Response:
    """An error in the shape that the clients of that part of the service know.

    openEO: `{id, code, message, links}` (API 1.2, section Errors); the Django service: `{detail}`; the parcel service:
    `{error}`.
    """
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    identity = request.scope.get("s2kit.request_id", "")
    if path.startswith(("/query/", "/static/")):
        content: dict[str, object] = {"error": error.message}
    elif path.startswith("/api/") and not path.startswith("/api/v1"):
        content = {"detail": error.message}
    else:
        content = {"id": identity, "code": error.code, "message": error.message, "links": []}
    return JSONResponse(content, status_code=error.status, headers=error.headers)
