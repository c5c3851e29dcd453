"""What is this product: everything that `s2kit info` prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shapely.geometry import mapping

from s2kit.archive.find import locate
from s2kit.errors import InputError
from s2kit.grid import Bounds
from s2kit.product.bands import BANDS, KELVIN_BANDS
from s2kit.product.contents import ImageEntry, find_images, summary
from s2kit.product.footprint import Footprint
from s2kit.product.manifest import ManifestEntry
from s2kit.product.metadata import ProductMetadata
from s2kit.product.mission import SENTINEL2, Mission, satellite_name
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductInfo:
    """One product, described."""

    id: str
    """Name without `.SAFE`."""
    address: str
    """Where it is."""
    mission: Mission
    metadata: ProductMetadata
    sensing: datetime
    """Start of sensing, UTC."""
    tiles: tuple[str, ...]
    tile_times: tuple[datetime, ...]
    """When the granules were seen, UTC, as far as their metadata is there."""
    epsg: int | None
    """CRS of its grids; None if no granule's metadata is there, or granules differ."""
    bounds: Bounds | None
    """Outer edges of its one granule in that CRS."""
    images: Mapping[int, tuple[str, ...]] = field(hash=False)
    """Bands and layers that are there, by resolution in metres."""
    offsets: Mapping[str, float] = field(hash=False)
    """What is added to digital numbers of reflectance, by band."""
    offset_source: str
    """The source of the offset; `unknown` of some COGs."""
    temperatures: Mapping[str, tuple[float, float]] = field(hash=False)
    """Offset and divisor of digital numbers of bands that give kelvin, by band."""
    nbytes: int
    """Bytes of all its files."""
    listed: int | None
    """Files that the manifest lists; None if there is no manifest."""
    missing: tuple[ManifestEntry, ...]
    missing_images: Mapping[int, tuple[str, ...]] = field(hash=False)
    """Bands and layers among the missing files, by resolution in metres."""
    missing_others: tuple[str, ...]
    """Missing files that are no images of bands or layers."""
    wrong_size: tuple[ManifestEntry, ...]
    doubt: str | None
    """Why the manifest proves nothing, None if it does."""

    @property
    def footprint(self) -> Footprint | None:
        """Longitude/latitude of WGS 84."""
        return self.metadata.footprint

    def record(self) -> dict[str, Any]:
        """A flat record with the names of STAC where it has some; keys are added, never renamed."""
        about = self.metadata
        reflecting = BANDS if self.mission is SENTINEL2 else self.offsets
        return {
            "id": self.id,
            "address": self.address,
            "processing:level": about.level.value,
            "processing:version": str(about.baseline),
            "platform": satellite_name(about.satellite).lower() if about.satellite else None,
            "datetime": _iso(self.sensing),
            "tile": self.tiles[0] if len(self.tiles) == 1 else None,
            "level": about.level.value,
            "s2:tile_times": [_iso(time) for time in self.tile_times],
            "s2:generation_time": _iso(about.generated),
            "s2:datatake_id": about.datatake,
            "sat:relative_orbit": int(about.orbit) if about.orbit else None,
            "sat:orbit_state": about.orbit_direction.lower() if about.orbit_direction else None,
            "s2:mgrs_tile": self.tiles[0] if len(self.tiles) == 1 and self.mission is SENTINEL2 else None,
            "s2kit:tiles": list(self.tiles),
            "proj:epsg": self.epsg,
            "proj:bbox": list(self.bounds) if self.bounds else None,
            "eo:cloud_cover": about.cloud_pct,
            "s2kit:images": {str(res): list(bands) for res, bands in self.images.items()},
            "s2kit:quantification": self.quantification(),
            "s2kit:offsets": {band: self.offsets.get(band, 0.0) for band in reflecting},
            "s2kit:offset_source": self.offset_source,
            "s2kit:nodata": about.nodata,
            "s2kit:saturated": about.saturated,
            "file:size": self.nbytes,
            "s2kit:manifest": "absent" if self.listed is None else "doubtful" if self.doubt else "present",
            "s2kit:listed_files": self.listed,
            "s2kit:missing": [entry.path for entry in self.missing],
            "s2kit:missing_size": sum(entry.nbytes for entry in self.missing),
            "s2kit:wrong_size": [entry.path for entry in self.wrong_size],
            "geometry": mapping(self.footprint) if self.footprint else None,
        }

    def quantification(self) -> dict[str, float]:
        """What digital numbers are divided by, for what the level has."""
        about = self.metadata
        values = {"reflectance": about.quantification}
        if about.level == "L2A":
            values |= {"AOT": about.aot_quantification, "WVP": about.wvp_quantification}
        return values


def inspect(ref: ProductRef, settings: Settings) -> ProductInfo:
    """Find a product and describe it.

    Raises:
        S2KitError: It cannot be found or read, as `locate` says.
    """
    return describe(locate(ref, settings))


def describe(product: Product) -> ProductInfo:
    """Describe an open product.

    Raises:
        InputError: A granule's metadata or the manifest is damaged.
    """
    grids = product.extents()
    codes = {grid.epsg for grid in grids}
    missing = product.missing()
    lacking: tuple[ImageEntry, ...] = find_images(
        {entry.path: entry.nbytes for entry in missing}, product.metadata.level
    )
    manifest = product.manifest
    try:
        offsets, source = product.offsets(), product.offset_source
    except InputError:
        offsets, source = {}, "unknown"
    return ProductInfo(
        id=product.id,
        address=product.address,
        mission=product.mission,
        metadata=replace(product.metadata, cloud_pct=product.cloud_pct),
        sensing=product.sensing,
        tiles=tuple(str(tile) for tile in product.tiles),
        tile_times=product.tile_times,
        epsg=codes.pop() if len(codes) == 1 else None,
        bounds=grids[0].bounds if len(grids) == 1 else None,
        images=dict(summary(product.entries)),
        offsets=offsets,
        offset_source=source,
        temperatures={
            image.band: (image.offset, image.quantification)
            for image in (product.open_entry(entry) for entry in product.entries if entry.band in KELVIN_BANDS)
        },
        nbytes=product.nbytes,
        listed=len(manifest.entries) if manifest else None,
        missing=missing,
        missing_images=dict(summary(lacking)),
        missing_others=tuple(entry.path for entry in missing if entry.path not in {image.path for image in lacking}),
        wrong_size=product.wrong_size(),
        doubt=manifest.doubt if manifest else None,
    )


def _iso(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
