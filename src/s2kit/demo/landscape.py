"""An invented piece of farmland, seen from above: relief, a river, parcels, woods, villages and roads.

Everything follows from a seed, in metres on a 10 m grid, so that a larger side shows more land and not larger fields.
What the surfaces look like on a day is told by `s2kit.demo.spectra`, what the sky adds by
`s2kit.demo.weather`.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from s2kit.demo.farmland import FarmParcel, lay_parcels
from s2kit.demo.noise import fractal, smoothstep

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

PIXEL_M = 10.0
_RIVER_HALF_PX = 5.5
_MEANDER_PX = 430.0
_VALLEY_PX = 320.0


class Cover(IntEnum):
    """What covers a pixel that belongs to no parcel."""

    RIVER = 0
    LAKE = 1
    GRAVEL = 2
    DECIDUOUS = 3
    CONIFER = 4
    GRASS = 5
    ROAD = 6
    TRACK = 7
    ROOF = 8
    BRIGHT_ROOF = 9
    GARDEN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """The land itself, the same on every day."""

    side: int
    """Rows and columns of 10 m pixels."""
    surface: NDArray[np.int32]
    """`[row, col]`: a `Cover` below `FIRST_PARCEL`, else `FIRST_PARCEL` + index into `parcels`."""
    parcels: tuple[FarmParcel, ...]
    """Fields, vineyards and meadows, with their crops."""
    height_m: Floats
    """`[row, col]`: height above the sea in metres."""
    grain: Floats
    """`[row, col]`: fine structure, mean 0, standard deviation 1."""
    vigour: Floats
    """`[row, col]`: slow differences within a field (soil, moisture), mean 0, standard deviation 1."""


def make_landscape(seed: int, side: int) -> Landscape:
    """Invent the land.

    Args:
        seed: The same seed and side give the same land, bit for bit, on one machine and numpy version.
        side: Rows and columns of 10 m pixels.
    """
    rng = np.random.default_rng([seed, side])
    rough, broad, fine, relief = (fractal(side, beta, rng) for beta in (2.6, 3.6, 0.9, 3.3))
    path = _river_path(side, rng)
    near = _distance_to(path[::2], side, reach=70)
    valley = smoothstep(_far_distance(path[::25], side) / _VALLEY_PX)
    height = 52.0 + valley * (75.0 + 34.0 * broad + 46.0 * relief) + 0.5 * rough
    hills = height - 80.0 + 25.0 * np.roll(rough, side // 3, axis=1)
    surface, parcels = lay_parcels(side, hills, rng)
    brooks = [_brook_path(path, side, rng) for _ in range(3 + side // 300)]
    _plant_woods(surface, rough, broad, valley, relief)
    for brook in brooks:
        _plant_along(surface, brook, rough, side)
    _fill_river(surface, near, path, rough)
    _dig_lakes(surface, near, path, brooks, rng)
    _build(surface, near, height, path, rng)
    return Landscape(side, surface, parcels, height.astype(np.float32), fine, broad * 0.6 + rough * 0.4)


def _river_path(side: int, rng: np.random.Generator) -> Points:
    """Centre line `[point, (row, col)]`, a pixel apart, from the right edge to the left.

    A sine-generated curve: the direction swings as a sine of the distance run
    (Langbein and Leopold, River meanders: theory of minimum variance, USGS Professional Paper 422-H, 1966).
    """
    course = math.radians(196.0)
    phase = rng.uniform(0, 2 * math.pi, 4)
    run = np.arange(side * 3, dtype=np.float64)
    swing = math.radians(62.0) * (1 + 0.28 * np.sin(run / 310.0 + phase[0]) + 0.12 * np.sin(run / 97.0 + phase[1]))
    angle = course + swing * np.sin(2 * math.pi * run / _MEANDER_PX + 0.9 * np.sin(run / 240.0 + phase[2]))
    cols = side + 90 + np.cumsum(np.cos(angle))
    rows = side * 0.68 + np.cumsum(np.sin(angle))
    inside = cols > -90
    return np.stack([rows[inside], cols[inside]], axis=1)


def _brook_path(river: Points, side: int, rng: np.random.Generator) -> Points:
    """Centre line of a brook from the hills down to the river."""
    mouth = river[rng.integers(len(river) // 10, len(river) * 9 // 10)]
    up = rng.choice([-1.0, 1.0])
    course = up * math.radians(90) + rng.uniform(-0.5, 0.5)
    run = np.arange(int(side * rng.uniform(0.25, 0.5)), dtype=np.float64)
    phase = rng.uniform(0, 2 * math.pi, 3)
    angle = course + 0.55 * np.sin(run / 41.0 + phase[0]) + 0.5 * np.sin(run / 17.0 + phase[1])
    return np.stack([mouth[0] + np.cumsum(np.sin(angle)), mouth[1] + np.cumsum(np.cos(angle))], axis=1)


def _distance_to(points: Points, side: int, reach: int) -> Floats:
    """Distance of every pixel to the nearest of the points, in pixels, at most `reach`."""
    distance = np.full((side, side), float(reach), np.float32)
    for row, col in points:
        top, left = int(row) - reach, int(col) - reach
        rows = slice(max(0, top), min(side, top + 2 * reach))
        cols = slice(max(0, left), min(side, left + 2 * reach))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            continue
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(row)
        x = np.arange(cols.start, cols.stop, dtype=np.float32)[None, :] - np.float32(col)
        part = distance[rows, cols]
        np.minimum(part, np.sqrt(y * y + x * x), out=part)
    return distance


def _far_distance(points: Points, side: int) -> Floats:
    """As `_distance_to` without a limit, from a grid twelve times as coarse, spread smoothly."""
    coarse = np.arange(-1, side // 12 + 3, dtype=np.float64) * 12
    squared = (coarse[:, None, None] - points[:, 0]) ** 2 + (coarse[None, :, None] - points[:, 1]) ** 2
    distance = np.sqrt(squared.min(axis=2))
    at = np.arange(side, dtype=np.float64)
    rows = np.stack([np.interp(at, coarse, column) for column in distance.T], axis=1)
    return np.stack([np.interp(at, coarse, row) for row in rows]).astype(np.float32)


def _plant_woods(surface: NDArray[np.int32], rough: Floats, broad: Floats, valley: Floats, relief: Floats) -> None:
    """Woods on the hills, with ragged edges, conifers in some of them; copses everywhere."""
    woods = rough + 0.55 * np.roll(broad, 211, axis=0) + 0.9 * valley > 1.62
    copses = np.roll(rough, 823, axis=0) + 0.4 * np.roll(relief, 97, axis=1) > 2.25
    conifers = woods & (np.roll(rough, 577, axis=1) + 0.7 * relief > 1.0)
    surface[woods | copses] = Cover.DECIDUOUS
    surface[conifers] = Cover.CONIFER


def _plant_along(surface: NDArray[np.int32], brook: Points, rough: Floats, side: int) -> None:
    """A line of trees along a brook."""
    near = _distance_to(brook[::2], side, reach=7)
    surface[near < 1.6 + 1.1 * rough] = Cover.DECIDUOUS


def _fill_river(surface: NDArray[np.int32], near: Floats, path: Points, rough: Floats) -> None:
    """The river, the woods and meadows on its banks, gravel inside its bends."""
    width = _RIVER_HALF_PX * (1 + 0.12 * rough)
    surface[near < width + 9 + 9 * np.roll(rough, 60, axis=0)] = Cover.GRASS
    surface[near < width + 3.5 + 5 * np.roll(rough, 40, axis=1)] = Cover.DECIDUOUS
    surface[near < width] = Cover.RIVER
    along = np.gradient(path, axis=0)
    bend = np.gradient(np.unwrap(np.arctan2(along[:, 0], along[:, 1])))
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)  # to the left of the flow, rows downwards
    sharp = np.flatnonzero(np.abs(bend) > np.quantile(np.abs(bend), 0.72))
    inner = path[sharp] + np.sign(bend[sharp])[:, None] * normal[sharp] * (_RIVER_HALF_PX + 0.6)
    bank = _distance_to(inner, len(surface), reach=5)
    surface[(bank < 2.1 + 0.9 * rough) & (near > width * 0.55)] = Cover.GRAVEL


def _dig_lakes(
    surface: NDArray[np.int32], near: Floats, path: Points, brooks: list[Points], rng: np.random.Generator
) -> None:
    """Gravel pits in the valley and small reservoirs on the brooks."""
    side = len(surface)
    spots = [(path[rng.integers(len(path))] + rng.normal(0, 55, 2), rng.uniform(9, 17)) for _ in range(2 + side // 200)]
    spots += [(brook[int(len(brook) * rng.uniform(0.35, 0.8))], rng.uniform(3.5, 7)) for brook in brooks]
    y, x = np.mgrid[-30:31, -30:31].astype(np.float32)
    for (row, col), radius in spots:
        top, left = int(row) - 30, int(col) - 30
        if top < 0 or left < 0 or top + 61 > side or left + 61 > side or near[int(row), int(col)] < radius + 14:
            continue
        turn, stretch, power = rng.uniform(0, math.pi), rng.uniform(1.0, 1.8), rng.uniform(2.0, 4.0)
        u = np.abs(x * math.cos(turn) + y * math.sin(turn)) / (radius * stretch)
        v = np.abs(y * math.cos(turn) - x * math.sin(turn)) / radius
        shape = u**power + v**power
        part = surface[top : top + 61, left : left + 61]
        dry = part != Cover.RIVER
        part[(shape < 1.5) & dry] = Cover.GRASS
        part[(shape < 1.0) & dry] = Cover.LAKE


def _build(surface: NDArray[np.int32], near: Floats, height: Floats, path: Points, rng: np.random.Generator) -> None:
    """A town at the river, villages around, and roads between them."""
    side = len(surface)
    town = path[len(path) // 2] + np.array([-38.0, 12.0])
    places: list[tuple[float, float, float]] = [(float(town[0]), float(town[1]), side * 0.028 + 18)]
    for row, col in rng.uniform(0.04 * side, 0.96 * side, (400, 2)):
        far = all(math.hypot(row - other[0], col - other[1]) > 250 for other in places)
        if far and near[int(row), int(col)] > 45 and height[int(row), int(col)] < 135:
            places.append((float(row), float(col), float(rng.uniform(9, 26))))
    for index, (row, col, _) in enumerate(places):
        others = sorted(places, key=lambda other: math.hypot(row - other[0], col - other[1]))
        for other in others[1 : 5 if index == 0 else 3]:
            _draw_road(surface, (row, col), (other[0], other[1]), rng)
    for row, col, radius in places:
        _settle(surface, row, col, radius, rng)


def _draw_road(
    surface: NDArray[np.int32], start: tuple[float, float], end: tuple[float, float], rng: np.random.Generator
) -> None:
    """A road that bends a little; it crosses the river on a bridge."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    share = np.linspace(0, 1, max(2, int(length * 2)))
    sway = rng.normal(0, 0.035, 2) * length
    bend = np.sin(math.pi * share) * sway[0] + np.sin(2 * math.pi * share) * sway[1]
    across = np.array([-(end[1] - start[1]), end[0] - start[0]]) / max(length, 1.0)
    rows = np.rint(start[0] + (end[0] - start[0]) * share + across[0] * bend).astype(int)
    cols = np.rint(start[1] + (end[1] - start[1]) * share + across[1] * bend).astype(int)
    inside = (rows >= 0) & (rows < len(surface)) & (cols >= 0) & (cols < len(surface))
    surface[rows[inside], cols[inside]] = Cover.ROAD


def _settle(surface: NDArray[np.int32], row: float, col: float, radius: float, rng: np.random.Generator) -> None:
    """Streets, roofs and gardens, dense in the middle, and a few large halls."""
    side, reach = len(surface), int(radius * 1.7)
    top, left = max(0, int(row) - reach), max(0, int(col) - reach)
    part = surface[top : min(side, int(row) + reach), left : min(side, int(col) + reach)]
    y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float32)
    y, x = y - np.float32(row), x - np.float32(col)
    turn = rng.uniform(0, math.pi / 2)
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    around = np.arctan2(y, x)
    lobes = 1 + 0.14 * np.sin(3 * around + rng.uniform(0, 6)) + 0.16 * np.sin(5 * around + rng.uniform(0, 6))
    ring = np.hypot(x, y) / (radius * lobes)
    inside = (ring < 1) & (part != Cover.RIVER)
    built = rng.random(part.shape) < 0.74 - 0.5 * ring
    streets = (np.mod(u, 8.0) < 1.0) | (np.mod(v, 6.0) < 1.0)
    part[inside] = Cover.GARDEN
    part[inside & built] = Cover.ROOF
    part[inside & streets & (rng.random(part.shape) < 0.85)] = Cover.ROAD
    for _ in range(int(radius / 7)):
        angle, far = rng.uniform(0, 2 * math.pi), radius * rng.uniform(0.7, 1.05)
        hall = (np.abs(u - far * math.cos(angle)) < rng.uniform(1.5, 4.5)) & (
            np.abs(v - far * math.sin(angle)) < rng.uniform(1.5, 3.5)
        )
        part[hall & (part != Cover.RIVER)] = Cover.BRIGHT_ROOF
