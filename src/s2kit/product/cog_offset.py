"""Whether the offset of -1000 is in the pixels of GeoTIFFs already: asked of the pixels, since items err about it.

Two witnesses: the SAFE that the GeoTIFFs were made from, if it is at hand (then the same pixels differ by the offset or
not at all), and the darkest ground. Reflectance of water, vegetation and shadows in the red is 0.01 to 0.09, so that
their digital numbers lie below 1000 if the offset is in the pixels, and above 1000 if it is to be added still.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError, S2KitError
from s2kit.grid import Window
from s2kit.product.band_image import BandImage
from s2kit.product.cog_item import OFFSET_DN, BoaOffset
from s2kit.product.metadata import OffsetSource

if TYPE_CHECKING:
    from s2kit.product.base import Product

AGAINST = ", against the "
"""Stands between the source of an offset and the word of the item that it contradicts."""

Plain = Callable[[str], BandImage | None]
"""The image of a band as it is stored, None if there is none."""
Reading = tuple[str, bool | Path]
"""Decoder and cache, as `open_image` takes them."""

_BANDS = ("B04", "B03", "B02", "B08")
_ENOUGH_PX = 64
_DARK_CLASSES = (2, 3, 4, 6)
"""Dark areas, cloud shadows, vegetation and water of the scene classification."""
_NEGATIVE_SHARE = 0.02
"""More pixels than this with reflectance below 0 are no noise: the offset is not to be added."""
_NOISE_DN = 50
"""Digital numbers that noise reaches below zero reflectance."""
_LARGEST_PX = 1 << 20
"""A level with more pixels is not read for this question; some windows at full resolution are."""


def offset_note(offset_sources: Iterable[tuple[str, str]]) -> str | None:
    """What is to be said of products whose item says another offset than their pixels show; None if there is none.

    Args:
        offset_sources: `(product, Product.offset_source)`.
    """
    doubtful = {product: source for product, source in offset_sources if AGAINST in source}
    if not doubtful:
        return None
    first = min(doubtful)
    some = first + (f" and {len(doubtful) - 1} more" if len(doubtful) > 1 else "")
    said = doubtful[first].partition(AGAINST)[2]
    return f"{some}: the STAC item ({said}) is wrong about the offset of -1000; it was taken from the pixels"


def offset_beside(plain: Plain, safe: Callable[[], "Product | None"], reading: Reading) -> BoaOffset | None:
    """The offset that the product's SAFE proves; None if there is none, or too few pixels have data."""
    try:
        product = safe()
        ours = next((image for band in _BANDS if (image := plain(band))), None)
        if product is None or ours is None:
            return None
        theirs = product.image(ours.band)
        return _compared(ours, theirs, reading) if ours.grid == theirs.grid else None
    except S2KitError:
        return None


def offset_in_pixels(product: str, plain: Plain, said: BoaOffset, reading: Reading) -> BoaOffset:
    """The offset that the darkest ground shows.

    Args:
        product: Id of the product, for messages.
        plain: Gives the images.
        said: What the item says.
        reading: Decoder and cache.

    Raises:
        InputError: The pixels cannot tell: a desert, snow or clouds everywhere.
    """
    red = next((image for band in _BANDS[:3] if (image := plain(band))), None)
    if red is not None:
        values = _sample(red, reading)
        shown = _shown_by_darkest(values) or _shown_by_classes(red, plain("SCL"), reading)
        if shown is not None:
            return shown
    raise InputError(
        f"{product}: its pixels do not show whether the offset of -1000 is in them already, and the STAC item's "
        f"own word ({said.source}: {said.dn:+g}) was wrong before",
        "say it with --boa-offset applied, or --boa-offset needed",
    )


def _shown_by_darkest(values: NDArray[Any]) -> BoaOffset | None:
    """Applied if a part of the pixels would have reflectance below 0 with the offset added once more."""
    valid = values[values > 0]
    if valid.size < _ENOUGH_PX:
        return None
    below = float((valid < -OFFSET_DN - _NOISE_DN).mean())
    return BoaOffset(0.0, OffsetSource.PIXELS) if below > _NEGATIVE_SHARE else None


def _shown_by_classes(red: BandImage, classes: BandImage | None, reading: Reading) -> BoaOffset | None:
    """Still to be added if no dark ground is dark."""
    if classes is None:
        return None
    values, codes = _windows(red, classes, reading)
    dark = values[np.isin(codes, _DARK_CLASSES) & (values > 0)]
    if dark.size < _ENOUGH_PX:
        return None
    if float(np.quantile(dark, 0.01)) >= -OFFSET_DN - _NOISE_DN:
        return BoaOffset(OFFSET_DN, OffsetSource.PIXELS)
    return BoaOffset(0.0, OffsetSource.PIXELS)


def _sample(image: BandImage, reading: Reading) -> NDArray[Any]:
    """Pixels from all over an image."""
    from s2kit.image.open import open_image

    with open_image(image.location, openjpeg=reading[0], cache=reading[1]) as opened:
        size = opened.size
        coarsest = max(size.reductions)
        if (size.width >> coarsest) * (size.height >> coarsest) <= _LARGEST_PX:
            pixels: NDArray[Any] = opened.level(coarsest, [0])[0]
            return pixels.ravel()
        places = _spread(size.width, size.height)
        return np.concatenate([opened.window(window, components=[0])[0].ravel() for window in places])


def _windows(red: BandImage, classes: BandImage, reading: Reading) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pixels of two images at the same places, those of the first where the pixels of the second have their centre."""
    from s2kit.image.open import open_image

    with (
        open_image(red.location, openjpeg=reading[0], cache=reading[1]) as first,
        open_image(classes.location, openjpeg=reading[0], cache=reading[1]) as second,
    ):
        values, codes = [], []
        scale = classes.grid.resolution_m / red.grid.resolution_m
        for window in _spread(classes.grid.width, classes.grid.height):
            side = max(1, round(window.width * scale))
            at = Window(round(window.col * scale), round(window.row * scale), side, side)
            found = first.window(at, components=[0])[0]
            rows = np.minimum(((np.arange(window.height) + 0.5) * scale).astype(np.intp), found.shape[0] - 1)
            cols = np.minimum(((np.arange(window.width) + 0.5) * scale).astype(np.intp), found.shape[1] - 1)
            values.append(found[np.ix_(rows, cols)].ravel())
            codes.append(second.window(window, components=[0])[0].ravel())
    return np.concatenate(values), np.concatenate(codes)


def _spread(width: int, height: int) -> list[Window]:
    """Windows of 64 px a side (or the whole of a small image) all over an image."""
    side = min(64, width, height)
    shares = (0.5, 0.1, 0.3, 0.7, 0.9) if max(width, height) > side else (0.5,)
    places = {(round((width - side) * x), round((height - side) * y)) for x in shares for y in shares}
    return [Window(col, row, side, side) for col, row in sorted(places)]


def _compared(ours: BandImage, theirs: BandImage, reading: Reading) -> BoaOffset | None:
    """Compare some pixels of a GeoTIFF with those of the file that it was made from."""
    from s2kit.image.open import open_image

    with (
        open_image(ours.location, openjpeg=reading[0], cache=reading[1]) as cog,
        open_image(theirs.location, openjpeg=reading[0], cache=reading[1]) as jp2,
    ):
        for window in _spread(theirs.grid.width, theirs.grid.height):
            mine, source = cog.window(window)[0].astype(np.int32), jp2.window(window)[0].astype(np.int32)
            valid = (mine > 0) & (source > 1 - theirs.offset)
            if valid.sum() >= _ENOUGH_PX:
                applied = float(np.median(mine[valid] - source[valid]))
                known = applied in {0.0, theirs.offset}
                return BoaOffset(theirs.offset - applied, OffsetSource.PIXELS) if known else None
    return None
