"""A product in the SAFE format, in a folder, a zip or a bucket: metadata, granules, manifest, images."""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.angles import AngleGrid, parse_angles
from s2kit.product.band_image import BandImage
from s2kit.product.bands import LAYERS
from s2kit.product.base import Product
from s2kit.product.contents import GranuleEntry, ImageEntry, find_granules, find_images
from s2kit.product.granule import (
    HEAD_BYTES,
    GranuleMetadata,
    parse_granule_head,
    parse_granule_metadata,
    parse_granule_name,
    parse_view_zenith,
)
from s2kit.product.manifest import Manifest, ManifestEntry, parse_manifest
from s2kit.product.metadata import ProductMetadata
from s2kit.product.name import Level, ProductName, Sentinel2Name, TileId
from s2kit.product.safe_tree import SafeTree
from s2kit.product.tile import Tile
from s2kit.product.xmltree import ends_whole
from s2kit.store.location import ImageLocation

MANIFEST = "manifest.safe"
_log = logging.getLogger(__name__)


class Granule:
    """One tile of a product."""

    def __init__(self, tree: SafeTree, entry: GranuleEntry) -> None:
        self._tree = tree
        self.entry = entry

    @property
    def folder(self) -> str:
        """Name of its folder below `GRANULE/`."""
        return self.entry.folder

    @property
    def images(self) -> tuple[ImageEntry, ...]:
        """Its images."""
        return self.entry.images

    @cached_property
    def metadata(self) -> GranuleMetadata | None:
        """What its metadata file says of tile and grids, None where that is missing; only its start is read.

        Raises:
            InputError: The file is damaged.
        """
        path = self.entry.metadata_path
        if path is None:
            return None
        try:
            head = parse_granule_head(self._tree.read(path, HEAD_BYTES))
            if head is not None:
                return head
            xml = self._tree.read(path)
            if not ends_whole(xml):
                _log.warning("%s/%s is empty or cut: taken as if it were not there", self._tree.address, path)
                return None
            return parse_granule_metadata(xml)
        except InputError as error:
            raise InputError(f"{self._tree.address}/{path}: {error.message}", error.hint) from error

    @cached_property
    def view_zenith_deg(self) -> float | None:
        """Mean angle in degrees from which it was seen, None if its metadata does not say; the whole file is read.

        Raises:
            InputError: The file is damaged.
        """
        path = self.entry.metadata_path
        return None if path is None else parse_view_zenith(self._tree.read(path))

    @cached_property
    def cloud_pct(self) -> float | None:
        """Cloud cover in percent, None if its metadata does not say; the whole file is read.

        Raises:
            InputError: The file is damaged.
        """
        path = self.entry.metadata_path
        xml = None if path is None else self._tree.read(path)
        return parse_granule_metadata(xml).cloud_pct if xml is not None and ends_whole(xml) else None

    @cached_property
    def angles(self) -> Mapping[str, AngleGrid]:
        """Angles of sun and view by name; the whole file is read.

        Raises:
            InputError: The file is damaged.
        """
        path = self.entry.metadata_path
        return {} if path is None else parse_angles(self._tree.read(path))

    @cached_property
    def tile(self) -> TileId | None:
        """Its tile, None where nothing tells."""
        return self.entry.tile or (self.metadata.tile if self.metadata else None)

    def grid(self, entry: ImageEntry) -> Grid:
        """The pixel grid of one of its images: from the metadata, or from the image itself where there is none."""
        grid = self.metadata.grid(entry.resolution_m) if self.metadata else None
        return grid or grid_of_file(self._tree.location(entry.path))


class SafeProduct(Product):
    """One product as SAFE files."""

    name: Sentinel2Name

    def __init__(self, tree: SafeTree, name: Sentinel2Name, metadata: ProductMetadata) -> None:
        self.tree = tree
        self.id, self.name, self.metadata, self.address = str(name), name, metadata, tree.address
        sizes = {path: tree.nbytes(path) for path in tree.paths()}
        self.granules = tuple(Granule(tree, entry) for entry in find_granules(sizes, metadata.level))

    @cached_property
    def entries(self) -> tuple[ImageEntry, ...]:
        """All images that are there, of all granules; empty files are not."""
        return tuple(entry for granule in self.granules for entry in granule.images if entry.nbytes)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Its tiles: of the granules that are there, else as the metadata or the name say."""
        here = {granule.tile for granule in self.granules if granule.tile}
        named = {name.tile for text in self.metadata.granules if (name := parse_granule_name(text))}
        own = {self.name.tile} if isinstance(self.name, ProductName) else set()
        return tuple(sorted(here or named or own))

    @cached_property
    def manifest(self) -> Manifest | None:
        """What `manifest.safe` lists, None where it is missing.

        Raises:
            InputError: It is damaged.
        """
        if MANIFEST not in self.tree.paths():
            return None
        try:
            return parse_manifest(self.tree.read(MANIFEST))
        except InputError as error:
            raise InputError(f"{self.tree.address}: {error.message}", error.hint) from error

    @property
    def cloud_pct(self) -> float | None:
        """Cloud cover in percent: of the product, else of its only tile if that lies on this machine; else None."""
        known = self.metadata.cloud_pct
        if known is not None or "://" in self.address or len(self.granules) != 1:
            return known
        return self.granules[0].cloud_pct

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all its files."""
        return sum(self.tree.nbytes(path) for path in self.tree.paths())

    def extents(self) -> tuple[Grid, ...]:
        """The finest grid of each granule whose metadata is there."""
        granules = (granule.metadata for granule in self.granules if granule.metadata)
        return tuple(granule.grids[min(granule.grids)] for granule in granules)

    @cached_property
    def tile_times(self) -> tuple[datetime, ...]:
        """When its granules were seen, as far as their metadata is there."""
        granules = (granule.metadata for granule in self.granules if granule.metadata)
        return tuple(sorted(granule.sensing_time for granule in granules if granule.sensing_time))

    def view_zenith_deg(self, tile: Tile) -> float | None:
        """As the granule's metadata has it."""
        return next((one.view_zenith_deg for one in self.granules if one.tile == tile), None)

    def angles(self, tile: Tile | None = None) -> Mapping[str, AngleGrid]:
        """As the granule's metadata has them."""
        return next((one.angles for one in self.granules if tile in {None, one.tile}), {})

    def missing(self) -> tuple[ManifestEntry, ...]:
        """Files that the manifest lists and that are not here; none where there is no manifest."""
        here = set(self.tree.paths())
        return tuple(entry for entry in self.manifest.entries if entry.path not in here) if self.manifest else ()

    def wrong_size(self) -> tuple[ManifestEntry, ...]:
        """Files that are here with another size than the manifest says: cut or changed."""
        if self.manifest is None or self.manifest.doubt:
            return ()
        here = set(self.tree.paths())
        return tuple(
            entry
            for entry in self.manifest.entries
            if entry.path in here and self.tree.nbytes(entry.path) != entry.nbytes
        )

    def location(self, entry: ImageEntry) -> ImageLocation:
        """Where the bytes of an entry's image are."""
        return self.tree.location(entry.path)

    def open_entry(self, entry: ImageEntry) -> BandImage:
        """The image of an entry; its grid is that of its granule's metadata."""
        radiometry = self.metadata.radiometry(entry.band)
        measured = entry.band not in LAYERS and radiometry is not None
        return BandImage(
            band=entry.band,
            resolution_m=entry.resolution_m,
            path=entry.path,
            location=self.tree.location(entry.path),
            grid=self._granule_of[entry.path].grid(entry),
            offset=radiometry.offset if radiometry else 0.0,
            quantification=radiometry.quantification if radiometry else 1.0,
            nodata=self.metadata.nodata,
            saturated=self.metadata.saturated if measured else None,
            tile=entry.tile,
            product=self.id,
            nbytes=entry.nbytes,
        )

    @cached_property
    def _granule_of(self) -> dict[str, Granule]:
        return {entry.path: granule for granule in self.granules for entry in granule.images}

    def _why_lacking(self, band: str, resolution_m: int | None, tile: Tile | None) -> tuple[str, str | None]:
        """What the manifest, or else the metadata, has to say."""
        lister, entries = self._listed()
        listed = [
            entry.path
            for entry in entries
            if entry.band == band and resolution_m in {None, entry.resolution_m} and tile in {None, entry.tile}
        ]
        if listed:
            state = "is empty" if listed[0] in self.tree.paths() else "is missing"
            at = f"@{resolution_m}" if resolution_m else ""
            return f"its {lister} lists {listed[0]}, which {state} here", f"s2kit download {self.id} --bands {band}{at}"
        if band == "B10" and self.metadata.level is Level.L2A:
            return "B10 is not part of L2A", "take the L1C product"
        return (f"its {lister} does not list it either" if entries else "it has no manifest to tell more"), None

    def _listed(self) -> tuple[str, tuple[ImageEntry, ...]]:
        """What lists the images that a whole product has, and those images: the manifest, else the metadata."""
        if self.manifest:
            sizes = {entry.path: entry.nbytes for entry in self.manifest.entries}
            return "manifest", find_images(sizes, self.metadata.level)
        return "metadata", find_images({f"{path}.jp2": 1 for path in self.metadata.images}, self.metadata.level)


def grid_of_file(location: ImageLocation) -> Grid:
    """The grid that an image's own georeference gives.

    Raises:
        InputError: It has none.
    """
    from s2kit.image.open import open_image

    with open_image(location) as image:
        grid = image.info.grid
    if grid is None:
        raise InputError(f"{location}: there is no metadata for its granule, and it has no georeference of its own")
    return grid
