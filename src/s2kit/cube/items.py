"""STAC items beside a cube: one for a Zarr or netCDF, one for each time of GeoTIFFs, one for each picture."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from pathlib import Path

from s2kit.cube import meaning
from s2kit.cube.formats import CubeFormat, CubeOutput
from s2kit.cube.geotiffs import file_name
from s2kit.cube.plan import CubePlan, Step
from s2kit.cube.run import CubeResult
from s2kit.cube.zarr_store import Existing
from s2kit.picture.stac_item import StacAsset, StacBand, StacFacts, write_stac

_MEDIA_TYPES = {
    CubeFormat.ZARR: "application/vnd.zarr; version=3",
    CubeFormat.NETCDF: "application/x-netcdf",
    CubeFormat.COG: "image/tiff; application=geotiff; profile=cloud-optimized",
    CubeFormat.MULTICOG: "image/tiff; application=geotiff; profile=cloud-optimized",
}


def write_items(plan: CubePlan, output: CubeOutput, result: CubeResult) -> tuple[Path, ...]:
    """Write the items of what was made.

    Returns:
        Their paths: `cube.zarr.json` beside a cube, `20240419T105031.json` in a folder of GeoTIFFs, `….jpg.json` beside
        a picture.

    Raises:
        OutputError: They cannot be written.
    """
    if output.form in {CubeFormat.ZARR, CubeFormat.NETCDF}:
        return (_of_cube(plan, output),)
    if output.form is CubeFormat.PICTURES:
        steps = cycle(result.built.steps)  # pictures are made subject after subject
        return tuple(_of_picture(plan, plan.steps[at], path, output) for at, path in zip(steps, result.files))  # noqa: B905
    return tuple(_of_step(plan, plan.steps[at], output) for at in result.built.steps)


def _of_cube(plan: CubePlan, output: CubeOutput) -> Path:
    """The item of the whole cube; of one that was appended to, all dates that it has."""
    bands = tuple(_band(plan, at) for at in range(len(plan.layers)))
    asset = StacAsset("data", output.path, _MEDIA_TYPES[output.form], ("data",), bands)
    start, end = _span(plan, plan.steps[0])[0], _span(plan, plan.steps[-1])[1]
    sources = _sources(plan, plan.steps)
    if output.append:
        there, known = Existing(output.path), dict(sources)
        start, end = (meaning.moment_of(pick(there.times)) for pick in (min, max))
        sources = [(name, known.get(name, "")) for names in there.days.values() for name in names]
    facts = StacFacts(
        id=output.path.stem,
        grid=plan.grid,
        start=start,
        end=end,
        title=meaning.title(plan),
        missions=plan.missions,
        sources=sources,
    )
    return write_stac(facts, [asset], output.path.with_name(f"{output.path.name}.json"))


def _of_picture(plan: CubePlan, step: Step, path: Path, output: CubeOutput) -> Path:
    start, end = _span(plan, step)
    facts = StacFacts(
        id=path.stem, grid=plan.grid, start=start, end=end, missions=plan.missions, sources=_sources(plan, [step])
    )
    asset = StacAsset("visual", path, output.style.form.media_type, ("visual",))
    return write_stac(facts, [asset], path.with_name(f"{path.name}.json"))


def _of_step(plan: CubePlan, step: Step, output: CubeOutput) -> Path:
    if output.form is CubeFormat.MULTICOG:
        bands = tuple(_band(plan, at) for at in range(len(plan.layers)))
        path = output.path / file_name(step, plan.layers)
        assets = [StacAsset("data", path, _MEDIA_TYPES[output.form], ("data",), bands)]
    else:
        assets = [
            StacAsset(
                layer.name,
                output.path / file_name(step, (layer,)),
                _MEDIA_TYPES[output.form],
                ("data",),
                (_band(plan, at),),
            )
            for at, layer in enumerate(plan.layers)
        ]
    start, end = _span(plan, step)
    name = f"{step.time:%Y%m%dT%H%M%S}"
    facts = StacFacts(
        id=f"{output.path.name}_{name}",
        grid=plan.grid,
        start=start,
        end=end,
        missions=plan.missions,
        sources=_sources(plan, [step]),
    )
    return write_stac(facts, assets, output.path / f"{name}.json")


def _band(plan: CubePlan, at: int) -> StacBand:
    layer = plan.layers[at]
    return StacBand(layer.name, layer.title, layer.dtype, meaning.fill_value(layer), layer.scale)


def _span(plan: CubePlan, step: Step) -> tuple[datetime, datetime]:
    """First and last moment of a step: that of a slice, the days of a period."""
    if plan.recipe.composite is None:
        return step.time, step.time
    return step.time, datetime.combine(step.end, time(), UTC) - timedelta(seconds=1)


def _sources(plan: CubePlan, steps: Sequence[Step]) -> list[tuple[str, str]]:
    found = {source.id: source.address for step in steps for at in step.slices for source in plan.slices[at].sources}
    return list(found.items())
