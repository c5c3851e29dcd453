"""`s2kit download`: complete SAFE folders from the archives."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import session
from s2kit.cli.options import (
    ArchiveName,
    DryRun,
    FailIfEmpty,
    Format,
    Jobs,
    OutputFile,
    PathFormat,
    Products,
    chosen_format,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s2kit.cli.context import Session
    from s2kit.download import DownloadRequest, ProductResult
    from s2kit.product.ref import ProductRef

_COLUMNS = ("product", "status", "archive", "verified", "absent", "skipped", "moved", "seconds", "path")
_PLAN_COLUMNS = ("product", "archive", "files", "nbytes", "there", "requests", "usd", "usd_in_region", "price_list")

Globs = list[str] | None
Include = Annotated[
    Globs,
    typer.Option("--include", metavar="GLOB", help="Only files whose path in the product matches; may be repeated."),
]
Exclude = Annotated[
    Globs, typer.Option("--exclude", metavar="GLOB", help="No files whose path matches; may be repeated.")
]
OnlyBands = Annotated[
    Globs,
    typer.Option(
        "--bands", metavar="B04,SCL[@RES]", help="Only the images of these bands and layers; may be repeated."
    ),
]
Destination = Annotated[
    str | None,
    typer.Option(
        "--out", metavar="DIR|s3://…", help="Destination; by default that of the settings: the dataset folder."
    ),
]
Assets = Annotated[
    Globs,
    typer.Option(
        "--assets", metavar="KEYS", help="Of STAC items of other collections only these assets: red,nir08,qa_pixel."
    ),
]
CompleteFrom = Annotated[
    str | None,
    typer.Option(
        "--complete-from", metavar="ARCHIVE", help="Take files that the archive does not have from this archive."
    ),
]
CheckAgainst = Annotated[
    str | None,
    typer.Option(
        "--check-against",
        metavar="CATALOGUE",
        help="Compare the manifest with the checksum that this catalogue lists: cdse.",
    ),
]
AsZip = Annotated[bool, typer.Option("--zip", help="Make NAME.zip of each product, and check its members again.")]
KeepFolder = Annotated[bool, typer.Option("--keep-folder", help="Keep the folder beside the zip.")]
LayoutName = Annotated[
    str,
    typer.Option(
        "--layout", metavar="flat|seed", help="Folders: flat, or seed: START_END / AOI / original / NAME.SAFE."
    ),
]
MaxBytes = Annotated[
    str | None,
    typer.Option(
        "--max-bytes", "--max-size", metavar="20GB", help="Do not start if more than this would be downloaded."
    ),
]
MinFree = Annotated[
    str | None,
    typer.Option(
        "--min-free", metavar="10GB", help="Disk space that must stay free; by default that of the settings: 1GB."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=1, help="Time limit of the whole run; by default none."),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for another run at the same destination."),
]


def download(
    products: Products = None,
    archive: ArchiveName = None,
    out: Destination = None,
    bands: OnlyBands = None,
    include: Include = None,
    exclude: Exclude = None,
    assets: Assets = None,
    complete_from: CompleteFrom = None,
    check_against: CheckAgainst = None,
    as_zip: AsZip = False,
    keep_folder: KeepFolder = False,
    layout: LayoutName = "flat",
    max_bytes: MaxBytes = None,
    min_free: MinFree = None,
    timeout: Timeout = None,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    form: PathFormat = None,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
    jobs: Jobs = None,
) -> None:
    """Download products, checked against ESA's manifest.

    Each becomes a SAFE folder or a zip. A run that was interrupted resumes; what is there already is not fetched again.

    s2kit search --tile 31TCJ --date 2020-01 -f ids | s2kit download -
    """
    form = chosen_format(form, output, Format.TABLE if dry_run else Format.IDS)
    with session("download", fail_if_empty=fail_if_empty) as run:
        from s2kit.cli.inputs import named_products
        from s2kit.download import DownloadRequest
        from s2kit.errors import UsageError

        request = DownloadRequest.parse(
            run.loaded, out=out, archive=archive, bands=bands, include=include, exclude=exclude,
            assets=assets,
            complete_from=complete_from, check_against=check_against, zip=as_zip, keep_folder=keep_folder,
            layout=layout, max_bytes=max_bytes, min_free=min_free, timeout=timeout, wait=wait, jobs=jobs,
        )  # fmt: skip
        refs = named_products(products)
        if refs is None:
            raise UsageError("name a product", "s2kit download NAME, or s2kit search -f ids … | s2kit download -")
        if form is Format.GEOJSON:
            raise UsageError("download has no geometry to print", "use -f jsonl or -f json")
        run.items = len(refs)
        (_print_plans if dry_run else _fetch)(run, refs, request, form, output)
        run.close()


def _fetch(run: "Session", refs: "list[ProductRef]", request: "DownloadRequest", form: Format, output: Any) -> None:
    import time

    from s2kit.cli.output import emit
    from s2kit.download.run import download, summary
    from s2kit.run.events import Note

    started = time.monotonic()
    results: list[ProductResult] = []
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


def _print_plans(
    run: "Session", refs: "list[ProductRef]", request: "DownloadRequest", form: Format, output: Any
) -> None:
    from s2kit.cli.output import emit
    from s2kit.download import Plan, plan_downloads
    from s2kit.download.item import ItemPlan
    from s2kit.run.events import Note
    from s2kit.run.wording import counted
    from s2kit.store.cost import PRICE_LIST, size_text

    plans: list[Plan | ItemPlan] = []

    def records() -> "Iterator[Mapping[str, Any]]":
        for found in plan_downloads(refs, request):
            if isinstance(found, (Plan, ItemPlan)):
                plans.append(found)
                yield found.record()
            elif found.error is not None:
                run.fail(found.product, found.error)
            else:
                yield {"product": found.product, "archive": "", "files": 0, "nbytes": 0, "path": found.path}

    emit(records(), form, _PLAN_COLUMNS, command="download", schema="download-plan", id_key="product", output=output)
    nbytes, usd = sum(plan.nbytes for plan in plans), sum(plan.estimate.usd for plan in plans)
    cost = f", about {usd:.2f} USD (prices of {PRICE_LIST}; no egress inside the region)" if usd else ""
    run.report(Note(f"download: {counted(len(plans), 'product')}, {size_text(nbytes)}{cost}"))
