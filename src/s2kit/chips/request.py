"""What chips to cut: the request, and how it is made of options."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self, Unpack

from s2kit.area.dates import DateRange
from s2kit.chips.grid import DEFAULT_SIZE_M, ChipSize, check_size
from s2kit.chips.legacy import Batch, read_batch
from s2kit.chips.places import WhereOptions, WhichOptions, cache_root, normal_level, places, time_ranges
from s2kit.chips.places import products as found_products
from s2kit.chips.record import DEFAULT_STRETCH, ChipSite, ChipStyle
from s2kit.chips.selection import Candidate
from s2kit.errors import InputError, S2KitError, UsageError
from s2kit.picture.clouds import Mask
from s2kit.picture.composites import allowed_resolution
from s2kit.picture.indices import Index, find_index
from s2kit.picture.read import RESAMPLINGS
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.bands import band_words, native_resolution, normal_band
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import Products, product_refs
from s2kit.run.choices import one_of
from s2kit.run.events import Report, silent
from s2kit.run.options import Text, Texts, texts
from s2kit.settings import Loaded, Settings

DEFAULT_BANDS = "B08,B04,B03"
LIMIT = 24
"""Most new chips of one series, as in the legacy chip service."""
BATCH_LIMIT = 36
"""Most new chips of a batch, products times bands."""
_METRES_A_DEGREE = 111_320.0


class ChipOptions(WhereOptions, WhichOptions, total=False):
    """What `chips` takes, by the names of the options of `s2kit chips`; None means not given."""

    bands: Texts
    """One or three bands, or any number of raw ones."""
    stretch: str | None
    """Percentiles `5_95`, or limits `0:0.3` (reflectance), `0:3000dn` (stored numbers)."""
    res: int | None
    """10, 20, 30 or 60 metres."""
    index: str | None
    """Draw this index in colours."""
    chipsize: float | None
    """Side in metres; 1280 by default."""
    size_px: int | None
    """Side in pixels of the first band."""
    force: bool
    """True allows chips above 5120 m."""
    raw: bool
    """True gives GeoTIFFs at full resolution, one a band."""
    resampling: str
    mask: str | None
    """Scene classes that become no data, `3,8,9,10`."""
    mask_clouds: bool
    """True for those of the setting `cloud_classes`."""
    dilate: float | None
    """Metres around masked pixels."""
    boa_offset: str
    """`auto`, `applied`, `needed` or a number: offset of GeoTIFFs from baseline 04.00 on."""
    limit: int | None
    """Most new chips of a place; 24 by default, 0 for no limit."""
    max_cloud_chip: float | None
    """Leave out chips with more cloud than this by SCL, in percent."""
    batch: Text | None
    """File with a JSON body as the legacy service took it."""
    jobs: int | None
    """Worker processes; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipsRequest:
    """What to cut."""

    places: tuple[ChipSite, ...]
    recipe: ChipStyle
    found: tuple[Candidate, ...]
    """Products to choose from."""
    unusable: Mapping[str, S2KitError] = field(default_factory=dict, hash=False)
    """What is wrong with named products that cannot be used, by name."""
    named: bool = False
    """True if these products were named, not searched."""
    ranges: tuple[DateRange, ...] = ()
    """The window: chips that were cut before are shown if they lie in it. Empty for any time."""
    level: str | None = None
    """`L1C` or `L2A`; None for both."""
    limit: int | None = LIMIT
    max_cloud_chip_pct: float | None = None
    """Leave out chips with more cloud than this by SCL."""
    names_bands: bool = False
    """True if the list of raw chips has the band behind each date even if there is one only, as batches have it."""
    cache_dir: Path
    jobs: int = 0
    settings: Settings

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        products: Products = None,
        **options: Unpack[ChipOptions],
    ) -> Self:
        """The request that options mean; products are looked up or searched, none is cut.

        Args:
            loaded: The settings, for everything that is not given.
            report: Takes notes.
            products: Products or folders of products; None for a search.
            options: See `ChipOptions`.

        Raises:
            S2KitError: As `places`, `found_products`, `parse_style` and `read_batch` say.
        """
        settings = loaded.settings.given(archive=options.get("archive"), jobs=options.get("jobs"))
        loaded = replace(loaded, settings=settings)
        refs = product_refs(products)
        file = options.get("batch")
        batch = read_batch(Path(file)) if file is not None else None
        if batch is not None:
            refs = batch.refs
            options |= {"raw": True, "bands": ",".join(batch.bands), "chipsize": batch.size_m}
        mask = Mask.parse(
            options.get("mask"),
            mask_clouds=options.get("mask_clouds", False),
            dilate_m=options.get("dilate"),
            cloud_classes=settings.cloud_classes,
        )
        style = replace(parse_style(options), mask=mask)
        where = (batch.place,) if batch else places(options, refs or (), settings, report)
        side_m = style.size.side_m(style.res or native_resolution(style.bands[0]))
        level = normal_level(options.get("level"), settings)
        boxes = [square_box(place, side_m) for place in where]
        unusable: dict[str, S2KitError] = {}
        return cls(
            places=where,
            recipe=style,
            found=found_products(options, refs, boxes, loaded, report, unusable),
            unusable=unusable,
            named=bool(refs),
            ranges=time_ranges(options),
            level=level if options.get("level") or refs is None else None,
            limit=_limit(options.get("limit"), batch),
            max_cloud_chip_pct=options.get("max_cloud_chip"),
            names_bands=batch is not None,
            cache_dir=cache_root(settings),
            jobs=settings.jobs,
            settings=settings,
        )


def parse_style(options: ChipOptions) -> ChipStyle:
    """How the chips look.

    Raises:
        InputError: Bands, a scale, a size or an offset that cannot be used.
        UsageError: Options that exclude each other.
    """
    chosen, raw, text = options.get("index"), options.get("raw", False), options.get("stretch")
    bands_given = texts(options.get("bands"))
    if chosen is not None and bands_given:
        raise UsageError("--index and --bands exclude one another", "an index names its own bands")
    if options.get("chipsize") is not None and options.get("size_px") is not None:
        raise UsageError("--chipsize and --size-px exclude one another", "metres or pixels, not both")
    resampling = one_of("resampling", options.get("resampling", "auto"), RESAMPLINGS)
    boa_offset = options.get("boa_offset", "auto")
    parse_boa_offset(boa_offset)
    size_px = options.get("size_px")
    size = ChipSize(px=size_px) if size_px else ChipSize(metres=options.get("chipsize") or DEFAULT_SIZE_M)
    check_size(size, force=options.get("force", False))
    index = find_index(chosen) if chosen else None
    bands = index.bands if index else parse_bands(",".join(bands_given) or DEFAULT_BANDS, raw=raw)
    return ChipStyle(
        bands=bands,
        size=size,
        stretch=_stretch(text, bands, index, raw=raw),
        res=allowed_resolution(options.get("res")),
        index=index.spec if index else None,
        raw=raw,
        resampling=resampling,
        boa_offset=boa_offset,
    )


def parse_bands(text: str, *, raw: bool) -> tuple[str, ...]:
    """Bands as `B08,B04,B03` or `B08_B04_B03`: one or three for a picture, any number of raw ones.

    Raises:
        InputError: No such band, TCI or PVI, or another number.
    """
    bands = tuple(dict.fromkeys(normal_band(part) for part in band_words(text)))
    if not bands:
        raise InputError(f"--bands {text!r} names no band")
    for band in bands:
        if band in {"TCI", "PVI"} or (band == "SCL" and not raw):
            raise InputError(f"--bands {text!r}: {band} is not cut into pictures", "take bands, or --raw --bands SCL")
    if not raw and len(bands) not in {1, 3}:
        raise InputError(f"--bands {text!r} names {len(bands)} bands; a picture has 1 or 3", "--raw takes any number")
    return bands


def _stretch(text: str | None, bands: tuple[str, ...], index: Index | None, *, raw: bool) -> Stretch:
    """How values become bytes; of an own formula, limits set the range of its colours."""
    if text is None or raw:
        return DEFAULT_STRETCH
    stretch = parse_stretch(text)
    if index is None:
        stretch.check_bands("-".join(bands), bands)
    return stretch


def _limit(limit: int | None, batch: Batch | None) -> int | None:
    if limit is not None:
        return limit or None
    return BATCH_LIMIT // len(batch.bands) if batch else LIMIT


def square_box(place: ChipSite, side_m: float) -> tuple[float, float, float, float]:
    """A chip's square as a box in lon/lat, near enough for a search."""
    half = (place.side_m or side_m) / 2 / _METRES_A_DEGREE
    wide = half / max(0.02, math.cos(math.radians(place.lat)))
    return (
        max(-180.0, place.lon - wide),
        max(-90.0, place.lat - half),
        min(180.0, place.lon + wide),
        min(90.0, place.lat + half),
    )
