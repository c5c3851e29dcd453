"""What to count in parcels: the request, and how it is made of options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, Unpack

from shapely import Point
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import clean
from s2kit.area.parcel import Parcel
from s2kit.area.projection import LON_LAT, project, project_point
from s2kit.chips.cache import Clear, remember_clear
from s2kit.chips.grid import utm_epsg
from s2kit.chips.places import (
    WhereOptions,
    WhichOptions,
    cache_root,
    chosen_parcels,
    normal_level,
    parcel_place,
    places,
    refuse_no_overlap,
)
from s2kit.chips.places import products as found_products
from s2kit.chips.selection import Candidate
from s2kit.errors import DiskError, InputError, OutputError, S2KitError, UsageError
from s2kit.picture.clouds import Mask
from s2kit.picture.composites import allowed_resolution
from s2kit.picture.indices import find_index
from s2kit.product.bands import band_words, normal_band
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import Products, product_refs
from s2kit.product.scl import CLEAR, parse_classes
from s2kit.run.events import Note, Report, silent
from s2kit.run.options import Texts, words
from s2kit.settings import Loaded, Settings
from s2kit.stats.task import SCL, StatsRecipe

_REMEMBERED_PLACES = 1000
BUFFER_M = 10.0
"""Radius around a point in metres, if none is given."""


class StatsOptions(WhereOptions, WhichOptions, total=False):
    """What `stats` takes, by the names of the options of `s2kit stats`; None means not given."""

    layer: Texts
    """SCL and bands to count; SCL if neither these nor indices are named."""
    index: Texts
    """Indices to count."""
    mask_clouds: bool
    """True leaves pixels that are not clear (see `clear_classes`) out of bands and indices."""
    mask: str | None
    """Scene classes that are left out of bands and indices, `3,8,9,10`."""
    dilate: float | None
    """Metres around masked pixels that are left out too."""
    clear_classes: str | None
    """SCL classes that count as clear, `4,5,6`."""
    buffer: float | None
    """Metres around points that are counted; 10 by default."""
    dn: bool
    """True gives bands as stored in the file, not as reflectance."""
    res: int | None
    """10, 20, 30 or 60 metres."""
    boa_offset: str
    """`auto`, `applied`, `needed` or a number: offset of GeoTIFFs from baseline 04.00 on."""
    jobs: int | None
    """Worker processes; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsRequest:
    """What to count."""

    parcels: tuple[Parcel, ...]
    found: tuple[Candidate, ...]
    unusable: Mapping[str, S2KitError] = field(default_factory=dict, hash=False)
    """What is wrong with named products that cannot be used, by name."""
    recipe: StatsRecipe
    jobs: int = 0
    settings: Settings

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        products: Products = None,
        needs_scl: bool = False,
        needs_index: bool = False,
        **options: Unpack[StatsOptions],
    ) -> Self:
        """The request that options mean; products are looked up or searched, no pixel is read.

        Args:
            loaded: The settings, for everything that is not given.
            report: Takes notes.
            products: Products or folders of products; None for a search.
            needs_scl: True counts SCL in any case.
            needs_index: True for a chart, which shows one index: NDVI if none is named.
            options: See `StatsOptions`.

        Raises:
            S2KitError: As `chosen_parcels`, `products` and `parse_recipe` say.
            InputError: Products were named and none of them shows a parcel.
        """
        settings = loaded.settings.given(archive=options.get("archive"), jobs=options.get("jobs"))
        loaded = replace(loaded, settings=settings)
        refs = product_refs(products)
        recipe = parse_recipe(options, needs_scl=needs_scl, needs_index=needs_index)
        level = normal_level(options.get("level"), settings)
        if level == "L1C" and SCL in recipe.layers:
            raise InputError("L1C has no SCL", "scene classification comes with L2A: --level l2a, or name --layer B04")
        parcels = _areas(options, settings, report)
        unusable: dict[str, S2KitError] = {}
        boxes = [parcel.geometry.bounds for parcel in parcels]
        found = found_products(options, refs, boxes, loaded, report, unusable)
        shown = any(one.footprint.intersects(p.geometry) for one in found for p in parcels)
        if refs and not shown and not unusable:
            kind = "place" if options.get("parcels") is None else "parcel"
            refuse_no_overlap(found, f"the {kind}" if len(parcels) == 1 else f"any of the {len(parcels)} {kind}s")
        return cls(
            parcels=parcels, found=found, unusable=unusable, recipe=recipe, jobs=settings.jobs, settings=settings
        )


def parse_recipe(options: StatsOptions, *, needs_scl: bool = False, needs_index: bool = False) -> StatsRecipe:
    """What is to be counted.

    Raises:
        InputError: No such layer, index or class.
        UsageError: Options that exclude each other.
    """
    layers = [normal_band(part) for one in words(options.get("layer")) for part in band_words(one)]
    for layer in layers:
        if layer in {"TCI", "PVI"}:
            raise InputError(f"--layer {layer}: a picture has no numbers", "use SCL or bands")
    indices = [find_index(name).spec for name in words(options.get("index"))]
    if needs_index and not indices:
        indices = ["ndvi"]
    if needs_index and len(indices) != 1:
        raise UsageError(f"a chart shows one index, not {', '.join(indices)}", "name one with --index")
    named = tuple(layers)
    if needs_scl or not (layers or indices):
        layers = [SCL, *layers]
    boa_offset, clear = options.get("boa_offset", "auto"), options.get("clear_classes")
    parse_boa_offset(boa_offset)
    classes = parse_classes(clear) if clear else CLEAR
    return StatsRecipe(
        layers=tuple(dict.fromkeys([*layers, *indices])),
        clear=classes,
        mask=_mask(options, classes),
        digital_numbers=options.get("dn", False),
        res=allowed_resolution(options.get("res")),
        boa_offset=boa_offset,
        any_classes=needs_scl and SCL not in named,
    )


def _mask(options: StatsOptions, clear: frozenset[int]) -> Mask | None:
    """What is left out: `--mask-clouds` leaves only classes that count as clear."""
    unclear = ",".join(str(code) for code in sorted(Mask.all_but(clear).classes))
    return Mask.parse(
        options.get("mask"),
        mask_clouds=options.get("mask_clouds", False),
        dilate_m=options.get("dilate"),
        cloud_classes=unclear,
    )


def _areas(options: StatsOptions, settings: Settings, report: Report) -> tuple[Parcel, ...]:
    """Parcels of a parcel file, else points with a buffer, and the features of files of areas under their names.

    Whatever its buffer, a point stands for at least the pixel that it lies in.
    """
    if options.get("parcels") is not None:
        return chosen_parcels(options, settings, report)
    sites = places(options, (), settings, report)
    radius_m = options.get("buffer") or BUFFER_M
    return tuple(
        Parcel(site.name, site.outline or _around(site.lon, site.lat, radius_m), is_point=site.outline is None)
        for site in sites
    )


def _around(lon: float, lat: float, radius_m: float) -> BaseGeometry:
    """A circle around a point, in lon/lat."""
    epsg = utm_epsg(lon, lat)
    centre = Point(*project_point(lon, lat, LON_LAT, epsg))
    return clean(project(centre.buffer(radius_m), epsg, LON_LAT), "the buffer").geometry


def keep_clear(
    settings: Settings, rows: Sequence[Mapping[str, Any]], parcels: Sequence[Parcel], report: Report = silent
) -> None:
    """Remember where products were found clear, so that `… -f ids | s2kit chips -` knows its place."""
    if settings.cache and len(parcels) <= _REMEMBERED_PLACES:
        places = [parcel_place(parcel).to_json() for parcel in parcels]
        sources = {str(row["id"]): str(row["source"]) for row in rows}
        try:
            remember_clear(cache_root(settings), Clear(sources, tuple(places)))
        except (DiskError, OutputError) as error:
            report(Note(f"what is clear is not remembered for the next verb: {error}", warning=True))
