"""`s2kit jobs`: batch jobs that outlive the shell that started them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import Format, StdoutFormat
from s2kit.errors import UsageError

if TYPE_CHECKING:
    from s2kit.openeo.job import Job, JobLimits
    from s2kit.openeo.job_store import JobStore

jobs_app = typer.Typer(no_args_is_help=True, help="Run process graphs and render batches in the background.")

COLUMNS = ("id", "status", "kind", "created", "started", "ended", "title", "message")

Ids = Annotated[list[str], typer.Argument(metavar="JOB", help="Ids of jobs, or the first letters of them.")]
Id = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job, or the first letters of it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end; exit with 4 if a job did not finish.")]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title of the job.")]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="Description of the job.")]
Graph = Annotated[
    Path | None, typer.Argument(metavar="GRAPH.json|-", help="Process graph: alone, or in the body of a job.")
]
RenderBatch = Annotated[
    Path | None, typer.Option("--render", metavar="JOB.json|-", help="A batch of pictures, as `render --batch` reads.")
]
Words = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="WORD", help="Option for `run` or `render`, such as --option=--jobs=1; may be repeated."
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option("--max-seconds", metavar="SECONDS", min=0, help="End the job after this time; 0 for no limit."),
]
Memory = Annotated[str | None, typer.Option("--max-memory", metavar="8GB", help="End the job if it takes more memory.")]


@jobs_app.command()
def create(
    graph: Graph = None,
    render: RenderBatch = None,
    title: Title = None,
    description: Description = None,
    option: Words = None,
    max_seconds: Seconds = None,
    max_memory: Memory = None,
    start: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
) -> None:
    """Make a job of a process graph or of a render batch, and print its id.

    It runs when it is started, in the current folder and with the settings that count there.
    """
    with session("jobs", job_timeout_s=max_seconds, job_max_memory=max_memory) as run:
        from s2kit.cli.output import write_line
        from s2kit.openeo.job import JobKind, NewJob

        if (graph is None) == (render is None):
            raise UsageError("a job is made of one thing", "name GRAPH.json, or --render JOB.json")
        source = graph or render
        assert source is not None, "one of the two was named"
        kind = JobKind.OPENEO if graph is not None else JobKind.RENDER
        body = _body(source, kind)
        named = body if isinstance(body, dict) else {}
        store = _store(run)
        job = store.create(
            NewJob(
                body=body,
                kind=kind,
                title=title if title is not None else _text(named.get("title")),
                description=description if description is not None else _text(named.get("description")),
                words=tuple(option or ()),
                limits=_limits(run),
            )
        )
        if start:
            store.start(job.id)
        write_line(job.id)


@jobs_app.command(name="list")
def list_jobs(
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Maximum jobs; 0 for all.")] = 0,
    form: StdoutFormat = Format.TABLE,
) -> None:
    """List all jobs, the newest first."""
    with session("jobs") as run:
        _emit([job.record(full=False) for job in _store(run).jobs(limit=limit)], form)


@jobs_app.command()
def show(job: Id, form: StdoutFormat = Format.JSON) -> None:
    """Print all that is known of a job."""
    with session("jobs") as run:
        store = _store(run)
        _emit([store.refreshed(_id(store, job)).record()], form, "jobs-show")


@jobs_app.command()
def update(
    job: Id,
    graph: Graph = None,
    render: RenderBatch = None,
    title: Title = None,
    description: Description = None,
    option: Words = None,
    max_seconds: Seconds = None,
    max_memory: Memory = None,
) -> None:
    """Change a job that is neither queued nor running."""
    with session("jobs", job_timeout_s=max_seconds, job_max_memory=max_memory) as run:
        from s2kit.openeo.job import JobKind

        store = _store(run)
        old = store.refreshed(_id(store, job))
        changes: dict[str, Any] = {"title": title, "description": description, "words": option}
        for source, kind in ((graph, JobKind.OPENEO), (render, JobKind.RENDER)):
            if source is not None and kind is not old.kind:
                raise UsageError(f"job {old.id} is of the kind {old.kind.value}", "make a new job")
            if source is not None:
                changes["body"] = _body(source, kind)
        if max_seconds is not None or max_memory is not None:
            changes["limits"] = _limits(run)
        store.update(old.id, **{name: value for name, value in changes.items() if value is not None})


@jobs_app.command()
def start(jobs: Ids, wait: Wait = False, form: StdoutFormat = Format.IDS) -> None:
    """Start jobs. They wait in a queue until there is room, and go on after this command has ended."""
    with session("jobs") as run:
        store = _store(run)
        started = [store.start(_id(store, job)) for job in jobs]
        _end(run, store, started, form, wait=wait)


@jobs_app.command()
def stop(jobs: Ids) -> None:
    """Cancel jobs that wait or run. Returns when their processes have ended."""
    with session("jobs") as run:
        store = _store(run)
        for job in jobs:
            store.stop(_id(store, job))


@jobs_app.command()
def delete(jobs: Ids) -> None:
    """Stop jobs and remove them with all their files."""
    with session("jobs") as run:
        store = _store(run)
        for job in jobs:
            store.delete(_id(store, job))


@jobs_app.command()
def logs(job: Id, form: StdoutFormat = Format.TABLE) -> None:
    """Print the log of a job."""
    with session("jobs") as run:
        from s2kit.cli.output import emit

        store = _store(run)
        lines = [line.record() for line in store.logs(_id(store, job))]
        emit(lines, form, ("time", "level", "message"), command="jobs", schema="jobs-logs")


@jobs_app.command()
def results(job: Id, form: StdoutFormat = Format.IDS) -> None:
    """Print the paths of the files that a finished job made."""
    with session("jobs") as run:
        from s2kit.cli.output import emit

        store = _store(run)
        job_id = _id(store, job)
        paths = [{"job": job_id, "path": str(path)} for path in store.results(job_id)]
        emit(paths, form, ("job", "path"), command="jobs", schema="jobs-results", id_key="path")


def _store(run: Session) -> "JobStore":
    from s2kit.openeo.job_store import JobStore

    return JobStore(run.settings.job_store, run.settings.job_slots)


def _id(store: "JobStore", text: str) -> str:
    """The id that begins so."""
    return store.find(text)


def _limits(run: Session) -> "JobLimits":
    from s2kit.openeo.job import JobLimits
    from s2kit.store.cost import parse_size

    memory = run.settings.job_max_memory
    return JobLimits(seconds=run.settings.job_timeout_s, memory_bytes=parse_size(memory) or 0)


def _body(source: Path, kind: str) -> Any:
    from s2kit.openeo.job import JobKind
    from s2kit.openeo.source import read_source
    from s2kit.picture.stretch import Stretch
    from s2kit.render.batch import specs_of

    body = read_source(source, lists=kind == JobKind.RENDER)
    if kind == JobKind.RENDER:
        specs_of(body, source.name, res=None, stretch=Stretch())
    return body


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _emit(records: Sequence[dict[str, Any]], form: Format, schema: str = "jobs") -> None:
    from s2kit.cli.output import emit

    emit(records, form, COLUMNS, command="jobs", schema=schema)


def _end(run: Session, store: "JobStore", started: "Sequence[Job]", form: Format, *, wait: bool) -> None:
    """List the jobs, and wait for their ends if asked to."""
    import time

    from s2kit.errors import InputError
    from s2kit.openeo.job import JobState

    jobs = list(started)
    while wait and any(job.state.is_busy for job in jobs):
        time.sleep(0.2)
        jobs = [store.refreshed(job.id) if job.state.is_busy else job for job in jobs]
    run.items = len(jobs)
    for job in jobs:
        if wait and job.state is not JobState.FINISHED:
            hint = f"s2kit jobs logs {job.id}"
            run.fail(job.id, InputError(f"job {job.id}: {job.message or job.state.value}", hint))
    _emit([job.record(full=False) for job in jobs], form)
    run.close()
