"""Download the assets of any STAC item into `COLLECTION/ITEM/`, each proven as well as the item and the store allow.

`file:checksum` (a multihash) and `file:size` of the STAC file extension prove an asset; without them the store's MD5
tag does, or its size alone, and the record `ITEM.s2kit.json` says which. The item's own JSON is written last, with
hrefs of the local files, so that its presence means that all wanted assets are there.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from s2kit.archive.address import object_at
from s2kit.download.destination import Destination, stamp
from s2kit.download.plan import FileResult, ProductResult, Status, Task
from s2kit.download.product import check_space
from s2kit.download.record import FileState
from s2kit.download.request import DownloadRequest
from s2kit.download.transfers import TransferPools, transfer_all
from s2kit.errors import InputError, NotFoundError
from s2kit.product.item_document import asset_href
from s2kit.product.manifest import ManifestEntry
from s2kit.product.ref import ProductRef, is_item_address
from s2kit.run.events import Report, WorkPlanned
from s2kit.run.files import ensure_folder, write_atomic
from s2kit.run.names import file_name
from s2kit.run.sharing import share_of
from s2kit.run.threads import Pool
from s2kit.store.base import ObjectInfo, Store
from s2kit.store.cost import Estimate, estimate
from s2kit.store.hashes import parse_multihash
from s2kit.store.location import RemoteObject
from s2kit.store.metadata import MOST_BYTES
from s2kit.store.open import open_store
from s2kit.store.transfer import hash_file
from s2kit.version import __version__

_STRUCTURAL = frozenset({"self", "root", "parent", "collection"})
"""Links that would lead a reader of the local copy back to the network."""
_WITNESS = {"manifest": "checksum"}


@dataclass(frozen=True, slots=True)
class ItemAddress:
    """A STAC item by its address, in the place of a product's name."""

    address: str

    def __str__(self) -> str:
        return self.address.rstrip("/").rpartition("/")[2].removesuffix(".json")


@dataclass(frozen=True, slots=True)
class ItemPlace(Destination):
    """The paths of an item in a folder; its files get their names one by one, the item's JSON comes last."""

    collection: str = ""

    @property
    def part(self) -> Path:
        """The item's folder."""
        return self.folder / file_name(self.collection) / self.product

    @property
    def quarantine(self) -> Path:
        """Where wrong bytes are kept."""
        return self.part.with_name(f"{self.product}.quarantine")

    @property
    def item(self) -> Path:
        """The item's JSON."""
        return self.part / f"{self.product}.json"

    @property
    def proofs(self) -> Path:
        """The record of how each file was proven."""
        return self.part / f"{self.product}.s2kit.json"


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """What is to be fetched for one item."""

    product: str
    place: ItemPlace
    document: Mapping[str, Any]
    tasks: tuple[Task, ...]
    have: tuple[str, ...]
    """Files that are there and proven already."""
    hrefs: Mapping[str, str]
    """File by key of its asset."""
    sources: Mapping[str, str]
    """Where each file is from, by file."""
    broken: tuple[FileResult, ...] = ()
    """Assets that the store lacks, or has with another size than the item says."""

    @property
    def nbytes(self) -> int:
        """Bytes to fetch."""
        return sum(task.info.nbytes for task in self.tasks)

    @property
    def archive(self) -> str:
        """Name of the archive of the first file."""
        return self.tasks[0].store.archive.name if self.tasks else ""

    @property
    def estimate(self) -> Estimate:
        """What the transfer will cost."""
        parts = [estimate(task.store.archive, task.info.nbytes, 2, 0) for task in self.tasks]
        usd, inside = sum(part.usd for part in parts), sum(part.usd_in_region for part in parts)
        return Estimate(self.nbytes, 2 * len(parts), 0, usd, inside)

    def record(self) -> dict[str, Any]:
        """As plain values, for reports."""
        cost = self.estimate
        return {
            "product": self.product,
            "archive": self.archive,
            "files": len(self.tasks),
            "nbytes": self.nbytes,
            "there": len(self.have),
            "requests": cost.reads,
            "usd": cost.usd,
            "usd_in_region": cost.usd_in_region,
            "path": str(self.place.part),
        }


def item_of(ref: ProductRef) -> ItemAddress | None:
    """The item that a reference means: its address, or that of a search record; None if it means something else."""
    if is_item_address(ref.text):
        return ItemAddress(ref.text)
    properties = ref.record.get("properties")
    facts = {**ref.record, **properties} if isinstance(properties, Mapping) else ref.record
    locations = facts.get("s2kit:locations")
    address = locations.get("item") if isinstance(locations, Mapping) else None
    return ItemAddress(address) if isinstance(address, str) and is_item_address(address) else None


def plan_item(name: ItemAddress, folder: Path, request: DownloadRequest) -> ItemPlan:
    """What is to be fetched for an item; every asset is asked for its size.

    Raises:
        NotFoundError: There is no such item, or it has none of the assets that were asked for.
        AccessError: An asset lies where reading is billed, and that was not agreed to.
        InputError: The address gives no STAC item.
    """
    document = _document(name, request)
    place = ItemPlace(folder, file_name(str(document["id"])), str(document.get("collection") or "items"))
    wanted = _wanted(document, request.assets, name)
    hrefs, sources, targets = {}, {}, {}
    tasks, have, broken = [], [], []
    for key, asset in wanted.items():
        target = object_at(
            _href(asset, name.address),
            request.archives,
            request.archive,
            allow_requester_pays=request.allow_requester_pays,
        )
        path = file_name(PurePosixPath(target.key.partition("?")[0]).name)
        path = path if path not in sources else file_name(f"{key}_{path}")
        hrefs[key], sources[path] = path, str(target).partition("?")[0]
        targets[key] = target
    for (key, asset), found in zip(wanted.items(), _stats(targets.values()), strict=True):
        path = hrefs[key]
        if isinstance(found, NotFoundError):
            broken.append(FileResult(path, FileState.FAILED, message=str(found)))
            continue
        store, info = found
        fault = _size_fault(asset, info)
        if fault:
            broken.append(FileResult(path, FileState.FAILED, info.nbytes, message=fault))
            continue
        entry = _entry(asset, path, info)
        if _is_there(place, path, info, entry):
            have.append(path)
        else:
            tasks.append(Task(path, store, info, entry))
    return ItemPlan(place.product, place, document, tuple(tasks), tuple(have), hrefs, sources, tuple(broken))


def _stats(targets: Iterable[RemoteObject]) -> list[tuple[Store, ObjectInfo] | NotFoundError]:
    """The store of each object, and its size and tag there, asked for side by side."""

    def one(target: RemoteObject) -> tuple[Store, ObjectInfo] | NotFoundError:
        store = open_store(target.archive)
        try:
            return store, store.stat(target.key)
        except NotFoundError as error:
            return error

    todo = list(targets)
    with Pool(min((share_of(target.archive.max_connections) for target in todo), default=1), "s2kit-stat") as pool:
        return list(pool.map(one, todo))


def download_item(
    name: ItemAddress, folder: Path, request: DownloadRequest, crew: TransferPools, report: Report
) -> ProductResult:
    """Fetch an item's assets, then write its JSON; a file that fails leaves the others in place for the next run.

    Raises:
        S2KitError: See `plan_item`.
    """
    started = time.monotonic()
    plan = plan_item(name, folder, request)
    place = plan.place
    known = _proofs(place)
    if not plan.tasks and not plan.broken and place.item.is_file():
        return ProductResult(plan.product, Status.ALREADY_THERE, str(place.part))
    check_space(place, plan.nbytes, request)
    report(WorkPlanned(1, plan.nbytes))
    ensure_folder(place.part)
    files = [
        replace(file, proof=_WITNESS.get(file.proof, file.proof))
        for file in transfer_all(place, list(plan.tasks), crew, report)
    ]
    done = {file.path: file.proof for file in files if file.state is not FileState.FAILED}
    proofs = {**{path: str(known.get(path, {}).get("proof", "checksum")) for path in plan.have}, **done}
    _write_proofs(plan, proofs, name)
    files += [FileResult(path, FileState.VERIFIED, proof=proofs[path], message="already there") for path in plan.have]
    files += plan.broken
    failed = [file for file in files if file.state is FileState.FAILED]
    seconds = time.monotonic() - started
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        error = InputError(
            f"{plan.product}: {failed[0].path}: {failed[0].message}{more}", "run again: what is there stays"
        )
        return ProductResult(
            plan.product, Status.FAILED, archive=plan.archive, files=tuple(files), seconds=seconds, error=error
        )
    write_atomic(place.item, json.dumps(_local(plan, name), indent=1).encode(), overwrite=True)
    return ProductResult(plan.product, Status.DONE, str(place.part), plan.archive, tuple(files), seconds)


def _document(name: ItemAddress, request: DownloadRequest) -> Mapping[str, Any]:
    target = object_at(
        name.address, request.archives, request.archive, allow_requester_pays=request.allow_requester_pays
    )
    try:
        document = json.loads(open_store(target.archive).read(target.key, 0, MOST_BYTES))
    except ValueError as error:
        raise InputError(f"{name.address} is not JSON", "name the address of a STAC item") from error
    if not isinstance(document, dict) or document.get("type") != "Feature" or not document.get("id"):
        raise InputError(f"{name.address} is no STAC item", "its address ends in /collections/ID/items/ID")
    if not isinstance(document.get("assets"), dict):
        raise InputError(f"{name.address}: a STAC item without assets")
    return document


def _wanted(document: Mapping[str, Any], keys: tuple[str, ...], name: ItemAddress) -> dict[str, Mapping[str, Any]]:
    assets = {key: asset for key, asset in document["assets"].items() if isinstance(asset, dict) and asset.get("href")}
    lacking = [key for key in keys if key not in assets]
    if lacking:
        raise NotFoundError(f"{name} has no asset {', '.join(lacking)}", f"it has {', '.join(sorted(assets))}")
    found: dict[str, Mapping[str, Any]] = {key: assets[key] for key in keys or assets}
    if not found:
        raise NotFoundError(f"{name} has no assets")
    return found


def _href(asset: Mapping[str, Any], base: str) -> str:
    """The address of an asset: that in a bucket if the item gives one, since it needs no login of a web page."""
    href = asset_href(asset)
    return href if "://" in href else f"{base.rpartition('/')[0]}/{href.removeprefix('./')}"


def _size_fault(asset: Mapping[str, Any], info: ObjectInfo) -> str:
    said = asset.get("file:size")
    wrong = isinstance(said, int) and said != info.nbytes
    return f"the store has {info.nbytes} bytes, the item says {said}" if wrong else ""


def _entry(asset: Mapping[str, Any], path: str, info: ObjectInfo) -> ManifestEntry | None:
    """What proves an asset, as a manifest would; None if the item gives no checksum that is known."""
    found = parse_multihash(str(asset.get("file:checksum") or ""))
    return None if found is None else ManifestEntry(path, info.nbytes, *found)


def _is_there(place: ItemPlace, path: str, info: ObjectInfo, entry: ManifestEntry | None) -> bool:
    """True for a file that an earlier run proved and nobody changed, or that has the item's checksum."""
    here = stamp(place.part / path)
    if here is None or here.nbytes != info.nbytes:
        return False
    kept = _proofs(place).get(path, {})
    same = kept.get("stamp") == [here.nbytes, here.mtime_ns] and kept.get("etag") == info.etag
    if entry is None:
        return bool(same)
    return (same and kept.get("checksum") == entry.checksum) or hash_file(
        place.part / path, entry.algorithm
    ) == entry.checksum


def _proofs(place: ItemPlace) -> Mapping[str, Mapping[str, Any]]:
    try:
        files = json.loads(place.proofs.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) and all(isinstance(one, dict) for one in files.values()) else {}


def _write_proofs(plan: ItemPlan, proofs: Mapping[str, str], name: ItemAddress) -> None:
    known = _proofs(plan.place)
    tasks = {task.path: task for task in plan.tasks}
    files = {}
    for path, proof in sorted(proofs.items()):
        here = stamp(plan.place.part / path)
        task = tasks.get(path)
        files[path] = {
            "source": plan.sources[path],
            "proof": proof,
            "stamp": None if here is None else [here.nbytes, here.mtime_ns],
            "etag": task.info.etag if task else known.get(path, {}).get("etag"),
            "checksum": (task.entry.checksum if task.entry else None) if task else known.get(path, {}).get("checksum"),
        }
    document = {"item": name.address, "s2kit": __version__, "files": files}
    write_atomic(plan.place.proofs, json.dumps(document, indent=1).encode(), overwrite=True)


def _local(plan: ItemPlan, name: ItemAddress) -> dict[str, Any]:
    """The item as it stands beside its files: fetched assets by their names, the others by their full addresses."""
    assets = {}
    for key, asset in plan.document["assets"].items():
        if key in plan.hrefs:
            kept = {field: value for field, value in asset.items() if field != "alternate"}
            assets[key] = {**kept, "href": f"./{plan.hrefs[key]}"}
        elif isinstance(asset, dict) and asset.get("href"):
            assets[key] = {**asset, "href": _href({"href": asset["href"]}, name.address)}
    links = [
        link
        for link in plan.document.get("links") or ()
        if isinstance(link, dict) and link.get("rel") not in _STRUCTURAL
    ]
    links.append({"rel": "via", "href": name.address, "type": "application/geo+json"})
    return {**plan.document, "assets": assets, "links": links}
