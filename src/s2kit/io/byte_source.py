"""Ranges of bytes of one image, wherever it lies: what a JPEG 2000 reader asks of a file or of a store."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from s2kit.core.jp2_packets import Span
from s2kit.errors import AccessError, DiskError, InputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Traffic:
    """What reading took so far."""

    requests: int = 0
    """Ranges that were asked for."""
    nbytes: int = 0
    """Bytes that came."""
    round_trips: int = 0
    """Times that one had to wait for an answer: ranges of one call travel side by side."""

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.requests + other.requests, self.nbytes + other.nbytes, self.round_trips + other.round_trips)


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
    """A file, or consecutive bytes of it, as a memory map: only what is read is fetched from disk.

    Raises:
        NotFoundError: There is no such file.
        AccessError: It may not be read.
        InputError: It is empty, a folder, or shorter than it should be.
        DiskError: The disk fails.
    """

    def __init__(self, path: Path, offset: int = 0, nbytes: int | None = None, name: str | None = None) -> None:
        self.name = name or str(path)
        self._map = _mapped(path, self.name)
        end = len(self._map) if nbytes is None else offset + nbytes
        if not 0 <= offset < end <= len(self._map):
            self._map.close()
            raise InputError(f"{self.name}: its file ends at byte {len(self._map)}, the image at byte {end}")
        self.view = memoryview(self._map)[offset:end]
        self.size = end - offset
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """Ranges and bytes that were copied from the map; nothing travels."""
        return self._traffic

    def read_many(self, ranges: Sequence[Span]) -> list[bytes]:
        """Copy ranges out of the map."""
        found = [bytes(self.view[span.offset : span.end]) for span in ranges]
        self._traffic += Traffic(len(found), sum(map(len, found)), 0)
        return found

    def close(self) -> None:
        """Unmap the file."""
        self.view.release()
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mapped(path: Path, name: str) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise NotFoundError(f"{name}: no such file") from None
    except (IsADirectoryError, NotADirectoryError):
        raise InputError(f"{name}: a folder where an image was expected") from None
    except PermissionError:
        raise AccessError(f"{name}: may not be read", "look at its permissions") from None
    except ValueError:
        raise InputError(f"{name}: the file is empty") from None
    except OSError as error:
        raise DiskError(f"{name}: {error.strerror or error}") from error
