"""Where an image lies that a user named: a file, a band of a product, an address, a key of an archive."""

import re
from dataclasses import dataclass
from pathlib import Path

from s2kit.archive.address import archive_of
from s2kit.archive.find import image_at, locate
from s2kit.errors import NotFoundError, UsageError
from s2kit.picture.substitutes import coarser_note
from s2kit.pixels.request import PixelWish
from s2kit.product.ref import ProductRef
from s2kit.settings import Access, Settings
from s2kit.store.location import FilePart, ImageLocation, LocalFile, RemoteObject, ZarrArray, ZipMember
from s2kit.store.open import open_store

_CLASSES = re.compile(r"(?:^|_)(?:SCL|CLASSI|DETFOO|QUALIT|DEFECT|NODATA|SATURA|TECQUA)(?:_|\.|$)")
AWS = {"aws": ("aws-l2a", "aws-l1c")}
"""What stands for several archives, of which a key belongs to one."""


@dataclass(frozen=True, slots=True)
class Target:
    """An image, and what is known of it."""

    location: ImageLocation
    band: str | None = None
    note: str = ""
    """What is read in place of what was asked for; empty if nothing is."""

    @property
    def is_classes(self) -> bool:
        """True for codes of classes and masks (SCL, MSK_CLASSI …), of which a wavelet level would make others."""
        name = self.band or str(self.location).replace("\\", "/").rpartition("/")[2]
        return _CLASSES.search(name) is not None

    @property
    def nbytes(self) -> int:
        """Bytes of the whole image."""
        match self.location:
            case RemoteObject(archive, key):
                return open_store(archive).stat(key).nbytes
            case FilePart(_, _, nbytes) | ZarrArray(nbytes=nbytes):
                return nbytes
            case LocalFile(path) | ZipMember(path):
                return path.stat().st_size


def find_target(wish: PixelWish, settings: Settings | Access) -> Target:
    """Where the image of a wish lies.

    Raises:
        NotFoundError: There is no such file, product, band or archive.
        UsageError: What was named is a product, and no band was.
        AccessError: It lies where reading is billed, and that was not agreed to.
    """
    if wish.band is not None:
        product = locate(ProductRef(wish.source, wish.record), settings)
        entry = product.entry(wish.band, wish.resolution_m)
        coarser = coarser_note(entry.band, entry.resolution_m) if wish.resolution_m is None else ""
        return Target(product.location(entry), entry.band, f"{product.id}: {coarser}" if coarser else "")
    if "://" in wish.source:
        return Target(image_at(wish.source, settings))
    if wish.archive is not None:
        return Target(_key_of(wish.source, wish.archive, settings))
    path = Path(wish.source).expanduser()
    if path.is_dir() or path.suffix.lower() == ".zip":
        raise UsageError(f"{wish.source} is a product, not an image", "say which band with --band B04")
    if not path.exists():
        raise NotFoundError(f"{wish.source}: no such file", _advice(wish.source))
    return Target(LocalFile(path))


def connections(wish: PixelWish, settings: Settings | Access) -> int | None:
    """How many connections the archive of an image allows; None where it is on this machine, or not known before."""
    if "://" in wish.source:
        return archive_of(wish.source, settings.archives).max_connections
    archive = settings.archives.get(wish.archive or "")
    return None if archive is None else archive.max_connections


def _advice(source: str) -> str:
    if source.startswith(("tiles/", "L2/tiles/")):
        return "for a key of Google's mirror say --archive gcp; for one of the AWS buckets --archive aws-l2a"
    return "name a file, an s3://, gs:// or https:// address, or a product with --band"


def _key_of(key: str, name: str, settings: Settings | Access) -> RemoteObject:
    archive = settings.archives.get(name)
    if archive is None and name in AWS:
        raise UsageError(f"--archive {name}: a key belongs to one of {' and '.join(AWS[name])}", "name that one")
    if archive is None:
        raise NotFoundError(f"there is no archive {name!r}", f"there are {', '.join(sorted(settings.archives))}")
    return RemoteObject(archive, key.lstrip("/"))
