"""Spectral indices: their formulas, bands and sources, and their values in float32.

Pure: no input or output. Each formula is that of its source, with the bands of Sentinel-2 that the catalogue "Awesome
Spectral Indices" (Montero et al., Scientific Data 10, 197, 2023) gives for it. Reflectance goes in, never digital
numbers: constants such as EVI's are meant for reflectance between 0 and 1.

Reflectance below 0 is clipped to 0 before a normalised difference. Dark pixels (water, shadow) scatter around zero
after atmospheric correction, and since baseline 04.00 products keep what lies below it. With a negative band the
difference leaves -1 to 1, and with two of opposite sign it grows without bound, though it says nothing about the
ground. If both bands are 0 after clipping, the quotient is 0/0 and the pixel is no data.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from s2kit.errors import InputError
from s2kit.picture.formula import Reflectance, normalised_difference, parse_formula


@dataclass(frozen=True, slots=True)
class Index:
    """One spectral index."""

    name: str
    """As on the command line: `ndvi`."""
    title: str
    formula: str
    """In band names."""
    bands: tuple[str, ...]
    """What `function` takes, in order."""
    function: Callable[..., Reflectance]
    low: float
    """Value at the lower end of the palette."""
    high: float
    """Value at the upper end of the palette."""
    palette: str
    """Name of a palette of `picture.palettes`."""
    use: str
    source: str

    @property
    def is_own(self) -> bool:
        """True for a formula of the user's own, whose range of values is not known beforehand."""
        return self.name not in INDICES

    @property
    def spec(self) -> str:
        """The text that `find_index` reads: the name, or `name=formula` for a formula of the user's own."""
        return f"{self.name}={self.formula}" if self.is_own else self.name

    def reading(self, bands: Sequence[str]) -> "Index":
        """The same index made with other bands, which its formula names then; in the order of `bands`."""
        names = dict(zip(self.bands, bands, strict=True))
        formula = re.sub(r"\b(?:B\d\w|AOT|WVP)\b", lambda found: names.get(found[0], found[0]), self.formula)
        return replace(self, bands=tuple(bands), formula=formula)


def _evi(nir: Reflectance, red: Reflectance, blue: Reflectance) -> Reflectance:
    result: Reflectance = np.float32(2.5) * (nir - red) / (nir + 6 * red - np.float32(7.5) * blue + 1)
    return result


def _evi2(nir: Reflectance, red: Reflectance) -> Reflectance:
    result: Reflectance = np.float32(2.5) * (nir - red) / (nir + np.float32(2.4) * red + 1)
    return result


def _savi(nir: Reflectance, red: Reflectance) -> Reflectance:
    half = np.float32(0.5)
    result: Reflectance = (1 + half) * (nir - red) / (nir + red + half)
    return result


def _msavi(nir: Reflectance, red: Reflectance) -> Reflectance:
    term: Reflectance = np.float32(2) * nir + np.float32(1)
    root: Reflectance = np.sqrt(term * term - np.float32(8) * (nir - red))
    result: Reflectance = (term - root) / np.float32(2)
    return result


def _bsi(swir: Reflectance, red: Reflectance, nir: Reflectance, blue: Reflectance) -> Reflectance:
    swir, red, nir, blue = (np.maximum(band, np.float32(0)) for band in (swir, red, nir, blue))
    return normalised_difference(swir + red, nir + blue)


_difference = normalised_difference
_TABLE = (
    Index(
        "ndvi", "Normalized Difference Vegetation Index", "(B08 - B04) / (B08 + B04)", ("B08", "B04"), _difference,
        -0.2, 1.0, "vegetation", "green plants",
        "Rouse, Haas, Schell, Deering: Monitoring vegetation systems in the Great Plains with ERTS, NASA SP-351, 1974",
    ),
    Index(
        "gndvi", "Green Normalized Difference Vegetation Index", "(B08 - B03) / (B08 + B03)", ("B08", "B03"),
        _difference, -0.2, 1.0, "vegetation", "chlorophyll of dense crops",
        "Gitelson, Kaufman, Merzlyak: Remote Sensing of Environment 58 (3), 1996",
    ),
    Index(
        "ndre", "Normalized Difference Red Edge Index", "(B08 - B05) / (B08 + B05)", ("B08", "B05"), _difference,
        -0.2, 1.0, "vegetation", "nitrogen and stress of dense crops",
        "Gitelson, Merzlyak: Journal of Plant Physiology 143 (3), 1994",
    ),
    Index(
        "evi", "Enhanced Vegetation Index", "2.5 * (B08 - B04) / (B08 + 6 * B04 - 7.5 * B02 + 1)",
        ("B08", "B04", "B02"), _evi, -0.2, 1.0, "vegetation", "dense vegetation, haze corrected by blue",
        "Huete et al.: Remote Sensing of Environment 83 (1-2), 2002",
    ),
    Index(
        "evi2", "Enhanced Vegetation Index of two bands", "2.5 * (B08 - B04) / (B08 + 2.4 * B04 + 1)",
        ("B08", "B04"), _evi2, -0.2, 1.0, "vegetation", "EVI without blue",
        "Jiang, Huete, Didan, Miura: Remote Sensing of Environment 112 (10), 2008",
    ),
    Index(
        "savi", "Soil Adjusted Vegetation Index (L = 0.5)", "1.5 * (B08 - B04) / (B08 + B04 + 0.5)",
        ("B08", "B04"), _savi, -0.2, 1.0, "vegetation", "sparse vegetation on bright soil",
        "Huete: Remote Sensing of Environment 25 (3), 1988",
    ),
    Index(
        "msavi", "Modified Soil Adjusted Vegetation Index",
        "(2 * B08 + 1 - sqrt((2 * B08 + 1)^2 - 8 * (B08 - B04))) / 2", ("B08", "B04"), _msavi,
        -0.2, 1.0, "vegetation", "seedlings and sparse vegetation",
        "Qi, Chehbouni, Huete, Kerr, Sorooshian: Remote Sensing of Environment 48 (2), 1994",
    ),
    Index(
        "ndwi", "Normalized Difference Water Index", "(B03 - B08) / (B03 + B08)", ("B03", "B08"), _difference,
        -0.8, 0.8, "water", "open water",
        "McFeeters: International Journal of Remote Sensing 17 (7), 1996",
    ),
    Index(
        "mndwi", "Modified Normalized Difference Water Index", "(B03 - B11) / (B03 + B11)", ("B03", "B11"),
        _difference, -0.8, 0.8, "water", "open water beside buildings",
        "Xu: International Journal of Remote Sensing 27 (14), 2006",
    ),
    Index(
        "ndmi", "Normalized Difference Moisture Index", "(B8A - B11) / (B8A + B11)", ("B8A", "B11"), _difference,
        -0.8, 0.8, "moisture", "water in leaves, drought",
        "Gao: Remote Sensing of Environment 58 (3), 1996 (under the name NDWI)",
    ),
    Index(
        "nbr", "Normalized Burn Ratio", "(B8A - B12) / (B8A + B12)", ("B8A", "B12"), _difference,
        -0.6, 0.9, "burn", "burnt areas",
        "Key, Benson: Landscape Assessment, USDA Forest Service RMRS-GTR-164-CD, 2006",
    ),
    Index(
        "ndsi", "Normalized Difference Snow Index", "(B03 - B11) / (B03 + B11)", ("B03", "B11"), _difference,
        -0.5, 1.0, "snow", "snow against cloud (over 0.4 is snow)",
        "Hall, Riggs, Salomonson: Remote Sensing of Environment 54 (2), 1995",
    ),
    Index(
        "ndbi", "Normalized Difference Built-up Index", "(B11 - B08) / (B11 + B08)", ("B11", "B08"), _difference,
        -0.6, 0.4, "built", "towns",
        "Zha, Gao, Ni: International Journal of Remote Sensing 24 (3), 2003",
    ),
    Index(
        "bsi", "Bare Soil Index", "((B11 + B04) - (B08 + B02)) / ((B11 + B04) + (B08 + B02))",
        ("B11", "B04", "B08", "B02"), _bsi, -0.6, 0.4, "built", "bare soil",
        "Rikimaru, Roy, Miyatake: Tropical Ecology 43 (1), 2002",
    ),
)  # fmt: skip

INDICES: Mapping[str, Index] = MappingProxyType({index.name: index for index in _TABLE})
"""All indices by name."""

SUBSTITUTES: Mapping[str, str] = MappingProxyType({"B08": "B8A", "B8A": "B08"})
"""Bands so near to one another that an index may take the other if a product has no such file: the two of the near
infrared (833 nm, 106 nm wide; 865 nm, 21 nm wide). The verb that takes it reports it."""


_OWN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)


@lru_cache(maxsize=64)
def find_index(text: str) -> Index:
    """The index of a name in any case, or that of `name=formula`, such as `ratio=nir/red`.

    Raises:
        InputError: There is no such index, or the formula cannot be read.
    """
    name, equals, formula = text.partition("=")
    key = name.strip().lower()
    if equals:
        return _own(key, formula)
    index = INDICES.get(key)
    if index is None:
        near = difflib.get_close_matches(key, INDICES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"there is no index {text!r}",
            f"{hint}indices are {', '.join(INDICES)}; or write your own, as in 'ratio=B08/B04'",
        )
    return index


def index_of(layer: str) -> Index | None:
    """The index that a layer is: a name of the table, or `name=formula`; None for bands and layers of a product."""
    return find_index(layer) if layer in INDICES or "=" in layer else None


def _own(name: str, formula: str) -> Index:
    if not _OWN_NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of an index", "letters, digits, - and _, as in 'ratio=B08/B04'")
    function = parse_formula(formula)
    if name in INDICES and INDICES[name].formula != function.text:
        raise InputError(f"{name} is {INDICES[name].formula} already", "give your formula another name")
    return INDICES.get(name) or Index(
        name, function.text, function.text, function.bands, function, -1.0, 1.0, "plain", "", "own formula"
    )


def compute(index: Index, reflectances: Sequence[Reflectance]) -> Reflectance:
    """Values of an index.

    Args:
        index: Which one.
        reflectances: One array a band in the order of `index.bands`, equal shapes, NaN where there is no data.

    Returns:
        float32 of the same shape; NaN if a band has no data or the formula divides by zero.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = index.function(*reflectances)
    values[~np.isfinite(values)] = np.nan
    return values.astype(np.float32, copy=False)
