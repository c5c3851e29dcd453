"""Ranges of bytes of one image, wherever it lies: what a JPEG 2000 reader asks of a file or of a store."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Protocol, Self

from s2kit.errors import AccessError, DiskError, InputError, NotFoundError
from s2kit.run.read_file import open_regular
from s2kit.store.spans import Span

_HAS_PREAD = hasattr(os, "pread")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What reading took so far."""

    requests: int = 0
    """Ranges that were asked for."""
    nbytes: int = 0
    """Bytes that came."""
    round_trips: int = 0
    """Times that one had to wait for an answer: ranges of one call travel side by side."""
    waited_s: float = field(default=0.0, compare=False)
    """Seconds spent waiting for answers."""

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(
            self.requests + other.requests,
            self.nbytes + other.nbytes,
            self.round_trips + other.round_trips,
            self.waited_s + other.waited_s,
        )


class ByteSource(Protocol):
    """The bytes of one image. Not to be shared by threads."""

    name: str
    """What messages call it."""
    size: int
    """Bytes of the whole image."""

    @property
    def traffic(self) -> Traffic:
        """What was read so far."""
        ...

    def read_many(self, ranges: Sequence[Span]) -> list[bytes]:
        """Read ranges that lie within the image, each whole, in the order asked for."""
        ...

    def close(self) -> None:
        """Let go of the file or the connections."""
        ...


class FileSource:
    """A file, or consecutive bytes of it. Not to be shared by threads.

    Ranges are read where they are asked for: a chip needs 60 places of a file, and a memory map costs more for them
    (page faults, unmapping) than it saves; it would also end the process when someone cuts the file short.

    Raises:
        NotFoundError: There is no such file.
        AccessError: It may not be read.
        InputError: It is empty, a folder, or shorter than it should be.
        DiskError: The disk fails.
    """

    def __init__(self, path: Path, offset: int = 0, nbytes: int | None = None, name: str | None = None) -> None:
        self.name = name or str(path)
        self._start = offset
        self._requests = self._nbytes = 0
        self._file = _opened(path, self.name)
        status = os.fstat(self._file.fileno())
        there = status.st_size
        self.identity = (status.st_dev, status.st_ino, there, status.st_mtime_ns, status.st_ctime_ns, offset, nbytes)
        """Differs from that of any other file, and from that of this file once it has changed."""
        end = there if nbytes is None else offset + nbytes
        if not 0 <= offset < end <= there:
            self._file.close()
            message = "the file is empty" if there == 0 else f"the file ends at byte {there}, the image at byte {end}"
            raise InputError(f"{self.name}: {message}")
        self.size = end - offset

    @property
    def traffic(self) -> Traffic:
        """Ranges and bytes that were read; nothing travels."""
        return Traffic(self._requests, self._nbytes, 0)

    def read_many(self, ranges: Sequence[Span]) -> list[bytes]:
        """Read ranges.

        Raises:
            InputError: The file has become shorter.
            DiskError: The disk fails.
        """
        try:
            found = [self._read(self._start + offset, nbytes) for offset, nbytes in ranges]
        except OSError as error:
            raise DiskError(f"{self.name}: {error.strerror or error}") from error
        self._requests += len(found)
        self._nbytes += sum(map(len, found))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, offset: int, nbytes: int) -> bytes:
        if _HAS_PREAD:
            data = os.pread(self._file.fileno(), nbytes, offset)
        else:
            self._file.seek(offset)
            data = self._file.read(nbytes) or b""
        if len(data) == nbytes:
            return data
        if not data:
            raise InputError(f"{self.name}: the file has become shorter while it was read")
        return data + self._read(offset + len(data), nbytes - len(data))  # one read gives at most 2 GiB


def _opened(path: Path, name: str) -> FileIO:
    try:
        return FileIO(open_regular(path), "rb")
    except FileNotFoundError:
        raise NotFoundError(f"{name}: no such file") from None
    except (IsADirectoryError, NotADirectoryError):
        raise InputError(f"{name}: a folder where an image was expected") from None
    except PermissionError:
        raise AccessError(f"{name}: may not be read", "look at its permissions") from None
    except OSError as error:
        raise DiskError(f"{name}: {error.strerror or error}") from error
