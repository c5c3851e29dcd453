"""From a request to a plan: products are found and opened, grid and slices are chosen; only metadata is read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import shapely

from s2kit.archive.find import locate
from s2kit.area.mgrs import tile_bounds
from s2kit.area.projection import LON_LAT, project_point
from s2kit.chips.candidates import outlines_in
from s2kit.chips.grid import is_utm
from s2kit.chips.places import products as find_products
from s2kit.chips.selection import Candidate
from s2kit.cube.formats import CubeOutput
from s2kit.cube.grids import around, bounds_in, bounds_of, cube_grid, extent, refuse_degrees, zone_of
from s2kit.cube.layers import bands_read, with_substitutes
from s2kit.cube.plan import CubePlan, CubeRecipe, CubeSource, NoDateError, Slice
from s2kit.cube.request import CubeRequest
from s2kit.cube.slices import Seen, days, needs_angles
from s2kit.cube.survey import without_cloudy
from s2kit.errors import InputError
from s2kit.grid import Bounds, Grid
from s2kit.picture.clouds import class_source
from s2kit.picture.indices import SUBSTITUTES
from s2kit.picture.read import Reading
from s2kit.picture.substitutes import grouped, substitute_notes
from s2kit.product.bands import LAYERS, native_resolution
from s2kit.product.base import Product
from s2kit.product.name import same_stage
from s2kit.product.tile import TileId, parse_tile
from s2kit.run.events import Note, Report, silent
from s2kit.run.threads import Pool
from s2kit.run.wording import counted
from s2kit.settings import Settings

_OPENED_TOGETHER = 8


def plan_cube(request: CubeRequest, report: Report = silent) -> CubePlan:
    """Find the products of a request and plan its cube.

    Raises:
        NotFoundError: A named product is not there.
        InputError: No product shows the area in that time, or products that cannot be in one cube.
        UsageError: A resolution that does not suit the CRS.
        S2KitError: As the catalogue or the archive says.
    """
    settings = request.settings
    found = _found(request, report)
    _refuse_levels(found)
    opened = _open_all(found, settings, request.boa_offset)
    epsg = request.epsg or _zone(request, found, opened)
    grid = _grid(request, epsg, tuple(opened.values()))
    slices = _slices(request, found, opened, grid)
    _refuse_offsets(request, slices)
    recipe = CubeRecipe(
        layers=request.layers,
        digital=request.digital,
        resampling=request.resampling,
        mask=request.mask,
        composite=request.composite,
        reading=Reading(settings.openjpeg, settings.kept_in),
    )
    plan = CubePlan(grid=grid, slices=slices, recipe=recipe, period=request.period)
    for note in _remarks(plan):
        report(note)
    return plan


def ready_plan(request: CubeRequest, report: Report = silent) -> CubePlan:
    """`plan_cube` without the dates that `--min-clear` leaves out; for these, the scene classes are read.

    Raises:
        InputError: No date is left.
        S2KitError: As `plan_cube`.
    """
    plan = plan_cube(request, report)
    if request.min_clear_pct is None:
        return plan
    return without_cloudy(plan, request.min_clear_pct, request.settings.jobs, report)


def new_plan(request: CubeRequest, output: CubeOutput, report: Report = silent) -> CubePlan | None:
    """`ready_plan`; None if there is no date for a cube that is there and is to be appended to: that is nothing new.

    Raises:
        S2KitError: As `ready_plan`.
    """
    try:
        return ready_plan(request, report)
    except NoDateError as error:
        if not (output.append and output.path.exists()):
            raise
        report(Note(f"nothing new for {output.path}: {error.message}"))
        return None


def _found(request: CubeRequest, report: Report) -> tuple[Candidate, ...]:
    area = request.area
    boxes = [part.bounds for part in getattr(area, "geoms", [area])] if area is not None else []
    found = find_products(request.which, request.products, boxes, request.loaded, report)
    if request.tiles:
        found = tuple(one for one in found if one.tile in request.tiles)
    shown = tuple(one for one in found if area is None or one.footprint.intersects(area))
    if not shown:
        raise _none_shown(len(found))
    return shown


def _none_shown(found: int) -> NoDateError:
    what = f"none of {counted(found, 'product')} shows the area" if found else "no product is found"
    hint = "look with s2kit search, or s2kit info PRODUCT for a product's footprint"
    return NoDateError(f"{what} in that time", hint)


def _refuse_levels(found: Sequence[Candidate]) -> None:
    levels = sorted({one.level for one in found})
    if not all(same_stage(level, levels[0]) for level in levels):
        first = {level: next(one.id for one in found if one.level == level) for level in levels}
        raise InputError(
            f"products of two levels: {', '.join(f'{name} is {level}' for level, name in first.items())}",
            "a cube has one: add --level l2a or --level l1c",
        )


def _zone(request: CubeRequest, found: Sequence[Candidate], opened: Mapping[str, Product]) -> int:
    """The zone of the tiles that are named, or that the named products are of, if that is one; else of the area.

    Products that are not cut into tiles of zones (Landsat) keep their own CRS if they all have the same.
    """
    zones = {TileId.parse(tile).epsg for tile in request.tiles}
    if not zones and (request.area is None or not any(_is_in_zone(one) for one in found)):
        zones = {zone for one in found if (zone := _own_zone(one, opened[one.id]))}
    if len(zones) == 1:
        return zones.pop()
    area = request.area
    return zone_of(shapely.union_all([one.footprint for one in found]) if area is None else area)


def _is_in_zone(one: Candidate) -> bool:
    """True if the tile of a product, or none, is all that tells its zone."""
    return not one.tile or isinstance(parse_tile(one.tile), TileId)


def _own_zone(one: Candidate, product: Product) -> int | None:
    """EPSG code of a product's pixels; None if it is not known."""
    if _is_in_zone(one):
        return TileId.parse(one.tile).epsg if one.tile else None
    return next((grid.epsg for grid in product.extents()), None)


def _bands(request: CubeRequest) -> tuple[str, ...]:
    deciding = request.composite.index if request.composite else None
    return bands_read(request.layers, (deciding,) if deciding else ())


def _grid(request: CubeRequest, epsg: int, products: Sequence[Product]) -> Grid:
    wanted = _bands(request)
    natives = sorted({native_resolution(product.own_band(name)) for product in products for name in wanted})
    resolution = request.resolution or float(min(natives))
    refuse_degrees(epsg, resolution)
    if request.mask:
        natives.append(LAYERS["SCL"].resolution_m)
    lattices = {product.lattice for product in products}
    lattice = lattices.pop() if len(lattices) == 1 else (0.0, 0.0)
    return cube_grid(_bounds(request, epsg, products), epsg, resolution, natives, lattice)


def _bounds(request: CubeRequest, epsg: int, products: Iterable[Product]) -> Bounds:
    """The box of the area; of tiles their own squares, without any area all that the products show."""
    squares = [TileId.parse(tile) for tile in request.tiles]
    if squares and all(one.epsg == epsg for one in squares):
        return around(tile_bounds(one) for one in squares)
    if request.area is not None:
        return bounds_of(request.area, epsg)
    grids: set[Grid] = set()
    for product in products:
        wanted = {product.own_band(name) for name in _bands(request)}
        grids |= {image.grid for image in product.images() if image.band in wanted}
    return around(bounds_in(grid, epsg) for grid in grids)


def _open_all(found: Sequence[Candidate], settings: Settings, boa_offset: str) -> dict[str, Product]:
    """All products by id; those in archives are opened together, since that is waiting only."""
    with Pool(_OPENED_TOGETHER, "open") as pool:
        waiting = {one.id: pool.submit(locate, one.ref, settings, boa_offset) for one in found}
        return {product: future.result() for product, future in waiting.items()}


def _slices(
    request: CubeRequest, found: Sequence[Candidate], opened: Mapping[str, Product], grid: Grid
) -> tuple[Slice, ...]:
    seen = [
        Seen(
            id=one.id,
            sensing=one.sensing,
            baseline=one.baseline,
            tile=one.tile,
            generation=one.generation,
            footprint=outline,
            datastrip=one.datastrip,
            is_own_zone=_own_zone(one, opened[one.id]) == grid.epsg,
        )
        for one, outline in zip(found, outlines_in(found, grid.epsg), strict=True)
    ]
    if needs_angles(seen):
        seen = [replace(one, view_zenith_deg=opened[one.id].view_zenith_deg(parse_tile(one.tile))) for one in seen]
    longitude, _ = project_point(*_middle(grid), grid.epsg, LON_LAT)
    slices = tuple(
        Slice(day.day, day.time, tuple(_source(request, opened[one.id], grid, one) for one in day.products))
        for day in days(seen, extent(grid), longitude)
    )
    if not slices:
        raise _none_shown(len(found))
    return slices


def _middle(grid: Grid) -> tuple[float, float]:
    west, south, east, north = grid.bounds
    return (west + east) / 2, (south + north) / 2


def _source(request: CubeRequest, product: Product, grid: Grid, seen: Seen) -> CubeSource:
    tile = parse_tile(seen.tile) if len(product.tiles) > 1 else None
    wanted = _bands(request)
    there = {name for name in wanted if product.resolutions(name)}
    there |= {name for name in SUBSTITUTES if product.resolutions(name)}
    exact = {layer.name for layer in request.layers if layer.kind != "index"}
    bands = with_substitutes(wanted, there, exact)
    natural = is_utm(grid.epsg) and grid.resolution_m in {10, 20, 60}  # 20 m of another CRS are other metres
    resolution = round(grid.resolution_m) if natural else None
    return CubeSource(
        product.id,
        {name: product.image_near(own, resolution, tile) for name, own in bands.items()},
        class_source(product, tile, resolution) if request.mask or request.needs_classes else None,
        product.address,
        product.mission,
        product.angles(tile) if any(layer.kind == "angle" for layer in request.layers) else {},
    )


def _refuse_offsets(request: CubeRequest, slices: Sequence[Slice]) -> None:
    """Digital numbers of several offsets cannot be in one cube."""
    if not request.digital:
        return
    first: dict[float, str] = {}
    for source in (source for one in slices for source in one.sources):
        for image in source.images.values():
            if image.is_reflectance:
                first.setdefault(image.offset, source.id)
    if len(first) > 1:
        text = ", ".join(f"{offset:+g} in {product}" for offset, product in sorted(first.items()))
        raise InputError(f"--dn with products of several offsets: {text}", "leave out --dn: values are harmonised then")


def _remarks(plan: CubePlan) -> Iterator[Note]:
    """What is lacking and what stands in for it, each said once."""
    lacking: dict[str, list[str]] = {}
    substituted: list[tuple[str, str]] = []
    for source in (source for one in plan.slices for source in one.sources):
        there = [name for name in plan.recipe.bands if name in source.images]
        angles = [layer.name for layer in plan.recipe.layers if layer.kind == "angle"]
        for name in (*plan.recipe.bands, *angles):
            if name not in there and name not in source.angles:
                lacking.setdefault(name, []).append(source.id)
        images = [source.images[name] for name in there]
        notes = substitute_notes("the cube", there, images, round(plan.grid.resolution_m))
        substituted += [(source.id, note) for note in notes]
    for name, products in lacking.items():
        who = f"{products[0]} lacks" if len(products) == 1 else f"{products[0]} and {len(products) - 1} more lack"
        yield Note(f"{who} {name}: it is no data there", warning=True)
    yield from grouped(substituted)
