"""CDSE's OData catalogue: products with their S3 path, size and checksums.

Its query language is described at documentation.dataspace.copernicus.eu/APIs/OData.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from s2kit.area.dates import DateRange
from s2kit.catalogue.areas import simple_parts
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.query import Query
from s2kit.catalogue.record import ProductRecord
from s2kit.catalogue.record_sources import from_odata
from s2kit.catalogue.transport import Transport
from s2kit.errors import InputError, ServiceError
from s2kit.run.deadline import Deadline
from s2kit.store.http import host_of

_NAMES_AT_ONCE = 20
_COLLECTIONS = {"s1": "SENTINEL-1", "s2": "SENTINEL-2"}


class ODataCatalogue:
    """CDSE's OData service."""

    def __init__(self, source: CatalogueSource, deadline: Deadline, page_size: int) -> None:
        self.source = source
        self._page_size = page_size
        self._transport = Transport(deadline)

    def pages(self, query: Query, area: BaseGeometry | None, when: DateRange) -> Iterator[Page]:
        """Pages of products as records; see `Catalogue.pages`."""
        for part in simple_parts(area):
            yield from self._pages(" and ".join(conditions(query, part, when)))

    def by_names(self, names: Iterable[str]) -> Iterator[ProductRecord]:
        """Records of products whose names are known, for their S3 paths, sizes and checksums."""
        wanted = list(names)
        for first in range(0, len(wanted), _NAMES_AT_ONCE):
            some = wanted[first : first + _NAMES_AT_ONCE]
            test = " or ".join(f"Name eq {_quoted(f'{name}.SAFE')}" for name in some)
            for page in self._pages(test):
                yield from page.records

    def _pages(self, test: str) -> Iterator[Page]:
        url: str | None = f"{self.source.url.rstrip('/')}/Products"
        params: dict[str, str] | None = {
            "$filter": test,
            "$orderby": "ContentDate/Start asc",
            "$top": str(self._page_size),
            "$expand": "Attributes",
            "$count": "true",
        }
        seen: set[str] = set()
        while url is not None:
            answer = self._transport.json("GET", url, params=params)
            yield self._page(answer, host_of(url))
            seen.add(url)
            url, params = _next_link(answer, url, seen), None

    def _page(self, answer: Mapping[str, Any], host: str) -> Page:
        values = answer.get("value")
        if not isinstance(values, list):
            raise ServiceError(f"{host} answered with JSON that is no OData page", "is the address that of odata/v1?")
        records, unreadable = [], 0
        for value in values:
            try:
                records.append(from_odata(value, self.source.name))
            except (InputError, AttributeError, TypeError):
                unreadable += 1
        notes = (
            (f"{self.source.name}: {unreadable} products without a name or a time were left out",) if unreadable else ()
        )
        count = answer.get("@odata.count")
        return Page(tuple(records), count if isinstance(count, int) else None, notes)


def conditions(query: Query, area: Polygon | Point | None, when: DateRange) -> Iterator[str]:
    """The parts of OData's `$filter` for a question."""
    yield f"Collection/Name eq {_quoted(_COLLECTIONS[query.mission])}"
    if area is not None:
        yield f"OData.CSC.Intersects(area=geography'SRID=4326;{area.wkt}')"
    if when.start is not None:
        yield f"ContentDate/End ge {_time(when.start)}"
    if when.end is not None:
        yield f"ContentDate/Start le {_time(when.end)}"
    types = query.product_types or ({f"S2MSI{query.level[1:]}"} if query.level else set())
    if query.mission == "s2" and types:
        yield _any_of("String", "productType", sorted(types))
    if query.max_cloud_pct is not None and query.max_cloud_pct < 100:
        yield _attribute("Double", "cloudCover", "le", f"{query.max_cloud_pct:.4f}")
    if query.tiles:
        yield _any_of("String", "tileId", sorted(query.tiles))


def _any_of(kind: str, name: str, values: Iterable[str]) -> str:
    return f"({' or '.join(_attribute(kind, name, 'eq', _quoted(value)) for value in values)})"


def _attribute(kind: str, name: str, relation: str, value: str) -> str:
    full = f"OData.CSC.{kind}Attribute"
    return f"Attributes/{full}/any(a:a/Name eq '{name}' and a/{full}/Value {relation} {value})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _next_link(answer: Mapping[str, Any], url: str, seen: set[str]) -> str | None:
    link = answer.get("@odata.nextLink")
    if not isinstance(link, str):
        return None
    link = urljoin(url, link)
    if link in seen:
        raise ServiceError(
            f"{host_of(url)}: its pages lead in a circle", "ask another catalogue, or narrow the range of dates"
        )
    return link
