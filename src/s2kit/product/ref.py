"""How a user names a product: a path, a name, an address or a record of a search."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

_ITEM = re.compile(r"(?:https?|s3|gs)://.+/collections/[^/?#]+/items/[^/?#]+")


def is_item_address(text: str) -> bool:
    """True for the address of an item of a STAC API, `https://…/collections/ID/items/ID`."""
    return _ITEM.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ProductRef:
    """One product as it was asked for; what it points at is found by `archive.find`."""

    text: str
    """A local path, a product name with or without `.SAFE`, or an `s3://`, `gs://` or `https://` address."""
    record: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """The search record that named it, empty if there was none."""


class HasRef(Protocol):
    """Something that stands for a product: a search record, an open product."""

    @property
    def ref(self) -> ProductRef:
        """How the product is named."""
        ...


OneProduct: TypeAlias = str | os.PathLike[str] | ProductRef | HasRef
Products: TypeAlias = OneProduct | Iterable[OneProduct] | None
"""One product or several; None if none was named, which is not the same as an empty list."""


def product_refs(products: Products) -> tuple[ProductRef, ...] | None:
    """Products in the order in which they were named, each once; None if none was named."""
    if products is None:
        return None
    if isinstance(products, (str, os.PathLike, ProductRef)) or hasattr(products, "ref"):
        return (_ref(products),)
    found: dict[str, ProductRef] = {}
    for one in products:
        ref = _ref(one)
        found.setdefault(ref.text, ref)
    return tuple(found.values())


def _ref(one: Any) -> ProductRef:
    if isinstance(one, ProductRef):
        return one
    ref = ProductRef(os.fspath(one)) if isinstance(one, (str, os.PathLike)) else one.ref
    assert isinstance(ref, ProductRef), "as HasRef says"
    return ref
