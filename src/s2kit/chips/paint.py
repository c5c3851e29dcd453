"""A chip's stored numbers as files of the cache: pictures, values of an index, raw bands.

It paints and writes with the one painter and the one writer of `picture`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.chips.record import ChipStyle
from s2kit.grid import Grid
from s2kit.picture.formats import PictureFormat
from s2kit.picture.indices import find_index
from s2kit.picture.limits import Limits
from s2kit.picture.painter import Look, Mode, PaintedBand, count, counted_limits, fixed_limits, paint
from s2kit.picture.write import Output, Painting, write_picture
from s2kit.product.bands import is_reflectance
from s2kit.product.metadata import REFLECTANCE_QUANTIFICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipPixels:
    """What a chip is made of, one entry a band that was read."""

    bands: tuple[PaintedBand, ...]
    pixels: tuple[NDArray[Any], ...]
    """Stored numbers, `[row, col]`."""
    grids: tuple[Grid, ...]
    """All the same, but for raw bands in their own pixels."""
    clear: NDArray[np.bool_] | None = None
    """`[row, col]`, True for pixels without clouds; None if clouds are not known, or for raw bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFiles:
    """What was written."""

    files: tuple[str, ...]
    bands: tuple[str, ...] = ()
    """The band of each file of a raw chip."""
    limits: tuple[tuple[float, float], ...] = ()
    """Of each band, reflectance x 10000; of an index, its values at the ends of the palette."""


def write_chip(chip: ChipPixels, style: ChipStyle, product: str, folder: Path, tags: Mapping[str, str]) -> ChipFiles:
    """Write a chip's files with their tags and what stands beside them.

    Args:
        chip: What it is made of.
        style: How it looks.
        product: Id of the product, which the names begin with.
        folder: Of the cache.
        tags: What the files say of themselves besides how they were painted.

    Raises:
        OutputError: They cannot be written.
    """
    if style.index is not None:
        return _write_index(chip, style, product, folder, tags)
    if style.raw:
        return _write_raw(chip, product, folder, tags)
    look = Look(mode=Mode.COLOURS, bands=chip.bands, stretch=style.stretch)
    look = replace(look, limits=fixed_limits(look))
    pixels = [one[None] for one in chip.pixels]
    if look.needs_counts:
        counts = [[count(band, one, chip.clear)] for band, one in zip(chip.bands, pixels, strict=True)]
        look = replace(look, limits=counted_limits(look, counts))
    name = f"{product}.png"
    _write(Painting(look, chip.grids[0], paint(look, pixels)), folder / name, tags)
    return ChipFiles(files=(name,), limits=tuple(map(_scaled, chip.bands, look.limits)))


def _write_index(chip: ChipPixels, style: ChipStyle, product: str, folder: Path, tags: Mapping[str, str]) -> ChipFiles:
    """A picture in the index's colours, or its values as float32."""
    index = find_index(style.index or "").reading([band.name for band in chip.bands])
    mode, dtype = (Mode.DATA, "float32") if style.raw else (Mode.VALUES, "uint8")
    look = Look(mode=mode, bands=chip.bands, dtype=dtype, index=index, stretch=style.stretch)
    upper = index.name.upper()
    name = f"{product}.{upper}.tif" if style.raw else f"{product}.png"
    _write(Painting(look, chip.grids[0], paint(look, [one[None] for one in chip.pixels])), folder / name, tags)
    return ChipFiles(files=(name,), bands=(upper,) if style.raw else (), limits=(look.value_range,))


def _write_raw(chip: ChipPixels, product: str, folder: Path, tags: Mapping[str, str]) -> ChipFiles:
    names = []
    for band, pixels, grid in zip(chip.bands, chip.pixels, chip.grids, strict=True):
        look = Look(mode=Mode.DATA, bands=(band,), dtype=pixels.dtype.name)
        name = f"{product}.{band.name}.tif"
        _write(Painting(look, grid, pixels[..., None]), folder / name, tags)
        names.append(name)
    return ChipFiles(files=tuple(names), bands=tuple(band.name for band in chip.bands))


def _write(painting: Painting, path: Path, tags: Mapping[str, str]) -> None:
    form = PictureFormat.GTIFF if path.suffix == ".tif" else PictureFormat.PNG
    output = Output(path=path, form=form, tags=tags, opacity=True, legend=False, synced=False)
    write_picture(painting, output, threads=1)


def _scaled(band: PaintedBand, limits: Limits) -> tuple[float, float]:
    factor = REFLECTANCE_QUANTIFICATION if is_reflectance(band.name) else band.radiometry.quantification
    return round(limits.low * factor, 3), round(limits.high * factor, 3)
