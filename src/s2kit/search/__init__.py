"""Finding products in catalogues: `search` answers a `SearchRequest` as a stream of records."""

from s2kit.search.request import SearchOptions, SearchRequest
from s2kit.search.run import Search, search

__all__ = ["Search", "SearchOptions", "SearchRequest", "search"]
