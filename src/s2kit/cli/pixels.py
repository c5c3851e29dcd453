"""`s2kit pixels`: raw digital numbers of an image, wherever it lies."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import Aoi, ArchiveName, Bbox, DryRun, Jobs, Out, OutputFile, Overwrite, Res
from s2kit.cli.streams import stdout

if TYPE_CHECKING:
    from s2kit.pixels import PixelOutcome, PixelTask
    from s2kit.pixels.dump import PixelFormat
    from s2kit.pixels.request import PixelWish

_FORMATS = "json|jsonl|npy|csv|gtiff|stats"


def pixels(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
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
        str | None, typer.Option("--band", "--bands", metavar="B8A", help="Band or layer, where SOURCE is a product.")
    ] = None,
    res: Res = None,
    rlevel: Annotated[
        int,
        typer.Option("--rlevel", metavar="N", min=-1, help="0 full resolution, N halves it N times, -1 the smallest."),
    ] = -1,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="COL,ROW,WIDTH,HEIGHT", help="A part, in pixels of full resolution."),
    ] = None,
    bbox: Bbox = None,
    aoi: Aoi = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar=_FORMATS, help="Form of the answer: json, or jsonl for many sources."),
    ] = None,
    meta: Annotated[bool, typer.Option("--meta", help="Add crs, transform, nodata, band, bytes and requests.")] = False,
    archive: ArchiveName = None,
    output: OutputFile = None,
    out: Out = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEMPLATE", help="File names for --out, of {stem} {parent} {band} {index}."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write text of more than 500 MB.")] = False,
    overwrite: Overwrite = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep what is learned of files.")
    ] = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
) -> None:
    """Dump the digital numbers of images: whole at a reduction, or a part; only the bytes that matter are read.

    s2kit pixels --archive gcp tiles/33/U/UP/S2A_….SAFE/GRANULE/…/IMG_DATA/…_B8A.jp2 --rlevel -1
    """
    given = locals()
    with session("pixels", archive=archive, jobs=jobs, cache=False if no_cache else None) as run:
        found = _wishes(run, given)
        chosen = _form(form, len(found))
        if dry_run:
            _plan(run, found, chosen, form)
        else:
            _dump(run, found, chosen, given)


def _wishes(run: Session, given: dict[str, Any]) -> "list[PixelWish]":
    from s2kit.cli.output import write_line
    from s2kit.pixels.dump import PixelRequestError, seed_error
    from s2kit.pixels.run import error_line
    from s2kit.pixels.words import PixelWords, wishes

    words = PixelWords(
        sources=tuple(given["sources"] or ()),
        request=given["request"],
        rlevel=given["rlevel"],
        window=given["window"],
        bbox=tuple(given["bbox"] or ()),
        aoi=tuple(given["aoi"] or ()),
        band=given["band"],
        resolution_m=given["res"],
        archive=given["archive"],
    )
    try:
        return wishes(words, run.report)
    except PixelRequestError as error:  # the answer that programs which wrote such requests expect
        write_line(error_line("", seed_error(error), named=False))
        raise


def _form(word: str | None, count: int) -> "PixelFormat":
    from s2kit.pixels.dump import PixelFormat

    if word is None:
        return PixelFormat.JSON if count == 1 else PixelFormat.JSONL
    try:
        return PixelFormat(word)
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not one of {_FORMATS}", param_hint="'--format'") from None


def _plan(run: Session, found: "Sequence[PixelWish]", form: "PixelFormat", word: str | None) -> None:
    from dataclasses import asdict

    from s2kit.cli.options import Format
    from s2kit.cli.output import emit
    from s2kit.errors import S2KitError
    from s2kit.pixels.run import plan

    def records() -> Iterator[dict[str, Any]]:
        for wish in found:
            try:
                yield asdict(plan(wish, form, run.settings))
            except S2KitError as error:
                if run.items == 1:
                    raise
                run.fail(wish.source, error)

    run.items = len(found)
    columns = ("source", "rows", "cols", "nbytes", "requests", "usd", "answer_nbytes")
    shape = Format(word) if word in {"json", "jsonl", "csv"} else Format.TABLE
    emit(records(), shape, columns, command="pixels", id_key="source")
    run.close()


def _dump(run: Session, found: "Sequence[PixelWish]", form: "PixelFormat", given: dict[str, Any]) -> None:
    from s2kit.pixels import PixelTask, dump

    many = len(found) > 1
    with _files(found, form, given) as (paths, to_stdout):
        tasks = [
            PixelTask(
                wish=wish,
                path=path,
                form=form,
                settings=run.settings,
                meta=given["meta"],
                named=many and form.is_json,
                force=given["force"],
                overwrite=given["overwrite"],
            )
            for wish, path in zip(found, paths, strict=True)
        ]
        run.items = len(tasks)
        outcomes = dump(tasks, run.settings.jobs, run.report)
        if to_stdout:
            _to_stdout(run, outcomes, tasks)
        else:
            _say_paths(run, outcomes, said=given["output"] is None)
    run.close()


@contextmanager
def _files(
    found: "Sequence[PixelWish]", form: "PixelFormat", given: dict[str, Any]
) -> Iterator[tuple[list[Path], bool]]:
    """A file for each answer, and whether they go to stdout from there."""
    from s2kit.errors import UsageError
    from s2kit.pixels.words import DEFAULT_NAME, file_names, refuse_files

    output, out = given["output"], given["out"]
    if output is not None and (out is not None or len(found) > 1):
        raise UsageError("-o takes one image", "use --out DIR for many")
    if output is not None or out is not None:
        named = file_names(found, form, given["name"] or DEFAULT_NAME, Path(out or "."))
        paths = [output] if output is not None else named
        if not given["overwrite"]:
            refuse_files(paths)
        yield paths, False
        return
    binary = form in {"npy", "gtiff"}
    if (binary or form == "csv") and len(found) > 1:
        raise UsageError(f"{form} of several images cannot stand on stdout", "use --out DIR")
    if binary and sys.stdout.isatty():
        raise UsageError(f"{form} is not for a terminal", "use -o FILE, or pipe it on")
    with tempfile.TemporaryDirectory(prefix="s2kit-") as folder:
        yield [Path(folder) / f"{number}{form.suffix}" for number in range(len(found))], True


def _to_stdout(run: Session, outcomes: "Iterator[PixelOutcome]", tasks: "Sequence[PixelTask]") -> None:
    """Answers as they get done; as one JSON array in the order asked for where several were wanted as `json`."""
    from s2kit.pixels.dump import seed_error
    from s2kit.pixels.run import error_line

    array = len(tasks) > 1 and tasks[0].form == "json"
    for outcome in outcomes:
        task = tasks[outcome.index]
        if outcome.error is not None:
            if task.form.is_json:
                line = error_line(task.wish.source, seed_error(outcome.error), named=task.named)
                task.path.write_text(f"{line}\n", encoding="utf-8")
            if len(tasks) == 1:
                _send(task.path)
                raise outcome.error
            run.fail(task.wish.source, outcome.error)
        if not array:
            _send(task.path)
    if array:
        for number, task in enumerate(tasks):
            _send_text("," if number else "[")
            _send(task.path)
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


def _say_paths(run: Session, outcomes: "Iterator[PixelOutcome]", *, said: bool) -> None:
    """Print the path of each file as it gets done."""
    from s2kit.cli.output import write_line

    for outcome in outcomes:
        if outcome.error is not None and run.items == 1:
            raise outcome.error
        if outcome.error is not None:
            run.fail(outcome.wish.source, outcome.error)
        elif said and outcome.answer is not None:
            write_line(str(outcome.answer.path))
