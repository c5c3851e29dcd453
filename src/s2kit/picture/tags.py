"""What every picture and data file says of itself: product, time, tile, sources, credit.

Pure: no input or output.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from s2kit.grid import Grid
from s2kit.picture.read import Use
from s2kit.version import __version__


def common_tags(
    *,
    product: str,
    sensing: datetime,
    level: str,
    baseline: str,
    tile: str,
    subject: str,
    grid: Grid,
    sources: Sequence[tuple[str, float]],
    resampling: str,
    credit: str,
    use: Use = "data",
) -> dict[str, str]:
    """The tags that pictures, chips and data share; `Look.tags` says the rest.

    Args:
        product: Id of the product.
        sensing: Its start of sensing.
        level: `L1C`, `L2A`, of Landsat `L2SP`.
        baseline: `05.10`.
        tile: `31TCJ`.
        subject: `B04-B03-B02`, the name of a recipe or of an index.
        grid: Of the output.
        sources: Band and resolution in metres of each image that was read.
        resampling: `auto`, or the method that was named.
        credit: What the licence of the data wants to be said, before the year.
        use: As in `picture.read`: a picture may be made of reductions that are stored in the files.
    """
    start = sensing.astimezone(UTC)
    return {
        "PRODUCT": product,
        "SENSING_TIME": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "LEVEL": level,
        "BASELINE": baseline,
        "TILE": tile,
        "COMPOSITE": subject,
        "RESOLUTION_M": f"{grid.resolution_m:g}",
        "SOURCES": "; ".join(_derivations(grid, sources, resampling, use)),
        "CREDIT": f"{credit} {start.year}",
        "SOFTWARE": f"s2kit {__version__}",
    }


def _derivations(grid: Grid, sources: Sequence[tuple[str, float]], resampling: str, use: Use) -> Iterator[str]:
    """How each source gets onto the grid: `B11 20 m -> 10 m (bilinear)`, `B04 10 m -> 40 m (reduction)`."""
    target = grid.resolution_m
    for band, native in sources:
        if native == target:
            yield f"{band} {native:g} m as it is"
        else:
            how = _method(native, target, resampling, use) if band not in {"SCL", "qa_pixel"} else "nearest"
            yield f"{band} {native:g} m -> {round(target, 2):g} m ({how})"


def _method(native: float, target: float, resampling: str, use: Use) -> str:
    if resampling != "auto":
        return resampling
    if target < native:
        return "bilinear"
    return "reduction" if use == "picture" and target >= 2 * native else "average"
