"""The paths of one product at its destination: folder, zip, what an earlier run left, and the record beside them."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from s2kit.download.record import SUFFIX, DownloadRecord, Stamp
from s2kit.errors import InputError, NotFoundError
from s2kit.product.manifest import Manifest, parse_manifest
from s2kit.product.safe_tree import MAX_READ
from s2kit.product.subset import MANIFEST
from s2kit.run.files import PART_SUFFIX, ensure_folder, fsync_folder, remove, translate_os_error, write_atomic
from s2kit.run.read_file import read_file

_EMPTY_FOLDERS = ("AUX_DATA", "HTML", "rep_info")
_OF_GRANULE = ("AUX_DATA", "IMG_DATA", "QI_DATA")
_OF_DATASTRIP = ("QI_DATA",)


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
    def outgoing(self) -> Path:
        """Where an older edition waits for the moment until the new one has its name."""
        return self.folder / f"{self.product}.SAFE.old{PART_SUFFIX}"

    @property
    def zip(self) -> Path:
        """The zip."""
        return self.folder / f"{self.product}.zip"

    @property
    def quarantine(self) -> Path:
        """Where wrong bytes are kept."""
        return self.folder / f"{self.product}.SAFE.quarantine"

    @property
    def record_path(self) -> Path:
        """The record."""
        return self.folder / f"{self.product}{SUFFIX}"

    def record(self) -> DownloadRecord | None:
        """What an earlier run wrote, None if there is nothing that can be read."""
        try:
            record = DownloadRecord.from_json(read_file(self.record_path, MAX_READ))
        except (OSError, InputError):
            return None
        return record if record.product == self.product else None

    def write_record(self, record: DownloadRecord) -> None:
        """Put the record beside the product."""
        if self.record_path.is_symlink() or not self.record_path.is_file():
            remove(self.record_path)  # a pipe or a link would be written into
        write_atomic(self.record_path, record.to_json().encode(), overwrite=True)


def stamp(path: Path) -> Stamp | None:
    """Size and time of a file, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


def make_empty_folders(folder: Path, manifest: Manifest) -> None:
    """Make the folders of a Sentinel-2 SAFE that an archive has no object for; Sen2Cor and SNAP expect them.

    Args:
        folder: The SAFE folder.
        manifest: Names the folders of granules and datastrips.
    """
    for name in _EMPTY_FOLDERS:
        ensure_folder(folder / name)
    for above, names in (("GRANULE", _OF_GRANULE), ("DATASTRIP", _OF_DATASTRIP)):
        for inner in {entry.path.split("/")[1] for entry in manifest.entries if entry.path.startswith(f"{above}/")}:
            for name in names:
                ensure_folder(folder / above / inner / name)


def quarantine(place: Destination, file: Path, path: str) -> Path:
    """Move wrong bytes to the quarantine, under the path that they were meant for; older ones are replaced."""
    target = place.quarantine / path
    ensure_folder(target.parent)
    try:
        file.replace(target)
    except FileNotFoundError as error:
        raise NotFoundError(f"{file} is gone") from error
    except OSError as error:
        raise translate_os_error(error, target) from error
    return target


def publish(place: Destination, paths: Iterable[str], manifest: bytes, have: Iterable[str]) -> None:
    """Give the product its name: the growing folder is renamed, or its files join the folder that is there already.

    A folder of another edition is replaced as a whole; what of it the new manifest proves is taken over first.

    Args:
        place: Where.
        paths: Files that the growing folder brings, without the manifest.
        manifest: The bytes of this run's manifest.
        have: Files of the product that are proven already, in either folder.
    """
    try:
        if place.safe.exists() and local_manifest(place.safe) == manifest:
            _sync_folders(place.part)
            for path in paths:
                source = place.part / path
                if source.is_file():
                    ensure_folder((place.safe / path).parent)
                    source.replace(place.safe / path)
            _sync_folders(place.safe)
            remove(place.part)
            return
        keep = {MANIFEST, *have}
        if place.safe.exists():
            keep |= _take_over(place, have)
        _prune(place.part, keep)
        if place.safe.exists():
            _sync_folders(place.part)
            remove(place.outgoing)
            place.safe.replace(place.outgoing)
        else:
            _sync_folders(place.part)
        place.part.replace(place.safe)
        fsync_folder(place.folder)
    except OSError as error:
        raise translate_os_error(error, place.safe) from error
    remove(place.outgoing)


def _prune(folder: Path, keep: set[str]) -> None:
    """Remove what earlier runs left and this one did not prove."""
    for path in [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]:
        if path.relative_to(folder).as_posix() not in keep:
            remove(path)


def _take_over(place: Destination, have: Iterable[str]) -> set[str]:
    """Copy to `part` what of the outgoing edition counts in the new one, and what no manifest knew; returns paths."""
    old = local_manifest(place.safe)
    try:
        listed = set() if old is None else set(parse_manifest(old).by_path)
    except InputError:
        listed = set()
    record = place.record()
    known = listed | {MANIFEST} | (set() if record is None else set(record.files))
    there = {path.relative_to(place.safe).as_posix() for path in place.safe.rglob("*") if path.is_file()}
    wanted = (there & set(have)) | (there - known)
    for path in wanted:
        target = place.part / path
        if not target.exists():
            ensure_folder(target.parent)
            shutil.copy2(place.safe / path, target, follow_symlinks=False)
    return wanted


def stamps(place: Destination, paths: Iterable[str]) -> dict[str, Stamp]:
    """Sizes and times of files of the SAFE folder."""
    found = ((path, stamp(place.safe / path)) for path in paths)
    return {path: value for path, value in found if value is not None}


def local_manifest(folder: Path) -> bytes | None:
    """The manifest of a folder, None if it has none."""
    with suppress(OSError, InputError):
        return read_file(folder / MANIFEST, MAX_READ)
    return None


def _sync_folders(folder: Path) -> None:
    for below in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        fsync_folder(below)
