"""Small pictures of found products, for a folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2kit.catalogue.quicklook_files import picture
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import S2KitError
from s2kit.run.deadline import Deadline
from s2kit.run.events import Finished, ItemFailed, Note, Report, WorkPlanned
from s2kit.run.names import file_name, inside
from s2kit.run.threads import Pool

_THREADS = 4
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Quicklooks:
    """The pictures that are there now, and what went wrong with the others."""

    paths: tuple[Path, ...]
    errors: tuple[S2KitError, ...]


def fetch_quicklooks(records: Iterable[ProductRecord], folder: Path, report: Report) -> Quicklooks:
    """Put a picture of each product into a folder, as `NAME.jpg`; what is there already stays.

    A picture that cannot be had is told and does not stop the others.

    Args:
        records: Found products; one without any picture is counted and told of once.
        folder: Where the pictures go.
        report: Takes progress.
    """
    wanted = {record.id: record for record in records}
    having = [record for record in wanted.values() if record.quicklook or record.locations.get("local")]
    report(WorkPlanned(len(having), what="quicklooks"))
    if len(having) < len(wanted):
        report(Note(f"{len(wanted) - len(having)} of {len(wanted)} products offer no quicklook without an account"))
    deadline = Deadline(_TIMEOUT_S)

    def fetch(record: ProductRecord) -> Path | S2KitError:
        try:
            target = inside(folder, f"{file_name(record.id)}.jpg")
            picture(record, target, deadline)
        except S2KitError as error:
            report(ItemFailed(record.id, f"{record.id}: no quicklook: {error}"))
            return error
        report(Finished(record.id, str(target)))
        return target

    with Pool(_THREADS, "s2kit-quicklook") as pool:
        done = list(pool.map(fetch, having))
    return Quicklooks(
        tuple(path for path in done if isinstance(path, Path)),
        tuple(error for error in done if isinstance(error, S2KitError)),
    )
