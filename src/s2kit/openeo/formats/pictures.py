"""Cubes as pictures: GeoTIFF and PNG, one for each time. Touches files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.formats.base import Writing, is_vector, refuse, variable_name
from s2kit.openeo.formats.grids import grid_of
from s2kit.openeo.processes.dimensions import Cube, label_texts, names_of
from s2kit.run.files import atomic_file


def write_geotiff(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Cloud-optimised GeoTIFFs: one for each time, a band for each band."""
    from s2kit.picture.raster import RasterOptions, write_cog

    made = []
    for name, plane, names in _planes(path, cube, "GTiff"):
        target = name.with_name(f"{name.name}.tif")
        pixels = np.moveaxis(plane.data, 0, 2)
        if pixels.dtype.kind not in "fiu" or pixels.dtype.itemsize > 4:
            pixels = pixels.astype(np.float32)
        nodata = np.nan if pixels.dtype.kind == "f" else None
        tags = {"TIFFTAG_SOFTWARE": writing.history}
        options = RasterOptions(grid=grid_of(plane), tags=tags, band_names=names, nodata=nodata)
        with atomic_file(target, overwrite=writing.overwrite) as part:
            write_cog(part, pixels, options)
        made.append(target)
    return made


def write_png(path: Path, cube: Cube, writing: Writing) -> list[Path]:
    """Pictures: one band in the colours of its index or in greys, three as red, green and blue; one for each time."""
    from s2kit.picture.palettes import palette, to_steps
    from s2kit.picture.png import PngOptions
    from s2kit.picture.png import write_png as write

    made = []
    for name, plane, names in _planes(path, cube, "PNG"):
        if len(names) not in {1, 3}:
            hint = "choose with filter_bands"
            raise ProcessError(f"PNG shows 1 or 3 bands, not {len(names)}", hint, "FormatUnsuitable")
        target = name.with_name(f"{name.name}.png")
        colours, low, high = _look(writing, names, plane)
        steps = [to_steps(np.asarray(one, np.float32), a, b) for one, a, b in zip(plane.data, low, high, strict=True)]
        try:
            options = PngOptions(palette=palette(colours) if colours else None, transparent=True)
        except KeyError as error:
            raise ProcessError(f"there is no palette {colours!r}", code="FormatUnsuitable") from error
        with atomic_file(target, overwrite=writing.overwrite) as part:
            write(part, np.stack(steps, axis=-1), options)
        made.append(target)
    return made


def _look(writing: Writing, names: Sequence[str], plane: Cube) -> tuple[str | None, list[float], list[float]]:
    """Palette, and the values that are the darkest and the brightest of each band."""
    from s2kit.picture.indices import INDICES

    low, high = writing.options.get("min"), writing.options.get("max")
    if low is not None and high is not None:
        return writing.options.get("palette"), [float(low)] * len(names), [float(high)] * len(names)
    if len(names) == 1 and names[0].lower() in INDICES:
        index = INDICES[names[0].lower()]
        return index.palette, [index.low], [index.high]
    ends = [_ends(one) for one in plane.data]
    return writing.options.get("palette"), [one[0] for one in ends], [one[1] for one in ends]


def _ends(values: Any) -> tuple[float, float]:
    """The 2nd and 98th percentile of the pixels with data, of a sample of rows if there are many."""
    sample = np.asarray(values[:: max(1, len(values) // 1000)], dtype=np.float32)
    valid = sample[np.isfinite(sample)]
    if not len(valid):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(valid, (2, 98)))
    return low, high if high > low else low + 1.0


def _planes(path: Path, cube: Cube, form: str) -> list[tuple[Path, Cube, tuple[str, ...]]]:
    """A cube as pictures `[bands, y, x]`, north up, with the names of their files and bands."""
    if is_vector(cube) or len(names_of(cube, "spatial")) != 2:
        refuse(cube, form, "netCDF, JSON or CSV")
    from s2kit.openeo.processes.dimensions import spatial

    x, y = spatial(cube)
    bands, times = names_of(cube, "bands"), names_of(cube, "temporal")
    others = [name for name in cube.dims if name not in {x, y, *bands[:1], *times[:1]}]
    if others:
        hint = "reduce it, or take netCDF"
        raise ProcessError(f"{form} has no room for the dimension {others[0]!r}", hint, "FormatUnsuitable")
    names = tuple(str(label) for label in cube[bands[0]].values) if bands else ("var",)
    whole = cube if bands else cube.expand_dims("bands")
    whole = whole.transpose(*times[:1], bands[0] if bands else "bands", y, x)
    if whole.sizes[y] > 1 and whole[y].values[0] < whole[y].values[-1]:
        whole = whole.isel({y: slice(None, None, -1)})
    if not times:
        return [(path, whole, names)]
    texts = [str(text).replace(":", "").replace("-", "") for text in label_texts(whole, times[0])]
    stamps = texts if len(texts) > 1 else [""]
    return [
        (path.with_name(f"{path.name}_{variable_name(stamp)}") if stamp else path, whole.isel({times[0]: at}), names)
        for at, stamp in enumerate(stamps)
    ]
