"""Find a product in an archive: its tree, its manifest, and which object stands for which file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from s2kit.archive.address import AWS, agree_to_pay, archive_of, normal_address
from s2kit.archive.layout import FolderRules, KeyRules, aws_rules, product_prefixes, safe_prefixes
from s2kit.archive.layout_old_format import OldFormatRules
from s2kit.archive.layout_s1 import Sentinel1Rules
from s2kit.archive.layout_s2 import CompactRules, tile_folder
from s2kit.errors import AccessError, InputError, NotFoundError, S2KitError, UsageError
from s2kit.product.manifest import Manifest, ManifestEntry, parse_manifest, safe_path
from s2kit.product.name import AnyProductName, Level, ProductName, Sentinel1Name, parse_product_name
from s2kit.product.subset import MANIFEST
from s2kit.store.archive import Archive, Layout
from s2kit.store.base import ObjectInfo, Store
from s2kit.store.metadata import ProvenBytes, Witness, list_objects, read_json, read_json_or_none, read_proven
from s2kit.store.open import open_store

AUTO = "auto"

_MOST_TILES = 1000
"""Folders that one day of one tile may have: as many as the product was published, some ten at most."""
_MARKER = re.compile(r".*_\$folder\$|[^/]*-ql\.jpg|.*/")
_S2_LAYOUTS = frozenset({Layout.SAFE, Layout.GCP, Layout.CDSE, Layout.AWS_S2})


@dataclass(frozen=True, slots=True)
class Source:
    """One product in one archive."""

    name: AnyProductName
    archive: Archive
    store: Store
    manifest: Manifest
    manifest_bytes: bytes = field(repr=False)
    manifest_witness: Witness
    """How the manifest's own bytes are known to be right."""
    rules: KeyRules
    objects: Mapping[str, ObjectInfo] = field(repr=False)
    """All objects of the product's trees, by key."""
    extras: Mapping[str, ObjectInfo] = field(repr=False)
    """Files of the SAFE that the archive has and the manifest does not list, by SAFE path."""
    lists: int
    """LIST requests that finding it took, a page each thousand objects."""
    reads: int
    """Small objects that were read to find it."""

    def find(self, path: str) -> ObjectInfo | None:
        """The object of a SAFE path, None if the archive has none."""
        return next((self.objects[key] for key in self.rules.keys(path) if key in self.objects), None)

    def entry(self, path: str) -> ManifestEntry | None:
        """What the manifest says of a path."""
        return self.manifest.by_path.get(path)


def chosen_archives(
    name: AnyProductName, choice: str, archives: Mapping[str, Archive], *, allow_requester_pays: bool
) -> list[Archive]:
    """The archives to ask for a product, in order.

    Args:
        name: The product.
        choice: `auto` (those that cost nothing), `aws` (the AWS bucket of its kind), or an archive's name.
        archives: All archives by name.
        allow_requester_pays: True where `auto` may also take archives that bill the reader.

    Raises:
        UsageError: There is no archive of that name.
    """
    if choice == AWS:
        wanted = _aws_name(name)
        if wanted not in archives:
            raise UsageError(f"there is no archive {wanted}", "see s2kit config show")
        return [archives[wanted]]
    if choice != AUTO:
        if choice not in archives:
            known = ", ".join([AUTO, AWS, *sorted(archives)])
            raise UsageError(f"there is no archive {choice!r}", f"there are: {known}")
        return [archives[choice]]
    fitting = [archive for archive in archives.values() if may_hold(archive, name)]
    free = [archive for archive in fitting if archive.is_free]
    paid = [archive for archive in fitting if archive.requester_pays] if allow_requester_pays else []
    return free + paid


def may_hold(archive: Archive, name: AnyProductName) -> bool:
    """True where an archive is of the kind that keeps such products whole."""
    if archive.layout is Layout.COGS:
        return False
    if isinstance(name, Sentinel1Name):
        return archive.layout in {Layout.AWS_S1, Layout.CDSE, Layout.SAFE}
    if archive.layout is Layout.AWS_S2 and archive.name in {"aws-l1c", "aws-l2a"}:
        return archive.name == _aws_name(name)
    return archive.layout in _S2_LAYOUTS


def find_source(
    name: AnyProductName, choice: str, archives: Mapping[str, Archive], *, allow_requester_pays: bool
) -> Source:
    """The first archive that has a product.

    Raises:
        NotFoundError: None of the archives has it, or its manifest is missing.
        AccessError: Only archives that bill the reader are left, and none was agreed to.
        InputError: Its manifest or `productInfo.json` is damaged.
        S2KitError: As the stores say; with several archives, the first fault that was none of absence.
    """
    asked = chosen_archives(name, choice, archives, allow_requester_pays=allow_requester_pays)
    faults: list[S2KitError] = []
    for archive in asked:
        try:
            source = open_source(name, archive)
            if len(asked) > 1:
                _refuse_partial(source)
            return source
        except NotFoundError as error:
            faults.append(error)
        except S2KitError as error:
            if len(asked) == 1:
                raise
            faults.append(error)
    serious = [fault for fault in faults if not isinstance(fault, NotFoundError)]
    if serious:
        raise serious[0]
    paid = [archive for archive in archives.values() if archive.requester_pays and may_hold(archive, name)]
    if choice == AUTO and paid and not allow_requester_pays:
        raise AccessError(
            f"{name} is in no free archive ({_names(asked)}), and {_names(paid)} bills its readers",
            "name it with --archive aws, or set allow_requester_pays = true; --dry-run says what it costs",
        )
    if len(faults) == 1:
        raise faults[0]
    raise NotFoundError(f"{name} is in none of the archives {_names(asked)}", _elsewhere(choice))


def open_source(name: AnyProductName, archive: Archive) -> Source:
    """A product in one archive.

    Raises:
        NotFoundError: The archive does not have it, or lacks its manifest.
        InputError: Its manifest or `productInfo.json` is damaged.
    """
    store = open_store(archive)
    if archive.layout in {Layout.AWS_S2, Layout.AWS_S1}:
        return _aws_source(name, store)
    return _folder_source(name, store)


def _refuse_partial(source: Source) -> None:
    """Pass over a local folder that holds a part of the product only, where another archive may have all of it."""
    if "://" in source.archive.address or source.archive.layout is not Layout.SAFE:
        return
    if any(source.find(entry.path) is None for entry in source.manifest.entries):
        raise NotFoundError(f"{source.name} is not whole in {source.archive.address}")


def name_at(
    address: str, archives: Mapping[str, Archive], choice: str = AUTO, *, allow_requester_pays: bool = False
) -> tuple[AnyProductName, Archive]:
    """The product behind an address: a SAFE folder or a tile or product prefix of AWS, and the archive to take.

    Args:
        address: `s3://bucket/tiles/31/U/FS/2022/1/27/0/`, `gs://…/NAME.SAFE`, `s3://eodata/…/NAME.SAFE` …
        archives: All archives by name.
        choice: The archive that was named, `aws` or `auto`.
        allow_requester_pays: True if an archive may bill its readers without being named.

    Raises:
        NotFoundError: There is no product.
        InputError: The address leads to none.
        AccessError: Reading there is billed, and that was not agreed to.
    """
    place = normal_address(address).rstrip("/")
    archive = archive_of(place, archives)
    agree_to_pay(archive, choice, allow_requester_pays=allow_requester_pays)
    key = place.removeprefix(archive.address.rstrip("/")).strip("/")
    if key.startswith("tiles/") and archive.layout is Layout.AWS_S2:
        info = read_json(open_store(archive), f"{key}/tileInfo.json")
        return parse_product_name(str(info.get("productName", ""))), archive
    folder, _, last = key.rpartition("/")
    try:
        name = parse_product_name(last)
    except InputError as error:
        raise InputError(f"{address}: neither a tile nor a product", error.hint) from error
    if archive.layout in {Layout.AWS_S2, Layout.AWS_S1}:
        return name, archive
    below = "/".join(part for part in (archive.address.rstrip("/"), folder) if part)
    return name, replace(archive, address=below, layout=Layout.SAFE)


def _folder_source(name: AnyProductName, store: Store) -> Source:
    lists = 0
    for prefix in safe_prefixes(name, store.archive.layout):
        objects = list_objects(store, prefix)
        lists += _pages(objects)
        if objects:
            break
    else:
        raise NotFoundError(f"{name} is not in archive {store.archive.name}", _elsewhere(store.archive.name))
    rules = FolderRules(prefix)
    raw, manifest = _manifest(name, store, rules, objects)
    extras = {}
    for key, info in objects.items():
        path = key.removeprefix(prefix)
        if path and not _MARKER.fullmatch(path) and path != MANIFEST and path not in manifest.by_path:
            extras[safe_path(path)] = info
    return Source(name, store.archive, store, manifest, raw.data, raw.witness, rules, objects, extras, lists, 1)


def _aws_source(name: AnyProductName, store: Store) -> Source:
    objects: dict[str, ObjectInfo] = {}
    lists = reads = 0
    prefix = ""
    for prefix in product_prefixes(name):
        objects = list_objects(store, prefix)
        lists += _pages(objects)
        if objects:
            break
    if not objects:
        raise NotFoundError(
            f"{name} is not in archive {store.archive.name}: there is no {store.archive.address}/{prefix}",
            _elsewhere(store.archive.name),
        )
    info: Mapping[str, Any] = {}
    if f"{prefix}productInfo.json" in objects:
        info = read_json(store, f"{prefix}productInfo.json", objects[f"{prefix}productInfo.json"])
        reads += 1
    elif not isinstance(name, ProductName | Sentinel1Name):
        raise NotFoundError(f"{name} has no productInfo.json: it is incomplete here", _elsewhere(store.archive.name))
    rules: KeyRules
    if isinstance(name, ProductName):
        rules, tried = _compact_rules(name, store, info, prefix)
        reads += tried
    else:
        rules = aws_rules(name, info, prefix)
    for tile in _tile_prefixes(rules):
        found = list_objects(store, tile)
        lists += _pages(found)
        objects |= found
    raw, manifest = _manifest(name, store, rules, objects)
    extras = _sentinel1_extras(rules, manifest, objects)
    return Source(name, store.archive, store, manifest, raw.data, raw.witness, rules, objects, extras, lists, reads + 1)


def _compact_rules(name: ProductName, store: Store, info: Mapping[str, Any], prefix: str) -> tuple[CompactRules, int]:
    """The rules with the tile prefix whose `tileInfo.json` names the product; and how many were read."""
    tried = 0
    datastrips: Mapping[str, str] = MappingProxyType({})
    if info:
        rules = aws_rules(name, info, prefix)
        assert isinstance(rules, CompactRules)
        datastrips = rules.datastrips
        tried += 1
        if _names_product(store, rules.tile_prefix, name, otherwise=True):
            return rules, tried
    folders = chain.from_iterable(store.folders(tile_folder(name, later)) for later in (0, 1))
    for tile in islice(folders, _MOST_TILES):
        tried += 1
        if _names_product(store, tile, name, otherwise=False):
            return CompactRules(name, prefix, tile, datastrips), tried
    raise NotFoundError(f"{name}: no tile of it is in archive {store.archive.name}", _elsewhere(store.archive.name))


def _names_product(store: Store, tile_prefix: str, name: ProductName, *, otherwise: bool) -> bool:
    """Whether a tile's `tileInfo.json` says that it is the product's; `otherwise` if there is none, as happens."""
    info = read_json_or_none(store, f"{tile_prefix}tileInfo.json")
    if info is None:
        return otherwise
    said = str(info.get("productName", ""))
    return said.removesuffix(".SAFE") == str(name) if said else otherwise


def _tile_prefixes(rules: KeyRules) -> Iterator[str]:
    if isinstance(rules, CompactRules):
        yield rules.tile_prefix
    elif isinstance(rules, OldFormatRules):
        yield from rules.tiles.values()


def _sentinel1_extras(
    rules: KeyRules, manifest: Manifest, objects: Mapping[str, ObjectInfo]
) -> Mapping[str, ObjectInfo]:
    if not isinstance(rules, Sentinel1Rules):
        return {}
    found = {}
    for path in rules.extras():
        key = next((key for key in rules.keys(path) if key in objects), None)
        if key is not None and path != MANIFEST and path not in manifest.by_path:
            found[path] = objects[key]
    return found


def _manifest(
    name: AnyProductName, store: Store, rules: KeyRules, objects: Mapping[str, ObjectInfo]
) -> tuple[ProvenBytes, Manifest]:
    key = next((key for key in rules.keys(MANIFEST) if key in objects), None)
    if key is None:
        raise NotFoundError(
            f"{name} has no manifest.safe in archive {store.archive.name}: nothing could be proven",
            _elsewhere(store.archive.name),
        )
    raw = read_proven(store, key, objects[key], twice=True)
    try:
        manifest = parse_manifest(raw.data)
    except InputError as error:
        raise InputError(f"{name} in archive {store.archive.name}: {error}", error.hint) from error
    if manifest.doubt:
        raise InputError(f"{name}: the manifest is not authoritative: {manifest.doubt}", "take it from another archive")
    return raw, manifest


def _pages(objects: Mapping[str, ObjectInfo]) -> int:
    return max(1, -(-len(objects) // 1000))


def _aws_name(name: AnyProductName) -> str:
    if isinstance(name, Sentinel1Name):
        return "aws-s1"
    return "aws-l2a" if name.level is Level.L2A else "aws-l1c"


def _names(archives: Sequence[Archive]) -> str:
    return ", ".join(archive.name for archive in archives) or "none is set up"


def _elsewhere(asked: str) -> str:
    return "see whether the name is right" if asked == "cdse" else "not all products are there: try --archive cdse"
