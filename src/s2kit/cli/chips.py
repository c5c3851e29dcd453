"""`s2kit chips`: series of small pictures at a place."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    CatalogueName,
    Date,
    DryRun,
    FailIfEmpty,
    Format,
    Jobs,
    MaxCloud,
    Out,
    Overwrite,
    Point,
    Products,
    Range,
    Res,
)

if TYPE_CHECKING:
    from s2kit.chips.words import ChipWords, UnderstoodChips

Lon = Annotated[float | None, typer.Option("--lon", metavar="DEG", help="Longitude of the place.")]
Lat = Annotated[float | None, typer.Option("--lat", metavar="DEG", help="Latitude of the place.")]
Points = Annotated[
    list[str] | None,
    typer.Option("--points", "--aoi", metavar="FILE|WKT", help="Places, one a feature: GeoJSON, CSV, KML, WKT."),
]
Parcels = Annotated[
    str | None,
    typer.Option(
        "--parcels", metavar="FILE", help="Parcels: GeoJSON, GeoPackage, Shapefile; {year} and {ptype} in it."
    ),
]
Year = Annotated[int | None, typer.Option("--year", metavar="YYYY", help="Fills {year} of the parcel file.")]
Ptype = Annotated[str, typer.Option("--ptype", metavar="TYPE", help="Fills {ptype} of the parcel file.")]
Pid = Annotated[list[str] | None, typer.Option("--pid", metavar="ID", help="Parcel id; may be repeated.")]
Where = Annotated[list[str] | None, typer.Option("--where", metavar="KEY=VALUE", help="Parcels with this attribute.")]
Start = Annotated[
    str | None, typer.Option("--start", "--start-date", "--start_date", metavar="DAY", help="First day, UTC.")
]
End = Annotated[str | None, typer.Option("--end", "--end-date", "--end_date", metavar="DAY", help="Last day, UTC.")]
BoaOffset = Annotated[
    str,
    typer.Option("--boa-offset", metavar="auto|applied|needed|DN", help="Offset of GeoTIFFs from baseline 04.00 on."),
]


def chips(
    products: Products = None,
    lon: Lon = None,
    lat: Lat = None,
    point: Point = None,
    points: Points = None,
    parcels: Parcels = None,
    year: Year = None,
    ptype: Ptype = "",
    pid: Pid = None,
    where: Where = None,
    margin: Annotated[
        float | None, typer.Option("--margin", metavar="M", min=0, help="Cut the parcel's box with this margin.")
    ] = None,
    start: Start = None,
    end: End = None,
    range_: Range = None,
    date: Date = None,
    level: Annotated[
        str | None, typer.Option("--level", "--plevel", metavar="l2a|l1c", help="Processing level.")
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option("--bands", "--band", metavar="B08,B04,B03", help="One or three bands; any number with --raw."),
    ] = None,
    lut: Annotated[
        str | None,
        typer.Option("--lut", "--stretch", metavar="5_95", help="Percentiles, or low and high of each band."),
    ] = None,
    res: Res = None,
    index: Annotated[str | None, typer.Option("--index", metavar="ndvi", help="Draw an index in colours.")] = None,
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
        typer.Option("--max-cloud-chip", metavar="PCT", min=0, max=100, help="Leave out chips with more cloud by SCL."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="Most new chips a place; 24 by default, 0 for no limit."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Full-resolution GeoTIFFs, one a band.")] = False,
    resampling: Annotated[
        str, typer.Option("--resampling", metavar="nearest|bilinear|average|cubic", help="For bands of other sizes.")
    ] = "nearest",
    boa_offset: BoaOffset = "auto",
    catalogue: CatalogueName = None,
    archive: Annotated[
        str | None, typer.Option("--archive", metavar="NAME", help="auto, cogs, aws, cdse, gcp or one of the settings.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="FILE", help="A JSON body with lon, lat, tiles, bands, chipsize."),
    ] = None,
    difference: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--difference", metavar="A.tif B.tif", help="Normalised difference of two raw chips, no more."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Say what would be cut, and stop.")] = False,
    dry_run: DryRun = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep chips of other runs.")] = False,
    out: Out = None,
    overwrite: Overwrite = False,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="What stdout carries; paths, or JSON with --raw, by default."),
    ] = None,
    jobs: Jobs = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Cut a time series of small pictures at a place, and a page that shows them.

    s2kit chips --lon 1.5 --lat 43.6 --start 2024-04-01 --end 2024-06-30
    """
    given = locals()
    with session("chips", level=None, archive=archive, jobs=jobs, cache=False if no_cache else None) as run:
        if difference is not None:
            _difference(run, difference, index, out, overwrite=overwrite)
            return
        words = _words(given)
        if nothing_named(run, given, words.which):
            run.close(empty=True, fail_if_empty=fail_if_empty)
            return
        with _cache(run, use=run.settings.cache) as settings:
            from s2kit.chips.words import understood_chips

            asked = understood_chips(words, settings, run.secrets, settings.jobs, run.report)
            if listing or dry_run:
                _list(run, asked, form or Format.TABLE, dry_run=dry_run)
            else:
                _cut(run, asked, form, out, overwrite=overwrite, fail_if_empty=fail_if_empty)


def nothing_named(run: Session, given: dict[str, Any], which: Any) -> bool:
    """True where products were to come from stdin and none came: that is no reason to search for some."""
    from s2kit.run.events import Note

    if not given["products"] or which.refs:
        return False
    run.report(Note("stdin names no product: there is nothing to do", warning=True))
    return True


def _words(given: dict[str, Any]) -> "ChipWords":
    from s2kit.chips.words import ChipWords

    names = ("bands", "lut", "res", "index", "size_px", "force", "raw", "resampling", "boa_offset", "limit", "batch")
    return ChipWords(
        where=where_words(given),
        which=which_words(given),
        chipsize_m=given["chipsize"],
        max_cloud_chip_pct=given["max_cloud_chip"],
        **{name: given[name] for name in names},
    )


def where_words(given: dict[str, Any]) -> Any:
    """The options that say where, as a workflow takes them."""
    from s2kit.chips.places import WhereWords

    return WhereWords(
        lon=given["lon"],
        lat=given["lat"],
        point=tuple(given.get("point") or ()),
        aoi=tuple(given.get("points") or ()),
        parcels=given["parcels"],
        year=given["year"],
        ptype=given["ptype"],
        pid=tuple(given["pid"] or ()),
        where=tuple(given["where"] or ()),
        margin_m=given.get("margin"),
    )


def which_words(given: dict[str, Any]) -> Any:
    """The options that say which products, as a workflow takes them."""
    from s2kit.chips.places import WhichWords
    from s2kit.cli.inputs import product_refs

    return WhichWords(
        refs=tuple(product_refs(given["products"])),
        start=given["start"],
        end=given["end"],
        ranges=tuple(given["range_"] or ()),
        dates=tuple(given["date"] or ()),
        level=given["level"],
        max_cloud_pct=given["max_cloud"],
        catalogue=tuple(given["catalogue"] or ()),
    )


def _cache(run: Session, *, use: bool) -> Any:
    """The settings with a cache folder; one that goes at the end where no cache is wanted."""
    from contextlib import contextmanager
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    @contextmanager
    def folder() -> Any:
        if use:
            yield run.settings
            return
        with TemporaryDirectory(prefix="s2kit-chips-") as name:
            yield replace(run.settings, cache_dir=Path(name))

    return folder()


def _list(run: Session, asked: "UnderstoodChips", form: Format, *, dry_run: bool) -> None:
    from s2kit.chips.listing import LIST_COLUMNS, estimate, planned_rows
    from s2kit.chips.run import plan
    from s2kit.cli.output import emit
    from s2kit.run.events import Note

    planned = plan(asked.request)
    count = emit(planned_rows(planned), form, LIST_COLUMNS, command="chips")
    run.result["matched"] = count
    if dry_run:
        run.report(Note(estimate(asked.request, planned), warning=True))


def _cut(
    run: Session,
    asked: "UnderstoodChips",
    form: Format | None,
    out: str | None,
    *,
    overwrite: bool,
    fail_if_empty: bool,
) -> None:
    from s2kit.chips.listing import default_folder, legend_of
    from s2kit.chips.output import write_output
    from s2kit.chips.places import refuse_no_overlap
    from s2kit.chips.run import cut, plan

    request = asked.request
    planned = plan(request)
    refuse_no_overlap(request.found, sum(len(one.choices) for one in planned), named=asked.named)
    result = cut(request, planned, run.report)
    run.failures.extend(result.failures.values())
    run.items = len({choice.product.id for one in planned for choice in one.fresh})
    count = sum(len(series.chips) for series in result.series)
    run.result.update({"chips": count, "new": result.made, "places": [place.title for place in request.places]})
    if count or not result.failures:
        failed = [f"{product} failed: {error}" for product, error in result.failures.items()]
        folder = Path(out) if out else default_folder(request)
        output = write_output(
            result, request.recipe, folder, overwrite=overwrite, legend=legend_of(request.recipe), failures=failed
        )
        _print(run, result, output, request.recipe.raw, form)
    run.close(empty=not count, fail_if_empty=fail_if_empty)


def _print(run: Session, result: Any, output: Any, raw: bool, form: Format | None) -> None:
    from s2kit.chips.listing import COLUMNS, chip_rows
    from s2kit.cli.output import emit, to_json, write_line
    from s2kit.run.events import Note

    if form is not None:
        emit(chip_rows(result, output), form, COLUMNS, command="chips")
    elif raw:
        write_line(to_json(output.listing))
    else:
        for path in output.files:
            write_line(str(path))
    if output.page is not None:
        run.report(Note(f"{len(output.files)} pictures are shown by {output.page}"))


def _difference(run: Session, pair: tuple[Path, Path], index: str | None, out: str | None, *, overwrite: bool) -> None:
    from s2kit.chips.difference import difference
    from s2kit.cli.output import write_line

    for path in difference(pair[0], pair[1], Path(out or "."), index or "ndvi", overwrite=overwrite):
        write_line(str(path))
