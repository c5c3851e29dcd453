"""What a file format is, and what all writers share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.dimensions import GEOMETRIES, TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """One format."""

    name: str
    title: str
    extension: str
    media_type: str
    kinds: tuple[str, ...]
    """`raster`, `vector`, `table`, `other`: what it can hold, as openEO calls it."""
    write: Callable[[Path, Any, "Writing"], list[Path]] = field(repr=False)
    """Writes files that begin with a path (without extension); gives those that were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How files are written."""

    options: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    history: str = ""
    """What the result says of how it was made."""


def is_cube(value: Any) -> bool:
    """True for cubes of pixels or geometries."""
    return hasattr(value, "dims") and hasattr(value, "coords")


def is_vector(value: Any) -> bool:
    """True for cubes of geometries."""
    return is_cube(value) and GEOMETRIES in value.dims


def variable_name(label: Any) -> str:
    """A label as the name of a variable or a part of a file's name."""
    text = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in str(label))
    return text or "var"


def plain_attributes(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that a file can hold: texts and numbers; dates as text."""
    kept = {}
    for key, value in attrs.items():
        if key in {"crs", TYPES, "x_step", "y_step"}:
            continue
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            kept[str(key)] = value
        elif hasattr(value, "isoformat") or isinstance(value, (bool, np.datetime64)):
            kept[str(key)] = str(value)
    return kept


def refuse(cube: Any, form: str, others: str) -> Never:
    """A format that cannot hold a result.

    Raises:
        ProcessError: Always; it names what the result is and the formats that can hold it.
    """
    kind = "geometries" if is_vector(cube) else f"dimensions {', '.join(map(str, getattr(cube, 'dims', ())))}"
    raise ProcessError(f"{form} cannot hold a result of {kind}", f"take {others}", "FormatUnsuitable")
