"""Products that may show a place: named ones, those of a folder, those that a search found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from s2kit.archive.dataset import find_in_dataset
from s2kit.archive.pixel_source import SourceRef, local_item_file, open_safe, read_item
from s2kit.area.aoi import footprint as usable_footprint
from s2kit.area.dates import DateRange, parse_time
from s2kit.area.mgrs import tile_polygon
from s2kit.area.projection import LON_LAT, project_all, project_point
from s2kit.catalogue.record import ProductRecord
from s2kit.chips.grid import square_around, utm_epsg
from s2kit.chips.record import ChipSite
from s2kit.chips.selection import Candidate, Choice, select
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.product.baseline import Baseline
from s2kit.product.name import ProductName, parse_product_name
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.run.events import Note, Report, silent
from s2kit.settings import Settings

_NEAR_DEG = 8.0
"""Footprints farther than this from a place are not projected into its UTM zone."""


@dataclass(frozen=True, slots=True)
class Found:
    """A product with what the selection needs to know of it."""

    source: SourceRef
    level: str
    sensing: datetime
    baseline: str
    tile: str
    generation: str
    cloud_pct: float | None
    footprint: BaseGeometry
    """In lon/lat."""


def found_in_refs(
    refs: Sequence[ProductRef], settings: Settings, level: str | None = None, report: Report = silent
) -> list[Found]:
    """What some references stand for; a folder of products stands for all of them.

    Args:
        refs: Paths, names, addresses, search records.
        settings: Where names are looked up.
        level: Keep only this level (`L1C` or `L2A`) of what a folder holds; products that are named one by one stay.
        report: Hears of products in a folder that cannot be read.

    Raises:
        NotFoundError: A named product is not there.
        InputError: A named product cannot be read.
    """
    found: list[Found] = []
    for ref in refs:
        path = Path(ref.text)
        if "://" not in ref.text and path.is_dir() and not _is_product(path):
            found += [one for one in found_in_folder(path, settings, report) if level in {None, one.level}]
        else:
            found.append(_found(ref, settings))
    return found


def found_in_folder(folder: Path, settings: Settings, report: Report = silent) -> list[Found]:
    """All products in a folder: SAFE folders, zips, folders of GeoTIFFs with their STAC item.

    Raises:
        NotFoundError: There is none.
    """
    found: list[Found] = []
    any_product = False
    for path in sorted(folder.iterdir()):
        if not _is_product(path):
            continue
        any_product = True
        try:
            found.append(_found(ProductRef(str(path)), settings))
        except S2KitError as error:
            report(Note(f"{path.name} is left out: {error}", warning=True))
    if not any_product:
        raise NotFoundError(f"{folder} holds no product", "a dataset folder holds SAFE folders or zips")
    return found


def _is_product(path: Path) -> bool:
    name = path.name.upper()
    if path.is_dir():
        return name.endswith(".SAFE") or (path / "MTD_MSIL2A.xml").exists() or local_item_file(path) is not None
    return name.endswith((".SAFE.ZIP", ".ZIP")) and name.startswith("S2")


def _found(ref: ProductRef, settings: Settings) -> Found:
    if ref.record:
        return _of_record(ref, settings)
    local = "://" not in ref.text and Path(ref.text).exists()
    if (local and local_item_file(Path(ref.text))) or ("://" in ref.text and "cogs" in ref.text):
        return _of_item(ref.text, settings)
    if local:
        return _of_product(open_safe(SourceRef("", ref.text), settings), ref.text)
    name = _name(ref.text)
    here = find_in_dataset(Path(settings.dataset), name) if name else None
    if here is not None:
        return _of_product(open_safe(SourceRef("", str(here)), settings), str(here))
    if name is not None:
        return _of_name(name, ref)  # far products are opened by the workers only
    return _of_product(open_safe(SourceRef("", ref.text), settings), ref.text)


def _name(text: str) -> ProductName | None:
    try:
        name = parse_product_name(text.rstrip("/").rpartition("/")[2].removesuffix(".zip").removesuffix(".SAFE"))
    except InputError:
        return None
    return name if isinstance(name, ProductName) else None


def _of_item(text: str, settings: Settings) -> Found:
    _, item = read_item(text, settings)
    generation = item.product.rpartition("_")[2]
    return Found(
        SourceRef(item.product, text, is_cog=True),
        "L2A",
        item.sensing,
        item.baseline,
        item.tile,
        generation,
        item.cloud_pct,
        usable_footprint(item.footprint),
    )


def _of_product(product: Product, text: str) -> Found:
    metadata = product.metadata
    footprint: BaseGeometry | None = metadata.footprint
    tile = product.tiles[0] if product.tiles else None
    if footprint is None:
        footprint = usable_footprint(tile_polygon(tile)) if tile else Polygon()
    name = product.name
    sensing = name.sensing if isinstance(name, ProductName) else metadata.sensing_start
    return Found(
        SourceRef(str(name), text),
        str(metadata.level),
        sensing.replace(microsecond=0),
        str(metadata.baseline),
        str(tile or ""),
        name.discriminator if isinstance(name, ProductName) else "",
        metadata.cloud_pct,
        footprint,
    )


def _of_name(name: ProductName, ref: ProductRef) -> Found:
    """What a name alone tells: the footprint may be as large as the tile."""
    return Found(
        SourceRef(str(name), ref.text, record=ref.record),
        str(name.level),
        name.sensing,
        str(name.baseline),
        str(name.tile),
        name.discriminator,
        None,
        usable_footprint(tile_polygon(name.tile)),
    )


def _of_record(ref: ProductRef, settings: Settings) -> Found:
    record = ref.record
    inner = record.get("properties")
    properties: Mapping[str, Any] = {**inner, **record} if isinstance(inner, Mapping) else dict(record)
    name = _name(str(properties.get("s2:product_uri") or ref.text))
    try:
        footprint = usable_footprint(shape(properties["geometry"]))
        start = properties.get("s2:datatake_start") or properties.get("datetime")
        sensing = name.sensing if name else parse_time(str(start))
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        if name is not None:
            return _found(ProductRef(ref.text), settings)
        raise InputError(f"the record of {ref.text} has no usable geometry or time") from error
    locations = properties.get("s2kit:locations")
    cloud = properties.get("eo:cloud_cover")
    return Found(
        _source(ref.text, name, locations if isinstance(locations, Mapping) else {}, record, settings),
        str(name.level) if name else str(properties.get("processing:level") or "L2A").upper(),
        sensing.astimezone(UTC).replace(microsecond=0),
        _baseline(name, properties.get("processing:version") or properties.get("s2:processing_baseline")),
        str(name.tile) if name else str(properties.get("grid:code") or "").removeprefix("MGRS-"),
        name.discriminator if name else str(properties.get("processing:datetime") or ""),
        float(cloud) if isinstance(cloud, int | float) else None,
        footprint,
    )


def _baseline(name: ProductName | None, text: object) -> str:
    if name is not None:
        return str(name.baseline)
    try:
        return str(Baseline.parse(str(text)))
    except InputError:
        return ""


def _source(
    text: str,
    name: ProductName | None,
    locations: Mapping[str, Any],
    record: Mapping[str, object],
    settings: Settings,
) -> SourceRef:
    """Where a found product is read from: the dataset folder, then its record's address, GeoTIFFs before archives."""
    identity = str(name) if name else text
    here = find_in_dataset(Path(settings.dataset), name) if name else None
    if here is not None:
        return SourceRef(identity, str(here))
    for archive in ("local", "folder", "dataset"):
        place = locations.get(archive)
        if isinstance(place, str) and Path(place).exists():
            return SourceRef(identity, place, is_cog=local_item_file(Path(place)) is not None)
    if settings.archive in {"auto", "cogs"} and isinstance(locations.get("cogs"), str):
        return SourceRef(identity, str(locations["cogs"]), is_cog=True)
    return SourceRef(identity, text, record=record)


def found_in_records(records: Iterable[ProductRecord], settings: Settings) -> Iterator[Found]:
    """The same for what a search found."""
    for record in records:
        yield _of_record(ProductRef(record.id, record.to_stac_properties()), settings)


def wanted(
    found: Iterable[Found], ranges: Sequence[DateRange], level: str | None, max_cloud_pct: float | None
) -> list[Found]:
    """What passes the dates, the level and the cloud cover; a product of unknown cover passes."""
    return [
        one
        for one in found
        if (not ranges or any(when.overlaps(one.sensing) for when in ranges))
        and level in {None, one.level}
        and (max_cloud_pct is None or one.cloud_pct is None or one.cloud_pct <= max_cloud_pct)
    ]


def choose(found: Sequence[Found], place: ChipSite, side_m: float) -> list[Choice]:
    """The products that a place's series is cut from; overlaps are measured in the place's UTM zone."""
    epsg = utm_epsg(place.lon, place.lat)
    near = [one for one in found if _is_near(one.footprint, place)]
    outlines = project_all([one.footprint for one in near], LON_LAT, epsg) if near else []
    square = box(*square_around(project_point(place.lon, place.lat, LON_LAT, epsg), place.side_m or side_m))
    candidates = [
        Candidate(
            id=one.source.id,
            level=one.level,
            sensing=one.sensing,
            baseline=one.baseline,
            tile=one.tile,
            generation=one.generation,
            cloud_pct=one.cloud_pct,
            footprint=outline,
        )
        for one, outline in zip(near, outlines, strict=True)
    ]
    return select(candidates, square)


def _is_near(footprint: BaseGeometry, place: ChipSite) -> bool:
    if footprint.is_empty:
        return False
    for part in getattr(footprint, "geoms", [footprint]):
        west, south, east, north = part.bounds
        if south - _NEAR_DEG <= place.lat <= north + _NEAR_DEG:
            middle, half = (west + east) / 2, (east - west) / 2
            if abs((place.lon - middle + 180) % 360 - 180) <= half + _NEAR_DEG:
                return True
    return False
