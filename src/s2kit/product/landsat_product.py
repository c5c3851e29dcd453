"""A product of Landsat Collection 2, Level-2: GeoTIFFs beside a STAC item, on this machine or in a bucket."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from s2kit.errors import NotFoundError
from s2kit.grid import Grid
from s2kit.product.band_image import BandImage
from s2kit.product.bands import SHARED_BANDS, Quantity
from s2kit.product.baseline import Baseline
from s2kit.product.contents import ImageEntry
from s2kit.product.flags import ClassFlags
from s2kit.product.item import ItemProduct, Located
from s2kit.product.landsat_item import QA_FLAGS, QA_PIXEL, RADIOMETRY, LandsatItem, is_landsat_item, parse_landsat_item
from s2kit.product.metadata import OffsetSource, ProductMetadata
from s2kit.product.mission import LANDSAT
from s2kit.product.opening import OffsetRule
from s2kit.product.tile import Tile


class LandsatProduct(ItemProduct):
    """One scene of Landsat; its bands go by the names that missions share: `red`, `nir08`, `lwir11`."""

    mission = LANDSAT

    def __init__(self, item: LandsatItem, address: str, location: Located) -> None:
        """Take an item that was read; see `ItemProduct.of`."""
        super().__init__(item.id, address, location)
        self.item, self.name = item, None
        reflectance = RADIOMETRY[Quantity.REFLECTANCE]
        self.metadata = ProductMetadata(
            name=None,
            level=item.level,
            baseline=Baseline(item.collection, 0),
            satellite=item.satellite,
            sensing_start=item.sensing,
            cloud_pct=item.cloud_pct,
            quantification=reflectance.quantification,
            offsets={
                band: reflectance.offset for band in item.hrefs if SHARED_BANDS[band].quantity is Quantity.REFLECTANCE
            },
            offset_source=OffsetSource.COLLECTION,
            saturated=None,
            footprint=item.footprint,
        )

    @classmethod
    def reads(cls, document: object) -> bool:
        """True for an item of Landsat Collection 2, Level-2."""
        return is_landsat_item(document)

    @classmethod
    def of(cls, document: Mapping[str, Any], address: str, location: Located, rule: OffsetRule) -> Self:
        """The product of an item; offsets are the collection's, whatever the rule."""
        del rule
        return cls(parse_landsat_item(document), address, location)

    @cached_property
    def entries(self) -> tuple[ImageEntry, ...]:
        """The bands of the item."""
        return self.entries_of(self.item.hrefs, self.item.scene)

    def open_entry(self, entry: ImageEntry) -> BandImage:
        """The image of an entry."""
        radiometry = RADIOMETRY[SHARED_BANDS[entry.band].quantity]
        return BandImage(
            band=entry.band,
            resolution_m=entry.resolution_m,
            path=entry.path,
            location=self.location(entry),
            grid=self.grid_of(self.location(entry), self.item.grids.get(entry.band)),
            offset=radiometry.offset,
            quantification=radiometry.quantification,
            nodata=0,
            saturated=None,
            tile=entry.tile,
            product=self.id,
            nbytes=entry.nbytes,
        )

    def href(self, band: str) -> str:
        """The address of a band in the item."""
        return self.item.hrefs[band]

    def own_band(self, band: str) -> str:
        """The shared name of a band: `nir08` of `B8A`, and of `B08`, which is the same part of the spectrum."""
        return next((own for own, shared in SHARED_BANDS.items() if own in self._there and band in shared.serves), band)

    def class_flags(self, tile: Tile | None = None) -> ClassFlags | None:
        """`qa_pixel` as flags."""
        if QA_PIXEL not in self._there:
            return None
        return ClassFlags(self.open_entry(self.entry(QA_PIXEL, tile=tile)), QA_FLAGS)

    def view_zenith_deg(self, tile: Tile) -> float | None:
        """The item's `view:off_nadir`."""
        del tile
        return self.item.off_nadir_deg

    @property
    def lattice(self) -> tuple[float, float]:
        """A corner of its pixels; Landsat's pixels have their middles on multiples of 30 m, not their corners."""
        grid = next(iter(self.extents()), None)
        return (0.0, 0.0) if grid is None else (grid.west % grid.resolution_m, grid.north % grid.resolution_m)

    @cached_property
    def _there(self) -> frozenset[str]:
        return frozenset(entry.band for entry in self.entries)

    def _lacking(self, band: str, resolution_m: int | None, tile: Tile | None) -> NotFoundError:
        if band == "SCL":
            return NotFoundError(
                f"{self.id} is Landsat and has no SCL",
                "its cloud mask is qa_pixel, which --mask-clouds and --mask take; name bands such as red",
            )
        return super()._lacking(band, resolution_m, tile)

    def _why_lacking(self, band: str, resolution_m: int | None, tile: Tile | None) -> tuple[str, str | None]:
        del resolution_m, tile
        return "", None if band in SHARED_BANDS else f"{band} is a name of Sentinel-2's; take one of those that it has"

    def extents(self) -> tuple[Grid, ...]:
        """The grid that all its bands share."""
        first = next(iter(self.entries), None)
        return () if first is None else (self.open_entry(first).grid,)
