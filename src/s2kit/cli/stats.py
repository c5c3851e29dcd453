"""`s2kit stats`: numbers of parcels over time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    ArchiveName,
    BoaOffset,
    CatalogueName,
    Date,
    Dilate,
    End,
    FailIfEmpty,
    Format,
    Indices,
    Jobs,
    Lat,
    LayerName,
    Level,
    Lon,
    MaskClasses,
    MaxCloud,
    OutputFile,
    OutputFormat,
    ParcelCrs,
    Parcels,
    Pid,
    Points,
    Products,
    Ptype,
    Range,
    Res,
    Start,
    Where,
    Year,
    chosen_format,
)

if TYPE_CHECKING:
    from s2kit.stats import StatsRun
Buffer = Annotated[
    float | None,
    typer.Option("--buffer", metavar="M", min=0.1, help="Metres around each point that are counted; by default 10."),
]


def stats(
    products: Products = None,
    parcels: Parcels = None,
    points: Points = None,
    layer_name: LayerName = None,
    crs: ParcelCrs = None,
    year: Year = None,
    ptype: Ptype = "",
    pid: Pid = None,
    where: Where = None,
    lon: Lon = None,
    lat: Lat = None,
    start: Start = None,
    end: End = None,
    range_: Range = None,
    date: Date = None,
    level: Level = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", "--bands", metavar="SCL,B04", help="SCL or bands; by default SCL; may be repeated."),
    ] = None,
    index: Indices = None,
    mask_clouds: Annotated[
        bool, typer.Option("--mask-clouds", help="Leave pixels that are not clear out of bands and indices.")
    ] = False,
    mask: MaskClasses = None,
    dilate: Dilate = None,
    buffer: Buffer = None,
    clear_classes: Annotated[
        str | None, typer.Option("--clear-classes", metavar="4,5,6", help="Scene classes (SCL) that count as clear.")
    ] = None,
    dn: Annotated[bool, typer.Option("--dn", help="Bands as stored in the file, not as reflectance.")] = False,
    res: Res = None,
    max_cloud: MaxCloud = None,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="List the products in which the parcels are clear, to pipe into another verb."),
    ] = False,
    min_clear: Annotated[
        float,
        typer.Option(
            "--min-clear", metavar="PCT", min=0, max=100, help="Share of a parcel that must be clear, in percent."
        ),
    ] = 100.0,
    min_seen: Annotated[
        float | None,
        typer.Option(
            "--min-seen",
            metavar="PCT",
            min=0,
            max=100,
            help="Measure --min-clear over the pixels with data only, of which a parcel needs this share.",
        ),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Print histograms as lines NAME.SCL.tif {4: 187}.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw an index against time (extra: plot).")
    ] = None,
    boa_offset: BoaOffset = "auto",
    catalogue: CatalogueName = None,
    archive: ArchiveName = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the chart.")] = False,
    form: OutputFormat = None,
    output: OutputFile = None,
    jobs: Jobs = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Count scene classes, bands and indices of parcels over time.

    One row for each parcel, product and layer. Without a PRODUCT, products are searched for.

    s2kit stats --parcels p.geojson --pid 7 --range 2024-04-01 2024-06-30 --index ndvi --mask-clouds
    """
    form = chosen_format(form, output)
    with session("stats", fail_if_empty=fail_if_empty) as run:
        from s2kit.cli.inputs import named_products
        from s2kit.stats import StatsRequest, StatsRun

        request = StatsRequest.parse(
            run.loaded, run.report, products=named_products(products), parcels=parcels, points=points, year=year,
            ptype=ptype, layer_name=layer_name, crs=crs, pid=pid, where=where, lon=lon, lat=lat, start=start, end=end,
            range=range_, date=date,
            level=level, layer=layer, index=index, mask_clouds=mask_clouds, mask=mask, dilate=dilate, buffer=buffer,
            clear_classes=clear_classes, dn=dn,
            res=res, max_cloud=max_cloud, boa_offset=boa_offset, catalogue=catalogue, archive=archive, jobs=jobs,
            needs_scl=clear or lines, needs_index=plot is not None,
        )  # fmt: skip
        asked = StatsRun(request, run.report)
        if clear:
            _clear(run, asked, min_clear, min_seen, form, output)
        elif plot is not None:
            _plot(run, asked, plot, overwrite=overwrite)
        else:
            _rows(run, asked, form, output, lines=lines)


def _rows(run: Session, asked: "StatsRun", form: Format, output: Path | None, *, lines: bool) -> None:
    from s2kit.cli.output import emit, write_line
    from s2kit.stats.rows import COLUMNS, CSV_COLUMNS
    from s2kit.stats.run import shown

    count = 0
    if lines:
        for row in asked.rows():
            if row.numbers.histogram is not None:
                write_line(row.line)
                count += 1
    else:
        columns = CSV_COLUMNS if form is Format.CSV else COLUMNS
        records = shown(
            asked, as_text=form in {Format.TABLE, Format.CSV}, with_outline=form in {Format.GEOJSON, Format.PARQUET}
        )
        count = emit(records, form, columns, command="stats", output=output)
    _end(run, asked, count)


def _clear(
    run: Session, asked: "StatsRun", min_clear: float, min_seen: float | None, form: Format, output: Path | None
) -> None:
    from s2kit.cli.output import emit
    from s2kit.stats.request import keep_clear
    from s2kit.stats.rows import CLEAR_COLUMNS
    from s2kit.stats.run import clear_rows

    records = clear_rows(asked, min_clear, min_seen)
    keep_clear(run.settings, records, asked.request.parcels, run.report)
    count = emit(records, form, CLEAR_COLUMNS, command="stats", schema="stats-clear", output=output)
    _end(run, asked, count)


def _plot(run: Session, asked: "StatsRun", path: Path, *, overwrite: bool) -> None:
    from s2kit.cli.output import write_line
    from s2kit.stats.plot import draw

    write_line(str(draw(asked, path, overwrite=overwrite)))
    _end(run, asked, 1)


def _end(run: Session, asked: "StatsRun", count: int) -> None:
    run.failures.extend(asked.failures.values())
    run.items = asked.products
    run.result.update({"rows": count, "parcels": len(asked.request.parcels), "products": asked.products})
    run.close(empty=count == 0)
