"""What to search for: the request, and how it is made of options: areas, dates, catalogues, filters."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, TypedDict, Unpack
from urllib.parse import urlsplit

from s2kit.area.aoi import Aoi, bbox_aoi, point_aoi, tile_aoi, with_unique_names
from s2kit.area.aoi_files import AoiSet, read_aois
from s2kit.area.dates import EVER, DateRange, parse_date, parse_range
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.cursor import Cursor
from s2kit.catalogue.query import Query, new_query
from s2kit.catalogue.sorting import parse_sort
from s2kit.errors import UsageError
from s2kit.run.choices import one_of
from s2kit.run.events import Note, Report, silent
from s2kit.run.options import Dates, Ranges, Rows, Texts, pairs, rows, texts
from s2kit.run.redact import redacted
from s2kit.settings import Loaded, Settings

PAGE_SIZE = 100
LATE_PUBLICATION = timedelta(days=30)
"""How far a cursor without a range of dates looks back behind the last run, for products that came late."""


class SearchOptions(TypedDict, total=False):
    """What a search takes, by the names of the options of `s2kit search`; None means not given."""

    aoi: Texts
    """Areas: files, WKT or GeoJSON."""
    bbox: Rows
    """Boxes `(west, south, east, north)` in degrees."""
    point: Rows
    """Points `(lon, lat)` in degrees."""
    tile: Texts
    """MGRS tiles, `31TCJ`: areas of their own, or beside other areas a filter."""
    each_feature: bool
    """True answers each feature of a file, not the file as one area."""
    range: Ranges
    """`(start, end)` in UTC, both days included."""
    date: Dates
    """Dates in one word: `2020-01`, `2020-01-01/2020-01-13`, `-10d`."""
    level: str | None
    """`l2a` or `l1c`."""
    mission: str
    """`s2`, `s1` or `landsat`."""
    collection: Texts
    """Collections of a STAC API, in the place of those of the mission."""
    max_cloud: float | None
    """At most this cloud cover, in percent."""
    orbit: Sequence[int] | None
    """Relative orbits."""
    baseline: Texts
    """Processing baselines, `N0400`."""
    platform: Texts
    """Satellites, `S2A`."""
    mode: Texts
    """Acquisition modes of Sentinel-1."""
    polarisation: Texts
    """Channels of Sentinel-1, all of which a product must have."""
    product_type: Texts
    min_overlap: float | None
    """Share of the area that a product must cover, in percent."""
    catalogue: Texts
    """Names or addresses of catalogues, folders, or `all`."""
    sort: str
    """`-datetime`, `cloud`, `coverage`, `tile` …; `none` for the order of arrival."""
    dedupe: str
    """`newest` keeps one of reprocessed twins, `none` keeps all."""
    limit: int | None
    """Most products for each area and range; 0 for all."""
    timeout: float | None
    """Seconds for the whole search; 0 for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What to look for."""

    sources: tuple[CatalogueSource, ...]
    aois: tuple[Aoi, ...] = ()
    """Each answered by itself; none means everywhere."""
    ranges: tuple[DateRange, ...] = (EVER,)
    """Each answered by itself."""
    query: Query = field(default_factory=Query)
    keep_newest: bool = True
    """True keeps the newest of reprocessed twins only."""
    sort: tuple[str, ...] = ("-datetime",)
    """Fields with their signs, as `catalogue.sorting.parse_sort` gives them; empty for the order of arrival."""
    limit: int | None = None
    """Most records for an area and a range."""
    timeout_s: float | None = 600
    """For all of it."""
    page_size: int = PAGE_SIZE

    @property
    def is_stream(self) -> bool:
        """True if nothing has to wait for the last page."""
        return not self.sort and not self.keep_newest

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        now: datetime | None = None,
        cursor: Cursor | None = None,
        **options: Unpack[SearchOptions],
    ) -> Self:
        """The request that options mean.

        Args:
            loaded: The settings, for everything that is not given.
            report: Takes notes about the areas.
            now: The moment that relative dates count from.
            cursor: Start of the search if no dates are given.
            options: See `SearchOptions`.

        Raises:
            UsageError: Options that exclude each other, or miss each other.
            InputError: An area that cannot be used.
            NotFoundError: The file of an area does not exist.
        """
        settings = loaded.settings.given(limit=options.get("limit"), timeout_s=options.get("timeout"))
        names = texts(options.get("catalogue")) or (settings.catalogue,)
        sources = tuple(source for name in names for source in find(name, settings, loaded.secrets))
        areas = _areas(options)
        for note in areas.notes:
            report(Note(note))
        ranges = parse_ranges(options.get("range"), options.get("date"), now or datetime.now(UTC))
        if not ranges and cursor is not None:
            ranges = (DateRange((cursor.until or now or datetime.now(UTC)) - LATE_PUBLICATION, None),)
        if not areas.aois and not ranges and any(source.kind != "local" for source in sources):
            raise UsageError("neither an area nor dates are given", "add --aoi FILE, --bbox W S E N, --tile or --range")
        query = _query(options, settings)
        named = bool(texts(options.get("collection")))
        others = [source.name for source in sources if source.kind != "stac" and (named or source.kind != "local")]
        if query.collections and others:
            raise UsageError(
                f"{others[0]} has no collections like {query.collections[0]}", "name a STAC API with --catalogue"
            )
        return cls(
            sources=tuple({source.name: source for source in sources}.values()),
            aois=areas.aois,
            ranges=ranges or (EVER,),
            query=query,
            keep_newest=one_of("dedupe", options.get("dedupe", "newest"), ("newest", "none")) == "newest",
            sort=parse_sort(options.get("sort", "-datetime")),
            limit=settings.limit or None,
            timeout_s=settings.timeout_s or None,
        )


def parse_ranges(ranges: Ranges, dates: Dates, now: datetime) -> tuple[DateRange, ...]:
    """The ranges of `--range` and `--date`, each once; none if neither is given.

    Raises:
        UsageError: A text that is no date, or a start after its end.
    """
    found = [parse_range(start, end, now) for start, end in pairs(ranges, "range")]
    return tuple(dict.fromkeys([*found, *(parse_date(text, now) for text in texts(dates))]))


def _areas(options: SearchOptions) -> AoiSet:
    """All areas; tiles are areas of their own only if no other is given, else a filter."""
    files = read_aois(texts(options.get("aoi")), each_feature=options.get("each_feature", False))
    boxes = [bbox_aoi(west, south, east, north) for west, south, east, north in rows(options.get("bbox"), 4, "bbox")]
    points = [point_aoi(lon, lat) for lon, lat in rows(options.get("point"), 2, "point")]
    given: list[Aoi] = [*files.aois, *boxes, *points]
    return AoiSet(with_unique_names(given or [tile_aoi(tile) for tile in texts(options.get("tile"))]), files.notes)


def _query(options: SearchOptions, settings: Settings) -> Query:
    mission = options.get("mission", "s2")
    has_area = any(options.get(name) for name in ("aoi", "bbox", "point"))
    return new_query(
        mission=mission,
        collections=texts(options.get("collection")),
        level=options.get("level") or settings.level,
        max_cloud_pct=options.get("max_cloud"),
        orbits=options.get("orbit") or (),
        baselines=texts(options.get("baseline")),
        platforms=texts(options.get("platform")),
        tiles=texts(options.get("tile")) if has_area else (),
        modes=texts(options.get("mode")),
        polarisations=texts(options.get("polarisation")),
        product_types=texts(options.get("product_type")) or (("GRD",) if mission == "s1" else ()),
        min_overlap_pct=options.get("min_overlap"),
    )


def find(name: str, settings: Settings, secrets: Mapping[str, str]) -> list[CatalogueSource]:
    """The catalogues behind a name of `--catalogue`: a name, an address, a folder, or `all`.

    Raises:
        UsageError: No catalogue of that name.
    """
    if name == "all":
        named = [one for one in settings.catalogues if settings.catalogues[one].in_all]
        extra = (["dhus"] if secrets.get("dhus_url") and "dhus" not in named else []) + ["local"]
        return [source for one in (*named, *extra) for source in find(one, settings, secrets)]
    cache = settings.cache_dir if settings.cache else None
    if name in settings.catalogues:
        kind, url = settings.catalogues[name].kind, settings.catalogues[name].url
    elif name == "local" or (("/" in name or name == ".") and Path(name).is_dir()):
        kind, url = "local", str(settings.dataset) if name == "local" else name
    elif name == "dhus":
        kind, url = "dhus", secrets.get("dhus_url", "")
    elif name.startswith(("http://", "https://")):
        kind, url = _kind_of(name), name
    else:
        known = sorted({*settings.catalogues, "local", "dhus", "all"})
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}, addresses, and folders as ./NAME"
        if Path(name).is_dir():
            hint = f"for the folder write ./{name}"
        raise UsageError(f"--catalogue {name}: no such catalogue", hint)
    user, password = _login(kind, url, secrets)
    return [CatalogueSource(name=redacted(name), kind=kind, url=url, user=user, password=password, cache_dir=cache)]


def _login(kind: str, url: str, secrets: Mapping[str, str]) -> tuple[str | None, str | None]:
    """User and password for a hub: those of the environment are for the hub that `DHUS_URL` names, if it names one."""
    hub = secrets.get("dhus_url")
    if kind != "dhus" or (hub and urlsplit(hub).netloc != urlsplit(url).netloc):
        return None, None
    return secrets.get("dhus_user"), secrets.get("dhus_password")


def _kind_of(url: str) -> str:
    """The kind of service at an address, as far as its path shows."""
    path = url.lower().rstrip("/")
    if "/odata/v1" in path:
        return "odata"
    return "dhus" if path.endswith(("/dhus", "/apihub")) or "/dhus/" in path else "stac"
