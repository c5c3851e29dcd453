"""What pixels are wanted of which image, and the request bodies of the older web service that say so."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s2kit.errors import UsageError
from s2kit.grid import Bounds, Window
from s2kit.pixels.dump import PixelRequestError

LOWEST = -1
"""The `rlevel` that stands for the smallest reduction there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelWish:
    """Pixels of one image."""

    source: str
    """A path, an address, the key of an archive, or a product."""
    rlevel: int = LOWEST
    """Reduction: 0 full resolution, n halves the sides n times, -1 the smallest there is."""
    window: Window | None = None
    """Full-resolution pixels; None for all."""
    box: Bounds | None = None
    """Box in degrees whose pixels are wanted; None for all."""
    band: str | None = None
    """Band or layer of a product."""
    resolution_m: int | None = None
    archive: str | None = None
    """Archive that the source is a key of."""


def parse_requests(text: str, archive: str) -> list[PixelWish]:
    """The bodies that the older service took: an object with `Path` or `path` and `rlevel`, or a list of such.

    Args:
        text: JSON.
        archive: The archive that a bare path is a key of.

    Raises:
        PixelRequestError: It is something else.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PixelRequestError(
            f"the request is not JSON: {error}", 'write {"Path": "tiles/…jp2", "rlevel": -1}'
        ) from None
    bodies = found if isinstance(found, list) else [found]
    if not bodies:
        raise PixelRequestError("the request is an empty list")
    return [_wish(body, number, archive) for number, body in enumerate(bodies, 1)]


def _wish(body: Any, number: int, archive: str) -> PixelWish:
    if not isinstance(body, Mapping):
        raise PixelRequestError(f"request {number} is no object", 'write {"Path": "tiles/…jp2", "rlevel": -1}')
    path = body.get("Path", body.get("path"))
    if not isinstance(path, str) or not path.strip():
        raise PixelRequestError(f"request {number} names no Path", 'write {"Path": "tiles/…jp2", "rlevel": -1}')
    rlevel = body.get("rlevel", LOWEST)
    if isinstance(rlevel, bool) or not isinstance(rlevel, int) or rlevel < LOWEST:
        raise PixelRequestError(f"request {number}: rlevel {rlevel!r}", "rlevel is -1 for the smallest, 0, 1, 2 …")
    return PixelWish(source=path.strip(), rlevel=rlevel, archive=None if "://" in path else archive)


def parse_window(text: str) -> Window:
    """A window out of `COL,ROW,WIDTH,HEIGHT`.

    Raises:
        UsageError: It is something else.
    """
    words = text.split(",")
    try:
        col, row, width, height = (int(word) for word in words)
    except ValueError:
        raise UsageError(
            f"--window {text}: four whole numbers are wanted", "write --window COL,ROW,WIDTH,HEIGHT"
        ) from None
    if width < 1 or height < 1:
        raise UsageError(f"--window {text}: width and height must be at least 1")
    return Window(col, row, width, height)


def outer_box(boxes: list[Bounds]) -> Bounds | None:
    """The box around boxes, or None where there are none."""
    if not boxes:
        return None
    return Bounds(
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    )


def part_of(window: Window | None, width: int, height: int) -> float:
    """The share of an image that a window takes."""
    if window is None:
        return 1.0
    inside = window.intersection(Window(0, 0, width, height))
    return 0.0 if inside is None else math.prod(inside.shape) / (width * height)
