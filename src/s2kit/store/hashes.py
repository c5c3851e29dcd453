"""The checksum algorithms of manifests."""

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm = Literal["MD5", "SHA3-256"]


def new_hash(algorithm: Algorithm) -> "_Hash":
    """A fresh hash object of a manifest's algorithm."""
    return hashlib.md5(usedforsecurity=False) if algorithm == "MD5" else hashlib.sha3_256()
