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


Products = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PRODUCT]...",
        help="SAFE folders or zips, product names, s3:// or gs:// addresses; - reads them from stdin.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", min=0, help="Worker processes; 0 takes every core.")
]
OutputFormat = Annotated[Format, typer.Option("--format", "-f", help="What stdout carries.")]
Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="Folder for what is made.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file what stdout would carry.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done: files, bytes, cost.")]
Bands = Annotated[
    list[str] | None,
    typer.Option("--bands", metavar="B04,B03,B02[@RES]", help="Bands of one picture; may be repeated."),
]
Res = Annotated[int | None, typer.Option("--res", metavar="10|20|60", help="Resolution in metres.")]
Level = Annotated[str | None, typer.Option("--level", metavar="l2a|l1c", help="Processing level.")]
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
    typer.Option("--date", metavar="WHEN", help="2020-01, 2020-01-01/2020-01-13, 2020-01-01/.. or -10d."),
]
ArchiveName = Annotated[
    str | None, typer.Option("--archive", metavar="NAME", help="auto, aws, cdse, gcp or an archive of the settings.")
]
CatalogueName = Annotated[
    list[str] | None,
    typer.Option("--catalogue", metavar="NAME|URL", help="earth-search, cdse, dhus, local, all or an address."),
]
MaxCloud = Annotated[
    float | None,
    typer.Option("--max-cloud", "--cloud", metavar="PCT", min=0, max=100, help="At most this cloud cover, in percent."),
]
FailIfEmpty = Annotated[bool, typer.Option("--fail-if-empty", help="Exit with 3 where nothing is found.")]
