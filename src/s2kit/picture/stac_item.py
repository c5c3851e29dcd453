"""STAC 1.1 items of what s2kit makes, by pystac: where it is, when it was seen, what its numbers mean, what it is of.

Extensions: projection 2.0, raster 2.0 (scale and offset of bands), file 2.1 (size and checksum), processing 1.2.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import box, mapping

from s2kit.area.aoi import clean, lon_lat_box
from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import BANDS, SHARED_BANDS
from s2kit.product.mission import SENTINEL2, Mission
from s2kit.run.files import write_atomic
from s2kit.version import __version__

EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
)
_COMMON_NAMES = {
    "B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge071", "B06": "rededge075",
    "B07": "rededge078", "B08": "nir", "B8A": "nir08", "B09": "nir09", "B10": "cirrus", "B11": "swir16",
    "B12": "swir22",
}  # fmt: skip
"""Names of the extension `eo`, version 2.0."""
_MULTIHASH_SHA256 = "1220"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StacBand:
    """One band of an asset."""

    name: str
    title: str
    dtype: str
    nodata: float | None
    """None if every number means something."""
    scale: float = 1.0
    offset: float = 0.0
    """What to add after the scale is applied."""


@dataclass(frozen=True, slots=True)
class StacAsset:
    """One output."""

    key: str
    path: Path
    """A file, or the folder of a Zarr."""
    media_type: str
    roles: tuple[str, ...]
    bands: tuple[StacBand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StacFacts:
    """What an item says besides its assets."""

    id: str
    grid: Grid
    start: datetime
    """First moment, UTC."""
    end: datetime
    """Last moment, UTC; the same for one pass."""
    title: str = ""
    missions: tuple[Mission, ...] = (SENTINEL2,)
    """Whose data it is made of."""
    sources: Sequence[tuple[str, str]] = ()
    """Name and address of each product that it was made of."""


def stac_item(facts: StacFacts, assets: Sequence[StacAsset], place: Path) -> dict[str, Any]:
    """A STAC item as plain values; files are read for their checksums.

    Args:
        facts: Place, time, sources.
        assets: The outputs.
        place: Where the item will be: addresses of assets are relative to it.
    """
    from pystac import Asset, Item, Link

    grid = facts.grid
    edge = max(grid.width, grid.height) * grid.resolution_m / 20
    outline = project(shapely.segmentize(box(*grid.bounds), edge), grid.epsg, LON_LAT)
    geometry = clean(outline, facts.id).geometry
    is_moment = facts.start == facts.end
    item = Item(
        id=facts.id,
        geometry=mapping(geometry),
        bbox=lon_lat_box(geometry),
        datetime=facts.start if is_moment else None,
        start_datetime=None if is_moment else facts.start,
        end_datetime=None if is_moment else facts.end,
        properties={
            **_flown(facts.missions),
            "gsd": grid.resolution_m,
            "proj:code": f"EPSG:{grid.epsg}",
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.geotransform),
            "processing:software": {"s2kit": __version__},
            **({"title": facts.title} if facts.title else {}),
        },
        stac_extensions=list(EXTENSIONS),
    )
    for asset in assets:
        item.add_asset(
            asset.key,
            Asset(
                href=asset.path.absolute().relative_to(place.absolute().parent).as_posix(),
                media_type=asset.media_type,
                roles=list(asset.roles),
                extra_fields=_bands(asset.bands) | _file(asset.path),
            ),
        )
    for name, address in facts.sources:
        item.add_link(Link("derived_from", address or name, title=name))
    document: dict[str, Any] = item.to_dict(include_self_link=False)
    return document


def _flown(missions: Sequence[Mission]) -> dict[str, Any]:
    """The constellation, if it is one, and the instruments."""
    one = {"constellation": missions[0].constellation} if len(missions) == 1 else {}
    instruments = [name for mission in missions for name in mission.instruments]
    return one | ({"instruments": instruments} if instruments else {})


def write_stac(facts: StacFacts, assets: Sequence[StacAsset], place: Path) -> Path:
    """Write an item; one of that name is replaced.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps(stac_item(facts, assets, place), indent=2, ensure_ascii=False, allow_nan=False)
    return write_atomic(place, f"{text}\n".encode(), overwrite=True)


def _bands(bands: Sequence[StacBand]) -> dict[str, Any]:
    found = []
    for band in bands:
        entry: dict[str, Any] = {"name": band.name, "description": band.title, "data_type": band.dtype}
        if band.nodata is not None:
            entry["nodata"] = "nan" if band.nodata != band.nodata else band.nodata
        if band.scale != 1:
            entry |= {"raster:scale": band.scale, "raster:offset": band.offset}
        if band.name in BANDS:
            entry["eo:common_name"] = _COMMON_NAMES[band.name]
            entry["eo:center_wavelength"] = round(BANDS[band.name].centre_nm.s2a / 1000, 4)
        elif band.name in SHARED_BANDS and band.name not in {"qa_pixel"}:
            entry["eo:common_name"] = band.name
        found.append(entry)
    return {"bands": found} if found else {}


def _file(path: Path) -> dict[str, Any]:
    """Size and checksum of a file; nothing of a folder, which has none."""
    if not path.is_file():
        return {}
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_CHUNK):
                digest.update(part)
    except OSError as error:
        raise InputError(f"{path}: {error}") from error
    return {"file:size": path.stat().st_size, "file:checksum": f"{_MULTIHASH_SHA256}{digest.hexdigest()}"}
