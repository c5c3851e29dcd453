"""An invented scene laid out as AWS keeps it: product and tile trees in two buckets, here as folders."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from s2kit.archive.layout import compact_rules, product_info
from s2kit.archive.layout_s2 import CompactRules
from s2kit.area.projection import LON_LAT, project
from s2kit.demo.scene_product import iso
from s2kit.demo.series import Scene
from s2kit.demo.writer import new_folder, place, write_jpeg, write_text
from s2kit.errors import InputError
from s2kit.product.granule import GranuleMetadata, parse_granule_metadata
from s2kit.product.manifest import parse_manifest
from s2kit.product.metadata import parse_product_metadata
from s2kit.product.name import Level, ProductName, parse_product_name
from s2kit.run.files import ensure_folder

BUCKETS: Mapping[Level, str] = {Level.L1C: "sentinel-s2-l1c", Level.L2A: "sentinel-s2-l2a"}
"""Names of the folders below `bucket/`, which are those of AWS's buckets."""


def lay_out_bucket(scene: Scene, folder: Path) -> Path:
    """Lay a scene's products out as the buckets `sentinel-s2-l1c` and `sentinel-s2-l2a` have them.

    What AWS never had (`HTML/`, `rep_info/`) is left out, and what only AWS has (`productInfo.json`, `tileInfo.json`,
    `preview.jpg`) is made. Files are hard links to those of the scene where the disk can do that.

    Args:
        scene: The scene.
        folder: Where `bucket/` goes; one that is there is kept.

    Returns:
        The folder `bucket/`, which holds one folder a bucket.
    """
    bucket = ensure_folder(folder) / "bucket"
    if bucket.is_dir():
        return bucket
    with new_folder(bucket) as part:
        for product in scene.products:
            _lay_out(product, part)
    return bucket


def _lay_out(product: Path, buckets: Path) -> None:
    name = parse_product_name(product.name)
    if not isinstance(name, ProductName):
        raise InputError(f"{product.name} is no compact Sentinel-2 product")
    root, rules = buckets / BUCKETS[name.level], compact_rules(name)
    entries = parse_manifest((product / "manifest.safe").read_bytes()).entries
    for path in (*(entry.path for entry in entries), "manifest.safe"):
        for key in rules.keys(path)[:1]:
            place(product / path, root / key)
    granule = parse_granule_metadata((root / rules.tile_prefix / "metadata.xml").read_bytes())
    (picture,) = product.glob("GRANULE/*/QI_DATA/*_PVI.jp2")
    for prefix in (rules.tile_prefix, rules.product_prefix):
        write_jpeg(picture, root / f"{prefix}preview.jpg")
    info = product_info(name, rules, granule.datastrip_id or "", _time(granule))
    write_text(root, f"{rules.tile_prefix}tileInfo.json", _json(_tile_info(name, rules, granule, info, product)))
    if name.level is Level.L2A:
        write_text(root, f"{rules.tile_prefix}productInfo.json", _json(info))
    write_text(root, f"{rules.product_prefix}productInfo.json", _json(info))


def _tile_info(
    name: ProductName, rules: CompactRules, granule: GranuleMetadata, info: Mapping[str, Any], product: Path
) -> dict[str, Any]:
    """The `tileInfo.json` of a tile, with the keys of the real ones."""
    metadata = parse_product_metadata((product / f"MTD_MSI{name.level}.xml").read_bytes())
    grid = granule.grids[10]
    west, south, east, north = grid.bounds
    square = [[west, north], [east, north], [east, south], [west, south], [west, north]]
    if metadata.footprint is None:
        raise InputError(f"{product.name} says nothing of its footprint")
    seen = project(metadata.footprint, LON_LAT, grid.epsg)
    tile = info["tiles"][0]
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG:8.8.1:{grid.epsg}"}}
    ring = [[round(x, 3), round(y, 3)] for x, y in mapping(seen)["coordinates"][0]]
    return {
        **{key: tile[key] for key in ("path", "timestamp", "utmZone", "latitudeBand", "gridSquare", "datastrip")},
        "tileGeometry": {"type": "Polygon", "crs": crs, "coordinates": [square]},
        "tileDataGeometry": {"type": "Polygon", "crs": crs, "coordinates": [ring]},
        "tileOrigin": {"type": "Point", "crs": crs, "coordinates": [west, north]},
        "dataCoveragePercentage": round(100 * seen.area / ((east - west) * (north - south)), 2),
        "cloudyPixelPercentage": round(granule.cloud_pct or 0.0, 2),
        "productName": str(name),
        "productPath": rules.product_prefix.rstrip("/"),
    }


def _time(granule: GranuleMetadata) -> str:
    return "" if granule.sensing_time is None else iso(granule.sensing_time)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
