"""The checksum algorithms of manifests and of entity tags."""

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm = Literal["MD5", "SHA3-256"]


_MD5_DIGITS = 32


def new_hash(algorithm: Algorithm, data: bytes = b"") -> "_Hash":
    """A hash object of a manifest's algorithm, fed with `data`."""
    return hashlib.md5(data, usedforsecurity=False) if algorithm == "MD5" else hashlib.sha3_256(data)


def is_md5(etag: str | None) -> bool:
    """True if an entity tag is the MD5 of the object: not for multipart uploads, whose tags have a dash."""
    return etag is not None and len(etag) == _MD5_DIGITS and all(digit in "0123456789abcdef" for digit in etag)
