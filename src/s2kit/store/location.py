"""Where the bytes of one image are: small values that travel to other processes, where the image is opened.

An image of a SAFE folder is a file; in a zip that stores it uncompressed (as ESA's do) it is a part of a file, in one
that deflates it a member of an archive; in a bucket it is an object of a store, in a Zarr group an array.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2kit.errors import InputError
from s2kit.store.archive import Archive
from s2kit.store.cost import size_text


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A whole file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some consecutive bytes of a file: a member that a zip stores uncompressed."""

    path: Path
    """The zip."""
    offset: int
    """First byte of the image in the file."""
    nbytes: int
    """How many bytes the image has."""
    member: str = ""
    """What the zip calls it; for messages only."""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}"


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A compressed member of a zip."""

    path: Path
    """The zip."""
    member: str
    """Name of the member, with `/` between its parts."""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}"


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """An object of an archive; whoever reads it opens the store with `io.store.open_store(archive)`."""

    archive: Archive
    key: str
    """Key below the archive's address."""

    @property
    def is_remote(self) -> bool:
        """True if reading it takes requests."""
        return True

    def __str__(self) -> str:
        return f"{self.archive.address.rstrip('/')}/{self.key}"


@dataclass(frozen=True, slots=True)
class ZarrArray:
    """An array of a Zarr group, in a folder or in a store; only the chunks that a window touches are read."""

    archive: Archive
    """The group: its address is that of the group, a folder of this machine for local ones."""
    path: str
    """Path of the array below the group: `measurements/reflectance/r10m/b04`."""
    document: str
    """The array's own metadata, `.zarray` of Zarr v2 or `zarr.json` of v3, without its attributes, as JSON."""
    chunk_nbytes: int
    """Bytes that one chunk (a shard's inner chunk) takes in memory: the least that is read at a time."""
    nbytes: int
    """Bytes that the whole array takes in memory."""
    scale: tuple[float, float] = (1.0, 0.0)
    """Scale factor and offset that digital numbers were stored with: only for arrays that hold floats."""
    position: int | None = None
    """Position along the first axis of the image, `[row, col]`, among those of an array; None for the whole array."""

    def __str__(self) -> str:
        return f"{self.archive.address.rstrip('/')}/{self.path}"

    @property
    def is_remote(self) -> bool:
        """True if reading it takes requests."""
        return "://" in self.archive.address


LARGE_CHUNK_NBYTES = 64_000_000
"""A dry run reports chunks that are larger than this."""

LocalLocation = LocalFile | FilePart | ZipMember
ImageLocation = LocalLocation | RemoteObject | ZarrArray


def large_chunks(locations: Iterable[ImageLocation]) -> str:
    """What a dry run reports of arrays with chunks above `LARGE_CHUNK_NBYTES`; empty if there are none."""
    large = [one for one in locations if isinstance(one, ZarrArray) and one.chunk_nbytes > LARGE_CHUNK_NBYTES]
    if not large:
        return ""
    most = max(large, key=lambda one: one.chunk_nbytes)
    return f"a chunk of {most} has {size_text(most.chunk_nbytes)} and is read whole, however small the window"


def gdal_path(location: LocalLocation) -> str:
    """What GDAL calls an image that lies on this machine.

    `/vsisubfile/OFFSET_SIZE,PATH` for a part of a file and `/vsizip/{PATH}/MEMBER` for a compressed member; the braces
    let the zip have any name whose braces are paired (GDAL manual, "Virtual File Systems").

    Raises:
        InputError: GDAL would take the name for something else than a file.
    """
    path = location.path.absolute()  # a relative name may look like an address, `http:/host/x`
    text = str(path)
    if text.startswith("/vsi") or (isinstance(location, ZipMember) and not _paired(text)):
        raise InputError(f"{text}: GDAL would not take this name for a file", "rename the folder or the file")
    match location:
        case LocalFile():
            return text
        case FilePart(_, offset, nbytes):
            return f"/vsisubfile/{offset}_{nbytes},{text}"
        case ZipMember(_, member):
            return f"/vsizip/{{{text}}}/{member}"


def _paired(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0
