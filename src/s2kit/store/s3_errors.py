"""What botocore raises, said in s2kit's words: who is refused and why, what is not there, what will pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore import exceptions as boto

from s2kit.errors import AccessError, ConfigError, NotFoundError, OutputError, S2KitError, ServiceError, TryLaterError
from s2kit.store.archive import Archive
from s2kit.store.base import ChangedError

_NO_KEYS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.NoAuthTokenError,
)
_PASSING = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    boto.ChecksumError,
    ConnectionError,
    TimeoutError,
)
_PASSING_CODES = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"})


_REGION_CODES = frozenset({"IllegalLocationConstraintException", "AuthorizationHeaderMalformed", "PermanentRedirect"})


@contextmanager
def translated(archive: Archive, name: str) -> Iterator[None]:
    """Turn botocore's errors into s2kit's.

    Args:
        archive: Whose object it is.
        name: Address of the object, for the message.
    """
    try:
        yield
    except S2KitError:
        raise
    except boto.ClientError as error:
        raise from_answer(error, archive, name) from error
    except (boto.BotoCoreError, boto.HTTPClientError, ConnectionError, TimeoutError) as error:
        raise from_library(error, archive, name) from error


def from_answer(error: boto.ClientError, archive: Archive, name: str) -> S2KitError:
    """The error for an answer of the server that is not a success."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status == 412 or code == "PreconditionFailed":
        return changed(name)
    if status == 404 or code in {"NoSuchKey", "NoSuchBucket", "NotFound"}:
        what = "no such bucket" if code == "NoSuchBucket" else "no such object"
        return NotFoundError(f"{name}: {what}", f"see what archive {archive.name} holds before you name a key")
    if code == "InvalidObjectState":
        return NotFoundError(f"{name}: archived off line", "take the product from another archive")
    region = _region_wanted(error)
    if region is not None:
        return ConfigError(
            f"{name}: the bucket is in region {region}, not {archive.region or 'the default one'}",
            f'set region = "{region}" for archives.{archive.name}',
        )
    if status == 429 or status >= 500 or code in _PASSING_CODES:
        return TryLaterError(f"{name}: the service is busy ({status} {code})", "run again later")
    if status in {301, 307} or code in _REGION_CODES:
        return ConfigError(f"{name}: the bucket is in another region", f"set region for archives.{archive.name}")
    if status in {401, 403} or code in _EXPIRED | _WRONG_KEYS:
        return _refused(code, archive, name)
    return ServiceError(f"{name}: the service answered {status} {code}", "see whether the endpoint speaks S3")


def _region_wanted(error: boto.ClientError) -> str | None:
    """The region that a server names when it was asked in another; None if that is not what is wrong."""
    answer = error.response
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if answer.get("Error", {}).get("Code") not in _REGION_CODES and status not in {301, 307, 400}:
        return None
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    stated: object = answer.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region")
    return str(stated) if stated else None


def from_library(error: BaseException, archive: Archive, name: str) -> S2KitError:
    """The error for what never became an answer: no keys, no connection, a body that broke off."""
    if isinstance(error, _NO_KEYS):
        return AccessError(f"{name}: no usable credentials", _where_keys_come_from(archive))
    if isinstance(error, boto.ProfileNotFound):
        return AccessError(f"{name}: {error}", _where_keys_come_from(archive))
    if isinstance(error, boto.SSLError):
        return AccessError(
            f"{name}: no secure connection: {short(error)}",
            "check endpoint_url; if your network's proxy signs certificates, set AWS_CA_BUNDLE",
        )
    if isinstance(error, (boto.EndpointConnectionError, boto.ConnectTimeoutError)):
        host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).netloc
        return TryLaterError(f"{name}: {host} cannot be reached", "check the network, or run again later")
    if isinstance(error, _PASSING):
        return TryLaterError(f"{name}: {short(error)}", "check the network, or run again later")
    return ServiceError(f"{name}: {short(error)}", f"check endpoint_url and region of archives.{archive.name}")


def changed(name: str) -> ChangedError:
    """The error for an object that is not the one whose beginning was read."""
    return ChangedError(f"{name} changed while it was being read", "run again: it will be read from the start")


def upload_failed(name: str, reason: BaseException) -> OutputError:
    """The error for an upload that the library gave up, whatever the reason."""
    return OutputError(f"{name}: upload failed: {short(reason)}", "check that the keys may write there")


def _refused(code: str, archive: Archive, name: str) -> AccessError:
    if code in _EXPIRED:
        return AccessError(f"{name}: the session token has expired", "sign in again, or renew the temporary keys")
    if code in _WRONG_KEYS:
        return AccessError(f"{name}: the keys are wrong ({code})", _where_keys_come_from(archive))
    if code == "RequestTimeTooSkewed":
        return AccessError(f"{name}: this machine's clock is wrong", "set the clock: signatures carry the time")
    if archive.anonymous:
        hint = f"the bucket wants keys: set anonymous = false for archives.{archive.name}"
    elif archive.requester_pays:
        hint = "requester pays was declared, so the key lacks s3:GetObject or s3:ListBucket, or its token has expired"
    else:
        hint = (
            f"it needs requester pays (requester_pays = true for archives.{archive.name}), "
            "or the key lacks s3:GetObject, or its token has expired"
        )
    return AccessError(f"{name}: access refused ({code or 403})", hint)


def _where_keys_come_from(archive: Archive) -> str:
    if archive.profile is None:
        return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    prefix = archive.profile.upper().replace("-", "_")
    return f"set {prefix}_S3_ACCESS_KEY and {prefix}_S3_SECRET, or make the AWS profile {archive.profile}"


def short(error: BaseException) -> str:
    """A library's message on one line of bearable length."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:197]}..."
