"""Pixels and texts of an invented product as a SAFE folder, encoded as ESA encodes."""

import hashlib
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes
from rasterio.warp import transform

from s2kit.demo.package import ListedFile
from s2kit.errors import OutputError, S2KitError
from s2kit.grid import Grid
from s2kit.image.gdal_open import open_raster_file
from s2kit.run.files import fsync_folder, part_path, remove, translate_os_error

Ring = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class BandCoding:
    """How a JPEG 2000 file is cut up; all sides in pixels."""

    tile: int
    code_block: int
    precinct: int
    resolutions: int = 5
    """Decomposition levels and one."""


BANDS_10M = BandCoding(1024, 64, 256)
BANDS_20M = BandCoding(640, 8, 128)
BANDS_60M = BandCoding(192, 4, 64)
PICTURE = BandCoding(256, 16, 128)
"""TCI at 60 m, TCI of L1C, masks at 60 m."""
MASKS_20M = BandCoding(2048, 64, 256, 6)
PREVIEW = BandCoding(32, 16, 128)
"""ESA's preview has tiles of 8 px; GDAL writes none under 32."""
CODINGS = {10: BANDS_10M, 20: BANDS_20M, 60: BANDS_60M}


def write_jp2(path: Path, pixels: NDArray[Any], grid: Grid, coding: BandCoding, *, tlm: bool = False) -> None:
    """Encode an image losslessly: reversible 5-3 wavelet, one layer, LRCP, packet lengths in every tile header.

    Args:
        path: Where to write; the folder is there.
        pixels: `[component, row, col]`, uint8 or uint16; uint16 is coded with 15 bits.
        grid: The image's grid.
        coding: Tiles, code-blocks and precincts; GDAL makes tiles no larger than the image.
        tlm: True for a table of tile-part lengths in the main header.

    Raises:
        OutputError: The file cannot be written.
    """
    count, rows, cols = pixels.shape
    options = {
        "QUALITY": "100",
        "REVERSIBLE": "YES",
        "YCC": "YES" if count == 3 else "NO",
        "tiled": True,  # without it rasterio drops the height of a tile
        "BLOCKXSIZE": coding.tile,
        "BLOCKYSIZE": coding.tile,
        "RESOLUTIONS": coding.resolutions,
        "PROGRESSION": "LRCP",
        "NBITS": 8 if pixels.dtype == np.uint8 else 15,
        "CODEBLOCK_WIDTH": coding.code_block,
        "CODEBLOCK_HEIGHT": coding.code_block,
        "PRECINCTS": ",".join([f"{{{coding.precinct},{coding.precinct}}}"] * coding.resolutions),
        "PLT": "YES",
        "TLM": "YES" if tlm else "NO",
        "GMLJP2": "YES",
        "GeoJP2": "NO",
    }
    with _translated(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver="JP2OpenJPEG",
            width=cols,
            height=rows,
            count=count,
            dtype=pixels.dtype,
            crs=f"EPSG:{grid.epsg}",
            transform=rasterio.Affine(*grid.geotransform),
            **options,
        ) as image:
            image.write(pixels)
    remove(path.with_name(path.name + ".aux.xml"))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except S2KitError:
        raise
    except OSError as error:
        raise translate_os_error(error, path) from error
    except Exception as error:
        if not type(error).__module__.startswith("rasterio"):
            raise
        raise OutputError(f"{path}: {error}", "name a place that you may write to with --out") from error


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """The folder to fill; after the block it stands under its name, complete, or not at all."""
    part = part_path(folder)
    remove(part)
    try:
        with _translated(folder):
            part.mkdir(parents=True)
            yield part
            part.replace(folder)
            fsync_folder(folder.parent)
    except BaseException:
        remove(part)
        raise


def write_text(root: Path, path: str, content: str | bytes) -> None:
    """Write a small file below a folder; what is between is made."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


def place(source: Path, target: Path) -> None:
    """The same file under another name: a hard link where the disk can do that, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_jpeg(source: Path, target: Path) -> None:
    """A small picture as a JPEG file."""
    with _translated(target), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with open_raster_file(source) as image:
            pixels = image.read()
        count, rows, cols = pixels.shape
        options = {"width": cols, "height": rows, "count": count, "dtype": pixels.dtype}
        with rasterio.open(target, "w", driver="JPEG", QUALITY=90, **options) as picture:
            picture.write(pixels)
    remove(target.with_name(target.name + ".aux.xml"))


def listed(root: Path, paths: Sequence[str], algorithm: str) -> list[ListedFile]:
    """Sizes and checksums of files below a folder, for its manifest.

    Args:
        root: The SAFE folder.
        paths: Below it, with forward slashes.
        algorithm: `MD5` or `SHA3-256`.
    """
    name = "md5" if algorithm == "MD5" else "sha3_256"
    found = []
    for path in paths:
        with (root / path).open("rb") as file:
            digest = hashlib.file_digest(file, name).hexdigest()
        found.append(ListedFile(path, (root / path).stat().st_size, digest))
    return found


def to_lonlat(ring: Ring, epsg: int) -> Ring:
    """A ring of `(x, y)` in a CRS as `(lon, lat)`."""
    xs, ys = zip(*ring, strict=True)
    lons, lats = transform(f"EPSG:{epsg}", "EPSG:4326", xs, ys)
    return list(zip(map(float, lons), map(float, lats), strict=True))


def outlines(labels: NDArray[np.int32], grid: Grid) -> Iterator[tuple[int, Ring]]:
    """`(label, outer ring)` of every patch of equal, non-zero labels, in the grid's CRS; rings are closed."""
    geotransform = rasterio.Affine(*grid.geotransform)
    for shape, value in shapes(labels, mask=labels != 0, transform=geotransform):
        yield int(value), [(float(x), float(y)) for x, y in shape["coordinates"][0]]
