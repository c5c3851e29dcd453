"""`s2kit search`: find products."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    TEXTS,
    Aoi,
    Bbox,
    CatalogueName,
    Date,
    FailIfEmpty,
    Format,
    Level,
    MaxCloud,
    OutputFile,
    Point,
    Range,
    Tile,
    chosen_format,
)

if TYPE_CHECKING:
    from s2kit.catalogue.record import ProductRecord
    from s2kit.search import Search, SearchRequest
    from s2kit.search.outputs import SideOutputs

Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="Maximum products for each area and range; 0 for all."),
]
SearchFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar=f"{TEXTS}|stac|parquet",
        help="Output format; by default by the suffix of -o, else table.",
    ),
]
Mission = Annotated[str, typer.Option("--mission", metavar="s2|s1|landsat", help="Sentinel-2, Sentinel-1 or Landsat.")]
CollectionName = Annotated[
    list[str] | None,
    typer.Option(
        "--collection", metavar="ID", help="Any collection of a STAC API, such as landsat-c2-l2; may be repeated."
    ),
]
Orbit = Annotated[
    list[int] | None, typer.Option("--orbit", metavar="N", min=1, max=175, help="Relative orbit; may be repeated.")
]
Baseline = Annotated[
    list[str] | None, typer.Option("--baseline", metavar="N0400", help="Processing baseline; may be repeated.")
]
Platform = Annotated[list[str] | None, typer.Option("--platform", metavar="S2A", help="Satellite; may be repeated.")]
Mode = Annotated[list[str] | None, typer.Option("--mode", metavar="IW", help="Acquisition mode of Sentinel-1.")]
Polarisation = Annotated[
    list[str] | None, typer.Option("--polarisation", metavar="VV+VH", help="Channels of Sentinel-1, all required.")
]
ProductType = Annotated[
    list[str] | None,
    typer.Option("--product-type", metavar="GRD", help="S2MSI2A, GRD, SLC … (Sentinel-1: GRD by default)."),
]
Sort = Annotated[
    str,
    typer.Option("--sort", metavar="KEY", help="Order: -datetime, cloud, coverage, tile …; none is that of arrival."),
]
Dedupe = Annotated[
    str,
    typer.Option(
        "--dedupe", metavar="newest|none", help="Of products that were processed again list the newest, or all."
    ),
]
MinOverlap = Annotated[
    float | None,
    typer.Option(
        "--min-overlap", metavar="PCT", min=0, max=100, help="Share of the area that a product must cover, in percent."
    ),
]
EachFeature = Annotated[
    bool, typer.Option("--each-feature", help="Search for each feature of a file, not for the file as one area.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="NAME", help="Only products that the last search of this name (such as last) did not list."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="Time limit of the whole search; 0 for none."),
]
Map = Annotated[
    Path | None, typer.Option("--map", metavar="FILE.html", help="Write an HTML map of footprints and areas.")
]
AuditFlag = Annotated[
    bool,
    typer.Option(
        "--audit",
        "--compare",
        help="Compare catalogues: one row a scene, with who has it, at which baseline, and who lacks it.",
    ),
]
FailIfGaps = Annotated[bool, typer.Option("--fail-if-gaps", help="With --audit: exit 3 if a catalogue lacks a scene.")]
Quicklooks = Annotated[
    Path | None, typer.Option("--quicklooks", metavar="DIR", help="Download previews that need no account.")
]


def search(
    aoi: Aoi = None,
    bbox: Bbox = None,
    point: Point = None,
    tile: Tile = None,
    range_: Range = None,
    date: Date = None,
    since: Since = None,
    level: Level = None,
    mission: Mission = "s2",
    collection: CollectionName = None,
    max_cloud: MaxCloud = None,
    orbit: Orbit = None,
    baseline: Baseline = None,
    platform: Platform = None,
    mode: Mode = None,
    polarisation: Polarisation = None,
    product_type: ProductType = None,
    min_overlap: MinOverlap = None,
    each_feature: EachFeature = False,
    catalogue: CatalogueName = None,
    limit: Limit = None,
    sort: Sort = "-datetime",
    dedupe: Dedupe = "newest",
    form: SearchFormat = None,
    output: OutputFile = None,
    map_: Map = None,
    quicklooks: Quicklooks = None,
    audit: AuditFlag = False,
    fail_if_gaps: FailIfGaps = False,
    timeout: Timeout = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Find products in a catalogue or a folder.

    s2kit search --aoi aoi.geojson --range 2020-01-01 2020-01-13
    """
    form = chosen_format(form, output)
    with session("search", fail_if_empty=fail_if_empty) as run:
        from s2kit.catalogue.cursor import load_cursor
        from s2kit.search import Search, SearchRequest
        from s2kit.search.outputs import SideOutputs

        if audit:
            catalogue = catalogue or _audited(since, quicklooks)
        cursor = load_cursor(since) if since is not None else None
        request = SearchRequest.parse(
            run.loaded, run.report, cursor=cursor, aoi=aoi, bbox=bbox, point=point, tile=tile, range=range_, date=date,
            level=level, mission=mission, collection=collection,
            max_cloud=max_cloud, orbit=orbit, baseline=baseline, platform=platform,
            mode=mode, polarisation=polarisation, product_type=product_type, min_overlap=min_overlap,
            each_feature=each_feature, catalogue=catalogue, limit=limit, sort=sort, dedupe=dedupe, timeout=timeout,
        )  # fmt: skip
        if audit:
            _compare(run, request, form, output, map_, fail_if_gaps=fail_if_gaps)
            return
        found = Search(request, run.report)
        side = SideOutputs(found, run.report, cursor, map_, quicklooks)
        count = _print(found, side, form, output)
        _finish(run, found, side, count=count)


def _audited(since: str | None, quicklooks: Path | None) -> list[str]:
    """The catalogues that are compared if none is named."""
    from s2kit.errors import UsageError
    from s2kit.search.audit import AUDITED

    if since is not None or quicklooks is not None:
        raise UsageError(f"--audit and {'--since' if since else '--quicklooks'} exclude each other", "leave out one")
    return list(AUDITED)


def _compare(
    run: Session, request: "SearchRequest", form: Format, output: Path | None, map_: Path | None, *, fail_if_gaps: bool
) -> None:
    """Print one row a scene; a catalogue that fails is a column of each row and a warning."""
    from s2kit.cli.output import emit
    from s2kit.errors import NothingFoundError
    from s2kit.run.events import Note
    from s2kit.search.audit import COLUMNS, audit
    from s2kit.search.outputs import write_map

    made = audit(request, run.report)
    for name, error in made.failures.items():
        run.report(Note(f"{name} did not answer in full: {error.message}", warning=True))
    rows = (scene.record() for scene in made.scenes)
    count = emit(rows, form, COLUMNS, command="search", schema="search-audit", output=output)
    if map_ is not None:
        records = [scene.best for scene in made.scenes]
        write_map(map_, records, request.aois, complete=not made.failures, colouring=made.colouring())
    run.result.update({"scenes": count, "gaps": made.gaps, "complete": not made.failures})
    if fail_if_gaps and made.gaps:
        raise NothingFoundError(f"a catalogue lacks {made.gaps} of {count} scenes")
    run.close(empty=count == 0)


def _print(found: "Search", side: "SideOutputs", form: Format, output: Path | None) -> int:
    """Print the records as they come; an incomplete answer never becomes a file, a failed one prints nothing."""
    import gc

    from s2kit.catalogue.record import COLUMNS, SCHEMA
    from s2kit.cli.output import emit

    if form is Format.STAC:
        return _print_items(found, side, output)
    gc.set_threshold(100_000)  # records are many and hold no cycles: looking for some takes a fifth of the time
    envelope: dict[str, Any] = {}

    def rows() -> Iterator[dict[str, Any]]:
        shown: set[str] = set()
        for record in side.passing(found):
            if form is Format.IDS and record.id in shown:
                continue
            shown.add(record.id)
            yield _row(record, form)
        if found.problem is not None and (output is not None or not shown):
            raise found.problem
        envelope.update(side.summary(found))

    columns = SCHEMA if form is Format.CSV else COLUMNS
    return emit(rows(), form, columns, command="search", extra=envelope, output=output)


def _print_items(found: "Search", side: "SideOutputs", output: Path | None) -> int:
    """A STAC ItemCollection of all products."""
    from s2kit.catalogue.stac_items import item_collection
    from s2kit.cli.json_text import to_json
    from s2kit.cli.output import write_lines
    from s2kit.cli.parquet import write_stac_parquet

    collection = item_collection(side.passing(found))
    if found.problem is not None:
        raise found.problem
    if output is not None and output.suffix.lower() == ".parquet":
        write_stac_parquet(output, collection)
    else:
        write_lines([to_json(collection)], output)
    return len(collection["features"])


def _row(record: "ProductRecord", form: Format) -> dict[str, Any]:
    if form is Format.IDS:
        return {"id": record.id}
    row = record.to_stac_properties()
    if form is Format.CSV and record.geometry is not None:
        row["geometry"] = record.geometry.wkt
    return row


def _finish(run: Session, found: "Search", side: "SideOutputs", *, count: int) -> None:
    """Write what goes beside stdout, then end as the search ended."""
    from s2kit.run.events import Note

    run.result.update({"products": count, "complete": found.complete})
    run.failures.extend(side.write())
    run.items = max(count, 2)
    if found.problem is not None:
        raise found.problem
    side.advance()
    if count == 0:
        run.report(
            Note("no product answers the search" if side.cursor is None else "nothing new since the last search")
        )
    run.close(empty=count == 0)
