"""The normalised difference of two raw chips, as values and as a picture in colours."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from s2kit import __version__
from s2kit.chips.cut import index_picture
from s2kit.chips.files import encode_geotiff, read_geotiff
from s2kit.errors import InputError
from s2kit.picture.indices import INDICES, compute, find_index
from s2kit.picture.palettes import legend_svg, value_legend
from s2kit.picture.png import encode_png
from s2kit.run.files import write_atomic


def difference(first: Path, second: Path, folder: Path, name: str = "ndvi", *, overwrite: bool = False) -> list[Path]:
    """`(first - second) / (first + second)` of two chips on one grid, such as B08 and B04 for NDVI.

    Values are reflectances where the files say how to get them (scale and offset), else as they stand.

    Args:
        first: A raw chip, one band.
        second: Another of the same grid.
        folder: Where the results go: `STEM.NAME.tif`, `STEM.NAME.png` and `NAME-legend.svg`.
        name: An index of two bands that lends its name and colours.
        overwrite: True where results may be replaced.

    Returns:
        The paths, values first.

    Raises:
        NotFoundError: A file is not there.
        InputError: A file is no raster with a place, the grids differ, or the index has not two bands.
        OutputError: A result exists and may not be replaced.
    """
    index = find_index(name)
    if len(index.bands) != 2:
        raise InputError(f"{name} takes {len(index.bands)} bands", "a normalised difference is made of two")
    arrays, grids = [], []
    for path in (first, second):
        pixels, grid, nodata, _, scale, offset = read_geotiff(str(path))
        values = pixels.astype(np.float32) * np.float32(scale) + np.float32(offset)
        if nodata is not None:
            values[pixels == nodata] = np.nan
        arrays.append(values)
        grids.append(grid)
    if grids[0] != grids[1]:
        raise InputError(f"{first.name} and {second.name} lie on different grids", "cut both with one --res")
    values = compute(replace(index, function=INDICES["ndvi"].function), arrays)
    stem = first.name.removesuffix(".tif").rpartition(".")[0] or first.stem
    upper = index.name.upper()
    tags = {"FIRST": first.name, "SECOND": second.name, "SOFTWARE": f"s2kit {__version__}"}
    tif = encode_geotiff(values, grids[0], description=upper, tags=tags, nodata=float("nan"))
    legend = legend_svg(index.title, value_legend(index.palette, index.low, index.high))
    return [
        write_atomic(folder / f"{stem}.{upper}.tif", tif, overwrite=overwrite),
        write_atomic(folder / f"{stem}.{upper}.png", encode_png(index_picture(values, index)), overwrite=overwrite),
        write_atomic(folder / f"{upper}-legend.svg", legend.encode(), overwrite=True),
    ]
