"""Numbers of parcels as they were asked for, made into a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s2kit.area.aoi_files import read_aois
from s2kit.area.parcel import Parcel
from s2kit.chips.cache import Clear, remember_clear
from s2kit.chips.places import (
    WhereWords,
    WhichWords,
    cache_root,
    chosen_parcels,
    normal_level,
    parcel_place,
    products,
)
from s2kit.errors import InputError, UsageError
from s2kit.picture.indices import find_index
from s2kit.product.bands import normal_band
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.scl import CLEAR, parse_classes
from s2kit.run.events import Report
from s2kit.settings import Settings
from s2kit.stats.run import StatsRequest, StatsRun
from s2kit.stats.task import SCL, StatsRecipe

_REMEMBERED_PLACES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsWords:
    """The options of `stats`, as typed."""

    where: WhereWords
    which: WhichWords
    layers: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    mask_clouds: bool = False
    clear_classes: str | None = None
    digital_numbers: bool = False
    res: int | None = None
    boa_offset: str = "auto"
    needs_scl: bool = False
    needs_index: bool = False
    """True for a chart, which shows one index: NDVI where none is named."""


def recipe_of(words: StatsWords) -> StatsRecipe:
    """What is to be counted.

    Raises:
        InputError: No such layer, index or class.
        UsageError: Options that cannot stand together.
    """
    layers = [normal_band(part) for text in words.layers for part in text.replace("_", ",").split(",") if part.strip()]
    for layer in layers:
        if layer in {"TCI", "PVI"}:
            raise InputError(f"--layer {layer}: a picture has no numbers", "take SCL or bands")
    indices = [find_index(part).name for text in words.indices for part in text.split(",") if part.strip()]
    if words.needs_index and not indices:
        indices = ["ndvi"]
    if words.needs_index and len(indices) != 1:
        raise UsageError(f"a chart shows one index, not {', '.join(indices)}", "name one with --index")
    if words.needs_scl or not (layers or indices):
        layers = [SCL, *layers]
    if words.res is not None and words.res not in {10, 20, 60}:
        raise UsageError(f"--res {words.res}: there are 10, 20 and 60")
    parse_boa_offset(words.boa_offset)
    return StatsRecipe(
        layers=tuple(dict.fromkeys([*layers, *indices])),
        clear=parse_classes(words.clear_classes) if words.clear_classes else CLEAR,
        mask_clouds=words.mask_clouds,
        digital_numbers=words.digital_numbers,
        res=words.res,
        boa_offset=words.boa_offset,
    )


def understood_stats(
    words: StatsWords, settings: Settings, secrets: Mapping[str, str], jobs: int, report: Report
) -> StatsRun:
    """The counting that the words mean; products are looked up or searched, no pixel is read.

    Raises:
        S2KitError: As `chosen_parcels`, `products` and `recipe_of` say.
        InputError: Products were named and none of them shows a parcel.
    """
    recipe = recipe_of(words)
    level = normal_level(words.which.level, settings)
    if level == "L1C" and (SCL in recipe.layers or recipe.mask_clouds):
        raise InputError("L1C has no SCL", "scene classification comes with L2A: --level l2a, or name --layer B04")
    parcels = _areas(words.where, settings, report)
    found = products(words.which, [parcel.geometry.bounds for parcel in parcels], settings, secrets, report)
    if words.which.refs and not any(one.footprint.intersects(p.geometry) for one in found for p in parcels):
        raise InputError(
            f"none of the {len(found)} products shows any of the {len(parcels)} parcels in that time",
            "s2kit info PRODUCT tells a product's footprint",
        )
    request = StatsRequest(parcels=parcels, found=found, recipe=recipe, jobs=jobs, settings=settings)
    return StatsRun(request, report)


def _areas(where: WhereWords, settings: Settings, report: Report) -> tuple[Parcel, ...]:
    """Parcels of a parcel file, or the features of files of areas under their names."""
    if where.parcels is not None or not where.aoi:
        return chosen_parcels(where, settings, report)
    areas = read_aois(where.aoi, each_feature=True)
    for aoi in areas.aois:
        if not aoi.is_area:
            raise InputError(f"{aoi.name} is a {aoi.geometry.geom_type}", "numbers are counted in polygons")
    return tuple(Parcel(aoi.name, aoi.geometry) for aoi in areas.aois)


def keep_clear(settings: Settings, rows: Sequence[Mapping[str, Any]], parcels: Sequence[Parcel]) -> None:
    """Remember where products were found clear, so that `… -f ids | s2kit chips -` knows its place."""
    if settings.cache and len(parcels) <= _REMEMBERED_PLACES:
        places = [parcel_place(parcel).to_json() for parcel in parcels]
        sources = {str(row["id"]): str(row["source"]) for row in rows}
        remember_clear(cache_root(settings), Clear(sources, tuple(places)))
