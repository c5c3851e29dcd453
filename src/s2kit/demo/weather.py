"""Sun, clouds and air over an invented landscape, and what a sensor above them measures."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2kit.demo.landscape import PIXEL_M, Cover, Landscape
from s2kit.demo.noise import block_mean, fractal, smoothstep, softened
from s2kit.demo.spectra import BAND_NAMES, Palette

Floats = NDArray[np.float32]

SWATH_SLANT = 0.26
"""How far the western edge of a swath moves west on the way south, at about 44 degrees north."""
_CLOUD_BASE_M = 1300.0
# reflectance of a thick cumulus and of thin cirrus; the air's path reflectance and two-way transmittance on a clear day
_CUMULUS = (0.66, 0.64, 0.62, 0.62, 0.62, 0.63, 0.64, 0.64, 0.64, 0.50, 0.30, 0.47, 0.38)
_CIRRUS = (0.26, 0.25, 0.24, 0.24, 0.24, 0.24, 0.25, 0.25, 0.25, 0.22, 0.20, 0.17, 0.13)
_PATH = (0.105, 0.068, 0.037, 0.021, 0.017, 0.013, 0.010, 0.008, 0.007, 0.005, 0.0012, 0.002, 0.001)
_CLEARNESS = (0.74, 0.80, 0.86, 0.91, 0.92, 0.92, 0.94, 0.94, 0.97, 0.42, 0.006, 0.95, 0.93)


class Sun(NamedTuple):
    """Where the sun stands."""

    zenith_deg: float
    """0 overhead, 90 at the horizon."""
    azimuth_deg: float
    """Clockwise from north."""


def sun_position(when: datetime, lon: float, lat: float) -> Sun:
    """Position of the sun to about 0.3 degrees.

    Spencer, Fourier series representation of the position of the sun, Search 2 (5), 1971.

    Args:
        when: An aware time.
        lon: Degrees east.
        lat: Degrees north.
    """
    utc = when.utctimetuple()
    hours = utc.tm_hour + utc.tm_min / 60 + utc.tm_sec / 3600
    day = 2 * math.pi * (utc.tm_yday - 1 + (hours - 12) / 24) / 365
    declination = (
        0.006918
        - 0.399912 * math.cos(day)
        + 0.070257 * math.sin(day)
        - 0.006758 * math.cos(2 * day)
        + 0.000907 * math.sin(2 * day)
        - 0.002697 * math.cos(3 * day)
        + 0.00148 * math.sin(3 * day)
    )
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(day)
        - 0.032077 * math.sin(day)
        - 0.014615 * math.cos(2 * day)
        - 0.040849 * math.sin(2 * day)
    )
    hour_angle = math.radians((hours * 60 + equation_min + 4 * lon) / 4 - 180)
    phi = math.radians(lat)
    up = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    zenith = math.acos(min(max(up, -1.0), 1.0))
    azimuth = math.atan2(
        math.sin(hour_angle), math.cos(hour_angle) * math.sin(phi) - math.tan(declination) * math.cos(phi)
    )
    return Sun(math.degrees(zenith), (math.degrees(azimuth) + 180) % 360)


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """What stands between the land and the sensor at one moment; all `[row, col]` at 10 m."""

    sun: Sun
    cloud: Floats
    """Opacity of cumulus, 0 to 1."""
    puff: Floats
    """Brightness of the cloud tops, about 1."""
    cirrus: Floats
    """Opacity of thin high cloud, 0 to 1."""
    shadow: Floats
    """Share of direct sunlight that clouds keep from the ground, 0 to 1."""
    lit: Floats
    """Sunlight on the slope against that on flat land, about 1."""
    seen: NDArray[np.bool_]
    """True inside the swath."""


def make_sky(land: Landscape, sun: Sun, *, seed: int, cloudiness: float, swath_gap: float) -> Sky:
    """Invent the sky of one moment.

    Args:
        land: The land below.
        sun: Where the sun stands.
        seed: The same seed gives the same clouds.
        cloudiness: 0 for a clear sky, about 0.1 for scattered cumulus.
        swath_gap: Width of the land outside the swath along the northern edge, as a share of the side.
    """
    side = land.side
    down, right = np.gradient(land.height_m, PIXEL_M)
    zenith, azimuth = math.radians(sun.zenith_deg), math.radians(sun.azimuth_deg)
    slope_to_sun = -(right * math.sin(azimuth) - down * math.cos(azimuth))
    lit = (1 + slope_to_sun * math.tan(zenith)) / np.sqrt(1 + down**2 + right**2)
    nothing = np.zeros((side, side), np.float32)
    cloud, puff, cirrus = nothing, nothing + 1, nothing
    if cloudiness > 0:
        cloud, puff, cirrus = _clouds(side, np.random.default_rng([seed, side, 2]), cloudiness)
    reach = _CLOUD_BASE_M * math.tan(zenith) / PIXEL_M
    shift = (round(reach * math.cos(azimuth)), round(-reach * math.sin(azimuth)))  # away from the sun; rows go south
    shadow = softened(softened(_shifted(cloud, *shift)))
    rows = np.arange(side)[:, None]
    cols = np.arange(side)[None, :]
    seen = cols >= swath_gap * side - rows * SWATH_SLANT if swath_gap > 0 else np.ones((side, side), bool)
    return Sky(sun, cloud, puff, cirrus, shadow, np.clip(lit, 0.4, 1.6).astype(np.float32), seen)


def _clouds(side: int, rng: np.random.Generator, cloudiness: float) -> tuple[Floats, Floats, Floats]:
    """Opacity of cumulus, brightness of its tops, opacity of cirrus."""
    weather, billows, wisps = fractal(side, 4.0, rng), fractal(side, 3.1, rng, 150.0), fractal(side, 3.2, rng)
    depth = billows + np.float32(0.85) * weather
    edge = float(np.quantile(depth[::7, ::7], 1 - cloudiness))
    cloud = smoothstep(softened(depth), edge - 0.15, edge + 0.4)
    down, right = np.gradient(softened(softened(depth)))
    puff = (0.88 + np.clip(1.6 * (right - down), -0.2, 0.16) + 0.09 * (depth - edge)).astype(np.float32)
    streaks = np.roll(wisps, side // 2, axis=0) + np.float32(0.5) * np.roll(weather, side // 3, axis=1)
    high = float(np.quantile(streaks[::7, ::7], 1 - cloudiness * 0.5))
    return cloud, np.clip(puff, 0.75, 1.25), np.float32(0.45) * smoothstep(streaks, high, high + 0.9)


def _shifted(image: Floats, rows: int, cols: int) -> Floats:
    """The image moved down and right, zero where nothing came in."""
    side = len(image)
    moved = np.zeros_like(image)
    moved[max(0, rows) : side + min(0, rows), max(0, cols) : side + min(0, cols)] = image[
        max(0, -rows) : side - max(0, rows), max(0, -cols) : side - max(0, cols)
    ]
    return moved


def at_ground(land: Landscape, colours: Palette, sky: Sky, band: int) -> Floats:
    """Reflectance `[row, col]` at 10 m as the ground processor gives it: clouds and shadows included, air removed.

    Args:
        land: The land.
        colours: Its spectra on the day.
        sky: Clouds, sun and swath of the moment.
        band: Index into `BAND_NAMES`.
    """
    rho = colours.rho[band][land.surface] + colours.rho_vigour[band][land.surface] * land.vigour
    rho *= (1 + colours.grain[land.surface] * land.grain) * (1 + np.float32(0.8) * (sky.lit - 1))
    skylight = np.float32(0.42 - 0.025 * band)
    rho = softened(np.maximum(rho, np.float32(0.0008))) * (1 - (1 - skylight) * sky.shadow)
    if sky.cloud.any():
        rho = rho * (1 - sky.cirrus) + sky.cirrus * np.float32(_CIRRUS[band])
        rho = rho * (1 - sky.cloud) + sky.cloud * sky.puff * np.float32(_CUMULUS[band])
    return rho.astype(np.float32)


def at_sensor(rho: Floats, sky: Sky, band: int) -> Floats:
    """Top-of-atmosphere reflectance of what `at_ground` gives; high clouds have less air above them."""
    veil = np.maximum(sky.cloud, sky.cirrus)
    clearness = np.float32(_CLEARNESS[band])
    through = clearness + (np.float32(1) - clearness) * veil * np.float32(0.3 if BAND_NAMES[band] != "B10" else 0.04)
    seen = rho * through + np.float32(_PATH[band]) * (1 - np.float32(0.6) * veil)
    if BAND_NAMES[band] == "B10":  # water vapour hides the ground, cirrus floats above it
        seen = seen + sky.cirrus * np.float32(0.08)
    return np.asarray(seen, np.float32)


def classify(land: Landscape, colours: Palette, sky: Sky) -> NDArray[np.uint8]:
    """Scene classification `[row, col]` at 20 m with Sen2Cor's codes (Level-2A ATBD, S2-PDGS-MPC-ATBD-L2A).

    0 no data, 2 dark, 3 cloud shadow, 4 vegetation, 5 bare, 6 water, 7 unclassified, 8 and 9 cloud, 10 thin cirrus.
    """
    surface = land.surface[::2, ::2]
    scl = np.where(colours.vegetated[surface], 4, 5).astype(np.uint8)
    scl[(surface == Cover.RIVER) | (surface == Cover.LAKE)] = 6
    scl[surface == Cover.CONIFER] = np.where(block_mean(sky.lit, 2)[surface == Cover.CONIFER] < 0.93, 2, 4)
    scl[(surface == Cover.BRIGHT_ROOF)] = 7
    cloud, shadow, cirrus = (block_mean(part, 2) for part in (sky.cloud, sky.shadow, sky.cirrus))
    scl[shadow > 0.3] = 3
    scl[cirrus > 0.12] = 10
    scl[cloud > 0.15] = 8
    scl[cloud > 0.55] = 9
    scl[~sky.seen[::2, ::2] | ~sky.seen[1::2, 1::2] | ~sky.seen[::2, 1::2] | ~sky.seen[1::2, ::2]] = 0
    return scl
