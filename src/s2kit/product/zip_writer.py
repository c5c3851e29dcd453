"""A SAFE folder as a zip that is the same, byte for byte, whenever it is made from the same files; and back."""

import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from s2kit.errors import InputError
from s2kit.run.files import atomic_file

_CHUNK = 1 << 20
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""What the time fields of a zip begin with (APPNOTE.TXT 6.3.10, section 4.4.6)."""
_FILE_MODE, _FOLDER_MODE = 0o100644, 0o040755
_UNIX = 3


def write_zip(
    folder: Path,
    target: Path,
    paths: Iterable[str],
    moment: datetime,
    *,
    overwrite: bool = False,
    prove: Callable[[Path], None] = lambda part: None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Store files uncompressed under the folder's name, in the order of their paths, all with one time.

    Args:
        folder: The SAFE folder; its name becomes the zip's root.
        target: The zip; it gets this name only after `prove` was content with it.
        paths: Files below the folder; one that ends in a slash is an empty folder.
        moment: Time of all members, UTC; a zip keeps even seconds.
        overwrite: True where a zip of that name may be replaced.
        prove: Called with the written zip before it is renamed; raises where it is wrong.
        check: Called before each file; raises to stop.

    Raises:
        OutputError, DiskError: It exists, or cannot be written.
    """
    time = max(moment, _EARLIEST)
    stamp = (time.year, time.month, time.day, time.hour, time.minute, time.second // 2 * 2)
    with atomic_file(target, overwrite=overwrite) as part:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(paths):
                check()
                _add(archive, folder, path, stamp)
        prove(part)


def unpack(source: Path, paths: Iterable[str], folder: Path, check: Callable[[], None] = lambda: None) -> None:
    """Write members of a SAFE's zip to a folder, each whole or not at all; files that are there stay.

    Args:
        source: The zip.
        paths: Paths below the SAFE folder in the zip; those that it lacks, or has damaged, are passed over.
        folder: Where they go; proving them is the caller's business.
        check: Called before each file; raises to stop.

    Raises:
        OutputError, DiskError: They cannot be written.
    """
    with zipfile.ZipFile(source) as archive:
        members = {name.partition(".SAFE/")[2]: name for name in archive.namelist()}
        for path in paths:
            check()
            if path in members and not (folder / path).exists():
                with suppress(InputError):
                    _extract(archive, members[path], folder / path)


def _extract(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    with atomic_file(target) as part:
        try:
            with archive.open(member) as source, part.open("wb") as into:
                while chunk := source.read(_CHUNK):
                    into.write(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{archive.filename}: {member} cannot be read: {error}", "remove the zip") from error


def _add(archive: zipfile.ZipFile, folder: Path, path: str, stamp: tuple[int, int, int, int, int, int]) -> None:
    member = zipfile.ZipInfo(f"{folder.name}/{path}", stamp)
    member.create_system = _UNIX
    if path.endswith("/"):
        member.external_attr = _FOLDER_MODE << 16 | 0x10
        archive.writestr(member, b"")
        return
    member.external_attr = _FILE_MODE << 16
    source = folder / path
    member.file_size = source.stat().st_size
    with source.open("rb") as file, archive.open(member, "w") as into:
        while chunk := file.read(_CHUNK):
            into.write(chunk)
