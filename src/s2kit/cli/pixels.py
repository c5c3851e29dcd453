"""`s2kit pixels`: raw digital numbers of an image, wherever it lies."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import Aoi, ArchiveName, Bbox, DryRun, FailIfEmpty, Jobs, Out, OutputFile, Overwrite, Res
from s2kit.cli.streams import stdout

if TYPE_CHECKING:
    from s2kit.pixels import PixelOutcome, PixelsRequest
    from s2kit.pixels.dump import PixelFormat

_FORMATS = "json|jsonl|npy|csv|gtiff|stats"


def pixels(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Images: files, s3://, gs:// or https:// addresses, keys with --archive; products with --band.",
        ),
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(
            "--request", metavar="FILE|-", help='JSON such as {"Path": "tiles/…jp2", "rlevel": -1}, or a list.'
        ),
    ] = None,
    band: Annotated[
        list[str] | None,
        typer.Option(
            "--band", "--bands", metavar="B8A", help="Bands or layers, if SOURCE is a product; may be repeated."
        ),
    ] = None,
    res: Res = None,
    rlevel: Annotated[
        int | None,
        typer.Option(
            "--rlevel",
            metavar="N",
            min=-1,
            help="Reduction: 0 is full resolution (default of a part), N halves it N times, -1 is the smallest (else).",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window", metavar="COL,ROW,WIDTH,HEIGHT", help="A part of the image, in pixels of full resolution."
        ),
    ] = None,
    bbox: Bbox = None,
    aoi: Aoi = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar=_FORMATS,
            help="Output format; by default by the suffix of -o, else json, or jsonl of many images.",
        ),
    ] = None,
    meta: Annotated[bool, typer.Option("--meta", help="Add crs, transform, nodata, band, bytes and requests.")] = False,
    archive: ArchiveName = None,
    output: OutputFile = None,
    out: Out = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEMPLATE", help="File names for --out, of {stem} {parent} {band} {index}."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Allow text of more than 500 MB.")] = False,
    overwrite: Overwrite = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Do not read or write the cache of file indexes.")
    ] = False,
    dry_run: DryRun = False,
    fail_if_empty: FailIfEmpty = False,
    jobs: Jobs = None,
) -> None:
    """Print the digital numbers of images, whole or in part.

    At any reduction; only the bytes that are needed are read.

    s2kit pixels --archive gcp tiles/33/U/UP/S2A_….SAFE/GRANULE/…/IMG_DATA/…_B8A.jp2 --rlevel -1
    """
    with session("pixels", fail_if_empty=fail_if_empty, cache=False if no_cache else None) as run:
        from s2kit.cli.inputs import named_products
        from s2kit.cli.output import write_line
        from s2kit.pixels import PixelsRequest
        from s2kit.pixels.dump import LegacyError, PixelRequestError
        from s2kit.pixels.run import error_line

        records: dict[str, Mapping[str, object]] = {}
        if "-" in (sources or ()):
            records = {ref.text: ref.record for ref in named_products(sources) or ()}
            sources = list(records)
        try:
            asked = PixelsRequest.parse(
                run.loaded, run.report, sources=sources, request=request, band=band, res=res, rlevel=rlevel,
                window=window, bbox=bbox, aoi=aoi, archive=archive, meta=meta, force=force, jobs=jobs,
                format=None if dry_run else _named_format(form, output),
            )  # fmt: skip
        except PixelRequestError:  # the answer that programs which write such requests expect
            write_line(error_line("", LegacyError.BAD_REQUEST, named=False))
            raise
        wishes = (replace(wish, record=records.get(wish.source, {})) for wish in asked.wishes)
        asked = replace(asked, wishes=tuple(wishes))
        run.items = len(asked.wishes)
        if dry_run:
            _plan(run, asked, form)
        else:
            _dump(run, asked, output=output, out=out, name=name, overwrite=overwrite)
        run.close()


_SUFFIXES = {
    ".json": ("json", "jsonl", "stats"),
    ".jsonl": ("jsonl", "json"),
    ".npy": ("npy",),
    ".csv": ("csv",),
    ".tif": ("gtiff",),
    ".tiff": ("gtiff",),
}
"""Formats that a suffix of an output file can mean, the usual one first."""


def _named_format(form: str | None, output: Path | None) -> str | None:
    """The format of `-f`, else that of the suffix of `-o`."""
    from s2kit.errors import UsageError

    fitting = _SUFFIXES.get(output.suffix.lower(), ()) if output is not None else ()
    if form is not None and fitting and form not in fitting:
        raise UsageError(f"-f {form} and -o {output} contradict each other", "leave out -f, or use another suffix")
    return form or next(iter(fitting), None)


def _plan(run: Session, asked: "PixelsRequest", word: str | None) -> None:
    from dataclasses import asdict

    from s2kit.cli.options import Format
    from s2kit.cli.output import emit
    from s2kit.errors import S2KitError
    from s2kit.pixels.run import plan
    from s2kit.run.events import Note

    def records() -> Iterator[dict[str, Any]]:
        for wish in asked.wishes:
            try:
                made = plan(wish, asked.form, asked.settings)
                if made.remark:
                    run.report(Note(made.remark, warning=True))
                yield asdict(made)
            except S2KitError as error:
                if run.items == 1:
                    raise
                run.fail(wish.source, error)

    columns = ("source", "rows", "cols", "nbytes", "requests", "usd", "answer_nbytes")
    shape = Format(word) if word in {"json", "jsonl", "csv"} else Format.TABLE
    emit(records(), shape, columns, command="pixels", schema="pixels-plan", id_key="source")


def _dump(
    run: Session, asked: "PixelsRequest", *, output: Path | None, out: str | None, name: str | None, overwrite: bool
) -> None:
    from s2kit.errors import UsageError
    from s2kit.pixels.request import DEFAULT_NAME, file_names
    from s2kit.pixels.run import dump
    from s2kit.run.files import refuse_existing

    many = len(asked.wishes) > 1
    if output is not None and (out is not None or many):
        raise UsageError("-o takes one image", "use --out DIR for many")
    if output is not None:
        _print_paths(run, dump(asked, [output], run.report, overwrite=True), shown=False)
    elif out is not None:
        paths = file_names(asked.wishes, asked.form, name or DEFAULT_NAME, Path(out))
        for path in () if overwrite else paths:
            refuse_existing(path)
        _print_paths(run, dump(asked, paths, run.report, overwrite=overwrite), shown=True)
    else:
        _refuse_stdout(asked.form, many=many)
        with tempfile.TemporaryDirectory(prefix="s2kit-") as folder:
            paths = [Path(folder) / f"{number}{asked.form.suffix}" for number in range(len(asked.wishes))]
            _to_stdout(run, dump(asked, paths, run.report), asked, paths)


def _refuse_stdout(form: "PixelFormat", *, many: bool) -> None:
    """Raise `UsageError` if stdout cannot carry the answers."""
    from s2kit.errors import UsageError

    binary = form in {"npy", "gtiff"}
    if (binary or form == "csv") and many:
        raise UsageError(f"{form} of several images cannot be written to stdout", "use --out DIR")
    if binary and sys.stdout.isatty():
        raise UsageError(f"{form} is not for a terminal", "use -o FILE, or pipe it on")


def _to_stdout(run: Session, outcomes: "Iterator[PixelOutcome]", asked: "PixelsRequest", paths: list[Path]) -> None:
    """Answers as they get done; as one JSON array in the order asked for if several were wanted as `json`."""
    from s2kit.pixels.dump import legacy_error
    from s2kit.pixels.run import error_line

    many = len(paths) > 1
    array = many and asked.form == "json"
    for outcome in outcomes:
        path = paths[outcome.index]
        if outcome.error is not None:
            said = legacy_error(outcome.error)
            if asked.form.is_json and (many or said is not None):
                line = error_line(outcome.wish.source, said or str(outcome.error), named=many)
                path.write_text(f"{line}\n", encoding="utf-8")
            if not many:
                _send(path)
                raise outcome.error
            run.fail(outcome.wish.source, outcome.error)
        if not array:
            _send(path)
    if array:
        for number, path in enumerate(paths):
            _send_text("," if number else "[")
            _send(path)
        _send_text("]\n")


def _send(path: Path) -> None:
    """Copy a file to stdout and remove it."""
    if not path.exists():
        return
    with path.open("rb") as file, stdout() as stream:
        stream.flush()
        shutil.copyfileobj(file, stream.buffer)
    path.unlink()


def _send_text(text: str) -> None:
    with stdout() as stream:
        stream.write(text)


def _print_paths(run: Session, outcomes: "Iterator[PixelOutcome]", *, shown: bool) -> None:
    """Print the path of each file as it gets done."""
    from s2kit.cli.output import write_line

    for outcome in outcomes:
        if outcome.error is not None and run.items == 1:
            raise outcome.error
        if outcome.error is not None:
            run.fail(outcome.wish.source, outcome.error)
        elif shown and outcome.answer is not None:
            write_line(str(outcome.answer.path))
