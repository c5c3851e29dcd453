"""What reading a requester-pays bucket costs, estimated; and sizes as people write them."""

import re
from dataclasses import dataclass

from s2kit.errors import UsageError
from s2kit.store.archive import Archive

PRICE_LIST = "2021-12"
"""Month of the price list (Amazon S3 pricing, Europe (Frankfurt), S3 Standard)."""
_GET_USD = 0.00043 / 1000
_LIST_USD = 0.0054 / 1000
_EGRESS_USD_PER_GB = 0.09
"""To the internet, first 10 TB a month; nothing inside the region."""
_GB = 1e9
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a download will ask of an archive."""

    nbytes: int
    reads: int
    """GET and HEAD requests."""
    lists: int
    """LIST requests."""
    usd: float
    """0 where the archive does not bill the reader."""
    usd_in_region: float
    """The same from a machine in the archive's region, where egress is free."""


def estimate(archive: Archive, nbytes: int, reads: int, lists: int) -> Estimate:
    """Requests and egress at the prices of `PRICE_LIST`, for an archive that bills its readers."""
    requests = reads * _GET_USD + lists * _LIST_USD if archive.requester_pays else 0.0
    egress = nbytes / _GB * _EGRESS_USD_PER_GB if archive.requester_pays else 0.0
    return Estimate(nbytes, reads, lists, round(requests + egress, 6), round(requests, 6))


def parse_size(text: str) -> int | None:
    """Bytes out of `20GB`, `512 MiB` or `1000000`; None out of an empty text.

    Raises:
        UsageError: The text is no size.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip(), re.ASCII)
    if match is None or match[2].upper() not in _UNITS:
        raise UsageError(f"{text!r} is no size", "write it like 20GB, 500MB or 1TiB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def size_text(nbytes: int) -> str:
    """Bytes as people read them: `812.4 MB`."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if nbytes >= factor:
            return f"{nbytes / factor:.1f} {unit}"
    return f"{nbytes} B"
