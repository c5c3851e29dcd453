"""From a product and what is wanted of it to a picture: which images, at which resolution, on which grid, and its name.

Metadata is read, no pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError, NotFoundError, S2KitError, UsageError
from s2kit.grid import Grid, Window
from s2kit.picture.clouds import ClassImage, class_image, needed_classes
from s2kit.picture.composites import Subject
from s2kit.picture.indices import find_index
from s2kit.picture.naming import file_name
from s2kit.picture.painter import Look, Mode, PaintedBand, fixed_limits
from s2kit.picture.read import Reading
from s2kit.picture.recipes import RECIPES
from s2kit.picture.substitutes import standing_in, substitute_notes
from s2kit.picture.write import ItemFacts, Output
from s2kit.product.band_image import BandImage
from s2kit.product.bands import native_resolution
from s2kit.product.masks import window_of
from s2kit.product.name import Level, OldFormatName, ProductName, compact_time
from s2kit.product.open import Product
from s2kit.product.tile import Tile
from s2kit.render.legacy import legacy_window
from s2kit.render.picture import Picture
from s2kit.render.request import DATA_TYPES, RenderRequest
from s2kit.render.spec import PictureSpec
from s2kit.render.tags import tags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A picture of one product that can be made."""

    product: str
    """Id of the product."""
    picture: Picture
    output: Output
    """Its file, and what the file says of itself."""
    notes: tuple[str, ...] = ()
    """What was substituted."""

    @property
    def subject(self) -> str:
        """What it shows."""
        return self.picture.subject.name

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.output.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A picture, or all pictures of a product, that cannot be made."""

    product: str
    """Id of the product, or what it was called in the request."""
    subject: str
    error: S2KitError

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.product} {self.subject}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all plans of a run share."""

    request: RenderRequest
    started: datetime
    """When the run began, for names."""
    reading: Reading
    """Decoder and cache."""


def plan(product: Product, tile: Tile, spec: PictureSpec, run: Run) -> Planned:
    """Plan one picture.

    Args:
        product: An open product.
        tile: One of its tiles.
        spec: What is wanted.
        run: How.

    Raises:
        NotFoundError: The product lacks a band, or has none of them at that resolution.
        InputError: The area does not meet the product.
        UsageError: The output cannot hold what is wanted.
    """
    request = run.request
    subject = _with_substitutes(product, tile, spec.subject)
    resolution_m, remarks = _resolution(product, tile, subject)
    sources = tuple(_source(product, tile, band, resolution_m) for band in subject.bands)
    if subject.index is None and all(image.resolution_m > resolution_m for image in sources):
        raise _none_at(product, tile, subject, resolution_m)
    notes = (*remarks, *substitute_notes(subject.name, spec.subject.bands, sources, resolution_m))
    grid = _cropped(_grid_at(sources, resolution_m), sources, request, product)
    picture = Picture(
        subject=replace(_named_by(sources, subject), resolution_m=resolution_m),
        sources=sources,
        grid=_bounded(grid, request.max_px),
        look=_look(spec, request, sources),
        resampling=request.resampling,
        classes=needed_classes(product, tile, resolution_m) if request.mask else None,
        clear_by=_clear_by(product, tile),
        mask=request.mask,
        clip=_area_in(request.area, grid) if request.clip and request.area is not None else None,
        reading=run.reading,
    )
    output = Output(
        path=request.out / file_name(request.template, _fields(product, tile, picture, run)),
        form=request.form,
        quality=request.quality,
        tags=tags_of(product, picture, request, notes),
        item=_item(product) if request.stac else None,
    )
    return Planned(product=product.id, picture=picture, output=output, notes=notes)


def _item(product: Product) -> ItemFacts:
    """What a STAC item says of the product: when it was seen, by whom, and where it is."""
    return ItemFacts(
        seen=product.metadata.sensing_start, product=product.id, address=product.address, mission=product.mission
    )


def _with_substitutes(product: Product, tile: Tile, subject: Subject) -> Subject:
    """An index or recipe whose near-infrared band is not there takes the other one."""
    if subject.index is None and subject.name not in RECIPES:
        return subject
    bands = (standing_in(band, lambda one: bool(product.resolutions(one, tile))) for band in subject.bands)
    return replace(subject, bands=tuple(bands))


def _named_by(sources: Sequence[BandImage], subject: Subject) -> Subject:
    """The subject with the product's own names of its bands, where it is called by them."""
    own = tuple(image.band for image in sources)
    plain = subject.index is None and subject.name == "-".join(subject.bands)
    return replace(subject, name="-".join(own) if plain else subject.name, bands=own)


def _resolution(product: Product, tile: Tile, subject: Subject) -> tuple[int, tuple[str, ...]]:
    """The wanted resolution, else the coarsest native one among the bands, or the finest there is, with a note."""
    if subject.resolution_m is not None:
        return subject.resolution_m, ()
    native = max(native_resolution(product.own_band(band)) for band in subject.bands)
    there = max(min(product.resolutions(band, tile), default=0) for band in subject.bands)
    if there <= native:
        return native, ()
    return there, (f"{subject.name} is made at {there} m, the finest that all its bands have here",)


def _source(product: Product, tile: Tile, band: str, resolution_m: int) -> BandImage:
    """The image of a band that serves a resolution best: that very one, the next finer one, else the next coarser.

    Raises:
        NotFoundError: There is none.
    """
    there = product.resolutions(band, tile)
    finer = [res for res in there if res <= resolution_m]
    best = max(finer) if finer else min(there, default=None)
    return product.image(band, best, tile)


def _none_at(product: Product, tile: Tile, subject: Subject, resolution_m: int) -> S2KitError:
    """The error that no band of a picture has the resolution that was asked for."""
    finest = max(min(product.resolutions(band, tile)) for band in subject.bands)
    try:
        product.image(subject.bands[0], resolution_m, tile if len(product.tiles) > 1 else None)
    except NotFoundError as error:
        hint = f"take --res {finest}; beside a band of {resolution_m} m, coarser ones are resampled to it"
        return NotFoundError(error.message, hint)
    return NotFoundError(f"{product.id} lacks {subject.name} at {resolution_m} m")


def _look(spec: PictureSpec, request: RenderRequest, sources: Sequence[BandImage]) -> Look:
    """How pixels are made."""
    mode, dtype = _mode(spec.subject, request)
    bands = tuple(PaintedBand.of(image) for image in sources)
    index = find_index(spec.subject.index) if spec.subject.index else None
    look = Look(
        mode=mode,
        bands=bands,
        dtype=dtype,
        stretch=spec.stretch,
        index=index.reading([band.name for band in bands]) if index else None,
    )
    return replace(look, limits=fixed_limits(look))


def _mode(subject: Subject, request: RenderRequest) -> tuple[Mode, str]:
    """How pixels are made, and their type."""
    if subject.bands[0] in {"TCI", "PVI", "SCL"}:
        if request.dtype not in {None, "uint8"}:
            raise UsageError(f"{subject.name} holds bytes: it cannot be made as {request.dtype}", "leave --dtype out")
        return (Mode.CLASSES if subject.bands[0] == "SCL" else Mode.READY), "uint8"
    if subject.index:
        if request.dtype == "uint16":
            raise UsageError(f"{subject.name} has values below 0 and between whole numbers", "take --dtype float32")
        as_data = request.dtype == "float32" or (request.dtype is None and request.form.is_tiff)
        return (Mode.DATA, "float32") if as_data else (Mode.VALUES, "uint8")
    return (Mode.DATA, request.dtype) if request.dtype in DATA_TYPES else (Mode.COLOURS, "uint8")


def _grid_at(sources: Sequence[BandImage], resolution_m: int) -> Grid:
    """The whole tile's grid at a resolution: that of a source that has it, else one with the same corner."""
    for image in sources:
        if image.resolution_m == resolution_m:
            return image.grid
    grid = min(sources, key=lambda image: image.resolution_m).grid
    width, height = (round(size * grid.resolution_m / resolution_m) for size in (grid.width, grid.height))
    return Grid(grid.epsg, grid.west, grid.north, float(resolution_m), width, height)


def _cropped(grid: Grid, sources: Sequence[BandImage], request: RenderRequest, product: Product) -> Grid:
    """The part of the grid that is wanted, snapped to the pixels of the coarsest image in use."""
    if request.legacy_crop:
        return grid.cropped(Window(*legacy_window(grid.width, grid.height)))
    if request.area is None:
        return grid
    coarsest = max([grid, *(image.grid for image in sources)], key=lambda one: one.resolution_m)
    window = window_of(_area_in(request.area, grid), coarsest)
    part = window and grid.covering(coarsest.bounds_of(window)).intersection(grid.window)
    if not part:
        raise InputError(f"the area does not meet {product.id}", "see s2kit info for its footprint")
    return grid.cropped(part)


def _area_in(area: BaseGeometry, grid: Grid) -> BaseGeometry:
    return project(area, LON_LAT, grid.epsg)


def _bounded(grid: Grid, max_px: int | None) -> Grid:
    """The grid with larger pixels, so that its longer side is no longer than allowed."""
    longest = max(grid.width, grid.height)
    if max_px is None or longest <= max_px:
        return grid
    scale = longest / max_px
    width, height = (max(1, round(size / scale)) for size in (grid.width, grid.height))
    return Grid(grid.epsg, grid.west, grid.north, grid.resolution_m * scale, width, height)


def _clear_by(product: Product, tile: Tile) -> BandImage | ClassImage | None:
    """The coarsest image that shows clouds: percentiles need no more."""
    is_toa = product.metadata.level is Level.L1C
    band = "B01" if is_toa else "SCL"
    there = product.resolutions(band, tile)
    if there:
        return product.image(band, max(there), tile)
    return None if is_toa else class_image(product, tile)


def _fields(product: Product, tile: Tile, picture: Picture, run: Run) -> dict[str, str]:
    name, metadata, bands = product.name, product.metadata, picture.subject.bands
    own = name.sensing if isinstance(name, ProductName) else metadata.sensing_start
    return {
        "datetime": compact_time(own),
        "date": compact_time(own)[:8],
        "tile": str(tile),
        "level": str(metadata.level),
        "baseline": metadata.baseline.code,
        "discriminator": _discriminator(product),
        "satellite": metadata.satellite or (name.satellite if name else ""),
        "orbit": str(name.orbit if name else metadata.orbit or ""),
        "product": product.id,
        "composite": picture.subject.name,
        "r": bands[0],
        "g": bands[1] if len(bands) > 1 else bands[0],
        "b": bands[2] if len(bands) > 1 + 1 else bands[0],
        "res": f"{round(picture.grid.resolution_m, 1):g}",
        "now": run.started.strftime("%Y%m%d-%H%M%S"),
        "ext": run.request.form.extension,
    }


def _discriminator(product: Product) -> str:
    """The part of a name that differs between products of one datatake, tile and baseline."""
    match product.name:
        case ProductName(discriminator=text):
            return text
        case OldFormatName(created=time):
            return compact_time(time)
    return product.id
