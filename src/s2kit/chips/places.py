"""Places and products as they were typed: points, files of points, parcels; named products, folders, searches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from s2kit.area.aoi_files import read_aois
from s2kit.area.dates import DateRange, parse_date, parse_range
from s2kit.area.parcel import Parcel, at_point, by_pid, matching, parse_where
from s2kit.area.parcel_files import parcel_path, read_parcels
from s2kit.area.projection import LON_LAT, project, project_point
from s2kit.chips.cache import recall_clear
from s2kit.chips.candidates import Found, found_in_records, found_in_refs, wanted
from s2kit.chips.grid import utm_epsg
from s2kit.chips.record import ChipSite, point_place, safe_name
from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.product.ref import ProductRef
from s2kit.run.events import Note, Report
from s2kit.search import search
from s2kit.search.words import SearchWords, understood
from s2kit.settings import Settings, default_cache_dir

_MANY_AREAS = 20
"""More places than this are searched as boxes around those that lie together."""
_CELL_DEG = 1.0
PLACES_KEY = "s2kit:places"
"""Key under which records carry places from one verb to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereWords:
    """Where, as typed."""

    lon: float | None = None
    lat: float | None = None
    point: tuple[tuple[float, float], ...] = ()
    aoi: tuple[str, ...] = ()
    """Files, WKT or GeoJSON; each feature is a place."""
    parcels: str | None = None
    """A parcel file; `{year}` and `{ptype}` are replaced."""
    year: int | None = None
    ptype: str = ""
    pid: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    margin_m: float | None = None
    """The chip is the parcel's box with this margin."""

    @property
    def lonlat(self) -> tuple[float, float] | None:
        """The point of `--lon` and `--lat`.

        Raises:
            UsageError: One without the other.
        """
        if (self.lon is None) != (self.lat is None):
            raise UsageError("--lon and --lat belong together", "as in --lon 1.5 --lat 43.6")
        return None if self.lon is None or self.lat is None else (self.lon, self.lat)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichWords:
    """Which products, as typed."""

    refs: tuple[ProductRef, ...] = ()
    """Named products and folders; empty for a search."""
    start: str | None = None
    end: str | None = None
    ranges: tuple[tuple[str, str], ...] = ()
    dates: tuple[str, ...] = ()
    level: str | None = None
    max_cloud_pct: float | None = None
    catalogue: tuple[str, ...] = ()


def cache_root(settings: Settings) -> Path:
    """The cache folder of the settings, the user's own where none is set."""
    return settings.cache_dir if settings.cache_dir != Path() else default_cache_dir()


def chosen_parcels(words: WhereWords, settings: Settings, report: Report) -> tuple[Parcel, ...]:
    """The parcels that are asked for: all of the file where nothing narrows it.

    Raises:
        UsageError: No parcel file is named.
        NotFoundError: No such file, no such id, or no parcel at the point.
        InputError: The file cannot be read.
    """
    if words.parcels is None:
        raise UsageError("no parcels are named", "add --parcels FILE")
    file = read_parcels(parcel_path(words.parcels, words.year, words.ptype), settings.parcels)
    for note in file.notes:
        report(Note(note))
    chosen: Sequence[Parcel] = file.parcels
    if words.where:
        chosen = list(matching(chosen, [parse_where(text) for text in words.where]))
    if words.pid:
        chosen = by_pid(chosen, words.pid)
    if words.lonlat is not None:
        lon, lat = words.lonlat
        chosen = at_point(chosen, lon, lat)
    if not chosen:
        raise NotFoundError(f"no parcel of {words.parcels} fits", "list them with s2kit parcels --parcels FILE")
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


def places(words: WhereWords, refs: Sequence[ProductRef], settings: Settings, report: Report) -> tuple[ChipSite, ...]:
    """The places of a call, each under its own name.

    With no place typed, the records on stdin may carry them; else the places at which the same products were last
    found clear by `s2kit stats --clear` are taken, with a note.

    Raises:
        UsageError: There is no place at all.
        NotFoundError: A file, or a parcel in it, is not there.
        InputError: A place that is none.
    """
    found: list[ChipSite] = []
    if words.parcels is not None:
        found += [parcel_place(parcel, words.margin_m) for parcel in chosen_parcels(words, settings, report)]
    elif words.pid or words.where:
        raise UsageError("--pid and --where choose from a parcel file", "add --parcels FILE")
    elif words.lonlat is not None:
        found.append(point_place(*words.lonlat))
    found += [point_place(lon, lat) for lon, lat in words.point]
    if words.aoi:
        areas = read_aois(words.aoi, each_feature=True)
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


def time_ranges(words: WhichWords, now: datetime | None = None) -> tuple[DateRange, ...]:
    """The dates of a call; empty for any time.

    Raises:
        UsageError: A text that is no date, or a start after its end.
    """
    now = now or datetime.now(UTC)
    ranges = [parse_range(*pair, now) for pair in words.ranges] + [parse_date(text, now) for text in words.dates]
    if words.start is not None or words.end is not None:
        ranges.append(parse_range(words.start or "..", words.end or "..", now))
    return tuple(dict.fromkeys(ranges))


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
    words: WhichWords,
    around: Sequence[tuple[float, float, float, float]],
    settings: Settings,
    secrets: Mapping[str, str],
    report: Report,
) -> tuple[Found, ...]:
    """The products to choose from: those that are named, those of a folder, or those that a search finds.

    Args:
        words: What was typed.
        around: Boxes `west, south, east, north` in lon/lat, one a place; a point has no width.
        settings: Catalogue, level and dataset folder.
        secrets: Credentials by the names of `settings.SECRETS`.
        report: Hears what is left out.

    Raises:
        NotFoundError: A named product is not there.
        UsageError: Words that cannot stand together.
        S2KitError: As the catalogue says.
    """
    ranges = time_ranges(words)
    level = normal_level(words.level, settings)
    if words.refs:
        found = found_in_refs(_where_read(words.refs, settings), settings, level, report)
        asked = level if words.level else None
        return tuple(wanted(found, ranges, asked, words.max_cloud_pct))
    boxes = _boxes(around)
    search_words = SearchWords(
        point=tuple((west, south) for west, south, east, north in boxes if west == east and south == north),
        bbox=tuple(box for box in boxes if box[0] != box[2] or box[1] != box[3]),
        ranges=tuple((_text(when.start), _text(when.end)) for when in ranges),
        catalogue=words.catalogue,
        level=level.lower(),
        max_cloud_pct=words.max_cloud_pct,
        sort="none",
        dedupe="none",
    )
    request = replace(understood(search_words, settings, secrets, datetime.now(UTC)).request, limit=None)
    looking = search(request, report)
    records = {record.id: record for record in looking}
    if looking.problem is not None:
        raise looking.problem
    return tuple(wanted(found_in_records(records.values(), settings), ranges, level, words.max_cloud_pct))


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
    """The boxes to search: each by itself, or where there are many one around all of a degree cell."""
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


def refuse_no_overlap(found: Sequence[Found], chosen: int, *, named: bool) -> None:
    """Raise where products were named and none of them shows any place.

    Raises:
        InputError: As said.
    """
    if named and not chosen:
        what = f"{found[0].source.id}" if len(found) == 1 else f"none of the {len(found)} products"
        verb = "does not show" if len(found) == 1 else "shows"
        raise InputError(f"{what} {verb} the place in that time", "s2kit info PRODUCT tells a product's footprint")
