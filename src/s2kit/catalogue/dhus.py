"""DHuS hubs, through sentinelsat, which is imported nowhere else.

ESA's own hub, SciHub, closed in October 2023; national mirrors are left. sentinelsat sets no timeout on its requests
and retries none of them: it is handed a session that does both.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from shapely.geometry.base import BaseGeometry

from s2kit.area.dates import DateRange
from s2kit.catalogue.areas import simple_parts
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.query import Query
from s2kit.catalogue.record_sources import from_dhus
from s2kit.catalogue.transport import CatalogueRequestError, Transport
from s2kit.errors import AccessError, ConfigError, InputError, ServiceError
from s2kit.run.deadline import Deadline
from s2kit.store.http import host_of

CLOSED_HOSTS = frozenset(("scihub.copernicus.eu", "apihub.copernicus.eu", "dhus.copernicus.eu", "colhub.copernicus.eu"))
_PLATFORMS = {"s1": "Sentinel-1", "s2": "Sentinel-2"}
_PAGE = 100  # sentinelsat asks for no more at once


class DhusCatalogue:
    """A DHuS hub."""

    def __init__(self, source: CatalogueSource, deadline: Deadline, page_size: int) -> None:
        self.source = source
        self._page_size = min(page_size, _PAGE)
        self._host = host_of(source.url)
        _refuse_closed(source.url)
        self._api = _hub(source, deadline)

    def pages(self, query: Query, area: BaseGeometry | None, when: DateRange) -> Iterator[Page]:
        """Pages of entries as records; see `Catalogue.pages`."""
        for part in simple_parts(area):
            terms = query_terms(query, when)
            terms["area"] = None if part is None else part.wkt
            yield from self._pages(terms)

    def _pages(self, terms: dict[str, Any]) -> Iterator[Page]:
        offset, total = 0, None
        while total is None or offset < total:
            entries, total = self._load(terms, offset)
            if not entries and offset < total:
                raise ServiceError(
                    f"{self._host} told of {total} products and stopped after {offset}", "run again later"
                )
            records, unreadable = [], 0
            for entry in entries.values():
                try:
                    records.append(from_dhus(entry, self.source.name))
                except InputError:
                    unreadable += 1
            notes = (
                (f"{self.source.name}: {unreadable} entries without a name or a time left out",) if unreadable else ()
            )
            offset += len(entries)
            yield Page(tuple(records), total, notes)

    def _load(self, terms: dict[str, Any], offset: int) -> tuple[dict[str, Any], int]:
        from sentinelsat.exceptions import QueryLengthError, QuerySyntaxError, SentinelAPIError, UnauthorizedError

        try:
            entries = self._api.query(**terms, order_by="+beginposition", limit=self._page_size, offset=offset)
            feed = self._api._last_response.json()["feed"]  # count() would ask a second time
            return dict(entries), int(feed["opensearch:totalResults"])
        except UnauthorizedError as error:
            raise _unauthorized(self._host) from error
        except (QueryLengthError, QuerySyntaxError) as error:
            raise CatalogueRequestError(f"{self._host} does not understand the query: {_line(error)}") from error
        except (SentinelAPIError, KeyError, ValueError, TypeError) as error:
            raise ServiceError(
                f"{self._host} gave no search result: {_line(error)}", "is it a DHuS hub, and is it up?"
            ) from error


def query_terms(query: Query, when: DateRange) -> dict[str, Any]:
    """The keywords of sentinelsat for a question, its area aside."""
    terms: dict[str, Any] = {"platformname": _PLATFORMS[query.mission]}
    if when.start is not None or when.end is not None:
        terms["beginposition"] = (when.start, when.end)
    if query.mission == "s2" and query.level and not query.product_types:
        terms["producttype"] = f"S2MSI{query.level[1:]}"
    if query.product_types:
        terms["producttype"] = _one_or_set(query.product_types)
    if query.max_cloud_pct is not None and query.max_cloud_pct < 100:
        terms["cloudcoverpercentage"] = (0, query.max_cloud_pct)
    if query.orbits:
        terms["relativeorbitnumber"] = _one_or_set(query.orbits)
    if query.modes:
        terms["sensoroperationalmode"] = _one_or_set(query.modes)
    return terms  # tileid and polarisationmode differ between hubs and years: our own filter does those


def _one_or_set(values: frozenset[Any]) -> Any:
    return next(iter(values)) if len(values) == 1 else set(values)


def _hub(source: CatalogueSource, deadline: Deadline) -> Any:
    try:
        from sentinelsat import SentinelAPI
    except ImportError as error:
        raise ConfigError(
            "a DHuS hub needs the package sentinelsat",
            "pip install sentinelsat, or use --catalogue cdse or earth-search",
        ) from error
    api = SentinelAPI(source.user, source.password, api_url=source.url, show_progressbars=False)
    api.session = Transport(deadline, source.login).session  # without a user, `~/.netrc` is asked
    return api


def _refuse_closed(url: str) -> None:
    if not url:
        raise ConfigError("the dhus catalogue has no address", "set DHUS_URL, for example to your national hub's")
    if str(urlsplit(url).hostname) in CLOSED_HOSTS:
        raise ServiceError(
            f"{host_of(url)}: SciHub closed in October 2023",
            "use --catalogue cdse or earth-search, or set DHUS_URL to a hub that is left",
        )


def _unauthorized(host: str) -> AccessError:
    return AccessError(
        f"{host} refused user and password, or none were given",
        "set DHUS_USER and DHUS_PASSWORD in the environment or .env, or add the host to ~/.netrc",
    )


def _line(error: Exception) -> str:
    said = getattr(error, "msg", None)
    return " ".join((said if isinstance(said, str) else repr(error)).split())[:160]
