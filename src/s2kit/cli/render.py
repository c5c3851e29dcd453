"""`s2kit render`: pictures of products."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    TEXTS,
    Aoi,
    ArchiveName,
    Bands,
    Bbox,
    BoaOffset,
    Date,
    Dilate,
    DryRun,
    FailIfEmpty,
    Format,
    Indices,
    Jobs,
    MaskClasses,
    MaskClouds,
    Out,
    Overwrite,
    Period,
    Products,
    Range,
    Res,
    Stac,
    Stretch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s2kit.product.ref import Products as Refs
    from s2kit.render import RenderRequest

COLUMNS = ("state", "product", "subject", "resolution_m", "width", "height", "nbytes", "path")


def render(
    products: Products = None,
    bands: Bands = None,
    index: Indices = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe",
            "--composite",
            metavar="NAME[@RES]",
            help="true-color, false-color, swir …; or median, mean, p25, max:ndvi, first-clear: one picture of many "
            "dates; may be repeated.",
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", "--job", metavar="FILE", help="Pictures from a JSON or CSV file, - for stdin."),
    ] = None,
    res: Res = None,
    max_px: Annotated[
        int | None, typer.Option("--max-px", metavar="N", help="Longest side of the output in pixels.")
    ] = None,
    stretch: Stretch = None,
    gamma: Annotated[
        float | None, typer.Option("--gamma", metavar="G", help="Gamma of the greys; above 1 is brighter.")
    ] = None,
    same_stretch: Annotated[
        bool, typer.Option("--same-stretch", help="One stretch for all products, so that a series does not flicker.")
    ] = False,
    mask_clouds: MaskClouds = False,
    mask: MaskClasses = None,
    dilate: Dilate = None,
    aoi: Aoi = None,
    bbox: Bbox = None,
    clip: Annotated[bool, typer.Option("--clip", help="Make all outside the area no data.")] = False,
    crop: Annotated[
        str | None, typer.Option("--crop", metavar="legacy", help="Keep only the centre, as the legacy service did.")
    ] = None,
    resampling: Annotated[
        str,
        typer.Option(
            "--resampling", metavar="auto|nearest|bilinear|cubic|average", help="Kernel onto other pixel sizes."
        ),
    ] = "auto",
    boa_offset: BoaOffset = "auto",
    mosaic: Annotated[
        bool, typer.Option("--mosaic", help="One picture a day over all tiles of the area, in one stretch.")
    ] = False,
    period: Period = None,
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="auto|EPSG:N", help="CRS of mosaics and of pictures for web maps.")
    ] = None,
    range_: Range = None,
    date: Date = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-F",
            metavar="jpeg|png|webp|gtiff|cog",
            help="File format of the pictures; what stdout lists is -f.",
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="uint16|float32",
            help="Data instead of a picture, of any number of bands: stored numbers or reflectance (gtiff, cog).",
        ),
    ] = None,
    quality: Annotated[int, typer.Option("--quality", metavar="1-100", help="Quality of JPEG and WebP.")] = 90,
    out: Out = None,
    name_template: Annotated[
        str | None,
        typer.Option(
            "--name-template",
            metavar="TEXT",
            help="File names, made of {datetime}, {tile}, {composite}, {ext} …; or legacy.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    stac: Stac = False,
    dry_run: DryRun = False,
    fail_if_empty: FailIfEmpty = False,
    jobs: Jobs = None,
    archive: ArchiveName = None,
    listing: Annotated[
        Format,
        typer.Option("--list", "-f", metavar=TEXTS, help="Format of the list on stdout; ids is one path a line."),
    ] = Format.IDS,
) -> None:
    """Make pictures of products: bands, indices, recipes.

    Without a PRODUCT, all products of the dataset folder are shown. An output that is there already, made with the same
    options, is kept.

    s2kit render --recipe false-color --max-px 1024 --out pictures
    """
    from s2kit.cli.inputs import named_products
    from s2kit.cube.composite import is_composite
    from s2kit.render import RenderRequest

    many = [text for text in recipe or () if is_composite(text)]
    if mosaic or many or period or crs or range_ or date:
        options = {
            "aoi": aoi, "bbox": bbox, "date": date, "range_": range_, "resampling": resampling,
            "boa_offset": boa_offset, "mask": mask, "mask_clouds": mask_clouds, "dilate": dilate, "period": period,
            "crs": crs, "batch": batch, "max_px": max_px, "clip": clip, "crop": crop, "dtype": dtype,
            "name_template": name_template, "dry_run": dry_run, "stac": stac, "bands": bands, "index": index,
            "res": res, "stretch": stretch, "gamma": gamma, "form": form, "quality": quality, "out": out,
            "overwrite": overwrite, "same_stretch": same_stretch, "jobs": jobs, "composite": many,
            "recipe": [text for text in recipe or () if text not in many],
        }  # fmt: skip
        with session("render", fail_if_empty=fail_if_empty, jobs=jobs, archive=archive) as run:
            _mosaic(run, named_products(products), options, listing)
        return
    with session("render", fail_if_empty=fail_if_empty, jobs=jobs, archive=archive) as run:
        request = RenderRequest.parse(
            named_products(products), bands=bands, index=index, recipe=recipe, batch=batch, res=res,
            stretch=stretch, gamma=gamma, mask=mask, mask_clouds=mask_clouds, cloud_classes=run.settings.cloud_classes,
            aoi=aoi, bbox=bbox, clip=clip, crop=crop, resampling=resampling, boa_offset=boa_offset, form=form,
            dtype=dtype, quality=quality, dilate=dilate,
            out=out, name_template=name_template, max_px=max_px, same_stretch=same_stretch, overwrite=overwrite,
            stac=stac, dry_run=dry_run, jobs=run.settings.jobs, report=run.report,
        )  # fmt: skip
        _run(run, request, listing)


def _mosaic(run: Session, products: "Refs", options: dict[str, Any], listing: Format) -> None:
    """Pictures of the engine of `s2kit cube`: over tiles, of many dates, in another CRS."""
    from s2kit.cli.output import emit
    from s2kit.cube.draw import DrawRequest, draw_cubes
    from s2kit.render.outcome import Outcome, OutputState

    request = DrawRequest.parse(run.loaded, run.report, products=products, **options)

    def listed() -> "Iterator[dict[str, object]]":
        for subject, result in zip(request.subjects, draw_cubes(request, run.report), strict=True):
            run.failures.extend(result.failures.values())
            run.items += len(result.built.steps) + len(result.failures)
            for path in result.files:
                shown, nbytes = Path(options["out"] or ".") / path.name, path.stat().st_size
                yield Outcome(product="", subject=subject, state=OutputState.MADE, path=shown, nbytes=nbytes).record()

    count = emit(listed(), listing, COLUMNS, command="render", id_key="path")
    run.result = {"outputs": count}
    run.close(empty=not count)


def _run(run: Session, request: "RenderRequest", listing: Format) -> None:
    """Render and list; failures are reported at once and decide the exit code."""
    from s2kit.cli.output import emit
    from s2kit.render.run import render as rendered

    def listed() -> "Iterator[dict[str, object]]":
        for outcome in rendered(request, run.settings, run.report):
            run.items += 1
            if outcome.error is not None:
                run.failures.append(outcome.error)
            if outcome.error is None or listing not in {Format.IDS, Format.TABLE}:
                yield outcome.record()

    form = Format.TABLE if request.dry_run and listing is Format.IDS else listing
    count = emit(listed(), form, COLUMNS, command="render", id_key="path")
    run.result = {"outputs": count}
    run.close(empty=not count)
