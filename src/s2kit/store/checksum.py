"""Checksums of files that are already there, wherever their bytes are: a file, a part of a zip, a compressed member."""

from pathlib import Path
from typing import IO

from s2kit.errors import DiskError, InputError
from s2kit.store.hashes import Algorithm, new_hash
from s2kit.store.location import FilePart, ImageLocation, LocalFile, RemoteObject, ZarrArray, ZipMember
from s2kit.store.open import open_store
from s2kit.store.zip_member import opened_member

_CHUNK = 1 << 20


def checksum(location: ImageLocation, algorithm: Algorithm) -> str:
    """Checksum of an image or any other file of a SAFE, as lower-case hexadecimal.

    Raises:
        InputError: A compressed member is damaged; or it is an array of a Zarr group, which is no file.
        DiskError: It cannot be read.
    """
    digest = new_hash(algorithm)
    match location:
        case LocalFile(path):
            with _opened(path) as file:
                _feed(digest, file, None, path)
        case FilePart(path, offset, nbytes):
            with _opened(path) as file:
                file.seek(offset)
                _feed(digest, file, nbytes, path)
        case ZipMember(path):
            with opened_member(location) as file:
                _feed(digest, file, None, path)
        case ZarrArray():
            raise InputError(f"{location} is an array of many files and has no checksum of its own")
        case RemoteObject():
            with open_store(location.archive).body(location.key) as body:
                for chunk in body.chunks:
                    digest.update(chunk)
    return digest.hexdigest()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise DiskError(f"{path}: cannot be read: {error.strerror or error}") from error


def _feed(digest: "object", file: IO[bytes], nbytes: int | None, path: Path) -> None:
    left = nbytes
    while left is None or left > 0:
        try:
            chunk = file.read(_CHUNK if left is None else min(_CHUNK, left))
        except OSError as error:
            raise DiskError(f"{path}: cannot be read: {error.strerror or error}", "check the disk") from error
        if not chunk:
            return
        digest.update(chunk)  # type: ignore[attr-defined]
        left = None if left is None else left - len(chunk)
