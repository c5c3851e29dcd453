"""What opening a product may need besides the place where it is; values only."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2kit.store.location import RemoteObject

if TYPE_CHECKING:
    from s2kit.product.base import Product


def _nowhere(product: str) -> "Product | None":
    del product
    return None


@dataclass(frozen=True, slots=True)
class OffsetRule:
    """How the offset of an item's reflectance is decided."""

    word: str = "auto"
    """The user's word, see `parse_boa_offset`."""
    safe: Callable[[str], "Product | None"] = _nowhere
    """Finds the SAFE that GeoTIFFs were made from, by the product's name, if it is at hand; its pixels prove the
    offset."""
    openjpeg: str = "auto"
    kept_in: bool | Path = True


BY_PIXELS = OffsetRule()
"""By the pixels, if the item cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a product is opened."""

    object_at: Callable[[str], RemoteObject] | None = None
    """The object at an address, if reading there was agreed to; None if only files on this machine can be read."""
    rule: OffsetRule = BY_PIXELS


HERE = Opening()
"""Of products whose files are all on this machine."""
