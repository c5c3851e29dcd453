"""What a run of `chips` leaves in a folder: pictures, `chips.geojson`, and one page that shows them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from s2kit.area.projection import LON_LAT, project
from s2kit.chips.cache import place_file
from s2kit.chips.page import Legend, PagePicture, Series, render_page
from s2kit.chips.record import ChipRecord, ChipSite, ChipStyle, coordinates_text
from s2kit.chips.run import ChipSeries, ChipsResult
from s2kit.errors import OutputError
from s2kit.grid import Grid
from s2kit.picture.sidecars import sidecar_paths
from s2kit.product.mission import SENTINEL2, mission_of
from s2kit.run.files import write_atomic
from s2kit.run.locks import destination_lock
from s2kit.version import __version__

PAGE = "chipsview.html"
INDEX = "chips.geojson"
_LOCK_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class ChipsOutput:
    """What stands in the output folder."""

    folder: Path
    files: tuple[Path, ...]
    """Pictures or GeoTIFFs, in ascending time within each place."""
    index: Path
    page: Path | None
    """None for raw chips."""
    listing: dict[str, list[str]]
    """`dates` and `chips`, parallel, as the legacy chip services answered."""


def write_output(
    result: ChipsResult,
    recipe: ChipStyle,
    folder: Path,
    *,
    overwrite: bool = False,
    legend: Legend | None = None,
    failures: Sequence[str] = (),
    names_bands: bool = False,
) -> ChipsOutput:
    """Put the chips of a run into a folder, with their list and their page.

    Args:
        result: What was cut.
        recipe: How.
        folder: Where to; a second run of the same chips may share it.
        overwrite: True where chips of another place or recipe may be replaced.
        legend: Colours of an index.
        failures: What failed, a line each, for the page.
        names_bands: True to put the band behind each date even if there is one band only, as batches do.

    Raises:
        OutputError: The folder holds chips of another place or recipe, or cannot be written.
        TryLaterError: Another run writes there, and does not end.
    """
    identity = [recipe.parameters(series.place) for series in result.series]
    with destination_lock(folder, _LOCK_WAIT_S):
        if not overwrite:
            _refuse_others(folder / INDEX, identity)
        placed = [(series, list(_place(series, folder, alone=len(result.series) == 1))) for series in result.series]
        listing = _listing(placed, names_bands=names_bands)
        index = write_atomic(folder / INDEX, _geojson(placed, folder, identity), overwrite=True)
        page = None
        if not recipe.raw:
            html = _page(placed, recipe, folder, legend, failures)
            page = write_atomic(folder / PAGE, html.encode(), overwrite=True)
    files = tuple(path for _, chips in placed for _, paths in chips for path in paths)
    return ChipsOutput(folder, files, index, page, listing)


def _refuse_others(index: Path, identity: list[dict[str, object]]) -> None:
    try:
        there = json.loads(index.read_bytes()).get("s2kit:recipes")
    except FileNotFoundError:
        return
    except (ValueError, AttributeError, OSError):
        there = None
    if there != json.loads(json.dumps(identity)):
        raise OutputError(
            f"{index.parent} holds chips of another place or recipe",
            "name another --out, or replace them with --overwrite",
        )


_Placed = list[tuple[ChipRecord, list[Path]]]


def _place(series: ChipSeries, folder: Path, *, alone: bool) -> Iterator[tuple[ChipRecord, list[Path]]]:
    target = folder if alone else folder / series.place.name
    for record in series.chips:
        paths = []
        for name in record.files:
            place_file(series.folder / name, target / name)
            for beside in sidecar_paths(series.folder / name):
                if beside.exists():
                    place_file(beside, target / beside.name)
            paths.append(target / name)
        yield record, paths


def _listing(placed: Sequence[tuple[ChipSeries, _Placed]], *, names_bands: bool) -> dict[str, list[str]]:
    rows = []
    for _, chips in placed:
        for record, paths in chips:
            several = names_bands or len(record.bands) > 1
            for at, path in enumerate(paths):
                label = f"{record.stamp}_{record.bands[at]}" if several else record.stamp
                rows.append((label, str(path)))
    rows.sort(key=lambda row: row[0][:15])
    return {"dates": [label for label, _ in rows], "chips": [path for _, path in rows]}


def _geojson(placed: Sequence[tuple[ChipSeries, _Placed]], folder: Path, identity: list[dict[str, object]]) -> bytes:
    from geojson import Feature, FeatureCollection

    features = []
    for series, chips in placed:
        for record, paths in chips:
            properties = {key: value for key, value in record.to_json().items() if key not in {"geometry", "id"}}
            properties["files"] = [path.relative_to(folder).as_posix() for path in paths]
            properties = {"product": record.product, "place": series.place.title, **properties}
            features.append(Feature(id=record.product, geometry=dict(record.footprint), properties=properties))
    collection: dict[str, Any] = FeatureCollection(features)
    collection["s2kit:recipes"] = identity
    return json.dumps(collection, indent=1).encode()


def _page(
    placed: Sequence[tuple[ChipSeries, _Placed]],
    recipe: ChipStyle,
    folder: Path,
    legend: Legend | None,
    failures: Sequence[str],
) -> str:
    sections = []
    years = {record.sensing.year for _, chips in placed for record, _ in chips}
    for at, (series, chips) in enumerate(placed):
        pictures = [_picture(record, paths[0], folder, series.place) for record, paths in chips]
        notes = [*_notes(series), *(failures if at == 0 else ())]
        side = chips[0][0].size_px if chips else 128
        sections.append(Series(series.place.title, _facts(series, recipe), pictures, side, notes))
    span = f" {min(years)}" + (f"-{max(years)}" if len(years) > 1 else "") if years else ""
    missions = {mission_of(record.level) for _, chips in placed for record, _ in chips} or {SENTINEL2}
    credit = "; ".join(sorted(one.credit for one in missions))
    return render_page(sections, footer=f"{credit}{span}. Made with s2kit {__version__}.", legend=legend)


def _picture(record: ChipRecord, path: Path, folder: Path, place: ChipSite) -> PagePicture:
    return PagePicture(
        href=path.relative_to(folder).as_posix(),
        label=record.stamp,
        title=record.product,
        date=f"{record.sensing.day} {record.sensing:%b %Y}",
        cloud_pct=record.cloud_pct,
        valid_pct=record.valid_pct,
        outline=_outline(record, place),
    )


def _outline(record: ChipRecord, place: ChipSite) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The rings of the parcel in the picture, in shares of its side from the upper left corner."""
    if place.outline is None:
        return ()
    a, _, c, _, _, f = record.transform
    grid = Grid(record.epsg, c, f, a, record.size_px, record.size_px)
    shape: BaseGeometry = project(place.outline, LON_LAT, record.epsg)
    side = grid.width * grid.resolution_m
    rings = []
    for part in getattr(shape, "geoms", [shape]):
        if isinstance(part, Polygon):
            rings += [
                tuple(((x - grid.west) / side, (grid.north - y) / side) for x, y in ring.coords)
                for ring in (part.exterior, *part.interiors)
            ]
    return tuple(rings)


def _facts(series: ChipSeries, recipe: ChipStyle) -> list[str]:
    place = series.place
    lines = [coordinates_text(place.lon, place.lat)]
    if series.chips:
        first, last = series.chips[0], series.chips[-1]
        metres = first.size_px * first.transform[0]
        lines.append(f"{metres:g} x {metres:g} m, {first.transform[0]:g} m pixels")
    levels = sorted({record.level for record in series.chips})
    if recipe.index_name:
        lines.append(f"{' and '.join(levels)} {recipe.index_name.upper()}".strip())
    else:
        colours = " as red, green, blue" if len(recipe.bands) > 1 else ""
        lines.append(f"{' and '.join(levels)} {', '.join(recipe.bands)}{colours}".strip())
        lines.append(f"stretch: {recipe.stretch.meaning}")
    if place.outline is not None:
        lines.append("parcel outlined in yellow")
    if series.chips:
        count = f"{len(series.chips)} picture{'s' if len(series.chips) > 1 else ''}"
        lines.append(f"{count}, {first.sensing.day} {first.sensing:%b %Y} to {last.sensing.day} {last.sensing:%b %Y}")
    return lines


def _notes(series: ChipSeries) -> list[str]:
    notes = []
    if series.empty:
        days = ", ".join(f"{record.sensing.day} {record.sensing:%b %Y}" for record in series.empty)
        notes.append(f"No data at this place on {days}.")
    if series.cloudy:
        days = ", ".join(f"{record.sensing.day} {record.sensing:%b %Y}" for record in series.cloudy)
        notes.append(f"Left out for clouds: {days}.")
    if not series.chips and not notes:
        notes.append("No product shows this place.")
    return notes
