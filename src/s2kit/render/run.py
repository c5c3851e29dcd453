"""Render pictures of products: all planned and named before any work, each written whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from s2kit.archive.dataset import products_in
from s2kit.archive.find import expand, locate
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.picture.naming import check_template
from s2kit.picture.painter import BandCounts
from s2kit.picture.read import Reading
from s2kit.picture.substitutes import grouped
from s2kit.picture.write import leftovers
from s2kit.product.cog_offset import offset_note
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.render.names import with_own_names, without_twins
from s2kit.render.outcome import Outcome, OutputState
from s2kit.render.paint import Painted, WholeTask, count_bands, is_small, paint_large, paint_whole
from s2kit.render.plan import Planned, Refused, Run, plan
from s2kit.render.request import RenderRequest
from s2kit.render.spec import PictureSpec
from s2kit.render.tags import FINGERPRINT_TAG, fingerprint, is_there
from s2kit.run.events import Event, Finished, ItemFailed, Note, Report, WorkPlanned, silent
from s2kit.run.files import remove
from s2kit.run.locks import destination_lock
from s2kit.run.parallel import Failed, distributed, pmap, worker_count
from s2kit.run.sharing import threads_limited
from s2kit.settings import Settings
from s2kit.store.location import large_chunks

__all__ = ["RenderRequest", "plan_all", "render"]

_WORTH_A_POOL = 3
"""Small pictures from which on a pool of processes beats threads in this one."""

Plans = Mapping[int, Planned]
"""Planned pictures by their place in the order of the request."""
Settled = tuple[int, Outcome]
"""The outcome of the picture at a place."""


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
    plans = plan_all(request, settings, report)
    if len(plans) == 1:  # the only item's error is the run's own error: reported once
        report = _without_failures(report)
    if request.dry_run:
        known = _known(plans, request)
        chunks = large_chunks(
            image.location for one in plans if isinstance(one, Planned) for image in one.picture.sources
        )
        if chunks:
            report(Note(chunks, warning=True))
        for at, one in enumerate(plans):
            if at in known:
                _report_outcome(one.label, known[at], report)
                yield known[at]
            elif isinstance(one, Planned):
                yield _outcome(one, OutputState.PLANNED, sum(image.nbytes for image in one.picture.sources))
        return
    with destination_lock(request.out):
        _clean(plans)
        known = _known(plans, request)
        for at, outcome in known.items():
            _report_outcome(plans[at].label, outcome, report)
        todo = {at: one for at, one in enumerate(plans) if isinstance(one, Planned) and at not in known}
        report(WorkPlanned(len(todo), what="pictures"))
        try:
            yield from _in_order(len(plans), known, _made(todo, request, report))
        except BaseException:
            _clean(plans)
            raise


def plan_all(request: RenderRequest, settings: Settings, report: Report = silent) -> list[Planned | Refused]:
    """Plan and name every output, in the order of the request.

    Raises:
        NotFoundError: There is no product at all in the dataset folder.
        InputError: The name template is wrong.
        UsageError: Two products would have one name.
    """
    template = check_template(request.template)
    run = Run(
        request=replace(request, template=template),
        started=datetime.now().astimezone(),
        reading=Reading(settings.openjpeg, settings.kept_in),
    )
    plans = [one for asked in _products(request, settings) for one in _plans_of(asked, run, report)]
    plans = with_own_names(without_twins(plans), template)
    for note in grouped((one.product, note) for one in plans if isinstance(one, Planned) for note in one.notes):
        report(note)
    return _in_series(plans, request) if request.same_stretch else plans


@dataclass(frozen=True, slots=True)
class _Asked:
    """A product that was asked for, opened or not."""

    ref: ProductRef
    product: Product | S2KitError
    """Opened, or why that failed."""
    optional: bool = field(default=False)
    """True if it was found in the dataset folder and nobody named it."""


def _products(request: RenderRequest, settings: Settings) -> Iterator[_Asked]:
    """The products of the request, of its pictures, or of the dataset folder."""
    refs = expand(request.products or ())
    refs += [spec.product for spec in request.specs if spec.product and spec.product not in refs]
    optional = False
    if request.products is None and (not refs or any(spec.product is None for spec in request.specs)):
        here = [ProductRef(str(path)) for path in _dataset(settings.dataset)]
        optional = not refs
        refs += [ref for ref in here if ref not in refs]
    for ref in dict.fromkeys(refs):
        try:
            yield _Asked(ref, locate(ref, settings, request.boa_offset), optional=optional)
        except S2KitError as error:
            yield _Asked(ref, error)


def _dataset(folder: Path) -> list[Path]:
    """Products of the dataset folder, each once.

    Raises:
        NotFoundError: There is none.
    """
    found = products_in(folder)
    if not found:
        raise NotFoundError(
            f"there is no Sentinel-2 product below the dataset folder {folder.absolute()}",
            "name a product, or the folder with --dataset; s2kit download fetches products into it",
        )
    return found


def _plans_of(asked: _Asked, run: Run, report: Report) -> Iterator[Planned | Refused]:
    """The plans of all pictures of one product."""
    specs = [spec for spec in run.request.specs if spec.product is None or spec.product == asked.ref]
    product = asked.product
    if isinstance(product, S2KitError):
        yield Refused(product=asked.ref.text, subject=specs[0].subject.name if specs else "", error=product)
        return
    if not product.tiles:
        error = NotFoundError(f"{product.id} has no images here", f"s2kit download {product.id}")
        yield Refused(product=product.id, subject="", error=error)
    measured = False
    for tile in product.tiles:
        for spec in specs:
            try:
                planned = plan(product, tile, spec, run)
                measured |= any(image.is_reflectance for image in planned.picture.sources)
                yield planned
            except S2KitError as error:
                if asked.optional and isinstance(error, InputError) and run.request.area is not None:
                    report(Note(f"{product.id} is passed over: {error}"))
                else:
                    yield Refused(product=product.id, subject=spec.subject.name, error=_labelled(error, spec))
    note = offset_note([(product.id, product.offset_source)]) if measured else None
    if note is not None:
        report(Note(note, warning=True))


def _labelled(error: S2KitError, spec: PictureSpec) -> S2KitError:
    """The error with the name of the entry that asked for what cannot be."""
    return type(error)(f"{spec.label}: {error.message}", error.hint) if spec.label else error


def _group(one: Planned) -> tuple[str, str]:
    """What must look alike under `--same-stretch`: the same subject with the same stretch."""
    return one.subject, one.picture.look.stretch.text


def _in_series(plans: Sequence[Planned | Refused], request: RenderRequest) -> list[Planned | Refused]:
    """The plans with fingerprints that hold the products of their group, since they all decide the limits."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in plans:
        if isinstance(one, Planned):
            groups.setdefault(_group(one), []).append(one.product)
    series = {key: sha256("\n".join(sorted(names)).encode()).hexdigest()[:16] for key, names in groups.items()}

    def tagged(one: Planned) -> Planned:
        mark = fingerprint(one.product, one.picture, request, series[_group(one)])
        return replace(one, output=replace(one.output, tags={**one.output.tags, FINGERPRINT_TAG: mark}))

    return [tagged(one) if isinstance(one, Planned) else one for one in plans]


def _known(plans: Sequence[Planned | Refused], request: RenderRequest) -> dict[int, Outcome]:
    """Outcomes that need no work: what is refused, what is there already, what would replace something else."""
    known: dict[int, Outcome] = {}
    for at, one in enumerate(plans):
        if isinstance(one, Refused):
            known[at] = _failed(one, one.error)
        elif not request.overwrite:
            try:
                if is_there(one.output):
                    known[at] = _outcome(one, OutputState.KEPT)
            except S2KitError as error:
                known[at] = _failed(one, error)
    return known


def _in_order(count: int, known: Mapping[int, Outcome], made: Iterator[Settled]) -> Iterator[Outcome]:
    """Outcomes in the order of the request, as soon as all before them are known."""
    outcomes = dict(known)
    waiting = 0
    for at, outcome in made:
        outcomes[at] = outcome
        while waiting in outcomes:
            yield outcomes[waiting]
            waiting += 1
    yield from (outcomes[at] for at in range(waiting, count))


def _made(todo: Plans, request: RenderRequest, report: Report) -> Iterator[Settled]:
    """Make the outputs; each is yielded when its outcome is known."""
    ready, failed = _stretched(todo, request)
    for at, error in failed.items():
        yield at, _settled(todo[at], error, report)
    small = {at: one for at, one in ready.items() if is_small(one.picture) or distributed()}
    for at, painted in _whole(small, request):
        yield at, _settled(ready[at], painted, report)
    for at, one in ready.items():
        if at not in small:
            yield at, _settled(one, _large(one, request), report)


def _stretched(todo: Plans, request: RenderRequest) -> tuple[Plans, Mapping[int, S2KitError]]:
    """The plans with the limits of those pictures that are not to find them on their own; and what failed."""
    counting = [
        at
        for at, one in todo.items()
        if one.picture.look.needs_counts and (request.same_stretch or not is_small(one.picture))
    ]
    counts: dict[int, list[BandCounts]] = {}
    failed: dict[int, S2KitError] = {}
    for at, found in zip(counting, count_bands([todo[at].picture for at in counting], request.jobs), strict=True):
        if isinstance(found, S2KitError):
            failed[at] = found
        else:
            counts[at] = found
    groups: dict[object, list[int]] = {}
    for at in counts:
        groups.setdefault(_group(todo[at]) if request.same_stretch else at, []).append(at)
    ready = {at: one for at, one in todo.items() if at not in failed}
    for members in groups.values():
        together = list(zip(*(counts[at] for at in members), strict=True))
        for at in members:
            ready[at] = replace(ready[at], picture=ready[at].picture.painted_with(together))
    return ready, failed


def _whole(small: Plans, request: RenderRequest) -> Iterator[tuple[int, Painted | S2KitError]]:
    """Make the small pictures: several side by side, few one after the other with threads."""
    pooled = len(small) >= _WORTH_A_POOL and worker_count(request.jobs) > 1
    threads = 1 if pooled else worker_count(request.jobs)
    places = list(small)
    tasks = [WholeTask(one.picture, one.output, threads) for one in small.values()]
    with (
        threads_limited(worker_count(request.jobs)),
        closing(pmap(paint_whole, tasks, request.jobs if pooled else 1)) as results,  # type: ignore[type-var]
    ):
        for done in results:
            yield places[done.index], done.error if isinstance(done, Failed) else done.value


def _large(one: Planned, request: RenderRequest) -> Painted | S2KitError:
    try:
        return paint_large(one.picture, one.output, request.jobs, worker_count(request.jobs))
    except S2KitError as error:
        return error


def _settled(one: Planned, result: Painted | S2KitError, report: Report) -> Outcome:
    """The outcome of a picture that was made or failed, reported."""
    if isinstance(result, S2KitError):
        outcome = _failed(one, result)
    else:
        painted = replace(one, picture=replace(one.picture, look=result.look))
        outcome = _outcome(painted, OutputState.MADE, result.nbytes)
        if not result.has_data:
            report(Note(f"{one.label}: {one.product} has no data in this area", warning=True))
    _report_outcome(one.label, outcome, report)
    return outcome


def _outcome(one: Planned, state: OutputState, nbytes: int | None = None) -> Outcome:
    grid = one.picture.grid
    return Outcome(
        product=one.product,
        subject=one.subject,
        state=state,
        path=one.output.path,
        resolution_m=grid.resolution_m,
        width=grid.width,
        height=grid.height,
        nbytes=nbytes,
        limits=one.picture.look.limit_texts,
    )


def _failed(one: Planned | Refused, error: S2KitError) -> Outcome:
    return Outcome(product=one.product, subject=one.subject, state=OutputState.FAILED, error=error)


def _report_outcome(label: str, outcome: Outcome, report: Report) -> None:
    if outcome.state is OutputState.KEPT:
        report(Finished(label, "is there already"))
    elif outcome.error is not None:
        report(ItemFailed(label, str(outcome.error)))
    else:
        report(Finished(label, f"{outcome.width} x {outcome.height} px, {(outcome.nbytes or 0) / 1e6:.1f} MB"))


def _without_failures(report: Report) -> Report:
    def rest(event: Event) -> None:
        if not isinstance(event, ItemFailed):
            report(event)

    return rest


def _clean(plans: Sequence[Planned | Refused]) -> None:
    """Remove what killed workers, of this run or an earlier one, may have left half written."""
    for path in leftovers([one.output for one in plans if isinstance(one, Planned)]):
        remove(path)
