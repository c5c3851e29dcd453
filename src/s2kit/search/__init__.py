"""Finding products in catalogues: `search` answers a `SearchRequest` as a stream of records."""

from s2kit.search.run import Search, SearchRequest, search

__all__ = ["Search", "SearchRequest", "search"]
