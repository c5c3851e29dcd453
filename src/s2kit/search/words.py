"""A search as it was typed, made into a request: areas, dates, catalogues, filters."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from s2kit.area.aoi import Aoi, bbox_aoi, point_aoi, tile_aoi, with_unique_names
from s2kit.area.aoi_files import AoiSet, read_aois
from s2kit.area.dates import EVER, DateRange, parse_date, parse_range
from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.cursor import Cursor
from s2kit.catalogue.query import new_query
from s2kit.catalogue.sorting import parse_sort
from s2kit.errors import UsageError
from s2kit.run.redact import redacted
from s2kit.search.run import SearchRequest
from s2kit.settings import Settings

LATE_PUBLICATION = timedelta(days=30)
"""How far a cursor without a range of dates looks back behind the last run, for products that came late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWords:
    """The options of a search, as texts and numbers."""

    aoi: tuple[str, ...] = ()
    bbox: tuple[tuple[float, float, float, float], ...] = ()
    point: tuple[tuple[float, float], ...] = ()
    tile: tuple[str, ...] = ()
    each_feature: bool = False
    ranges: tuple[tuple[str, str], ...] = ()
    dates: tuple[str, ...] = ()
    catalogue: tuple[str, ...] = ()
    level: str | None = None
    mission: str = "s2"
    max_cloud_pct: float | None = None
    orbit: tuple[int, ...] = ()
    baseline: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    polarisation: tuple[str, ...] = ()
    product_type: tuple[str, ...] = ()
    min_overlap_pct: float | None = None
    sort: str = "-datetime"
    dedupe: str = "newest"


@dataclass(frozen=True, slots=True)
class Understood:
    """A request and what the user should know of it."""

    request: SearchRequest
    notes: tuple[str, ...] = ()


def understood(
    words: SearchWords,
    settings: Settings,
    secrets: Mapping[str, str],
    now: datetime,
    cursor: Cursor | None = None,
) -> Understood:
    """The request that the words mean.

    Args:
        words: What was typed.
        settings: For everything that was not.
        secrets: Credentials by the names of `settings.SECRETS`.
        now: The moment that relative dates count from.
        cursor: Says since when, where no dates were typed.

    Raises:
        UsageError: Words that cannot stand together or alone.
        InputError: An area that is none.
        NotFoundError: An area's file that is not there.
    """
    if words.dedupe not in {"newest", "none"}:
        raise UsageError(f"--dedupe {words.dedupe}: there are newest and none")
    sources = tuple(
        source for name in words.catalogue or (settings.catalogue,) for source in find(name, settings, secrets)
    )
    areas = _areas(words)
    ranges = _ranges(words, now, cursor)
    if not areas.aois and ranges == (EVER,) and any(source.kind != "local" for source in sources):
        raise UsageError("neither an area nor dates are given", "add --aoi FILE, --bbox W S E N, --tile or --range")
    request = SearchRequest(
        sources=tuple({source.name: source for source in sources}.values()),
        aois=areas.aois,
        ranges=ranges,
        query=new_query(
            mission=words.mission,
            level=words.level or settings.level,
            max_cloud_pct=words.max_cloud_pct,
            orbits=words.orbit,
            baselines=words.baseline,
            platforms=words.platform,
            tiles=words.tile if words.aoi or words.bbox or words.point else (),
            modes=words.mode,
            polarisations=words.polarisation,
            product_types=words.product_type or (("GRD",) if words.mission == "s1" else ()),
            min_overlap_pct=words.min_overlap_pct,
        ),
        keep_newest=words.dedupe == "newest",
        sort=parse_sort(words.sort),
        limit=settings.limit or None,
        timeout_s=settings.timeout_s or None,
    )
    return Understood(request, areas.notes)


def _areas(words: SearchWords) -> AoiSet:
    """All areas; tiles are areas of their own only where no other is given, else a filter."""
    files = read_aois(words.aoi, each_feature=words.each_feature)
    boxes = [bbox_aoi(*numbers) for numbers in words.bbox]
    points = [point_aoi(*numbers) for numbers in words.point]
    given: list[Aoi] = [*files.aois, *boxes, *points]
    return AoiSet(with_unique_names(given or [tile_aoi(tile) for tile in words.tile]), files.notes)


def _ranges(words: SearchWords, now: datetime, cursor: Cursor | None) -> tuple[DateRange, ...]:
    ranges = [parse_range(*pair, now) for pair in words.ranges] + [parse_date(text, now) for text in words.dates]
    if ranges:
        return tuple(dict.fromkeys(ranges))
    if cursor is None:
        return (EVER,)
    return (DateRange((cursor.until or now) - LATE_PUBLICATION, None),)


def find(name: str, settings: Settings, secrets: Mapping[str, str]) -> list[CatalogueSource]:
    """The catalogues behind a name of `--catalogue`: a name, an address, a folder, or `all`.

    Raises:
        UsageError: No catalogue of that name.
    """
    if name == "all":
        named = [one for one in settings.catalogues if settings.catalogues[one].kind != "odata"]
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
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}, and addresses"
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
    """What stands behind an address, as far as its path tells."""
    path = url.lower().rstrip("/")
    if "/odata/v1" in path:
        return "odata"
    return "dhus" if path.endswith(("/dhus", "/apihub")) or "/dhus/" in path else "stac"
