"""One function a verb: options in, a frozen result out.

Their options are those of the command line with underscores. `settings` is what `load_settings()` gives, by default
read from the same places as the command line reads it; `report` takes progress and notes as events.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar, Unpack, cast, get_type_hints

from s2kit.chips import ChipOptions, ChipsMade, ChipsRequest, make_chips
from s2kit.download import DownloadOptions, DownloadRequest, ProductResult
from s2kit.download.run import download as downloaded
from s2kit.errors import S2KitError, UsageError
from s2kit.pixels import PixelOptions, PixelOutcome, PixelsRequest
from s2kit.pixels.request import DEFAULT_NAME, file_names
from s2kit.pixels.run import dump
from s2kit.product.ref import Products, product_refs
from s2kit.render import Outcome, RenderOptions, RenderRequest
from s2kit.render.run import render as rendered
from s2kit.run.events import Report, silent
from s2kit.run.files import refuse_existing
from s2kit.run.options import Text, Texts, text
from s2kit.search import Search, SearchOptions, SearchRequest
from s2kit.settings import Loaded, at_work, in_use
from s2kit.stats import StatsOptions, StatsRequest, StatsRow, StatsRun

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class StatsResult:
    """Numbers of parcels."""

    rows: tuple[StatsRow, ...]
    """A row for each parcel, product and layer."""
    failures: Mapping[str, S2KitError]
    """Products that could not be read, by id."""

    def __iter__(self) -> Iterator[StatsRow]:
        """The rows."""
        return iter(self.rows)

    def records(self) -> list[dict[str, Any]]:
        """Flat rows, as `s2kit stats -f jsonl` prints them."""
        return [row.to_json() for row in self.rows]


def with_keywords_of(options: Any) -> Callable[[F], F]:
    """Give a function the keywords of its options: `help()` and notebooks show them, and any other is a `TypeError`."""

    def signed(function: F) -> F:
        own = inspect.signature(function)
        kept = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        names = [name for name in get_type_hints(options) if name not in own.parameters]
        more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
        known = [one.name for one in (*kept, *more)]

        @wraps(function)
        def checked(*values: Any, **given: Any) -> Any:
            for name in given:
                if name not in known:
                    near = get_close_matches(name, known, 1)
                    hint = f". Did you mean {near[0]!r}?" if near else ""
                    raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}{hint}")
            return function(*values, **given)

        checked.__signature__ = own.replace(parameters=[*kept, *more])  # type: ignore[attr-defined]
        checked.__doc__ = (
            f"{inspect.getdoc(function)}\n\nOptions:\n    {fill(', '.join(names), 100, subsequent_indent='    ')}\n"
        )
        return cast("F", checked)

    return signed


@with_keywords_of(SearchOptions)
def search(*, settings: Loaded | None = None, report: Report = silent, **options: Unpack[SearchOptions]) -> Search:
    """Find products; iterate over the result for records, then ask it for `tallies` and for the `problem`, if any.

    Args:
        settings: Where defaults come from.
        report: Takes notes and warnings.
        options: `aoi`, `bbox`, `point`, `tile`, `range`, `date`, `level`, `max_cloud`, `catalogue`, `limit` …: those of
            `s2kit search`.

    Raises:
        S2KitError: Options that cannot be used; what a catalogue fails with is in the result.
    """
    return Search(SearchRequest.parse(in_use(settings), report, **options), report)


@with_keywords_of(DownloadOptions)
def download(
    products: Products, *, settings: Loaded | None = None, report: Report = silent, **options: Unpack[DownloadOptions]
) -> tuple[ProductResult, ...]:
    """Download products as SAFE folders or zips, each file checked against ESA's manifest.

    Args:
        products: Names, addresses, or records of a search.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: `out`, `archive`, `bands`, `max_bytes` …: those of `s2kit download`.

    Returns:
        A result for each product; `error` is set if it failed, while the others go on.

    Raises:
        S2KitError: Options that cannot be used, or a destination that cannot be written.
    """
    loaded = in_use(settings)
    request = DownloadRequest.parse(loaded, **options)
    with at_work(loaded.settings):
        return tuple(downloaded(product_refs(products) or (), request, report))


@with_keywords_of(RenderOptions)
def render(
    products: Products = None,
    *,
    archive: str | None = None,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[RenderOptions],
) -> tuple[Outcome, ...]:
    """Make pictures or GeoTIFFs of products.

    Args:
        products: Paths, names, addresses, records of a search; None for all of the dataset folder.
        archive: Archive to read from.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: `bands`, `index`, `recipe`, `stretch`, `aoi`, `out` …: those of `s2kit render`.

    Returns:
        An outcome for each picture; `error` is set if it failed, while the others go on.

    Raises:
        S2KitError: Options that cannot be used.
    """
    chosen = in_use(settings).settings.given(archive=archive)
    whole: RenderOptions = {"cloud_classes": chosen.cloud_classes, "jobs": chosen.jobs, **options}
    request = RenderRequest.parse(products, report=report, **whole)
    with at_work(chosen):
        return tuple(rendered(request, chosen, report))


@with_keywords_of(ChipOptions)
def chips(
    products: Products = None,
    *,
    out: Text | None = None,
    overwrite: bool = False,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[ChipOptions],
) -> ChipsMade:
    """Cut a series of small pictures at each place, and write them with a page that shows them.

    Args:
        products: Products or folders of products; None for a search.
        out: Folder; None for `chips/PLACE_SIZE_BANDS` below the current folder.
        overwrite: True replaces chips of another place or recipe.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: `lon`, `lat`, `points`, `parcels`, `start`, `end`, `bands`, `chipsize` …: those of `s2kit chips`.

    Raises:
        S2KitError: Options that cannot be used, too many chips, or a folder that cannot be written.
    """
    request = ChipsRequest.parse(in_use(settings), report, products=products, **options)
    with at_work(request.settings):
        return make_chips(request, None if out is None else Path(out), overwrite=overwrite, report=report)


@with_keywords_of(StatsOptions)
def stats(
    products: Products = None,
    *,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[StatsOptions],
) -> StatsResult:
    """Count classes, bands and indices of parcels: a row for each parcel, product and layer.

    Args:
        products: Products or folders of products; None for a search.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: `parcels`, `points`, `pid`, `range`, `layer`, `index`, `mask_clouds` …: those of `s2kit stats`.

    Raises:
        S2KitError: Options that cannot be used.
    """
    request = StatsRequest.parse(in_use(settings), report, products=products, **options)
    run = StatsRun(request, report)
    with at_work(request.settings):
        rows = tuple(run.rows())
    return StatsResult(rows, dict(run.failures))


@with_keywords_of(PixelOptions)
def pixels(
    sources: Texts,
    *,
    out: Text,
    name: str = DEFAULT_NAME,
    overwrite: bool = False,
    settings: Loaded | None = None,
    report: Report = silent,
    **options: Unpack[PixelOptions],
) -> tuple[PixelOutcome, ...]:
    """Write the digital numbers of images to files; to have them in memory, see `OpenProduct.read`.

    Args:
        sources: Files, addresses, keys of an archive, or products with `band`.
        out: Folder of the files.
        name: Pattern of their names, of `{stem}`, `{parent}`, `{band}` and `{index}`.
        overwrite: True replaces files that exist.
        settings: Where defaults come from.
        report: Takes progress and notes.
        options: `band`, `res`, `rlevel`, `window`, `bbox`, `format` …: those of `s2kit pixels`.

    Returns:
        An outcome for each image; `error` is set if it failed, while the others go on.

    Raises:
        S2KitError: Options that cannot be used, or a file that exists.
    """
    loaded = in_use(settings)
    request = PixelsRequest.parse(loaded, report, sources=sources, **options)
    if options.get("request") == "-":
        raise UsageError("a request cannot come from stdin here", "name a file")
    paths = file_names(request.wishes, request.form, name, Path(text(out)))
    for path in () if overwrite else paths:
        refuse_existing(path)
    with at_work(loaded.settings):
        return tuple(dump(request, paths, report, overwrite=overwrite))
