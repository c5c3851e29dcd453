"""S3 and what speaks its language: AWS, CDSE, Google's mirror, any endpoint.

Keys are chosen in `keys`. Nothing secret is passed to other processes but by their environment. Callers open no more
transfers of an archive at a time than its `max_connections`.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import boto3
import stamina
from boto3.exceptions import Boto3Error, S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore import exceptions as boto
from botocore.config import Config

from s2kit.errors import OutputError, S2KitError
from s2kit.run.chunking import chunked, reused
from s2kit.store.archive import Archive
from s2kit.store.base import Body, ObjectInfo, Part
from s2kit.store.keys import Credentials, credentials_for
from s2kit.store.ranges import BODY_ATTEMPTS, BrokenBodyError, content_range, refuse_encoded, request_range, sliced
from s2kit.store.s3_errors import changed, short, translated, upload_failed

GOOGLE = "https://storage.googleapis.com"
LARGEST_COPY = 5 * 1024**3
"""Bytes that CopyObject copies in one go (Amazon S3 API reference, CopyObject)."""

_CLIENT_LOCK = threading.Lock()


class S3Store:
    """The objects of a bucket, or of a prefix in it."""

    def __init__(self, archive: Archive, credentials: Credentials | None = None) -> None:
        """Open a store; clients are shared by all stores of this process that are alike.

        Args:
            archive: Where and how.
            credentials: Keys; None takes them from the environment or botocore's chain.

        Raises:
            AccessError: The archive's AWS profile does not exist.
        """
        self.archive = archive
        scheme, _, rest = archive.address.partition("://")
        self.bucket, _, prefix = rest.partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint = archive.endpoint_url or (GOOGLE if scheme == "gs" else None)
        self._payer: dict[str, Any] = {"RequestPayer": "requester"} if archive.requester_pays else {}
        if credentials is None:
            credentials = credentials_for(archive)
        with _CLIENT_LOCK, translated(archive, archive.address):
            self._client = _client(archive, self._endpoint, credentials, _chain())

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with `prefix`, in key order."""
        for page in self._pages(prefix):
            for entry in page.get("Contents", ()):
                yield _info(entry["Key"].removeprefix(self._prefix), entry["Size"], entry)

    def folders(self, prefix: str) -> Iterator[str]:
        """The common prefixes one level below `prefix`, each ending in a slash."""
        for page in self._pages(prefix, Delimiter="/"):
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"].removeprefix(self._prefix)

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object."""
        with translated(self.archive, self._name(key)):
            answer = self._client.head_object(**self._object(key))
        refuse_encoded(answer.get("ContentEncoding"), self._name(key))
        nbytes = answer.get("ContentLength")
        return _info(key, self._measured(key) if nbytes is None else nbytes, answer)

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Bytes `start` to `start + length`, fewer at the end of the object; a body that breaks off is read again."""
        return b"" if length == 0 else self.fetch(key, start, length, if_match).data

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """What `read` does, with what the server says of the whole object."""
        for attempt in stamina.retry_context(on=BrokenBodyError, attempts=BODY_ATTEMPTS, timeout=None):
            with attempt:
                return self._fetch(key, start, length, if_match)
        raise AssertionError

    @contextmanager
    def body(self, key: str, start: int = 0, if_match: str | None = None) -> Iterator[Body]:
        """An object from an offset on, in chunks as they arrive; a body that breaks off raises `TryLaterError`."""
        answer = self._get(key, start, None, if_match)
        if answer is None:
            yield Body(self.stat(key), start, iter(()))
            return
        first, total = self._extent(answer, key)
        info = _info(key, total, answer)
        stream = answer["Body"]
        try:
            yield Body(info, first, self._pieces(stream, self._name(key)))
        finally:
            stream.close()

    def put(self, key: str, source: Path) -> ObjectInfo:
        """Store a local file; others see it whole or not at all."""
        extra = dict(self._payer)
        threads = max(1, self.archive.max_connections)
        config = TransferConfig(max_concurrency=threads, use_threads=threads > 1)
        with translated(self.archive, self._name(key)):
            try:
                self._client.upload_file(str(source), self.bucket, self._prefix + key, ExtraArgs=extra, Config=config)
            except S3UploadFailedError as error:
                cause = error.__context__
                if isinstance(cause, (boto.ClientError, boto.BotoCoreError)):
                    raise cause from error
                raise upload_failed(self._name(key), error) from error
            except Boto3Error as error:
                raise upload_failed(self._name(key), error) from error
            except OSError as error:
                raise OutputError(f"{source}: {error.strerror or error}") from error
        return self.stat(key)

    def copies_from(self, other: object) -> bool:
        """True if the server can copy from another store by itself: both are on one endpoint."""
        return isinstance(other, S3Store) and other._endpoint == self._endpoint and not other.archive.anonymous

    def copy_from(self, source: "S3Store", key: str, to_key: str, if_match: str | None = None) -> ObjectInfo:
        """Copy an object at the far side; its bytes do not pass this machine.

        Args:
            source: A store for which `copies_from` is true.
            key: Key in the source.
            to_key: Key here; an object of that name is replaced.
            if_match: Tag that the source object must still have.

        Raises:
            TryLaterError: The source changed.
        """
        info = source.stat(key)
        if if_match is not None and info.etag != if_match:
            raise changed(source._name(key))
        match = if_match or info.etag
        extra = {**self._payer, **source._payer, **({"CopySourceIfMatch": f'"{match}"'} if match else {})}
        place = {"Bucket": source.bucket, "Key": source._prefix + key}
        with translated(source.archive, source._name(key)):
            if info.nbytes <= LARGEST_COPY:
                self._client.copy_object(Bucket=self.bucket, Key=self._prefix + to_key, CopySource=place, **extra)
            else:
                self._client.copy(place, self.bucket, self._prefix + to_key, extra, SourceClient=source._client)
        return self.stat(to_key)

    def _fetch(self, key: str, start: int, length: int | None, if_match: str | None) -> Part:
        answer = self._get(key, start, length, if_match)
        if answer is None:
            return Part(self.stat(key), b"")
        first, total = self._extent(answer, key)
        name = self._name(key)
        with closing(answer["Body"]) as stream:
            data = sliced(self._chunks(stream, name), first, start, length, total, name)
        ranged = answer.get("ContentRange") is not None or (start == 0 and len(data) == total)
        return Part(_info(key, total, answer), data, ranged)

    def _get(self, key: str, start: int, length: int | None, if_match: str | None) -> Any:
        """The answer to a range request; None if the object ends before the range begins."""
        extra: dict[str, Any] = {"IfMatch": f'"{if_match}"'} if if_match else {}
        asked = request_range(start, length)
        if asked:
            extra["Range"] = asked
        with translated(self.archive, self._name(key)):
            try:
                answer: Any = self._client.get_object(**self._object(key), **extra)
            except boto.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 416:
                    return None
                raise
        try:
            refuse_encoded(answer.get("ContentEncoding"), self._name(key))
            if if_match and answer.get("ETag", "").strip('"') not in {"", if_match}:
                raise changed(self._name(key))
        except S2KitError:
            answer["Body"].close()
            raise
        return answer

    def _extent(self, answer: Any, key: str) -> tuple[int, int]:
        """Offset of the first byte of an answer's body, and the size of the whole object."""
        found = content_range(answer.get("ContentRange"))
        if found is not None:
            return found
        nbytes = answer.get("ContentLength")
        return 0, self._measured(key) if nbytes is None else nbytes

    def _measured(self, key: str) -> int:
        """Size of an object of a gateway that does not tell it: from the answer to a range, else by reading it."""
        with translated(self.archive, self._name(key)):
            answer = self._client.get_object(**self._object(key), Range="bytes=0-0")
        with closing(answer["Body"]) as stream:
            found = content_range(answer.get("ContentRange"))
            return found[1] if found else sum(len(chunk) for chunk in self._chunks(stream, self._name(key)))

    def _chunks(self, stream: Any, name: str) -> Iterator[bytes]:
        with _broken_bodies(name):
            yield from chunked(stream.read)

    def _pieces(self, stream: Any, name: str) -> Iterator[bytes] | Iterator[memoryview]:
        """A body for `Body.chunks`: past botocore and urllib3 straight into one buffer if its length is known."""
        answer = getattr(stream, "_raw_stream", None)
        plain = getattr(answer, "_original_response", None)
        if not isinstance(plain, HTTPResponse) or plain.chunked or plain.length is None:
            return self._chunks(stream, name)
        return self._direct(answer, plain, name)

    def _direct(self, answer: Any, plain: HTTPResponse, name: str) -> Iterator[memoryview]:
        with _broken_bodies(name):
            yield from chunked(reused(plain.readinto))
        if plain.length:
            raise BrokenBodyError(f"{name}: the transfer broke off, {plain.length} bytes short", "run again later")
        answer.release_conn()  # to the pool: urllib3 does so only for bodies that it read itself

    def _pages(self, prefix: str, **extra: str) -> Iterator[Any]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self._prefix + prefix, **extra, **self._payer
        )
        with translated(self.archive, self._name(prefix)):
            yield from pages

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self._prefix + key, **self._payer}

    def _name(self, key: str) -> str:
        return f"{self.archive.address.rstrip('/')}/{key}"


@contextmanager
def _broken_bodies(name: str) -> Iterator[None]:
    try:
        yield
    except (boto.BotoCoreError, boto.HTTPClientError, HTTPException, OSError) as error:
        raise BrokenBodyError(f"{name}: the transfer broke off: {short(error)}", "run again later") from error


def _info(key: str, nbytes: int, answer: Any) -> ObjectInfo:
    return ObjectInfo(key, nbytes, answer.get("ETag", "").strip('"') or None)


def _chain() -> tuple[tuple[str, str], ...]:
    """What botocore's chain of credentials reads from the environment: clients of another chain are others."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


@lru_cache(maxsize=32)
def _client(
    archive: Archive, endpoint: str | None, credentials: Credentials | None, chain: tuple[tuple[str, str], ...]
) -> Any:
    environment = dict(chain)
    config = Config(
        region_name=archive.region,
        signature_version=UNSIGNED if archive.anonymous else None,
        s3={"addressing_style": "path"} if endpoint else None,
        max_pool_connections=max(1, archive.max_connections),
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={
            "mode": "adaptive" if environment.get("AWS_RETRY_MODE") == "adaptive" else "standard",
            "total_max_attempts": _attempts(environment.get("AWS_MAX_ATTEMPTS")),
        },
        connect_timeout=20,
        read_timeout=60,
        user_agent_extra="s2kit",
    )
    if credentials is None:
        session = boto3.Session(profile_name=None if archive.anonymous else archive.profile)
        return session.client("s3", endpoint_url=endpoint, config=config)
    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        config=config,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret,
        aws_session_token=credentials.token,
    )


def has_keys(archive: Archive) -> bool:
    """True if requests to an archive can be signed on this machine, whether or not the keys are right."""
    try:
        if credentials_for(archive) is not None:
            return True
        return boto3.Session(profile_name=archive.profile).get_credentials() is not None
    except (boto.BotoCoreError, S2KitError):
        return False


def _attempts(text: str | None) -> int:
    """How often a request is tried in all: botocore's own variable, or 6."""
    return max(1, int(text)) if text is not None and text.isdecimal() else 6
