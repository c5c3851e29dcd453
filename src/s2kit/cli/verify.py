"""`s2kit verify`: is this product what ESA made?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Format, Jobs, OutputFile, OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s2kit.cli.context import Session
    from s2kit.download.verify import Verified

_COLUMNS = ("product", "ok", "verified", "missing", "wrong", "extra", "unlisted", "absent-at-source", "skipped")
_FILE_COLUMNS = ("product", "path", "state", "nbytes", "message")


def verify(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="SAFE folders or zips; - reads them from stdin.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also fail for extra files, and for what was absent or not asked for.")
    ] = False,
    files: Annotated[bool, typer.Option("--files", help="A row for each file, as -f jsonl always does.")] = False,
    form: OutputFormat = Format.TABLE,
    output: OutputFile = None,
    jobs: Jobs = None,
) -> None:
    """Prove every file of a product by the checksum that its manifest gives; 4 where one is missing or wrong."""
    from s2kit.cli.inputs import product_refs
    from s2kit.cli.output import emit
    from s2kit.download import verify as workflow
    from s2kit.errors import UsageError

    with session("verify", jobs=jobs) as run:
        wanted = [Path(ref.text) for ref in product_refs(paths)]
        if not wanted:
            raise UsageError("name a SAFE folder or a zip", "s2kit verify NAME.SAFE")
        run.items = len(wanted)
        by_file = files or form is Format.JSONL
        results = workflow.verify(wanted, run.settings.jobs, strict=strict, report=run.report)
        columns = _FILE_COLUMNS if by_file else _COLUMNS
        key = "path" if not by_file else "product"
        emit(_records(run, results, by_file), form, columns, command="verify", id_key=key, output=output)
        run.close()


def _records(run: "Session", results: "Iterator[Verified]", by_file: bool) -> "Iterator[Mapping[str, object]]":
    for result in results:
        if result.failure is not None:
            run.fail(str(result.path), result.failure)
        if by_file:
            yield from (file.record(result.product) for file in result.files)
        else:
            yield result.record()
