"""`s2kit download`: proven SAFE folders out of the archives."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import session
from s2kit.cli.options import ArchiveName, Bands, DryRun, FailIfEmpty, Format, Jobs, Out, OutputFile, Products

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s2kit.cli.context import Session
    from s2kit.download import DownloadRequest, ProductResult

_COLUMNS = ("product", "status", "archive", "verified", "absent", "skipped", "moved", "seconds", "path")
_PLAN_COLUMNS = ("product", "archive", "files", "nbytes", "there", "requests", "usd", "usd_in_region", "price_list")

Globs = list[str] | None
Include = Annotated[
    Globs, typer.Option("--include", metavar="GLOB", help="Only files of the SAFE that match; may be repeated.")
]
Exclude = Annotated[Globs, typer.Option("--exclude", metavar="GLOB", help="No files that match; may be repeated.")]
CompleteFrom = Annotated[
    str | None, typer.Option("--complete-from", metavar="ARCHIVE", help="Take from here what the archive never had.")
]
AsZip = Annotated[bool, typer.Option("--zip", help="Make NAME.zip of each product, its members proven again.")]
KeepFolder = Annotated[bool, typer.Option("--keep-folder", help="Keep the folder beside the zip.")]
LayoutName = Annotated[
    str, typer.Option("--layout", metavar="flat|seed", help="seed: START_END/AOI/original/NAME.SAFE.")
]
MaxBytes = Annotated[
    str | None, typer.Option("--max-bytes", "--max-size", metavar="20GB", help="Do not start if it is more than this.")
]
MinFree = Annotated[str | None, typer.Option("--min-free", metavar="10GB", help="Disk space that must stay free.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="S", min=1, help="Seconds for the whole run.")]
Wait = Annotated[
    float, typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for another run at the destination.")
]
Form = Annotated[Format | None, typer.Option("--format", "-f", help="What stdout carries: by default finished paths.")]


def download(
    products: Products = None,
    archive: ArchiveName = None,
    out: Out = None,
    bands: Bands = None,
    include: Include = None,
    exclude: Exclude = None,
    complete_from: CompleteFrom = None,
    as_zip: AsZip = False,
    keep_folder: KeepFolder = False,
    layout: LayoutName = "flat",
    max_bytes: MaxBytes = None,
    min_free: MinFree = None,
    timeout: Timeout = None,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    form: Form = None,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
    jobs: Jobs = None,
) -> None:
    """Fetch products as SAFE folders or zips, every file proven by the checksum of ESA's manifest, and resumable."""
    from s2kit.cli.inputs import product_refs

    with session("download", archive=archive, max_bytes=max_bytes, min_free=min_free, jobs=jobs) as run:
        refs = product_refs(products)
        request = _request(
            run,
            out=out,
            subset=(bands or (), include or (), exclude or ()),
            complete_from=complete_from,
            as_zip=as_zip,
            keep_folder=keep_folder,
            arrangement=layout,
            timeout_s=timeout,
            wait_s=wait,
        )
        _check_words(products, form)
        run.items = len(refs)
        (_say_plans if dry_run else _fetch)(run, refs, request, form, output)
        run.close(empty=not refs, fail_if_empty=fail_if_empty)


def _check_words(products: list[str] | None, form: Format | None) -> None:
    from s2kit.errors import UsageError

    if not products:
        raise UsageError("name a product", "s2kit download NAME, or s2kit search -f ids … | s2kit download -")
    if form is Format.GEOJSON:
        raise UsageError("download has no geometry to print", "use -f jsonl or -f json")


def _request(run: "Session", *, out: str | None, subset: Any, arrangement: str, **options: Any) -> "DownloadRequest":
    from s2kit.download.plan import Arrangement, DownloadRequest
    from s2kit.download.run import with_dataset
    from s2kit.errors import UsageError
    from s2kit.product.subset import Subset
    from s2kit.store.cost import parse_size

    settings = run.settings
    if arrangement not in set(Arrangement):
        raise UsageError(f"--layout {arrangement!r} is not known", "there are flat and seed")
    place = out or settings.destination or str(settings.dataset)
    return DownloadRequest(
        out=place,
        archives=with_dataset(settings.archives, settings.dataset, place),
        archive=settings.archive,
        allow_requester_pays=settings.allow_requester_pays,
        subset=Subset.parse(*subset),
        arrangement=Arrangement(arrangement),
        max_bytes=parse_size(settings.max_bytes),
        min_free=parse_size(settings.min_free) or 0,
        stall_s=settings.timeout_s,
        products_at_once=settings.jobs or 2,
        **options,
    )


def _fetch(run: "Session", refs: Any, request: "DownloadRequest", form: Format | None, output: Any) -> None:
    import time

    from s2kit.cli.output import emit
    from s2kit.download.run import download, summary
    from s2kit.run.events import Note

    started = time.monotonic()
    results: list[ProductResult] = []
    form = form or Format.IDS
    done = _noted(run, download(refs, request, run.report), results)
    records = _results(done, form)
    emit(records, form, _COLUMNS, command="download", id_key="path", output=output)
    text = summary(results, time.monotonic() - started)
    run.result["summary"] = text
    run.report(Note(f"download: {text}"))


def _noted(
    run: "Session", results: "Iterable[ProductResult]", kept: "list[ProductResult]"
) -> "Iterator[ProductResult]":
    for result in results:
        kept.append(result)
        if result.error is not None:
            run.fail(result.product, result.error)
        yield result


def _results(results: "Iterable[ProductResult]", form: Format) -> "Iterator[Mapping[str, Any]]":
    for result in results:
        if form is Format.JSONL:
            yield from (file.record(result.product) for file in result.files)
            yield {**result.record(), "path": None, "place": result.path, "state": str(result.status)}
        elif form is Format.JSON:
            yield {**result.record(), "files": [file.record(result.product) for file in result.files]}
        elif form is not Format.IDS or result.error is None:
            yield result.record()


def _say_plans(run: "Session", refs: Any, request: "DownloadRequest", form: Format | None, output: Any) -> None:
    from s2kit.cli.output import emit
    from s2kit.download import Plan, plan_downloads
    from s2kit.run.events import Note
    from s2kit.store.cost import PRICE_LIST, size_text

    plans: list[Plan] = []

    def records() -> "Iterator[Mapping[str, Any]]":
        for found in plan_downloads(refs, request):
            if isinstance(found, Plan):
                plans.append(found)
                yield found.record()
            elif found.error is not None:
                run.fail(found.product, found.error)
            else:
                yield {"product": found.product, "archive": "", "files": 0, "nbytes": 0, "path": found.path}

    emit(records(), form or Format.TABLE, _PLAN_COLUMNS, command="download", id_key="product", output=output)
    nbytes, usd = sum(plan.nbytes for plan in plans), sum(plan.estimate.usd for plan in plans)
    cost = f", about {usd:.2f} USD (prices of {PRICE_LIST}; no egress inside the region)" if usd else ""
    run.report(Note(f"download: {len(plans)} products, {size_text(nbytes)}{cost}"))
