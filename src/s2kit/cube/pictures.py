"""Cubes as pictures: one for each time and subject, over all tiles of the area; one stretch for all times."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.cube import scratch
from s2kit.cube.formats import Built, CubeOutput
from s2kit.cube.geotiffs import step_tags
from s2kit.cube.layers import QUANTIFICATION, CubeLayer
from s2kit.cube.plan import CubePlan
from s2kit.errors import UsageError
from s2kit.grid import Grid
from s2kit.picture.indices import find_index
from s2kit.picture.painter import (
    BandCounts,
    Look,
    Mode,
    PaintedBand,
    Pixels,
    count,
    counted_limits,
    fixed_limits,
    paint,
)
from s2kit.picture.palettes import to_steps
from s2kit.picture.write import Output, Painting, write_picture
from s2kit.product.metadata import Radiometry
from s2kit.product.scl import CLEAR
from s2kit.run.files import ensure_folder, refuse_existing, remove
from s2kit.run.parallel import Failed, pmap

_SAMPLE_PX = 1000
"""Percentiles are taken of no more pixels than this on a side."""
_STRIPE_ROWS = 512


@dataclass(frozen=True, slots=True)
class Drawing:
    """What one picture of each time shows."""

    name: str
    """`B04-B03-B02`, `ndvi`, `SCL`."""
    layers: tuple[CubeLayer, ...]
    look: Look


@dataclass(frozen=True, slots=True)
class PictureTask:
    """One picture to paint and to write."""

    drawing: Drawing
    part: Path
    place: int
    shape: tuple[int, int, int]
    grid: Grid
    output: Output


def drawings(plan: CubePlan, output: CubeOutput) -> list[Drawing]:
    """What is drawn of a cube: its bands together, each index and its classes alone.

    Raises:
        UsageError: Bands that make no picture.
    """
    bands = tuple(layer for layer in plan.layers if layer.kind == "band")
    found = []
    if bands:
        if len(bands) not in {1, 3} or any(layer.dtype != "uint16" for layer in bands):
            names = ",".join(layer.name for layer in bands)
            raise UsageError(f"bands {names}: a picture is made of one band or of three", "take --recipe true-color")
        quantification = 1.0 if plan.recipe.digital else float(QUANTIFICATION)
        look = Look(
            mode=Mode.COLOURS,
            bands=tuple(PaintedBand(layer.name, Radiometry(quantification, 0.0)) for layer in bands),
            stretch=output.style.stretch,
        )
        found.append(Drawing("-".join(layer.name for layer in bands), bands, replace(look, limits=fixed_limits(look))))
    for layer in plan.layers:
        if layer.kind == "index":
            look = Look(mode=Mode.VALUES, bands=(), index=find_index(layer.spec), stretch=output.style.stretch)
            found.append(Drawing(layer.name, (layer,), look))
        elif layer.name == "SCL" and (output.style.scl_is_drawn or not bands):
            found.append(Drawing("SCL", (layer,), Look(mode=Mode.CLASSES, bands=(PaintedBand("SCL"),))))
    if not found:
        raise UsageError("there is nothing to draw", "name --bands, --index or --recipe")
    return found


def refuse_existing_pictures(plan: CubePlan, output: CubeOutput) -> None:
    """Raise `OutputError` if a picture is there already, or `UsageError` if there is nothing to draw."""
    for drawing in drawings(plan, output):
        for step in range(len(plan.steps)):
            if not output.overwrite:
                refuse_existing(_path(plan, step, drawing, output))


def _path(plan: CubePlan, step: int, drawing: Drawing, output: CubeOutput) -> Path:
    """`20240419T105031_B04-B03-B02.jpg`; of a composite `20240401_20240501_median_B04-B03-B02.jpg`."""
    one = plan.steps[step]
    when = f"{one.time:%Y%m%dT%H%M%S}"
    if plan.recipe.composite is not None:
        when = f"{one.start:%Y%m%d}_{one.end:%Y%m%d}_{plan.recipe.composite.text.replace(':', '-')}"
    return output.path / f"{when}_{drawing.name}.{output.style.form.extension}"


def publish(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> tuple[Path, ...]:
    """Draw an unfinished cube.

    Raises:
        DiskError: A picture cannot be written.
    """
    ensure_folder(output.path)
    tasks = list(_tasks(plan, built, part, output))
    with closing(pmap(draw, tasks, output.jobs)) as results:  # type: ignore[type-var]
        for one in results:
            if isinstance(one, Failed):
                raise one.error
    remove(part)
    return tuple(task.output.path for task in tasks)


def _tasks(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> Iterator[PictureTask]:
    for drawing in drawings(plan, output):
        pixels = [scratch.pixels(part, layer, built.shape) for layer in drawing.layers]
        counts: list[list[BandCounts]] = []
        if drawing.look.needs_counts:
            codes = next((scratch.pixels(part, one, built.shape) for one in plan.layers if one.name == "SCL"), None)
            counts = [_counted(drawing.look, pixels, codes, place) for place in built.places]
        for at, (step, place) in enumerate(zip(built.steps, built.places, strict=True)):
            chosen = counts if output.style.same_stretch else counts[at : at + 1]
            look = drawing.look
            if chosen:
                by_band = [[one[band] for one in chosen] for band in range(len(look.bands))]
                look = replace(look, limits=counted_limits(look, by_band))
            tags = step_tags(plan, step, drawing.layers)
            year = plan.steps[step].time.year
            credits = "; ".join(f"{one.credit} {year}" for one in plan.missions)
            tags |= {"CREDIT": credits, "COMPOSITE": drawing.name}
            yield PictureTask(
                replace(drawing, look=look),
                part,
                place,
                built.shape,
                plan.grid,
                Output(
                    path=_path(plan, step, drawing, output),
                    form=output.style.form,
                    quality=output.style.quality,
                    tags=tags,
                ),
            )


def _counted(look: Look, pixels: list[NDArray[Any]], codes: NDArray[Any] | None, place: int) -> list[BandCounts]:
    """Counts of each band at one time, of every so many pixels; SCL says which are clear."""
    step = max(1, -(-max(pixels[0].shape[1:]) // _SAMPLE_PX))
    clear = None if codes is None else np.isin(codes[place, ::step, ::step], sorted(CLEAR))
    return [
        count(band, np.ascontiguousarray(one[place, ::step, ::step])[None], clear)
        for band, one in zip(look.bands, pixels, strict=True)
    ]


def draw(task: PictureTask) -> None:
    """Paint and write one picture; runs in the workers.

    Raises:
        DiskError: It cannot be written.
        InputError: It is too large for its format.
    """
    look = task.drawing.look
    layers = [scratch.pixels(task.part, layer, task.shape)[task.place] for layer in task.drawing.layers]
    out = np.empty((*task.grid.shape, look.channels), look.dtype)
    for row in range(0, task.grid.height, _STRIPE_ROWS):
        rows = slice(row, row + _STRIPE_ROWS)
        out[rows] = _painted(look, [np.asarray(layer[rows]) for layer in layers])
    write_picture(Painting(look, task.grid, out), task.output, threads=1)


def _painted(look: Look, layers: list[NDArray[Any]]) -> Pixels:
    if look.mode is Mode.VALUES:
        return to_steps(layers[0], *look.value_range)[..., None]
    return paint(look, [layer[None] for layer in layers])
