"""Find what a user named: a path, a zip, a name, an address, a search record, a folder of products. One answer for all.

`expand` turns folders into their products, `whereabouts` says where a product would be read from without opening it,
`locate` opens it. Who reads where reading is billed is asked for consent here and nowhere else.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from s2kit.archive.address import AWS_LAYOUTS, agree_to_pay, archive_of, normal_address, object_at
from s2kit.archive.dataset import find_id, find_in_dataset, is_product, products_in
from s2kit.archive.source import AUTO, Source, chosen_archives, find_source, open_source
from s2kit.archive.tile_tree import TILE_INFO, tile_tree
from s2kit.errors import InputError, NotFoundError
from s2kit.product.item_document import json_address
from s2kit.product.kinds import KINDS, kind_at
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.product.open import MANIFEST, Product, open_product
from s2kit.product.opening import OffsetRule, Opening
from s2kit.product.ref import ProductRef
from s2kit.product.stac_name import product_name_in
from s2kit.product.store_tree import StoreTree, prefix_tree
from s2kit.settings import Access, Settings
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import RemoteObject
from s2kit.store.open import open_store

COGS = "cogs"
"""Key of the COG item's address among the locations of a search record."""
ITEM = "item"
"""Key of the item's own address, of which the archive is not known."""
READ_IN_PLACE = (COGS, "pc", "eopf", ITEM)
"""Locations of a search record that are products as they are: STAC items and Zarr groups."""

_SAFE_ADDRESS = re.compile(r"(?P<folder>\w+://.+?\.SAFE)(?:/.*)?", re.IGNORECASE)
_TILE_KEY = re.compile(r"tiles/\d{1,2}/[A-Z]/[A-Z]{2}/\d{4}/\d{1,2}/\d{1,2}/\d+")


def expand(refs: Iterable[ProductRef]) -> list[ProductRef]:
    """The products that some references name: a folder of products stands for all of them, wherever below it they lie.

    Raises:
        NotFoundError: A folder holds none.
        DiskError: A folder cannot be listed.
    """
    found: list[ProductRef] = []
    for ref in refs:
        folder = _existing(ref.text)
        if folder is None or is_product(folder):
            found.append(ref)
            continue
        paths = products_in(folder)
        if not paths:
            raise NotFoundError(
                f"{ref.text} holds no product",
                "a dataset folder holds SAFE folders, zips of them, or folders of COGs with their STAC item",
            )
        found += [ProductRef(str(path)) for path in paths]
    return found


def locate(ref: ProductRef, settings: Settings | Access, boa_offset: str = "auto") -> Product:
    """Open the product that a reference means.

    In this order: an address (`s3://`, `gs://`, `https://`), a path on this machine, the dataset folder, the place on
    this machine that a search record gives, the COGs that it gives, and the archives that cost nothing or were asked
    for.

    Args:
        ref: What was named.
        settings: Dataset folder and archives.
        boa_offset: What the user says of the offset in COGs, see `parse_boa_offset`.

    Raises:
        NotFoundError: It is nowhere to be found.
        AccessError: It lies where reading is billed and that was not agreed to, or keys are missing.
        InputError: What was named is no product, or a damaged one.
        UsageError: The settings name an archive that does not exist.
    """
    ref = whereabouts(ref, settings)
    if "://" in ref.text:
        return _at_address(ref.text, settings, boa_offset)
    path = _existing(ref.text)
    if path is not None:
        return _at_path(path, settings, boa_offset)
    name = parse_product_name(ref.text)
    source = find_source(name, settings.archive, settings.archives, allow_requester_pays=settings.allow_requester_pays)
    return open_product(tree_of_source(source))


def reopen(ref: ProductRef, settings: Settings | Access, boa_offset: str = "auto") -> Product:
    """The same for whoever opens a product for several tasks of a run: what is on this machine is remembered."""
    path = _existing(ref.text)
    kind = None if path is None else kind_at(path)
    if path is None or (path / TILE_INFO).is_file() or not (kind is None or kind.is_fixed):
        return locate(ref, settings, boa_offset)
    return _remembered(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _remembered(path: str, changed: int) -> Product:
    del changed
    return open_product(path)


def whereabouts(ref: ProductRef, settings: Settings | Access) -> ProductRef:
    """Where a product would be read from: its path, its address, or its name if it is to be looked for in archives.

    Nothing is asked of any archive.

    Raises:
        NotFoundError: What was named looks like a path, and there is nothing.
        InputError: It is neither a path nor the name of a product.
    """
    if "://" in ref.text:
        return ref
    path = _existing(ref.text)
    if path is not None:
        return replace(ref, text=str(path))
    facts = _facts(ref.record)
    name = _name(ref.text) or _name(product_name_in(facts) or "")
    said = facts.get("s2kit:locations")
    locations: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    here = find_in_dataset(settings.dataset, name) if name is not None else _named_in(settings.dataset, ref.text)
    if here is None:
        local = (locations.get(key) for key in ("local", "folder", "dataset"))
        here = next((path for text in local if isinstance(text, str) and (path := _existing(text))), None)
    if here is not None:
        return replace(ref, text=str(here))
    for key in READ_IN_PLACE:
        there = locations.get(key)
        if isinstance(there, str) and (settings.archive in {AUTO, key} or key == ITEM):
            return replace(ref, text=json_address(there) if "://" in there and key == COGS else there)
    if name is None:
        path = Path(ref.text)
        if len(path.parts) > 1 or path.suffix:
            raise NotFoundError(f"{ref.text}: there is no such file or folder")
        raise InputError(
            f"'{ref.text}' is neither a path nor the name of a product",
            "a name looks like S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454",
        )
    return replace(ref, text=str(name))


def archive_read(ref: ProductRef, settings: Settings | Access) -> Archive | None:
    """The archive that a product would be read from, as its address or name tells; None if it is on this machine.

    Nothing is asked of any archive: of several that may hold the product one that bills its readers is taken, so that
    an estimate is an upper bound.
    """
    ref = whereabouts(ref, settings)
    if "://" in ref.text:
        return archive_of(ref.text, settings.archives)
    if _existing(ref.text) is not None:
        return None
    name = parse_product_name(ref.text)
    asked = chosen_archives(
        name, settings.archive, settings.archives, allow_requester_pays=settings.allow_requester_pays
    )
    return max(asked, key=lambda archive: archive.requester_pays, default=None)


def image_at(address: str, settings: Settings | Access) -> RemoteObject:
    """The object at an address.

    Raises:
        UsageError: The address names no object.
        AccessError: It lies where reading is billed, and that was not agreed to.
    """
    return object_at(address, settings.archives, settings.archive, allow_requester_pays=settings.allow_requester_pays)


def tree_of_source(source: Source) -> StoreTree:
    """A product in an archive as the SAFE that its manifest describes."""
    found = {entry.path: source.find(entry.path) for entry in source.manifest.entries}
    objects = {path: info for path, info in found.items() if info is not None} | dict(source.extras)
    manifest = source.find(MANIFEST)
    assert manifest is not None, "a source without a manifest is refused before"
    objects[MANIFEST] = manifest
    address = f"{source.archive.address.rstrip('/')}/{manifest.key.removesuffix(MANIFEST)}"
    return StoreTree(source.store, objects, address, {MANIFEST: source.manifest_bytes})


def _existing(text: str) -> Path | None:
    """A path on this machine, None if there is nothing."""
    if "://" in text:
        return None
    with suppress(OSError, RuntimeError, ValueError):  # too long, no such home, a zero byte: no path, then
        path = Path(text).expanduser()
        if path.exists():
            return path
    return None


def _at_path(path: Path, settings: Settings | Access, boa_offset: str) -> Product:
    """A product at a path: a SAFE, a zip, COGs, or a tile of a folder that is laid out as AWS does it."""
    if (path / TILE_INFO).is_file():
        parts = path.absolute().parts
        if "tiles" in parts:
            at = len(parts) - 1 - parts[::-1].index("tiles")
            bucket = Archive(name="folder", address=str(Path(*parts[:at])), layout=Layout.AWS_S2)
            return open_product(tile_tree(open_store(bucket), "/".join(parts[at:]) + "/"))
    return open_product(path, _opening(settings, boa_offset))


def _at_address(text: str, settings: Settings | Access, boa_offset: str) -> Product:
    address = normal_address(text)
    archive = archive_of(address, settings.archives)
    agree_to_pay(archive, settings.archive, allow_requester_pays=settings.allow_requester_pays)
    key = address.removeprefix(archive.address.rstrip("/")).strip("/")
    if archive.layout in AWS_LAYOUTS:
        tile = _TILE_KEY.match(key)
        if tile:
            return open_product(tile_tree(open_store(archive), f"{tile[0]}/"))
        name = _name(next((part for part in key.split("/") if _name(part)), key))
        if name is None:
            raise InputError(f"{text}: neither a tile nor a product of that bucket")
        return open_product(tree_of_source(open_source(name, archive)))
    for kind in KINDS:
        there = kind.address(address, archive.layout)
        if there is not None:
            return kind.open_there(there, archive, _opening(settings, boa_offset))
    folder = _SAFE_ADDRESS.fullmatch(address)
    if address.lower().endswith(".zip"):
        raise InputError(f"{text}: a zip can be read on this machine only", "fetch it first")
    below = replace(archive, address=folder["folder"] if folder else address.rstrip("/"), layout=Layout.SAFE)
    return open_product(prefix_tree(open_store(below), ""))


def _opening(settings: Settings | Access, boa_offset: str) -> Opening:
    """How products of other kinds than the SAFE are opened: the SAFE of a product may prove the offset of its COGs."""

    def safe(product: str) -> Product | None:
        name = _name(product)
        here = find_in_dataset(settings.dataset, name) if name is not None else None
        kind = None if here is None else kind_at(here)
        return None if here is None or not (kind is None or kind.is_fixed) else open_product(here)

    rule = OffsetRule(boa_offset, safe, settings.openjpeg, settings.kept_in)
    return Opening(lambda address: image_at(address, settings), rule)


def _named_in(folder: Path, text: str) -> Path | None:
    """A product of a dataset folder by its own id or the name of its folder, if that is no name of ESA's; else None."""
    if Path(text).name != text:
        return None
    suffixes = [kind.suffix for kind in KINDS if kind.suffix]
    names = (text if text.lower().endswith(suffix) else f"{text}{suffix}" for suffix in suffixes)
    direct = next((path for name in names if (path := _existing(str(folder / name)))), None)
    return direct or find_id(folder, text)


def _facts(record: Mapping[str, object]) -> Mapping[str, Any]:
    """The properties of a search record, flat or as a STAC item."""
    properties = record.get("properties")
    return {**record, **properties} if isinstance(properties, Mapping) else record


def _name(text: str) -> AnyProductName | None:
    try:
        return parse_product_name(text)
    except InputError:
        return None
