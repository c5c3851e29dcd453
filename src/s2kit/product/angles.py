"""Angles of sun and view in a granule's metadata, and their values at pixels; computes only.

The metadata has them at nodes 5 km apart, the first at the tile's upper left corner: the sun's once, the view's for
each band and detector. A pixel's view is the mean of all bands, as in the bands of this name of other openEO services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.product.granule import parse_granule_metadata
from s2kit.product.xmltree import XmlTree, local_name, parse_xml

ANGLES: Mapping[str, str] = {
    "sunAzimuthAngles": "azimuth of the sun, clockwise from north",
    "sunZenithAngles": "zenith angle of the sun",
    "viewAzimuthMean": "azimuth of the sensor, clockwise from north, mean of all bands",
    "viewZenithMean": "zenith angle of the sensor, mean of all bands",
}
"""What each is, by its name; all in degrees."""
_KINDS = {"sun": "Sun_Angles_Grid", "view": "Viewing_Incidence_Angles_Grids"}
_WHAT = "granule metadata"


@dataclass(frozen=True, slots=True)
class AngleGrid:
    """One angle at the nodes of a tile, as a unit vector, so that 359 and 1 degree have 0 between them."""

    epsg: int
    west: float
    """Of the first node, in the tile's CRS."""
    north: float
    step_m: float
    east_part: NDArray[np.float32] = field(hash=False, compare=False)
    """`[row, col]` sines; NaN at nodes that were not seen."""
    north_part: NDArray[np.float32] = field(hash=False, compare=False)
    """`[row, col]` cosines."""

    def degrees_at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float32]:
        """Degrees from 0 to 360 at places in the tile's CRS, between nodes bilinear; NaN beside all nodes.

        Args:
            x: Eastings of any shape, or one that is broadcast.
            y: Northings.
        """
        col, row = (x - self.west) / self.step_m, (self.north - y) / self.step_m
        parts = [_between(part, row, col) for part in (self.east_part, self.north_part)]
        return (np.degrees(np.arctan2(*parts)) % 360).astype(np.float32)


def _between(nodes: NDArray[np.float32], row: NDArray[np.floating], col: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values between nodes; those that were not seen count nothing."""
    total, weight = np.zeros(np.broadcast(row, col).shape), np.zeros(np.broadcast(row, col).shape)
    top, left = np.floor(row).astype(int), np.floor(col).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            at, beside = top + down, left + right
            share = (1 - np.abs(row - at)) * (1 - np.abs(col - beside))
            inside = (at >= 0) & (at < nodes.shape[0]) & (beside >= 0) & (beside < nodes.shape[1])
            value = nodes[np.clip(at, 0, nodes.shape[0] - 1), np.clip(beside, 0, nodes.shape[1] - 1)]
            share = np.where(inside & np.isfinite(value), share, 0.0)
            total += share * np.nan_to_num(value)
            weight += share
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / np.where(weight > 0, weight, np.nan))


def parse_angles(xml: bytes) -> Mapping[str, AngleGrid]:
    """The angles of a granule by name; empty if its metadata has none.

    Args:
        xml: The whole file: the angles stand at its end.

    Raises:
        InputError: Not well-formed XML, no granule metadata, or a table that is no table of numbers.
    """
    granule, tree = parse_granule_metadata(xml), parse_xml(xml, _WHAT)
    finest = granule.grids[min(granule.grids)]
    found = {}
    for kind, element in _KINDS.items():
        tables = [_tables(one) for one in tree.all(element)]
        for name in ("Zenith", "Azimuth"):
            nodes = [table[name] for table in tables if name in table]
            if nodes:
                word = "Angles" if kind == "sun" else "Mean"
                parts = _mean(nodes)
                found[f"{kind}{name}{word}"] = AngleGrid(
                    finest.epsg, finest.west, finest.north, _step(tree, element), *parts
                )
    return found


def _step(tree: XmlTree, element: str) -> float:
    first = next(tree.all(element))
    return next((float(one.text or "nan") for one in first.iter() if local_name(one) == "COL_STEP"), 5000.0)


def _tables(element: Element) -> dict[str, NDArray[np.float64]]:
    """`Zenith` and `Azimuth` of one element, `[row, col]` degrees."""
    found = {}
    for child in element:
        rows = [(one.text or "").split() for one in child.iter() if local_name(one) == "VALUES"]
        try:
            table = np.array(rows, dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{_WHAT}: {local_name(element)} is no table of numbers") from error
        if table.ndim == 2 and table.size:
            found[local_name(child)] = table
    return found


def _mean(tables: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sine and cosine of the mean direction of tables; NaN at nodes that none has."""
    if len({table.shape for table in tables}) > 1:
        raise InputError(f"{_WHAT}: tables of angles of different sizes")
    radians = np.radians(np.stack(tables))
    seen = np.isfinite(radians)
    count = np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
    sine, cosine = (np.where(seen, part(radians), 0.0).sum(axis=0) / count for part in (np.sin, np.cos))
    return sine.astype(np.float32), cosine.astype(np.float32)
