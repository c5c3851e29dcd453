"""`manifest.safe`: the list that ESA's ground segment signs a product with, path by path, size and checksum.

The file is an XFDU package (CCSDS 661.0-B-1); its `dataObjectSection` names every file of the product but itself, the
pictures of `HTML/` and the schemas of `rep_info/`. Checksums are MD5 up to processing baseline 03.00 and SHA3-256 from
03.01 on, in letters of either case. Nothing that a manifest says about places is trusted: early 02.08 products carry
absolute paths of the processing server.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from xml.etree.ElementTree import Element

from s2kit.errors import InputError
from s2kit.product.xmltree import local_name, parse_root
from s2kit.store.hashes import Algorithm

_HEX_DIGITS: Mapping[str, int] = MappingProxyType({"MD5": 32, "SHA3-256": 64})
_ANCHORS = frozenset({"GRANULE", "DATASTRIP"})
_ODD = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]")
MAX_ENTRIES = 50_000
"""Products of the old format with many granules list some thousand files."""
_HINT = "the product's manifest.safe is damaged: fetch it again"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file that the manifest lists."""

    path: str
    """Below the SAFE folder, with forward slashes, without `./`."""
    nbytes: int
    algorithm: Algorithm
    checksum: str
    """Hexadecimal, lower case."""


@dataclass(frozen=True)
class Manifest:
    """All files that a manifest lists, in its own order, each once."""

    entries: tuple[ManifestEntry, ...]

    @cached_property
    def by_path(self) -> Mapping[str, ManifestEntry]:
        """The entries by their path."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all listed files together."""
        return sum(entry.nbytes for entry in self.entries)

    @cached_property
    def doubt(self) -> str | None:
        """Why its sizes and checksums prove nothing, or None if they do.

        Some mirrors rewrite products (GeoTIFF instead of JPEG 2000) and leave a manifest whose sizes and checksums are
        not those of any file.
        """
        for entry in self.entries:
            if entry.path.startswith("GRANULE/") and entry.path.endswith((".tif", ".tiff")):
                return f"it lists {entry.path}, which ESA does not make: a mirror has rewritten the product"
        return None


def parse_manifest(xml: bytes) -> Manifest:
    """Read a manifest of Sentinel-2 (both formats) or Sentinel-1.

    Args:
        xml: The bytes of `manifest.safe`.

    Raises:
        InputError: Not well-formed XML, not a SAFE manifest, a file without size or checksum, a path that leads
            outside the product, or two different entries for one path. Document type definitions, and so entity bombs,
            are refused.
    """
    root = _root(xml)
    entries: dict[str, ManifestEntry] = {}
    for element in root.iter():
        if local_name(element) != "byteStream":
            continue
        for entry in _entries(element):
            known = entries.setdefault(entry.path, entry)
            if known != entry:
                raise InputError(f"manifest.safe lists {entry.path} twice, with different sizes or checksums", _HINT)
            if len(entries) > MAX_ENTRIES:
                raise InputError(f"manifest.safe lists more than {MAX_ENTRIES} files, which no product has", _HINT)
    if not entries:
        raise InputError("manifest.safe lists no file", _HINT)
    return Manifest(tuple(entries.values()))


def safe_path(href: str) -> str:
    """The path below the SAFE folder that a manifest's `href` means.

    Whatever stands before the last `GRANULE` or `DATASTRIP` is cut off; `./` is dropped.

    Raises:
        InputError: The path is absolute without such a tail, climbs with `..`, or holds characters that no SAFE has.
    """
    text = href.strip()
    parts = [part for part in text.split("/") if part != "."]
    anchors = [index for index, part in enumerate(parts) if part in _ANCHORS]
    tail = parts[anchors[-1] :] if anchors else parts
    if not tail or ".." in parts or any(not part or _ODD.search(part) for part in tail):
        raise InputError(f"manifest.safe lists {href!r}, which is no path inside the product", _HINT)
    return "/".join(tail)


def _root(xml: bytes) -> Element:
    root = parse_root(xml, "manifest.safe", _HINT)
    if local_name(root) != "XFDU":
        raise InputError(f"manifest.safe is no SAFE manifest: its root is <{local_name(root)}>", _HINT)
    return root


def _entries(stream: Element) -> Iterator[ManifestEntry]:
    checksum = next((child for child in stream if local_name(child) == "checksum"), None)
    for location in stream:
        href = location.get("href")
        if local_name(location) != "fileLocation" or href is None:
            continue
        path = safe_path(href)
        if checksum is None:
            raise InputError(f"manifest.safe gives no checksum for {path}", _HINT)
        algorithm = _algorithm(checksum.get("checksumName", ""), path)
        digest = (checksum.text or "").strip().lower()
        if not re.fullmatch(rf"[0-9a-f]{{{_HEX_DIGITS[algorithm]}}}", digest):
            raise InputError(f"manifest.safe gives {digest!r} as the {algorithm} of {path}", _HINT)
        yield ManifestEntry(path, _size(stream.get("size", ""), path), algorithm, digest)


def _algorithm(name: str, path: str) -> Algorithm:
    match name.strip().upper().replace("_", "-"):
        case "MD5":
            return "MD5"
        case "SHA3-256":
            return "SHA3-256"
        case _:
            raise InputError(f"manifest.safe gives a checksum of unknown kind {name!r} for {path}", _HINT)


def _size(text: str, path: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text.strip(), re.ASCII):
        raise InputError(f"manifest.safe gives {text!r} as the size of {path}", _HINT)
    return int(text)
