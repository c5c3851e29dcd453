"""Which products a series of chips at a place is cut from.

The rule: within one level and one sensing time stamp (the datatake start in the product's name, to the second) one
product is kept, that with the largest share of the chip inside its footprint and, where shares are equal, with the
highest processing baseline. So tile-overlap twins and reprocessed versions collapse, while other orbits stay. What the
kept product does not cover is completed from the others of its datatake: neighbouring tiles, split products. What is
superseded is decided before, by `product.newest`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError
from s2kit.product.newest import View, are_pieces, not_superseded
from s2kit.product.ref import ProductRef

NOWHERE = ProductRef("")
EQUAL_SHARES = 3
"""Decimals to which shares are compared: footprints of reprocessed twins differ in their last digits."""
WORTH_ADDING = 0.001
"""A companion is read only if it adds more than this share of the chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A product that may show the place."""

    id: str
    """Product name without `.SAFE`."""
    level: str
    """`L1C` or `L2A`."""
    sensing: datetime
    """Datatake start, UTC, to the second."""
    baseline: str
    """Processing baseline as `04.00`; compared as text."""
    tile: str
    """MGRS tile, `31TCJ`."""
    generation: str = ""
    """The discriminator of the name: later is newer among products of one baseline."""
    cloud_pct: float | None = None
    """Cloud cover of the whole product, 0 to 100."""
    footprint: BaseGeometry
    """Where the product has data, in lon/lat; for `select` in the CRS in which the chip's square is given."""
    datastrip: datetime | None = None
    """Start of its datastrip, which tells the pieces of a split datatake apart; None if unknown."""
    ref: ProductRef = NOWHERE
    """Where it would be read from, see `archive.find.whereabouts`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The product of one sensing time that a chip is cut from."""

    product: Candidate
    share: float
    """Share of the chip inside its footprint, 0 to 1."""
    companions: tuple[Candidate, ...] = ()
    """Products of the same datatake that complete the chip, in the order in which they are laid below it."""
    covered: float = 0.0
    """Share of the chip inside any of their footprints."""


def share_inside(square: BaseGeometry, footprint: BaseGeometry) -> float:
    """The share (0 to 1) of a chip's square that lies in a footprint, both in one projected CRS."""
    return float(square.intersection(footprint).area / square.area)


def select(candidates: Iterable[Candidate], square: BaseGeometry) -> list[Choice]:
    """Choose the products of a series, in ascending sensing time (L1C before L2A at the same time).

    Args:
        candidates: Products, in any order; a product named twice counts once.
        square: The chip's outline in the CRS of the footprints.
    """
    known = {candidate.id: candidate for candidate in candidates}
    groups: dict[tuple[datetime, str], dict[str, tuple[float, Candidate]]] = {}
    for view in not_superseded(map(view_of, known.values()), square):
        candidate = known[view.id]
        share = share_inside(square, candidate.footprint)
        if share > 0:
            groups.setdefault((candidate.sensing, candidate.level), {})[candidate.id] = (share, candidate)
    return [_choose(list(group.values()), square) for _, group in sorted(groups.items(), key=lambda item: item[0])]


def view_of(candidate: Candidate) -> View:
    """A candidate for the rule of `product.newest`."""
    twins = (candidate.sensing, candidate.level, candidate.tile) if candidate.tile else candidate.id
    return View(
        candidate.id, twins, candidate.baseline or None, candidate.generation, candidate.footprint, candidate.datastrip
    )


def is_piece_of(product: Candidate, other: Candidate) -> bool:
    """True if another product is the other piece of a split datatake, whatever the outlines of both claim."""
    return product.tile == other.tile and are_pieces(product.datastrip, other.datastrip)


def _choose(group: Sequence[tuple[float, Candidate]], square: BaseGeometry) -> Choice:
    ranked = sorted(group, key=_rank, reverse=True)
    share, product = ranked[0]
    covered, companions = square.intersection(product.footprint), []
    others = sorted(ranked[1:], key=lambda item: (item[1].baseline == product.baseline, _rank(item)), reverse=True)
    for _, other in others:
        grown = covered.union(square.intersection(other.footprint))
        adds = (grown.area - covered.area) / square.area > WORTH_ADDING
        if adds or is_piece_of(product, other):
            covered = grown
            companions.append(other)
    return Choice(product, share, tuple(companions), float(covered.area / square.area))


def _rank(item: tuple[float, Candidate]) -> tuple[float, str, str, str, str]:
    share, candidate = item
    return (round(share, EQUAL_SHARES), candidate.baseline, candidate.tile, candidate.generation, candidate.id)


def new_choices(
    choices: Sequence[Choice], cached: Collection[str], limit: int | None, *, what: str = "chips"
) -> list[Choice]:
    """The choices that are not cached yet, provided that they are not too many.

    Args:
        choices: What was selected.
        cached: Product ids whose chip exists; they do not count.
        limit: Most new chips in one run; None for no limit.
        what: The word for the items in the error.

    Raises:
        InputError: More than `limit` are new; nothing should be cut then.
    """
    fresh = [choice for choice in choices if choice.product.id not in cached]
    check_limit(len(fresh), len(choices), limit, what=what)
    return fresh


def check_limit(fresh: int, matched: int, limit: int | None, *, what: str = "chips") -> None:
    """Refuse a run that would make more new items than allowed.

    Raises:
        InputError: `fresh` is more than `limit`.
    """
    if limit is not None and fresh > limit:
        raise InputError(
            f"{matched} {what} match, {fresh} of them new: more than the limit of {limit}, so nothing was cut",
            f"shorten the time range, or raise the limit with --limit {fresh}",
        )
