"""Painted pixels as a file with all that belongs to it: the one writer of every verb.

A JPEG, PNG or WebP gets a world file and GDAL's side file, colours of values a legend; a GeoTIFF carries all in itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.picture.formats import PictureFormat
from s2kit.picture.jpeg import MAX_SIDE, write_jpeg
from s2kit.picture.painter import Look, Mode, Pixels
from s2kit.picture.palettes import legend_svg
from s2kit.picture.png import PngOptions, encode_png, write_png
from s2kit.picture.raster import RasterOptions, write_cog, write_geotiff, write_webp
from s2kit.picture.sidecars import sidecar_paths, write_sidecars
from s2kit.picture.stac_item import StacAsset, StacBand, StacFacts, write_stac
from s2kit.product.mission import SENTINEL2, Mission
from s2kit.run.files import atomic_file, parts_of, remove, write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What the STAC item of a picture of one product says besides what the picture itself tells."""

    seen: datetime
    """When the product was seen, UTC."""
    product: str
    address: str = ""
    """Where the product is."""
    mission: Mission = SENTINEL2


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where and how a picture is written."""

    path: Path
    form: PictureFormat
    quality: int = 90
    """Of JPEG and WebP, 1 to 100."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the file says of itself besides how it was painted."""
    opacity: bool = False
    """True for a channel of opacity in a PNG, as the chip services had; False for a colour that is transparent."""
    legend: bool = True
    """True for a legend beside colours of values."""
    synced: bool = True
    """False for a file of a cache, which may be lost in a power cut."""
    item: ItemFacts | None = None
    """What a STAC item beside the file says; None for no item."""

    @property
    def item_path(self) -> Path:
        """Where the STAC item stands, if there is one."""
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def legend_path(self) -> Path:
        """Path of the legend, if there is one."""
        return self.path.with_name(f"{self.path.stem}.legend.svg")


@dataclass(frozen=True, slots=True)
class Painting:
    """Painted pixels, where they lie and what they mean."""

    look: Look
    """With the limits that were used."""
    grid: Grid
    pixels: Pixels
    """`[row, col, channel]`."""


def write_picture(painting: Painting, output: Output, *, threads: int = 0) -> int:
    """Write a painting with the files beside it; returns the size of its file in bytes.

    Args:
        painting: What was painted.
        output: Where and how; a file of that name is replaced.
        threads: For encoding; 0 takes every core.

    Raises:
        OutputError: It cannot be written.
        DiskError: The disk is full or failing.
        InputError: It is too large for its format.
    """
    output = replace(output, tags={**output.tags, **painting.look.tags})
    entries = painting.look.legend if output.legend else ()
    made: list[Path] = []
    try:
        with atomic_file(output.path, overwrite=True, synced=output.synced) as part:
            _ENCODERS[output.form](part, painting, output, threads)
            made += sidecar_paths(output.path)
            write_sidecars(output.path, painting.grid, output.tags, synced=output.synced)
            if entries:
                made.append(output.legend_path)
                svg = legend_svg(painting.look.legend_title, entries).encode()
                write_atomic(output.legend_path, svg, overwrite=True, synced=output.synced)
        if output.item is not None:
            made.append(output.item_path)
            write_item(painting, output, output.item)
    except BaseException:
        if not output.path.exists():
            for path in made:
                remove(path)
        raise
    return output.path.stat().st_size


def write_item(painting: Painting, output: Output, item: ItemFacts) -> Path:
    """Write the STAC item of a file that was written; returns its path."""
    look = painting.look
    is_data = look.mode is Mode.DATA
    asset = StacAsset(
        "data" if is_data else "visual",
        output.path,
        output.form.media_type,
        ("data",) if is_data else ("visual",),
        tuple(_stac_bands(look)) if is_data else (),
    )
    facts = StacFacts(
        id=output.path.stem,
        grid=painting.grid,
        start=item.seen,
        end=item.seen,
        title=output.tags.get("TIFFTAG_IMAGEDESCRIPTION", ""),
        missions=(item.mission,),
        sources=((item.product, item.address),),
    )
    return write_stac(facts, [asset], output.item_path)


def _stac_bands(look: Look) -> Iterator[StacBand]:
    floating = look.dtype == "float32"
    for name, band in zip(look.channel_names, look.bands if not look.index else look.bands[:1], strict=True):
        nodata = float("nan") if floating else float(band.nodata)
        scale = 1.0 if floating else 1 / band.radiometry.quantification
        offset = 0.0 if floating else scale * band.radiometry.offset
        yield StacBand(name, name, look.dtype, nodata, scale, offset)


def leftovers(outputs: Iterable[Output]) -> list[Path]:
    """What a writer that was killed has left behind: `.part` files of the picture and of the files beside it."""
    return parts_of(
        *(path for one in outputs for path in (one.path, *sidecar_paths(one.path), one.legend_path, one.item_path))
    )


def _jpeg(part: Path, painting: Painting, output: Output, threads: int) -> None:
    if max(painting.pixels.shape[:2]) > MAX_SIDE:
        raise InputError(f"{output.path.name}: JPEG holds {MAX_SIDE} px a side at most", "take --format png")
    comment = "\n".join(f"{key}={value}" for key, value in output.tags.items())
    write_jpeg(part, _coloured(painting), quality=output.quality, comment=comment)


def png_bytes(painting: Painting) -> bytes:
    """A painting as a PNG with a channel of opacity, in memory: for tiles of a web map."""
    return encode_png(_with_opacity(painting), PngOptions(threads=1))


def _with_opacity(painting: Painting) -> NDArray[np.uint8]:
    pixels = _coloured(painting)
    seen = np.full(pixels.shape[:2], 255, np.uint8)
    if painting.look.marks_nodata:
        seen[~_bytes(painting).any(axis=2)] = 0
    return np.dstack([pixels, seen])


def _png(part: Path, painting: Painting, output: Output, threads: int) -> None:
    if output.opacity:
        write_png(part, _with_opacity(painting), PngOptions(texts=output.tags, threads=threads))
        return
    transparent = painting.look.marks_nodata
    options = PngOptions(palette=painting.look.palette, transparent=transparent, texts=output.tags, threads=threads)
    write_png(part, _bytes(painting), options)


def _webp(part: Path, painting: Painting, output: Output, threads: int) -> None:
    write_webp(part, _coloured(painting), _raster_options(painting, output, threads), quality=output.quality)


def _gtiff(part: Path, painting: Painting, output: Output, threads: int) -> None:
    write_geotiff(part, painting.pixels, _raster_options(painting, output, threads))


def _cog(part: Path, painting: Painting, output: Output, threads: int) -> None:
    write_cog(part, painting.pixels, _raster_options(painting, output, threads))


_ENCODERS: Mapping[PictureFormat, Callable[[Path, Painting, Output, int], None]] = MappingProxyType(
    {
        PictureFormat.JPEG: _jpeg,
        PictureFormat.PNG: _png,
        PictureFormat.WEBP: _webp,
        PictureFormat.GTIFF: _gtiff,
        PictureFormat.COG: _cog,
    }
)
"""The writer of each format."""


def _bytes(painting: Painting) -> NDArray[np.uint8]:
    if painting.pixels.dtype != np.uint8:
        raise ValueError(f"pictures are made of bytes, not of {painting.pixels.dtype}")
    return painting.pixels.view(np.uint8)


def _coloured(painting: Painting) -> NDArray[np.uint8]:
    """Bytes that name colours as those colours."""
    colours = painting.look.palette
    if colours is None:
        return _bytes(painting)
    named: NDArray[np.uint8] = colours[_bytes(painting)[..., 0]]
    return named


def _raster_options(painting: Painting, output: Output, threads: int) -> RasterOptions:
    look = painting.look
    floating = look.dtype == "float32"
    scaled = look.mode is Mode.DATA and not floating
    pairs = tuple((1 / band.radiometry.quantification, band.radiometry.offset) for band in look.bands)
    return RasterOptions(
        grid=painting.grid,
        tags=output.tags,
        band_names=look.channel_names,
        nodata=float("nan") if floating else 0 if look.marks_nodata else None,
        palette=look.palette,
        scale_offset=tuple((scale, scale * offset) for scale, offset in pairs) if scaled else (),
        resampling="nearest" if look.palette is not None else "average",
        threads=threads,
    )
