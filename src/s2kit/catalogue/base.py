"""What a catalogue is, and how one is opened from its name."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from s2kit.area.dates import DateRange
    from s2kit.catalogue.query import Query
    from s2kit.catalogue.record import ProductRecord
    from s2kit.store.http import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSource:
    """A catalogue as the settings name it."""

    name: str
    """What results carry: `earth-search`, or the address where only that was given."""
    kind: str
    """`stac`, `odata`, `dhus` or `local`."""
    url: str
    """Root of the service, or the dataset folder."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    cache_dir: Path | None = None
    """Where `local` keeps its index; None for none."""

    @property
    def login(self) -> "Login | None":
        """User and password, for the service's own host only; None if there are none."""
        from s2kit.store.http import Login, host_of

        return Login(self.user, self.password, host_of(self.url)) if self.user and self.password else None


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought."""

    records: "tuple[ProductRecord, ...]"
    matched: int | None = None
    """How many products the service says that there are; None where it does not say. Filters of ours come on top."""
    notes: tuple[str, ...] = ()
    """What the user should know, such as an entry that could not be read."""


class Catalogue(Protocol):
    """A service or folder that can be asked for products."""

    source: CatalogueSource

    def pages(self, query: "Query", area: "BaseGeometry | None", when: "DateRange") -> Iterator[Page]:
        """Products that may answer, page by page; the caller filters them again.

        Args:
            query: What a product has to be.
            area: Where, in lon/lat, with few vertices; None for everywhere.
            when: When.

        Raises:
            TryLaterError: A passing fault that outlived all retries, or the deadline.
            ServiceError: The service answered nonsense, or is gone.
            AccessError: It wants credentials, or refused them.
        """
        ...
