"""The legacy chip service: the body of its batch request, read from a file."""

import json
from dataclasses import dataclass
from pathlib import Path

from s2kit.chips.record import ChipSite, point_place
from s2kit.errors import InputError, NotFoundError
from s2kit.product.bands import normal_band
from s2kit.product.ref import ProductRef
from s2kit.run.read_file import read_named

BATCH_KEYS = ("lon", "lat", "tiles", "bands", "chipsize")


@dataclass(frozen=True, slots=True)
class Batch:
    """The body of the legacy service's batch request."""

    place: ChipSite
    refs: tuple[ProductRef, ...]
    bands: tuple[str, ...]
    size_m: float


def read_batch(path: Path) -> Batch:
    """A batch as the legacy service took it: exactly `lon`, `lat`, `tiles`, `bands`, `chipsize`.

    Raises:
        NotFoundError: No such file.
        InputError: Other keys, or values that are none.
    """
    try:
        body = json.loads(read_named(path))
    except OSError as error:
        raise NotFoundError(f"batch {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"batch {path} is not JSON: {error}") from error
    if not isinstance(body, dict) or set(body) != set(BATCH_KEYS):
        has = ", ".join(body) if isinstance(body, dict) else "no keys at all"
        raise InputError(f"batch {path} has {has}", f"it has exactly the keys {', '.join(BATCH_KEYS)}")
    lists = {key: body[key] for key in ("tiles", "bands")}
    for key, value in lists.items():
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise InputError(f"batch {path}: {key} is no list of names")
    numbers = []
    for key in ("lon", "lat", "chipsize"):
        try:
            numbers.append(float(body[key]))
        except (TypeError, ValueError) as error:
            raise InputError(f"batch {path}: {key} is no number") from error
    lon, lat, size_m = numbers
    return Batch(
        point_place(lon, lat),
        tuple(ProductRef(tile.removesuffix(".SAFE")) for tile in lists["tiles"]),
        tuple(dict.fromkeys(normal_band(band) for band in lists["bands"])),
        size_m,
    )
