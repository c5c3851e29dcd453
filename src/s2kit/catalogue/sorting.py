"""The order of search results."""

from collections.abc import Iterable, Sequence

from s2kit.catalogue.record import ProductRecord
from s2kit.errors import UsageError

SORT_KEYS = {
    "datetime": "datetime",
    "date": "datetime",
    "cloud": "cloud_cover",
    "eo:cloud_cover": "cloud_cover",
    "coverage": "coverage_pct",
    "s2kit:coverage_pct": "coverage_pct",
    "baseline": "baseline",
    "processing:version": "baseline",
    "tile": "tile",
    "grid:code": "tile",
    "orbit": "orbit",
    "sat:relative_orbit": "orbit",
    "size": "nbytes",
    "file:size": "nbytes",
    "id": "id",
}
"""Words of `--sort` and the fields they mean."""


def parse_sort(text: str) -> tuple[str, ...]:
    """The fields of `--sort -datetime,cloud`, each with its sign; empty for `none`.

    Raises:
        UsageError: No such field.
    """
    if text.strip().lower() == "none":
        return ()
    keys = []
    for word in text.split(","):
        sign, name = ("-", word.strip()[1:]) if word.strip().startswith("-") else ("", word.strip().removeprefix("+"))
        if name not in SORT_KEYS:
            raise UsageError(f"--sort {name}: no such field", f"there are {', '.join(SORT_KEYS)} and none")
        keys.append(sign + SORT_KEYS[name])
    return tuple(keys)


def ordered(records: Iterable[ProductRecord], keys: Sequence[str]) -> list[ProductRecord]:
    """Records in the order of `parse_sort`; those without a value come last, equal ones by id."""
    result = sorted(records, key=lambda record: record.id) if keys else list(records)
    for key in reversed(keys):
        name = key.removeprefix("-")
        if name == "datetime":  # tiles of one datatake in the order in which they were seen
            result.sort(key=lambda record: (record.datetime, record.searched_time), reverse=key.startswith("-"))
            continue
        known = [record for record in result if getattr(record, name) is not None]
        unknown = [record for record in result if getattr(record, name) is None]
        known.sort(key=lambda record, name=name: getattr(record, name), reverse=key.startswith("-"))  # type: ignore[misc]
        result = known + unknown
    return result
