"""Rasters by GDAL: GeoTIFF, COG and WebP with place and tags; tags read back from whatever s2kit wrote."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import DiskError, InputError, OutputError
from s2kit.grid import Grid
from s2kit.picture.libtiff import silence_libtiff
from s2kit.run.files import target_of, translate_os_error, why_it_stopped

TILE_PX = 512
WEBP_MAX_SIDE = 16383
_STRIPE_ROWS = 1024
_BLOCK = ("OFFSET", "SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterOptions:
    """What goes into a raster besides its pixels."""

    grid: Grid
    tags: Mapping[str, str] = field(default_factory=dict)
    band_names: tuple[str, ...] = ()
    nodata: float | None = 0
    """The value that means no data, None if no value does."""
    palette: NDArray[np.uint8] | None = None
    """`[256, 3]` for one band of bytes that name colours."""
    scale_offset: tuple[tuple[float, float], ...] = ()
    """`physical = scale * value + offset` of each band, for digital numbers."""
    resampling: str = "average"
    """How a COG's overviews are made; `nearest` for classes and colours by name."""
    threads: int = 0
    """Threads that compress; 0 takes every core."""


def write_geotiff(path: Path, pixels: NDArray[Any], options: RasterOptions) -> None:
    """Write a compressed GeoTIFF, tiled if it is larger than a tile.

    Args:
        path: The file; it is not made atomically, see `run.files`.
        pixels: `[row, col, band]`.
        options: Place, tags and meaning of the values.

    Raises:
        DiskError: GDAL could not write.
    """
    with _translated(path):
        _write_tiff(path, pixels, options, compress="DEFLATE")
        _check_tiff(path)


def write_cog(path: Path, pixels: NDArray[Any], options: RasterOptions) -> None:
    """Write a cloud-optimised GeoTIFF with overviews; see `write_geotiff`."""
    with _intermediate(path, pixels, options) as source:
        _copy(
            source,
            path,
            driver="COG",
            COMPRESS="DEFLATE",
            PREDICTOR="YES",
            BLOCKSIZE=str(TILE_PX),
            OVERVIEWS="AUTO",
            OVERVIEW_RESAMPLING=options.resampling.upper(),
            BIGTIFF="IF_SAFER",
            NUM_THREADS=_threads(options),
        )
        _check_tiff(path)


def write_webp(path: Path, pixels: NDArray[np.uint8], options: RasterOptions, *, quality: int = 90) -> None:
    """Write a WebP picture; pixels whose bytes are all 0 are transparent where `options.nodata` is 0.

    Args:
        path: The file; it is not made atomically, see `run.files`.
        pixels: `[row, col, band]` with 1 or 3 bands; up to 16383 px a side.
        options: Only `nodata` is used: place and tags are in files beside the picture.
        quality: 1 to 100; 100 is without loss.

    Raises:
        InputError: The picture is too large for the format.
        DiskError: GDAL could not write.
    """
    if max(pixels.shape[:2]) > WEBP_MAX_SIDE:
        raise InputError(
            f"{path.name}: {pixels.shape[1]} x {pixels.shape[0]} px, WebP holds {WEBP_MAX_SIDE} a side at most",
            "take --max-px, or another --format",
        )
    plain = RasterOptions(grid=options.grid, nodata=None, threads=options.threads)
    with _intermediate(path, pixels, plain, alpha=options.nodata is not None) as source:
        _copy(source, path, driver="WEBP", QUALITY=str(quality), LOSSLESS="YES" if quality == 100 else "NO")
        if int.from_bytes(path.read_bytes()[4:8], "little") + 8 != path.stat().st_size:  # RIFF says its own length
            raise _cut_short(path)


def read_tags(path: Path) -> dict[str, str]:
    """The tags of a raster, from itself or from the file beside it; empty if it is no raster.

    Raises:
        DiskError: It cannot be read.
    """
    from rasterio.errors import RasterioIOError

    from s2kit.image.gdal_open import open_raster_file

    try:
        with open_raster_file(path, sidecars=True) as image:
            tags = dict(image.tags())
    except (RasterioIOError, InputError, FileNotFoundError):
        return {}
    embedded = (line.partition("=") for line in tags.get("COMMENT", "").splitlines())  # of a JPEG that travels alone
    return {**{key: value for key, equals, value in embedded if equals}, **tags}


@contextmanager
def _intermediate(path: Path, pixels: NDArray[Any], options: RasterOptions, *, alpha: bool = False) -> Iterator[Path]:
    """A plain GeoTIFF beside the output for the drivers that only copy."""
    middle = path.with_name(f"{path.name}.tmp.tif")
    try:
        with _translated(path):
            _write_tiff(middle, pixels, options, compress="LZW" if alpha else "ZSTD", alpha=alpha)
            _check_tiff(middle)
            yield middle
    finally:
        with suppress(OSError):
            middle.unlink()


def _copy(source: Path, target: Path, **options: str) -> None:
    import rasterio
    import rasterio.shutil

    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        rasterio.shutil.copy(source, target, strict=False, **options)


def _write_tiff(
    path: Path, pixels: NDArray[Any], options: RasterOptions, *, compress: str, alpha: bool = False
) -> None:
    import rasterio

    rows, cols, bands = pixels.shape
    profile = {
        **_georeference(options.grid),
        "driver": "GTiff",
        "width": cols,
        "height": rows,
        "count": (3 if alpha else bands) + alpha,
        "dtype": pixels.dtype.name,
        "nodata": options.nodata,
        **(_blocks(rows, cols)),
        "compress": compress,
        "predictor": _predictor(pixels.dtype, options),
        "bigtiff": "IF_SAFER",
        "num_threads": _threads(options),
        "photometric": "RGB" if alpha or (bands == 3 and pixels.dtype == np.uint8) else "MINISBLACK",
    }
    if options.palette is not None:
        del profile["photometric"]
    if compress == "ZSTD":
        profile |= {"zstd_level": 1}
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.open(path, "w", **profile) as out:
        out.update_tags(**options.tags)
        _describe(out, options)
        for row in range(0, rows, _STRIPE_ROWS):
            stripe = np.moveaxis(pixels[row : row + _STRIPE_ROWS], 2, 0)
            if alpha:
                stripe = _with_alpha(stripe)
            out.write(stripe, window=((row, row + stripe.shape[1]), (0, cols)))


def _blocks(rows: int, cols: int) -> dict[str, Any]:
    """How pixels are laid out: in tiles, or as one strip if all fit into one tile."""
    if max(rows, cols) > TILE_PX:
        return {"tiled": True, "blockxsize": TILE_PX, "blockysize": TILE_PX}
    return {"tiled": False, "blockysize": rows}


def _check_tiff(path: Path) -> None:
    """Make sure that all blocks of a TIFF are in the file: on a full disk GDAL closes it without a word.

    Raises:
        DiskError: The file is cut short.
    """
    import rasterio

    nbytes = path.stat().st_size
    try:
        with rasterio.Env(), rasterio.open(path, driver="GTiff") as image:
            for row, col in np.ndindex(-(-image.height // TILE_PX), -(-image.width // TILE_PX)):
                offset, size = (image.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=1) for what in _BLOCK)
                if offset is not None and size is not None and int(offset) + int(size) > nbytes:
                    raise _cut_short(path)
    except rasterio.errors.RasterioIOError as error:
        raise _cut_short(path) from error


def _cut_short(path: Path) -> DiskError:
    return DiskError(
        f"{target_of(path)}: could not be written to its end",
        "is the disk full? free some space, or name another --out",
    )


def _georeference(grid: Grid) -> dict[str, Any]:
    from affine import Affine
    from rasterio.crs import CRS

    return {"crs": CRS.from_epsg(grid.epsg), "transform": Affine(*grid.geotransform)}


def _describe(out: Any, options: RasterOptions) -> None:
    for band, name in enumerate(options.band_names, 1):
        out.set_band_description(band, name)
    if options.scale_offset:
        out.scales = tuple(scale for scale, _ in options.scale_offset)
        out.offsets = tuple(offset for _, offset in options.scale_offset)
    if options.palette is not None:
        colours = {
            byte: (*(int(channel) for channel in colour), 0 if byte == options.nodata else 255)
            for byte, colour in enumerate(options.palette)
        }
        out.write_colormap(1, colours)


def _with_alpha(stripe: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`[band, row, col]` as red, green, blue and opacity; a grey band is used for all three colours."""
    opacity = np.where(stripe.any(axis=0), np.uint8(255), np.uint8(0))[None]
    colours = np.repeat(stripe, 3, axis=0) if len(stripe) == 1 else stripe
    return np.concatenate([colours, opacity])


def _predictor(dtype: np.dtype[Any], options: RasterOptions) -> int:
    if options.palette is not None:
        return 1
    return 3 if dtype.kind == "f" else 2


def _threads(options: RasterOptions) -> str:
    return str(options.threads) if options.threads else "ALL_CPUS"


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    silence_libtiff()
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("rasterio"):  # its own, and GDAL's that come through its inner module
            raise
        with path.open("ab") if path.exists() else nullcontext() as file:
            if file is not None and (reason := why_it_stopped(file)) is not None:
                raise translate_os_error(reason, target_of(path)) from error
        raise OutputError(f"{target_of(path)}: GDAL could not write it: {error}") from error
