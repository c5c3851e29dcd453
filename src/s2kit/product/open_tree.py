"""The SAFE at a local path: a folder or a zip."""

import os
import stat
from pathlib import Path

from s2kit.errors import InputError, NotFoundError
from s2kit.product.safe_tree import HINT, PRODUCT_METADATA, FolderTree, SafeTree, unreadable
from s2kit.product.safe_zip import ZipTree


def open_tree(path: Path) -> SafeTree:
    """The tree at a local path.

    Args:
        path: A SAFE folder, a folder that holds exactly one, a file at the top of one (such as `MTD_MSIL2A.xml`), or a
            zip of one.

    Raises:
        NotFoundError: There is nothing at that path.
        InputError: What is there is no product, or several.
        DiskError: It cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such file or folder", HINT) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        return _folder_tree(path)
    if PRODUCT_METADATA.fullmatch(path.name) or path.name == "manifest.safe":
        return FolderTree(path.absolute().parent)
    return ZipTree(path)


def _folder_tree(path: Path) -> FolderTree:
    try:
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        files = {entry.name for entry in listed if entry.is_file()}
        folders = {entry.name for entry in listed if entry.is_dir()}
    except OSError as error:
        raise unreadable(path, error) from error
    if "GRANULE" in folders or "manifest.safe" in files or any(PRODUCT_METADATA.fullmatch(name) for name in files):
        return FolderTree(path)
    inner = [name for name in sorted(folders) if name.upper().endswith(".SAFE")]
    if not inner:
        raise InputError(f"{path}: no Sentinel-2 product: neither metadata nor granules", HINT)
    if len(inner) > 1:
        raise InputError(f"{path}: holds {len(inner)} products: {', '.join(inner[:3])} …", "name one of them")
    return _folder_tree(path / inner[0])
