"""How farmland is divided: blocks of land, each cut into strips and fields, each field with its crop."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from s2kit.demo.noise import hashed

Floats = NDArray[np.float32]

FIRST_PARCEL = 32
"""Surfaces below are covers without a parcel."""
GRASS = 5
TRACK = 7
DECIDUOUS = 3
_BLOCK_PX = 142
_SMALLEST_PX = 40


class Crop(Enum):
    """Crops with the codes of the French land parcel register (Registre parcellaire graphique)."""

    WHEAT = ("BTH", "winter wheat")
    BARLEY = ("ORH", "winter barley")
    RAPE = ("CZH", "winter rape")
    MAIZE = ("MIS", "maize")
    SUNFLOWER = ("TRN", "sunflower")
    SOY = ("SOJ", "soya")
    MEADOW = ("PPH", "permanent meadow")
    VINEYARD = ("VRC", "vineyard")
    ORCHARD = ("VRG", "orchard")

    @property
    def code(self) -> str:
        """Three letters."""
        return self.value[0]

    @property
    def title(self) -> str:
        """In words."""
        return self.value[1]


_VALLEY = (
    (Crop.MAIZE, 0.33),
    (Crop.WHEAT, 0.17),
    (Crop.SOY, 0.12),
    (Crop.ORCHARD, 0.10),
    (Crop.SUNFLOWER, 0.09),
    (Crop.RAPE, 0.08),
    (Crop.BARLEY, 0.06),
    (Crop.MEADOW, 0.05),
)
_HILLS = (
    (Crop.WHEAT, 0.27),
    (Crop.SUNFLOWER, 0.20),
    (Crop.MEADOW, 0.22),
    (Crop.BARLEY, 0.10),
    (Crop.RAPE, 0.10),
    (Crop.VINEYARD, 0.06),
    (Crop.MAIZE, 0.05),
)


@dataclass(frozen=True, slots=True)
class FarmParcel:
    """One field."""

    number: int
    """Its place in the landscape's list, from 0."""
    crop: Crop
    days_late: float
    """How far its season is behind the usual, in days."""
    fullness: float
    """Canopy against the usual; about 1."""
    soil: float
    """0 for brown clay, 1 for pale loam."""


def lay_parcels(side: int, hills: Floats, rng: np.random.Generator) -> tuple[NDArray[np.int32], tuple[FarmParcel, ...]]:
    """Divide all land into fields; woods, water and houses are laid over it later.

    Args:
        side: Rows and columns of 10 m pixels.
        hills: `[row, col]`, above 0 where crops of the hills are grown.
        rng: Where the randomness comes from.

    Returns:
        The surface `[row, col]` (`FIRST_PARCEL` + number of a parcel, or the cover of a lane or a margin), and
        the parcels.
    """
    block, edge = _blocks(side, rng)
    key = _fields(block, rng)
    label: NDArray[np.int32] = np.unique(key, return_inverse=True)[1].reshape(side, side).astype(np.int32)
    area = np.bincount(label.ravel())
    height = np.bincount(label.ravel(), weights=hills.ravel()) / area
    number = np.cumsum(area >= _SMALLEST_PX) - 1
    kept = np.flatnonzero(area >= _SMALLEST_PX)
    parcels = tuple(_parcel(at, bool(height[old] > 0), rng) for at, old in enumerate(kept))
    surface = np.where(area >= _SMALLEST_PX, number + FIRST_PARCEL, GRASS).astype(np.int32)[label]
    _draw_margins(surface, label, block)
    lane = (edge < 1.3) & (hashed(block.astype(np.int64), 5) < 0.55)
    surface[lane] = TRACK
    surface[(edge >= 1.3) & (edge < 2.6) & (hashed(block.astype(np.int64), 6) < 0.3)] = DECIDUOUS
    return surface, parcels


def _parcel(number: int, on_hills: bool, rng: np.random.Generator) -> FarmParcel:  # noqa: FBT001 - reads as a sentence
    crops = _HILLS if on_hills else _VALLEY
    shares = np.cumsum([share for _, share in crops])
    crop = crops[min(int(np.searchsorted(shares, rng.random())), len(crops) - 1)][0]
    soil = float(np.clip(rng.normal(0.6 if on_hills else 0.3, 0.25), 0, 1))
    return FarmParcel(number, crop, float(rng.normal(0, 5)), float(np.clip(rng.normal(1, 0.12), 0.6, 1.25)), soil)


def _blocks(side: int, rng: np.random.Generator) -> tuple[NDArray[np.int32], Floats]:
    """Blocks between lanes: nearest of jittered points, and how far the border is, in pixels."""
    count = side // _BLOCK_PX + 3
    jitter = rng.uniform(-0.42, 0.42, (count, count, 2))
    seeds = (np.moveaxis(np.mgrid[0:count, 0:count], 0, 2) - 1 + 0.5 + jitter) * _BLOCK_PX
    first = np.full((side, side), 1e9, np.float32)
    second = first.copy()
    block = np.zeros((side, side), np.int32)
    reach = int(_BLOCK_PX * 2)
    for number, (row, col) in enumerate(seeds.reshape(-1, 2)):
        rows = slice(max(0, int(row) - reach), max(0, min(side, int(row) + reach)))
        cols = slice(max(0, int(col) - reach), max(0, min(side, int(col) + reach)))
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(row)
        x = np.arange(cols.start, cols.stop, dtype=np.float32)[None, :] - np.float32(col)
        far = np.sqrt(y * y + x * x)
        nearer = far < first[rows, cols]
        second[rows, cols] = np.where(nearer, first[rows, cols], np.minimum(second[rows, cols], far))
        first[rows, cols] = np.where(nearer, far, first[rows, cols])
        block[rows, cols] = np.where(nearer, np.int32(number), block[rows, cols])
    return block, np.asarray((second - first) / 2, np.float32)


def _fields(block: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int64]:
    """A number for each field: every block is cut into strips at its own angle, every strip into fields."""
    side, count = len(block), int(block.max()) + 1
    angle = rng.normal(0.35, 0.35, count) + rng.choice([0.0, math.pi / 2], count)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    wide = rng.gamma(5.0, 4.0, count).clip(11, 42).astype(np.float32)
    long = (wide * rng.uniform(1.4, 4.0, count)).astype(np.float32)
    y = np.arange(side, dtype=np.float32)[:, None]
    x = np.arange(side, dtype=np.float32)[None, :]
    u = x * cos[block] + y * sin[block]
    v = y * cos[block] - x * sin[block]
    strip = np.floor(u / wide[block]).astype(np.int64)
    numbers = block.astype(np.int64)
    share = hashed(numbers, strip).astype(np.float32)
    length = long[block] * (np.float32(0.6) + np.float32(0.9) * share)
    piece = np.floor(v / length + np.float32(7) * share).astype(np.int64)
    return np.asarray((numbers << 40) + ((strip + 4096) << 20) + (piece + 4096), np.int64)


def _draw_margins(surface: NDArray[np.int32], label: NDArray[np.int32], block: NDArray[np.int32]) -> None:
    """Grass or hedges between some fields."""
    border = np.zeros(label.shape, bool)
    border[:, 1:] |= label[:, 1:] != label[:, :-1]
    border[1:] |= label[1:] != label[:-1]
    style = hashed(block.astype(np.int64), 9) * 0.6 + hashed(label.astype(np.int64), 11) * 0.4
    surface[border & (style < 0.36)] = GRASS
    surface[border & (style > 0.72)] = DECIDUOUS
