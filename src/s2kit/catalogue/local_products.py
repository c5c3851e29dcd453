"""What a product on disk says of itself, as a search record: SAFE folder, zip, or tile of the AWS layout."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import footprint
from s2kit.area.dates import parse_time
from s2kit.area.mgrs import tile_polygon, utm_to_lonlat
from s2kit.catalogue.record import ProductRecord, named_record
from s2kit.errors import InputError, S2KitError
from s2kit.product.base import Product
from s2kit.product.baseline import UNKNOWN
from s2kit.product.granule import parse_granule_metadata
from s2kit.product.kinds import kind_at
from s2kit.product.metadata import parse_product_metadata
from s2kit.product.mission import SENTINEL2
from s2kit.product.open import open_product
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_tree import MAX_READ, safe_name
from s2kit.product.tile import TileId
from s2kit.product.xmltree import ends_whole
from s2kit.run.read_file import read_file

_log = logging.getLogger(__name__)

_DATASTRIP = re.compile(r"DATASTRIP/([^/]+)/")
GRANULE_METADATA = "metadata.xml"
"""The granule's metadata beside `tileInfo.json` in the AWS layout."""

_S2_METADATA = re.compile(r"MTD_MSIL(?:1C|2A)\.xml|S2[A-D]_(?:OPER|USER)_MTD_\w+\.xml")


def read_product(path: Path, catalogue: str) -> ProductRecord:
    """The record of one product.

    Args:
        path: A SAFE folder, a zip, a folder of COGs, or the `tileInfo.json` of a tile.
        catalogue: Name that the record carries.

    Raises:
        S2KitError: It cannot be read, or neither its name nor its metadata tells what it is.
    """
    if path.name == "tileInfo.json":
        return _from_tile(path, catalogue)
    if kind_at(path) is not None:
        return _from_product(open_product(path), path, catalogue)
    name = safe_name(path.name)
    size = path.stat().st_size if path.is_file() else None
    facts: dict[str, Any] = {
        "catalogue": catalogue,
        "item": str(path),
        "locations": {"local": str(path)},
        "nbytes": size,
    }
    xml = _metadata(path, _S2_METADATA)
    if xml is not None and not ends_whole(xml):
        _log.warning("%s: its metadata file is empty or cut: taken as if it were not there", path)
    elif xml is not None:
        return _from_metadata(name, xml, {**facts, "datastrip": _datastrip(path)})
    manifest = _metadata(path, re.compile(r"manifest\.safe"))
    outline = _sentinel1_outline(manifest) if manifest is not None else None
    record = named_record(name, **facts, geometry=outline)
    if record.geometry is None and record.tile is not None:
        return named_record(name, **facts, geometry=footprint(tile_polygon(TileId.parse(record.tile))))
    return record


def _from_metadata(name: str, xml: bytes, facts: Mapping[str, Any]) -> ProductRecord:
    metadata = parse_product_metadata(xml)
    return named_record(
        str(metadata.name) if metadata.name is not None else name,
        metadata.sensing_start,
        level=str(metadata.level),
        platform=metadata.satellite,
        baseline=str(metadata.baseline),
        orbit=int(metadata.orbit) if metadata.orbit is not None else None,
        cloud_cover=metadata.cloud_pct,
        geometry=metadata.footprint,
        product_type=f"S2MSI{metadata.level.removeprefix('L')}",
        **facts,
    )


def _from_product(product: Product, path: Path, catalogue: str) -> ProductRecord:
    """The record of a product of any kind, as it describes itself."""
    about, tile = product.metadata, next(iter(product.tiles), None)
    return named_record(
        product.id,
        product.sensing,
        level=str(about.level),
        tile=str(tile) if tile is not None else None,
        platform=about.satellite,
        baseline=str(about.baseline) if about.baseline != UNKNOWN else None,
        orbit=int(about.orbit) if about.orbit is not None else None,
        cloud_cover=about.cloud_pct,
        geometry=about.footprint or (footprint(tile_polygon(tile)) if isinstance(tile, TileId) else None),
        product_type=f"S2MSI{about.level.removeprefix('L')}" if product.mission is SENTINEL2 else None,
        mission="s2" if product.mission is SENTINEL2 else product.mission.name.lower(),
        catalogue=catalogue,
        item=str(path),
        locations={"local": str(path)},
    )


def _datastrip(path: Path) -> str | None:
    """Name of the only folder below DATASTRIP, which is or ends as the datastrip's identifier; None if not one."""
    if path.is_dir():
        names = {folder.name for folder in path.glob("DATASTRIP/*") if folder.is_dir()}
    else:
        names = {found[1] for member in open_tree(path).paths() if (found := _DATASTRIP.match(member))}
    return names.pop() if len(names) == 1 else None


def _metadata(path: Path, wanted: re.Pattern[str]) -> bytes | None:
    if path.is_dir():
        file = next((file for file in sorted(path.iterdir()) if wanted.fullmatch(file.name)), None)
        return _bytes(file) if file is not None else None
    tree = open_tree(path)
    member = next((member for member in tree.paths() if wanted.fullmatch(member)), None)
    return tree.read(member) if member is not None else None


def _bytes(file: Path) -> bytes:
    try:
        return read_file(file, MAX_READ)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error


def _from_tile(path: Path, catalogue: str) -> ProductRecord:
    """The record of a tile of the AWS layout; `tileInfo.json` tells all but the orbit and, of L2A, the clouds."""
    try:
        info = json.loads(_bytes(path))
        tile = TileId(int(info["utmZone"]), str(info["latitudeBand"]), str(info["gridSquare"]))
        seen: datetime = parse_time(str(info["timestamp"]))
        return named_record(
            str(info.get("productName") or path.parent),
            seen,
            tile=str(tile),
            cloud_cover=_cloud_cover(path.parent, info),
            datastrip=info["datastrip"].get("id") if isinstance(info.get("datastrip"), dict) else None,
            geometry=_data_outline(info, tile),
            catalogue=catalogue,
            item=str(path.parent),
            locations={"local": str(path.parent)},
        )
    except S2KitError:
        raise
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no tileInfo.json of the AWS layout: {error!r}") from error


def _cloud_cover(folder: Path, info: Mapping[str, Any]) -> float | None:
    """Percent of cloud: from the granule's metadata, else from `tileInfo.json`, which says 0.0 for every L2A tile."""
    xml = folder / GRANULE_METADATA
    if xml.is_file():
        try:
            return parse_granule_metadata(_bytes(xml)).cloud_pct
        except InputError:
            pass
    stated = info.get("cloudyPixelPercentage")
    is_l1c = "_MSIL1C_" in str(info.get("productName")) or "_L1C_" in str(info.get("datastrip"))
    return float(stated) if isinstance(stated, int | float) and (is_l1c or stated > 0) else None


def _data_outline(info: Mapping[str, Any], tile: TileId) -> BaseGeometry:
    """Outline of the pixels with data, which stands in the tile's own CRS."""
    for key in ("tileDataGeometry", "tileGeometry"):
        try:
            drawn = shape(info[key])
        except (KeyError, ValueError, TypeError, AttributeError, shapely.errors.ShapelyError):
            continue
        outline = shapely.transform(
            drawn, lambda xy: np.array([utm_to_lonlat(tile.epsg, x, y) for x, y in xy.tolist()])
        )
        if not (usable := footprint(outline)).is_empty:
            return usable
    return footprint(tile_polygon(tile))


def _sentinel1_outline(manifest: bytes) -> BaseGeometry | None:
    """The footprint in a Sentinel-1 manifest: `lat,lon` pairs of a ring."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(manifest)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "coordinates" and element.text:
            try:
                pairs = [tuple(float(number) for number in pair.split(",")) for pair in element.text.split()]
                return footprint(Polygon([(lon, lat) for lat, lon in pairs]))
            except ValueError:
                return None
    return None
