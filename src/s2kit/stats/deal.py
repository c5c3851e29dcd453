"""The work of a counting, dealt out by tile and place. Computes only."""

from collections.abc import Iterator, Mapping, Sequence

from s2kit.area.parcel import Parcel
from s2kit.product.ref import ProductRef
from s2kit.run.parallel import worker_count
from s2kit.stats.pick import Pick
from s2kit.stats.request import StatsRequest
from s2kit.stats.task import Outline, ParcelVisit, StatsTask

_CELL_DEG = 0.1
"""Parcels of one cell of this side are counted together: about the side of a coded tile of the 10 m files."""


_PARCELS_A_TASK = 256


def deal(request: StatsRequest, picks: Sequence[Pick]) -> list[StatsTask]:
    """Parcels of one cell together, so that what lies between them is decoded once; enough tasks for all workers."""
    by_parcel: dict[int, list[Pick]] = {}
    for one in picks:
        by_parcel.setdefault(one.number, []).append(one)
    cells: dict[tuple[str, int, int], list[int]] = {}
    for number, mine in by_parcel.items():
        lon, lat = request.parcels[number].centre
        cells.setdefault((mine[0].product.tile, int(lat // _CELL_DEG), int(lon // _CELL_DEG)), []).append(number)
    chunks = _chunks([(tile, members) for (tile, _, _), members in sorted(cells.items())])
    pieces = max(1, -(-4 * worker_count(request.jobs) // max(1, len(chunks))))
    return [task for chunk in chunks for task in _tasks_of(request, chunk, by_parcel, pieces)]


def _chunks(cells: Sequence[tuple[str, Sequence[int]]]) -> list[list[int]]:
    """Parcels of neighbouring cells of one tile, as many as a task may have."""
    chunks: list[list[int]] = []
    last = None
    for tile, members in cells:
        for number in members:
            if tile != last or len(chunks[-1]) >= _PARCELS_A_TASK:
                chunks.append([])
                last = tile
            chunks[-1].append(number)
    return chunks


def _tasks_of(
    request: StatsRequest, chunk: Sequence[int], by_parcel: Mapping[int, list[Pick]], pieces: int
) -> Iterator[StatsTask]:
    visits: dict[str, list[Pick]] = {}
    for number in chunk:
        for one in by_parcel[number]:
            visits.setdefault(one.product.id, []).append(one)
    ordered = sorted(
        visits.values(), key=lambda picks: (picks[0].product.tile, picks[0].product.sensing, picks[0].product.id)
    )
    step = max(1, -(-len(ordered) // pieces))
    for start in range(0, len(ordered), step):
        part = ordered[start : start + step]
        numbers = sorted({one.number for picks in part for one in picks})
        yield StatsTask(
            tuple(_outline(number, request.parcels[number]) for number in numbers),
            tuple(_visit(picks) for picks in part),
            request.recipe,
            request.settings.access,
        )


def _visit(picks: Sequence[Pick]) -> ParcelVisit:
    product = picks[0].product
    completed: dict[ProductRef, set[int]] = {}
    for one in picks:
        for other in one.companions:
            completed.setdefault(other.ref, set()).add(one.number)
    return ParcelVisit(
        product.id,
        product.ref,
        frozenset(one.number for one in picks),
        tuple((ref, frozenset(parcels)) for ref, parcels in completed.items()),
    )


def _outline(number: int, parcel: Parcel) -> Outline:
    if parcel.source_geometry is None:
        return Outline(number, parcel.geometry, 4326, parcel.is_point)
    return Outline(number, parcel.source_geometry, parcel.srid, parcel.is_point)
