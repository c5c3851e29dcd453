"""A time of a Zarr cube as a picture: cubes that `s2kit cube` or an openEO job made; touches files.

What is read is what those write: Zarr v3, arrays `[time, row, col]` or `[row, col]`, CRS and grid in `proj:code` and
`proj:transform` of the root, times in seconds since 1970.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.cube import meaning
from s2kit.errors import InputError, NotFoundError, S2KitError, UsageError
from s2kit.grid import Grid
from s2kit.image.zarr_image import read_values
from s2kit.picture.clouds import ClassImage
from s2kit.picture.composites import Subject, parse_bands, parse_index, parse_recipe
from s2kit.picture.formula import Reflectance
from s2kit.picture.indices import INDICES, find_index
from s2kit.picture.painter import Look, Mode, PaintedBand, fixed_limits
from s2kit.picture.read import Reading
from s2kit.picture.recipes import RECIPES
from s2kit.picture.stretch import Stretch
from s2kit.picture.substitutes import standing_in
from s2kit.product.band_image import BandImage
from s2kit.product.bands import BANDS
from s2kit.product.eopf_document import ArrayDocument, array_of, grid_of_attributes, is_eopf, parse_json
from s2kit.render.picture import Picture
from s2kit.store.archive import Archive
from s2kit.store.location import ZarrArray

ROOT = "zarr.json"
_STEPS = 65534
"""Whole numbers that the values of a layer of floats are spread over; 0 is no data."""
_FAINT = 0.1
"""Reflectance below 0 by so much can be told from no data."""
_BEYOND = 8.0
"""How far beyond the ends of its palette the values of an index are told apart, in lengths of the palette."""
_USUAL = ("B04", "B03", "B02")
_Y, _X = frozenset(("y", "lat", "latitude")), frozenset(("x", "lon", "longitude"))


@dataclass(frozen=True, slots=True)
class ZarrCube:
    """A cube that is there."""

    path: Path
    grid: Grid
    times: tuple[datetime, ...]
    """Ascending, UTC; empty if it has no axis of time."""
    arrays: Mapping[str, ArrayDocument]
    """Its layers by name."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that can be drawn, sorted."""
        return tuple(sorted(name for name, array in self.arrays.items() if _is_drawn(array)))

    def position(self, text: str | None) -> int:
        """Where a time is: the first whose ISO 8601 text begins so; the last of all if none is named.

        Raises:
            NotFoundError: There is none.
        """
        if text is None:
            return len(self.times) - 1
        found = (at for at, one in enumerate(self.times) if text and meaning.iso(one).startswith(text.upper()))
        at = next(found, None)
        if at is None:
            known = ", ".join(meaning.iso(one) for one in self.times[:3]) or "none"
            more = f" … {meaning.iso(self.times[-1])}" if len(self.times) > len(_USUAL) else ""
            raise NotFoundError(f"{self.path.name} has no time {text[:40]!r}", f"its times are {known}{more}")
        return at


def is_cube(path: Path) -> bool:
    """True for a folder that `open_cube` can open; no array is read."""
    with suppress(S2KitError, OSError):
        return _epsg(_attributes(path)) is not None
    return False


def open_cube(path: Path) -> ZarrCube:
    """Read the metadata and the times of a cube.

    Raises:
        NotFoundError: There is nothing.
        InputError: It is no Zarr cube with a grid, or damaged.
    """
    attributes = _attributes(path)
    epsg = _epsg(attributes)
    documents = {}
    for file in sorted(path.glob(f"*/{ROOT}")):
        document = parse_json(file.read_bytes(), str(file))
        documents[file.parent.name] = array_of(document, document.get("attributes") or {}, str(file))
    layers = {name: one for name, one in documents.items() if _is_layer(_dimensions(one))}
    if epsg is None or not layers:
        raise InputError(f"{path}: a Zarr group without grid and layers is no cube", "make one with s2kit cube")
    first = next(iter(layers.values()))
    grid = grid_of_attributes(first, attributes, epsg)
    if grid is None:
        raise InputError(f"{path}: its proj:transform is none of a grid that is north up")
    axis = next((_dimensions(one)[0] for one in layers.values() if len(one.shape) > len(grid.shape)), None)
    times: tuple[datetime, ...] = ()
    if axis is not None:
        if axis not in documents:
            raise InputError(f"{path}: the axis {axis!r} of its layers has no values")
        values = read_values(_array(path, axis, documents[axis]))
        times = tuple(meaning.moment_of(int(value)) for value in values)
    return ZarrCube(path, grid, times, {name: one for name, one in layers.items() if _fits(one, times)})


def subject_of(
    cube: ZarrCube, *, bands: str | None = None, index: str | None = None, recipe: str | None = None
) -> Subject | None:
    """What options name; None if they name nothing. A layer of the cube may be named as a band.

    Raises:
        UsageError: More than one of them.
        InputError: There is no such band, index or recipe.
    """
    given = [text for text in (bands, index, recipe) if text]
    if len(given) > 1:
        raise UsageError("bands, index and recipe exclude each other", "name one of them")
    if index:
        return parse_index(index)
    if recipe:
        return parse_recipe(recipe)
    if not bands:
        return None
    own = {name.lower(): name for name in cube.arrays}
    names = [own.get(text.strip().lower()) for text in bands.split(",")]
    known = tuple(name for name in names if name is not None)
    if len(known) != len(names):
        return parse_bands(bands)
    return parse_index(known[0]) if len(known) == 1 and known[0] in INDICES else Subject("-".join(known), known)


def cube_picture(cube: ZarrCube, at: int, *, subject: Subject | None, stretch: Stretch, reading: Reading) -> Picture:
    """A time of a cube as a picture, its limits not counted yet.

    Args:
        cube: The cube.
        at: Position of the time.
        subject: What it shows; None for true colours if the cube has them, else an index, else its first layer.
        stretch: How bands become bytes.
        reading: How files are read.

    Raises:
        NotFoundError: The cube lacks a layer.
        InputError: Layers that make no picture.
    """
    shown = subject or _usual(cube)
    layer = _layer_of_index(cube, shown)
    names = (layer,) if layer else _names(cube, shown)
    if len(names) not in {1, 3} and shown.index is None:
        raise InputError(f"bands {','.join(names)}: a picture is made of one band or of three")
    sources = tuple(_image(cube, name, at) for name in names)
    bands = tuple(PaintedBand.of(image) for image in sources)
    look = Look(mode=_mode(shown, names), bands=bands, stretch=stretch)
    if shown.index is not None:
        index = find_index(shown.index)
        made = replace(index, bands=names, function=_as_stored) if layer else index.reading(names)
        look = replace(look, index=made)
    classes = _image(cube, "SCL", at) if "SCL" in cube.layers else None
    return Picture(
        subject=replace(shown, bands=names),
        sources=sources,
        grid=cube.grid,
        look=replace(look, limits=fixed_limits(look)),
        classes=ClassImage(classes, is_scl=True) if classes else None,
        clear_by=classes,
        reading=reading,
    )


def _attributes(path: Path) -> Mapping[str, Any]:
    file = path / ROOT
    try:
        document = parse_json(file.read_bytes(), str(file))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"{path}: there is no cube in Zarr v3") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    found = document.get("attributes")
    return found if isinstance(found, dict) else {}


def _epsg(attributes: Mapping[str, Any]) -> int | None:
    """The CRS of a cube; None for other Zarr groups, as products of ESA's format."""
    if is_eopf(attributes):
        return None
    authority, _, code = str(attributes.get("proj:code")).partition(":")
    return int(code) if authority == "EPSG" and code.isdecimal() else None


def _dimensions(array: ArrayDocument) -> tuple[str, ...]:
    names = array.document.get("dimension_names") or ()
    return tuple(str(name) for name in names)


def _is_layer(dimensions: tuple[str, ...]) -> bool:
    return len(dimensions) in {2, 3} and dimensions[-2].lower() in _Y and dimensions[-1].lower() in _X


def _is_drawn(array: ArrayDocument) -> bool:
    return array.is_float or array.dtype.name in {"uint8", "uint16"}


def _fits(array: ArrayDocument, times: tuple[datetime, ...]) -> bool:
    """True for layers whose first axis, if they have three, is that of the times."""
    return array.shape[:-2] in {(), (len(times),)}


def _usual(cube: ZarrCube) -> Subject:
    there = cube.layers
    if not there:
        raise NotFoundError(f"{cube.path.name} has no layer that can be drawn")
    if set(_USUAL) <= set(there):
        return parse_bands(",".join(_USUAL))
    index = next((name for name in there if name in INDICES), None)
    if index is not None:
        return Subject(index, INDICES[index].bands, index)
    return Subject(there[0], (there[0],))


def _names(cube: ZarrCube, subject: Subject) -> tuple[str, ...]:
    """The layers of a subject's bands; an index or a recipe may take the other near infrared."""
    if subject.index is None and subject.name not in RECIPES:
        return subject.bands
    return tuple(standing_in(name, cube.arrays.__contains__) for name in subject.bands)


def _layer_of_index(cube: ZarrCube, subject: Subject) -> str | None:
    """The layer that holds an index already; None if it is made of bands."""
    if subject.index is None:
        return None
    name = find_index(subject.index).name
    return next((layer for layer in cube.layers if layer.lower() == name), None)


def _mode(subject: Subject, names: tuple[str, ...]) -> Mode:
    if subject.index is not None:
        return Mode.VALUES
    return Mode.CLASSES if names == ("SCL",) else Mode.COLOURS


def _as_stored(values: Reflectance) -> Reflectance:
    return values


def _image(cube: ZarrCube, name: str, at: int) -> BandImage:
    """One layer at one time.

    Raises:
        NotFoundError: There is no such layer.
        InputError: Its numbers cannot be drawn.
    """
    array = cube.arrays.get(name)
    if array is None:
        raise NotFoundError(f"{cube.path.name} lacks {name}", f"its layers are {', '.join(cube.layers)}")
    if not _is_drawn(array):
        raise InputError(f"{cube.path.name}: {name} holds {array.dtype.name}, which cannot be drawn")
    position = at if len(array.shape) > len(cube.grid.shape) else None
    location = replace(_array(cube.path, name, array), position=position)
    offset, quantification = 0.0, 1.0
    if array.is_float:
        lowest, step = _spread(location, name)
        location = replace(location, scale=(step, lowest))
        offset, quantification = lowest / step, 1 / step
    elif array.scale is not None:
        factor, added = array.scale
        offset, quantification = added / factor, 1 / factor
    return BandImage(
        band=name,
        resolution_m=max(1, round(cube.grid.resolution_m)),
        path=name,
        location=location,
        grid=cube.grid,
        offset=offset,
        quantification=quantification,
        nodata=0,
        saturated=None,
        tile=None,
        product=cube.path.name,
        nbytes=array.nbytes,
    )


def _spread(location: ZarrArray, name: str) -> tuple[float, float]:
    """Lowest value of a layer of floats that whole numbers stand for, and their step."""
    if name in BANDS:
        return -_FAINT, 1e-4
    index = INDICES.get(name.lower())
    if index is not None:
        length = index.high - index.low
        return index.low - _BEYOND * length, (2 * _BEYOND + 1) * length / _STEPS
    values = read_values(location)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    step = (high - low) / (_STEPS - 1) or 1.0
    return low - step, step


def _array(path: Path, name: str, array: ArrayDocument) -> ZarrArray:
    archive = Archive(name="folder", address=str(path.absolute()))
    return ZarrArray(archive, name, json.dumps(dict(array.document)), array.chunk_nbytes, array.nbytes)
