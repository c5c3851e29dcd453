"""STAC APIs, through pystac-client: Earth Search, CDSE, and any other.

pystac-client builds the parameters and follows the pages; `Transport` carries its requests, since its own retry leaves
out 429, 5xx and POST. Filters are sent where a service is known to take them, and never relied upon.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from pystac import Link
from pystac_client import ItemSearch
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from s2kit.area.dates import DateRange
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.query import Query
from s2kit.catalogue.record_sources import from_stac_page
from s2kit.catalogue.transport import CatalogueRequestError, Transport, parse_object
from s2kit.errors import ServiceError
from s2kit.run.deadline import Deadline
from s2kit.run.threads import prefetch
from s2kit.store.http import host_of

TAKES_FILTERS = frozenset(("earth-search", "cdse"))
"""Catalogues that are known to take `query` and `fields` and to name properties as `from_stac_page` reads them."""
MAX_STALE_PAGES = 3
"""Pages in a row without anything new, after which a service is taken to lead in a circle."""

_QUERY_CLASSES = ("item-search#query",)
_FIELDS_CLASSES = ("item-search#fields",)
_KEPT_FIELDS = (
    "id",
    "type",
    "collection",
    "geometry",
    "properties",
    "assets.tileinfo_metadata",
    "assets.granule_metadata",
    "assets.safe_manifest",
    "assets.safe-manifest",
    "assets.red-jp2",
    "assets.vv",
    "assets.hh",
    "assets.thumbnail",
    "assets.Product",
    "assets.product",
)
_MORE_FIELDS = ("links", "assets.B04", "assets.red")
"""What says where products of other catalogues are: items by their own address, GeoTIFFs by that of a band."""


class StacCatalogue:
    """A STAC API that can be searched."""

    def __init__(
        self, source: CatalogueSource, deadline: Deadline, page_size: int, *, prefetching: bool = False
    ) -> None:
        self.source = source
        self._page_size = page_size
        self._prefetch = prefetching
        self._io = _Carrier(Transport(deadline, source.login))

    def pages(self, query: Query, area: BaseGeometry | None, when: DateRange) -> Iterator[Page]:
        """Pages of items as records; see `Catalogue.pages`."""
        plain = self._parameters(query, area, when)
        filters = self._filters(query)
        ways = [{**plain, **filters}, plain] if filters else [plain]
        for way, last in [(way, False) for way in ways] + [({**plain, "method": "GET"}, True)]:
            started = False
            try:
                for page in self._item_pages(way):
                    started = True
                    yield page
                return
            except CatalogueRequestError:  # it does not take filters, or no POST, whatever it says
                if started or last:
                    raise

    def _item_pages(self, parameters: dict[str, Any]) -> Iterator[Page]:
        watch = _CircleWatch(host_of(self.source.url))
        root = self.source.url.rstrip("/")
        search = ItemSearch(root if root.endswith("/search") else f"{root}/search", stac_io=self._io, **parameters)
        try:
            answers = search.pages_as_dicts()
            for answer in prefetch(answers) if self._prefetch else answers:
                watch.look(answer)
                yield self._page(answer)
        except APIError as error:
            raise ServiceError(f"{host_of(root)}: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ServiceError(
                f"{host_of(root)} answered with JSON that is no page of STAC items",
                "is the address that of a STAC API?",
            ) from error

    def _page(self, answer: Mapping[str, Any]) -> Page:
        records, unreadable = from_stac_page(answer["features"], self.source.name)
        notes = (f"{self.source.name}: {unreadable} items without an id or a time were left out",) if unreadable else ()
        context = answer.get("context")
        matched = answer.get("numberMatched", context.get("matched") if isinstance(context, Mapping) else None)
        return Page(tuple(records), matched if isinstance(matched, int) else None, notes)

    def _parameters(self, query: Query, area: BaseGeometry | None, when: DateRange) -> dict[str, Any]:
        return {
            "collections": collections(query),
            "intersects": None if area is None else mapping(area),
            "datetime": when.interval,
            "limit": self._page_size,
        }

    def _filters(self, query: Query) -> dict[str, Any]:
        known = self.source.name in TAKES_FILTERS
        classes = () if known else self._conformance()
        filters: dict[str, Any] = {}
        if not query.collections and (known or _has(classes, _FIELDS_CLASSES)):
            filters["fields"] = {"include": [*_KEPT_FIELDS, *(() if known else _MORE_FIELDS)], "exclude": []}
        wanted: dict[str, Any] = {}
        if query.max_cloud_pct is not None and query.max_cloud_pct < 100:
            wanted["eo:cloud_cover"] = {"lte": query.max_cloud_pct}
        if known and len(query.tiles) == 1:
            wanted["grid:code"] = {"eq": f"MGRS-{next(iter(query.tiles))}"}
        if wanted and (known or _has(classes, _QUERY_CLASSES)):
            filters["query"] = wanted
        return filters

    def _conformance(self) -> tuple[str, ...]:
        """What a service says that it can do; nothing where it does not say."""
        landing = self._io.transport.json("GET", self.source.url.removesuffix("/search"))
        classes = landing.get("conformsTo")
        return tuple(str(name) for name in classes) if isinstance(classes, list) else ()


def collections(query: Query) -> list[str]:
    """The collections that hold what is asked for; Earth Search and CDSE name them alike."""
    if query.collections:
        return list(query.collections)
    if query.mission == "s1":
        return sorted(f"sentinel-1-{kind.lower()}" for kind in query.product_types or {"GRD"})
    levels = (query.level,) if query.level else ("L1C", "L2A")
    return [f"sentinel-2-{level.lower()}" for level in levels]


def _has(classes: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(name.endswith(wanted) for name in classes)


class _CircleWatch:
    """Notices a service whose pages bring nothing new."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._seen: set[int] = set()  # hashes, which take less room than names
        self._stale = 0

    def look(self, answer: Mapping[str, Any]) -> None:
        """Take note of a page.

        Raises:
            ServiceError: Several pages in a row held nothing new.
        """
        new = {hash(str(item.get("id"))) for item in answer["features"] if isinstance(item, dict)}
        self._stale = 0 if new - self._seen else self._stale + 1
        self._seen |= new
        if self._stale >= MAX_STALE_PAGES:
            raise ServiceError(
                f"{self._host}: its pages lead in a circle", "ask another catalogue, or narrow the range of dates"
            )


class _Carrier(StacApiIO):
    """pystac-client's way to the network, replaced by ours."""

    def __init__(self, transport: Transport) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().__init__(max_retries=None)
        self.transport = transport

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Fetch a page."""
        verb = (method or "GET").upper()
        if verb == "GET":
            return self.transport.fetch("GET", href, params=_as_text(parameters)).decode("utf-8", "replace")
        return self.transport.fetch(verb, href, body=parameters).decode("utf-8", "replace")

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Fetch a page and parse it."""
        url = str(source.href if isinstance(source, Link) else source)
        host = host_of(url)
        answer = parse_object(self.read_text(source, *args, **kwargs), host)
        if not isinstance(answer.get("features", []), list):
            raise ServiceError(f"{host} answered with JSON that is no page of STAC items")
        for link in answer.get("links") or ():
            if isinstance(link, dict) and isinstance(link.get("href"), str):
                link["href"] = urljoin(url, link["href"])
        return answer


def _as_text(parameters: Mapping[str, Any] | None) -> dict[str, str] | None:
    return (
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}
        if (parameters)
        else None
    )
