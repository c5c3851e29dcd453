"""Which products answer for which parcel. Computes only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.area.parcel import Parcel
from s2kit.area.projection import LON_LAT, project_all
from s2kit.chips.candidates import outlines_in, zone_of
from s2kit.chips.selection import EQUAL_SHARES, WORTH_ADDING, Candidate, is_piece_of, select

_NEAR_DEG = 0.1
"""Parcels farther than this from a product's footprint are not projected into its zone."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A product that answers for a parcel."""

    number: int
    product: Candidate
    covered_pct: float
    companions: tuple[Candidate, ...] = ()
    """Products of the same datatake that show what it does not."""


def pick(found: Sequence[Candidate], parcels: Sequence[Parcel]) -> list[Pick]:
    """Which products answer for which parcel: for each sensing time and level the one that covers most of it.

    If shares are equal the highest processing baseline wins, and what a product does not cover is completed from the
    others of its datatake, as for chips. Shares are measured in the UTM zone of each product's tile, within its square.
    """
    picks: list[Pick] = []
    outlines = _Outlines([parcel.geometry for parcel in parcels])
    groups: dict[tuple[datetime, str], dict[str, Candidate]] = {}
    for one in found:
        groups.setdefault((one.sensing, one.level), {})[one.id] = one
    for _, members in sorted(groups.items(), key=lambda item: item[0]):
        ranked = sorted(members.values(), key=lambda one: (one.baseline, one.tile, one.generation, one.id))
        shares = np.array([outlines.shares(one) for one in ranked])
        best = np.flip(np.round(shares, EQUAL_SHARES), axis=0).argmax(axis=0)
        for number, from_end in enumerate(best):
            at = len(ranked) - 1 - int(from_end)
            share = float(shares[at, number])
            if share <= 0:
                continue
            others = [
                one for one, part in zip(ranked, shares[:, number], strict=True) if part > 0 and one != ranked[at]
            ]
            companions: tuple[Candidate, ...] = ()
            if others and (share < 1 - WORTH_ADDING or any(is_piece_of(ranked[at], one) for one in others)):
                companions, share = outlines.completed(number, ranked[at], others, share)
            picks.append(Pick(number, ranked[at], round(100.0 * share, 2), companions))
    return picks


class _Outlines:
    """The parcels in the projections of the tiles that show them."""

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        self._lonlat = np.array(geometries, dtype=object)
        self._moved: dict[int, tuple[NDArray[Any], NDArray[np.float64]]] = {}

    def shares(self, one: Candidate) -> NDArray[np.float64]:
        """The share of each parcel that a product shows, 0 to 1."""
        shares = np.zeros(len(self._lonlat))
        near = np.flatnonzero(shapely.intersects(one.footprint.buffer(_NEAR_DEG), self._lonlat))
        if not near.size:
            return shares
        epsg = zone_of(one)
        (shown,) = outlines_in([one], epsg)
        shapely.prepare(shown)
        parcels, areas = self._in(epsg, near)
        whole = shapely.contains_properly(shown, parcels)
        shares[near[whole]] = 1.0
        partly = np.flatnonzero(~whole & shapely.intersects(shown, parcels))
        shares[near[partly]] = shapely.area(shapely.intersection(parcels[partly], shown)) / areas[partly]
        return shares

    def completed(
        self, number: int, main: Candidate, others: Sequence[Candidate], share: float
    ) -> tuple[tuple[Candidate, ...], float]:
        """The products that show what one does not of a parcel, best first, and the share that all show together."""
        epsg = zone_of(main)
        (parcel,), _ = self._in(epsg, np.array([number]))
        choices = select(
            [
                replace(one, footprint=outline)
                for one, outline in zip([main, *others], outlines_in([main, *others], epsg), strict=True)
            ],
            parcel,
        )
        return (choices[0].companions, choices[0].covered) if choices else ((), share)

    def _in(self, epsg: int, members: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Some parcels in a CRS, and their areas there."""
        if epsg not in self._moved:
            self._moved[epsg] = np.full(len(self._lonlat), None, dtype=object), np.zeros(len(self._lonlat))
        moved, areas = self._moved[epsg]
        missing = [at for at in members if moved[at] is None]
        if missing:
            for at, geometry in zip(missing, project_all(list(self._lonlat[missing]), LON_LAT, epsg), strict=True):
                moved[at], areas[at] = geometry, geometry.area
        return moved[members], areas[members]
