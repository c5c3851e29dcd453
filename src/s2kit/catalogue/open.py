"""The catalogue behind a name."""

from collections.abc import Mapping
from types import MappingProxyType

from s2kit.catalogue.base import Catalogue, CatalogueSource
from s2kit.errors import ConfigError
from s2kit.run.deadline import Deadline

KINDS: Mapping[str, str] = MappingProxyType(
    {"stac": "a STAC API", "odata": "CDSE's OData", "dhus": "a DHuS hub", "local": "a folder"}
)


def open_catalogue(
    source: CatalogueSource, deadline: Deadline, page_size: int = 100, *, prefetching: bool = False
) -> Catalogue:
    """The catalogue behind a name.

    Args:
        source: The catalogue.
        deadline: For all that is asked of it.
        page_size: Products that are asked for at once.
        prefetching: True where the next page may be fetched before it is wanted.

    Raises:
        ConfigError: Its kind is none of `KINDS`.
    """
    match source.kind:
        case "stac":
            from s2kit.catalogue.stac import StacCatalogue

            return StacCatalogue(source, deadline, page_size, prefetching=prefetching)
        case "odata":
            from s2kit.catalogue.odata import ODataCatalogue

            return ODataCatalogue(source, deadline, page_size)
        case "dhus":
            from s2kit.catalogue.dhus import DhusCatalogue

            return DhusCatalogue(source, deadline, page_size)
        case "local":
            from s2kit.catalogue.local import LocalCatalogue

            return LocalCatalogue(source, deadline)
    raise ConfigError(
        f"catalogue {source.name}: kind {source.kind!r} is not known",
        f"there are {', '.join(f'{kind} ({meaning})' for kind, meaning in KINDS.items())}",
    )
