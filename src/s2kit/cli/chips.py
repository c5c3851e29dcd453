"""`s2kit chips`: series of small pictures at a place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    TEXTS,
    ArchiveName,
    BoaOffset,
    CatalogueName,
    Date,
    Dilate,
    DryRun,
    End,
    FailIfEmpty,
    Format,
    Jobs,
    Lat,
    LayerName,
    Lon,
    MaskClasses,
    MaskClouds,
    MaxCloud,
    Out,
    Overwrite,
    ParcelCrs,
    Parcels,
    Pid,
    Point,
    Points,
    Products,
    Ptype,
    Range,
    Res,
    Stac,
    Start,
    Stretch,
    Where,
    Year,
    chosen_format,
)

if TYPE_CHECKING:
    from s2kit.chips import ChipsMade, ChipsRequest
    from s2kit.chips.output import ChipsOutput
    from s2kit.settings import Loaded


def chips(
    products: Products = None,
    lon: Lon = None,
    lat: Lat = None,
    point: Point = None,
    points: Points = None,
    parcels: Parcels = None,
    layer_name: LayerName = None,
    crs: ParcelCrs = None,
    year: Year = None,
    ptype: Ptype = "",
    pid: Pid = None,
    where: Where = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", metavar="M", min=0, help="Cut the box around each parcel with this margin, in metres."
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    range_: Range = None,
    date: Date = None,
    level: Annotated[
        str | None,
        typer.Option(
            "--level",
            "--plevel",
            metavar="l2a|l1c",
            help="Processing level; by default that of the settings: l2a.",
        ),
    ] = None,
    bands: Annotated[
        list[str] | None,
        typer.Option(
            "--bands",
            "--band",
            metavar="B08,B04,B03",
            help="One or three bands, any number with --raw; may be repeated.",
        ),
    ] = None,
    stretch: Stretch = None,
    res: Res = None,
    index: Annotated[
        str | None,
        typer.Option(
            "--index", metavar="NAME|NAME=FORMULA", help="Draw an index in colours, such as ndvi or 'r=nir/red'."
        ),
    ] = None,
    chipsize: Annotated[
        float | None, typer.Option("--chipsize", metavar="M", help="Side in metres; 1280 by default, 5120 at most.")
    ] = None,
    size_px: Annotated[
        int | None, typer.Option("--size-px", metavar="N", min=1, help="Side in pixels of the first band.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Allow chips above 5120 m.")] = False,
    max_cloud: MaxCloud = None,
    max_cloud_chip: Annotated[
        float | None,
        typer.Option(
            "--max-cloud-chip",
            metavar="PCT",
            min=0,
            max=100,
            help="Skip chips with more cloud than this, by SCL, in percent.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=0, help="Maximum new chips of a place; 24 by default, 0 for no limit."
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Make GeoTIFFs of full resolution, one a band, instead of pictures.")
    ] = False,
    mask: MaskClasses = None,
    mask_clouds: MaskClouds = False,
    dilate: Dilate = None,
    resampling: Annotated[
        str,
        typer.Option(
            "--resampling", metavar="auto|nearest|bilinear|cubic|average", help="Kernel for bands of other resolutions."
        ),
    ] = "auto",
    boa_offset: BoaOffset = "auto",
    catalogue: CatalogueName = None,
    archive: ArchiveName = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="FILE", help="A JSON file with lon, lat, tiles, bands, chipsize."),
    ] = None,
    difference: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--difference", metavar="A.tif B.tif", help="Compute only the normalised difference of two raw chips."
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List what would be cut, and stop.")] = False,
    dry_run: DryRun = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not read or write the cache of chips.")] = False,
    out: Out = None,
    overwrite: Overwrite = False,
    stac: Stac = False,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", metavar=TEXTS, help="Output format; by default one path a line, or JSON with --raw."
        ),
    ] = None,
    jobs: Jobs = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Cut a time series of small pictures at a place.

    A page that shows them is written beside them. Without a PRODUCT, products are searched for.

    s2kit chips --lon 1.5 --lat 43.6 --start 2024-04-01 --end 2024-06-30
    """
    if form is not None:
        form = chosen_format(form, None)
    with session("chips", fail_if_empty=fail_if_empty, cache=False if no_cache else None) as run:
        if difference is not None:
            _difference(difference, index, out, overwrite=overwrite)
            return
        with _cache(run) as loaded:
            from s2kit.chips import ChipsRequest
            from s2kit.cli.inputs import named_products

            request = ChipsRequest.parse(
                loaded, run.report, products=named_products(products), lon=lon, lat=lat, point=point, points=points,
                parcels=parcels, layer_name=layer_name, crs=crs, year=year, ptype=ptype, pid=pid, where=where,
                margin=margin, start=start, end=end,
                range=range_, date=date, level=level, bands=bands, stretch=stretch, res=res, index=index,
                chipsize=chipsize, size_px=size_px, force=force, max_cloud=max_cloud, max_cloud_chip=max_cloud_chip,
                limit=limit, raw=raw, resampling=resampling, mask=mask, mask_clouds=mask_clouds, dilate=dilate,
                boa_offset=boa_offset, catalogue=catalogue,
                archive=archive, batch=batch, jobs=jobs,
            )  # fmt: skip
            if listing or dry_run:
                _list(run, request, form or Format.TABLE, dry_run=dry_run)
            else:
                _make(run, request, form, out, overwrite=overwrite, stac=stac)


@contextmanager
def _cache(run: Session) -> "Iterator[Loaded]":
    """The settings with a cache folder; one that is removed at the end if no cache is wanted or none can be written."""
    from s2kit.chips.cache import can_be_written
    from s2kit.chips.places import cache_root
    from s2kit.run.events import Note

    if run.settings.cache:
        folder = cache_root(run.settings)
        if can_be_written(folder):
            yield run.loaded
            return
        run.report(Note(f"the cache {folder} cannot be written: chips are cut without it", warning=True))
    with TemporaryDirectory(prefix="s2kit-chips-") as name:
        yield replace(run.loaded, settings=run.settings.given(cache_dir=Path(name)))


def _list(run: Session, request: "ChipsRequest", form: Format, *, dry_run: bool) -> None:
    from s2kit.chips.listing import LIST_COLUMNS, estimate, planned_rows
    from s2kit.chips.run import plan
    from s2kit.cli.output import emit
    from s2kit.run.events import DryRunSum

    planned = plan(request)
    count = emit(planned_rows(planned), form, LIST_COLUMNS, command="chips", schema="chips-list")
    run.result["matched"] = count
    run.failures.extend(request.unusable.values())
    run.items = len(request.found) + len(request.unusable)
    if dry_run:
        run.report(DryRunSum(estimate(request, planned)))
    run.close(empty=not count)


def _make(
    run: Session, request: "ChipsRequest", form: Format | None, out: str | None, *, overwrite: bool, stac: bool
) -> None:
    from s2kit.chips import make_chips

    made = make_chips(request, Path(out) if out else None, overwrite=overwrite, stac=stac, report=run.report)
    run.failures.extend(made.result.failures.values())
    run.items = made.products
    places = [place.title for place in request.places]
    run.result.update({"chips": made.count, "new": made.result.made, "places": places})
    if made.output is not None:
        _print(run, made, made.output, form)
    run.close(empty=not made.count)


def _print(run: Session, made: "ChipsMade", output: "ChipsOutput", form: Format | None) -> None:
    from s2kit.chips.listing import COLUMNS
    from s2kit.cli.json_text import to_json
    from s2kit.cli.output import emit, write_line
    from s2kit.run.events import Note
    from s2kit.run.wording import counted

    if form is not None:
        emit(made.rows(), form, COLUMNS, command="chips")
    elif output.page is None:
        write_line(to_json(output.listing))
    else:
        for path in output.files:
            write_line(str(path))
    if output.page is not None:
        run.report(Note(f"{output.page} shows {counted(len(output.files), 'picture')}"))


def _difference(pair: tuple[Path, Path], index: str | None, out: str | None, *, overwrite: bool) -> None:
    from s2kit.chips.difference import difference
    from s2kit.cli.output import write_line

    for path in difference(pair[0], pair[1], Path(out or "."), index or "ndvi", overwrite=overwrite):
        write_line(str(path))
