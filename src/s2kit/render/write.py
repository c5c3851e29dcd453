"""A painted picture as a file: encoding, place, tags, and whether the same one is there already."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import to_wkb

from s2kit import __version__
from s2kit.errors import InputError, OutputError
from s2kit.picture.formats import PictureFormat
from s2kit.picture.indices import Index
from s2kit.picture.jpeg import MAX_SIDE, write_jpeg
from s2kit.picture.palettes import LegendEntry, legend_svg, legend_text, palette_source, scene_legend, value_legend
from s2kit.picture.png import PngOptions, write_png
from s2kit.picture.raster import RasterOptions, read_tags, write_cog, write_geotiff, write_webp
from s2kit.picture.sidecars import sidecar_paths, write_sidecars
from s2kit.picture.stretch import Limits, StretchKind
from s2kit.render.picture import Mode, Picture, Pixels
from s2kit.render.plan import Planned, derivations
from s2kit.render.request import RenderRequest
from s2kit.run.files import atomic_file, parts_of, remove, write_atomic, writes_straight

RECIPE_TAG = "S2KIT_RECIPE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where and how a picture is written."""

    path: Path
    form: PictureFormat
    quality: int
    tags: Mapping[str, str]
    """All but those that are known after painting only."""


def tags_of(planned: Planned, request: RenderRequest, series: str) -> dict[str, str]:
    """What a picture says of itself."""
    picture, product, metadata = planned.picture, planned.product, planned.product.metadata
    start = metadata.sensing_start.astimezone(UTC)
    tags = {
        "PRODUCT": product.id,
        "SENSING_TIME": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "LEVEL": str(metadata.level),
        "BASELINE": str(metadata.baseline),
        "TILE": str(picture.sources[0].tile),
        "COMPOSITE": picture.subject.name,
        "BANDS": ",".join(picture.subject.bands),
        "RESOLUTION_M": f"{picture.grid.resolution_m:g}",
        "SOURCES": "; ".join(derivations(picture)),
        "CREDIT": f"Contains modified Copernicus Sentinel data {start.year}",
        "SOFTWARE": f"s2kit {__version__}",
        RECIPE_TAG: recipe(planned, request, series),
    }
    if picture.masked:
        tags["MASKED_CLASSES"] = ",".join(str(code) for code in sorted(picture.masked))
    index = picture.index
    if index is not None:
        tags |= {"INDEX": index.title, "FORMULA": index.formula, "FORMULA_SOURCE": index.source}
    if picture.mode is Mode.VALUES and index is not None:
        tags |= {"PALETTE": palette_source(index.palette), "PALETTE_RANGE": f"{index.low:g}:{index.high:g}"}
    entries = legend(picture)
    if entries:
        tags["LEGEND"] = legend_text(entries)
    if planned.notes:
        tags["NOTE"] = "; ".join(planned.notes)
    return tags


def recipe(planned: Planned, request: RenderRequest, series: str) -> str:
    """All that decides the pixels, as JSON that compares: the same recipe makes the same picture."""
    picture = planned.picture
    west, south, east, north = picture.grid.bounds
    parts: dict[str, object] = {
        "product": planned.product.id,
        "tile": str(picture.sources[0].tile),
        "sources": [f"{image.band}@{image.resolution_m}" for image in picture.sources],
        "index": picture.subject.index,
        "grid": [picture.grid.epsg, west, south, east, north, picture.grid.width, picture.grid.height],
        "form": request.form.value,
        "dtype": picture.dtype,
        "resampling": picture.resampling,
        "masked": sorted(picture.masked),
        "clip": sha256(to_wkb(picture.clip)).hexdigest()[:16] if picture.clip is not None else None,
    }
    if request.form in {PictureFormat.JPEG, PictureFormat.WEBP}:
        parts["quality"] = request.quality
    if picture.mode is Mode.COLOURS:
        parts |= {"stretch": picture.stretch.text, "gamma": picture.stretch.gamma, "series": series}
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


def legend(picture: Picture) -> tuple[LegendEntry, ...]:
    """What the colours of a picture mean; empty where they are colours of the ground."""
    index: Index | None = picture.index
    if picture.mode is Mode.CLASSES:
        return scene_legend()
    if picture.mode is Mode.VALUES and index is not None:
        return value_legend(index.palette, index.low, index.high)
    return ()


def is_there(output: Output) -> bool:
    """True where the very same picture exists already.

    Raises:
        OutputError: Something else stands under its name.
    """
    if not output.path.exists() or writes_straight(output.path):
        return False
    found = read_tags(output.path).get(RECIPE_TAG)
    if found == output.tags[RECIPE_TAG]:
        return True
    what = "was made by another recipe" if found else "is there already, and not made by s2kit render"
    raise OutputError(
        f"{output.path} {what}", "use --overwrite to replace it, or name another --out or --name-template"
    )


def limit_texts(picture: Picture) -> dict[str, str]:
    """Stretch limits by band, as text."""
    limits: tuple[Limits, ...] = picture.limits
    return {image.band: str(one) for image, one in zip(picture.sources, limits, strict=False)}


def leftovers(outputs: Iterable[Output]) -> list[Path]:
    """What a writer that was killed has left behind: `.part` files of the picture and of what stands beside it."""
    return parts_of(*(path for one in outputs for path in (one.path, *sidecar_paths(one.path), _legend_path(one))))


def write_output(picture: Picture, output: Output, pixels: Pixels, *, threads: int = 0) -> int:
    """Write a painted picture with all that stands beside it; returns the size of its file.

    Args:
        picture: With the limits that were used.
        output: Where and how.
        pixels: `[row, col, channel]`.
        threads: For encoding; 0 takes every core.

    Raises:
        OutputError: It cannot be written.
        DiskError: The disk is full or failing.
        InputError: It is too large for its format.
    """
    tags = dict(output.tags)
    if picture.mode is Mode.COLOURS:
        tags |= {
            "STRETCH": picture.stretch.text,
            "GAMMA": f"{picture.stretch.gamma:g}",
            "STRETCH_LIMITS": "; ".join(f"{band} {limits}" for band, limits in limit_texts(picture).items()),
        }
    entries = legend(picture)
    beside = _legend_path(output)
    made: list[Path] = []
    try:
        with atomic_file(output.path, overwrite=True) as part:
            _encode(part, picture, output, pixels, tags, threads)
            made += sidecar_paths(output.path)
            if not output.form.is_tiff:
                write_sidecars(output.path, picture.grid, tags)
            if entries:
                made.append(beside)
                write_atomic(beside, legend_svg(_legend_title(picture), entries).encode(), overwrite=True)
    except BaseException:
        if not output.path.exists():
            for path in made:
                remove(path)
        raise
    return output.path.stat().st_size


def _legend_path(output: Output) -> Path:
    return output.path.with_name(f"{output.path.stem}.legend.svg")


def _legend_title(picture: Picture) -> str:
    index = picture.index
    return f"{index.name.upper()} = {index.formula}" if index else "SCL: scene classification"


def _encode(
    part: Path, picture: Picture, output: Output, pixels: Pixels, tags: Mapping[str, str], threads: int
) -> None:
    match output.form:
        case PictureFormat.JPEG:
            if max(pixels.shape[:2]) > MAX_SIDE:
                raise InputError(f"{output.path.name}: JPEG holds {MAX_SIDE} px a side at most", "take --format png")
            comment = "\n".join(f"{key}={value}" for key, value in tags.items())
            write_jpeg(part, _in_colour(picture, pixels), quality=output.quality, comment=comment)
        case PictureFormat.PNG:
            transparent = picture.stretch.kind is not StretchKind.LEGACY or picture.mode is not Mode.COLOURS
            options = PngOptions(palette=picture.palette, transparent=transparent, texts=tags, threads=threads)
            write_png(part, _bytes(pixels), options)
        case PictureFormat.WEBP:
            write_webp(
                part, _in_colour(picture, pixels), _raster_options(picture, tags, threads), quality=output.quality
            )
        case PictureFormat.GTIFF:
            write_geotiff(part, pixels, _raster_options(picture, tags, threads))
        case PictureFormat.COG:
            write_cog(part, pixels, _raster_options(picture, tags, threads))


def _bytes(pixels: Pixels) -> NDArray[np.uint8]:
    assert pixels.dtype == np.uint8, "pictures are made of bytes"
    return pixels.view(np.uint8)


def _in_colour(picture: Picture, pixels: Pixels) -> NDArray[np.uint8]:
    """Bytes that name colours as those colours."""
    colours = picture.palette
    if colours is None:
        return _bytes(pixels)
    named: NDArray[np.uint8] = colours[_bytes(pixels)[..., 0]]
    return named


def _raster_options(picture: Picture, tags: Mapping[str, str], threads: int) -> RasterOptions:
    floating = picture.dtype == "float32"
    numbers = picture.mode is Mode.DATA and not floating
    legacy = picture.stretch.kind is StretchKind.LEGACY and picture.mode is Mode.COLOURS
    names = (picture.subject.index,) if picture.subject.index else picture.subject.bands
    return RasterOptions(
        grid=picture.grid,
        tags=tags,
        band_names=("red", "green", "blue") if picture.mode is Mode.READY else tuple(name or "" for name in names),
        nodata=float("nan") if floating else None if legacy else 0,
        palette=picture.palette,
        scale_offset=tuple((1 / one.quantification, one.offset / one.quantification) for one in picture.radiometries)
        if numbers
        else (),
        resampling="nearest" if picture.palette is not None else "average",
        threads=threads,
    )
