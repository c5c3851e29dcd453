"""Plain HTTPS as a store: ranges of files behind an address; listing only where the server is a bucket in disguise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Never
from urllib.parse import quote, urlsplit

import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter

from s2kit.errors import AccessError, NotFoundError, OutputError, S2KitError, ServiceError, TryLaterError
from s2kit.run.chunking import chunked
from s2kit.run.deadline import Deadline
from s2kit.store.archive import Archive
from s2kit.store.base import Body, ChangedError, ObjectInfo, Part
from s2kit.store.http import (
    CONNECT_S,
    READ_S,
    RETRIES,
    RETRY_STATUS,
    new_session,
    patient_retry,
    reason,
    refused_by_proxy,
    unanswered,
)
from s2kit.store.ranges import BODY_ATTEMPTS, BrokenBodyError, content_range, refuse_encoded, request_range, sliced

LISTABLE = frozenset({"storage.googleapis.com"})
"""Hosts whose path is `/BUCKET/KEY` of a store that can be listed with S3's requests."""

_DATED = "last-modified "


class HttpsStore:
    """Files below an `http://` or `https://` address; the login of `~/.netrc` is used if it has the host."""

    def __init__(self, archive: Archive, retries: int = RETRIES) -> None:
        """Open a store; sessions are shared by all stores of this process that are alike.

        Args:
            archive: Where.
            retries: How often a request that failed in passing is sent again, with growing pauses.
        """
        self.archive = archive
        self._session = _session(max(1, archive.max_connections), retries)
        self._ready: dict[tuple[str, str], tuple[requests.PreparedRequest, dict[str, Any]]] = {}

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with `prefix`, if the server is known to list.

        Raises:
            ServiceError: A plain web server does not list.
        """
        yield from self._bucket().list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """The common prefixes one level below `prefix`, if the server is known to list."""
        yield from self._bucket().folders(prefix)

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object; if HEAD does not tell them, its first byte is asked for."""
        with self._answer("HEAD", key, {}) as answer:
            refuse_encoded(answer.headers.get("Content-Encoding"), self._name(key))
            if answer.status_code < 400 and "Content-Length" in answer.headers:
                return ObjectInfo(key, int(answer.headers["Content-Length"]), _tag(answer.headers))
        with self._answer("GET", key, {"Range": "bytes=0-0"}) as answer:
            self._check(answer, key)
            return ObjectInfo(key, self._extent(answer, key)[1], _tag(answer.headers))

    def read(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> bytes:
        """Bytes `start` to `start + length`, fewer at the end of the object; a body that breaks off is read again."""
        return b"" if length == 0 else self.fetch(key, start, length, if_match).data

    def fetch(self, key: str, start: int = 0, length: int | None = None, if_match: str | None = None) -> Part:
        """What `read` does, with what the server says of the whole object."""
        for attempt in stamina.retry_context(on=BrokenBodyError, attempts=BODY_ATTEMPTS, timeout=None):
            with attempt, self._open(key, start, length, if_match) as answer:
                if answer is None:
                    return Part(self.stat(key), b"")
                first, total = self._extent(answer, key)
                data = sliced(self._chunks(answer, key), first, start, length, total, self._name(key))
                ranged = answer.status_code == 206 or (start == 0 and len(data) == total)
                return Part(ObjectInfo(key, total, _tag(answer.headers)), data, ranged)
        raise AssertionError

    @contextmanager
    def body(self, key: str, start: int = 0, if_match: str | None = None) -> Iterator[Body]:
        """An object from an offset on, in chunks as they arrive; a body that breaks off raises `TryLaterError`."""
        with self._open(key, start, None, if_match) as answer:
            if answer is None:
                yield Body(self.stat(key), start, iter(()))
                return
            first, total = self._extent(answer, key)
            yield Body(ObjectInfo(key, total, _tag(answer.headers)), first, self._chunks(answer, key))

    def put(self, key: str, source: Path) -> Never:
        """Nothing can be stored over plain HTTPS."""
        raise OutputError(
            f"{self._name(key)}: {source.name} cannot be stored over plain HTTPS", "name an s3:// address"
        )

    @contextmanager
    def _open(self, key: str, start: int, length: int | None, if_match: str | None) -> Iterator[Any]:
        """The answer to a GET; None if the object ends before the range begins."""
        asked = request_range(start, length)
        headers = {**({"Range": asked} if asked else {}), **_condition(if_match)}
        with self._answer("GET", key, headers) as answer:
            if answer.status_code == 416:
                yield None
                return
            self._check(answer, key)
            if if_match is not None and _tag(answer.headers) not in {None, if_match}:
                raise _changed(self._name(key))
            yield answer

    @contextmanager
    def _answer(self, method: str, key: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        url = self._url(key)
        try:
            request, options = self._prepared(method, url)
            request = request.copy()
            request.headers.update(headers)
            answer = self._session.send(request, timeout=(CONNECT_S, READ_S), **options)
        except (requests.RequestException, OSError) as error:
            raise _translated(error, self._name(key), url) from error
        with answer:
            yield answer

    def _prepared(self, method: str, url: str) -> tuple[requests.PreparedRequest, dict[str, Any]]:
        """A request without its range, with keys of `.netrc` and proxies: looked up once, since there may be many."""
        if (method, url) not in self._ready:
            request = self._session.prepare_request(requests.Request(method, url))
            options = self._session.merge_environment_settings(
                request.url, proxies={}, stream=True, verify=None, cert=None
            )
            self._ready[method, url] = request, {**options, "allow_redirects": True}
        return self._ready[method, url]

    def _check(self, answer: requests.Response, key: str) -> None:
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, self._name(key))
        refuse_encoded(answer.headers.get("Content-Encoding"), self._name(key))

    def _extent(self, answer: requests.Response, key: str) -> tuple[int, int]:
        """Offset of the body's first byte, and the size of the whole object."""
        found = content_range(answer.headers.get("Content-Range"))
        if found is not None:
            return found
        length = answer.headers.get("Content-Length", "")
        if answer.status_code == 206:
            raise ServiceError(f"{self._name(key)}: the server does not say how large the file is")
        return 0, int(length) if length.isdecimal() else self._measured(key)

    def _measured(self, key: str) -> int:
        """Size of a file of a server that does not tell it: it is read to its end."""
        with self._answer("GET", key, {}) as answer:
            self._check(answer, key)
            return sum(len(chunk) for chunk in self._chunks(answer, key))

    def _chunks(self, answer: requests.Response, key: str) -> Iterator[bytes]:
        try:
            yield from chunked(partial(answer.raw.read, decode_content=False))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise BrokenBodyError(f"{self._name(key)}: the transfer broke off: {error}", "run again later") from error

    def _bucket(self) -> Any:
        from s2kit.store.s3 import S3Store

        parts = urlsplit(self.archive.address)
        if parts.hostname not in LISTABLE:
            raise ServiceError(
                f"{self.archive.address} cannot be listed over plain HTTPS", "name the file itself, or an s3:// address"
            )
        return S3Store(
            replace(
                self.archive,
                address=f"gs://{parts.path.strip('/')}",
                endpoint_url=f"{parts.scheme}://{parts.netloc}",
                region="auto",
                anonymous=True,
            )
        )

    def _name(self, key: str) -> str:
        """The address for messages: without its query, which may hold a signature."""
        return self._url(key).partition("?")[0]

    def _url(self, key: str) -> str:
        return (
            f"{self.archive.address.rstrip('/')}/{quote(key, safe='/:@+,;=~!$()*?&%')}" if key else self.archive.address
        )


@lru_cache(maxsize=32)
def _session(connections: int, retries: int) -> requests.Session:
    retry = patient_retry(Deadline(None), retries, methods=frozenset({"GET", "HEAD"}), longest_pause_s=10)
    session = new_session(HTTPAdapter(pool_connections=8, pool_maxsize=connections, max_retries=retry))
    session.headers["Accept-Encoding"] = "identity"  # a compressed body has other ranges
    return session


def _tag(headers: Mapping[str, str]) -> str | None:
    """The strong entity tag without quotes, or else the time of the last change.

    Weak tags cannot prove that bytes are the same (RFC 9110, section 8.8.1).
    """
    tag = headers.get("ETag", "").strip()
    if len(tag) > 2 and tag.startswith('"'):
        return tag.strip('"')
    return f"{_DATED}{headers['Last-Modified']}" if headers.get("Last-Modified") else None


def _condition(if_match: str | None) -> dict[str, str]:
    if if_match is None:
        return {}
    if if_match.startswith(_DATED):
        return {"If-Unmodified-Since": if_match.removeprefix(_DATED)}
    return {"If-Match": f'"{if_match}"'}


def _changed(url: str) -> ChangedError:
    return ChangedError(f"{url} changed while it was being read", "run again: it will be read from the start")


def _refusal(status: int, url: str) -> S2KitError:
    if status == 412:
        return _changed(url)
    if status in {404, 410}:
        return NotFoundError(f"{url}: no such file")
    if status == 407:
        return refused_by_proxy(url)
    if status in {401, 403}:
        return AccessError(f"{url}: access refused ({status})", "put the keys for this host into ~/.netrc")
    if status in RETRY_STATUS or status >= 500:
        return TryLaterError(f"{url}: the service is busy ({status})", "run again later")
    return ServiceError(f"{url}: the server answered {status}", "see whether the address is right")


def _translated(error: BaseException, name: str, url: str) -> S2KitError:
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return NotFoundError(f"{name}: not an address", "name an https:// or s3:// address")
    if isinstance(error, (requests.ConnectionError, requests.Timeout, requests.exceptions.RetryError, OSError)):
        return unanswered(error, name, url)
    return ServiceError(f"{name}: {reason(error)}", "see whether the address is right")
