"""What is there of a product already: by its record, or, if another tool put it there, by its own manifest.

Touches files.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from s2kit.download.destination import Destination, local_manifest, stamp, stamps
from s2kit.download.record import DownloadRecord, ManifestProof, now
from s2kit.download.request import DownloadRequest
from s2kit.download.zip import find_zip, proven_members
from s2kit.errors import InputError
from s2kit.product.manifest import Manifest, ManifestEntry, parse_manifest
from s2kit.product.subset import MANIFEST, Subset
from s2kit.run.events import Report
from s2kit.store.transfer import hash_file
from s2kit.version import __version__


def unchanged(place: Destination, record: DownloadRecord) -> set[str]:
    """Files of the SAFE folder that are still as they were when they were proven."""
    return {path for path, known in record.files.items() if stamp(place.safe / path) == known}


def is_edition(place: Destination, record: DownloadRecord, manifest: bytes) -> bool:
    """True if a record's files were proven by this very manifest: archives re-publish products under the same name."""
    if record.manifest is not None:
        return record.manifest.sha256 == sha256(manifest).hexdigest()
    return local_manifest(place.safe) == manifest


def find_complete(place: Destination, subset: Subset, *, as_zip: bool, complete: bool) -> Path | None:
    """What is there already, proven and complete, without reading a byte of it.

    Args:
        place: Where to look.
        subset: What is wanted.
        as_zip: True if only a zip will do.
        complete: True if what the source did not have is wanted too.
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


def already_there(
    place: Destination, request: DownloadRequest, check: Callable[[], None], report: Report
) -> Path | None:
    """What is there complete: by its record, or, if there is none, by its own manifest and checksums."""
    complete = request.complete_from is not None
    there = find_complete(place, request.subset, as_zip=request.as_zip, complete=complete)
    if there is None and place.record() is None:
        _adopt(place, check, report)
        there = find_complete(place, request.subset, as_zip=request.as_zip, complete=complete)
    return there


def _adopt(place: Destination, check: Callable[[], None], report: Report) -> None:
    """Write the record of a product that another tool put there, if all that its manifest lists is proven."""
    raw = local_manifest(place.safe)
    tree = find_zip(place, report) if raw is None else None
    if tree is not None:
        raw = tree.read(MANIFEST)
    if raw is None:
        return
    try:
        manifest = parse_manifest(raw)
    except InputError:
        return
    if manifest.doubt:
        return
    if tree is not None:
        proven = {entry.path for entry in proven_members(tree, manifest, check)}
    else:
        proven = set(proven_files(place.safe, manifest, (), check))
    if len(proven) < len(manifest.entries):
        return
    found = DownloadRecord(
        manifest=ManifestProof(sha256(raw).hexdigest(), "local"),
        product=place.product,
        archive="local",
        address=str(place.folder),
        time=now(),
        version=__version__,
        files=stamps(place, [MANIFEST, *proven]) if tree is None else {},
        zip=stamp(place.zip) if tree is not None else None,
    )
    place.write_record(found)
