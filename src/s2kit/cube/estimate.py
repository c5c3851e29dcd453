"""What a cube would take, before any pixel is read: times, shape, bytes to read and to write, requests, cost."""

from collections.abc import Iterator
from typing import Any

from s2kit.area.projection import is_geographic, linear_unit
from s2kit.cube import meaning
from s2kit.cube.grids import bounds_in
from s2kit.cube.plan import CubePlan
from s2kit.errors import UsageError
from s2kit.grid import Grid
from s2kit.picture.clouds import ClassImage
from s2kit.product.band_image import BandImage
from s2kit.run.wording import counted
from s2kit.store.cost import PRICE_LIST, parse_size, size_text
from s2kit.store.cost import estimate as archive_cost
from s2kit.store.location import RemoteObject, ZarrArray, large_chunks

COLUMNS = ("datetime", "day", "products", "tiles", "nbytes_read", "lacking")
"""What a table of planned times shows."""
_NBYTES_A_PIXEL = 0.9
"""Of a band at 10 m, as measured: 108.9 MB for 10980 x 10980 pixels."""
_NBYTES_A_CLASS = 0.03
_EDGE_PX = 64
"""A window is read in whole code-blocks of this side."""
_TILE_PX = 1024
_HEADER_REQUESTS = 2


def rows(plan: CubePlan) -> Iterator[dict[str, Any]]:
    """One row a time of the output."""
    for step in plan.steps:
        slices = [plan.slices[at] for at in step.slices]
        sources = [source for one in slices for source in one.sources]
        images = [image for source in sources for image in source.images.values()]
        yield {
            "id": meaning.iso(step.time),
            "datetime": meaning.iso(step.time),
            "day": f"{step.start}" if step.start == step.end else f"{step.start}/{step.end}",
            "products": [source.id for source in sources],
            "tiles": sorted({str(image.tile) for image in images}),
            "nbytes_read": round(sum(_nbytes(image, plan.grid) for image in images)),
            "lacking": sorted({name for source in sources for name in plan.recipe.bands if name not in source.images}),
        }


def estimate(plan: CubePlan) -> str:
    """The sums of a plan in one line."""
    images = _images(plan)
    nbytes = sum(_nbytes(image, plan.grid) for image in images)
    remote = [
        image for image in images if isinstance(image.location, (RemoteObject, ZarrArray)) and image.location.is_remote
    ]
    requests = sum(_requests(image, plan.grid) for image in remote)
    times, rows_, cols = plan.shape
    side = f"{plan.grid.resolution_m:g} {'degrees' if is_geographic(plan.grid.epsg) else linear_unit(plan.grid.epsg)}"
    text = (
        f"{counted(times, 'time')} of {counted(len(plan.slices), 'date')}, {cols} x {rows_} pixels of "
        f"{side} in EPSG:{plan.grid.epsg}, {counted(len(plan.layers), 'layer')}; reads about "
        f"{size_text(round(nbytes))} in {counted(requests, 'request')}, writes at most {size_text(plan.nbytes)}"
    )
    costs = [
        archive_cost(image.location.archive, round(_nbytes(image, plan.grid)), _requests(image, plan.grid), lists=0)
        for image in remote
        if isinstance(image.location, (RemoteObject, ZarrArray))
    ]
    usd, inside = sum(cost.usd for cost in costs), sum(cost.usd_in_region for cost in costs)
    if usd:
        text += f"; at most {usd:.2f} USD, {inside:.2f} inside the region (prices of {PRICE_LIST})"
    chunks = large_chunks(image.location for image in images)
    return f"{text}; {chunks}" if chunks else text


def refuse_large(plan: CubePlan, max_bytes: str | None) -> None:
    """Raise if a cube would have more bytes than are allowed.

    Args:
        plan: The plan.
        max_bytes: A size such as `100GB`; None for any.

    Raises:
        UsageError: It is larger, or the size is none.
    """
    limit = None if max_bytes is None else parse_size(max_bytes)
    if limit is not None and plan.nbytes > limit:
        times, rows_, cols = plan.shape
        raise UsageError(
            f"a cube of {times} x {len(plan.layers)} x {rows_} x {cols} pixels has {size_text(plan.nbytes)}, "
            f"more than {size_text(limit)}",
            "take a coarser --res or a smaller area, or allow it with --max-bytes or --force",
        )


def _images(plan: CubePlan) -> list[BandImage]:
    found = []
    for source in (source for one in plan.slices for source in one.sources):
        found += list(source.images.values())
        if isinstance(source.classes, ClassImage) and "SCL" not in source.images:
            found.append(source.classes.image)
    return found


def _window(image: BandImage, grid: Grid) -> tuple[int, int]:
    """Columns and rows of an image that lie in the box of a grid."""
    window = image.grid.covering(bounds_in(grid, image.grid.epsg)).intersection(image.grid.window)
    return (0, 0) if window is None else (window.width, window.height)


def _nbytes(image: BandImage, grid: Grid) -> float:
    cols, rows_ = _window(image, grid)
    if not cols:
        return 0.0
    own = image.grid
    touched = min(cols + _EDGE_PX, own.width) * min(rows_ + _EDGE_PX, own.height)
    return touched * (_NBYTES_A_PIXEL if image.is_reflectance else _NBYTES_A_CLASS)


def _requests(image: BandImage, grid: Grid) -> int:
    cols, rows_ = _window(image, grid)
    return _HEADER_REQUESTS + (cols // _TILE_PX + 1) * (rows_ // _TILE_PX + 1) if cols else 0
