"""Where archives keep a product: prefixes by its name, and the rule that turns SAFE paths into keys.

Two kinds of archive exist. Most hold the SAFE folder as it is, below a prefix that follows from the product's name; on
AWS the folder has been taken apart, and `layout_s2`, `layout_old` and `layout_s1` hold the rules that put it together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from s2kit.archive.layout_old_format import OldFormatRules
from s2kit.archive.layout_s1 import Sentinel1Rules, read_filename_map
from s2kit.archive.layout_s1 import product_folder as sentinel1_folder
from s2kit.archive.layout_s2 import CompactRules, product_folder, tile_folder
from s2kit.errors import InputError
from s2kit.product.baseline import Baseline
from s2kit.product.name import AnyProductName, Level, OldFormatName, ProductName, Sentinel1Name
from s2kit.store.archive import Layout

_COLLECTION_1 = Baseline(5, 0)


class KeyRules(Protocol):
    """Turns paths of a SAFE into keys of an archive."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The key of a SAFE path; several where only a listing can tell; none where the archive never had it."""
        ...


@dataclass(frozen=True, slots=True)
class FolderRules:
    """The rule of an archive that keeps the SAFE folder as it is."""

    prefix: str
    """The folder's key with its slash: `…/NAME.SAFE/`."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The one key of a SAFE path."""
        return (self.prefix + path,)


def safe_prefixes(name: AnyProductName, layout: Layout) -> tuple[str, ...]:
    """Where an archive of real SAFE folders may keep a product, likeliest first, each ending in `NAME.SAFE/`.

    Args:
        name: The product.
        layout: `SAFE` (directly below the archive's address), `GCP` or `CDSE`.
    """
    folder = f"{name}.SAFE/"
    if layout is Layout.GCP:
        return _gcp(name, folder)
    if layout is Layout.CDSE:
        return _cdse(name, folder)
    return (folder,)


def product_prefixes(name: AnyProductName) -> tuple[str, ...]:
    """Where AWS may keep the product tree of a product, likeliest first, each with its slash.

    Old-format products were filed by their stop time at first, and some prefixes carry `.SAFE`.
    """
    if isinstance(name, Sentinel1Name):
        return (sentinel1_folder(name),)
    if isinstance(name, ProductName):
        first = product_folder(name)
        return (first, f"{first[:-1]}.SAFE/")
    days = dict.fromkeys((name.sensing.date(), name.sensing_stop.date()))
    return tuple(f"products/{day.year}/{day.month}/{day.day}/{name}/" for day in days)


def aws_rules(name: AnyProductName, info: Mapping[str, object], prefix: str) -> KeyRules:
    """The rule set that a product's `productInfo.json` leads to.

    Args:
        name: The product.
        info: The parsed file.
        prefix: The product prefix that it was found under, with its slash.

    Raises:
        InputError: The file names no tile, or the same tile twice, or a place outside the tile tree.
    """
    if isinstance(name, Sentinel1Name):
        return Sentinel1Rules(name, prefix, read_filename_map(info))
    datastrips = _datastrips(info)
    tiles = _tiles(info, name)
    if isinstance(name, OldFormatName):
        return OldFormatRules(name, prefix, tiles, datastrips)
    tile = tiles.get(str(name.tile))
    if tile is None:
        raise InputError(f"productInfo.json of {name} does not name tile {name.tile}", "try --archive cdse")
    return CompactRules(name, prefix, tile, datastrips)


def compact_rules(name: ProductName, sequence: int = 0) -> CompactRules:
    """The rule set of a compact product whose tile has a given sequence number on its day: to lay a bucket out with."""
    return CompactRules(name, product_folder(name), f"{tile_folder(name)}{sequence}/")


def product_info(name: ProductName, rules: CompactRules, datastrip: str, tile_time: str) -> dict[str, object]:
    """The `productInfo.json` that the buckets' keeper writes for a compact product (last of all, once it is complete).

    Args:
        name: The product.
        rules: Where its trees are.
        datastrip: Full id of its datastrip.
        tile_time: Sensing time of the tile, ISO 8601.
    """
    place = {"id": datastrip, "path": f"{rules.product_prefix}datastrip/0"}
    tile: dict[str, object] = {
        "path": rules.tile_prefix.rstrip("/"),
        "timestamp": tile_time,
        "utmZone": name.tile.zone,
        "latitudeBand": name.tile.band,
        "gridSquare": name.tile.square,
        "datastrip": place,
    }
    return {
        "name": str(name),
        "id": str(name),
        "path": rules.product_prefix.rstrip("/"),
        "timestamp": name.sensing.isoformat(),
        "tiles": [tile],
        "datastrips": [place],
    }


def _tiles(info: Mapping[str, object], name: AnyProductName) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for tile in _objects(info.get("tiles")):
        path = str(tile.get("path", "")).strip("/")
        parts = path.split("/")
        if parts[0] != "tiles" or len(parts) < 8 or ".." in parts:  # tiles/zone/band/square/y/m/d/n
            raise InputError(f"productInfo.json of {name} names {path!r} as a tile", "try --archive cdse")
        tile_id = f"{int(parts[1]):02d}{parts[2]}{parts[3]}"
        if tile_id in found:
            raise InputError(f"productInfo.json of {name} names tile {tile_id} twice", "try --archive cdse")
        found[tile_id] = f"{path}/"
    if not found:
        raise InputError(f"productInfo.json of {name} names no tile", "try --archive cdse")
    return MappingProxyType(found)


def _datastrips(info: Mapping[str, object]) -> Mapping[str, str]:
    """Folder names of the datastrips (both formats' spellings) to the last part of their keys."""
    found: dict[str, str] = {}
    for strip in _objects(info.get("datastrips")):
        identifier, index = str(strip.get("id", "")), str(strip.get("path", "")).rstrip("/").rpartition("/")[2]
        if not index.isdigit():
            continue
        found[identifier] = index
        _, mark, tail = identifier.partition("_DS_")
        if mark:
            found["DS_" + tail.rpartition("_N")[0]] = index
    return MappingProxyType(found)


def _objects(value: object) -> Sequence[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _gcp(name: AnyProductName, folder: str) -> tuple[str, ...]:
    if not isinstance(name, ProductName):
        return ()  # the bucket has the old format under its granules only, and no Sentinel-1
    tile = name.tile
    tree = "L2/tiles" if name.level is Level.L2A else "tiles"
    return (f"{tree}/{tile.zone:02d}/{tile.band}/{tile.square}/{folder}",)


def _cdse(name: AnyProductName, folder: str) -> tuple[str, ...]:
    day = f"{name.sensing:%Y/%m/%d}"
    if isinstance(name, Sentinel1Name):
        cog = "-COG" if name.cog else ""
        kind = (
            f"{name.mode}_{name.product_type}{name.resolution_class}_{name.processing_level}{name.product_class}{cog}"
        )
        return (f"Sentinel-1/SAR/{kind}/{day}/{folder}", f"Sentinel-1/SAR/{name.product_type}/{day}/{folder}")
    plain = f"Sentinel-2/MSI/{name.level}/{day}/{folder}"
    again = f"Sentinel-2/MSI/{name.level}_N0500/{day}/{folder}"
    reprocessed = isinstance(name, ProductName) and name.baseline >= _COLLECTION_1
    return (again, plain) if reprocessed else (plain, again)
