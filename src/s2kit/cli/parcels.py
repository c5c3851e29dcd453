"""`s2kit parcels`: which parcels are in a file, at a point, under an id."""

from typing import Annotated, Any

import typer

from s2kit.cli.chips import Lat, Lon, Pid, Ptype, Where, Year, where_words
from s2kit.cli.context import session
from s2kit.cli.options import FailIfEmpty, Format, OutputFile, OutputFormat


def parcels(
    parcels: Annotated[
        str,
        typer.Option("--parcels", metavar="FILE", help="GeoJSON, GeoPackage, Shapefile; {year} and {ptype} in it."),
    ],
    lon: Lon = None,
    lat: Lat = None,
    pid: Pid = None,
    where: Where = None,
    year: Year = None,
    ptype: Ptype = "",
    with_geometry: Annotated[
        bool, typer.Option("--with-geometry", "--withGeometry", help="Add the outline, in the file's CRS.")
    ] = False,
    wgs84: Annotated[bool, typer.Option("--wgs84", help="Give the outline in lon/lat.")] = False,
    lists: Annotated[
        bool, typer.Option("--lists", help="One JSON object of lists, as the older service answered.")
    ] = False,
    form: OutputFormat = Format.TABLE,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Show parcels of a file: id, crop, area and centroid.

    s2kit parcels --parcels p.geojson --lon 1.5 --lat 43.6
    """
    given = locals()
    with session("parcels") as run:
        from s2kit.cli.output import emit, to_json, write_line
        from s2kit.stats.parcels import COLUMNS, as_lists, find_parcels, parcel_rows

        found = find_parcels(where_words(given), run.settings, run.report)
        outline = with_geometry or form is Format.GEOJSON
        rows: list[dict[str, Any]] = parcel_rows(found, with_geometry=outline, wgs84=wgs84)
        if lists:
            write_line(to_json(as_lists(rows)))
        else:
            emit(rows, form, COLUMNS, command="parcels", id_key="pid", output=output)
        run.close(empty=not rows, fail_if_empty=fail_if_empty)
