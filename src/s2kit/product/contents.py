"""What a SAFE holds, found by the names of its files: granules and the images of each.

Nothing is taken by its position: a granule is a folder below `GRANULE/` whose name or metadata file says so, an image a
file whose name names a band or layer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from s2kit.product.bands import SHARED_BANDS, native_resolution
from s2kit.product.granule import ImageName, parse_granule_name, parse_image_name
from s2kit.product.name import Level
from s2kit.product.tile import Tile, TileId

_IMAGE_PATH = re.compile(
    r"GRANULE/(?P<granule>[^/]+)/(?:IMG_DATA/(?:R(?P<resolution>10|20|60)m/)?|QI_DATA/)(?P<file>[^/]+)"
)
_GRANULE_METADATA = re.compile(
    r"MTD_TL\.xml|S2[A-D]_(?:OPER|USER)_MTD_(?P<level>L1C|L2A)_TL_\w+\.xml", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class ImageEntry:
    """One image that a product has, or that its manifest lists."""

    tile: Tile
    band: str
    """Band or layer: `B04`, `SCL`, `PVI`; `VIS` in early L2A products; of Landsat `red`."""
    resolution_m: int
    path: str
    """Below the SAFE folder."""
    nbytes: int
    """Size of the file; an image of 0 bytes is not there in earnest."""


@dataclass(frozen=True, slots=True)
class GranuleEntry:
    """One granule of a product."""

    folder: str
    """Name of its folder below `GRANULE/`."""
    tile: TileId | None
    """From the folder's name or those of its images; None where neither says."""
    metadata_path: str | None
    """Its metadata file, below the SAFE folder; None where that is not there."""
    images: tuple[ImageEntry, ...]
    """Its images by band and resolution, each once."""


def find_granules(sizes: Mapping[str, int], level: Level) -> tuple[GranuleEntry, ...]:
    """The granules among the files of a SAFE, by folder name.

    Args:
        sizes: Bytes by path below the SAFE folder.
        level: Level of the product: early L2A products keep some files of their L1C beside their own.
    """
    folders: dict[str, list[str]] = {}
    for path in sizes:
        parts = path.split("/")
        if parts[0] == "GRANULE" and len(parts) > 2:
            folders.setdefault(parts[1], []).append(path)
    found = (_granule(folder, paths, sizes, level) for folder, paths in sorted(folders.items()))
    return tuple(granule for granule in found if granule is not None)


def find_images(sizes: Mapping[str, int], level: Level) -> tuple[ImageEntry, ...]:
    """The images among some files, each tile's each band and resolution once.

    Where a product has two files for one (the preview of an early L2A and that of its L1C; a JPEG 2000 and its copy as
    GeoTIFF), the one of its own level wins, then one that is not empty, then JPEG 2000.
    """
    best: dict[tuple[Tile, str, int], tuple[tuple[bool, ...], ImageEntry]] = {}
    for path, nbytes in sizes.items():
        named = _image(path)
        if named is None:
            continue
        name, resolution_m = named
        entry = ImageEntry(name.tile, name.image, resolution_m, path, nbytes)
        own = path.rpartition("/")[2].startswith("L2A_") == (level is Level.L2A)
        rank = (own, nbytes > 0, path.lower().endswith(".jp2"))
        key = (entry.tile, entry.band, resolution_m)
        if key not in best or best[key][0] < rank:
            best[key] = rank, entry
    return tuple(sorted(entry for _, entry in best.values()))


def summary(images: Iterable[ImageEntry]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Resolutions in metres with the bands and layers at each, finest first."""
    by_resolution: dict[int, set[str]] = {}
    for entry in images:
        by_resolution.setdefault(entry.resolution_m, set()).add(entry.band)
    for resolution_m, bands in sorted(by_resolution.items()):
        yield (
            resolution_m,
            tuple(sorted(bands, key=_by_kind)),
        )


def _by_kind(band: str) -> tuple[int, bool, str]:
    """Bands before layers; those of other missions in the order of their wavelengths."""
    shared = list(SHARED_BANDS)
    return shared.index(band) if band in shared else -1, not band.startswith("B"), band.replace("B8A", "B08A")


def _granule(folder: str, paths: list[str], sizes: Mapping[str, int], level: Level) -> GranuleEntry | None:
    name = parse_granule_name(folder)
    metadata = [(match["level"], path) for path in paths if (match := _metadata_name(path))]
    images = find_images({path: sizes[path] for path in paths}, level)
    if name is None and not metadata and not images:
        return None
    tile = name.tile if name else next((one.tile for one in images if isinstance(one.tile, TileId)), None)
    own = [path for of_level, path in metadata if of_level in {None, level.value}]
    chosen = sorted(own or [path for _, path in metadata])
    return GranuleEntry(folder, tile, chosen[0] if chosen else None, images)


def _metadata_name(path: str) -> re.Match[str] | None:
    return _GRANULE_METADATA.fullmatch(path.rpartition("/")[2]) if path.count("/") == 2 else None


def _image(path: str) -> tuple[ImageName, int] | None:
    match = _IMAGE_PATH.fullmatch(path)
    name = parse_image_name(match["file"]) if match else None
    if match is None or name is None or (name.image == "PVI") != ("/QI_DATA/" in path):
        return None
    if name.resolution_m is not None:
        return name, name.resolution_m
    return name, int(match["resolution"]) if match["resolution"] else native_resolution(name.image)
