"""Products that may show a place: named ones, those of a folder, those that a search found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from s2kit.archive.dataset import is_product
from s2kit.archive.find import expand, reopen, whereabouts
from s2kit.area.aoi import footprint as usable_footprint
from s2kit.area.aoi import footprints
from s2kit.area.dates import DateRange, parse_time
from s2kit.area.mgrs import tile_bounds, tile_polygon
from s2kit.area.projection import LON_LAT, project_all, project_point
from s2kit.catalogue.record import ProductRecord
from s2kit.chips.grid import is_utm, square_around, utm_epsg
from s2kit.chips.record import ChipSite
from s2kit.chips.selection import Candidate, Choice, select
from s2kit.errors import InputError, S2KitError
from s2kit.product.baseline import Baseline
from s2kit.product.name import ProductName, parse_product_name, same_stage
from s2kit.product.newest import datastrip_start
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.product.stac_name import product_name_in
from s2kit.product.tile import TileId
from s2kit.run.events import ItemFailed, Note, Report, silent
from s2kit.settings import Settings

_NEAR_DEG = 8.0
"""Footprints farther than this from a place are not projected into its UTM zone."""


def candidates(
    refs: Sequence[ProductRef],
    settings: Settings,
    level: str | None = None,
    report: Report = silent,
    failures: dict[str, S2KitError] | None = None,
) -> list[Candidate]:
    """What some references stand for; a folder of products stands for all of them.

    Args:
        refs: Paths, names, addresses, search records, folders.
        settings: Where names are looked up.
        level: Keep only this level (`L1C` or `L2A`) of what a folder holds, or one of other missions that holds the
            same; products that are named one by one stay.
        report: Hears of products in a folder that cannot be read.
        failures: Gets what is wrong with those of several named products that cannot be used; None raises the first.

    Raises:
        NotFoundError: The named product is not there, or a folder holds none.
        InputError: The named product cannot be read.
    """
    found: list[Candidate] = []
    for ref in refs:
        try:
            found += _meant(ref, settings, level, report)
        except S2KitError as error:
            if failures is None or len(refs) == 1:
                raise
            failures[ref.text] = error
            report(ItemFailed(ref.text, str(error)))
    return found


def _meant(ref: ProductRef, settings: Settings, level: str | None, report: Report) -> list[Candidate]:
    """The product that is named, or those of the folder that is."""
    if "://" in ref.text or is_product(Path(ref.text)):
        return [_candidate(ref, settings)]
    found: list[Candidate] = []
    for one in expand([ref]):
        try:
            candidate = _candidate(one, settings)
        except S2KitError as error:
            report(Note(f"{Path(one.text).name} is left out: {error}", warning=True))
            continue
        if level is None or same_stage(level, candidate.level):
            found.append(candidate)
    return found


def _candidate(ref: ProductRef, settings: Settings) -> Candidate:
    if ref.record:
        return _of_record(ref, settings)
    there = whereabouts(ref, settings)
    name = _name(there.text)
    if name is not None and not _is_here(there.text):
        return _of_name(name, ref)  # remote products are opened by the workers only
    return _of_product(reopen(there, settings), there)


def _is_here(text: str) -> bool:
    return "://" not in text and Path(text).exists()


def _name(text: str) -> ProductName | None:
    try:
        name = parse_product_name(text.rstrip("/").rpartition("/")[2].removesuffix(".zip").removesuffix(".SAFE"))
    except InputError:
        return None
    return name if isinstance(name, ProductName) else None


def _of_product(product: Product, ref: ProductRef) -> Candidate:
    metadata, name = product.metadata, product.name
    outline: BaseGeometry | None = metadata.footprint
    tile = product.tiles[0] if product.tiles else None
    if outline is None:
        outline = tile_polygon(tile) if isinstance(tile, TileId) else Polygon()
    sensing = name.sensing if isinstance(name, ProductName) else metadata.sensing_start
    return Candidate(
        id=product.id,
        level=str(metadata.level),
        sensing=sensing.replace(microsecond=0),
        baseline=str(metadata.baseline),
        tile=str(tile or ""),
        generation=name.discriminator if isinstance(name, ProductName) else "",
        cloud_pct=product.cloud_pct,
        footprint=usable_footprint(outline),
        ref=ref,
    )


def _of_name(name: ProductName, ref: ProductRef) -> Candidate:
    """What a name alone tells: the footprint may be as large as the tile."""
    return Candidate(
        id=str(name),
        level=str(name.level),
        sensing=name.sensing,
        baseline=str(name.baseline),
        tile=str(name.tile),
        generation=name.discriminator,
        footprint=usable_footprint(tile_polygon(name.tile)),
        ref=ref,
    )


def _of_record(ref: ProductRef, settings: Settings) -> Candidate:
    record = ref.record
    inner = record.get("properties")
    properties: Mapping[str, Any] = {**inner, **record} if isinstance(inner, Mapping) else dict(record)
    name = _name(product_name_in(properties) or ref.text)
    try:
        outline = usable_footprint(shape(properties["geometry"]))
        start = properties.get("s2:datatake_start") or properties.get("datetime")
        sensing = name.sensing if name else parse_time(str(start))
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        if name is not None:
            return _candidate(ProductRef(ref.text), settings)
        raise InputError(f"the record of {ref.text} has no usable geometry or time") from error
    cloud = properties.get("eo:cloud_cover")
    return Candidate(
        id=str(name) if name else ref.text,
        level=str(name.level) if name else str(properties.get("processing:level") or "L2A").upper(),
        sensing=sensing.astimezone(UTC).replace(microsecond=0),
        baseline=_baseline(name, properties.get("processing:version") or properties.get("s2:processing_baseline")),
        tile=str(name.tile) if name else str(properties.get("grid:code") or "").rpartition("-")[2],
        generation=name.discriminator if name else str(properties.get("processing:datetime") or ""),
        cloud_pct=float(cloud) if isinstance(cloud, int | float) else None,
        footprint=outline,
        datastrip=datastrip_start(_text(properties.get("s2:datastrip_id"))),
        ref=whereabouts(ref, settings),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _baseline(name: ProductName | None, text: object) -> str:
    if name is not None:
        return str(name.baseline)
    try:
        return str(Baseline.parse(str(text)))
    except InputError:
        return ""


def of_records(records: Iterable[ProductRecord], settings: Settings) -> Iterator[Candidate]:
    """The candidates among what a search found."""
    for record in records:
        yield _of_record(ProductRef(record.id, record.to_stac_properties()), settings)


def wanted(
    found: Iterable[Candidate], ranges: Sequence[DateRange], level: str | None, max_cloud_pct: float | None
) -> list[Candidate]:
    """What passes the dates, the level and the cloud cover; a product of unknown cover passes."""
    return [
        one
        for one in found
        if (not ranges or any(when.overlaps(one.sensing) for when in ranges))
        and level in {None, one.level}
        and (max_cloud_pct is None or one.cloud_pct is None or one.cloud_pct <= max_cloud_pct)
    ]


def outlines_in(found: Sequence[Candidate], epsg: int) -> list[BaseGeometry]:
    """Where products have pixels, in a projected CRS: their footprints, cut to the squares of their tiles.

    The rings of metadata have few corners, and their chords in degrees reach some hundred metres beyond a tile's edge;
    a tile's edges are straight in its own UTM zone only.
    """
    outlines: list[BaseGeometry] = [Polygon()] * len(found)
    by_zone: dict[int, list[int]] = {}
    for at, one in enumerate(found):
        by_zone.setdefault(zone_of(one), []).append(at)
    for zone, members in by_zone.items():
        cut = [
            _cut_to_tile(outline, found[at].tile)
            for at, outline in zip(
                members, project_all([found[at].footprint for at in members], LON_LAT, zone), strict=True
            )
        ]
        moved = cut if zone == epsg else _moved([one.segmentize(5000.0) for one in cut], zone, epsg)
        for at, outline in zip(members, moved, strict=True):
            outlines[at] = outline
    return outlines


def _moved(outlines: Sequence[BaseGeometry], zone: int, epsg: int) -> list[BaseGeometry]:
    """Outlines of a UTM zone in another CRS; those over the antimeridian in two parts if that is where the CRS ends."""
    if is_utm(epsg):
        return project_all(outlines, zone, epsg)
    return project_all(footprints(project_all(outlines, zone, LON_LAT)), LON_LAT, epsg)


def zone_of(one: Candidate) -> int:
    """EPSG code of the UTM zone of a product's tile; that of its footprint's middle if the tile is not known."""
    try:
        return TileId.parse(one.tile).epsg
    except InputError:
        middle = one.footprint.centroid
        return utm_epsg(middle.x, middle.y)


def _cut_to_tile(outline: BaseGeometry, text: str) -> BaseGeometry:
    try:
        cut = shapely.make_valid(outline).intersection(box(*tile_bounds(TileId.parse(text))))
    except InputError:
        return outline
    return outline if cut.is_empty else cut  # a tile that is elsewhere is the name's error


def choose(found: Sequence[Candidate], place: ChipSite, side_m: float) -> list[Choice]:
    """The products that a place's series is cut from; overlaps are measured in the place's UTM zone."""
    epsg = utm_epsg(place.lon, place.lat)
    near = [one for one in found if _is_near(one.footprint, place)]
    square = box(*square_around(project_point(place.lon, place.lat, LON_LAT, epsg), place.side_m or side_m))
    outlines = outlines_in(near, epsg)
    return select([replace(one, footprint=outline) for one, outline in zip(near, outlines, strict=True)], square)


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
