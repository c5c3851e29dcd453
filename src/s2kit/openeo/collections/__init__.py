"""Collections: what graphs may load, from products, files in folders, and STAC descriptions."""

from s2kit.openeo.collections.base import Collection, LoadedCube, LoadWanted
from s2kit.openeo.collections.find import Collections, open_catalogue

__all__ = ["Collection", "Collections", "LoadWanted", "LoadedCube", "open_catalogue"]
