"""Render pictures of products: all planned and named before any work, each written whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from s2kit.archive.dataset import product_paths
from s2kit.archive.find import locate
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.picture.band_pixels import Reading
from s2kit.picture.naming import check_template, unique_names
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.render.outcome import Outcome, OutputState
from s2kit.render.paint import (
    Painted,
    WholeTask,
    count_bands,
    is_small,
    paint_large,
    paint_whole,
    threads_limited,
)
from s2kit.render.picture import Picture, limits_of
from s2kit.render.plan import Planned, name_of, plan, tiles_of
from s2kit.render.request import RenderRequest
from s2kit.render.write import Output, is_there, leftovers, limit_texts, recipe, tags_of
from s2kit.run.events import Event, Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.files import remove
from s2kit.run.locks import destination_lock
from s2kit.run.parallel import Failed, pmap, worker_count
from s2kit.settings import Settings

__all__ = ["RenderRequest", "plan_all", "render"]

_WORTH_A_POOL = 3
"""Small pictures from which on a pool of processes beats threads in this one."""


@dataclass(slots=True)
class Job:
    """One output on its way."""

    product: str
    subject: str
    planned: Planned | None = None
    output: Output | None = None
    outcome: Outcome | None = None
    """Known once it is made, kept or failed."""

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.output.path.name if self.output else f"{self.product} {self.subject}"


@dataclass(slots=True)
class _Asked:
    """A product that was asked for, opened or not."""

    ref: ProductRef
    product: Product | None = None
    error: S2KitError | None = None
    optional: bool = field(default=False)
    """True where it was found in the dataset folder and nobody named it."""


def render(request: RenderRequest, settings: Settings, report: Report = silent) -> Iterator[Outcome]:
    """Render all that is asked for; outcomes come in the order of the request, each as soon as it is known.

    Args:
        request: What to render.
        settings: Where products are.
        report: Takes events.

    Raises:
        NotFoundError: There is no product at all in the dataset folder.
        UsageError: The request cannot be fulfilled for any product.
        TryLaterError: Another run is at work in the output folder.
    """
    jobs = plan_all(request, settings, report)
    if len(jobs) == 1:  # the only item's error is the run's own error: said once
        report = _without_failures(report)
    if request.dry_run:
        _see_what_is_there(jobs, request)
        yield from (_outcome(job, OutputState.PLANNED) if job.outcome is None else job.outcome for job in jobs)
        return
    with destination_lock(request.out):
        _clean(jobs)
        _see_what_is_there(jobs, request)
        for job in jobs:
            if job.outcome is not None:
                _tell(job, report)
        todo = [job for job in jobs if job.outcome is None]
        report(WorkPlanned(len(todo), what="pictures"))
        try:
            yield from _in_order(jobs, _made(todo, request, report))
        except BaseException:
            _clean(todo)
            raise


def plan_all(request: RenderRequest, settings: Settings, report: Report = silent) -> list[Job]:
    """Plan and name every output; a product or picture that cannot be is a job that has failed.

    Raises:
        NotFoundError: There is no product at all in the dataset folder.
        InputError: The name template is wrong.
    """
    template = check_template(request.template)
    started = datetime.now().astimezone()
    jobs: list[Job] = []
    for asked in _products(request, settings):
        jobs += _jobs_of(asked, request, started, Reading(settings.openjpeg, settings.kept_in), report)
    jobs = _without_twins(jobs, request)
    named = [job for job in jobs if job.planned]
    names = unique_names([name_of(job.planned, template) for job in named if job.planned])
    series = _series(named, request)
    for job, name in zip(named, names, strict=True):
        assert job.planned is not None, "only planned jobs are named"
        tags = tags_of(job.planned, request, series.get(_group(job), ""))
        job.output = Output(path=request.out / name, form=request.form, quality=request.quality, tags=tags)
    return jobs


def _products(request: RenderRequest, settings: Settings) -> Iterator[_Asked]:
    """The products of the request, of its wishes, or of the dataset folder."""
    refs = list(request.products)
    refs += [wish.product for wish in request.specs if wish.product and wish.product not in refs]
    optional = False
    if not refs or (not request.products and any(wish.product is None for wish in request.specs)):
        here = [ProductRef(str(path)) for path in _dataset(settings.dataset)]
        optional = not refs
        refs += [ref for ref in here if ref not in refs]
    for ref in dict.fromkeys(refs):
        try:
            yield _Asked(ref, locate(ref, settings), optional=optional)
        except S2KitError as error:
            yield _Asked(ref, error=error)


def _dataset(folder: Path) -> list[Path]:
    """Products of the dataset folder, each once; a SAFE folder goes before a zip of the same product."""
    by_name: dict[str, Path] = {}
    for path in sorted(product_paths(folder), key=lambda path: path.is_file()):
        name = path.name.removesuffix(".zip").removesuffix(".SAFE")
        if name.startswith("S2"):
            by_name.setdefault(name, path)
    if not by_name:
        raise NotFoundError(
            f"there is no Sentinel-2 product below the dataset folder {folder.absolute()}",
            "name a product, or the folder with --dataset; s2kit download fetches products into it",
        )
    return [by_name[name] for name in sorted(by_name)]


def _jobs_of(
    asked: _Asked, request: RenderRequest, started: datetime, reading: Reading, report: Report
) -> Iterator[Job]:
    wishes = [wish for wish in request.specs if wish.product is None or wish.product == asked.ref]
    product = asked.product
    if product is None:
        assert asked.error is not None, "a product is opened or has failed"
        yield _failed(Job(asked.ref.text, wishes[0].subject.name if wishes else ""), asked.error)
        return
    try:
        tiles = tiles_of(product)
    except NotFoundError as error:
        yield _failed(Job(product.id, ""), error)
        return
    for tile in tiles:
        for wish in wishes:
            job = Job(product.id, wish.subject.name)
            try:
                job.planned = plan(product, tile, wish, request, started, reading)
            except S2KitError as error:
                if asked.optional and isinstance(error, InputError) and request.area is not None:
                    report(Note(f"{product.id} is passed over: {error}"))
                    continue
                yield _failed(job, _labelled(error, wish.label))
                continue
            for note in job.planned.notes:
                report(Note(note))
            yield job


def _labelled(error: S2KitError, label: str) -> S2KitError:
    """The error with the name of the entry that asked for what cannot be."""
    return type(error)(f"{label}: {error.message}", error.hint) if label else error


def _failed(job: Job, error: S2KitError) -> Job:
    job.outcome = Outcome(product=job.product, subject=job.subject, state=OutputState.FAILED, error=error)
    return job


def _without_twins(jobs: Sequence[Job], request: RenderRequest) -> list[Job]:
    """The jobs without those that would make the very same picture again."""
    seen: set[str] = set()
    kept = []
    for job in jobs:
        key = recipe(job.planned, request, "") if job.planned else ""
        if not key or key not in seen:
            kept.append(job)
        seen.add(key)
    return kept


def _group(job: Job) -> tuple[str, str]:
    """What must look alike under `--same-stretch`: the same subject with the same stretch."""
    assert job.planned is not None, "only planned jobs are grouped"
    return job.subject, job.planned.picture.stretch.text


def _series(jobs: Sequence[Job], request: RenderRequest) -> Mapping[tuple[str, str], str]:
    """A word for the products of each group, since they all decide the limits; empty without `--same-stretch`."""
    if not request.same_stretch:
        return {}
    groups: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        groups.setdefault(_group(job), []).append(job.product)
    return {group: sha256("\n".join(sorted(names)).encode()).hexdigest()[:16] for group, names in groups.items()}


def _see_what_is_there(jobs: Sequence[Job], request: RenderRequest) -> None:
    """Settle the jobs whose output exists: kept where it is the same picture, failed where it is another."""
    for job in jobs:
        if job.output is None or job.outcome is not None or request.overwrite:
            continue
        try:
            if is_there(job.output):
                job.outcome = _outcome(job, OutputState.KEPT)
        except S2KitError as error:
            _failed(job, error)


def _in_order(jobs: Sequence[Job], made: Iterator[Job]) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs, as soon as all before them are known."""
    waiting = 0
    for _ in made:
        while waiting < len(jobs) and (outcome := jobs[waiting].outcome) is not None:
            yield outcome
            waiting += 1
    yield from (outcome for job in jobs[waiting:] if (outcome := job.outcome) is not None)


def _made(todo: Sequence[Job], request: RenderRequest, report: Report) -> Iterator[Job]:
    """Make the outputs; each job is yielded when its outcome is known."""
    _stretch(todo, request)
    left = [job for job in todo if job.outcome is None]
    for job in todo:
        if job.outcome is not None:
            _tell(job, report)
            yield job
    small = [job for job in left if is_small(_picture(job))]
    for job in _whole(small, request):
        _tell(job, report)
        yield job
    for job in left:
        if job.outcome is None:
            try:
                assert job.output is not None, "planned jobs are named"
                _finish(job, paint_large(_picture(job), job.output, request.jobs, worker_count(request.jobs)))
            except S2KitError as error:
                _failed(job, error)
            _tell(job, report)
            yield job


def _stretch(todo: Sequence[Job], request: RenderRequest) -> None:
    """Find the limits of the pictures that are not to find them on their own."""
    counting = [
        job for job in todo if _picture(job).needs_counts and (request.same_stretch or not is_small(_picture(job)))
    ]
    counts = dict(zip(map(id, counting), count_bands([_picture(job) for job in counting], request.jobs), strict=True))
    groups: dict[object, list[Job]] = {}
    for job in counting:
        found = counts[id(job)]
        if isinstance(found, S2KitError):
            _failed(job, found)
        else:
            groups.setdefault(_group(job) if request.same_stretch else id(job), []).append(job)
    for members in groups.values():
        first = _picture(members[0])
        own = [found for job in members if not isinstance(found := counts[id(job)], S2KitError)]
        limits = limits_of(first, [[bands[place] for bands in own] for place in range(len(first.sources))])
        for job in members:
            assert job.planned is not None, "only planned jobs are counted"
            job.planned = replace(job.planned, picture=replace(job.planned.picture, limits=limits))


def _whole(small: Sequence[Job], request: RenderRequest) -> Iterator[Job]:
    """Make the small pictures: several side by side, few one after the other with threads."""
    pooled = len(small) >= _WORTH_A_POOL and worker_count(request.jobs) > 1
    tasks = []
    for job in small:
        assert job.output is not None, "planned jobs are named"
        tasks.append(WholeTask(_picture(job), job.output, 1 if pooled else worker_count(request.jobs)))
    with (
        threads_limited(worker_count(request.jobs)),
        closing(pmap(paint_whole, tasks, request.jobs if pooled else 1)) as results,  # type: ignore[type-var]
    ):
        for done in results:
            job = small[done.index]
            if isinstance(done, Failed):
                _failed(job, done.error)
            else:
                _finish(job, done.value)
            yield job


def _picture(job: Job) -> Picture:
    assert job.planned is not None, "jobs that were not planned have failed"
    return job.planned.picture


def _finish(job: Job, painted: Painted) -> None:
    assert job.planned is not None, "only planned jobs are painted"
    job.planned = replace(job.planned, picture=painted.picture)
    job.outcome = _outcome(job, OutputState.MADE, painted.nbytes)


def _outcome(job: Job, state: OutputState, nbytes: int | None = None) -> Outcome:
    picture, output, planned = _picture(job), job.output, job.planned
    assert output is not None, "planned jobs are named"
    assert planned is not None, "planned jobs are planned"
    if state is OutputState.PLANNED:
        nbytes = sum(image.nbytes for image in picture.sources)
    return Outcome(
        product=job.product,
        subject=job.subject,
        state=state,
        path=output.path,
        resolution_m=picture.grid.resolution_m,
        width=picture.grid.width,
        height=picture.grid.height,
        nbytes=nbytes,
        limits=limit_texts(picture),
    )


def _tell(job: Job, report: Report) -> None:
    outcome = job.outcome
    assert outcome is not None, "it is settled"
    if outcome.state is OutputState.KEPT:
        report(Finished(job.label, "is there already"))
    elif outcome.error is not None:
        report(ItemFailed(job.label, str(outcome.error)))
    else:
        report(Finished(job.label, f"{outcome.width} x {outcome.height} px, {(outcome.nbytes or 0) / 1e6:.1f} MB"))


def _without_failures(report: Report) -> Report:
    def rest(event: Event) -> None:
        if not isinstance(event, ItemFailed):
            report(event)

    return rest


def _clean(todo: Sequence[Job]) -> None:
    """Remove what killed workers, of this run or an earlier one, may have left half written."""
    for path in leftovers([job.output for job in todo if job.output is not None]):
        remove(path)
