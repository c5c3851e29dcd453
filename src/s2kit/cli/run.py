"""`s2kit run`, `s2kit validate`, `s2kit processes`, `s2kit collections`: openEO process graphs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import TEXTS, DryRun, Format, Jobs, Overwrite, StdoutFormat
from s2kit.errors import PartialFailure

if TYPE_CHECKING:
    from s2kit.openeo.request import RunRequest

GraphFile = Annotated[
    Path, typer.Argument(metavar="GRAPH.json|-", help="Process graph: alone, or in the body of a job.")
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="ID=PATH",
        help="Collection: a folder of netCDF, Zarr or GeoTIFF files, a STAC collection; for SENTINEL2_L2A products or "
        "search; may be repeated.",
    ),
]
Param = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Value of a parameter; may be repeated.")
]
Dialect = Annotated[str, typer.Option("--dialect", metavar="auto|openeo|geosoft2", help="Dialect of the graph.")]
_DESCRIBED = "Output format; by default table, or JSON of one."
PROBLEM_COLUMNS = ("node", "argument", "code", "message", "hint")


def run(
    graph: GraphFile,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="DIR|FILE", help="Folder for the results, or one file.")
    ] = None,
    collection: Named = None,
    param: Param = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-F", metavar="netCDF|GTiff|…", help="File format, instead of the graph's."),
    ] = None,
    max_px: Annotated[
        int | None, typer.Option("--max-px", metavar="N", min=1, help="Refuse to load more values than this.")
    ] = None,
    dialect: Dialect = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an earlier run of the same graph.")] = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
) -> None:
    """Run an openEO process graph on products and files.

    The paths of its results are printed. Beside them are result.json (a STAC Item; NAME.stac.json for a file) and the
    graph in openEO's own words.
    """
    with session("run", jobs=jobs) as work:
        from s2kit.cli.output import write_line
        from s2kit.openeo.request import RunRequest
        from s2kit.openeo.run import run_graph
        from s2kit.openeo.source import read_source

        request = RunRequest.parse(
            work.loaded, read_source(graph), out=out, collection=collection, param=param, format=form, max_px=max_px,
            dialect=dialect, resume=resume, overwrite=overwrite,
        )  # fmt: skip
        _show_rewritten(work, request)
        if dry_run:
            _show_loads(work, request)
            return
        result = run_graph(request, work.report)
        for path in result.paths:
            write_line(str(path))
        work.result = {"outputs": len(result.paths)}


def _show_rewritten(work: Session, request: "RunRequest") -> None:
    """With -v the graph as it is run, if it was rewritten."""
    import json

    from s2kit.cli.context import verbosity
    from s2kit.run.events import Note

    for note in request.graph.notes:
        work.report(Note(note))
    if request.graph.notes and verbosity() >= 1:
        typer.echo(json.dumps({"process_graph": request.graph.nodes}, indent=2), err=True)


def _show_loads(work: Session, request: "RunRequest") -> None:
    from s2kit.cli.output import emit
    from s2kit.openeo.run import dry_run

    loads = [one.record() for one in dry_run(request, work.report)]
    emit(loads, Format.TABLE, ("id", "dims", "shape", "values", "products"), command="run")


def validate(
    graph: GraphFile,
    collection: Named = None,
    param: Param = None,
    dialect: Dialect = "auto",
    form: StdoutFormat = Format.TABLE,
) -> None:
    """Check a process graph, and list all its problems.

    No pixel is read; exit with 2 if there is a problem.
    """
    with session("validate") as work:
        from s2kit.cli.output import emit
        from s2kit.openeo.collections import open_catalogue
        from s2kit.openeo.errors import GraphError
        from s2kit.openeo.request import parameters_of, problems_of
        from s2kit.openeo.source import read_source
        from s2kit.run.wording import counted

        catalogue = open_catalogue(work.loaded, collection or ())
        found = problems_of(read_source(graph), catalogue, parameters_of(param), dialect)
        emit([one.record() for one in found], form, PROBLEM_COLUMNS, command="validate", id_key="code")
        if found:
            place = "stdin" if str(graph) == "-" else graph
            raise GraphError(
                f"{place}: {counted(len(found), 'problem')}",
                "s2kit processes ID prints what a process takes",
                tuple(found),
            )


def processes(
    name: Annotated[str | None, typer.Argument(metavar="ID", help="Process to describe.")] = None,
    form: Annotated[Format | None, typer.Option("--format", "-f", metavar=TEXTS, help=_DESCRIBED)] = None,
) -> None:
    """List the processes that graphs may use, or describe one."""
    with session("processes"):
        from s2kit.openeo.specs import spec_of, specs

        if name is not None:
            _one(spec_of(name), form, "process")
            return
        _listed(specs().values(), form, ("id", "summary"), "processes")


def collections(
    name: Annotated[str | None, typer.Argument(metavar="ID", help="Collection to describe.")] = None,
    collection: Named = None,
    form: Annotated[Format | None, typer.Option("--format", "-f", metavar=TEXTS, help=_DESCRIBED)] = None,
) -> None:
    """List the collections that graphs may load, or describe one."""
    with session("collections") as work:
        from s2kit.openeo.collections import open_catalogue

        catalogue = open_catalogue(work.loaded, collection or ())
        if name is not None:
            _one(catalogue.find(name).describe(), form, "collection")
            return
        found = list(catalogue.described())
        _listed(found, form, ("id", "title", "description"), "collections")
        broken = [one for one in found if one.get("s2kit:unavailable")]
        if broken:
            work.items = len(found)
            raise PartialFailure("; ".join(str(one["description"]) for one in broken))


def _one(description: Any, form: Format | None, schema: str) -> None:
    from s2kit.cli.json_text import to_json
    from s2kit.cli.output import emit, write_line

    if form is None or form is Format.JSON:
        write_line(to_json(description, indent=2))
    else:
        emit([description], form, ("id", "description"), command="show", schema=schema)


def _listed(found: Any, form: Format | None, columns: tuple[str, ...], command: str) -> None:
    """A table; as JSON the object that the openEO API gives, as the clients read it."""
    from s2kit.cli.json_text import to_json
    from s2kit.cli.output import emit, write_line

    if form is Format.JSON:
        write_line(to_json({command: list(found), "links": []}, indent=2))
    else:
        emit(found, form or Format.TABLE, columns, command=command)
