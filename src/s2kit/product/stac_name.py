"""Where STAC items write the name of ESA's product. Computes only."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from s2kit.errors import InputError
from s2kit.product.name import parse_product_name

_KEYS = ("s2:product_uri", "s2:product_title", "sentinel2:product_title", "sentinel:product_id")
"""Earth Search v1 and CDSE, later items of Earth Search and of AWS, and Earth Search v0."""

_TITLES = ("title", "identifier", "productIdentifier")
"""What may be a name, or words for people: it counts if it is one of a product."""


def product_name_in(properties: Mapping[str, Any]) -> str | None:
    """The product's name without `.SAFE`, as the properties of a STAC item give it; None if none of them does."""
    for key in _KEYS:
        text = properties.get(key)
        if isinstance(text, str) and text.strip():
            return text.strip().removesuffix(".SAFE")
    for key in _TITLES:
        text = properties.get(key)
        if isinstance(text, str):
            with suppress(InputError):
                return str(parse_product_name(text.strip()))
    return None
