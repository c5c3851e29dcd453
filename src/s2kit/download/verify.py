"""Hold products against their manifests or STAC items: every file proven, missing, wrong, extra, or not listed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from s2kit.catalogue.base import CatalogueSource
from s2kit.download.record import SUFFIX, DownloadRecord
from s2kit.download.verdict import ALWAYS_BAD, STRICTLY_BAD, UNLISTED, Check, Checked, FileVerdict, Verdict
from s2kit.download.verify_item import checked_item, is_item
from s2kit.errors import InputError, NotFoundError, PartialFailure, S2KitError, UsageError
from s2kit.product.manifest import Manifest, parse_manifest
from s2kit.product.name import parse_product_name
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_tree import MAX_READ, SafeTree, safe_name
from s2kit.product.subset import MANIFEST
from s2kit.run.events import Advanced, Finished, Report, WorkPlanned, silent
from s2kit.run.parallel import Failed as FailedTask
from s2kit.run.parallel import pmap
from s2kit.run.read_file import read_file
from s2kit.run.wording import counted
from s2kit.store.checksum import checksum

_NEVER_LISTED = re.compile(
    r"manifest\.safe|rep_info/.+|HTML/.+|support/.+|preview/icons/.+|GRANULE/[^/]+/AUX_DATA/.+|.+\.SAFE-report-.+\.pdf"
)
"""Files of a real SAFE that its manifest leaves out."""
_WORTH_A_POOL = 64 << 20
"""Bytes above which worker processes pay for their start."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What is known of one product."""

    path: Path
    product: str = ""
    files: tuple[FileVerdict, ...] = ()
    strict: bool = False
    lister: str = "manifest"
    """What lists its files: its manifest, or its STAC item."""
    error: S2KitError | None = None
    """Why it could not be held against anything, None if it could."""

    @property
    def bad(self) -> tuple[FileVerdict, ...]:
        """Files that make the product fail."""
        kinds = STRICTLY_BAD if self.strict else ALWAYS_BAD
        return tuple(file for file in self.files if file.verdict in kinds)

    @property
    def failure(self) -> S2KitError | None:
        """What is wrong, None if nothing is."""
        if self.error is not None:
            return self.error
        if not self.bad:
            return None
        first = self.bad[0]
        listed = sum(file.verdict not in UNLISTED for file in self.files)
        extra = sum(file.verdict is Verdict.EXTRA for file in self.bad)
        bad = len(self.bad) - extra
        parts = [f"{bad} of the {self.lister}'s {counted(listed, 'file')} missing or wrong"] if bad else []
        parts += [f"{counted(extra, 'file')} not listed"] if extra else []
        return PartialFailure(
            f"{self.path}: {', '.join(parts)}: {first.path} is {first.verdict}",
            "s2kit download fetches only what is missing; -f jsonl lists all files",
        )

    def record(self) -> dict[str, Any]:
        """As plain values, for reports."""
        counts = {str(kind): sum(file.verdict is kind for file in self.files) for kind in Verdict}
        error = self.failure
        return {
            "path": str(self.path),
            "product": self.product,
            "ok": error is None,
            **counts,
            "bad": [file.path for file in self.bad],
            "error": None if error is None else str(error),
        }


def verify(
    paths: Sequence[Path | str],
    jobs: int = 0,
    *,
    strict: bool = False,
    check_against: CatalogueSource | None = None,
    report: Report = silent,
) -> Iterator[Verified]:
    """Hold products against their manifests or STAC items; results come in the order of completion.

    Args:
        paths: SAFE folders or zips, folders of a STAC item with its assets; an address is a failure.
        jobs: Worker processes; 0 takes every core.
        check_against: Catalogue that has to list the same checksum of the manifest, None for none.
        strict: True if what was absent at the source or not asked for is a failure too, and extra files as well.
        report: Gets events of progress.
    """
    products: list[Checked] = []
    for number, given in enumerate(paths):
        path = Path(given)
        try:
            if "://" in str(given):
                raise UsageError(
                    f"{given}: verify reads products on this machine", "s2kit download proves what it gets"
                )
            products.append(_open(number, path, check_against))
        except S2KitError as error:
            products.append(Checked(path, ""))
            yield Verified(path, path.name, error=error)
    checks = sorted(chain.from_iterable(product.checks for product in products), key=lambda check: -check.nbytes)
    report(WorkPlanned(len(products), sum(check.nbytes for check in checks), "products"))
    for product in products:
        if product.name and not product.pending:
            yield _done(product, report, strict=strict)
    workers = 1 if sum(check.nbytes for check in checks) < _WORTH_A_POOL else jobs
    for outcome in pmap(_digest, checks, workers):
        check: Check = outcome.item
        product = products[check.product]
        if isinstance(outcome, FailedTask):
            product.verdicts.append(FileVerdict(check.path, Verdict.WRONG, check.nbytes, str(outcome.error)))
        else:
            product.verdicts.append(_judge(check, outcome.value))
        product.pending -= 1
        report(Advanced(product.name, check.nbytes))
        if not product.pending:
            yield _done(product, report, strict=strict)


def _digest(check: Check) -> str:
    return checksum(check.location, check.algorithm)


def _judge(check: Check, digest: str) -> FileVerdict:
    if digest == check.checksum:
        return FileVerdict(check.path, Verdict.VERIFIED, check.nbytes, check.proof)
    message = f"{check.algorithm} is {digest}, {check.says} says {check.checksum}"
    return FileVerdict(check.path, Verdict.WRONG, check.nbytes, message)


def _done(product: Checked, report: Report, *, strict: bool) -> Verified:
    files = tuple(sorted(product.verdicts, key=lambda v: v.path))
    result = Verified(product.path, product.name, files, strict, product.lister)
    if result.failure is None:
        proven = sum(file.verdict is Verdict.VERIFIED for file in result.files)
        report(Finished(str(product.path), f"{counted(proven, 'file')} proven"))
    return result


def _open(number: int, path: Path, check_against: CatalogueSource | None) -> Checked:
    if not is_item(path):
        return _open_safe(number, path, check_against)
    if check_against is not None:
        raise InputError(f"{path} is a STAC item and has no manifest", "leave out --check-against")
    return checked_item(number, path)


def _open_safe(number: int, path: Path, check_against: CatalogueSource | None) -> Checked:
    tree = open_tree(path)
    try:
        raw = tree.read(MANIFEST)
    except NotFoundError as error:
        raise InputError(f"{path} has no manifest.safe: there is nothing to hold it against") from error
    manifest = parse_manifest(raw)
    if check_against is not None:
        from s2kit.catalogue.manifest_checksum import manifest_checksum  # loads requests

        manifest_checksum(check_against, parse_product_name(tree.name)).check(raw, tree.name)
    if manifest.doubt:
        raise InputError(f"{path}: the manifest is not authoritative: {manifest.doubt}")
    product = Checked(path, tree.name)
    record = _record(tree)
    if record is not None and record.manifest is not None and record.manifest.sha256 != sha256(raw).hexdigest():
        message = f"not the manifest that {tree.name}{SUFFIX} knows; remove that record if another tool replaced it"
        product.verdicts.append(FileVerdict(MANIFEST, Verdict.WRONG, len(raw), message))
    there = set(tree.paths())
    for entry in manifest.entries:
        if entry.path not in there:
            product.verdicts.append(_missing(entry.path, record))
        elif tree.nbytes(entry.path) != entry.nbytes:
            found = tree.nbytes(entry.path)
            message = f"{found} bytes, the manifest says {entry.nbytes}"
            product.verdicts.append(FileVerdict(entry.path, Verdict.WRONG, found, message))
        else:
            try:
                place = tree.location(entry.path)
            except InputError as error:  # a zip whose directory lies
                product.verdicts.append(FileVerdict(entry.path, Verdict.WRONG, entry.nbytes, str(error)))
                continue
            product.checks.append(Check(number, entry.path, place, entry.nbytes, entry.algorithm, entry.checksum))
    product.verdicts += list(_unlisted(tree, manifest, record, there, product.verdicts))
    product.pending = len(product.checks)
    return product


def _missing(path: str, record: DownloadRecord | None) -> FileVerdict:
    if record is not None and path in record.absent:
        return FileVerdict(path, Verdict.ABSENT, message=f"archive {record.archive} never had it")
    if record is not None and path in record.skipped:
        return FileVerdict(path, Verdict.SKIPPED, message="not asked for")
    return FileVerdict(path, Verdict.MISSING)


def _unlisted(
    tree: SafeTree, manifest: Manifest, record: DownloadRecord | None, there: set[str], verdicts: list[FileVerdict]
) -> Iterator[FileVerdict]:
    known = set() if record is None else set(record.unlisted)
    done = {verdict.path for verdict in verdicts}
    for path in sorted(there - set(manifest.by_path) - done):
        usual = path in known or _NEVER_LISTED.fullmatch(path)
        yield FileVerdict(path, Verdict.UNLISTED if usual else Verdict.EXTRA, tree.nbytes(path))


def _record(tree: SafeTree) -> DownloadRecord | None:
    """The record beside a product, or None."""
    place = Path(tree.address)
    try:
        record = DownloadRecord.from_json(read_file(place.parent / f"{safe_name(place.name)}{SUFFIX}", MAX_READ))
    except (OSError, InputError):
        return None
    return record if record.product == tree.name else None
