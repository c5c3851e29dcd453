"""Listings and small objects of a store, with bounds, and read again if a byte was spoilt on its way.

What the listing knows proves a small object: its size, and its entity tag if that is an MD5 (RFC 1321). Otherwise the
object is read twice and compared. The server-side hash of an object that is encrypted with a customer's keys (SSE-KMS,
SSE-C) looks like an MD5 and is none; the public archives have no such objects.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from s2kit.errors import InputError, NotFoundError, ServiceError
from s2kit.store.base import ObjectInfo, Store
from s2kit.store.hashes import is_md5, new_hash

Witness = Literal["etag", "twice", "size", "local"]
"""How bytes are known to be right: MD5 as the tag says, two equal reads, the size only, or they never travelled."""

MOST_OBJECTS = 100_000
"""Objects below one prefix; a product has some hundred, of Sentinel-2's old format some thousand."""
MOST_BYTES = 64 << 20
"""Bytes of a metadata file."""
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class ProvenBytes:
    """A small object, and how its bytes are known to be right."""

    data: bytes
    witness: Witness


def list_objects(store: Store, prefix: str) -> dict[str, ObjectInfo]:
    """All objects below a prefix, by key.

    Raises:
        ServiceError: The listing has more than `MOST_OBJECTS` entries, or no end.
    """
    found = {info.key: info for info in islice(store.list(prefix), MOST_OBJECTS + 1)}
    if len(found) > MOST_OBJECTS:
        raise ServiceError(
            f"{store.archive.address}/{prefix}: more than {MOST_OBJECTS} objects are listed there",
            "no product has so many: is the address right?",
        )
    return found


def read_proven(store: Store, key: str, listed: ObjectInfo | None = None, *, twice: bool = False) -> ProvenBytes:
    """A small object whose bytes are known to be right; wrong ones are read again.

    Args:
        store: Where it is.
        key: Its key.
        listed: What a listing says of it; None takes what the answer itself says.
        twice: True if the object is to be read twice where its tag is no MD5.

    Raises:
        NotFoundError: There is no such object.
        InputError: It is too large for metadata, or its bytes were wrong each time.
    """
    where = f"{store.archive.address.rstrip('/')}/{key}"
    if listed is not None:
        _check_size(listed, where)
    local = "://" not in store.archive.address
    seen: set[bytes] = set()
    wrong = ""
    for _ in range(_ATTEMPTS):
        part = store.fetch(key, 0, MOST_BYTES + 1 if listed is None else None)
        info = listed or part.info
        _check_size(info, where)
        if len(part.data) != info.nbytes:
            wrong = f"{len(part.data)} bytes arrived, {info.nbytes} are listed"
        elif local:
            return ProvenBytes(part.data, "local")
        elif is_md5(info.etag):
            digest = new_hash("MD5", part.data).hexdigest()
            if digest == info.etag:
                return ProvenBytes(part.data, "etag")
            wrong = f"its MD5 is {digest}, the store says {info.etag}"
            if not twice and part.data in seen:  # its tag is no MD5 after all
                return ProvenBytes(part.data, "size")
            seen.add(part.data)
        elif not twice:
            return ProvenBytes(part.data, "size")
        elif part.data in seen:
            return ProvenBytes(part.data, "twice")
        else:
            wrong = "no two reads of it are equal" if seen else ""
            seen.add(part.data)
    raise InputError(f"{where}: wrong in each of {_ATTEMPTS} reads: {wrong}", "try again, or another --archive")


def read_json(store: Store, key: str, listed: ObjectInfo | None = None) -> Mapping[str, Any]:
    """A JSON object of a store, read as `read_proven` does.

    Raises:
        NotFoundError: There is no such object.
        InputError: It is no JSON object.
    """
    where = f"{store.archive.address.rstrip('/')}/{key}"
    try:
        value = json.loads(read_proven(store, key, listed, twice=True).data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}", "try --archive cdse") from error
    if not isinstance(value, Mapping):
        raise InputError(f"{where} is no JSON object", "try --archive cdse")
    return value


def read_json_or_none(store: Store, key: str) -> Mapping[str, Any] | None:
    """What `read_json` gives, None if there is no such object."""
    try:
        return read_json(store, key)
    except NotFoundError:
        return None


def _check_size(info: ObjectInfo, where: str) -> None:
    if info.nbytes > MOST_BYTES:
        raise InputError(f"{where}: {info.nbytes} bytes are too many for metadata", "is the address right?")
