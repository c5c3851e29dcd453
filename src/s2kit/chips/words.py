"""A series of chips as it was typed, made into a request."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from s2kit.chips.grid import DEFAULT_SIZE_M, ChipSize, check_size
from s2kit.chips.places import (
    WhereWords,
    WhichWords,
    cache_root,
    normal_level,
    places,
    products,
    time_ranges,
)
from s2kit.chips.record import ChipSite, ChipStyle, point_place
from s2kit.chips.run import BATCH_LIMIT, LIMIT, ChipsRequest, native_resolution
from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.picture.indices import find_index
from s2kit.picture.lut import Lut, parse_lut
from s2kit.product.bands import normal_band
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import ProductRef
from s2kit.run.events import Report
from s2kit.settings import Settings

DEFAULT_BANDS = "B08,B04,B03"
RESAMPLINGS = ("nearest", "bilinear", "average", "cubic")
BATCH_KEYS = ("lon", "lat", "tiles", "bands", "chipsize")
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipWords:
    """The options of `chips`, as typed."""

    where: WhereWords
    which: WhichWords
    bands: str | None = None
    lut: str | None = None
    res: int | None = None
    index: str | None = None
    chipsize_m: float | None = None
    size_px: int | None = None
    force: bool = False
    raw: bool = False
    resampling: str = "nearest"
    boa_offset: str = "auto"
    limit: int | None = None
    """0 for no limit; None for the usual."""
    max_cloud_chip_pct: float | None = None
    batch: Path | None = None
    use_cache: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """The body of the older service's batch request."""

    place: ChipSite
    refs: tuple[ProductRef, ...]
    bands: tuple[str, ...]
    size_m: float


@dataclass(frozen=True, slots=True)
class UnderstoodChips:
    """A request, and what the command line needs to know of it."""

    request: ChipsRequest
    named: bool
    """True where products were named, not searched."""
    batch: bool = False


def recipe_of(words: ChipWords) -> ChipStyle:
    """How the chips shall look.

    Raises:
        InputError: Bands, a scale, a size or an offset that are none.
        UsageError: Options that cannot stand together.
    """
    if words.index is not None and words.bands is not None:
        raise UsageError("--index and --bands exclude one another", "an index names its own bands")
    if words.resampling not in RESAMPLINGS:
        raise UsageError(f"--resampling {words.resampling}: there are {', '.join(RESAMPLINGS)}")
    if words.chipsize_m is not None and words.size_px is not None:
        raise UsageError("--chipsize and --size-px exclude one another", "metres or pixels, not both")
    if words.res is not None and words.res not in {10, 20, 60}:
        raise UsageError(f"--res {words.res}: there are 10, 20 and 60")
    parse_boa_offset(words.boa_offset)
    size = ChipSize(px=words.size_px) if words.size_px else ChipSize(metres=words.chipsize_m or DEFAULT_SIZE_M)
    check_size(size, force=words.force)
    index = find_index(words.index) if words.index else None
    bands = index.bands if index else parse_bands(words.bands or DEFAULT_BANDS, raw=words.raw)
    lut = Lut()
    if words.lut is not None and not (words.raw or index):
        lut = parse_stretch_or_lut(words.lut, len(bands))
    return ChipStyle(
        bands=bands,
        size=size,
        lut=lut,
        res=words.res,
        index=index.name if index else None,
        raw=words.raw,
        resampling=words.resampling,
        boa_offset=words.boa_offset,
    )


def parse_bands(text: str, *, raw: bool) -> tuple[str, ...]:
    """Bands as `B08,B04,B03` or `B08_B04_B03`: one or three for a picture, any number of raw ones.

    Raises:
        InputError: No such band, TCI or PVI, or another number.
    """
    bands = tuple(dict.fromkeys(normal_band(part) for part in text.replace("_", ",").split(",") if part.strip()))
    if not bands:
        raise InputError(f"--bands {text!r} names no band")
    for band in bands:
        if band in {"TCI", "PVI"} or (band == "SCL" and not raw):
            raise InputError(f"--bands {text!r}: {band} is not cut into pictures", "take bands, or --raw --bands SCL")
    if not raw and len(bands) not in {1, 3}:
        raise InputError(f"--bands {text!r} names {len(bands)} bands; a picture has 1 or 3", "--raw takes any number")
    return bands


def parse_stretch_or_lut(text: str, bands: int) -> Lut:
    """The scale in the older service's form (`5_95`) or in that of `render` (`5:95%`, `0:0.3`, `0:3000dn`).

    Raises:
        InputError: Neither.
    """
    if ":" not in text:
        return parse_lut(text, bands)
    pairs = [part.strip() for part in text.split(",")]
    if all(pair.endswith("%") for pair in pairs):
        if len(pairs) != 1:
            raise InputError(f"stretch {text!r}: one pair of percentiles serves all bands", "as in 5:95%")
        return parse_lut(pairs[0].removesuffix("%").replace(":", "_"), bands)
    factor = 1.0 if all(pair.endswith("dn") for pair in pairs) else 10_000.0
    try:
        numbers = [float(word) * factor for pair in pairs for word in pair.removesuffix("dn").split(":")]
    except ValueError as error:
        raise InputError(f"stretch {text!r} is not made of numbers", "as in 5:95%, 0:0.3 or 0:3000dn") from error
    if len(numbers) == 2:
        numbers *= bands
    if len(numbers) != 2 * bands:
        raise InputError(f"stretch {text!r} has {len(numbers)} numbers; it needs 2 or {2 * bands}", "as in 0:0.3")
    limits = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if any(low >= high for low, high in limits):
        raise InputError(f"stretch {text!r}: a low is not below its high")
    return Lut(None, limits)


def read_batch(path: Path) -> Batch:
    """A batch as the older service took it: exactly `lon`, `lat`, `tiles`, `bands`, `chipsize`.

    Raises:
        NotFoundError: No such file.
        InputError: Other keys, or values that are none.
    """
    try:
        body = json.loads(path.read_bytes())
    except OSError as error:
        raise NotFoundError(f"batch {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"batch {path} is not JSON: {error}") from error
    if not isinstance(body, dict) or set(body) != set(BATCH_KEYS):
        has = ", ".join(body) if isinstance(body, dict) else "no keys at all"
        raise InputError(f"batch {path} has {has}", f"it has exactly the keys {', '.join(BATCH_KEYS)}")
    lists = {key: body[key] for key in ("tiles", "bands")}
    for key, value in lists.items():
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise InputError(f"batch {path}: {key} is no list of names")
    numbers = []
    for key in ("lon", "lat", "chipsize"):
        try:
            numbers.append(float(body[key]))
        except (TypeError, ValueError) as error:
            raise InputError(f"batch {path}: {key} is no number") from error
    lon, lat, size_m = numbers
    return Batch(
        point_place(lon, lat),
        tuple(ProductRef(tile.removesuffix(".SAFE")) for tile in lists["tiles"]),
        tuple(dict.fromkeys(normal_band(band) for band in lists["bands"])),
        size_m,
    )


def understood_chips(
    words: ChipWords, settings: Settings, secrets: Mapping[str, str], jobs: int, report: Report
) -> UnderstoodChips:
    """The request that the words mean; products are looked up or searched, none is cut.

    Raises:
        S2KitError: As `places`, `products`, `recipe_of` and `read_batch` say.
    """
    batch = read_batch(words.batch) if words.batch else None
    if batch is not None:
        words = replace(
            words,
            raw=True,
            bands=",".join(batch.bands),
            chipsize_m=batch.size_m,
            which=replace(words.which, refs=batch.refs),
        )
    recipe = recipe_of(words)
    where = (batch.place,) if batch else places(words.where, words.which.refs, settings, report)
    side_m = recipe.size.side_m(recipe.res or native_resolution(recipe.bands[0]))
    found = products(words.which, [square_box(place, side_m) for place in where], settings, secrets, report)
    level = normal_level(words.which.level, settings)
    request = ChipsRequest(
        places=where,
        recipe=recipe,
        found=found,
        ranges=time_ranges(words.which),
        level=level if words.which.level or not words.which.refs else None,
        limit=_limit(words.limit, batch),
        max_cloud_chip_pct=words.max_cloud_chip_pct,
        cache_dir=cache_root(settings),
        jobs=jobs,
        settings=settings,
    )
    return UnderstoodChips(request, named=bool(words.which.refs), batch=batch is not None)


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
