"""How a user names a product: a path, a name, an address or a record of a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ProductRef:
    """One product as it was asked for; what it points at is found by `workflows.locate`."""

    text: str
    """A local path, a product name with or without `.SAFE`, or an `s3://`, `gs://` or `https://` address."""
    record: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """The search record that named it, empty where there was none."""
