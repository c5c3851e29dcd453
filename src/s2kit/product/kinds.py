"""The kinds of products besides the SAFE: the one place where a new kind is registered.

A kind of product is one class and one line here: in `_item_products` if it is GeoTIFFs beside a STAC item, else in
`KINDS`. Its class is loaded when such a product is there.
Whoever walks folders, opens paths and addresses, or lists what lies on this machine goes through these tables.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2kit.errors import InputError
from s2kit.product.item_document import item_file, json_address, json_at, parse_item
from s2kit.product.opening import HERE, Opening
from s2kit.product.ref import is_item_address
from s2kit.product.safe_tree import MAX_READ
from s2kit.run.read_file import read_file
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import ImageLocation, LocalFile
from s2kit.store.open import open_store

if TYPE_CHECKING:
    from s2kit.product.base import Product
    from s2kit.product.item import ItemProduct, Located

_ZARR = ".zarr"
_ZARR_ADDRESS = re.compile(r"(?P<folder>\w+://.+?\.zarr)(?:/.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProductKind:
    """One way in which products are laid out."""

    name: str
    files: Callable[[Path], tuple[Path, ...]]
    """Its metadata files at a path of this machine, which change when the product does; none if it is another kind."""
    open_here: "Callable[[Path, Opening], Product]"
    """The product at a path of this machine."""
    address: Callable[[str, Layout], str | None]
    """The address of what is opened, from an address in an archive of some layout; None if it is of another kind."""
    open_there: "Callable[[str, Archive, Opening], Product]"
    """The product at such an address in an archive."""
    may_be: Callable[[str, Collection[str]], bool]
    """True if a folder of that name with files of these names may be of the kind; nothing is read for it."""
    suffix: str = ""
    """How the names of its folders end; empty if they may end in anything."""
    is_fixed: bool = True
    """True if the path alone decides what is opened, so that workers may remember it."""


def _item_products() -> "tuple[type[ItemProduct], ...]":
    """Products beside a STAC item; the first whose `reads` is True of an item opens it."""
    from s2kit.product.cog_product import CogProduct
    from s2kit.product.landsat_product import LandsatProduct

    return CogProduct, LandsatProduct


def kind_at(path: Path) -> ProductKind | None:
    """The kind of the product at a path of this machine; None if there is none, or a SAFE."""
    return next((kind for kind in KINDS if kind.files(path)), None)


def kind_named(name: str) -> ProductKind | None:
    """The kind of a folder by its name or address alone; None if that does not tell."""
    low = name.rstrip("/").lower()
    for kind in KINDS:
        if kind.suffix and low.endswith(kind.suffix):
            return kind
    return None


def open_item(document: object, address: str, location: "Located", opening: Opening) -> "Product":
    """The product of a STAC item.

    Raises:
        InputError: No kind of product is such an item.
    """
    for kind in _item_products():
        if kind.reads(document):
            known: Mapping[str, Any] = document  # type: ignore[assignment]
            return kind.of(known, address, location, opening.rule)
    raise InputError(f"{address} is no STAC item of GeoTIFFs that s2kit reads")


def open_local_item(path: Path, opening: Opening = HERE) -> "Product":
    """A product from the file of its item on this machine; its GeoTIFFs lie beside it, or where it says.

    Raises:
        InputError: It is no item of GeoTIFFs.
        DiskError: It cannot be read.
    """
    there = opening.object_at

    def location(href: str) -> ImageLocation:
        beside = path.parent / href.partition("?")[0].rpartition("/")[2]
        if beside.exists() or "://" not in href or there is None:
            return LocalFile(beside)
        return there(href)

    return open_item(parse_item(read_file(path, MAX_READ), str(path)), str(path.parent), location, opening)


def _item_files(path: Path) -> tuple[Path, ...]:
    file = item_file(path)
    document = json_at(file)
    return (file,) if document is not None and any(kind.reads(document) for kind in _item_products()) else ()


def _item_here(path: Path, opening: Opening) -> "Product":
    return open_local_item(item_file(path), opening)


def _item_address(address: str, layout: Layout) -> str | None:
    """The address of a STAC item; in archives of COGs its folder may have been named."""
    if is_item_address(address):
        return address
    return json_address(address) if address.endswith(".json") or layout is Layout.COGS else None


def _item_there(address: str, archive: Archive, opening: Opening) -> "Product":
    """The GeoTIFFs of a STAC item at an address; relative addresses in it are beside it."""
    del archive
    there = opening.object_at
    assert there is not None, "an address is opened with what finds its object"
    target = there(address)
    document = parse_item(open_store(target.archive).read(target.key), address)
    base = address.rpartition("/")[0]

    def location(href: str) -> ImageLocation:
        return there(href if "://" in href else f"{base}/{href.removeprefix('./')}")

    return open_item(document, address if is_item_address(address) else base, location, opening)


def _zarr_files(path: Path) -> tuple[Path, ...]:
    if not _may_be_zarr(path.name, ()):
        return ()
    from s2kit.product.eopf_product import eopf_files

    return eopf_files(path)


def _zarr_here(path: Path, opening: Opening) -> "Product":
    del opening
    from s2kit.product.eopf_product import open_eopf

    return open_eopf(Archive(name="folder", address=str(path.absolute())))


def _zarr_address(address: str, layout: Layout) -> str | None:
    del layout
    group = _ZARR_ADDRESS.fullmatch(address)
    return None if group is None else group["folder"]


def _zarr_there(address: str, archive: Archive, opening: Opening) -> "Product":
    del opening
    from s2kit.product.eopf_product import open_eopf

    return open_eopf(replace(archive, address=address))


def _may_be_zarr(name: str, files: Collection[str]) -> bool:
    del files
    return name.lower().endswith(_ZARR)


def _may_be_item(name: str, files: Collection[str]) -> bool:
    return f"{name}.json" in files


KINDS: tuple[ProductKind, ...] = (
    ProductKind("zarr", _zarr_files, _zarr_here, _zarr_address, _zarr_there, _may_be_zarr, suffix=_ZARR),
    ProductKind("item", _item_files, _item_here, _item_address, _item_there, _may_be_item, is_fixed=False),
)
"""All kinds besides the SAFE, in the order in which they are preferred."""
