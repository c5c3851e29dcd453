"""Download one product: find it, plan, fetch what is missing, prove it, give it its name, write the record."""

import time
from dataclasses import replace
from hashlib import sha256

from s2kit.archive.source import Source, find_source, open_source
from s2kit.download.destination import Destination, local_manifest, make_empty_folders, publish, stamps
from s2kit.download.plan import FileResult, Plan, ProductResult, Status, Task, make_plan
from s2kit.download.present import already_there, find_complete, is_edition
from s2kit.download.record import DownloadRecord, FileState, ManifestProof, now
from s2kit.download.request import DownloadRequest
from s2kit.download.transfers import TransferPools, transfer_all
from s2kit.download.zip import find_zip, make_zip
from s2kit.errors import DiskError, PartialFailure, S2KitError, UsageError
from s2kit.product.name import AnyProductName, Sentinel1Name
from s2kit.product.open_tree import open_tree
from s2kit.product.subset import MANIFEST
from s2kit.product.zip_writer import unpack
from s2kit.run.events import Note, Report, WorkPlanned
from s2kit.run.files import ensure_folder, free_bytes, write_atomic
from s2kit.store.cost import size_text
from s2kit.store.transfer import Budget
from s2kit.version import __version__


def download_product(
    name: AnyProductName,
    place: Destination,
    request: DownloadRequest,
    archive: str,
    crew: TransferPools,
    report: Report,
) -> ProductResult:
    """Download one product, or as much of it as can be had.

    Args:
        name: The product.
        place: Its destination.
        request: How.
        archive: The archive to ask, `auto` or `aws`.
        crew: Threads that transfer.
        report: Gets events of progress.

    Raises:
        S2KitError: Nothing could be done at all; single files that fail are in the result.
    """
    started = time.monotonic()
    there = already_there(place, request, crew.budget.check, report)
    if there is not None:
        _confirm_local(name, place, request)
        return _result(place, Status.ALREADY_THERE, started, path=str(there))
    if _zipped(place, request, crew.budget):
        return _result(place, Status.DONE, started, path=str(place.zip))
    source = find_source(name, archive, request.archives, allow_requester_pays=request.allow_requester_pays)
    _confirm(name, source.manifest_bytes, request)
    _reuse_zip(place, source, crew.budget, report)
    _note_edition(place, source, report)
    plan = make_plan(source, place, request.subset, crew.budget.check)
    completion = _completion(plan, request)
    tasks = [*plan.tasks, *completion]
    check_space(place, sum(task.info.nbytes for task in tasks), request)
    report(WorkPlanned(1, sum(task.info.nbytes for task in tasks)))
    files = list(plan.broken)
    crew.budget.check()
    if not plan.broken:  # all or nothing: a product that cannot become whole is not begun
        _begin(place, source)
        files += transfer_all(place, tasks, crew, report)
    files += _others(plan, {task.path for task in completion})
    failed = [file for file in files if file.state is FileState.FAILED]
    if failed:
        return _result(place, Status.FAILED, started, source=source, files=files, error=_failure(place, failed))
    record = _finish(place, source, plan, files, request, crew.budget)
    _warn(record, plan, report)
    path = place.zip if record.zip is not None else place.safe
    return _result(place, Status.DONE, started, path=str(path), source=source, files=files)


def _confirm(name: AnyProductName, manifest: bytes, request: DownloadRequest) -> None:
    """Have the catalogue of `--check-against` confirm a manifest; raises `InputError` if it lists another one."""
    if request.check_against is not None:
        from s2kit.catalogue.manifest_checksum import manifest_checksum  # loads requests

        manifest_checksum(request.check_against, name).check(manifest, str(name))


def _confirm_local(name: AnyProductName, place: Destination, request: DownloadRequest) -> None:
    """The same for a product that is there, unless its record says that it was done."""
    record = place.record()
    if request.check_against is None or record is None or record.manifest is None:
        return
    if record.manifest.confirmed_by == request.check_against.name:
        return
    raw = local_manifest(place.safe)
    if raw is None:
        raw = open_tree(place.zip).read(MANIFEST)
    _confirm(name, raw, request)
    place.write_record(replace(record, manifest=replace(record.manifest, confirmed_by=request.check_against.name)))


def _zipped(place: Destination, request: DownloadRequest, budget: Budget) -> bool:
    """Make the zip of a folder that is complete already; False if there is none, or no zip is wanted."""
    if not request.as_zip:
        return False
    folder = find_complete(place, request.subset, as_zip=False, complete=request.complete_from is not None)
    record = place.record()
    if folder is None or record is None:
        return False
    make_zip(place, record, keep_folder=request.keep_folder, check=budget.check)
    return True


def _reuse_zip(place: Destination, source: Source, budget: Budget, report: Report) -> None:
    """Take from a zip that does not hold all that is wanted what it does hold."""
    tree = find_zip(place, report)
    if tree is not None and not place.safe.exists():
        unpack(place.zip, source.manifest.by_path, place.part, budget.check)


def _note_edition(place: Destination, source: Source, report: Report) -> None:
    record = place.record()
    if record is not None and place.safe.exists() and not is_edition(place, record, source.manifest_bytes):
        text = f"{place.product}: archive {source.archive.name} has another edition than the one that is here"
        report(Note(f"{text}: all files are checked against the new manifest"))


def _completion(plan: Plan, request: DownloadRequest) -> list[Task]:
    """What another archive can supply: the files that the first one never had, and what no manifest lists."""
    if request.complete_from is None or not plan.absent:
        return []
    if request.complete_from not in request.archives:
        raise UsageError(f"there is no archive {request.complete_from!r}", f"there are: {', '.join(request.archives)}")
    other = open_source(plan.source.name, request.archives[request.complete_from])
    known = plan.source.manifest.by_path
    found = []
    for path in plan.absent:
        info = other.find(path)
        if info is not None:
            found.append(Task(path, other.store, info, known[path]))
    there = {*plan.source.extras, *plan.have}
    for path, info in other.extras.items():
        if request.subset.wants(path) and path not in there and path not in known:
            found.append(Task(path, other.store, info, None))
    return found


def check_space(place: Destination, nbytes: int, request: DownloadRequest) -> None:
    """Raise `DiskError` if the disk has no room for so many bytes, and for what must stay free."""
    needed = nbytes * (2 if request.as_zip else 1) + request.min_free
    free = free_bytes(place.folder)
    if needed > free:
        raise DiskError(
            f"{place.folder}: {place.product} needs {size_text(needed - request.min_free)}, "
            f"{size_text(request.min_free)} must stay free, and {size_text(free)} are free",
            "free some space, or lower --min-free",
        )


def _begin(place: Destination, source: Source) -> None:
    ensure_folder(place.part)
    write_atomic(place.part / MANIFEST, source.manifest_bytes, overwrite=True)
    if not isinstance(source.name, Sentinel1Name):
        make_empty_folders(place.part, source.manifest)


def _others(plan: Plan, completed: set[str]) -> list[FileResult]:
    """The files that were not transferred: there already, absent, skipped."""
    listed = plan.source.manifest.by_path
    found = [
        FileResult(path, FileState.VERIFIED, listed[path].nbytes, 0, 0.0, "manifest", "was there")
        for path in plan.have
        if path in listed
    ]
    found += [
        FileResult(
            path, FileState.ABSENT, listed[path].nbytes, message=f"archive {plan.source.archive.name} never had it"
        )
        for path in plan.absent
        if path not in completed
    ]
    return found + [
        FileResult(path, FileState.SKIPPED, listed[path].nbytes, message="not asked for") for path in plan.skipped
    ]


def _failure(place: Destination, failed: list[FileResult]) -> S2KitError:
    first = failed[0]
    text = f"{place.product}: {len(failed)} files failed: {first.path}: {first.message}"
    if any("not in archive" in file.message for file in failed):
        return PartialFailure(text, "the archive has a gap: try --archive cdse, or --exclude what is missing")
    return PartialFailure(text, "run again: what is proven stays, only the rest is fetched")


def _finish(
    place: Destination, source: Source, plan: Plan, files: list[FileResult], request: DownloadRequest, budget: Budget
) -> DownloadRecord:
    fetched = [file.path for file in files if file.state in {FileState.VERIFIED, FileState.UNLISTED}]
    known = set(plan.have) | set(fetched)
    publish(place, fetched, source.manifest_bytes, known)
    if not isinstance(source.name, Sentinel1Name):
        make_empty_folders(place.safe, source.manifest)
    unlisted = known - set(source.manifest.by_path)
    record = DownloadRecord(
        product=place.product,
        archive=source.archive.name,
        address=source.archive.address,
        time=now(),
        version=__version__,
        subset=request.subset,
        files=stamps(place, {MANIFEST, *known}),
        unlisted=tuple(sorted(unlisted)),
        absent=tuple(file.path for file in files if file.state is FileState.ABSENT),
        skipped=plan.skipped,
        manifest=ManifestProof(
            sha256(source.manifest_bytes).hexdigest(),
            source.manifest_witness,
            None if request.check_against is None else request.check_against.name,
        ),
    )
    place.write_record(record)
    if request.as_zip:
        make_zip(place, record, keep_folder=request.keep_folder, check=budget.check)
        return place.record() or record
    return record


def _warn(record: DownloadRecord, plan: Plan, report: Report) -> None:
    odd = [path for path in record.absent if plan.source.rules.keys(path)]
    if odd:
        report(Note(f"{record.product}: archive {record.archive} lacks {', '.join(odd)}", warning=True))
    elif record.absent:
        report(Note(f"{record.product}: absent at the source: {', '.join(record.absent)}"))


def _result(
    place: Destination,
    status: Status,
    started: float,
    *,
    path: str = "",
    source: Source | None = None,
    files: list[FileResult] | None = None,
    error: S2KitError | None = None,
) -> ProductResult:
    archive = "" if source is None else source.archive.name
    seconds = time.monotonic() - started
    return ProductResult(place.product, status, path, archive, tuple(files or ()), seconds, error)
