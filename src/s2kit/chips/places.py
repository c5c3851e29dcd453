"""Places and products of options: points, files of points, parcels; named products, folders, searches."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from s2kit.area.aoi_files import read_aois
from s2kit.area.dates import DateRange, parse_range
from s2kit.area.feature_files import named_source
from s2kit.area.parcel import Parcel, at_point, by_pid, matching, parse_where
from s2kit.area.parcel_files import parcel_path, read_parcels
from s2kit.area.projection import LON_LAT, project, project_point
from s2kit.chips.cache import recall_clear
from s2kit.chips.candidates import candidates, of_records, wanted
from s2kit.chips.grid import utm_epsg
from s2kit.chips.record import ChipSite, point_place, safe_name
from s2kit.chips.selection import Candidate
from s2kit.errors import InputError, NotFoundError, S2KitError, UsageError
from s2kit.product.ref import ProductRef
from s2kit.run.events import Note, Report
from s2kit.run.options import Dates, Moment, Ranges, Rows, Text, Texts, rows, text, texts
from s2kit.search import SearchRequest, search
from s2kit.search.request import parse_ranges
from s2kit.settings import Loaded, Settings, default_cache_dir

_MANY_AREAS = 20
"""More places than this are searched as boxes around those that lie together."""
_CELL_DEG = 1.0
PLACES_KEY = "s2kit:places"
"""Key under which records carry places from one verb to the next."""


class WhereOptions(TypedDict, total=False):
    """Options that say where; None means not given."""

    lon: float | None
    """Longitude of a point, in degrees."""
    lat: float | None
    point: Rows
    """Points `(lon, lat)` in degrees."""
    points: Texts
    """Files, WKT or GeoJSON; each feature is a place."""
    parcels: Text | None
    """A parcel file; `{year}` and `{ptype}` are replaced."""
    layer_name: str | None
    """Layer of a parcel file that has several."""
    crs: str | None
    """CRS of a parcel file that names none, `EPSG:2154`."""
    year: int | None
    ptype: str
    pid: Texts
    """Ids of parcels."""
    where: Texts
    """`KEY=VALUE`: parcels with this attribute."""
    margin: float | None
    """Metres around a parcel's box; None for a chip of fixed size at its centroid."""


class WhichOptions(TypedDict, total=False):
    """Options that say which products; None means not given."""

    start: Moment | None
    """First day, UTC."""
    end: Moment | None
    """Last day, UTC."""
    range: Ranges
    """`(start, end)` in UTC, both days included."""
    date: Dates
    """Dates in one word: `2020-01`, `2020-01-01/2020-01-13`, `-10d`."""
    level: str | None
    """`l2a` or `l1c`."""
    max_cloud: float | None
    """At most this cloud cover of the product, in percent."""
    catalogue: Texts
    """Names or addresses of catalogues to search."""
    archive: str | None
    """Archive to read from."""


def cache_root(settings: Settings) -> Path:
    """The cache folder of the settings, the user's own if none is set."""
    return settings.cache_dir if settings.cache_dir != Path() else default_cache_dir()


def lonlat(options: WhereOptions) -> tuple[float, float] | None:
    """The point of `--lon` and `--lat`.

    Raises:
        UsageError: One without the other.
    """
    lon, lat = options.get("lon"), options.get("lat")
    if (lon is None) != (lat is None):
        raise UsageError("--lon and --lat belong together", "as in --lon 1.5 --lat 43.6")
    return None if lon is None or lat is None else (lon, lat)


def chosen_parcels(options: WhereOptions, settings: Settings, report: Report) -> tuple[Parcel, ...]:
    """The parcels that are asked for: all of the file if nothing narrows it.

    Raises:
        UsageError: No parcel file is named.
        NotFoundError: No such file, no such id, or no parcel at the point.
        InputError: The file cannot be read.
    """
    named = options.get("parcels")
    if named is None:
        raise UsageError("no parcels are named", "add --parcels FILE")
    source = named_source(text(named), options.get("layer_name"), options.get("crs"))
    file = read_parcels(parcel_path(source, options.get("year"), options.get("ptype", "")), settings.parcels)
    for note in file.notes:
        report(Note(note))
    chosen: Sequence[Parcel] = file.parcels
    if conditions := texts(options.get("where")):
        chosen = list(matching(chosen, [parse_where(condition) for condition in conditions]))
    if pids := texts(options.get("pid")):
        chosen = by_pid(chosen, pids)
    if (point := lonlat(options)) is not None:
        chosen = at_point(chosen, *point)
    if not chosen:
        raise NotFoundError(f"no parcel of {text(named)} fits", "list them with s2kit parcels --parcels FILE")
    return tuple(chosen)


def parcel_place(parcel: Parcel, margin_m: float | None = None) -> ChipSite:
    """A place around a parcel's centroid, or its box with a margin."""
    title = f"Parcel {parcel.pid}" + (f", {parcel.cropname}" if parcel.cropname else "")
    lon, lat = parcel.centre
    if margin_m is None:
        return ChipSite(safe_name(f"parcel_{parcel.pid}"), title, lon, lat, None, parcel.geometry)
    epsg = utm_epsg(lon, lat)
    west, south, east, north = project(parcel.geometry, LON_LAT, epsg).bounds
    centre = project_point((west + east) / 2, (south + north) / 2, epsg, LON_LAT)
    side = max(east - west, north - south) + 2 * margin_m
    return ChipSite(safe_name(f"parcel_{parcel.pid}"), title, *centre, round(side, 1), parcel.geometry)


def places(
    options: WhereOptions, refs: Sequence[ProductRef], settings: Settings, report: Report
) -> tuple[ChipSite, ...]:
    """The places of a call, each under its own name.

    If no place is given, the records of the products may carry them; else the places at which the same products were
    last found clear by `s2kit stats --clear` are taken, with a note.

    Raises:
        UsageError: There is no place at all.
        NotFoundError: A file, or a parcel in it, is not there.
        InputError: A place that is none.
    """
    found: list[ChipSite] = []
    if options.get("parcels") is not None:
        found += [parcel_place(one, options.get("margin")) for one in chosen_parcels(options, settings, report)]
    elif options.get("pid") or options.get("where"):
        raise UsageError("--pid and --where choose from a parcel file", "add --parcels FILE")
    elif options.get("layer_name") or options.get("crs"):
        raise UsageError("--layer-name and --crs describe a parcel file", "of another file write FILE|crs=EPSG:n")
    elif (point := lonlat(options)) is not None:
        found.append(point_place(*point))
    found += [point_place(lon, lat) for lon, lat in rows(options.get("point"), 2, "point")]
    if files := texts(options.get("points")):
        areas = read_aois(files, each_feature=True)
        for note in areas.notes:
            report(Note(note))
        for aoi in areas.aois:
            centre = aoi.geometry.centroid
            outline = aoi.geometry if aoi.is_area else None
            found.append(replace(point_place(centre.x, centre.y, aoi.name), outline=outline))
    return _unique(found or _handed_on(refs, settings, report))


def _handed_on(refs: Sequence[ProductRef], settings: Settings, report: Report) -> list[ChipSite]:
    """Places that came through the pipe."""
    carried: dict[str, ChipSite] = {}
    for ref in refs:
        listed = ref.record.get(PLACES_KEY)
        for value in listed if isinstance(listed, list) else []:
            place = ChipSite.from_json(value)
            carried[f"{place.name} {place.lon} {place.lat}"] = place
    if carried:
        return list(carried.values())
    clear = recall_clear(cache_root(settings), [ref.text for ref in refs])
    recalled = [ChipSite.from_json(value) for value in clear.places] if clear else []
    if not recalled:
        raise UsageError("no place is given", "add --lon and --lat, --parcels FILE --pid ID, or --points FILE")
    names = ", ".join(place.title for place in recalled[:3]) + (" …" if len(recalled) > 3 else "")
    report(Note(f"no place is given: taking that of the last s2kit stats --clear ({names})"))
    return recalled


def _unique(found: Iterable[ChipSite]) -> tuple[ChipSite, ...]:
    seen: dict[str, int] = {}
    unique = []
    for place in found:
        seen[place.name] = seen.get(place.name, 0) + 1
        number = seen[place.name]
        unique.append(place if number == 1 else replace(place, name=f"{place.name}-{number}"))
    return tuple(unique)


def time_ranges(options: WhichOptions, now: datetime | None = None) -> tuple[DateRange, ...]:
    """The dates of a call; empty for any time.

    Raises:
        UsageError: A text that is no date, or a start after its end.
    """
    now = now or datetime.now(UTC)
    ranges = parse_ranges(options.get("range"), options.get("date"), now)
    start, end = options.get("start"), options.get("end")
    if start is None and end is None:
        return ranges
    return tuple(dict.fromkeys([*ranges, parse_range(text(start or ".."), text(end or ".."), now)]))


def normal_level(text: str | None, settings: Settings) -> str:
    """`L1C` or `L2A` from `l2a`, `LEVEL2A` and the like; None means the settings' level.

    Raises:
        UsageError: Another level.
    """
    level = (text or settings.level).upper().replace("LEVEL", "L")
    if level not in {"L1C", "L2A"}:
        raise UsageError(f"--level {text}: there are l2a and l1c")
    return level


def products(
    options: WhichOptions,
    refs: Sequence[ProductRef] | None,
    around: Sequence[tuple[float, float, float, float]],
    loaded: Loaded,
    report: Report,
    failures: dict[str, S2KitError] | None = None,
) -> tuple[Candidate, ...]:
    """The products to choose from: those that are named, those of a folder, or those that a search finds.

    Args:
        options: When, and which level.
        refs: The products and folders that were named; None for a search.
        around: Boxes `west, south, east, north` in lon/lat, one a place; a point has no width.
        loaded: Catalogue, level and dataset folder.
        report: Takes what is left out.
        failures: Gets what is wrong with those of several named products that cannot be used; None raises the first.

    Raises:
        NotFoundError: The named product does not exist.
        UsageError: Options that exclude each other.
        S2KitError: As the catalogue says.
    """
    settings = loaded.settings
    ranges = time_ranges(options)
    asked, most = options.get("level"), options.get("max_cloud")
    level = normal_level(asked, settings)
    if refs is not None:
        found = candidates(_where_read(refs, settings), settings, level, report, failures)
        return tuple(wanted(found, ranges, level if asked else None, most))
    boxes = _boxes(around)
    request = SearchRequest.parse(
        loaded,
        report,
        point=[(west, south) for west, south, east, north in boxes if west == east and south == north],
        bbox=[box for box in boxes if box[0] != box[2] or box[1] != box[3]],
        range=[(_text(when.start), _text(when.end)) for when in ranges],
        catalogue=options.get("catalogue"),
        level=level,
        max_cloud=most,
        sort="none",
        dedupe="none",
        limit=0,
    )
    looking = search(request, report)
    records = {record.id: record for record in looking}
    if looking.problem is not None:
        raise looking.problem
    return tuple(wanted(of_records(records.values(), settings), ranges, level, most))


def _where_read(refs: Sequence[ProductRef], settings: Settings) -> list[ProductRef]:
    """Bare names that came from `s2kit stats --clear` as the paths that it read them from."""
    clear = recall_clear(cache_root(settings), [ref.text for ref in refs])
    if clear is None:
        return list(refs)
    return [
        ProductRef(clear.products[ref.text]) if not ref.record and Path(clear.products[ref.text]).exists() else ref
        for ref in refs
    ]


def _text(moment: datetime | None) -> str:
    return ".." if moment is None else moment.isoformat()


def _boxes(around: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """The boxes to search: each by itself, or one around all of a degree cell if there are many."""
    distinct = list(dict.fromkeys(around))
    if len(distinct) <= _MANY_AREAS:
        return [_widened(box) for box in distinct]
    cells: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}
    for box in distinct:
        cells.setdefault((int(box[0] // _CELL_DEG), int(box[1] // _CELL_DEG)), []).append(box)
    return [
        _widened((min(b[0] for b in m), min(b[1] for b in m), max(b[2] for b in m), max(b[3] for b in m)))
        for m in cells.values()
    ]


def _widened(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box that has no width in one direction only gets a little in both."""
    west, south, east, north = box
    if (west == east) == (south == north):
        return box
    little = 1e-6
    return max(-180.0, west - little), max(-90.0, south - little), min(180.0, east + little), min(90.0, north + little)


def refuse_no_overlap(found: Sequence[Candidate], what: str) -> None:
    """Raise because products were named and none of those that the dates leave shows a place.

    Args:
        found: The named products.
        what: What is not shown: `the place`, `any of the 3 parcels`.

    Raises:
        InputError: Always.
    """
    if not found:
        raise InputError("none of the named products is of these dates, this level and this cloud cover")
    which = f"{found[0].id} does not show" if len(found) == 1 else f"none of the {len(found)} products shows"
    raise InputError(f"{which} {what}", "s2kit info PRODUCT prints a product's footprint")
