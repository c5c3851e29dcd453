"""Open a product: metadata first, no pixel yet."""

import logging
import re
from pathlib import Path

from s2kit.errors import InputError
from s2kit.product.band_image import BandImage
from s2kit.product.base import Product
from s2kit.product.granule import parse_granule_name
from s2kit.product.kinds import kind_at, kind_named
from s2kit.product.metadata import metadata_of_name, parse_product_metadata
from s2kit.product.name import Baseline, Level, OldFormatName, Sentinel1Name, Sentinel2Name
from s2kit.product.name import parse_product_name as parse_name
from s2kit.product.open_tree import open_tree
from s2kit.product.opening import HERE, Opening
from s2kit.product.safe_product import MANIFEST, SafeProduct
from s2kit.product.safe_tree import PRODUCT_METADATA, SafeTree, name_of
from s2kit.product.xmltree import ends_whole

_log = logging.getLogger(__name__)

__all__ = ["MANIFEST", "BandImage", "Product", "SafeProduct", "open_product", "open_safe"]


def open_product(source: str | Path | SafeTree, opening: Opening = HERE) -> Product:
    """Open a product for reading, of whatever kind.

    Args:
        source: A path (SAFE folder, zip, a file at the top of the folder; whatever `product.kinds` lists) or a tree
            that is open already.
        opening: What kinds other than the SAFE may need.

    Raises:
        NotFoundError: There is nothing at that path.
        InputError: It is no Sentinel-2 product, or its metadata is damaged.
        DiskError: It cannot be read.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        kind = kind_at(path) or (kind_named(path.name) if path.is_dir() else None)
        if kind is not None:
            return kind.open_here(path, opening)
    return open_safe(source)


def open_safe(source: str | Path | SafeTree) -> SafeProduct:
    """Open a product in the SAFE format; see `open_product`."""
    tree = open_tree(Path(source)) if isinstance(source, (str, Path)) else source
    folder_name = name_of(tree)
    if isinstance(folder_name, Sentinel1Name):
        raise InputError(f"{tree.address}: a Sentinel-1 product; s2kit reads the pixels of Sentinel-2 only")
    found = [path for path in tree.paths() if PRODUCT_METADATA.fullmatch(path)]
    while found:
        best = _best_metadata(found, folder_name)
        xml = tree.read(best)
        if ends_whole(xml):
            return _with_metadata(tree, best, xml, folder_name)
        _log.warning("%s/%s is empty or cut: taken as if it were not there", tree.address, best)
        found.remove(best)
    if folder_name is None:
        raise InputError(
            f"{tree.address}: neither a metadata file nor its name says which product this is",
            "keep the name that ESA gave the folder",
        )
    return SafeProduct(tree, folder_name, metadata_of_name(folder_name, _granule_baseline(tree)))


def _with_metadata(tree: SafeTree, path: str, xml: bytes, folder_name: Sentinel2Name | None) -> SafeProduct:
    try:
        metadata = parse_product_metadata(xml)
    except InputError as error:
        raise InputError(f"{tree.address}/{path}: {error.message}", error.hint) from error
    name = metadata.name or folder_name or _name_of_metadata_file(path)
    if name is None:
        raise InputError(f"{tree.address}: neither its metadata nor its name says which product this is")
    return SafeProduct(tree, name, metadata)


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
