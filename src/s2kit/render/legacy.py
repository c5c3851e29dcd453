"""The legacy Django service: its request body of four lists, and the part of a tile that its pictures kept.

Pure: no input or output.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from s2kit.errors import InputError
from s2kit.picture.composites import Subject, parse_resolution
from s2kit.picture.stretch import Stretch
from s2kit.product.bands import L2A_BANDS, normal_band
from s2kit.render.spec import PictureSpec

LISTS = ("res_list", "r_list", "g_list", "b_list")
_KEYS = frozenset((*LISTS, "id", "status", "output"))


def is_legacy_body(body: object) -> bool:
    """True for a request body of the legacy service."""
    return isinstance(body, Mapping) and any(name in body for name in LISTS)


def legacy_entries(body: Mapping[str, Any], label: str, stretch: Stretch) -> list[Callable[[], PictureSpec]]:
    """One function for each picture of a body, which makes it or says why it cannot be.

    Args:
        body: With four lists of equal length: the i-th entries make the i-th picture.
        label: What messages call the body.
        stretch: Of all pictures.

    Raises:
        InputError: Keys that are unknown or missing, lists of unequal length.
    """
    unknown = sorted(set(body) - _KEYS)
    if unknown:
        raise InputError(f"{label}: {unknown[0]!r} is not known", f"known are {', '.join(LISTS)}")
    missing = [name for name in LISTS if name not in body]
    if missing:
        raise InputError(f"{label}: {', '.join(missing)} missing", f"it takes {', '.join(LISTS)}")
    columns = [_items(body[name]) for name in LISTS]
    if len({len(column) for column in columns}) != 1:
        counts = ", ".join(f"{name} {len(column)}" for name, column in zip(LISTS, columns, strict=True))
        raise InputError(f"{label}: the lists are not equally long: {counts}", "the i-th entries make the i-th picture")
    return [partial(_spec, row, stretch) for row in zip(*columns, strict=True)]


def _items(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value).split(",")
    items = [str(part).strip() for part in parts]
    while items and not items[-1]:
        items.pop()
    return items


def _spec(row: Sequence[str], stretch: Stretch) -> PictureSpec:
    res, *names = row
    resolution = parse_resolution(res)
    bands = []
    for name in names:
        band = normal_band(name)
        if band not in L2A_BANDS[resolution]:
            raise InputError(
                f"band {name} is not at {resolution} m",
                f"allowed at {resolution} m: {', '.join(L2A_BANDS[resolution])}",
            )
        bands.append(band)
    return PictureSpec(subject=Subject("-".join(bands), tuple(bands), resolution_m=resolution), stretch=stretch)


def legacy_window(width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a picture that the legacy service kept: a half of its columns and three sevenths of its rows.

    Returns:
        `(col, row, width, height)`; edges at 1/4, 3/4, 2/7 and 5/7, rounded half to even.
    """
    left, right = round(width / 4), round(width * 3 / 4)
    top, bottom = round(height * 2 / 7), round(height * 5 / 7)
    return left, top, right - left, bottom - top
