"""Where one product stands at its destination: folder, zip, what an earlier run left, and the record beside them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from s2kit.download.record import SUFFIX, DownloadRecord, Stamp
from s2kit.errors import InputError, NotFoundError
from s2kit.product.manifest import Manifest, ManifestEntry
from s2kit.product.subset import MANIFEST, Subset
from s2kit.run.files import PART_SUFFIX, ensure_folder, fsync_folder, remove, translate_os_error, write_atomic
from s2kit.store.transfer import hash_file

EMPTY_FOLDERS = ("AUX_DATA", "HTML", "rep_info")
"""Folders of every Sentinel-2 SAFE that hold nothing AWS has; other tools expect them, so they are made, empty."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The paths of one product in a folder."""

    folder: Path
    product: str

    @property
    def safe(self) -> Path:
        """The SAFE folder: complete by construction, as far as the record says."""
        return self.folder / f"{self.product}.SAFE"

    @property
    def part(self) -> Path:
        """Where it grows until every wanted file is proven."""
        return self.folder / f"{self.product}.SAFE{PART_SUFFIX}"

    @property
    def zip(self) -> Path:
        """The zip."""
        return self.folder / f"{self.product}.zip"

    @property
    def quarantine(self) -> Path:
        """Where wrong bytes are put aside."""
        return self.folder / f"{self.product}.SAFE.quarantine"

    @property
    def record_path(self) -> Path:
        """The record."""
        return self.folder / f"{self.product}{SUFFIX}"

    def record(self) -> DownloadRecord | None:
        """What an earlier run wrote, None where there is nothing that can be read."""
        try:
            record = DownloadRecord.from_json(self.record_path.read_bytes())
        except (OSError, InputError):
            return None
        return record if record.product == self.product else None

    def write_record(self, record: DownloadRecord) -> None:
        """Put the record beside the product."""
        write_atomic(self.record_path, record.to_json().encode(), overwrite=True)


def stamp(path: Path) -> Stamp | None:
    """Size and time of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


def unchanged(place: Destination, record: DownloadRecord) -> set[str]:
    """Files of the SAFE folder that are still as they were when they were proven."""
    return {path for path, known in record.files.items() if stamp(place.safe / path) == known}


def find_complete(place: Destination, subset: Subset, *, as_zip: bool, complete: bool) -> Path | None:
    """What is there already, proven and complete, without reading a byte of it.

    Args:
        place: Where to look.
        subset: What is wanted.
        as_zip: True where only a zip will do.
        complete: True where what the source lacked is wanted too.
    """
    record = place.record()
    if record is None or not record.covers(subset) or (complete and record.absent):
        return None
    if record.zip is not None and stamp(place.zip) == record.zip:
        return place.zip
    if not as_zip and place.safe.is_dir() and len(unchanged(place, record)) == len(record.files):
        return place.safe
    return None


def proven_files(
    folder: Path, manifest: Manifest, trusted: Iterable[str], check: Callable[[], None]
) -> Mapping[str, Path]:
    """Files of a folder that are what the manifest lists; those that are `trusted` are not read for it.

    Args:
        folder: A SAFE folder, or one that is still growing.
        manifest: What to hold them against.
        trusted: Paths whose proof is known.
        check: Called before each file; raises to stop.
    """
    known = set(trusted)
    found: dict[str, Path] = {}
    for entry in manifest.entries:
        path = folder / entry.path
        check()
        if entry.path in known or is_proven(path, entry):
            found[entry.path] = path
    return found


def is_proven(path: Path, entry: ManifestEntry) -> bool:
    """Whether a file is there with the size and checksum that the manifest gives."""
    there = stamp(path)
    if there is None or there.nbytes != entry.nbytes or not path.is_file():
        return False
    return hash_file(path, entry.algorithm) == entry.checksum


def quarantine(place: Destination, file: Path, path: str) -> Path:
    """Move wrong bytes to the quarantine, under the name that they did not deserve; an older culprit is replaced."""
    target = place.quarantine / path
    ensure_folder(target.parent)
    try:
        file.replace(target)
    except FileNotFoundError as error:
        raise NotFoundError(f"{file} is gone") from error
    except OSError as error:
        raise translate_os_error(error, target) from error
    return target


def publish(place: Destination, paths: Iterable[str]) -> None:
    """Give the product its name: the growing folder is renamed, or its files join a folder that is there already."""
    _sync_folders(place.part)
    try:
        if not place.safe.exists():
            place.part.replace(place.safe)
            fsync_folder(place.folder)
            return
        for path in paths:
            source = place.part / path
            if source.is_file():
                ensure_folder((place.safe / path).parent)
                source.replace(place.safe / path)
        _sync_folders(place.safe)
    except OSError as error:
        raise translate_os_error(error, place.safe) from error
    remove(place.part)


def stamps(place: Destination, paths: Iterable[str]) -> dict[str, Stamp]:
    """Sizes and times of files of the SAFE folder."""
    found = ((path, stamp(place.safe / path)) for path in paths)
    return {path: value for path, value in found if value is not None}


def local_manifest(folder: Path) -> bytes | None:
    """The manifest of a folder, None where it has none."""
    with suppress(OSError):
        return (folder / MANIFEST).read_bytes()
    return None


def _sync_folders(folder: Path) -> None:
    for below in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        fsync_folder(below)
