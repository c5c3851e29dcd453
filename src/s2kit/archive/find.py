"""Find a product that a user named: a path, a name, an address, a search record."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from s2kit.archive.dataset import find_in_dataset
from s2kit.archive.source import AWS, Source, chosen_archives, find_source, open_source
from s2kit.archive.tile_tree import TILE_INFO, tile_tree
from s2kit.errors import AccessError, InputError, NotFoundError
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.product.open import MANIFEST, Product, open_product
from s2kit.product.ref import ProductRef
from s2kit.product.store_tree import StoreTree, prefix_tree
from s2kit.settings import Settings
from s2kit.store.archive import Archive, Layout
from s2kit.store.open import open_store

_SAFE_ADDRESS = re.compile(r"(?P<folder>\w+://.+?\.SAFE)(?:/.*)?", re.IGNORECASE)
_GOOGLE = re.compile(r"https://storage\.googleapis\.com/(?P<rest>.+)")
_TILE_KEY = re.compile(r"tiles/\d{1,2}/[A-Z]/[A-Z]{2}/\d{4}/\d{1,2}/\d{1,2}/\d+")
_AWS_LAYOUTS = frozenset({Layout.AWS_S2, Layout.AWS_S1})


def locate(ref: ProductRef, settings: Settings) -> Product:
    """Open the product that a reference means.

    In this order: an address (`s3://`, `gs://`, `https://`), a path on this machine, the place on this machine that a
    search record gives, the dataset folder, and the archives that cost nothing or were asked for.

    Raises:
        NotFoundError: It is nowhere to be found.
        AccessError: It lies where reading is billed and that was not agreed to, or keys are missing.
        InputError: What was named is no product, or a damaged one.
        UsageError: The settings name an archive that does not exist.
    """
    if "://" in ref.text:
        return _at_address(ref.text, settings)
    path = local_path(ref, settings)
    if path is not None:
        return _at_path(path)
    name = parse_product_name(ref.text)
    source = find_source(name, settings.archive, settings.archives, allow_requester_pays=settings.allow_requester_pays)
    return open_product(tree_of_source(source))


def local_path(ref: ProductRef, settings: Settings) -> Path | None:
    """Where a product is on this machine; None where it is not, though it has the name of one.

    Raises:
        NotFoundError: What was named looks like a path, and there is nothing.
        InputError: It is neither a path nor the name of a product.
    """
    path = Path(ref.text)
    with suppress(OSError, RuntimeError, ValueError):  # too long, no such home, a zero byte: no path, then
        path = path.expanduser()
        if path.exists():
            return path
    name = _name(ref.text)
    if name is None:
        if len(path.parts) > 1 or path.suffix:
            raise NotFoundError(f"{ref.text!r}: there is no such file or folder")
        raise InputError(
            f"{ref.text!r} is neither a path nor the name of a product",
            "a name looks like S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454",
        )
    recorded = _recorded(ref.record)
    if recorded is not None and recorded.exists():
        return recorded
    return find_in_dataset(settings.dataset, name)


def archive_read(ref: ProductRef, settings: Settings) -> Archive | None:
    """The archive that a product would be read from, as its address or name tells; None where it is on this machine.

    Nothing is asked of any archive: of several that may hold the product one that bills its readers is taken, so that
    an estimate is an upper bound.
    """
    if "://" in ref.text:
        return archive_of(ref.text, settings.archives)
    if local_path(ref, settings) is not None:
        return None
    name = parse_product_name(ref.text)
    asked = chosen_archives(
        name, settings.archive, settings.archives, allow_requester_pays=settings.allow_requester_pays
    )
    return max(asked, key=lambda archive: archive.requester_pays, default=None)


def tree_of_source(source: Source) -> StoreTree:
    """A product in an archive as the SAFE that its manifest describes."""
    found = {entry.path: source.find(entry.path) for entry in source.manifest.entries}
    objects = {path: info for path, info in found.items() if info is not None} | dict(source.extras)
    manifest = source.find(MANIFEST)
    assert manifest is not None, "a source without a manifest is refused before"
    objects[MANIFEST] = manifest
    address = f"{source.archive.address.rstrip('/')}/{manifest.key.removesuffix(MANIFEST)}"
    return StoreTree(source.store, objects, address, {MANIFEST: source.manifest_bytes})


def _at_path(path: Path) -> Product:
    """A product at a path: a SAFE, a zip, or a tile of a folder that is laid out as AWS does it."""
    if (path / TILE_INFO).is_file():
        parts = path.absolute().parts
        if "tiles" in parts:
            at = len(parts) - 1 - parts[::-1].index("tiles")
            bucket = Archive(name="folder", address=str(Path(*parts[:at])), layout=Layout.AWS_S2)
            return open_product(tile_tree(open_store(bucket), "/".join(parts[at:]) + "/"))
    return open_product(path)


def _at_address(text: str, settings: Settings) -> Product:
    google = _GOOGLE.fullmatch(text)
    address = f"gs://{google['rest']}" if google else text
    archive = archive_of(address, settings.archives)
    agree_to_pay(archive, settings)
    key = address.removeprefix(archive.address.rstrip("/")).strip("/")
    if archive.layout in _AWS_LAYOUTS:
        tile = _TILE_KEY.match(key)
        if tile:
            return open_product(tile_tree(open_store(archive), f"{tile[0]}/"))
        name = _name(next((part for part in key.split("/") if _name(part)), key))
        if name is None:
            raise InputError(f"{text}: neither a tile nor a product of that bucket")
        return open_product(tree_of_source(open_source(name, archive)))
    folder = _SAFE_ADDRESS.fullmatch(address)
    if address.lower().endswith(".zip"):
        raise InputError(f"{text}: a zip can be read on this machine only", "fetch it first")
    below = replace(archive, address=folder["folder"] if folder else address.rstrip("/"), layout=Layout.SAFE)
    return open_product(prefix_tree(open_store(below), ""))


def archive_of(address: str, archives: Mapping[str, Archive]) -> Archive:
    """The archive that an address lies in: one of the settings, else the bare bucket or server."""
    fitting = [
        archive
        for archive in archives.values()
        if f"{address.rstrip('/')}/".startswith(f"{archive.address.rstrip('/')}/")
    ]
    if fitting:
        return max(fitting, key=lambda archive: len(archive.address))
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0]
    return Archive(name=host, address=f"{scheme}://{host}", anonymous=scheme != "s3")


def agree_to_pay(archive: Archive, settings: Settings) -> None:
    """Raise `AccessError` where an archive bills its readers and was neither named nor allowed."""
    named = settings.archive == archive.name or (settings.archive == AWS and archive.layout in _AWS_LAYOUTS)
    if archive.requester_pays and not named and not settings.allow_requester_pays:
        raise AccessError(
            f"{archive.address} bills its readers, and that was not agreed to",
            f"name it with --archive {archive.name}, or set allow_requester_pays = true; --dry-run says what it costs",
        )


def _recorded(record: Mapping[str, object]) -> Path | None:
    """The path that a record of the local catalogue carries."""
    properties = record.get("properties")
    facts = properties if isinstance(properties, Mapping) else record
    locations = facts.get("s2kit:locations")
    local = locations.get("local") if isinstance(locations, Mapping) else None
    return Path(local) if isinstance(local, str) else None


def _name(text: str) -> AnyProductName | None:
    try:
        return parse_product_name(text)
    except InputError:
        return None
