"""Collections: what graphs may load, from products, files in folders, and STAC descriptions."""

from s2kit.openeo.collections.base import Collection, Loaded, Wanted
from s2kit.openeo.collections.find import Catalogue, open_catalogue

__all__ = ["Catalogue", "Collection", "Loaded", "Wanted", "open_catalogue"]
