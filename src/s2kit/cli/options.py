"""Options that several verbs share: one name for one thing, everywhere.

| option | means | verbs |
|---|---|---|
| `--aoi` `--bbox` `--point` `--tile` | where | search, chips, stats, pixels, render |
| `--range` `--date` | when, in UTC | search, chips, stats |
| `--bands` `--res` `--stretch` | which pixels, how shown | render, chips, pixels |
| `--archive` `--catalogue` | from where | download, search, chips, pixels |
| `--out` `--overwrite` `--dry-run` | to where | all that write |
| `-f`/`--format` `--limit` `--fail-if-empty` | what stdout carries | all that list |
| `-j`/`--jobs` | worker processes | all that work in parallel |
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from s2kit.cli.multiword import numbers, words


class Format(StrEnum):
    """What stdout carries."""

    TABLE = "table"
    IDS = "ids"
    JSONL = "jsonl"
    JSON = "json"
    GEOJSON = "geojson"
    CSV = "csv"
    STAC = "stac"
    """For `search` only: a STAC ItemCollection; with `-o FILE.parquet` as stac-geoparquet."""
    PARQUET = "parquet"
    """For `-o FILE` only: it is no text."""


SUFFIXES = {
    ".csv": Format.CSV,
    ".ids": Format.IDS,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".geojson": Format.GEOJSON,
    ".parquet": Format.PARQUET,
    ".geoparquet": Format.PARQUET,
}
"""Formats that the name of an output file chooses."""


def chosen_format(form: Format | None, output: Path | None, default: Format = Format.TABLE) -> Format:
    """The format of `-f`, else that of the suffix of `-o`, else the default of the verb.

    Raises:
        UsageError: The two contradict each other.
    """
    from s2kit.errors import UsageError

    named = SUFFIXES.get(output.suffix.lower()) if output is not None else None
    if form is Format.STAC and named in {Format.JSON, Format.GEOJSON, Format.PARQUET}:
        return form
    if form is not None and named not in {None, form}:
        raise UsageError(f"-f {form} and -o {output} contradict each other", "leave out -f, or use another suffix")
    return form or named or default


TEXTS = "table|ids|jsonl|json|geojson|csv"
"""Formats of every listing."""

Products = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PRODUCT",
        help="SAFE folders or zips, product names, s3:// or gs:// addresses; - reads them from stdin.",
    ),
]
Stac = Annotated[bool, typer.Option("--stac", help="Write STAC items beside what is made.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=0, help="Worker processes; 0, the default, is one a core."),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", metavar=f"{TEXTS}|parquet", help="Output format; by default by the suffix of -o, else table."
    ),
]
StdoutFormat = Annotated[Format, typer.Option("--format", "-f", metavar=TEXTS, help="Output format.")]
"""For verbs without `-o`."""
PathFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar="table|ids|jsonl|json|csv|parquet",
        help="Output format; by default by the suffix of -o, else ids: one path a line.",
    ),
]
Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="Output folder.")]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to this file, replacing it, instead of to stdout."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Do nothing; print files, bytes and cost.")]
Bands = Annotated[
    list[str] | None,
    typer.Option(
        "--bands", metavar="B04,B03,B02[@RES]", help="Bands of one picture, such as B04, red or TCI; may be repeated."
    ),
]
Stretch = Annotated[
    str | None,
    typer.Option(
        "--stretch",
        "--lut",
        metavar="auto|2:98%|0:0.3|0:3000dn|legacy",
        help="Values that become black and white: percentiles, reflectance or stored numbers (dn).",
    ),
]
Indices = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        metavar="NAME|NAME=FORMULA",
        help="Index: ndvi, evi, ndmi, nbr … or your own: 'mine = (B08 - B04) / (B08 + B04)'; may be repeated.",
    ),
]
Res = Annotated[
    int | None, typer.Option("--res", metavar="10|20|30|60", help="Resolution in metres; by default that of the bands.")
]
Level = Annotated[
    str | None,
    typer.Option("--level", metavar="l2a|l1c", help="Processing level; by default that of the settings: l2a."),
]
Aoi = Annotated[
    list[str] | None,
    typer.Option("--aoi", metavar="FILE|WKT|-", help="Area: GeoJSON, KML, CSV or WKT; may be repeated."),
]
Bbox = Annotated[
    list[Any] | None,
    typer.Option("--bbox", parser=numbers, metavar="W S E N", help="Box in degrees; may be repeated."),
]
Point = Annotated[
    list[Any] | None,
    typer.Option("--point", parser=numbers, metavar="LON LAT", help="Point in degrees; may be repeated."),
]
Tile = Annotated[list[str] | None, typer.Option("--tile", metavar="31TCJ", help="MGRS tile; may be repeated.")]
Range = Annotated[
    list[Any] | None,
    typer.Option("--range", parser=words, metavar="START END", help="Dates in UTC, both included; may be repeated."),
]
Date = Annotated[
    list[str] | None,
    typer.Option(
        "--date",
        metavar="WHEN",
        help="Dates: 2020-01, 2020-W03, 2020-01-01/2020-01-13, 2020-01-01/.. or -10d; may be repeated.",
    ),
]
ArchiveName = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="NAME",
        help="Archive: auto (the free ones, the default), cogs, aws, cdse, gcp or one of the settings.",
    ),
]
CatalogueName = Annotated[
    list[str] | None,
    typer.Option(
        "--catalogue",
        metavar="NAME|URL",
        help="Catalogue: earth-search (the default), cdse, dhus, local, all or an address; may be repeated.",
    ),
]
MaxCloud = Annotated[
    float | None,
    typer.Option("--max-cloud", "--cloud", metavar="PCT", min=0, max=100, help="Maximum cloud cover in percent."),
]
FailIfEmpty = Annotated[bool, typer.Option("--fail-if-empty", help="Exit with 3 if nothing is found.")]
Lon = Annotated[float | None, typer.Option("--lon", metavar="DEG", help="Longitude of the place.")]
Lat = Annotated[float | None, typer.Option("--lat", metavar="DEG", help="Latitude of the place.")]
Points = Annotated[
    list[str] | None,
    typer.Option(
        "--points",
        "--aoi",
        metavar="FILE|WKT",
        help="Places, one a feature: GeoJSON, CSV, KML or WKT; may be repeated.",
    ),
]
Parcels = Annotated[
    str | None,
    typer.Option(
        "--parcels",
        metavar="FILE",
        help="Parcels: GeoJSON, GeoPackage, Shapefile; {year} and {ptype} in the name are replaced.",
    ),
]
Year = Annotated[
    int | None, typer.Option("--year", metavar="YYYY", help="Replaces {year} in the name of the parcel file.")
]
Ptype = Annotated[str, typer.Option("--ptype", metavar="TYPE", help="Replaces {ptype} in the name of the parcel file.")]
LayerName = Annotated[
    str | None, typer.Option("--layer-name", metavar="NAME", help="Layer of a parcel file that has several.")
]
ParcelCrs = Annotated[str | None, typer.Option("--crs", metavar="EPSG:N", help="CRS of a parcel file that names none.")]
Pid = Annotated[list[str] | None, typer.Option("--pid", metavar="ID", help="Parcel id; may be repeated.")]
Where = Annotated[
    list[str] | None, typer.Option("--where", metavar="KEY=VALUE", help="Parcels with this attribute; may be repeated.")
]
Start = Annotated[
    str | None, typer.Option("--start", "--start-date", "--start_date", metavar="DAY", help="First day, UTC.")
]
End = Annotated[str | None, typer.Option("--end", "--end-date", "--end_date", metavar="DAY", help="Last day, UTC.")]
BoaOffset = Annotated[
    str,
    typer.Option(
        "--boa-offset",
        metavar="auto|applied|needed|DN",
        help="Whether the offset of baseline 04.00 is in the pixels of GeoTIFFs already.",
    ),
]
MaskClasses = Annotated[
    str | None, typer.Option("--mask", metavar="3,8,9,10", help="Make pixels of these scene classes (SCL) no data.")
]
MaskClouds = Annotated[
    bool,
    typer.Option(
        "--mask-clouds", help="Make clouds, cirrus and their shadows no data, by SCL; in L1C by its cloud mask."
    ),
]
Dilate = Annotated[
    float | None,
    typer.Option(
        "--dilate", metavar="M", min=0, help="Mask also what is nearer than this to a masked pixel, in metres."
    ),
]
Period = Annotated[
    str | None, typer.Option("--period", metavar="all|month|season|10d|P16D", help="Period of each --composite.")
]
