"""The normalised difference of two raw chips, as values and as a picture in colours."""

from dataclasses import replace
from pathlib import Path

from s2kit.chips.files import read_geotiff
from s2kit.errors import InputError
from s2kit.picture.formats import PictureFormat
from s2kit.picture.formula import normalised_difference
from s2kit.picture.indices import find_index
from s2kit.picture.painter import Look, Mode, PaintedBand, paint
from s2kit.picture.palettes import legend_svg, value_legend
from s2kit.picture.write import Output, Painting, write_picture
from s2kit.product.metadata import Radiometry
from s2kit.run.files import refuse_existing, write_atomic
from s2kit.version import __version__

FORMULA = "(FIRST - SECOND) / (FIRST + SECOND)"
NO_NUMBER = -1
"""No stored number is this."""


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
    if index.is_own:
        raise InputError(f"{name}: a difference is no other formula", "name an index of two bands, such as ndvi")
    if len(index.bands) != 2:
        raise InputError(f"{name} takes {len(index.bands)} bands", "a normalised difference is made of two")
    bands, stored, grids = [], [], []
    for name_of, path in zip(index.bands, (first, second), strict=True):
        pixels, grid, nodata, _, scale, offset = read_geotiff(str(path))
        bands.append(
            PaintedBand(name_of, Radiometry(1 / scale, offset / scale), NO_NUMBER if nodata is None else int(nodata))
        )
        stored.append(pixels[None])
        grids.append(grid)
    if grids[0] != grids[1]:
        raise InputError(f"{first.name} and {second.name} lie on different grids", "cut both with one --res")
    look = Look(
        mode=Mode.DATA,
        bands=tuple(bands),
        dtype="float32",
        index=replace(index, function=normalised_difference, formula=FORMULA, source=""),
    )
    stem = first.name.removesuffix(".tif").rpartition(".")[0] or first.stem
    upper = index.name.upper()
    tags = {"FIRST": first.name, "SECOND": second.name, "SOFTWARE": f"s2kit {__version__}"}
    forms = ((look, PictureFormat.GTIFF), (replace(look, mode=Mode.VALUES, dtype="uint8"), PictureFormat.PNG))
    made = []
    for one, form in forms:
        path = folder / f"{stem}.{upper}.{form.extension}"
        if not overwrite:
            refuse_existing(path)
        output = Output(path=path, form=form, tags=tags, opacity=True, legend=False)
        write_picture(Painting(one, grids[0], paint(one, stored)), output, threads=1)
        made.append(path)
    legend = legend_svg(index.title, value_legend(index.palette, index.low, index.high))
    return [*made, write_atomic(folder / f"{upper}-legend.svg", legend.encode(), overwrite=True)]
