"""Make an invented scene: products of two dates and two levels, as real SAFE folders, with their fields and area."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from s2kit.demo.farmland import FIRST_PARCEL
from s2kit.demo.landscape import Landscape, make_landscape
from s2kit.demo.make_product import Images, band_images, layer_images, seen_reflectance, write_product
from s2kit.demo.scene_product import SceneProduct
from s2kit.demo.spectra import BAND_NAMES, palette
from s2kit.demo.weather import at_sensor, classify, make_sky, sun_position
from s2kit.demo.writer import outlines, to_lonlat
from s2kit.errors import UsageError
from s2kit.grid import Grid
from s2kit.run.events import Finished, Report, WorkPlanned, silent
from s2kit.run.files import ensure_folder, part_path, remove, write_atomic
from s2kit.run.parallel import Failed, pmap

TILE, EPSG, WEST, NORTH = "31TCJ", 32631, 300000.0, 4900020.0
"""The tile in whose north-western corner the scene lies."""
PRODUCT_BASELINE = "05.10"
_SIDE_STEP = 6
_SMALLEST = 300
_PARCEL_PX = 150
_PARCEL_COUNT = 240
_MARGIN_M = 12.0
_PARCELS, _AOI = "parcels.geojson", "aoi.geojson"


@dataclass(frozen=True, slots=True)
class Overpass:
    """One pass of the satellite over the scene."""

    sensing: datetime
    orbit: int
    relative_orbit: int
    cloudiness: float
    swath_gap: float


VISITS = (
    Overpass(datetime(2024, 4, 19, 10, 50, 31, tzinfo=UTC), 46094, 51, 0.0, 0.0),
    Overpass(datetime(2024, 6, 15, 10, 40, 31, tzinfo=UTC), 46909, 8, 0.11, 0.16),
    Overpass(datetime(2024, 7, 8, 10, 50, 31, tzinfo=UTC), 47238, 51, 0.03, 0.0),
    Overpass(datetime(2024, 5, 9, 10, 50, 31, tzinfo=UTC), 46380, 51, 0.3, 0.0),
    Overpass(datetime(2024, 7, 28, 10, 50, 31, tzinfo=UTC), 47524, 51, 0.75, 0.0),
    Overpass(datetime(2024, 8, 17, 10, 50, 31, tzinfo=UTC), 47810, 51, 0.0, 0.0),
)
"""What `dates` counts: a clear day in spring, one in June with clouds and a swath's edge, then more of the summer."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What was made, and where."""

    folder: Path
    l1c: tuple[Path, ...]
    """SAFE folders, by date."""
    l2a: tuple[Path, ...]
    """SAFE folders, by date."""
    parcels: Path
    """GeoJSON of the fields: `pid`, `cropname`, `cropcode`."""
    aoi: Path
    """GeoJSON with one polygon in the middle of the scene."""
    side: int
    """Rows and columns at 10 m."""

    @property
    def products(self) -> tuple[Path, ...]:
        """All SAFE folders, by date, L1C before L2A."""
        return tuple(sorted((*self.l1c, *self.l2a), key=lambda path: path.name.split("_")[2:]))


@dataclass(frozen=True, slots=True)
class _Task:
    folder: Path
    visit: Overpass
    levels: tuple[str, ...]
    baseline: str
    seed: int
    side: int
    tlm: bool


def make_scene(
    folder: Path,
    *,
    seed: int = 7,
    side: int = 1800,
    dates: int = 2,
    more_l2a: int = 0,
    levels: Sequence[str] = ("L1C", "L2A"),
    baseline: str = PRODUCT_BASELINE,
    tlm: bool = False,
    jobs: int = 1,
    report: Report = silent,
) -> Scene:
    """Write the scene's products below a folder; what is there already is kept.

    Args:
        folder: Where the SAFE folders go; it is made if need be.
        seed: The same seed, side and baseline give the same bytes.
        side: Rows and columns at 10 m; a multiple of 6, so that the grids at 20 and 60 m align. Over 1024, images at
            10 m have several tiles; over 1280 those at 20 m too.
        dates: How many of `VISITS`.
        more_l2a: How many more of them have L2A only.
        levels: `L1C`, `L2A` or both.
        baseline: Processing baseline; before 04.00 there is no offset, before 03.01 checksums are MD5.
        tlm: True to write the JPEG 2000 files with a table of tile-part lengths.
        jobs: Worker processes, one date each.
        report: Takes the events.

    Raises:
        UsageError: The side is not a multiple of 60, or there are not that many dates.
        OutputError: The folder cannot be written.
    """
    if side < _SMALLEST or side % _SIDE_STEP:
        raise UsageError(f"a scene of {side} px cannot be made", "its side is a multiple of 6, such as 1800")
    if dates < 1 or more_l2a < 0 or dates + more_l2a > len(VISITS):
        raise UsageError(f"a scene of {dates + more_l2a} dates cannot be made", f"1 to {len(VISITS)} are possible")
    ensure_folder(folder)
    kinds = [tuple(levels)] * dates + [("L2A",)] * more_l2a
    tasks = [_Task(folder, visit, kind, baseline, seed, side, tlm) for visit, kind in zip(VISITS, kinds, strict=False)]
    products = [(product, _place(task, product)) for task in tasks for product in _products(task)]
    todo = [task for task in tasks if not all(_place(task, product).is_dir() for product in _products(task))]
    if todo:
        report(WorkPlanned(len(todo), what="dates"))
    try:
        for done in pmap(_make_visit, todo, jobs if len(todo) > 1 else 1):
            if isinstance(done, Failed):
                raise done.error
            report(Finished(f"{done.item.visit.sensing:%Y-%m-%d}"))
    finally:  # workers that were killed could not
        for _, path in products:
            remove(part_path(path))
    _write_areas(tasks[0])
    paths = {level: sorted(path for product, path in products if product.level == level) for level in ("L1C", "L2A")}
    return Scene(folder, tuple(paths["L1C"]), tuple(paths["L2A"]), folder / _PARCELS, folder / _AOI, side)


def _place(task: _Task, product: SceneProduct) -> Path:
    return task.folder / f"{product.name}.SAFE"


def _write_areas(task: _Task) -> None:
    """Write the two GeoJSON files, unless they are there."""
    grid = _grid(task.side)
    if not (task.folder / _AOI).exists():
        write_atomic(task.folder / _AOI, _aoi_geojson(grid), overwrite=True)
    if not (task.folder / _PARCELS).exists():
        write_atomic(task.folder / _PARCELS, _parcels_geojson(_land(task.seed, task.side), grid), overwrite=True)


def _grid(side: int, resolution_m: int = 10) -> Grid:
    size = side * 10 // resolution_m
    return Grid(EPSG, WEST, NORTH, float(resolution_m), size, size)


@lru_cache(maxsize=1)
def _land(seed: int, side: int) -> Landscape:
    return make_landscape(seed, side)


def _products(task: _Task) -> list[SceneProduct]:
    return [
        SceneProduct(
            level=level,
            baseline=task.baseline,
            sensing=task.visit.sensing,
            orbit=task.visit.orbit,
            relative_orbit=task.visit.relative_orbit,
            tile=TILE,
            grid=_grid(task.side),
        )
        for level in task.levels
    ]


def _make_visit(task: _Task) -> None:
    """Write all products of one date."""
    land, grid = _land(task.seed, task.side), _grid(task.side)
    bounds = grid.bounds
    ((lon, lat),) = to_lonlat([((bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2)], EPSG)
    visit, number = task.visit, VISITS.index(task.visit)
    sun = sun_position(visit.sensing, lon, lat)
    sky = make_sky(land, sun, seed=task.seed + number, cloudiness=visit.cloudiness, swath_gap=visit.swath_gap)
    colours = palette(land.parcels, visit.sensing.timetuple().tm_yday)
    scl = classify(land, colours, sky)
    todo = [product for product in _products(task) if not _place(task, product).is_dir()]
    images: dict[str, Images] = {product.level: {} for product in todo}
    for band, name in enumerate(BAND_NAMES):
        rho = seen_reflectance(land, colours, sky, band, seed=(task.seed, number, band))
        for product in todo:
            measured = rho if product.level == "L2A" else at_sensor(rho, sky, band)
            images[product.level] |= band_images(product, name, measured, sky)
    if number == 0:  # here, because this process knows the land
        _write_areas(task)
    for product in todo:
        images[product.level] |= layer_images(product, images[product.level], scl, sky, seed=(task.seed, number))
        write_product(task.folder, product, images[product.level], scl, sky, tlm=task.tlm)


def _parcels_geojson(land: Landscape, grid: Grid) -> bytes:
    """Fields of some size, spread over the scene, a little inside their borders."""
    area = np.bincount(land.surface.ravel(), minlength=FIRST_PARCEL + len(land.parcels))[FIRST_PARCEL:]
    large = np.flatnonzero(area >= _PARCEL_PX)
    chosen = set(np.unique(large[:: max(1, len(large) // _PARCEL_COUNT)]).tolist())
    labels = np.where(np.isin(land.surface, [FIRST_PARCEL + at for at in chosen]), land.surface, 0).astype(np.int32)
    shapes: dict[int, Polygon] = {}
    for label, ring in outlines(labels, grid):
        inner = Polygon(ring).buffer(-_MARGIN_M).simplify(_MARGIN_M / 2)
        if isinstance(inner, Polygon) and inner.area > shapes.get(label, Polygon()).area:
            shapes[label] = inner
    features: list[dict[str, object]] = []
    for number, label in enumerate(sorted(shapes), start=1):
        crop = land.parcels[label - FIRST_PARCEL].crop
        corners = to_lonlat([(x, y) for x, y in shapes[label].exterior.coords], grid.epsg)
        geometry = {"type": "Polygon", "coordinates": [[[round(x, 7), round(y, 7)] for x, y in corners]]}
        properties = {"pid": number, "cropname": crop.title, "cropcode": crop.code}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return _geojson(features)


def _aoi_geojson(grid: Grid) -> bytes:
    """A six-sided area in the middle, a third of the scene wide."""
    bounds, reach = grid.bounds, grid.width * grid.resolution_m / 6
    x, y = (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2
    corners = [(x + reach * math.cos(math.pi * at / 3), y + reach * math.sin(math.pi * at / 3)) for at in range(6)]
    ring = [[round(lon, 6), round(lat, 6)] for lon, lat in to_lonlat([*corners, corners[0]], grid.epsg)]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return _geojson([{"type": "Feature", "properties": {"name": "demo"}, "geometry": geometry}])


def _geojson(features: list[dict[str, object]]) -> bytes:
    return (json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n").encode()
