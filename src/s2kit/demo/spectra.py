"""What surfaces reflect in the thirteen bands, and how that changes through the year.

Reflectances at the ground are rounded from what is commonly published for such surfaces (the USGS Spectral Library
Version 7, Data Series 1035, averaged over the bands of Sentinel-2A); the year is that of south-western France.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2kit.demo.farmland import FIRST_PARCEL, Crop, FarmParcel
from s2kit.demo.landscape import Cover

Floats = NDArray[np.float32]

BAND_NAMES = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""In the order of `bandId` in the metadata."""

_ENDMEMBERS = {
    "clay": (0.068, 0.082, 0.112, 0.146, 0.170, 0.190, 0.208, 0.226, 0.244, 0.252, 0.25, 0.325, 0.285),
    "loam": (0.105, 0.130, 0.175, 0.220, 0.245, 0.266, 0.286, 0.306, 0.325, 0.333, 0.33, 0.405, 0.355),
    "crop": (0.018, 0.025, 0.056, 0.025, 0.085, 0.300, 0.415, 0.448, 0.468, 0.470, 0.30, 0.200, 0.090),
    "straw": (0.060, 0.082, 0.135, 0.182, 0.218, 0.268, 0.298, 0.325, 0.345, 0.350, 0.34, 0.365, 0.245),
    "bloom": (0.030, 0.043, 0.158, 0.142, 0.205, 0.335, 0.400, 0.435, 0.450, 0.452, 0.30, 0.225, 0.125),
    "grass": (0.025, 0.035, 0.073, 0.047, 0.112, 0.258, 0.330, 0.360, 0.380, 0.382, 0.28, 0.225, 0.120),
    "leaf": (0.015, 0.020, 0.041, 0.022, 0.066, 0.235, 0.315, 0.345, 0.365, 0.368, 0.25, 0.155, 0.070),
    "needle": (0.012, 0.016, 0.027, 0.018, 0.040, 0.112, 0.142, 0.160, 0.170, 0.172, 0.12, 0.082, 0.036),
    "river": (0.046, 0.056, 0.078, 0.058, 0.046, 0.023, 0.020, 0.016, 0.013, 0.011, 0.005, 0.006, 0.004),
    "lake": (0.030, 0.036, 0.042, 0.022, 0.017, 0.011, 0.009, 0.008, 0.006, 0.005, 0.003, 0.003, 0.002),
    "gravel": (0.150, 0.180, 0.220, 0.245, 0.258, 0.270, 0.280, 0.292, 0.300, 0.302, 0.29, 0.320, 0.290),
    "asphalt": (0.078, 0.088, 0.100, 0.110, 0.115, 0.120, 0.126, 0.132, 0.136, 0.137, 0.13, 0.155, 0.145),
    "tile": (0.066, 0.082, 0.118, 0.186, 0.216, 0.232, 0.246, 0.262, 0.276, 0.280, 0.27, 0.330, 0.300),
    "metal": (0.270, 0.310, 0.332, 0.342, 0.350, 0.355, 0.362, 0.370, 0.375, 0.375, 0.35, 0.325, 0.275),
    "chalk": (0.125, 0.152, 0.192, 0.230, 0.250, 0.265, 0.280, 0.296, 0.310, 0.312, 0.31, 0.365, 0.325),
}
_SPECTRA = {name: np.array(values, np.float64) for name, values in _ENDMEMBERS.items()}

_COVERS: dict[Cover, dict[str, float]] = {
    Cover.RIVER: {"river": 1.0},
    Cover.LAKE: {"lake": 1.0},
    Cover.GRAVEL: {"gravel": 1.0},
    Cover.DECIDUOUS: {"leaf": 1.0},
    Cover.CONIFER: {"needle": 1.0},
    Cover.GRASS: {"grass": 0.9, "clay": 0.1},
    Cover.ROAD: {"asphalt": 0.85, "grass": 0.15},
    Cover.TRACK: {"chalk": 0.55, "grass": 0.45},
    Cover.ROOF: {"tile": 0.75, "asphalt": 0.25},
    Cover.BRIGHT_ROOF: {"metal": 1.0},
    Cover.GARDEN: {"grass": 0.5, "leaf": 0.35, "tile": 0.15},
}


class _Season(NamedTuple):
    """Days of the year between which a canopy closes, opens and ripens."""

    sown: float
    closed: float
    ripening: float
    ripe: float
    most: float = 0.95
    """Share of the ground that the canopy covers at its best."""
    straw: float = 0.85
    """Share that ripe straw covers."""
    bloom: tuple[float, float] | None = None
    """Middle and half width of the flowering that is seen from above."""


_SEASONS = {
    Crop.WHEAT: _Season(40, 105, 152, 178),
    Crop.BARLEY: _Season(35, 98, 135, 158),
    Crop.RAPE: _Season(20, 85, 145, 175, bloom=(108, 14)),
    Crop.MAIZE: _Season(120, 176, 250, 285),
    Crop.SUNFLOWER: _Season(112, 168, 222, 250, most=0.85),
    Crop.SOY: _Season(128, 184, 245, 270, most=0.9),
    Crop.MEADOW: _Season(30, 100, 160, 215, most=0.9, straw=0.45),
    Crop.VINEYARD: _Season(105, 170, 270, 305, most=0.42, straw=0.1),
    Crop.ORCHARD: _Season(80, 125, 280, 315, most=0.62, straw=0.05),
}
_COVER_VIGOUR = {Cover.DECIDUOUS: 0.16, Cover.CONIFER: 0.1, Cover.GRASS: 0.2, Cover.GARDEN: 0.2}
_COVER_GRAIN = {
    Cover.RIVER: 0.02,
    Cover.LAKE: 0.02,
    Cover.DECIDUOUS: 0.11,
    Cover.CONIFER: 0.13,
    Cover.ROOF: 0.16,
    Cover.GARDEN: 0.14,
}


class Palette(NamedTuple):
    """What each surface reflects on one day; all arrays are indexed by the surface's number."""

    rho: Floats
    """`[band, surface]`: reflectance at the ground."""
    rho_vigour: Floats
    """`[band, surface]`: what one standard deviation of `Landscape.vigour` adds."""
    grain: Floats
    """`[surface]`: relative brightness that one standard deviation of `Landscape.grain` adds."""
    vegetated: NDArray[np.bool_]
    """`[surface]`: True where the NDVI is above 0.4."""


def palette(parcels: Sequence[FarmParcel], day_of_year: float) -> Palette:
    """Spectra of all surfaces of a landscape on a day.

    Args:
        parcels: The fields, in order.
        day_of_year: 1 for 1 January.
    """
    size = FIRST_PARCEL + len(parcels)
    rho = np.zeros((len(BAND_NAMES), size))
    vigour = np.zeros_like(rho)
    grain = np.full(size, 0.03)
    for cover, shares in _COVERS.items():
        rho[:, cover] = _mixed(shares)
        grain[cover] = _COVER_GRAIN.get(cover, 0.06)
        if cover in _COVER_VIGOUR:
            vigour[:, cover] = _COVER_VIGOUR[cover] * 0.5 * (_SPECTRA["leaf"] - 0.6 * _SPECTRA["grass"])
    for parcel in parcels:
        shares = canopy(parcel, day_of_year)
        at = FIRST_PARCEL + parcel.number
        rho[:, at] = _mixed(shares)
        soil = parcel.soil * _SPECTRA["loam"] + (1 - parcel.soil) * _SPECTRA["clay"]
        green = shares["crop"] + shares["grass"]
        vigour[:, at] = 0.16 * green * (_SPECTRA["crop"] - soil) - 0.05 * (1 - green) * soil
        grain[at] = 0.07 if parcel.crop in (Crop.VINEYARD, Crop.ORCHARD) else 0.028
    ndvi = (rho[7] - rho[3]) / np.maximum(rho[7] + rho[3], 1e-9)
    return Palette(rho.astype(np.float32), vigour.astype(np.float32), grain.astype(np.float32), ndvi > 0.4)


def canopy(parcel: FarmParcel, day_of_year: float) -> dict[str, float]:
    """Shares of a field's ground, seen from above, that are crop, grass, bloom, straw and soil; their sum is 1."""
    season = _SEASONS[parcel.crop]
    day = day_of_year - parcel.days_late
    grown = _ramp(day, season.sown, season.closed) * min(season.most * parcel.fullness, 0.97)
    ripe = _ramp(day, season.ripening, season.ripe)
    bloom = 0.0
    if season.bloom is not None:
        middle, half = season.bloom
        bloom = 0.75 * max(0.0, 1 - ((day - middle) / half) ** 2)
    green, straw = grown * (1 - ripe), grown * ripe * season.straw / season.most
    leaf = "grass" if parcel.crop is Crop.MEADOW else "crop"
    bare = max(0.0, 1 - green - straw)
    shares = {"crop": 0.0, "grass": 0.0, "bloom": green * bloom, "straw": straw}
    shares[leaf] = green * (1 - bloom)
    shares["loam"], shares["clay"] = bare * parcel.soil, bare * (1 - parcel.soil)
    return shares


def _mixed(shares: dict[str, float]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.sum([share * _SPECTRA[name] for name, share in shares.items()], axis=0)
    return total


def _ramp(day: float, start: float, end: float) -> float:
    share = min(max((day - start) / (end - start), 0.0), 1.0)
    return share * share * (3 - 2 * share)
