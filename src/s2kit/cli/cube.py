"""`s2kit cube`: many products as one array in space and time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import Session, session
from s2kit.cli.options import (
    Aoi,
    ArchiveName,
    Bbox,
    BoaOffset,
    CatalogueName,
    Date,
    Dilate,
    DryRun,
    Indices,
    Jobs,
    Level,
    MaskClasses,
    MaskClouds,
    MaxCloud,
    Overwrite,
    Parcels,
    Period,
    Pid,
    Products,
    Range,
    Stac,
    Tile,
)

if TYPE_CHECKING:
    from s2kit.cube import CubeOutput, CubePlan, CubeRequest

CubeBands = Annotated[
    list[str] | None,
    typer.Option("--bands", metavar="B04,B08,SCL", help="Bands and layers of the cube; may be repeated."),
]
CubeRes = Annotated[
    float | None,
    typer.Option("--res", metavar="M", help="Side of a pixel in the unit of the CRS; the finest band's by default."),
]
Crs = Annotated[
    str,
    typer.Option("--crs", metavar="auto|EPSG:N", help="CRS; auto is the UTM zone that holds most of the area."),
]


def cube(
    products: Products = None,
    aoi: Aoi = None,
    bbox: Bbox = None,
    tile: Tile = None,
    parcels: Parcels = None,
    pid: Pid = None,
    range_: Range = None,
    date: Date = None,
    level: Level = None,
    max_cloud: MaxCloud = None,
    bands: CubeBands = None,
    index: Indices = None,
    res: CubeRes = None,
    crs: Crs = "auto",
    resampling: Annotated[
        str,
        typer.Option(
            "--resampling", metavar="auto|nearest|bilinear|cubic|average", help="Kernel for bands of other grids."
        ),
    ] = "auto",
    dtype: Annotated[
        str,
        typer.Option(
            "--dtype",
            metavar="uint16|float32",
            help="Type of values: uint16 is reflectance x 10 000, float32 reflectance.",
        ),
    ] = "uint16",
    dn: Annotated[
        bool, typer.Option("--dn", help="Digital numbers as stored, if all products have the same offset.")
    ] = False,
    mask: MaskClasses = None,
    mask_clouds: MaskClouds = False,
    dilate: Dilate = None,
    min_clear: Annotated[
        float | None,
        typer.Option(
            "--min-clear",
            metavar="PCT",
            min=0,
            max=100,
            help="Leave out dates with fewer clear pixels than this, in percent.",
        ),
    ] = None,
    composite: Annotated[
        str | None,
        typer.Option(
            "--composite",
            metavar="median|mean|p25|max:ndvi|first-clear|count",
            help="Reduce the dates of each period to one.",
        ),
    ] = None,
    period: Period = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="CUBE.zarr", help="The cube: a file .nc is netCDF, any other name a folder with Zarr."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-F",
            metavar="zarr|netcdf|cog|multicog|pictures",
            help="File format; by default netCDF for a name in .nc, else Zarr; of images --out is the folder.",
        ),
    ] = None,
    stac: Stac = False,
    append: Annotated[bool, typer.Option("--append", help="Add new dates to the cube that is there.")] = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    max_bytes: Annotated[
        str | None,
        typer.Option("--max-bytes", metavar="50GB", help="Refuse to make a larger cube; 100GB by default."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make the cube whatever its size.")] = False,
    boa_offset: BoaOffset = "auto",
    catalogue: CatalogueName = None,
    archive: ArchiveName = None,
    jobs: Jobs = None,
) -> None:
    """Stack products as one array of an area, its dates and bands.

    Tiles are joined, and clouds can be left out. Without a PRODUCT, products are searched for.

    s2kit cube --aoi farm.geojson --range 2024-04-01 2024-06-30 --bands B04,B08 --mask-clouds --out farm.zarr
    """
    from s2kit.cli.inputs import named_products
    from s2kit.cube import CubeRequest

    with session("cube") as run:
        request = CubeRequest.parse(
            run.loaded, run.report, products=named_products(products), aoi=aoi, bbox=bbox, tile=tile, parcels=parcels,
            pid=pid, range=range_, date=date, level=level, max_cloud=max_cloud, catalogue=catalogue, archive=archive,
            bands=bands, index=index, res=res, crs=crs, resampling=resampling, dtype=dtype, dn=dn, mask=mask,
            mask_clouds=mask_clouds, dilate=dilate, min_clear=min_clear, composite=composite, period=period,
            boa_offset=boa_offset, jobs=jobs,
        )  # fmt: skip
        output = _output(request, out, form, append=append, overwrite=overwrite, dry_run=dry_run)
        _make(run, request, output, max_bytes=None if force else max_bytes or "100GB", dry_run=dry_run, stac=stac)


def _output(
    request: "CubeRequest", out: Path | None, form: str | None, *, append: bool, overwrite: bool, dry_run: bool
) -> "CubeOutput":
    from s2kit.cube import CubeFormat, CubeOutput
    from s2kit.errors import UsageError

    if out is None and not dry_run:
        raise UsageError("no output is named", "add --out cube.zarr")
    if append and overwrite:
        raise UsageError("--append and --overwrite exclude each other", "leave one out")
    path = out or Path("cube.zarr")
    return CubeOutput(
        path=path, form=CubeFormat.of(form, path), overwrite=overwrite, append=append, jobs=request.settings.jobs
    )


def _make(
    run: Session, request: "CubeRequest", output: "CubeOutput", *, max_bytes: str | None, dry_run: bool, stac: bool
) -> None:
    from s2kit.cli.output import write_line
    from s2kit.cube import make_cube, new_plan, plan_cube
    from s2kit.cube.estimate import refuse_large
    from s2kit.cube.items import write_items

    if dry_run:
        _tell(run, plan_cube(request, run.report))
        return
    plan = new_plan(request, output, run.report)
    if plan is None:
        run.close(empty=True)
        return
    run.items = len(plan.steps)
    refuse_large(plan, max_bytes)
    result = make_cube(plan, output, run.report)
    run.failures.extend(result.failures.values())
    run.result.update({"times": len(result.built.steps), "out": str(result.path)})
    items = write_items(plan, output, result) if stac and result.files else ()
    for path in (*result.files, *items):
        write_line(str(path))
    run.close(empty=not result.files)


def _tell(run: Session, plan: "CubePlan") -> None:
    """What would be made: a line for each time on stdout, the sums on stderr."""
    from s2kit.cli.options import Format
    from s2kit.cli.output import emit
    from s2kit.cube.estimate import COLUMNS, estimate, rows
    from s2kit.run.events import DryRunSum

    run.items = len(plan.steps)
    emit(rows(plan), Format.TABLE, COLUMNS, command="cube")
    run.report(DryRunSum(estimate(plan)))
