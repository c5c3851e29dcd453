"""A compressed member of a zip as a stream; zipfile's exceptions stay here."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from s2kit.errors import DiskError, InputError
from s2kit.store.location import ZipMember


@contextmanager
def opened_member(location: ZipMember) -> Iterator[IO[bytes]]:
    """A member's bytes, decompressed as they are read.

    Raises:
        InputError: The member is damaged, encrypted or not there.
        DiskError: The zip cannot be read.
    """
    path = location.path
    try:
        with zipfile.ZipFile(path) as archive, archive.open(location.member) as file:
            yield file
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: {location.member} cannot be read: {error}", "fetch the zip again") from error
    except OSError as error:
        if isinstance(error, DiskError):
            raise
        raise DiskError(f"{path}: cannot be read: {error.strerror or error}") from error


def member_head(location: ZipMember, nbytes: int) -> bytes:
    """The first bytes of a member, fewer if it is shorter; errors are those of `opened_member`."""
    with opened_member(location) as file:
        return file.read(nbytes)
