"""The checksum algorithms of manifests and of entity tags."""

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm = Literal["MD5", "SHA3-256", "SHA1", "SHA256", "SHA512"]

_MULTIHASHES: dict[str, tuple[Algorithm, int]] = {
    "d50110": ("MD5", 32),
    "1114": ("SHA1", 40),
    "1220": ("SHA256", 64),
    "1340": ("SHA512", 128),
    "1620": ("SHA3-256", 64),
}
"""First digits of a multihash: code and length (multiformats table); then the digits of the digest."""
_HASHES = {"SHA3-256": "sha3_256", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_MD5_DIGITS = 32


def new_hash(algorithm: Algorithm, data: bytes = b"") -> "_Hash":
    """A hash object of a manifest's algorithm, fed with `data`."""
    name = _HASHES.get(algorithm, "md5")
    return hashlib.new(name, data, usedforsecurity=False)


def parse_multihash(text: str) -> tuple[Algorithm, str] | None:
    """Algorithm and digest (hexadecimal, lower case) of a multihash in hexadecimal; None if it is not known."""
    low = text.lower()
    for prefix, (algorithm, digits) in _MULTIHASHES.items():
        digest = low.removeprefix(prefix)
        if low.startswith(prefix) and len(digest) == digits and set(digest) <= set("0123456789abcdef"):
            return algorithm, digest
    return None


def is_md5(etag: str | None) -> bool:
    """True if an entity tag is the MD5 of the object: not for multipart uploads, whose tags have a dash."""
    return etag is not None and len(etag) == _MD5_DIGITS and all(digit in "0123456789abcdef" for digit in etag)
