"""Who a request comes from."""

import base64
import binascii

from fastapi import Depends, Request

from s2kit.serve.answers import ApiError
from s2kit.serve.state import state_of
from s2kit.serve.users import ANYBODY, User

_BASIC = {"WWW-Authenticate": 'Basic realm="Login Required"'}
_BEARER = {"WWW-Authenticate": "Bearer"}
_PREFIX = "basic//"


def basic_user(request: Request) -> User:
    """The user of an `Authorization: Basic` header; anybody if the service has no users.

    Raises:
        ApiError: 401, if it is missing or wrong.
    """
    state = state_of(request)
    if (known := request.scope.get("s2kit.basic")) is not None:
        return known  # type: ignore[no-any-return]
    if state.is_open:
        return _known(request, ANYBODY)
    given = _basic(request)
    user = state.users.login(*given) if given else None
    if user is None:
        raise ApiError(401, "CredentialsInvalid" if given else "AuthenticationRequired", "log in with Basic", _BASIC)
    request.scope["s2kit.basic"] = user
    return _known(request, user)


def bearer_user(request: Request) -> User:
    """The user of an openEO token, `Authorization: Bearer basic//TOKEN`; anybody if the service has no users.

    Raises:
        ApiError: 401 or 403, if it is missing, wrong or has expired.
    """
    state = state_of(request)
    if state.is_open:
        return _known(request, ANYBODY)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise ApiError(401, "AuthenticationRequired", "log in at /credentials/basic and send the token", _BEARER)
    user = state.users.of_token(token.removeprefix(_PREFIX)) if token.startswith(_PREFIX) else None
    if user is None:
        raise ApiError(403, "TokenInvalid", "the token is unknown or has expired: log in again", _BEARER)
    return _known(request, user)


def any_user(request: Request) -> User:
    """The user of either login, for people with a browser and for openEO's clients."""
    kind = request.headers.get("authorization", "").partition(" ")[0].lower()
    return bearer_user(request) if kind == "bearer" else basic_user(request)


BASIC_LOGIN = [Depends(basic_user)]
"""For routes that are coroutines: a password is checked in a thread, and known then to whoever asks for the user."""


def _known(request: Request, user: User) -> User:
    request.scope["s2kit.user"] = user.name
    return user


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None
