"""A SAFE written as an EOPF product in Zarr, as ESA's processor lays it out: v2 or v3, integers or floats, sharded.

Group paths, attributes (`_eopf_attrs`, `stac_discovery`, `other_metadata`) and coordinates of pixel centres are those of
real products of ESA's processor (CPM 2.5.6 and 2.6.4).
"""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from shapely.geometry import mapping

from s2kit.image.open import open_image
from s2kit.product.bands import BANDS
from s2kit.product.open import open_product
from s2kit.product.safe_product import SafeProduct

_GROUPS = {"SCL": "conditions/mask/l2a_classification", "AOT": "quality/atmosphere", "WVP": "quality/atmosphere"}
CHUNK = 256


def as_eopf(
    safe: Path,
    folder: Path,
    *,
    zarr_format: int = 2,
    name: str | None = None,
    floats: bool = False,
    shards: bool = False,
    newer: bool = False,
    consolidated: bool = True,
    chunk: int = CHUNK,
    only: frozenset[str] = frozenset(),
) -> Path:
    """Write a product.

    Args:
        safe: A SAFE folder.
        folder: Where `NAME.zarr` is made.
        zarr_format: 2 or 3.
        name: Of the Zarr folder, without `.zarr`; None for the SAFE's name.
        floats: True stores reflectances that are scaled already.
        shards: True puts four chunks into one shard (v3).
        newer: True writes the CRS as CPM 2.6.4 does, and flat scales; False as 2.5.6.
        consolidated: False leaves the consolidated metadata out.
        chunk: Side of a chunk.
        only: Bands and layers that are written; empty for all.
    """
    product = open_product(safe)
    target = folder / f"{name or product.id}.zarr"
    epsg = product.tiles[0].epsg
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = zarr.create_group(target, zarr_format=zarr_format, attributes=_root(product, epsg, newer=newer))
        axes = set()
        for image in product.images():
            if image.band == "PVI" or (only and image.band not in only):
                continue
            group = f"{_group(image.band, product.metadata.level)}/r{image.resolution_m}m"
            with open_image(image.location) as opened:
                pixels = opened.level()
            stored = pixels if image.is_picture else pixels[0]
            scaled = image.quantification != 1.0
            attributes: dict[str, Any] = {"long_name": image.band, "units": "digital_counts"}
            if scaled:
                said = {"scale_factor": 1 / image.quantification, "add_offset": image.offset / image.quantification}
                said |= {"fill_value": 0}
                attributes |= said if newer else {"_eopf_attrs": {**said, "dtype": "<u2"}}
            if scaled and floats:
                stored = ((stored.astype(np.float64) + image.offset) / image.quantification).astype(np.float32)
                stored[pixels[0] == 0] = np.nan
            if not newer:
                attributes |= {"proj:bbox": list(image.grid.bounds), "proj:epsg": epsg}
            side = min(chunk, image.grid.width)
            chunks = (3, side, side) if image.is_picture else (side, side)
            many = tuple(2 * one if one != 3 else 3 for one in chunks) if shards else None
            array = root.create_array(
                f"{group}/{image.band.lower()}",
                shape=stored.shape,
                chunks=chunks,
                shards=many,
                dtype=stored.dtype,
                fill_value=np.nan if stored.dtype.kind == "f" else 0,
                attributes=attributes,
            )
            array[...] = stored
            if group not in axes:
                axes.add(group)
                _axes(root, group, image.grid)
        if isinstance(product, SafeProduct) and product.metadata.level == "L1C":
            _classes(root, product)
        if consolidated:
            zarr.consolidate_metadata(target, zarr_format=zarr_format)
        elif (target / ".zmetadata").exists():
            (target / ".zmetadata").unlink()
    return target


def _group(band: str, level: str) -> str:
    if band in BANDS:
        return "measurements/reflectance"
    return f"quality/{level.lower()}_quicklook" if band == "TCI" else _GROUPS[band]


def _axes(root: Any, group: str, grid: Any) -> None:
    side = grid.resolution_m
    values = {
        "x": grid.west + side * (np.arange(grid.width) + 0.5),
        "y": grid.north - side * (np.arange(grid.height) + 0.5),
    }
    for axis, numbers in values.items():
        root.create_array(f"{group}/{axis}", data=numbers)


def _classes(root: Any, product: SafeProduct) -> None:
    path = next((one for one in product.tree.paths() if "MSK_CLASSI" in one), None)
    if path is None:
        return
    with open_image(product.tree.location(path)) as opened:
        opaque, cirrus, snow = (part > 0 for part in opened.level())
    group = "conditions/mask/l1c_classification/r60m"
    bits = (opaque * 1 + cirrus * 2 + snow * 4).astype(np.uint8)
    root.create_array(f"{group}/b00", data=bits, attributes={"flag_masks": [1, 2, 4]})
    _axes(root, group, product.granules[0].metadata.grid(60))


def _root(product: Any, epsg: int, *, newer: bool) -> dict[str, Any]:
    about = product.metadata
    properties = {
        "datetime": product.sensing.isoformat().replace("+00:00", "Z"),
        "platform": f"sentinel-{about.satellite[1:].lower()}",
        "eo:cloud_cover": about.cloud_pct,
        "sat:relative_orbit": int(about.orbit),
        "sat:orbit_state": "descending",
        "product:type": f"S02MSI{about.level}",
        "processing:version": str(about.baseline),
    }
    properties |= {"proj:code": f"EPSG:{epsg}"} if newer else {}
    other = {"horizontal_CRS_code": f"EPSG:{epsg}"} if newer else {"eopf_category": "eoproduct"}
    item = {"type": "Feature", "id": f"{product.id}.SAFE", "properties": properties}
    item["geometry"] = None if about.footprint is None else json.loads(json.dumps(mapping(about.footprint)))
    return {"stac_discovery": item, "other_metadata": other}


def chunk_files(product: Path, array: str) -> list[Path]:
    """The files of the chunks of an array."""
    return [one for one in (product / array).rglob("*") if one.is_file() and one.name not in _METADATA]


_METADATA = {".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"}


def without(product: Path, array: str) -> None:
    """Remove an array."""
    shutil.rmtree(product / array)
