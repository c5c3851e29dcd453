"""Chips as rows: what would be cut, what was cut, what it would take, and where it goes by default."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from s2kit.archive.find import archive_read, reopen
from s2kit.chips.output import ChipsOutput
from s2kit.chips.page import Legend
from s2kit.chips.record import DEFAULT_STRETCH, ChipStyle, safe_name
from s2kit.chips.request import ChipsRequest
from s2kit.chips.run import ChipsResult, PlannedSeries
from s2kit.picture.indices import find_index
from s2kit.picture.painter import value_range
from s2kit.picture.palettes import palette
from s2kit.product.kinds import kind_named
from s2kit.product.ref import ProductRef
from s2kit.run.wording import counted
from s2kit.store.cost import PRICE_LIST, size_text
from s2kit.store.cost import estimate as archive_cost
from s2kit.store.location import large_chunks

LIST_COLUMNS = ("datetime", "id", "tile", "overlap_pct", "cloud_pct", "completed_by", "state", "place")
"""What a table of planned chips shows."""
COLUMNS = ("datetime", "id", "tile", "valid_pct", "cloud_pct", "files", "place")
"""What a table of chips shows."""
_NBYTES_A_CHIP = 300_000
_REQUESTS_A_CHIP = 5
"""One band of a chip of 128 pixels from a 10 m file in a bucket, as measured: header, index and packets."""
_LEGEND_STEPS = 5


def planned_rows(planned: Sequence[PlannedSeries]) -> Iterator[dict[str, Any]]:
    """One row a chip, new or cached."""
    for series in planned:
        fresh = {choice.product.id for choice in series.fresh}
        for choice in series.choices:
            product = choice.product
            yield {
                "id": product.id,
                "datetime": f"{product.sensing:%Y-%m-%dT%H:%M:%SZ}",
                "level": product.level,
                "tile": product.tile,
                "baseline": product.baseline,
                "overlap_pct": round(100 * choice.share, 1),
                "cloud_pct": product.cloud_pct,
                "completed_by": [other.id for other in choice.companions],
                "state": "new" if product.id in fresh else "cached",
                "place": series.place.title,
                "geometry": {"type": "Point", "coordinates": [series.place.lon, series.place.lat]},
            }


def chip_rows(result: ChipsResult, output: ChipsOutput) -> Iterator[dict[str, Any]]:
    """One row a chip that was shown."""
    paths = iter(output.files)
    for series in result.series:
        for record in series.chips:
            row = record.to_json()
            row["files"] = [str(next(paths)) for _ in record.files]
            row["place"] = series.place.title
            if series.place.outline is not None:
                row["outline"] = mapping(series.place.outline)
            yield row


def estimate(request: ChipsRequest, planned: Sequence[PlannedSeries]) -> str:
    """How many chips a run would cut, and what reading them would take and cost at most."""
    fresh = [choice.product.ref for series in planned for choice in series.fresh]
    archives = [archive_read(ref, request.settings) for ref in fresh]
    images = len(request.recipe.bands) + 1  # SCL tells the clouds
    costs = [
        archive_cost(archive, images * _NBYTES_A_CHIP, images * _REQUESTS_A_CHIP, lists=1)
        for archive in archives
        if archive is not None
    ]
    chunks = _large_chunks(request, fresh)
    matched = sum(len(series.choices) for series in planned)
    match = f"{counted(matched, 'chip')} {'matches' if matched == 1 else 'match'}"
    text = f"{match}, {len(fresh)} of them new, {len(fresh) - len(costs)} of those on this machine"
    text += f"; {chunks}" if chunks else ""
    if not costs:
        return text
    usd, inside = sum(cost.usd for cost in costs), sum(cost.usd_in_region for cost in costs)
    price = f"at most {usd:.2f} USD, {inside:.2f} inside the region (prices of {PRICE_LIST})" if usd else "without cost"
    asked = f"{size_text(sum(cost.nbytes for cost in costs))} in {sum(cost.reads for cost in costs)} requests"
    return f"{text}; from archives about {asked}, {price}"


def _large_chunks(request: ChipsRequest, refs: Sequence[ProductRef]) -> str:
    """What there is to report of large chunks in products of Zarr; each is opened for it once."""
    texts = {ref.text: ref for ref in refs if kind_named(ref.text) is not None}
    products = [reopen(ref, request.settings) for ref in texts.values()]
    return large_chunks(
        product.location(entry)
        for product in products
        for entry in product.entries
        if entry.band in {*request.recipe.bands, "SCL"}
    )


def default_folder(request: ChipsRequest) -> Path:
    """`chips/PLACE_SIZE_BANDS` below the current folder, with whatever else was chosen; no two recipes share one."""
    recipe = request.recipe
    words = [
        f"lut_{recipe.stretch.text.replace('%', '')}"
        if recipe.is_stretched and recipe.stretch != DEFAULT_STRETCH
        else "",
        f"{recipe.res}m" if recipe.res else "",
        "" if recipe.resampling == "auto" else recipe.resampling,
        "" if recipe.mask is None else f"mask_{recipe.mask.text.replace(',', '_').replace('+', '_')}",
        "" if recipe.boa_offset == "auto" else f"offset_{recipe.boa_offset}",
    ]
    if len(request.places) == 1:
        start = recipe.slug(request.places[0])
    else:
        places = " ".join(f"{place.lon} {place.lat} {place.side_m}" for place in request.places)
        mark = f"{zlib.crc32(places.encode()):08x}"
        what = recipe.index_name or "_".join(recipe.bands)
        start = f"{len(request.places)}_places_{mark}_{'raw_' if recipe.raw else ''}{what}"
    return Path("chips") / safe_name("_".join([start, *filter(None, words)]).replace(".", "_"))


def legend_of(recipe: ChipStyle) -> Legend | None:
    """The legend of an index's colours."""
    if recipe.index is None:
        return None
    index = find_index(recipe.index)
    colours = palette(index.palette)[1::18]
    low, high = value_range(index, recipe.stretch)
    step = (high - low) / (_LEGEND_STEPS - 1)
    return Legend(
        f"{index.name.upper()}: {index.title}",
        [(int(red), int(green), int(blue)) for red, green, blue in colours],
        [f"{low + step * at:.2g}" for at in range(_LEGEND_STEPS)],
    )
