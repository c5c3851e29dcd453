"""Spectral indices: their formulas, bands and sources, and their values in float32.

Each formula is that of its source, with the bands of Sentinel-2 that the catalogue "Awesome Spectral Indices"
(Montero et al., Scientific Data 10, 197, 2023) gives for it. Reflectance goes in, never digital numbers: constants
such as EVI's are meant for reflectance between 0 and 1.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError

Reflectance = NDArray[np.float32]


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
    """Name of a palette of `core.palettes`."""
    use: str
    source: str


def _difference(first: Reflectance, second: Reflectance) -> Reflectance:
    """`(first - second) / (first + second)`."""
    result: Reflectance = (first - second) / (first + second)
    return result


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
    return _difference(swir + red, nir + blue)


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
"""Bands so near to one another that an index may take the other where a product has no such file: the two of the near
infrared (833 nm, 106 nm wide; 865 nm, 21 nm wide). Whoever takes it says so."""


def find_index(name: str) -> Index:
    """The index of a name, in any case.

    Raises:
        InputError: There is none.
    """
    index = INDICES.get(name.strip().lower())
    if index is None:
        near = difflib.get_close_matches(name.lower(), INDICES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"there is no index {name!r}", f"{hint}indices are {', '.join(INDICES)}")
    return index


def compute(index: Index, reflectances: Sequence[Reflectance]) -> Reflectance:
    """Values of an index.

    Args:
        index: Which one.
        reflectances: One array a band in the order of `index.bands`, equal shapes, NaN where there is no data.

    Returns:
        float32 of the same shape; NaN where a band has no data and where the formula divides by zero.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = index.function(*reflectances)
    values[~np.isfinite(values)] = np.nan
    return values.astype(np.float32, copy=False)
