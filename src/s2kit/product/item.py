"""Products as GeoTIFFs beside a STAC item: what all kinds of them have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from s2kit.grid import Grid
from s2kit.product.bands import native_resolution
from s2kit.product.base import Product
from s2kit.product.contents import ImageEntry
from s2kit.product.opening import OffsetRule
from s2kit.product.safe_product import grid_of_file
from s2kit.product.tile import Tile
from s2kit.store.location import ImageLocation, LocalFile

Located = Callable[[str], ImageLocation]
"""Where the bytes of an `href` of an item are."""


class ItemProduct(Product):
    """One product as GeoTIFFs."""

    def __init__(self, identity: str, address: str, location: Located) -> None:
        """Take what is known of any item; see `of`."""
        self.id, self.address = identity, address
        self._located = location
        self._grids: dict[ImageLocation, Grid] = {}

    @abstractmethod
    def href(self, band: str) -> str:
        """The address of a band or layer in the item."""

    def location(self, entry: ImageEntry) -> ImageLocation:
        """Where the bytes of an entry's image are."""
        return self._located(self.href(entry.band))

    def entries_of(self, bands: Iterable[str], tile: Tile) -> tuple[ImageEntry, ...]:
        """Entries of the bands whose files are there; sizes of remote files are not known (0)."""
        found = []
        for band in bands:
            href = self.href(band)
            location = self._located(href)
            nbytes = location.path.stat().st_size if isinstance(location, LocalFile) and location.path.exists() else 0
            if nbytes or not isinstance(location, LocalFile):
                path = href.partition("?")[0].rpartition("/")[2]
                found.append(ImageEntry(tile, band, native_resolution(band), path, nbytes))
        return tuple(sorted(found))

    def grid_of(self, location: ImageLocation, said: Grid | None) -> Grid:
        """The grid of a file: its own if it is on this machine, else what the item says, if it does."""
        if said is not None and not isinstance(location, LocalFile):
            return said
        if location not in self._grids:
            self._grids[location] = _grid_in_file(location, said)
        return self._grids[location]

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


def asset_grid(properties: Mapping[str, Any], asset: Mapping[str, Any]) -> Grid | None:
    """The grid that the projection extension gives of an asset, if it is a north-up image with square pixels."""
    said = {**properties, **asset}
    epsg = said.get("proj:epsg") or str(said.get("proj:code", "")).removeprefix("EPSG:")
    try:
        (a, b, west, d, e, north), (height, width) = said["proj:transform"][:6], said["proj:shape"]
        if b == 0 and d == 0 and a == -e and a > 0:
            return Grid(int(epsg), float(west), float(north), float(a), int(width), int(height))
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _grid_in_file(location: ImageLocation, said: Grid | None) -> Grid:
    """The grid of a file: its own, else the item's, whose outline is divided into the pixels that the file has."""
    from s2kit.image.open import open_image

    with open_image(location) as image:
        size, own = image.size, image.info.grid
    if own is not None or said is None:
        return own or grid_of_file(location)
    return said.with_resolution(said.width * said.resolution_m / size.width)
