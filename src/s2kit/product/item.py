"""Products as GeoTIFFs beside a STAC item: what all kinds of them have in common."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from s2kit.errors import InputError
from s2kit.product.base import Product
from s2kit.product.opening import OffsetRule
from s2kit.store.location import ImageLocation

Located = Callable[[str], ImageLocation]
"""Where the bytes of an `href` of an item are."""


class ItemProduct(Product):
    """One product as GeoTIFFs."""

    @classmethod
    @abstractmethod
    def reads(cls, document: object) -> bool:
        """True for a STAC item of this kind."""

    @classmethod
    @abstractmethod
    def of(cls, document: Mapping[str, Any], address: str, location: Located, rule: OffsetRule) -> Self:
        """The product of an item.

        Args:
            document: The item, one that `reads` is True of.
            address: Where it is, for messages.
            location: Where the bytes of an `href` of the item are.
            rule: How the offset is decided if the item cannot tell it.

        Raises:
            InputError: Something in the item cannot be.
        """


def item_file(path: Path) -> Path:
    """The file in which the STAC item of a folder would be, `NAME/NAME.json`, or the file itself."""
    return path if path.suffix == ".json" else path / f"{path.name}.json"


def json_address(address: str) -> str:
    """The address of a STAC item, of which its folder may have been named."""
    base = address.rstrip("/")
    return base if base.endswith(".json") else f"{base}/{base.rpartition('/')[2]}.json"


def json_at(path: Path) -> object:
    """What a file holds as JSON; None if it is no such file."""
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        return None


def parse_item(data: bytes, label: str) -> object:
    """The bytes of a STAC item as JSON.

    Raises:
        InputError: They are something else.
    """
    try:
        return json.loads(data)
    except ValueError as error:
        raise InputError(f"{label} is not JSON") from error


def asset_href(asset: Mapping[str, Any]) -> str:
    """The address of an asset: that in a bucket if the item gives one, since it needs no login of a web page."""
    alternate = asset.get("alternate")
    s3 = alternate.get("s3") if isinstance(alternate, Mapping) else None
    return str((s3 if isinstance(s3, Mapping) else {}).get("href") or asset["href"])
