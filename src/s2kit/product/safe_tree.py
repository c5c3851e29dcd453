"""The files of one SAFE, wherever they are; here the protocol, and folders on this machine.

Zips are in `product/safe_zip.py`, products in buckets in `product/store_tree.py`; `product/open_tree.py` picks one.

A tree lists paths below the SAFE folder, always with `/` between their parts, and says where each file's bytes are.
What was left half-written (`.part`), markers and lock files are no part of it.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.product.name import AnyProductName, parse_product_name
from s2kit.run.files import name_too_long
from s2kit.run.read_file import read_file
from s2kit.store.location import ImageLocation, LocalFile

PRODUCT_METADATA = re.compile(
    r"MTD_MSIL(?:1C|2A)\.xml|S2[A-D]_(?:OPER|USER)_MTD_SAFL(?:1C|2A)_\w+\.xml", re.IGNORECASE | re.ASCII
)
"""Names of the file with the product's own metadata; upper and lower case differ between makers."""
MAX_READ = 64 << 20
"""Bytes of the largest file that `read` takes into memory; metadata has at most some tens of megabytes."""

_NOT_OF_THE_SAFE = re.compile(r"(?:.*\.part|.*_\$folder\$|\..*\.s2kit\.lock|\.s2kit\.lock|\.DS_Store|Thumbs\.db)")
_NO_FILE = -1
"""Stands for the size of a device, a pipe or a socket."""
HINT = "a product is a SAFE folder, a zip of one, or the address of one in a bucket"


class SafeTree(Protocol):
    """The files of one product."""

    @property
    def name(self) -> str:
        """What the SAFE folder is called, without `.SAFE`; a person may have renamed it."""
        ...

    @property
    def address(self) -> str:
        """Where the tree is, for messages: a path or an address."""
        ...

    def paths(self) -> tuple[str, ...]:
        """All files below the SAFE folder, sorted."""
        ...

    def nbytes(self, path: str) -> int:
        """Size of a file.

        Raises:
            NotFoundError: There is no such file.
        """
        ...

    def read(self, path: str, nbytes: int | None = None) -> bytes:
        """A file, meant for metadata.

        Args:
            path: Below the SAFE folder.
            nbytes: Read no more than so many bytes from its start; None for all.

        Raises:
            NotFoundError: There is no such file.
            InputError: It is damaged, or too large to be metadata.
        """
        ...

    def location(self, path: str) -> ImageLocation:
        """Where the bytes of a file are, in a form that travels to other processes.

        Raises:
            NotFoundError: There is no such file.
            InputError: It is damaged.
        """
        ...


class FolderTree:
    """A SAFE folder on this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def name(self) -> str:
        """The folder's name without `.SAFE`."""
        return safe_name(self._root.name)

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self._root)

    @property
    def root(self) -> Path:
        """The SAFE folder, absolute."""
        return self._root

    def paths(self) -> tuple[str, ...]:
        """All files below the folder."""
        return tuple(self._sizes)

    def nbytes(self, path: str) -> int:
        """Size of a file."""
        return size_of(self._sizes, path, self.address)

    def read(self, path: str, nbytes: int | None = None) -> bytes:
        """A file, or its start."""
        check_readable(self.nbytes(path), f"{self.address}/{path}")
        try:
            return read_file(self._root / path, MAX_READ, nbytes)
        except OSError as error:
            raise unreadable(self._root / path, error) from error

    def location(self, path: str) -> ImageLocation:
        """The file itself."""
        self.nbytes(path)
        return LocalFile(self._root / path)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        sizes = {}
        try:
            for folder, _, files in os.walk(self._root, onerror=_raise):
                below = Path(folder).relative_to(self._root)
                for name in files:
                    path = (below / name).as_posix()
                    if is_of_safe(path):
                        with suppress(FileNotFoundError):  # a link to nowhere is a missing file
                            status = (self._root / path).stat()
                            sizes[path] = status.st_size if stat.S_ISREG(status.st_mode) else _NO_FILE
        except OSError as error:
            raise unreadable(self._root, error) from error
        return dict(sorted(sizes.items()))


def safe_root(paths: Iterable[str], address: str) -> str:
    """The folder among some paths that is the SAFE, as `""` or `a/b/`.

    A SAFE is where `manifest.safe` or the product's metadata lies beside `GRANULE`, or at least one of these three.

    Raises:
        InputError: No folder looks like a SAFE, or several do.
    """
    certain: set[str] = set()
    likely: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == "manifest.safe" or PRODUCT_METADATA.fullmatch(name):
            certain.add(folder)
        head, mark, _ = f"/{path}".partition("/GRANULE/")
        if mark:
            likely.add(head.removeprefix("/"))
    roots = sorted(certain or likely)
    if not roots:
        raise InputError(f"{address}: no Sentinel-2 product: neither metadata nor granules", HINT)
    if len(roots) > 1:
        raise InputError(f"{address}: holds {len(roots)} products: {', '.join(roots[:3])} …", "name one of them")
    return f"{roots[0]}/" if roots[0] else ""


def is_of_safe(path: str) -> bool:
    """False for markers, locks, half-written files, and the quicklook that Google's mirror adds."""
    pure = PurePosixPath(path)
    if not path or path.endswith("/") or any(_NOT_OF_THE_SAFE.fullmatch(part) for part in pure.parts):
        return False
    return len(pure.parts) > 1 or not pure.name.endswith("-ql.jpg")


def safe_name(text: str) -> str:
    """A folder's or file's name without the endings of products."""
    return re.sub(r"(\.SAFE)?(\.zip)?$", "", text, flags=re.IGNORECASE)


def name_of(tree: SafeTree) -> AnyProductName | None:
    """The product's name as the tree's own name tells it, None where that is no product name."""
    try:
        return parse_product_name(tree.name)
    except InputError:
        return None


def check_readable(nbytes: int, what: str) -> None:
    """Refuse to take a file into memory that is no metadata.

    Raises:
        InputError: It is larger than `MAX_READ`.
    """
    if nbytes > MAX_READ:
        raise InputError(f"{what} has {nbytes} bytes, too many for a metadata file")


def size_of(sizes: Mapping[str, int], path: str, address: str) -> int:
    """The size of a file of a tree.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is a device, a pipe or a socket.
    """
    try:
        nbytes = sizes[path]
    except KeyError:
        raise NotFoundError(f"{address}: there is no {path}") from None
    if nbytes == _NO_FILE:
        raise InputError(f"{address}/{path} is no regular file", "devices and pipes are no part of a product")
    return nbytes


def _raise(error: OSError) -> None:
    raise error


def unreadable(path: Path, error: Exception) -> DiskError | InputError:
    """The error of ours that stands for a path that cannot be read."""
    if isinstance(error, OSError):
        return name_too_long(error) or DiskError(f"{path}: cannot be read: {error.strerror or error}")
    return InputError(f"{str(path)!r} is no path: {error}")
