"""Finding products in catalogues: `search` answers a `SearchRequest` as a stream of records."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.search.request import SearchOptions, SearchRequest
    from s2kit.search.run import Search, search
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.search.request": ("SearchOptions", "SearchRequest"),
            "s2kit.search.run": ("Search", "search"),
        },
    )

__all__ = ["Search", "SearchOptions", "SearchRequest", "search"]
