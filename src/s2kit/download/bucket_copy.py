"""From bucket to bucket inside one endpoint: the server copies, no pixel passes this machine, and each copy is proven.

A copy is asked for with the tag that the source's listing gave, so it is of that very object. Where the manifest lists
MD5 and the tag is one, the tag proves the source itself; a multipart tag says nothing, so such an object is read once
and hashed; else the copy's tag must be the source's.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from s2kit.archive.source import Source, find_source
from s2kit.download.plan import FileResult, Plan, ProductResult, Status, Task, make_plan
from s2kit.download.record import SUFFIX, DownloadRecord, FileState, ManifestProof, Stamp, now
from s2kit.download.request import DownloadRequest
from s2kit.errors import InputError, PartialFailure, S2KitError, UsageError
from s2kit.product.name import AnyProductName
from s2kit.product.subset import MANIFEST
from s2kit.run.events import Advanced, Report, WorkPlanned
from s2kit.run.threads import Pool
from s2kit.store.archive import Archive
from s2kit.store.base import ObjectInfo
from s2kit.store.hashes import is_md5, new_hash
from s2kit.store.open import open_store
from s2kit.store.s3 import S3Store
from s2kit.store.transfer import Budget, Proof
from s2kit.version import __version__


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where products go in a bucket."""

    text: str
    """`s3://bucket/prefix` or `ARCHIVE:prefix`, as it was given."""

    def archive(self, archives: Mapping[str, Archive], beside: Archive) -> Archive:
        """The destination as an archive; a bucket of no known archive is taken to be on the source's endpoint.

        Raises:
            UsageError: There is no archive of that name.
        """
        if self.text.startswith("s3://"):
            bucket = self.text.removeprefix("s3://").partition("/")[0]
            known = next((a for a in archives.values() if a.address.split("/")[:3] == ["s3:", "", bucket]), None)
            if known is not None:
                return replace(known, address=self.text.rstrip("/"))
            return replace(beside, name=bucket, address=self.text.rstrip("/"), requester_pays=False, anonymous=False)
        name, _, prefix = self.text.partition(":")
        if name not in archives:
            raise UsageError(f"there is no archive {name!r}", f"there are: {', '.join(sorted(archives))}")
        known = archives[name]
        return replace(known, address="/".join(part for part in (known.address, prefix.strip("/")) if part))


def copy_product(
    name: AnyProductName, request: DownloadRequest, archive: str, budget: Budget, report: Report
) -> ProductResult:
    """Copy one product into the bucket that the request names; what is there already is not copied again.

    Raises:
        UsageError: The source is on another endpoint, or a zip was asked for.
        S2KitError: As the stores say.
    """
    started = time.monotonic()
    if request.as_zip:
        raise UsageError("--zip makes files on this machine; the destination is a bucket", "leave --zip away")
    source = find_source(name, archive, request.archives, allow_requester_pays=request.allow_requester_pays)
    target_archive = BucketPlace(request.out).archive(request.archives, source.archive)
    target = open_store(target_archive)
    if not isinstance(target, S3Store) or not target.copies_from(source.store):
        raise UsageError(
            f"{source.archive.name} and {request.out} are not on one endpoint: the server cannot copy between them",
            "download to a folder first, or name an archive of the same service",
        )
    address = f"{target_archive.address}/{name}.SAFE"
    objects = {info.key: info for info in target.list(f"{name}.SAFE")}
    record = _record(target, objects, f"{name}{SUFFIX}")
    if record is not None and record.covers(request.subset) and _intact(record, objects):
        return ProductResult(str(name), Status.ALREADY_THERE, address, seconds=time.monotonic() - started)
    plan = make_plan(source, None, request.subset, budget.check)
    report(WorkPlanned(1, plan.nbytes))
    files = [*plan.broken]
    if not plan.broken:
        files += _copy_all(plan, target, objects, budget, report)
    files += [FileResult(path, FileState.ABSENT, message="the archive never had it") for path in plan.absent]
    files += [FileResult(path, FileState.SKIPPED, message="not asked for") for path in plan.skipped]
    failed = [file for file in files if file.state is FileState.FAILED]
    seconds = time.monotonic() - started
    if failed:
        error = PartialFailure(
            f"{name}: {len(failed)} files failed: {failed[0].path}: {failed[0].message}", "run again"
        )
        return ProductResult(str(name), Status.FAILED, "", source.archive.name, tuple(files), seconds, error)
    _finish(source, target, files, request)
    return ProductResult(str(name), Status.DONE, address, source.archive.name, tuple(files), seconds)


def _copy_all(
    plan: Plan, target: S3Store, objects: Mapping[str, ObjectInfo], budget: Budget, report: Report
) -> Iterator[FileResult]:
    with Pool(target.archive.max_connections, "s2kit-copy") as pool:
        futures = [pool.submit(_copy, task, f"{plan.product}.SAFE/", target, objects, budget) for task in plan.tasks]
        try:
            for future in as_completed(futures):
                result = future.result()
                report(Advanced(plan.product, result.nbytes))
                yield result
        finally:
            for future in futures:
                future.cancel()


def _copy(task: Task, folder: str, target: S3Store, objects: Mapping[str, ObjectInfo], budget: Budget) -> FileResult:
    started = time.monotonic()
    budget.check()
    assert isinstance(task.store, S3Store)
    key = folder + task.path
    try:
        proof = _prove_source(task, budget)
        there = objects.get(key)
        if there is None or there.nbytes != task.info.nbytes or there.etag != task.info.etag:
            there = target.copy_from(task.store, task.info.key, key, task.info.etag)
        if proof is None and there.etag != task.info.etag:
            raise InputError(f"{key}: the copy's tag is {there.etag}, the source's {task.info.etag}")
    except S2KitError as error:
        return FileResult(
            task.path, FileState.FAILED, task.info.nbytes, seconds=time.monotonic() - started, message=str(error)
        )
    state = FileState.VERIFIED if task.entry is not None else FileState.UNLISTED
    return FileResult(task.path, state, there.nbytes, 0, time.monotonic() - started, proof or "etag")


def _prove_source(task: Task, budget: Budget) -> Proof | None:
    """How the source is known to be what the manifest lists; None if only its tag can be compared."""
    entry, info = task.entry, task.info
    if entry is None:
        return None
    if is_md5(info.etag):
        if entry.algorithm != "MD5":
            return None
        if info.etag != entry.checksum:
            raise InputError(f"{info.key}: MD5 is {info.etag}, the manifest says {entry.checksum}")
        return "manifest"
    digest = new_hash(entry.algorithm)
    with task.store.body(info.key, 0, info.etag) as body:
        for chunk in body.chunks:
            budget.check()
            digest.update(chunk)
    if digest.hexdigest() != entry.checksum:
        raise InputError(f"{info.key}: {entry.algorithm} is {digest.hexdigest()}, the manifest says {entry.checksum}")
    return "manifest"


def _finish(source: Source, target: S3Store, files: list[FileResult], request: DownloadRequest) -> None:
    """The manifest and then the record are written last: if the record is there, the product is whole."""
    name = str(source.name)
    with TemporaryDirectory(prefix="s2kit-") as folder:
        local = Path(folder) / "object"
        local.write_bytes(source.manifest_bytes)
        target.put(f"{name}.SAFE/{MANIFEST}", local)
        objects = {info.key.removeprefix(f"{name}.SAFE/"): info for info in target.list(f"{name}.SAFE/")}
        kept = [MANIFEST, *(file.path for file in files if file.state in {FileState.VERIFIED, FileState.UNLISTED})]
        record = DownloadRecord(
            product=name,
            archive=source.archive.name,
            address=source.archive.address,
            time=now(),
            version=__version__,
            manifest=ManifestProof(sha256(source.manifest_bytes).hexdigest(), source.manifest_witness),
            subset=request.subset,
            files={path: Stamp(objects[path].nbytes, 0) for path in kept if path in objects},
            etags={path: objects[path].etag or "" for path in kept if path in objects},
            unlisted=tuple(file.path for file in files if file.state is FileState.UNLISTED),
            absent=tuple(file.path for file in files if file.state is FileState.ABSENT),
            skipped=tuple(file.path for file in files if file.state is FileState.SKIPPED),
        )
        local.write_bytes(record.to_json().encode())
        target.put(f"{name}{SUFFIX}", local)


def _record(target: S3Store, objects: Mapping[str, ObjectInfo], key: str) -> DownloadRecord | None:
    if key not in objects:
        return None
    try:
        return DownloadRecord.from_json(target.read(key))
    except InputError:
        return None


def _intact(record: DownloadRecord, objects: Mapping[str, ObjectInfo]) -> bool:
    found = {path: objects.get(f"{record.product}.SAFE/{path}", ObjectInfo("", -1)) for path in record.files}
    return all(
        info.nbytes == record.files[path].nbytes and (info.etag or "") == record.etags.get(path)
        for path, info in found.items()
    )
