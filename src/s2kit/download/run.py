"""Download products to a destination, several at a time; each is reported as soon as it is complete."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isinf
from pathlib import Path
from typing import Any

from s2kit.archive.source import find_source, name_at
from s2kit.download.destination import Destination
from s2kit.download.item import ItemAddress, ItemPlan, download_item, item_of, plan_item
from s2kit.download.plan import Plan, ProductResult, Status, make_plan
from s2kit.download.present import find_complete
from s2kit.download.product import download_product
from s2kit.download.record import FileState
from s2kit.download.request import Arrangement, DownloadRequest, is_bucket
from s2kit.download.transfers import TransferPools
from s2kit.errors import InputError, S2KitError, UsageError
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.product.ref import ProductRef, is_item_address
from s2kit.product.stac_name import product_name_in
from s2kit.run.deadline import overtime
from s2kit.run.events import Finished, Report, WorkPlanned, silent
from s2kit.run.files import ensure_folder
from s2kit.run.locks import destination_lock
from s2kit.run.names import file_name
from s2kit.run.parallel import Failed, distributed, pmap
from s2kit.run.threads import PATIENCE_S, Pool
from s2kit.store.archive import Archive
from s2kit.store.cost import size_text
from s2kit.store.transfer import Budget

_OVER_S = -1.0
"""A time that is over from the start."""


@dataclass(frozen=True, slots=True)
class Order:
    """One product to download: its name, or the address of its STAC item, and its destination."""

    name: AnyProductName | ItemAddress
    archive: str
    folder: Path | None
    """None if the destination is a bucket."""
    archives: Mapping[str, Archive]

    @property
    def place(self) -> Destination | None:
        """Its destination on this machine."""
        return None if self.folder is None else Destination(self.folder, str(self.name))


def download(refs: Sequence[ProductRef], request: DownloadRequest, report: Report = silent) -> Iterator[ProductResult]:
    """Download products to their destination; results come in the order of completion.

    Leaving the iteration early stops all transfers; what has arrived stays for the next run.

    Args:
        refs: The products.
        request: How.
        report: Told of progress.

    Raises:
        TryLaterError: Another run is at work at the destination.
        UsageError: The products together are larger than the request allows.
        OutputError: The destination cannot be written.
    """
    orders, results = _orders(refs, request)
    budget = Budget(request.timeout_s, request.stall_s)
    with ExitStack() as stack:
        if not is_bucket(request.out, request.archives):
            for folder in _folders(orders, request):
                stack.enter_context(destination_lock(folder, request.wait_s))
        _check_bytes(orders, request, budget)
        if distributed() and not is_bucket(request.out, request.archives):  # what a server copies needs no workers
            yield from results
            yield from _by_workers(orders, request, budget, report)
            return
        crew = TransferPools(budget)
        pool = stack.enter_context(Pool(request.products_at_once, "s2kit-product"))
        stack.callback(crew.close)
        stack.callback(budget.stop)
        if len(orders) > 1:
            report(WorkPlanned(len(orders), what="products"))
        yield from results
        waiting = {pool.submit(_one, order, request, crew, report): order for order in orders}
        try:
            for future in as_completed(list(waiting), _patience(budget)):
                del waiting[future]
                yield _reported(future.result(), report)
        except TimeoutError:
            yield from map(_late, waiting.values())


@dataclass(frozen=True, slots=True)
class Delivery:
    """One product that a worker of a cluster brings to a folder that all machines share."""

    order: Order
    request: DownloadRequest
    ends_at: float
    """Seconds since 1970 at which the run's time is over; infinite without a bound."""

    @property
    def label(self) -> str:
        """The product."""
        return str(self.order.name)


def deliver(delivery: Delivery) -> ProductResult:
    """Bring one product; runs in a worker. What is there already, of a run that broke off, is used."""
    left = delivery.ends_at - time.time()
    budget = Budget(None if isinf(left) else left if left > 0 else _OVER_S, delivery.request.stall_s)
    crew = TransferPools(budget)
    try:
        return _one(delivery.order, delivery.request, crew, silent)
    finally:
        crew.close()


def _by_workers(
    orders: Sequence[Order], request: DownloadRequest, budget: Budget, report: Report
) -> Iterator[ProductResult]:
    ends_at = time.time() + budget.left()
    deliveries = [Delivery(order, request, ends_at) for order in orders]
    report(WorkPlanned(len(deliveries), what="products"))
    for done in pmap(deliver, deliveries):
        if isinstance(done, Failed):
            yield ProductResult(done.item.label, Status.FAILED, error=done.error)
        else:
            yield _reported(done.value, report)


def _folders(orders: Sequence[Order], request: DownloadRequest) -> list[Path]:
    """Every folder that gets something, once whatever it is called, and always in the same order."""
    named = {Path(request.out).expanduser(), *(order.folder for order in orders if order.folder is not None)}
    return sorted({ensure_folder(folder).resolve() for folder in named})


def plan_downloads(refs: Sequence[ProductRef], request: DownloadRequest) -> Iterator[Plan | ItemPlan | ProductResult]:
    """What `download` would do: a plan for each product, or a result for one that is there already or cannot be had.

    Nothing is written and no pixel is read.
    """
    orders, results = _orders(refs, request)
    yield from results
    budget = Budget(request.timeout_s, request.stall_s)
    yield from _plans(orders, request, budget)


def summary(results: Sequence[ProductResult], seconds: float) -> str:
    """One line on what came of a run: `3 done, 41 already there, 1 failed, 2.1 GB, 93.0 s`."""
    count = {status: sum(result.status is status for result in results) for status in Status}
    parts = [f"{count[Status.DONE]} done"]
    if count[Status.ALREADY_THERE]:
        parts.append(f"{count[Status.ALREADY_THERE]} already there")
    if count[Status.FAILED]:
        parts.append(f"{count[Status.FAILED]} failed")
    moved = sum(result.moved for result in results)
    return ", ".join([*parts, size_text(moved), f"{seconds:.1f} s"])


def _one(order: Order, request: DownloadRequest, crew: TransferPools, report: Report) -> ProductResult:
    mine = replace(request, archives=order.archives)
    try:
        crew.budget.check()
        if isinstance(order.name, ItemAddress):
            return download_item(order.name, _item_folder(order), mine, crew, report)
        if order.place is None:
            from s2kit.download.bucket_copy import copy_product  # loads boto3, which a folder does not need

            return copy_product(order.name, mine, order.archive, crew.budget, report)
        return download_product(order.name, order.place, mine, order.archive, crew, report)
    except S2KitError as error:
        return ProductResult(str(order.name), Status.FAILED, error=error)


def _patience(budget: Budget) -> float | None:
    """Seconds to wait for those who look at the budget themselves; who has not come back then hangs in a request."""
    return None if isinf(budget.left()) else budget.left() + PATIENCE_S


def _late(order: Order) -> ProductResult:
    return ProductResult(str(order.name), Status.FAILED, error=overtime())


def _reported(result: ProductResult, report: Report) -> ProductResult:
    if result.status is Status.ALREADY_THERE:
        report(Finished(result.product, f"{result.path} (already there)"))
    elif result.status is Status.DONE:
        verified = result.count(FileState.VERIFIED)
        rate = result.moved / result.seconds if result.seconds else 0
        text = f"{result.path} ({verified} files proven, {size_text(result.moved)}, {result.seconds:.1f} s"
        report(Finished(result.product, f"{text}, {size_text(round(rate))}/s)"))
    return result


def _check_bytes(orders: Sequence[Order], request: DownloadRequest, budget: Budget) -> None:
    if request.max_bytes is None:
        return
    total = sum(plan.nbytes for plan in _plans(orders, request, budget) if isinstance(plan, (Plan, ItemPlan)))
    if total > request.max_bytes:
        raise UsageError(
            f"{size_text(total)} would be fetched, more than the {size_text(request.max_bytes)} that are allowed",
            "raise --max-bytes, or ask for fewer products or --bands",
        )


def _plans(
    orders: Sequence[Order], request: DownloadRequest, budget: Budget
) -> Iterator[Plan | ItemPlan | ProductResult]:
    """For each product what `plan_downloads` says, in their order."""
    with Pool(request.products_at_once, "s2kit-plan") as pool:
        waiting = [(order, pool.submit(_plan, order, request, budget)) for order in orders]
        for order, future in waiting:
            try:
                yield future.result(_patience(budget))
            except TimeoutError:
                yield _late(order)


def _plan(order: Order, request: DownloadRequest, budget: Budget) -> Plan | ItemPlan | ProductResult:
    try:
        budget.check()
        if isinstance(order.name, ItemAddress):
            return plan_item(order.name, _item_folder(order), replace(request, archives=order.archives))
        place = order.place
        if place is not None:
            complete = request.complete_from is not None
            there = find_complete(place, request.subset, as_zip=request.as_zip, complete=complete)
            if there is not None:
                return ProductResult(str(order.name), Status.ALREADY_THERE, str(there))
        source = find_source(
            order.name, order.archive, order.archives, allow_requester_pays=request.allow_requester_pays
        )
        return make_plan(source, place, request.subset, budget.check, prove=False)
    except S2KitError as error:
        return ProductResult(str(order.name), Status.FAILED, error=error)


def _item_folder(order: Order) -> Path:
    if order.folder is None:
        raise UsageError(
            f"{order.name}: assets of a STAC item cannot be copied to a bucket", "name a folder with --out"
        )
    return order.folder


def _orders(refs: Sequence[ProductRef], request: DownloadRequest) -> tuple[list[Order], list[ProductResult]]:
    """Every product once, and a result for each word that names none."""
    orders: dict[tuple[str, Path | None], Order] = {}
    results = []
    for ref in refs:
        try:
            order = _order(ref, request)
        except S2KitError as error:
            results.append(ProductResult(ref.text, Status.FAILED, error=error))
            continue
        orders.setdefault((str(order.name), order.folder), order)
    return list(orders.values()), results


def _order(ref: ProductRef, request: DownloadRequest) -> Order:
    archives: dict[str, Archive] = dict(request.archives)
    choice = request.archive
    name: AnyProductName | ItemAddress
    item = _item(ref)
    if item is not None:
        name = item
    elif request.assets:
        raise UsageError(f"{ref.text}: --assets is for STAC items", "products have --bands")
    elif "://" in ref.text:
        name, place = name_at(ref.text, archives, request.archive, allow_requester_pays=request.allow_requester_pays)
        archives[place.name] = place
        choice = place.name
    else:
        name = _name(ref)
    folder = None
    if not is_bucket(request.out, request.archives):
        folder = Path(request.out).expanduser()
        if request.arrangement is Arrangement.SEED:
            folder = folder.joinpath(*_seed_parts(ref))
    return Order(name, choice, folder, archives)


def _item(ref: ProductRef) -> ItemAddress | None:
    """The STAC item that a ref means; None if it names a product of ESA."""
    item = item_of(ref)
    if item is None or is_item_address(ref.text):
        return item
    try:
        _name(ref)
    except InputError:
        return item
    return None


def _name(ref: ProductRef) -> AnyProductName:
    """The product that a ref names: by its text, or by what its record says if the catalogue has ids of its own."""
    said = product_name_in({**ref.record, **_properties(ref)})
    last = Path(ref.text).name if "/" in ref.text else ref.text
    try:
        return parse_product_name(last)
    except InputError:
        if said is not None:
            return parse_product_name(said)
        raise


def _properties(ref: ProductRef) -> Mapping[str, Any]:
    properties = ref.record.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _seed_parts(ref: ProductRef) -> tuple[str, str, str]:
    """`START_END`, the area's name, `original`: the folders of the older system."""
    values = {**ref.record, **_properties(ref)}
    dates, area = values.get("s2kit:range"), values.get("s2kit:aoi")
    if not isinstance(dates, str) or not isinstance(area, str):
        raise UsageError(
            f"{ref.text}: --layout seed needs the dates and the area that found the product",
            "pipe search results into it: s2kit search -f jsonl … | s2kit download - --layout seed",
        )
    return file_name(dates.replace("/", "_").replace(" ", "_")), file_name(area), "original"
