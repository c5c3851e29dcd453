"""A run of `chips` from request to folder: plan, cut, and write pictures, list and page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2kit.chips.items import write_items
from s2kit.chips.listing import chip_rows, default_folder, legend_of
from s2kit.chips.output import ChipsOutput, write_output
from s2kit.chips.request import ChipsRequest
from s2kit.chips.run import ChipsResult, cut, plan
from s2kit.run.events import Report, silent


@dataclass(frozen=True, slots=True)
class ChipsMade:
    """What a run cut, and where it is."""

    result: ChipsResult
    output: ChipsOutput | None
    """None if every product failed, so that nothing was written."""
    products: int
    """Products that had to be read."""

    @property
    def count(self) -> int:
        """Chips of all series."""
        return sum(len(series.chips) for series in self.result.series)

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row a chip, as `s2kit chips -f jsonl` prints it."""
        if self.output is not None:
            yield from chip_rows(self.result, self.output)


def make_chips(
    request: ChipsRequest,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    stac: bool = False,
    report: Report = silent,
) -> ChipsMade:
    """Cut the chips of a request and write them into a folder.

    Args:
        request: What to cut.
        out: The folder; None for `chips/PLACE_SIZE_BANDS` below the current folder.
        overwrite: True if chips of another place or recipe may be replaced.
        stac: True writes a STAC item beside the files of each product, as `PRODUCT.json`.
        report: Takes progress and notes.

    Raises:
        InputError: More new chips than the limit, or no named product shows any place.
        OutputError: The folder holds chips of another place or recipe, or cannot be written.
    """
    planned = plan(request)
    result = cut(request, planned, report)
    products = len({choice.product.id for one in planned for choice in one.fresh}) + len(request.unusable)
    if result.failures and not any(series.chips for series in result.series):
        return ChipsMade(result, None, products)
    output = write_output(
        result,
        request.recipe,
        out or default_folder(request),
        overwrite=overwrite,
        legend=legend_of(request.recipe),
        failures=[f"{product} failed: {error}" for product, error in result.failures.items()],
        names_bands=request.names_bands,
    )
    if stac:
        write_items(result, request, output)
    return ChipsMade(result, output, products)
