"""One tile of the tree that AWS has taken a product apart into, put together as a SAFE by name only."""

from contextlib import suppress

from s2kit.archive.layout_s2 import CompactRules, product_folder
from s2kit.errors import InputError, NotFoundError
from s2kit.product.manifest import parse_manifest
from s2kit.product.name import ProductName, compact_time, parse_product_name
from s2kit.product.store_tree import MANIFEST, StoreTree
from s2kit.store.base import Store
from s2kit.store.metadata import list_objects, read_json, read_proven

TILE_INFO = "tileInfo.json"
"""The file by which a tile of AWS's tree is known."""


def tile_tree(store: Store, tile_prefix: str) -> StoreTree:
    """One tile of AWS's tree, with what its product's tree has beside it; both may be incomplete.

    Only `manifest.safe` knows the true name of the granule's folder; without it, the orbit number in it is made up.

    Args:
        store: A bucket of that layout, or a folder laid out like one.
        tile_prefix: `tiles/31/T/DH/2018/1/1/0/`.

    Raises:
        NotFoundError: There is no `tileInfo.json`.
        InputError: It names no product.
    """
    name = _product_of_tile(store, tile_prefix)
    rules = CompactRules(name, product_folder(name), tile_prefix)
    listed = {**list_objects(store, rules.product_prefix), **list_objects(store, tile_prefix)}
    manifest_key = f"{rules.product_prefix}{MANIFEST}"
    kept = {}
    if manifest_key in listed:
        kept[MANIFEST] = read_proven(store, manifest_key, listed[manifest_key]).data
    granule, datastrip = _folders(name, kept.get(MANIFEST))
    found = {path: info for key, info in listed.items() if (path := rules.path(key, granule, datastrip))}
    if not found:
        raise NotFoundError(f"{store.archive.address}/{tile_prefix}: there is nothing of {name}")
    return StoreTree(store, found, f"{store.archive.address.rstrip('/')}/{tile_prefix}{name}", kept)


def _folders(name: ProductName, manifest: bytes | None) -> tuple[str, str]:
    """Names of the granule's and the datastrip's folder: from the manifest, else made up."""
    time = compact_time(name.sensing)
    folders = {"GRANULE": f"{name.level}_T{name.tile}_A000000_{time}", "DATASTRIP": f"DS_XXXX_{time}_S{time}"}
    if manifest is not None:
        with suppress(InputError):  # a damaged one is named when it is asked for what it lists
            for entry in parse_manifest(manifest).entries:
                top, *rest = entry.path.split("/")
                if top in folders and rest and entry.path.endswith((".xml", ".jp2")):
                    folders[top] = rest[0]
    return folders["GRANULE"], folders["DATASTRIP"]


def _product_of_tile(store: Store, tile_prefix: str) -> ProductName:
    where = f"{store.archive.address.rstrip('/')}/{tile_prefix}{TILE_INFO}"
    info = read_json(store, f"{tile_prefix}{TILE_INFO}")
    datastrip = info.get("datastrip")
    place = datastrip.get("path") if isinstance(datastrip, dict) else None
    said = info.get("productName")
    if said is None and isinstance(place, str):
        said = place.partition("/datastrip/")[0].rpartition("/")[2]
    name = parse_product_name(str(said))
    if not isinstance(name, ProductName):
        raise InputError(f"{where} names {name}, and only compact products can be read by their tile")
    return name
