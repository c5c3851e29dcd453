"""Cubes as cloud-optimised GeoTIFFs: one for each time and layer, or one for each time with all layers as its bands."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2kit.cube import meaning, scratch
from s2kit.cube.formats import Built, CubeFormat, CubeOutput, replace_folder
from s2kit.cube.layers import CubeLayer
from s2kit.cube.plan import CubePlan, Step
from s2kit.errors import UsageError
from s2kit.grid import Grid
from s2kit.picture.raster import RasterOptions, write_cog
from s2kit.product.scl import SCENE_CLASSES
from s2kit.run.files import ensure_folder, remove
from s2kit.run.parallel import Failed, pmap
from s2kit.version import __version__

_FILES = ".files"


@dataclass(frozen=True, slots=True)
class CogTask:
    """One file to write."""

    path: Path
    part: Path
    layers: tuple[CubeLayer, ...]
    place: int
    shape: tuple[int, int, int]
    grid: Grid
    tags: tuple[tuple[str, str], ...]
    threads: int


def publish(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> tuple[Path, ...]:
    """Write an unfinished cube as a folder of files.

    Raises:
        DiskError: A file cannot be written.
        UsageError: Layers that cannot be in one file.
    """
    folder = ensure_folder(part / _FILES)
    tasks = list(_tasks(plan, built, part, folder, output))
    with closing(pmap(write_file, tasks, output.jobs)) as results:  # type: ignore[type-var]
        for one in results:
            if isinstance(one, Failed):
                raise one.error
    names = sorted(path.name for path in folder.iterdir())
    replace_folder(folder, output.path)
    remove(part)
    return tuple(output.path / name for name in names)


def _tasks(plan: CubePlan, built: Built, part: Path, folder: Path, output: CubeOutput) -> Iterator[CogTask]:
    groups: list[tuple[CubeLayer, ...]] = [(layer,) for layer in plan.layers]
    if output.form is CubeFormat.MULTICOG:
        if len({np.dtype(layer.dtype).kind for layer in plan.layers}) > 1:
            names = ", ".join(f"{layer.name} ({layer.dtype})" for layer in plan.layers)
            raise UsageError(f"one file cannot hold {names}", "take --format cog, or leave some out")
        groups = [tuple(plan.layers)]
    for step, place in zip(built.steps, built.places, strict=True):
        for layers in groups:
            name = file_name(plan.steps[step], layers)
            tags = tuple(step_tags(plan, step, layers).items())
            yield CogTask(folder / name, part, layers, place, built.shape, plan.grid, tags, output.jobs)


def file_name(step: Step, layers: tuple[CubeLayer, ...]) -> str:
    """`20230810T100559_B04.tif`; without layer if all are in one file."""
    layer = f"_{layers[0].name}" if len(layers) == 1 else ""
    return f"{step.time:%Y%m%dT%H%M%S}{layer}.tif"


def step_tags(plan: CubePlan, step: int, layers: tuple[CubeLayer, ...]) -> dict[str, str]:
    """What a file says of one time of a cube."""
    sources = meaning.sources_of(plan, [step])
    (time, found), *_ = sources.items()
    tags = {
        "TIFFTAG_SOFTWARE": f"s2kit {__version__}",
        "TIFFTAG_DATETIME": f"{plan.steps[step].time:%Y:%m:%d %H:%M:%S}",
        "S2KIT_TIME": time,
        "S2KIT_DAY": str(found["day"]),
        "S2KIT_SOURCES": " ".join(found["products"]),
        "S2KIT_LAYERS": ",".join(layer.name for layer in layers),
    }
    if plan.recipe.mask:
        tags["S2KIT_MASK"] = plan.recipe.mask.text
    if plan.recipe.composite:
        tags["S2KIT_COMPOSITE"] = plan.recipe.composite.text
    if layers[0].kind == "date":
        tags["S2KIT_UNITS"] = layers[0].units
    return tags


def write_file(task: CogTask) -> None:
    """Write one file; runs in the workers.

    Raises:
        DiskError: It cannot be written.
    """
    dtype = np.result_type(*(layer.dtype for layer in task.layers))
    arrays = [scratch.pixels(task.part, layer, task.shape)[task.place] for layer in task.layers]
    pixels = np.stack(arrays, axis=2).astype(dtype, copy=False) if len(arrays) > 1 else arrays[0][:, :, None]
    first = task.layers[0]
    classes = len(task.layers) == 1 and bool(first.flags)
    nodata = meaning.fill_value(first)
    if classes:
        nodata = 0
    options = RasterOptions(
        grid=task.grid,
        tags=dict(task.tags),
        band_names=tuple(layer.name for layer in task.layers),
        nodata=nodata,
        palette=_palette() if classes else None,
        scale_offset=tuple((layer.scale, 0.0) for layer in task.layers) if _scaled(task) else (),
        resampling="nearest" if classes or first.kind == "date" else "average",
        threads=1,
    )
    write_cog(task.path, pixels, options)


def _scaled(task: CogTask) -> bool:
    return any(layer.scale != 1 for layer in task.layers)


def _palette() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    colours = np.zeros((256, 3), np.uint8)
    for code, one in SCENE_CLASSES.items():
        colours[code] = one.colour
    return colours
