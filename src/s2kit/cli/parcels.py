"""`s2kit parcels`: the parcels of a file, at a point, or with an id."""

from typing import Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import (
    FailIfEmpty,
    Format,
    Lat,
    LayerName,
    Lon,
    OutputFile,
    OutputFormat,
    ParcelCrs,
    Pid,
    Ptype,
    Where,
    Year,
    chosen_format,
)


def parcels(
    parcels: Annotated[
        str,
        typer.Option(
            "--parcels",
            metavar="FILE",
            help="Parcels: GeoJSON, GeoPackage, Shapefile; {year} and {ptype} in the name are replaced.",
        ),
    ],
    lon: Lon = None,
    lat: Lat = None,
    pid: Pid = None,
    where: Where = None,
    layer_name: LayerName = None,
    crs: ParcelCrs = None,
    year: Year = None,
    ptype: Ptype = "",
    with_geometry: Annotated[
        bool, typer.Option("--with-geometry", "--withGeometry", help="Add the outline in the CRS of the file.")
    ] = False,
    wgs84: Annotated[bool, typer.Option("--wgs84", help="Give the outline in longitude and latitude.")] = False,
    lists: Annotated[
        bool, typer.Option("--lists", help="Print one JSON object of lists, as the legacy service did.")
    ] = False,
    form: OutputFormat = None,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """List parcels of a file: id, crop, area and centroid.

    s2kit parcels --parcels p.geojson --lon 1.5 --lat 43.6
    """
    form = chosen_format(form, output)
    with session("parcels", fail_if_empty=fail_if_empty) as run:
        from s2kit.cli.json_text import to_json
        from s2kit.cli.output import emit, write_lines
        from s2kit.stats.parcels import COLUMNS, as_lists, find_parcels, parcel_rows

        found = find_parcels(
            run.loaded,
            run.report,
            parcels=parcels,
            lon=lon,
            lat=lat,
            pid=pid,
            where=where,
            year=year,
            ptype=ptype,
            layer_name=layer_name,
            crs=crs,
        )
        outline = with_geometry or form in {Format.GEOJSON, Format.PARQUET}
        rows = parcel_rows(found, with_geometry=outline, wgs84=wgs84)
        if lists:
            write_lines([to_json(as_lists(rows))], output)
        else:
            emit(rows, form, COLUMNS, command="parcels", id_key="pid", output=output)
        run.close(empty=not rows)
