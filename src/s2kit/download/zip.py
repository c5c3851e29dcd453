"""The zip of one product: made from a proven folder, its members proven again; or found, and taken for what it is."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from s2kit.download.destination import Destination, quarantine, stamp
from s2kit.download.record import DownloadRecord
from s2kit.errors import InputError, NotFoundError
from s2kit.product.manifest import Manifest, ManifestEntry, parse_manifest
from s2kit.product.name import parse_product_name
from s2kit.product.safe_tree import SafeTree
from s2kit.product.safe_zip import ZipTree
from s2kit.product.subset import MANIFEST
from s2kit.product.zip_writer import write_zip
from s2kit.run.events import Note, Report
from s2kit.run.files import remove
from s2kit.store.checksum import checksum
from s2kit.store.location import LocalFile


def make_zip(place: Destination, record: DownloadRecord, *, keep_folder: bool, check: Callable[[], None]) -> None:
    """Zip the proven folder of a product, prove the members, and note it in the record.

    Args:
        place: Where folder, zip and record are.
        record: What is known of the folder.
        keep_folder: True if the folder stays.
        check: Called now and then; raises to stop.

    Raises:
        InputError: A member is not what the folder held: the disk or the memory is failing.
        OutputError, DiskError: It cannot be written.
    """
    manifest = parse_manifest((place.safe / MANIFEST).read_bytes())
    empty = [f"{path.relative_to(place.safe).as_posix()}/" for path in _empty_folders(place.safe)]
    moment = parse_product_name(place.product).sensing
    write_zip(
        place.safe,
        place.zip,
        [*record.files, *empty],
        moment,
        overwrite=True,
        prove=lambda part: _prove(part, place, manifest, record.files, check),
        check=check,
    )
    place.write_record(replace(record, zip=stamp(place.zip)))
    if not keep_folder:
        remove(place.safe)


def find_zip(place: Destination, report: Report) -> SafeTree | None:
    """The zip that is there, None if there is none; a broken one is moved to the quarantine with a warning."""
    if not place.zip.is_file():
        return None
    try:
        tree = ZipTree(place.zip)
        tree.read(MANIFEST)
    except (InputError, NotFoundError) as error:
        aside = quarantine(place, place.zip, place.zip.name)
        report(Note(f"{error}; it was moved to {aside}, and the product is fetched anew", warning=True))
        return None
    return tree


def proven_members(tree: SafeTree, manifest: Manifest, check: Callable[[], None]) -> list[ManifestEntry]:
    """The members of a zip that are what the manifest lists."""
    there = set(tree.paths())
    found = []
    for entry in manifest.entries:
        check()
        if entry.path in there and tree.nbytes(entry.path) == entry.nbytes and _matches(tree, entry):
            found.append(entry)
    return found


def _matches(tree: SafeTree, entry: ManifestEntry) -> bool:
    try:
        return checksum(tree.location(entry.path), entry.algorithm) == entry.checksum
    except InputError:
        return False


def _prove(part: Path, place: Destination, manifest: Manifest, paths: Iterable[str], check: Callable[[], None]) -> None:
    tree = ZipTree(part)
    listed = manifest.by_path
    for path in paths:
        check()
        entry = listed.get(path)
        if entry is not None:
            good = _matches(tree, entry)
        else:
            good = checksum(tree.location(path), "MD5") == checksum(LocalFile(place.safe / path), "MD5")
        if not good:
            raise InputError(f"{place.zip}: {path} came out wrong", "check the disk and the memory of this machine")


def _empty_folders(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]
