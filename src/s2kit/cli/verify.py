"""`s2kit verify`: is this product what ESA made?"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.download import CheckAgainst
from s2kit.cli.options import FailIfEmpty, Format, Jobs, OutputFile, OutputFormat, chosen_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s2kit.cli.context import Session
    from s2kit.download.verify import Verified
    from s2kit.product.ref import ProductRef
    from s2kit.settings import Settings

_COLUMNS = ("product", "ok", "verified", "missing", "wrong", "extra", "unlisted", "absent-at-source", "skipped")
_FILE_COLUMNS = ("product", "path", "state", "nbytes", "message")


def verify(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="SAFE folders, zips, folders of STAC items, folders of these, or names; - reads them from stdin.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also fail for extra files, and for what was absent or not asked for.")
    ] = False,
    check_against: CheckAgainst = None,
    files: Annotated[bool, typer.Option("--files", help="List each file; -f jsonl always does.")] = False,
    form: OutputFormat = None,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
    jobs: Jobs = None,
) -> None:
    """Check every file of products against the manifest.

    Items of other collections are checked against their STAC item. Exit code 4 if a file is missing or wrong.
    """
    form = chosen_format(form, output)
    with session("verify", fail_if_empty=fail_if_empty, jobs=jobs) as run:
        from s2kit.cli.inputs import named_products, with_folders_opened
        from s2kit.cli.output import emit
        from s2kit.download.request import confirming
        from s2kit.download.verify import verify as verified
        from s2kit.errors import UsageError

        refs = named_products(paths)
        if refs is None:
            raise UsageError("name a SAFE folder or a zip", "s2kit verify NAME.SAFE")
        refs = with_folders_opened(refs)
        run.items = len(refs)
        results = verified(
            [_path(ref, run.settings) for ref in refs],
            run.settings.jobs,
            strict=strict,
            check_against=confirming(check_against, run.loaded),
            report=run.report,
        )
        by_file = files or form is Format.JSONL
        columns, key = (_FILE_COLUMNS, "product") if by_file else (_COLUMNS, "path")
        schema = "verify-files" if by_file else "verify"
        emit(_records(run, results, by_file), form, columns, command="verify", schema=schema, id_key=key, output=output)
        run.close()


def _path(ref: "ProductRef", settings: "Settings") -> str:
    """Where a product lies on this machine; what is nowhere stays as it was named, to fail by itself."""
    with suppress(OSError, ValueError):  # too long, a zero byte: no path, then
        if Path(ref.text).exists():
            return ref.text
    from s2kit.archive.find import whereabouts
    from s2kit.errors import S2KitError

    try:
        return whereabouts(ref, settings).text
    except S2KitError:
        return ref.text


def _records(run: "Session", results: "Iterator[Verified]", by_file: bool) -> "Iterator[Mapping[str, object]]":
    for result in results:
        if result.failure is not None:
            run.fail(str(result.path), result.failure)
        if by_file:
            yield from (file.record(result.product) for file in result.files)
        else:
            yield result.record()
