"""The layers of a cube: what each is called, what its numbers mean, and how digital numbers become them; computes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError, UsageError
from s2kit.picture.indices import SUBSTITUTES, find_index
from s2kit.product.angles import ANGLES
from s2kit.product.band_image import BandImage
from s2kit.product.bands import BANDS, LAYERS, SHARED_BANDS, Quantity, band_words, normal_band
from s2kit.product.scl import SCENE_CLASSES

Kind = Literal["band", "layer", "index", "angle", "count", "date"]
QUANTIFICATION = 10000
"""Of harmonised numbers: reflectance is value / 10 000."""
_ANGLES = {name.lower(): name for name in ANGLES}
_WHERE_SEEN = "B01"
"""The smallest band of all products."""
NO_DATE = -(2**31)
"""`source_date` of pixels that are never seen clear."""


@dataclass(frozen=True, slots=True)
class CubeLayer:
    """One variable of the cube."""

    name: str
    """`B04`, `SCL`, `ndvi`, `count`, `source_date`; bands that missions share go by Sentinel-2's name."""
    kind: Kind
    dtype: str
    """numpy's name."""
    nodata: float
    """NaN for floats."""
    scale: float = 1.0
    """`physical = scale * value`."""
    title: str = ""
    """For `long_name`."""
    units: str = "1"
    spec: str = ""
    """What `find_index` reads, for an index."""

    @property
    def is_masked(self) -> bool:
        """True if clouds become no data in it: bands and indices, not the layers themselves."""
        return self.kind in {"band", "index"}

    @property
    def flags(self) -> dict[int, str]:
        """Codes and names, for SCL only."""
        return {code: one.name for code, one in SCENE_CLASSES.items()} if self.name == "SCL" else {}


def parse_layers(bands: Sequence[str], indices: Sequence[str], *, dtype: str, digital: bool) -> tuple[CubeLayer, ...]:
    """The layers of `--bands` and `--index`, each once, in order.

    Args:
        bands: Words such as `B04`.
        indices: Words such as `ndvi`.
        dtype: `uint16` or `float32`, of bands.
        digital: True for digital numbers as stored.

    Raises:
        InputError: No such band, layer or index, or a picture.
        UsageError: Nothing is named.
    """
    names = [_ANGLES.get(part.strip().lower()) or normal_band(part) for text in bands for part in band_words(text)]
    found = [find_index(text).spec for text in indices]
    for name in names:
        if name in {"TCI", "PVI"}:
            raise InputError(f"--bands {name}: a picture has no numbers", "take B04,B03,B02")
    if not names and not found:
        raise UsageError("no bands are named", "add --bands B04,B08 or --index ndvi")
    layers = [_band(name, dtype, digital=digital) for name in dict.fromkeys(names)]
    return tuple(layers + [_index(spec) for spec in dict.fromkeys(found)])


def _band(name: str, dtype: str, *, digital: bool) -> CubeLayer:
    if name in ANGLES:
        return CubeLayer(name, "angle", "float32", float("nan"), 1.0, ANGLES[name], "degree")
    if name in SHARED_BANDS:
        return _of_other_mission(name, digital=digital)
    if name in LAYERS:
        scale = 1.0 if name == "SCL" else 0.001
        units = {"WVP": "cm"}.get(name, "1")
        return CubeLayer(name, "layer", "uint8" if name == "SCL" else "uint16", 0, scale, LAYERS[name].title, units)
    title = f"{BANDS[name].colour} ({name})"
    if digital:
        return CubeLayer(name, "band", "uint16", 0, 1.0, f"{title}, digital numbers")
    if dtype == "float32":
        return CubeLayer(name, "band", "float32", float("nan"), 1.0, f"{title}, reflectance")
    return CubeLayer(name, "band", "uint16", 0, 1 / QUANTIFICATION, f"{title}, reflectance")


def _of_other_mission(name: str, *, digital: bool) -> CubeLayer:
    """A band that Sentinel-2 does not have: temperature in kelvin, or flags as they are."""
    band = SHARED_BANDS[name]
    if band.quantity is Quantity.FLAGS:
        return CubeLayer(name, "layer", "uint16", 0, 1.0, band.title)
    if digital:
        return CubeLayer(name, "band", "uint16", 0, 1.0, f"{band.title}, digital numbers")
    return CubeLayer(name, "band", "float32", float("nan"), 1.0, band.title, "K")


def _index(spec: str) -> CubeLayer:
    index = find_index(spec)
    return CubeLayer(index.name, "index", "float32", float("nan"), 1.0, index.title, spec=spec)


def count_layer() -> CubeLayer:
    """Clear observations of each pixel; 0 is a number, not no data."""
    return CubeLayer("count", "count", "uint16", float("nan"), 1.0, "clear observations")


def date_layer() -> CubeLayer:
    """The day that a pixel comes from."""
    return CubeLayer(
        "source_date", "date", "int32", NO_DATE, 1.0, "solar day that the pixel comes from", "days since 1970-01-01"
    )


def bands_read(layers: Sequence[CubeLayer], also: Sequence[str] = ()) -> tuple[str, ...]:
    """Bands and layers of a product that have to be read, for indices too; for angles alone one that is always there.

    Args:
        layers: Of the cube.
        also: Further indices, as `find_index` reads them.
    """
    names = [layer.name for layer in layers if layer.kind in {"band", "layer"}]
    indices = [layer.spec for layer in layers if layer.kind == "index"] + list(also)
    found = tuple(dict.fromkeys(names + [band for spec in indices for band in find_index(spec).bands]))
    return found or (_WHERE_SEEN,)


def with_substitutes(wanted: Sequence[str], there: set[str], exact: set[str]) -> dict[str, str]:
    """Which band of a product stands for which wanted one; a band that is not there and has no substitute is left out.

    Args:
        wanted: As `bands_read`.
        there: What the product has.
        exact: Bands that are layers of the cube themselves: they are never substituted.
    """
    found = {}
    for name in wanted:
        if name in there:
            found[name] = name
        elif name not in exact and SUBSTITUTES.get(name) in there:
            found[name] = SUBSTITUTES[name]
    return found


def harmonised(dn: NDArray[Any], image: BandImage) -> NDArray[np.uint16]:
    """Reflectance x 10 000 with the offset applied; 0 is no data, what would be below 1 is 1, above 65535 is 65535.

    Args:
        dn: Digital numbers of any shape.
        image: Says offset and quantification.
    """
    offset, scale = image.offset, QUANTIFICATION / image.quantification
    if offset == 0 and scale == 1:
        whole: NDArray[np.uint16] = dn.astype(np.uint16, copy=False)
        return whole
    if scale == 1 and dn.dtype == np.uint16 and offset == round(offset) and -65535 < offset < 0:
        shift = np.uint16(round(-offset))
        shifted: NDArray[np.uint16] = np.maximum(dn, shift + np.uint16(1))  # whole numbers, a part of the time
        shifted -= shift
        shifted *= dn != image.nodata
        return shifted
    values = (dn.astype(np.float32) + np.float32(offset)) * np.float32(scale)
    out: NDArray[np.uint16] = np.clip(np.rint(values), 1, 65535).astype(np.uint16)
    out[dn == image.nodata] = 0
    return out


def reflectance(dn: NDArray[Any], image: BandImage) -> NDArray[np.float32]:
    """`(DN + offset) / quantification`, NaN where there is no data."""
    values = dn.astype(np.float32)
    values += np.float32(image.offset)
    values /= np.float32(image.quantification)
    values[dn == image.nodata] = np.nan
    return values


def values_of(layer: CubeLayer, dn: NDArray[Any], image: BandImage, *, digital: bool) -> NDArray[Any]:
    """The numbers of a band or layer, in the layer's dtype."""
    if layer.kind == "layer" or digital:
        return dn.astype(layer.dtype, copy=False)
    return reflectance(dn, image) if layer.dtype == "float32" else harmonised(dn, image)
