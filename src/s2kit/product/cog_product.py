"""A product as one GeoTIFF a band beside a STAC item: Earth Search's COGs, on this machine or in a bucket."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.band_image import BandImage
from s2kit.product.bands import BANDS
from s2kit.product.baseline import UNKNOWN, Baseline
from s2kit.product.cog_item import BoaOffset, CogItem, band_scale, is_cog_item, parse_boa_offset, parse_cog_item
from s2kit.product.cog_offset import AGAINST, offset_beside, offset_in_pixels
from s2kit.product.contents import ImageEntry
from s2kit.product.footprint import Footprint
from s2kit.product.item import ItemProduct, Located
from s2kit.product.metadata import ProductMetadata
from s2kit.product.name import Level, Sentinel2Name, parse_product_name
from s2kit.product.opening import BY_PIXELS, OffsetRule
from s2kit.product.tile import Tile, TileId


class CogProduct(ItemProduct):
    """One product as GeoTIFFs."""

    def __init__(self, item: CogItem, address: str, location: Located, rule: OffsetRule = BY_PIXELS) -> None:
        """Take an item that was read.

        Args:
            item: The item.
            address: Where it is, for messages.
            location: Where the bytes of an `href` of the item are.
            rule: How the offset is decided; only when a reflectance is asked for.
        """
        super().__init__(item.product, address, location)
        self.item, self._rule = item, rule
        self.name = _name(item)
        self.metadata = _metadata(item, self.name)

    @classmethod
    def reads(cls, document: object) -> bool:
        """True for a STAC item that has a GeoTIFF of at least one band of Sentinel-2."""
        return is_cog_item(document)

    @classmethod
    def of(cls, document: Mapping[str, Any], address: str, location: Located, rule: OffsetRule) -> Self:
        """The product of an item."""
        return cls(parse_cog_item(document), address, location, rule)

    @cached_property
    def entries(self) -> tuple[ImageEntry, ...]:
        """The bands and layers of the item."""
        return self.entries_of(self.item.hrefs, self._tile)

    def href(self, band: str) -> str:
        """The address of a band or layer in the item."""
        return self.item.hrefs[band]

    def open_entry(self, entry: ImageEntry) -> BandImage:
        """The image of an entry; the grid is that of the file, or of the item if the file is remote."""
        location = self.location(entry)
        offset, quantification = band_scale(entry.band, self.offset if entry.band in BANDS else BoaOffset(0.0, ""))
        return BandImage(
            band=entry.band,
            resolution_m=entry.resolution_m,
            path=entry.path,
            location=location,
            grid=self.grid_of(location, self.item.grids.get(entry.band)),
            offset=offset,
            quantification=quantification,
            nodata=0,
            saturated=self.metadata.saturated if entry.band in BANDS else None,
            tile=entry.tile,
            product=self.id,
            nbytes=entry.nbytes,
        )

    def extents(self) -> tuple[Grid, ...]:
        """The grid of its finest image."""
        finest = min(self.entries, key=lambda entry: entry.resolution_m, default=None)
        image = None if finest is None else self._plain(finest.band)
        return () if image is None else (image.grid,)

    def offsets(self) -> Mapping[str, float]:
        """What is added to digital numbers of reflectance, by band."""
        return {band: self.offset.dn for band in self.item.hrefs if band in BANDS}

    def view_zenith_deg(self, tile: Tile) -> float | None:
        """The item's `view:off_nadir`."""
        del tile
        angle = self.item.properties.get("view:off_nadir")
        return float(angle) if isinstance(angle, int | float) else None

    @property
    def offset_source(self) -> str:
        """Who says what the offset is; decided when it is asked for. Pixels that contradict the item are named so."""
        source, said = str(self.offset.source), self.item.offset
        return f"{source}{AGAINST}{said.source}" if source == "pixels" and said.dn != self.offset.dn else source

    @cached_property
    def offset(self) -> BoaOffset:
        """What to add to digital numbers of reflectance, decided once.

        Raises:
            InputError: Neither the pixels nor anything else can tell, or the user's word is not known.
        """
        said = parse_boa_offset(self._rule.word) or self.item.offset
        if said.is_certain:
            return said
        return offset_beside(self._plain, lambda: self._rule.safe(self.id), self._reading) or offset_in_pixels(
            self.id, self._plain, said, self._reading
        )

    @property
    def _reading(self) -> tuple[str, bool | Path]:
        return self._rule.openjpeg, self._rule.kept_in

    def _plain(self, band: str) -> BandImage | None:
        """The image of a band without any offset; None if the item has none."""
        entry = next((one for one in self.entries if one.band == band), None)
        if entry is None:
            return None
        location = self.location(entry)
        grid = self.grid_of(location, self.item.grids.get(band))
        return BandImage(
            band, entry.resolution_m, entry.path, location, grid, 0.0, 1.0, 0, None, entry.tile, product=self.id
        )

    @cached_property
    def _tile(self) -> TileId:
        return TileId.parse(self.item.tile)


def _name(item: CogItem) -> Sentinel2Name | None:
    try:
        name = parse_product_name(item.product)
    except InputError:
        return None
    return name if isinstance(name, Sentinel2Name) else None


def _metadata(item: CogItem, name: Sentinel2Name | None) -> ProductMetadata:
    """What the item says, as a metadata file would."""
    try:
        baseline = Baseline.parse(item.baseline)
    except InputError:
        baseline = getattr(name, "baseline", None) or UNKNOWN
    platform = str(item.properties.get("platform") or "").lower()
    satellite = f"S2{platform[-1].upper()}" if platform.startswith("sentinel-2") and platform[-1] in "abcd" else None
    return ProductMetadata(
        name=name,
        level=Level.L2A,
        baseline=baseline,
        satellite=satellite or (name.satellite if name else None),
        sensing_start=item.sensing,
        orbit=name.orbit if name else None,
        cloud_pct=item.cloud_pct,
        footprint=item.footprint if isinstance(item.footprint, Footprint) else None,
    )
