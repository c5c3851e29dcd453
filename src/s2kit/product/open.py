"""A product opened: its metadata, its granules, and each of its images with all that turns its pixels into values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid
from s2kit.product.bands import LAYERS, normal_band
from s2kit.product.contents import GranuleEntry, ImageEntry, find_granules, find_images, summary
from s2kit.product.granule import (
    HEAD_BYTES,
    GranuleMetadata,
    parse_granule_head,
    parse_granule_metadata,
    parse_granule_name,
)
from s2kit.product.manifest import Manifest, ManifestEntry, parse_manifest
from s2kit.product.metadata import ProductMetadata, metadata_of_name, parse_product_metadata
from s2kit.product.name import Baseline, Level, OldFormatName, ProductName, Sentinel1Name, Sentinel2Name, TileId
from s2kit.product.name import parse_product_name as parse_name
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_tree import PRODUCT_METADATA, SafeTree, name_of
from s2kit.store.location import ImageLocation

MANIFEST = "manifest.safe"


@dataclass(frozen=True, slots=True)
class BandImage:
    """One image of a product, ready to be read in any process: `rho = (DN + offset) / quantification`."""

    band: str
    """Band or layer: `B04`, `SCL` …"""
    resolution_m: int
    path: str
    """Below the SAFE folder."""
    location: ImageLocation
    """Where its bytes are."""
    grid: Grid
    """Its pixel grid: size, corner, CRS."""
    offset: float
    """What to add to a digital number; 0 for layers."""
    quantification: float
    """What to divide by then; 1 for SCL, TCI and PVI, which are no measurements."""
    nodata: int
    """The digital number that means no data; in TCI and PVI all three components have it."""
    saturated: int | None
    """The digital number that means saturated, None for layers; in practice saturation is in the masks."""
    tile: TileId

    @property
    def is_reflectance(self) -> bool:
        """True for spectral bands, False for layers."""
        return self.band.startswith("B")

    @property
    def is_picture(self) -> bool:
        """True for ready three-component pictures (TCI, PVI)."""
        return self.band in {"TCI", "PVI"}


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
            return head or parse_granule_metadata(self._tree.read(path))
        except InputError as error:
            raise InputError(f"{self._tree.address}/{path}: {error.message}", error.hint) from error

    @cached_property
    def tile(self) -> TileId | None:
        """Its tile, None where nothing tells."""
        return self.entry.tile or (self.metadata.tile if self.metadata else None)

    def grid(self, entry: ImageEntry) -> Grid:
        """The pixel grid of one of its images: from the metadata, or from the image itself where there is none."""
        grid = self.metadata.grid(entry.resolution_m) if self.metadata else None
        return grid or _grid_of_file(self._tree.location(entry.path))


class Product:
    """One Sentinel-2 product, wherever it is."""

    def __init__(self, tree: SafeTree, name: Sentinel2Name, metadata: ProductMetadata) -> None:
        self.tree = tree
        self.name = name
        self.metadata = metadata
        sizes = {path: tree.nbytes(path) for path in tree.paths()}
        self.granules = tuple(Granule(tree, entry) for entry in find_granules(sizes, metadata.level))

    def __repr__(self) -> str:
        return f"<Product {self.name} at {self.tree.address}>"

    @cached_property
    def images(self) -> tuple[ImageEntry, ...]:
        """All images that are there, of all granules; empty files are not."""
        return tuple(entry for granule in self.granules for entry in granule.images if entry.nbytes)

    @cached_property
    def tiles(self) -> tuple[TileId, ...]:
        """Its tiles: of the granules that are there, else as the metadata or the name say."""
        here = {granule.tile for granule in self.granules if granule.tile}
        named = {name.tile for text in self.metadata.granules if (name := parse_granule_name(text))}
        own = {self.name.tile} if isinstance(self.name, ProductName) else set()
        return tuple(sorted(here or named or own))

    def resolutions(self, band: str) -> tuple[int, ...]:
        """Resolutions in metres at which a band or layer is there, finest first.

        Raises:
            InputError: There is no such band or layer at all.
        """
        wanted = normal_band(band)
        return tuple(sorted({entry.resolution_m for entry in self.images if entry.band == wanted}))

    def image(self, band: str, resolution_m: int | None = None, tile: TileId | None = None) -> BandImage:
        """One image.

        Args:
            band: Band or layer in any spelling.
            resolution_m: Resolution in metres; None for the finest that is there.
            tile: Which tile, for products of the old format, which may hold many.

        Raises:
            NotFoundError: It is not there; the message says what is, and whether the manifest lists it.
            InputError: No such band, or several tiles to choose from.
        """
        wanted = normal_band(band)
        fitting = [
            (granule, entry)
            for granule in self.granules
            for entry in granule.images
            if entry.band == wanted
            and entry.nbytes
            and resolution_m in {None, entry.resolution_m}
            and tile in {None, entry.tile}
        ]
        if not fitting:
            raise self._lacking(wanted, resolution_m, tile)
        tiles = sorted({str(entry.tile) for _, entry in fitting})
        if len(tiles) > 1:
            raise InputError(f"{self.name} has {wanted} of {len(tiles)} tiles: {', '.join(tiles)}", "say which tile")
        granule, entry = min(fitting, key=lambda pair: pair[1].resolution_m)
        return self._band_image(granule, entry)

    def all_images(self) -> Iterator[BandImage]:
        """Every image that is there, by granule, band and resolution."""
        for granule in self.granules:
            for entry in granule.images:
                if entry.nbytes:
                    yield self._band_image(granule, entry)

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

    def _band_image(self, granule: Granule, entry: ImageEntry) -> BandImage:
        radiometry = self.metadata.radiometry(entry.band)
        measured = entry.band not in LAYERS and radiometry is not None
        return BandImage(
            band=entry.band,
            resolution_m=entry.resolution_m,
            path=entry.path,
            location=self.tree.location(entry.path),
            grid=granule.grid(entry),
            offset=radiometry.offset if radiometry else 0.0,
            quantification=radiometry.quantification if radiometry else 1.0,
            nodata=self.metadata.nodata,
            saturated=self.metadata.saturated if measured else None,
            tile=entry.tile,
        )

    def _lacking(self, band: str, resolution_m: int | None, tile: TileId | None) -> NotFoundError:
        """The error that says what is lacking, what is there, and what the manifest has to say."""
        at = f"{band} at {resolution_m} m" if resolution_m else band
        of = f" of tile {tile}" if tile else ""
        here = [entry for entry in self.images if tile in {None, entry.tile}]
        there = sorted({entry.resolution_m for entry in here if entry.band == band})
        if there:
            has = f"it has {band} at {_and(there)} m"
        elif here:
            groups = (f"{', '.join(bands)} at {res} m" for res, bands in summary(here))
            has = f"it has {'; '.join(groups)}"
        else:
            has = "it has no images"
        lister, entries = self._listed()
        listed = [
            entry.path
            for entry in entries
            if entry.band == band and resolution_m in {None, entry.resolution_m} and tile in {None, entry.tile}
        ]
        hint = f"choose {_and(there)} m" if there else None
        if listed:
            state = "is empty" if listed[0] in self.tree.paths() else "is missing"
            what = f"its {lister} lists {listed[0]}, which {state} here"
            hint = f"s2kit download {self.name} --bands {band}{f'@{resolution_m}' if resolution_m else ''}"
        elif band == "B10" and self.metadata.level is Level.L2A:
            what, hint = "B10 is not part of L2A", "take the L1C product"
        else:
            what = f"its {lister} does not list it either" if entries else "it has no manifest to tell more"
        return NotFoundError(f"{self.name} lacks {at}{of}: {has}; {what}", hint)

    def _listed(self) -> tuple[str, tuple[ImageEntry, ...]]:
        """What lists the images that a whole product has, and those images: the manifest, else the metadata."""
        if self.manifest:
            sizes = {entry.path: entry.nbytes for entry in self.manifest.entries}
            return "manifest", find_images(sizes, self.metadata.level)
        return "metadata", find_images({f"{path}.jp2": 1 for path in self.metadata.images}, self.metadata.level)


def open_product(source: str | Path | SafeTree) -> Product:
    """Open a product for reading.

    Args:
        source: A path (SAFE folder, zip, a file at the top of the folder) or a tree that is open already.

    Raises:
        NotFoundError: There is nothing at that path.
        InputError: It is no Sentinel-2 product, or its metadata is damaged.
        DiskError: It cannot be read.
    """
    tree = open_tree(Path(source)) if isinstance(source, (str, Path)) else source
    folder_name = name_of(tree)
    if isinstance(folder_name, Sentinel1Name):
        raise InputError(f"{tree.address}: a Sentinel-1 product; s2kit reads the pixels of Sentinel-2 only")
    found = [path for path in tree.paths() if PRODUCT_METADATA.fullmatch(path)]
    if found:
        return _with_metadata(tree, _best_metadata(found, folder_name), folder_name)
    if folder_name is None:
        raise InputError(
            f"{tree.address}: neither a metadata file nor its name says which product this is",
            "keep the name that ESA gave the folder",
        )
    return Product(tree, folder_name, metadata_of_name(folder_name, _granule_baseline(tree)))


def _with_metadata(tree: SafeTree, path: str, folder_name: Sentinel2Name | None) -> Product:
    try:
        metadata = parse_product_metadata(tree.read(path))
    except InputError as error:
        raise InputError(f"{tree.address}/{path}: {error.message}", error.hint) from error
    name = metadata.name or folder_name or _name_of_metadata_file(path)
    if name is None:
        raise InputError(f"{tree.address}: neither its metadata nor its name says which product this is")
    return Product(tree, name, metadata)


def _best_metadata(paths: list[str], name: Sentinel2Name | None) -> str:
    """The metadata of the product's own level: a user's L2A of the old format may keep that of its L1C."""
    level = name.level.value if name else Level.L2A.value
    return min(paths, key=lambda path: (level not in path.upper(), path))


def _name_of_metadata_file(path: str) -> OldFormatName | None:
    """The name that the old format hides in its metadata file's: `MTD_SAFL1C` stands for `PRD_MSIL1C`."""
    try:
        name = parse_name(re.sub(r"_MTD_SAF(L1C|L2A)_(.*)\.xml", r"_PRD_MSI\1_\2", path))
    except InputError:
        return None
    return name if isinstance(name, OldFormatName) else None


def _granule_baseline(tree: SafeTree) -> Baseline | None:
    names = (parse_granule_name(path.split("/")[1]) for path in tree.paths() if path.startswith("GRANULE/"))
    return next((name.baseline for name in names if name and name.baseline), None)


def _grid_of_file(location: ImageLocation) -> Grid:
    from s2kit.image.open import open_image

    with open_image(location) as image:
        grid = image.info.grid
    if grid is None:
        raise InputError(f"{location}: there is no metadata for its granule, and it has no georeference of its own")
    return grid


def _and(numbers: list[int]) -> str:
    return " and ".join(filter(None, (", ".join(str(n) for n in numbers[:-1]), str(numbers[-1]))))
