"""The thirteen bands of the instrument, the layers beside them, and what is found at which resolution."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from s2kit.errors import InputError
from s2kit.product.name import Baseline, Level

SOURCE = (
    "ESA, Sentinel-2 Spectral Response Functions (COPE-GSEG-EOPG-TN-15-0007, issue 4.0): "
    "S2A and S2B as in the products' own metadata, S2C as the centre of mass of its response "
    "(which gives S2A's and S2B's values too, to 0.1 nm); S2D is not published yet"
)
"""Where the wavelengths come from."""
SHORT_SOURCE = "ESA SRF 4.0"
"""The same in few words."""
LAYER_SOURCE = "ESA PSD 14"
"""Where the layers are described: Sentinel-2 Products Specification Document, issue 14."""


class CentreNm(NamedTuple):
    """Centre wavelength in nanometres on each satellite; None where ESA has published none yet."""

    s2a: float
    s2b: float
    s2c: float
    s2d: float | None = None

    def on(self, satellite: str) -> float | None:
        """The wavelength on a satellite such as `S2A`; None where it is not known."""
        value: float | None = getattr(self, satellite.lower(), None) if satellite.upper() in SATELLITES else None
        return value


SATELLITES = ("S2A", "S2B", "S2C", "S2D")
"""The satellites, as product names write them."""


@dataclass(frozen=True, slots=True)
class Band:
    """One spectral band."""

    name: str
    """`B01` to `B12`, `B8A`."""
    band_id: int
    """The number that metadata files give it: 0 for B01 up to 12 for B12, B8A is 8."""
    colour: str
    """A word for the part of the spectrum."""
    centre_nm: CentreNm
    resolution_m: int
    """The instrument's own resolution: 10, 20 or 60."""
    use: str
    """What people use it for."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An image of a product that is not a spectral band."""

    name: str
    title: str
    resolution_m: int
    """The finest resolution that it is made at."""
    levels: frozenset[Level]
    """Levels whose products have it."""
    use: str


_BANDS = (
    ("B01", "coastal blue", (442.7, 442.3, 444.2), 60, "aerosols, shallow water"),
    ("B02", "blue", (492.7, 492.3, 489.0), 10, "true colour, water, soil against vegetation"),
    ("B03", "green", (559.8, 559.0, 560.6), 10, "true colour, vegetation vigour, water (NDWI)"),
    ("B04", "red", (664.6, 665.0, 666.5), 10, "true colour, chlorophyll absorption (NDVI)"),
    ("B05", "red edge 1", (704.1, 703.8, 707.1), 20, "chlorophyll content, state of crops"),
    ("B06", "red edge 2", (740.5, 739.1, 741.1), 20, "leaf area, position of the red edge"),
    ("B07", "red edge 3", (782.8, 779.7, 784.7), 20, "leaf area, edge of the near infrared"),
    ("B08", "near infrared", (832.8, 833.0, 834.6), 10, "biomass, shorelines (NDVI, NDWI)"),
    ("B8A", "narrow near infrared", (864.7, 864.0, 865.6), 20, "vegetation at 20 m (NDMI, NBR)"),
    ("B09", "water vapour", (945.1, 943.2, 947.2), 60, "correction for water vapour"),
    ("B10", "cirrus", (1373.5, 1376.9, 1372.2), 60, "thin high clouds; only in L1C"),
    ("B11", "short-wave infrared 1", (1613.7, 1610.4, 1612.0), 20, "moisture, snow against cloud"),
    ("B12", "short-wave infrared 2", (2202.4, 2185.7, 2191.3), 20, "burnt areas (NBR), soil, geology"),
)

BANDS: Mapping[str, Band] = MappingProxyType(
    {
        name: Band(name, band_id, colour, CentreNm(*centre_nm), resolution_m, use)
        for band_id, (name, colour, centre_nm, resolution_m, use) in enumerate(_BANDS)
    }
)
"""All bands by name, in the order of the metadata's `band_id`. The wavelengths are those of `SOURCE`."""

_BOTH = frozenset({Level.L1C, Level.L2A})
_L2A = frozenset({Level.L2A})

LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            Layer("SCL", "scene classification", 20, _L2A, "masks of cloud, shadow, snow, water; 12 classes"),
            Layer("TCI", "true-colour image", 10, _BOTH, "ready picture of B04, B03, B02 in 8 bits"),
            Layer("AOT", "aerosol optical thickness", 10, _L2A, "how hazy it was, at 550 nm"),
            Layer("WVP", "water vapour", 10, _L2A, "centimetres of water in the air column"),
            Layer("PVI", "preview image", 320, _BOTH, "true-colour thumbnail of 343 x 343 pixels"),
        )
    }
)
"""Images of a product that are no bands (S2-PDGS-TAS-DI-PSD, issue 14, "Level-1C" and "Level-2A product")."""

L2A_BANDS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        10: ("B02", "B03", "B04", "B08"),
        20: ("B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12"),
        60: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12"),
    }
)
"""Bands of L2A by resolution in metres, without the B01 at 20 m that newer baselines add."""

COMMON_NAMES: Mapping[str, str] = MappingProxyType(
    {
        word: name
        for name, words in (
            ("B01", "coastal"),
            ("B02", "blue"),
            ("B03", "green"),
            ("B04", "red"),
            ("B05", "rededge1 rededge071"),
            ("B06", "rededge2 rededge075"),
            ("B07", "rededge3 rededge078"),
            ("B08", "nir"),
            ("B8A", "nir08"),
            ("B09", "nir09"),
            ("B10", "cirrus"),
            ("B11", "swir16"),
            ("B12", "swir22"),
            ("TCI", "visual"),
        )
        for word in words.split()
    }
)
"""Names of bands that other missions share: STAC's EO extension (v1.1 and 2.0), and Earth Search's for the red edge."""


class Quantity(StrEnum):
    """What the numbers of an image are."""

    REFLECTANCE = "reflectance"
    KELVIN = "kelvin"
    """Temperature of the surface."""
    FLAGS = "flags"
    """Bits that are no measurement."""


@dataclass(frozen=True, slots=True)
class SharedBand:
    """A band or layer of another mission, under the name that missions share."""

    name: str
    serves: tuple[str, ...]
    """Bands of Sentinel-2 in whose place it is read: what is asked for as `red` or `B04`; empty if none is like it."""
    title: str
    quantity: Quantity = Quantity.REFLECTANCE
    resolution_m: int = 30


SHARED_BANDS: Mapping[str, SharedBand] = MappingProxyType(
    {
        band.name: band
        for band in (
            SharedBand("coastal", ("B01",), "coastal blue"),
            SharedBand("blue", ("B02",), "blue"),
            SharedBand("green", ("B03",), "green"),
            SharedBand("red", ("B04",), "red"),
            SharedBand("nir08", ("B8A", "B08"), "near infrared"),
            SharedBand("swir16", ("B11",), "short-wave infrared 1"),
            SharedBand("swir22", ("B12",), "short-wave infrared 2"),
            SharedBand("lwir", (), "surface temperature (thermal infrared)", Quantity.KELVIN),
            SharedBand("lwir11", (), "surface temperature (thermal infrared 11 um)", Quantity.KELVIN),
            SharedBand("qa_pixel", (), "quality of pixels (fill, cloud, shadow, snow, water)", Quantity.FLAGS),
        )
    }
)
"""Bands of Landsat Collection 2, Level-2; thermal ones are delivered at 30 m too."""

KELVIN_BANDS = frozenset(name for name, band in SHARED_BANDS.items() if band.quantity is Quantity.KELVIN)
"""Bands that give the temperature of the surface."""

_BAND = re.compile(r"B?0?(\d{1,2}|8A)", re.IGNORECASE | re.ASCII)
_B01_AT_20M_SINCE = Baseline(4, 0)
_VISIBILITY_UNTIL = Baseline(2, 6)


def normal_band(text: str) -> str:
    """The one spelling of a band's or layer's name: `b4`, `04`, `red` become `B04`, `8a`, `nir08` `B8A`, `scl` `SCL`.

    Raises:
        InputError: There is no such band or layer.
    """
    name = text.strip().upper()
    name = COMMON_NAMES.get(name.lower(), name)
    if name in LAYERS:
        return name
    if name.lower() in SHARED_BANDS:  # those that Sentinel-2 has too are its own by now
        return name.lower()
    match = _BAND.fullmatch(name)
    if match:
        name = "B8A" if match[1] == "8A" else f"B{int(match[1]):02d}"
        if name in BANDS:
            return name
    known = [*BANDS, *LAYERS]
    near = difflib.get_close_matches(name, known, n=1) or difflib.get_close_matches(name.lower(), COMMON_NAMES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    own = ", ".join(name for name, band in SHARED_BANDS.items() if not band.serves)
    raise InputError(
        f"there is no band {text!r}",
        f"{hint}bands are {', '.join(BANDS)}; layers {', '.join(LAYERS)}; of Landsat also {own}",
    )


_WORD = re.compile(rf"\s*({'|'.join(name for name in SHARED_BANDS if '_' in name)}|[^_,]+)", re.IGNORECASE)


def band_words(text: str) -> tuple[str, ...]:
    """The names of a list as people type it, with commas or the older underscores: `B04,qa_pixel` or `B04_B08`."""
    return tuple(word for word in map(str.strip, _WORD.findall(text)) if word)


def serves(own: str, asked: str) -> bool:
    """True if the image of a band is what is meant by another name: `B04` by `B04`, `red` by `B04`."""
    return own == asked or (own in SHARED_BANDS and asked in SHARED_BANDS[own].serves)


def is_reflectance(band: str) -> bool:
    """True for spectral bands, False for layers, temperatures and flags."""
    return band in BANDS or (band in SHARED_BANDS and SHARED_BANDS[band].quantity is Quantity.REFLECTANCE)


def is_measured(band: str) -> bool:
    """True for images of a physical quantity; False for classes, flags and pictures."""
    if band in SHARED_BANDS:
        return SHARED_BANDS[band].quantity is not Quantity.FLAGS
    return band in BANDS or band in {"AOT", "WVP"}


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Bands, then layers, in the order of the instrument; other names are left out."""
    there = set(names)
    return tuple(name for name in (*BANDS, *LAYERS, *SHARED_BANDS) if name in there)


def native_resolution(name: str) -> int:
    """The finest resolution in metres at which a band or layer is made; 20 for images that are neither."""
    known = BANDS.get(name) or LAYERS.get(name) or SHARED_BANDS.get(name)
    return known.resolution_m if known else 20


def band_of_id(band_id: int) -> Band | None:
    """The band that metadata files number so, or None."""
    return next((band for band in BANDS.values() if band.band_id == band_id), None)


def usual_images(level: Level, baseline: Baseline) -> Mapping[int, tuple[str, ...]]:
    """Bands and layers by resolution that a complete compact product of a level and baseline has.

    What a given product really has is said by `io.product.Product.images`; this table is for promises made before one
    is at hand. It was checked against real manifests of L1C 02.01 to 05.09 and L2A 02.07 to 05.09.
    """
    if level is Level.L1C:
        native = {res: tuple(name for name, band in BANDS.items() if band.resolution_m == res) for res in (10, 20, 60)}
        return MappingProxyType({10: (*native[10], "TCI"), 20: native[20], 60: native[60]})
    b01 = ("B01",) if baseline >= _B01_AT_20M_SINCE else ()
    vis = ("VIS",) if baseline <= _VISIBILITY_UNTIL else ()
    more = ("SCL", "TCI", "AOT", "WVP")
    return MappingProxyType(
        {
            10: (*L2A_BANDS[10], "TCI", "AOT", "WVP"),
            20: (*b01, *L2A_BANDS[20], *more, *vis),
            60: (*L2A_BANDS[60], *more),
        }
    )
