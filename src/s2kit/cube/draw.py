"""`s2kit render --mosaic` and `--composite`: pictures of a cube, from the options of `render`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from s2kit.cube.formats import CubeFormat, CubeOutput, PictureStyle
from s2kit.cube.items import write_items
from s2kit.cube.layers import parse_layers
from s2kit.cube.plan import CubePlan
from s2kit.cube.prepare import ready_plan
from s2kit.cube.request import CubeRequest
from s2kit.cube.run import CubeResult, make_cube
from s2kit.cube.survey import with_classes
from s2kit.errors import UsageError
from s2kit.picture.clouds import ClassImage
from s2kit.picture.composites import Subject
from s2kit.picture.formats import PictureFormat, parse_format
from s2kit.picture.stretch import parse_stretch
from s2kit.product.ref import Products
from s2kit.render.spec import specs_of
from s2kit.run.events import Report, silent
from s2kit.settings import Loaded

_ONLY_RENDER = ("batch", "max_px", "clip", "crop", "dtype", "name_template", "dry_run")
"""Options of `render` that a cube does not know."""
_CUBE = ("aoi", "bbox", "date", "resampling", "boa_offset", "mask", "mask_clouds", "dilate", "period", "crs", "jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawRequest:
    """Cubes to draw, one for each subject."""

    cubes: tuple[CubeRequest, ...]
    subjects: tuple[str, ...]
    """What each cube shows: bands, an index or a recipe."""
    output: CubeOutput
    stac: bool = False
    """True for a STAC item beside each picture."""

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        products: Products = None,
        composite: Sequence[str] = (),
        recipe: Sequence[str] = (),
        **given: Any,
    ) -> Self:
        """The request that the options of `s2kit render` mean.

        Args:
            loaded: The settings.
            report: Takes notes.
            products: Products or folders of products; None for those of the dataset folder.
            composite: Composites of many dates; at most one.
            recipe: Named composites of colours.
            given: The other options of `s2kit render`, by their names.

        Raises:
            UsageError: Options that exclude each other.
            S2KitError: As `CubeRequest.parse`.
        """
        _refuse(composite, given)
        form = parse_format(given["form"] or "jpeg")
        stretch = parse_stretch(given["stretch"] or "auto", given["gamma"])
        named = list(recipe) if recipe or given["bands"] or given["index"] else ["true-color"]
        specs = tuple(
            specs_of(
                bands=given["bands"] or (), index=given["index"] or (), recipe=named, res=given["res"], stretch=stretch
            )
        )
        options = {name: given[name] for name in _CUBE if given[name] is not None}
        chosen = products if products is not None else str(loaded.settings.dataset)
        cubes = tuple(
            replace(
                CubeRequest.parse(
                    loaded,
                    report,
                    products=chosen,
                    range=given["range_"],
                    composite=composite[0] if composite else None,
                    **_layers(spec.subject),
                    **options,
                ),
                needs_classes=spec.subject.index is None,
            )
            for spec in specs
        )
        output = CubeOutput(
            path=Path(given["out"] or ".").absolute(),
            form=CubeFormat.PICTURES,
            overwrite=given["overwrite"],
            jobs=cubes[0].settings.jobs,
            style=PictureStyle(form=form, stretch=stretch, quality=given["quality"], scl_is_drawn=False),
        )
        return cls(cubes=cubes, subjects=tuple(spec.subject.name for spec in specs), output=output, stac=given["stac"])


def _layers(subject: Subject) -> dict[str, Any]:
    index = {"index": [subject.index]} if subject.index else {"bands": list(subject.bands)}
    return {**index, "res": None if subject.resolution_m is None else float(subject.resolution_m)}


def _refuse(composite: Sequence[str], given: dict[str, Any]) -> None:
    if len(composite) > 1:
        raise UsageError(f"--composite {' and '.join(composite)}: one picture has one", "leave one out")
    for name in _ONLY_RENDER:
        if given[name]:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} does not go with --mosaic, --composite, --crs or dates", "leave it out")
    form = parse_format(given["form"] or "jpeg")
    if form in {PictureFormat.GTIFF, PictureFormat.COG} and given["index"]:
        raise UsageError("data of a cube are made by s2kit cube", "s2kit cube --format cog")


def draw_cubes(request: DrawRequest, report: Report = silent) -> Iterator[CubeResult]:
    """Draw all cubes of a request, one after the other.

    Raises:
        OutputError: A picture is there already.
        S2KitError: As `plan_cube` and `make_cube`.
    """
    for one in request.cubes:
        plan = _with_classes(ready_plan(one, report), request)
        result = make_cube(plan, request.output, report)
        if request.stac:
            write_items(plan, request.output, result)
        yield result


def _with_classes(plan: CubePlan, request: DrawRequest) -> CubePlan:
    """The plan with SCL as a layer more, by which an automatic stretch leaves clouds out; as it is without SCL."""
    sources = [source for one in plan.slices for source in one.sources]
    is_known = all(isinstance(source.classes, ClassImage) and source.classes.is_scl for source in sources)
    if plan.recipe.composite or plan.recipe.mask or not (is_known and request.output.style.stretch_needs_clear):
        return plan
    layers = (*plan.recipe.layers, *parse_layers(["SCL"], (), dtype="uint16", digital=False))
    return replace(
        plan, slices=tuple(with_classes(one) for one in plan.slices), recipe=replace(plan.recipe, layers=layers)
    )
