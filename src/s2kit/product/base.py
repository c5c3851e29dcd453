"""What every product is, whatever lies behind it: its metadata and its images.

A kind of product (a SAFE, a COG item, a Zarr group) is one class that says which images it has (`entries`) and
opens one of them (`open_entry`); everything else is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid
from s2kit.product.angles import AngleGrid
from s2kit.product.band_image import BandImage
from s2kit.product.bands import normal_band
from s2kit.product.contents import ImageEntry, summary
from s2kit.product.manifest import Manifest, ManifestEntry
from s2kit.product.metadata import ProductMetadata
from s2kit.product.mission import SENTINEL2, Mission
from s2kit.product.name import Level, Sentinel2Name
from s2kit.product.tile import Tile
from s2kit.store.location import ImageLocation

if TYPE_CHECKING:
    from s2kit.product.flags import ClassFlags


class Product(ABC):
    """One product, wherever it is."""

    mission: Mission = SENTINEL2
    id: str
    """The product's name without `.SAFE`; an id of the archive's own if that does not tell the name."""
    name: Sentinel2Name | None
    """Its name taken apart; None if only an id is known."""
    metadata: ProductMetadata
    address: str
    """Where it is, for messages: a path or an address."""

    def __repr__(self) -> str:
        return f"<Product {self.id} at {self.address}>"

    @property
    @abstractmethod
    def entries(self) -> tuple[ImageEntry, ...]:
        """All images that are there; nothing is read for it."""

    @abstractmethod
    def location(self, entry: ImageEntry) -> ImageLocation:
        """Where the bytes of an entry's image are."""

    @abstractmethod
    def open_entry(self, entry: ImageEntry) -> BandImage:
        """The image of an entry, with its grid and the meaning of its numbers."""

    def own_band(self, band: str) -> str:
        """What the product calls the band that is meant by a name of `normal_band`; the same if it has none like it."""
        return band

    @property
    def lattice(self) -> tuple[float, float]:
        """A corner of its pixels in their CRS, as near to its origin as can be; ESA's pixels are counted from there."""
        return 0.0, 0.0

    @property
    def sensing(self) -> datetime:
        """Start of sensing, UTC, to the second: the time in its name, as search records have it too."""
        return self.name.sensing if self.name is not None else self.metadata.sensing_start.replace(microsecond=0)

    @property
    def offset_source(self) -> str:
        """Who says what the offset of reflectance is: a value of `OffsetSource`."""
        return str(self.metadata.offset_source)

    def offsets(self) -> Mapping[str, float]:
        """What is added to digital numbers of reflectance, by band; a band that is not named has none.

        Raises:
            InputError: Nothing can tell, see `CogProduct.offset`.
        """
        return self.metadata.offsets

    def class_flags(self, tile: Tile | None = None) -> "ClassFlags | None":
        """An image whose bits say what the SCL says; None if it has none (or an SCL instead)."""
        del tile
        return None

    def view_zenith_deg(self, tile: Tile) -> float | None:
        """Mean angle in degrees from which a tile was seen; None if the metadata does not give it."""
        del tile
        return None

    def angles(self, tile: Tile | None = None) -> Mapping[str, AngleGrid]:
        """Angles of sun and view by name, see `product.angles`; empty if the metadata does not give them."""
        del tile
        return {}

    @property
    def manifest(self) -> Manifest | None:
        """What lists all files of the whole product; None if nothing does."""
        return None

    def missing(self) -> tuple[ManifestEntry, ...]:
        """Files that the manifest lists and that are not here."""
        return ()

    def wrong_size(self) -> tuple[ManifestEntry, ...]:
        """Files that are here with another size than the manifest says: cut or changed."""
        return ()

    @property
    def nbytes(self) -> int:
        """Bytes of all its files, as far as they are known."""
        return sum(entry.nbytes for entry in self.entries)

    @property
    def cloud_pct(self) -> float | None:
        """Cloud cover in percent, None if nothing tells."""
        return self.metadata.cloud_pct

    @property
    def tile_times(self) -> tuple[datetime, ...]:
        """When its tiles were seen, UTC, ascending; empty if that is not known."""
        return ()

    def extents(self) -> tuple[Grid, ...]:
        """The finest grid of each of its tiles, as far as they are known."""
        finest = {entry.tile: entry for entry in sorted(self.entries, key=lambda entry: -entry.resolution_m)}
        return tuple(self.open_entry(entry).grid for entry in finest.values())

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Its tiles, sorted."""
        return tuple(sorted({entry.tile for entry in self.entries}))

    def resolutions(self, band: str, tile: Tile | None = None) -> tuple[int, ...]:
        """Resolutions in metres at which a band or layer is there, finest first.

        Args:
            band: Band or layer in any spelling.
            tile: Only those of this tile; None for all.

        Raises:
            InputError: There is no such band or layer at all.
        """
        wanted = self.own_band(normal_band(band))
        fitting = (one for one in self.entries if one.band == wanted and tile in {None, one.tile})
        return tuple(sorted({entry.resolution_m for entry in fitting}))

    def image(self, band: str, resolution_m: int | None = None, tile: Tile | None = None) -> BandImage:
        """One image; see `entry`."""
        return self.open_entry(self.entry(band, resolution_m, tile))

    def entry(self, band: str, resolution_m: int | None = None, tile: Tile | None = None) -> ImageEntry:
        """One image among those that are there; nothing is read for it.

        Args:
            band: Band or layer in any spelling.
            resolution_m: Resolution in metres; None for the finest that is there.
            tile: Which tile, for products of the old format, which may hold many.

        Raises:
            NotFoundError: It is not there; the message says what is.
            InputError: No such band, or several tiles to choose from.
        """
        wanted = self.own_band(normal_band(band))
        fitting = [
            entry
            for entry in self.entries
            if entry.band == wanted and resolution_m in {None, entry.resolution_m} and tile in {None, entry.tile}
        ]
        if not fitting:
            raise self._lacking(wanted, resolution_m, tile)
        tiles = sorted({str(entry.tile) for entry in fitting})
        if len(tiles) > 1:
            raise InputError(f"{self.id} has {wanted} of {len(tiles)} tiles: {', '.join(tiles)}", "say which tile")
        return min(fitting, key=lambda entry: entry.resolution_m)

    def image_near(self, band: str, resolution_m: int | None = None, tile: Tile | None = None) -> BandImage:
        """The image of a band that serves a resolution best: that very one, else the next finer, else the next coarser.

        Args:
            band: Band or layer in any spelling.
            resolution_m: Resolution in metres; None for the finest that is there.
            tile: Which tile, for products of the old format.

        Raises:
            NotFoundError: The band is not there at all.
        """
        there = self.resolutions(band, tile)
        if resolution_m is None or not there:
            return self.image(band, None, tile)
        return self.image(band, max((one for one in there if one <= resolution_m), default=there[0]), tile)

    def images(self) -> Iterator[BandImage]:
        """Every image that is there, by tile, band and resolution."""
        for entry in self.entries:
            yield self.open_entry(entry)

    def _lacking(self, band: str, resolution_m: int | None, tile: Tile | None) -> NotFoundError:
        """The error that says what is lacking and what is there."""
        if band == "SCL" and self.metadata.level is Level.L1C:
            return NotFoundError(f"{self.id} is L1C and has no SCL", "scene classification comes with L2A: --level l2a")
        at = f"{band} at {resolution_m} m" if resolution_m else band
        of = f" of tile {tile}" if tile else ""
        here = [entry for entry in self.entries if tile in {None, entry.tile}]
        there = sorted({entry.resolution_m for entry in here if entry.band == band})
        if there:
            has = f"it has {band} at {joined(there)} m"
        elif here:
            groups = (f"{', '.join(bands)} at {res} m" for res, bands in summary(here))
            has = f"it has {'; '.join(groups)}"
        else:
            has = "it has no images"
        what, hint = self._why_lacking(band, resolution_m, tile)
        if there and hint is None:
            hint = f"choose {joined(there)} m"
        return NotFoundError(f"{self.id} lacks {at}{of}: {has}{f'; {what}' if what else ''}", hint)

    def _why_lacking(self, band: str, resolution_m: int | None, tile: Tile | None) -> tuple[str, str | None]:
        """What else there is to say of an image that is not there, and a hint."""
        del band, resolution_m, tile
        return "", None


def joined(numbers: list[int]) -> str:
    """Numbers as `10, 20 and 60`."""
    return " and ".join(filter(None, (", ".join(str(n) for n in numbers[:-1]), str(numbers[-1]))))
