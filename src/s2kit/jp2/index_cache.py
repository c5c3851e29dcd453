"""What was learned of remote images, kept for the next run: their headers, and those of their tile-parts.

One small file an image, named after its address; it counts only while the object has the size and tag it had. Files
are written aside and renamed, so runs at the same time do no harm: at worst one of them learns something twice. A
file that cannot be understood, or whose digest is not that of its bytes, is as good as none.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2kit.errors import InputError
from s2kit.run.read_file import read_file
from s2kit.store.base import ObjectInfo

log = logging.getLogger(__name__)

FOLDER = "index"
"""Its folder in the user's cache folder."""

_MAGIC = b"s2kit-index-2\n"
_DIGEST_NBYTES = 32
_MOST = 64 << 20
"""Bytes of the largest file that is read."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of an image."""

    info: ObjectInfo
    """Size and tag that the object had."""
    pieces: tuple[tuple[int, bytes], ...]
    """Bytes of it, each with its offset."""


@dataclass(frozen=True, slots=True)
class IndexCache:
    """A folder of such files."""

    folder: Path

    def get(self, address: str, key: str) -> Learned | None:
        """What is known of an image, or None.

        Args:
            address: Where the image lies, endpoint included.
            key: Its key, for the answer.
        """
        path = self._path(address)
        try:
            data = read_file(path, _MOST)
        except (OSError, InputError):
            return None
        try:
            return _parsed(data, key)
        except (ValueError, KeyError, TypeError, IndexError):
            log.debug("%s: not understood, removed", path)
            self.forget(address)
            return None

    def put(self, address: str, learned: Learned) -> None:
        """Keep what is known of an image, together with what other runs have learned of the same object."""
        if learned.info.etag is None:
            return
        before = self.get(address, learned.info.key)
        pieces = dict(learned.pieces)
        if before is not None and (before.info.nbytes, before.info.etag) == (learned.info.nbytes, learned.info.etag):
            for offset, data in before.pieces:
                if len(data) > len(pieces.get(offset, b"")):
                    pieces[offset] = data
        try:
            _replace(self._path(address), _packed(address, learned.info, sorted(pieces.items())))
        except OSError as error:
            log.debug("%s: not kept: %s", address, error)

    def forget(self, address: str) -> None:
        """Drop what is known of an image."""
        with contextlib.suppress(OSError):
            self._path(address).unlink()

    def _path(self, address: str) -> Path:
        return self.folder / f"{hashlib.sha256(address.encode()).hexdigest()[:40]}.idx"


def default_folder() -> Path:
    """Where the cache is if nobody says otherwise."""
    from platformdirs import user_cache_path

    return user_cache_path("s2kit") / FOLDER


def _packed(address: str, info: ObjectInfo, pieces: Iterable[tuple[int, bytes]]) -> bytes:
    pieces = list(pieces)
    head = {
        "address": address,
        "nbytes": info.nbytes,
        "etag": info.etag,
        "pieces": [[offset, len(data)] for offset, data in pieces],
    }
    body = b"".join([json.dumps(head).encode(), b"\n", *(data for _, data in pieces)])
    return b"".join([_MAGIC, hashlib.sha256(body).digest(), body])


def _parsed(data: bytes, key: str) -> Learned:
    if not data.startswith(_MAGIC):
        raise ValueError("another format")
    start = len(_MAGIC) + _DIGEST_NBYTES
    if hashlib.sha256(data[start:]).digest() != data[len(_MAGIC) : start]:
        raise ValueError("the digest is not that of the bytes")
    line, _, rest = data[start:].partition(b"\n")
    head = json.loads(line)
    pieces, at = [], 0
    for offset, nbytes in head["pieces"]:
        pieces.append((int(offset), rest[at : at + nbytes]))
        at += nbytes
    if at != len(rest) or any(offset < 0 or offset + len(piece) > head["nbytes"] for offset, piece in pieces):
        raise ValueError("the pieces do not fit")
    return Learned(ObjectInfo(key, int(head["nbytes"]), str(head["etag"])), tuple(pieces))


def _replace(path: Path, data: bytes) -> None:
    """Write a file that others see whole; it is not synced, since a cache may be lost."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.stem, suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
