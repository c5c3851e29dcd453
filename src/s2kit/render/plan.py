"""From a product and a wish to a picture: which images, at which resolution, on which grid, under which name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.grid import Grid, Window
from s2kit.picture.band_pixels import Reading
from s2kit.picture.composites import RECIPES, Subject
from s2kit.picture.indices import SUBSTITUTES
from s2kit.picture.naming import file_name
from s2kit.product.bands import BANDS, LAYERS
from s2kit.product.masks import window_of
from s2kit.product.name import Level, ProductName, TileId, compact_time
from s2kit.product.open import BandImage, Product
from s2kit.render.legacy import legacy_window
from s2kit.render.picture import Mode, Picture, fixed_limits
from s2kit.render.request import RenderRequest
from s2kit.render.spec import PictureSpec


@dataclass(frozen=True, slots=True)
class Planned:
    """A picture of one product, with its name and what should be said about it."""

    product: Product
    wish: PictureSpec
    picture: Picture
    fields: Mapping[str, str]
    """For the name template."""
    notes: tuple[str, ...] = ()


def tiles_of(product: Product) -> tuple[TileId, ...]:
    """The tiles that a product has images of.

    Raises:
        NotFoundError: It has no images at all.
    """
    tiles = tuple(sorted({entry.tile for entry in product.entries}))
    if not tiles:
        raise NotFoundError(f"{product.id} has no images here", f"s2kit download {product.id}")
    return tiles


def plan(
    product: Product, tile: TileId, wish: PictureSpec, request: RenderRequest, started: datetime, reading: Reading
) -> Planned:
    """Plan one picture.

    Args:
        product: An open product.
        tile: One of its tiles.
        wish: What is wanted.
        request: How.
        started: When the run began, for names.
        reading: Decoder and cache.

    Raises:
        NotFoundError: The product lacks a band, or has none of them at that resolution.
        InputError: The area does not meet the product.
        UsageError: The output cannot hold what is wanted.
    """
    subject, notes = _with_substitutes(product, tile, wish.subject)
    resolution_m, remarks = _resolution(product, tile, subject)
    sources = tuple(_source(product, tile, band, resolution_m) for band in subject.bands)
    if all(image.resolution_m > resolution_m for image in sources):
        raise _none_at(product, tile, subject, resolution_m)
    mode, dtype = _mode(wish, request)
    subject = replace(subject, resolution_m=resolution_m)
    grid = _cropped(_grid_at(sources, resolution_m), sources, request, product)
    picture = Picture(
        subject=subject,
        sources=sources,
        grid=_bounded(grid, request.max_px),
        mode=mode,
        dtype=dtype,
        stretch=wish.stretch,
        resampling=request.resampling,
        classes=_classes(product, tile, resolution_m) if request.masked else None,
        clear_by=_clear_by(product, tile),
        masked=request.masked,
        clip=_area_in(request.area, grid) if request.clip else None,
        reading=reading,
    )
    picture = replace(picture, limits=fixed_limits(picture))
    return Planned(product, wish, picture, _fields(product, tile, picture, request, started), notes + remarks)


def name_of(planned: Planned, template: str) -> str:
    """The file name of a planned picture, relative to the output folder."""
    return file_name(template, planned.fields)


def _with_substitutes(product: Product, tile: TileId, subject: Subject) -> tuple[Subject, tuple[str, ...]]:
    """An index or recipe whose near-infrared band is not there takes the other one, and says so."""
    if subject.index is None and subject.name not in RECIPES:
        return subject, ()
    bands, notes = [], []
    for band in subject.bands:
        other = SUBSTITUTES.get(band)
        if other and not _resolutions(product, tile, band) and _resolutions(product, tile, other):
            notes.append(f"{product.id} has no {band}: {subject.name} is made with {other}")
            bands.append(other)
        else:
            bands.append(band)
    return replace(subject, bands=tuple(bands)), tuple(notes)


def _resolution(product: Product, tile: TileId, subject: Subject) -> tuple[int, tuple[str, ...]]:
    """The wanted resolution, else the coarsest native one among the bands, or the finest there is, with a remark."""
    if subject.resolution_m is not None:
        return subject.resolution_m, ()
    native = max((BANDS.get(band) or LAYERS[band]).resolution_m for band in subject.bands)
    there = max(min(_resolutions(product, tile, band), default=0) for band in subject.bands)
    if there <= native:
        return native, ()
    return there, (f"{product.id}: {subject.name} is made at {there} m, the finest that all its bands have here",)


def _resolutions(product: Product, tile: TileId, band: str) -> list[int]:
    return sorted(entry.resolution_m for entry in product.entries if entry.band == band and entry.tile == tile)


def _source(product: Product, tile: TileId, band: str, resolution_m: int) -> BandImage:
    """The image of a band that serves a resolution best: that very one, the next finer one, else the next coarser."""
    there = _resolutions(product, tile, band)
    finer = [res for res in there if res <= resolution_m]
    best = max(finer) if finer else min(there, default=None)
    return product.image(band, best, tile)


def _none_at(product: Product, tile: TileId, subject: Subject, resolution_m: int) -> Exception:
    """The error that no band of a picture has the resolution that was asked for."""
    try:
        product.image(subject.bands[0], resolution_m, tile)
    except NotFoundError as error:
        return error
    raise AssertionError("the image is there after all")


def _mode(wish: PictureSpec, request: RenderRequest) -> tuple[Mode, str]:
    """How pixels are made, and their type."""
    subject = wish.subject
    if subject.bands[0] in {"TCI", "PVI"} or subject.bands[0] == "SCL":
        if request.dtype not in {None, "uint8"}:
            raise UsageError(f"{subject.name} holds bytes: it cannot be made as {request.dtype}", "leave --dtype out")
        return (Mode.CLASSES if subject.bands[0] == "SCL" else Mode.READY), "uint8"
    if subject.index:
        if request.dtype == "uint16":
            raise UsageError(f"{subject.index} has values below 0 and between whole numbers", "take --dtype float32")
        as_data = request.dtype == "float32" or (request.dtype is None and request.form.is_tiff)
        return (Mode.DATA, "float32") if as_data else (Mode.VALUES, "uint8")
    return (Mode.DATA, request.dtype) if request.dtype in {"uint16", "float32"} else (Mode.COLOURS, "uint8")


def _grid_at(sources: Iterable[BandImage], resolution_m: int) -> Grid:
    """The whole tile's grid at a resolution: that of a source that has it, else one with the same corner."""
    images = list(sources)
    for image in images:
        if image.resolution_m == resolution_m:
            return image.grid
    grid = min(images, key=lambda image: image.resolution_m).grid
    width, height = (round(size * grid.resolution_m / resolution_m) for size in (grid.width, grid.height))
    return Grid(grid.epsg, grid.west, grid.north, float(resolution_m), width, height)


def _cropped(grid: Grid, sources: Iterable[BandImage], request: RenderRequest, product: Product) -> Grid:
    """The part of the grid that is wanted, snapped to the pixels of the coarsest image in use."""
    if request.legacy_crop:
        return grid.cropped(Window(*legacy_window(grid.width, grid.height)))
    if request.area is None:
        return grid
    coarsest = max([grid, *(image.grid for image in sources)], key=lambda one: one.resolution_m)
    window = window_of(_area_in(request.area, grid), coarsest)
    if window is None:
        raise InputError(f"the area does not meet {product.id}", "see s2kit info for its footprint")
    part = grid.covering(coarsest.bounds_of(window)).intersection(grid.window)
    assert part is not None, "both grids cover the same tile"
    return grid.cropped(part)


def _area_in(area: BaseGeometry | None, grid: Grid) -> BaseGeometry:
    assert area is not None, "asked for only where there is one"
    return project(area, LON_LAT, grid.epsg)


def _bounded(grid: Grid, max_px: int | None) -> Grid:
    """The grid with larger pixels, so that its longer side is no longer than allowed."""
    longest = max(grid.width, grid.height)
    if max_px is None or longest <= max_px:
        return grid
    scale = longest / max_px
    width, height = (max(1, round(size / scale)) for size in (grid.width, grid.height))
    return Grid(grid.epsg, grid.west, grid.north, grid.resolution_m * scale, width, height)


def _classes(product: Product, tile: TileId, resolution_m: int) -> BandImage:
    """The scene classification for masking.

    Raises:
        NotFoundError: There is none: L1C, or the file is absent.
    """
    return _source(product, tile, "SCL", resolution_m)


def _clear_by(product: Product, tile: TileId) -> BandImage | None:
    """The coarsest image that tells clouds: percentiles need no more."""
    band = "SCL" if product.metadata.level is Level.L2A else "B01"
    there = _resolutions(product, tile, band)
    return product.image(band, max(there), tile) if there else None


def _fields(
    product: Product, tile: TileId, picture: Picture, request: RenderRequest, started: datetime
) -> dict[str, str]:
    name, metadata, bands = product.name, product.metadata, picture.subject.bands
    own = name.sensing if isinstance(name, ProductName) else metadata.sensing_start
    return {
        "datetime": compact_time(own),
        "date": compact_time(own)[:8],
        "tile": str(tile),
        "level": str(metadata.level),
        "baseline": metadata.baseline.code,
        "satellite": metadata.satellite or (name.satellite if name else ""),
        "orbit": str(name.orbit if name else metadata.orbit or ""),
        "product": product.id,
        "composite": picture.subject.name,
        "r": bands[0],
        "g": bands[1] if len(bands) > 1 else bands[0],
        "b": bands[2] if len(bands) > 1 + 1 else bands[0],
        "res": f"{round(picture.grid.resolution_m, 1):g}",
        "now": started.strftime("%Y%m%d-%H%M%S"),
        "ext": request.form.extension,
    }


def derivations(picture: Picture) -> Iterator[str]:
    """How each source gets onto the picture's grid: `B11 20 m -> 10 m (bilinear)`."""
    for image in picture.sources:
        target = picture.grid.resolution_m
        if image.resolution_m == target:
            yield f"{image.band} {image.resolution_m} m as it is"
        else:
            auto = "bilinear" if target < image.resolution_m else "average"
            how = "nearest" if image.band == "SCL" else auto if picture.resampling == "auto" else picture.resampling
            yield f"{image.band} {image.resolution_m} m -> {round(target, 2):g} m ({how})"
