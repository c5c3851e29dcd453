"""A SAFE inside a zip, read where it is: nothing is unpacked.

ESA's zips store their members uncompressed, so a band file is simply a part of the zip; where a mirror has deflated
some, GDAL reads them through `/vsizip/`.
"""

import os
import struct
import zipfile
import zlib
from functools import cached_property
from pathlib import Path

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.product.safe_tree import MAX_READ, check_readable, is_of_safe, safe_name, safe_root
from s2kit.run.read_file import open_regular, read_file
from s2kit.store.location import FilePart, ImageLocation, ZipMember

_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Signature, then after 22 bytes the lengths of name and extra field (APPNOTE.TXT 6.3.10, section 4.3.7)."""
_ENCRYPTED = 0x1
_HINT = "the zip is damaged or was cut: fetch it again"
_NO_PRODUCT = "name a SAFE folder, a zip of one, or the product"
_ZIP_BEGIN = b"PK"


MAX_DIRECTORY = 32 << 20
"""Bytes of the largest directory of a zip, enough for 200 000 members; a product has some hundred."""
MAX_RATIO = 200
"""Times that a zip may grow when it is unpacked; products grow by less than two."""
_END = struct.Struct("<12xI6x")
"""End of the directory, with the directory's size (APPNOTE.TXT 6.3.10, section 4.3.16)."""
_LOCATOR = struct.Struct("<8xQ4x")
"""Before it in a ZIP64: where the longer end record lies (section 4.3.15)."""
_END_64 = struct.Struct("<40xQ8x")
"""That record, with the directory's size (section 4.3.14)."""
_LARGEST_COMMENT = 0xFFFF


class ZipTree:
    """A SAFE folder in a zip, at its root or below other folders."""

    def __init__(self, path: Path) -> None:
        """Read the zip's directory.

        Raises:
            InputError: It is no zip, it is cut, or it holds no product or several.
            DiskError: It cannot be read.
        """
        self._path = path.absolute()
        names = [name for name in self._infos if not name.endswith("/")]
        self._root = safe_root(names, str(path))

    @property
    def name(self) -> str:
        """Name of the SAFE folder in the zip, or of the zip where it has none, without its ending."""
        inner = self._root.rstrip("/").rpartition("/")[2]
        return safe_name(inner or self._path.name)

    @property
    def address(self) -> str:
        """Path of the zip."""
        return str(self._path)

    def paths(self) -> tuple[str, ...]:
        """All files below the SAFE folder."""
        return tuple(self._members)

    def nbytes(self, path: str) -> int:
        """Size of a file, uncompressed."""
        return self._member(path).file_size

    def read(self, path: str, nbytes: int | None = None) -> bytes:
        """A file, checked against its CRC where all of it is read."""
        member = self._member(path)
        check_readable(member.file_size, f"{self._path}/{path}")
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(member) as file:
                return file.read(-1 if nbytes is None else nbytes)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{self._path}: {path} cannot be read: {error}", _HINT) from error
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be read: {error.strerror or error}") from error

    def location(self, path: str) -> ImageLocation:
        """A part of the zip where the member is stored as it is, else the member."""
        member = self._member(path)
        if member.flag_bits & _ENCRYPTED:
            raise InputError(f"{self._path}: {path} is encrypted")
        if member.compress_type != zipfile.ZIP_STORED:
            return ZipMember(self._path, member.filename)
        return FilePart(self._path, self._offset(member), member.file_size, member.filename)

    def _offset(self, member: zipfile.ZipInfo) -> int:
        """Where a stored member's data begin: behind its local header, whose length only itself tells."""
        try:
            with self._path.open("rb") as file:
                file.seek(member.header_offset)
                header = file.read(_LOCAL_HEADER.size)
                end = file.seek(0, 2)
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        if len(header) == _LOCAL_HEADER.size:
            signature, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            offset = int(member.header_offset + _LOCAL_HEADER.size + name_length + extra_length)
            if signature == b"PK\x03\x04" and offset + member.file_size <= end:
                return offset
        raise InputError(f"{self._path}: {member.filename} is not where the zip's directory says", _HINT)

    def _member(self, path: str) -> zipfile.ZipInfo:
        try:
            return self._members[path]
        except KeyError:
            raise NotFoundError(f"{self._path}: there is no {path}") from None

    @cached_property
    def _infos(self) -> dict[str, zipfile.ZipInfo]:
        _refuse_other_files(self._path)
        try:
            nbytes = _check_directory(self._path)
            with zipfile.ZipFile(self._path) as archive:
                # tools on Windows write names with backslashes
                infos = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
        except (zipfile.BadZipFile, EOFError, struct.error, ValueError, NotImplementedError) as error:
            raise InputError(f"{self._path}: neither a product's folder nor a whole zip: {error}", _HINT) from error
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        unpacked = sum(info.file_size for info in infos.values())
        if unpacked > MAX_RATIO * nbytes + MAX_READ:
            raise InputError(f"{self._path}: a zip of {nbytes} bytes that says it holds {unpacked} is refused", _HINT)
        if any(info.header_offset < 0 for info in infos.values()):
            raise InputError(f"{self._path}: the zip's directory is not where its end says", _HINT)
        return infos

    @cached_property
    def _members(self) -> dict[str, zipfile.ZipInfo]:
        below = {
            name.removeprefix(self._root): info for name, info in self._infos.items() if name.startswith(self._root)
        }
        return {path: info for path, info in sorted(below.items()) if is_of_safe(path)}


def _check_directory(path: Path) -> int:
    """Refuse a zip whose directory is too large to be taken into memory; returns the zip's size.

    Raises:
        InputError: It is, or the path is no regular file.
        OSError: It cannot be read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END.size - _LARGEST_COMMENT - _LOCATOR.size))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
        if at < 0:
            return size  # zipfile says what is wrong with it
        (nbytes,) = _END.unpack_from(tail, at)
        if tail[at - _LOCATOR.size : at].startswith(b"PK\x06\x07"):
            (place,) = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
            file.seek(min(place, size))
            record = file.read(_END_64.size)
            nbytes = _END_64.unpack(record)[0] if len(record) == _END_64.size else 0
    if nbytes > MAX_DIRECTORY:
        raise InputError(f"{path}: the directory of the zip has {nbytes} bytes, more than any product's", _HINT)
    return size


def _refuse_other_files(path: Path) -> None:
    """Raise `InputError` for what is no regular file, or neither is called a zip nor begins as one."""
    try:
        begin = read_file(path, len(_ZIP_BEGIN), len(_ZIP_BEGIN))
    except OSError as error:
        raise DiskError(f"{path}: cannot be read: {error.strerror or error}") from error
    if begin != _ZIP_BEGIN and path.suffix.lower() != ".zip":
        raise InputError(f"{path}: no product: neither a SAFE folder nor a zip of one", _NO_PRODUCT)
