"""Fetch one product: find it, plan, fetch what lacks, prove it, give it its name, write the record."""

import time
from collections.abc import Callable
from concurrent.futures import Future, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock

from s2kit import __version__
from s2kit.archive.source import Source, find_source, open_source
from s2kit.download.destination import (
    Destination,
    find_complete,
    is_edition,
    local_manifest,
    make_empty_folders,
    proven_files,
    publish,
    quarantine,
    stamp,
    stamps,
)
from s2kit.download.plan import FileResult, Plan, ProductResult, Status, Task, make_plan
from s2kit.download.record import DownloadRecord, FileState, ManifestProof
from s2kit.download.request import DownloadRequest
from s2kit.download.zip import find_zip, make_zip, proven_members
from s2kit.errors import AccessError, DiskError, InputError, OutputError, PartialFailure, S2KitError, UsageError
from s2kit.product.manifest import parse_manifest
from s2kit.product.name import AnyProductName, Sentinel1Name
from s2kit.product.open_tree import open_tree
from s2kit.product.subset import MANIFEST
from s2kit.product.zip_writer import unpack
from s2kit.run.deadline import StoppedError
from s2kit.run.events import Advanced, Note, Report, WorkPlanned
from s2kit.run.files import ensure_folder, free_bytes, write_atomic
from s2kit.run.threads import Pool
from s2kit.store.archive import Archive
from s2kit.store.cost import size_text
from s2kit.store.transfer import Budget, ProofError, Wanted, fetch, parts_of

_SYNCS = 4
"""Files that are synced to the disk at one time."""


class TransferPools:
    """The threads that transfer: for each archive as many as it takes connections, shared by all products of a run."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._pools: dict[Archive, Pool] = {}
        self._syncs = Pool(_SYNCS, "s2kit-sync")
        self._lock = Lock()

    def sync(self, commit: Callable[[], None]) -> "Future[None]":
        """Have a proven file synced to the disk and renamed, while its connection goes on with the next object."""
        return self._syncs.submit(commit)

    def submit(
        self, place: Destination, task: Task, report: Report, syncs: "list[Future[None]]"
    ) -> "Future[FileResult]":
        """Have one object fetched into the growing folder; its last step is added to `syncs`."""
        archive = task.store.archive
        with self._lock:
            if archive not in self._pools:
                self._pools[archive] = Pool(archive.max_connections, f"s2kit-{archive.name}")
            return self._pools[archive].submit(_fetch, place, task, self, report, syncs)

    def close(self) -> None:
        """Let nothing new begin; what is at work gets a moment to end."""
        for pool in self._pools.values():
            pool.close()
        self._syncs.close()


def download_product(
    name: AnyProductName,
    place: Destination,
    request: DownloadRequest,
    archive: str,
    crew: TransferPools,
    report: Report,
) -> ProductResult:
    """Bring one product to its place, or as far as it goes.

    Args:
        name: The product.
        place: Where it shall stand.
        request: How.
        archive: The archive to ask, `auto` or `aws`.
        crew: Threads that transfer.
        report: Told of progress.

    Raises:
        S2KitError: Nothing could be done at all; single files that fail are in the result.
    """
    started = time.monotonic()
    there = _already(place, request, crew.budget, report)
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
    _check_space(place, sum(task.info.nbytes for task in tasks), request)
    report(WorkPlanned(1, sum(task.info.nbytes for task in tasks)))
    files = list(plan.broken)
    crew.budget.check()
    if not plan.broken:  # all or nothing: a product that cannot become whole is not begun
        _begin(place, source)
        files += _transfer(place, tasks, crew, report)
    files += _others(plan, {task.path for task in completion})
    failed = [file for file in files if file.state is FileState.FAILED]
    if failed:
        return _result(place, Status.FAILED, started, source=source, files=files, error=_failure(place, failed))
    record = _finish(place, source, plan, files, request, crew.budget)
    _warn(record, plan, report)
    path = place.zip if record.zip is not None else place.safe
    return _result(place, Status.DONE, started, path=str(path), source=source, files=files)


def _already(place: Destination, request: DownloadRequest, budget: Budget, report: Report) -> Path | None:
    """What stands there complete: by its record, or, where there is none, by its own manifest and checksums."""
    complete = request.complete_from is not None
    there = find_complete(place, request.subset, as_zip=request.as_zip, complete=complete)
    if there is None and place.record() is None:
        _adopt(place, budget, report)
        there = find_complete(place, request.subset, as_zip=request.as_zip, complete=complete)
    return there


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
    """Make the zip of a folder that stands there complete; False where none does, or none is wanted."""
    if not request.as_zip:
        return False
    folder = find_complete(place, request.subset, as_zip=False, complete=request.complete_from is not None)
    record = place.record()
    if folder is None or record is None:
        return False
    make_zip(place, record, keep_folder=request.keep_folder, check=budget.check)
    return True


def _adopt(place: Destination, budget: Budget, report: Report) -> None:
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
        proven = {entry.path for entry in proven_members(tree, manifest, budget.check)}
    else:
        proven = set(proven_files(place.safe, manifest, (), budget.check))
    if len(proven) < len(manifest.entries):
        return
    found = DownloadRecord(
        manifest=ManifestProof(sha256(raw).hexdigest(), "local"),
        product=place.product,
        archive="local",
        address=str(place.folder),
        time=_now(),
        version=__version__,
        files=stamps(place, [MANIFEST, *proven]) if tree is None else {},
        zip=stamp(place.zip) if tree is not None else None,
    )
    place.write_record(found)


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


def _check_space(place: Destination, nbytes: int, request: DownloadRequest) -> None:
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


def _transfer(place: Destination, tasks: list[Task], crew: TransferPools, report: Report) -> list[FileResult]:
    """Fetch the objects, the largest first; a fault of the disk or the run's end stops all of them."""
    ordered = sorted(tasks, key=lambda task: -task.info.nbytes)
    syncs: list[Future[None]] = []
    futures = [crew.submit(place, task, report, syncs) for task in ordered]
    try:
        files = [future.result() for future in as_completed(futures)]
        for sync in syncs:
            sync.result()
        return files
    finally:
        for future in futures:
            future.cancel()


def _fetch(
    place: Destination, task: Task, crew: TransferPools, report: Report, syncs: "list[Future[None]]"
) -> FileResult:
    started = time.monotonic()
    target = place.part / task.path
    entry = task.entry
    wanted = Wanted(task.info, target, *((entry.algorithm, entry.checksum) if entry is not None else (None, None)))
    try:
        done = fetch(
            task.store,
            wanted,
            crew.budget,
            lambda nbytes: report(Advanced(place.product, nbytes)),
            lambda commit: syncs.append(crew.sync(commit)),
        )
    except (StoppedError, OutputError, AccessError):  # the other files would meet the same
        raise
    except ProofError as error:
        for part in parts_of(target):
            quarantine(place, part, task.path)
        return _failed(task, started, f"{error} (put aside in {place.quarantine.name})")
    except S2KitError as error:
        return _failed(task, started, str(error))
    state = FileState.VERIFIED if entry is not None else FileState.UNLISTED
    return FileResult(task.path, state, done.nbytes, done.moved, time.monotonic() - started, done.proof)


def _failed(task: Task, started: float, message: str) -> FileResult:
    return FileResult(task.path, FileState.FAILED, task.info.nbytes, 0, time.monotonic() - started, "", message)


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
        time=_now(),
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
