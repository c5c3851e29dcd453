"""Sun, clouds and air: against an almanac, and against what they must do to each other."""

from datetime import UTC, datetime

import numpy as np
import pytest

from s2kit.demo.landscape import Landscape, make_landscape
from s2kit.demo.spectra import BAND_NAMES, palette
from s2kit.demo.weather import Sky, Sun, at_ground, at_sensor, classify, make_sky, sun_position

B10 = BAND_NAMES.index("B10")


@pytest.fixture(scope="module")
def land() -> Landscape:
    return make_landscape(7, 600)


@pytest.fixture(scope="module")
def cloudy(land: Landscape) -> Sky:
    return make_sky(land, Sun(26.0, 138.0), seed=8, cloudiness=0.15, swath_gap=0.16)


@pytest.fixture(scope="module")
def clear(land: Landscape) -> Sky:
    return make_sky(land, Sun(26.0, 138.0), seed=8, cloudiness=0.0, swath_gap=0.0)


@pytest.mark.parametrize(
    ("when", "lon", "lat", "zenith", "azimuth"),
    [  # overhead at the equinox; the longest day at the tropic; mean angles of two real tiles' metadata
        (datetime(2024, 3, 20, 12, 7, tzinfo=UTC), 0.0, 0.0, 0.3, None),
        (datetime(2024, 6, 20, 12, 2, tzinfo=UTC), 0.0, 23.44, 0.3, None),
        (datetime(2022, 10, 5, 11, 56, 49, tzinfo=UTC), -8.2, 52.8, 57.82, 172.84),
        (datetime(2018, 1, 1, 10, 54, 35, tzinfo=UTC), 2.44, 42.85, 67.035, 166.33),
    ],
)
def test_sun(when: datetime, lon: float, lat: float, zenith: float, azimuth: float | None) -> None:
    sun = sun_position(when, lon, lat)
    assert sun.zenith_deg == pytest.approx(zenith, abs=0.5)
    assert azimuth is None or sun.azimuth_deg == pytest.approx(azimuth, abs=1.0)


def test_a_clear_sky_is_empty(clear: Sky) -> None:
    assert not clear.cloud.any()
    assert not clear.shadow.any()
    assert clear.seen.all()


def test_clouds_cover_what_was_asked_for(cloudy: Sky) -> None:
    assert (cloudy.cloud > 0.5).mean() == pytest.approx(0.12, abs=0.05)


def test_shadows_lie_away_from_the_sun(cloudy: Sky) -> None:
    rows, cols = np.nonzero(cloudy.cloud > 0.9)
    reach = 1300 * np.tan(np.radians(26.0)) / 10
    at = np.round(rows + reach * np.cos(np.radians(138.0))).astype(int)  # north-west, rows count to the south
    to = np.round(cols - reach * np.sin(np.radians(138.0))).astype(int)
    inside = (at >= 1) & (to >= 1)
    assert cloudy.shadow[at[inside], to[inside]].mean() > 0.8


def test_slopes_to_the_sun_are_brighter(land: Landscape, clear: Sky) -> None:
    down, right = np.gradient(land.height_m, 10.0)
    facing = right * -np.sin(np.radians(138.0)) + down * np.cos(np.radians(138.0))
    assert np.corrcoef(facing.ravel(), clear.lit.ravel())[0, 1] > 0.9


def test_air_brightens_blue_and_hides_the_ground_in_b10(land: Landscape, clear: Sky) -> None:
    colours = palette(land.parcels, 110)
    ground, blue = at_ground(land, colours, clear, B10), at_ground(land, colours, clear, 1)
    assert at_sensor(ground, clear, B10).max() < 0.01
    assert np.median(at_sensor(blue, clear, 1)) > np.median(blue) + 0.03


def test_classes_follow_clouds_shadows_and_swath(land: Landscape, cloudy: Sky) -> None:
    scl = classify(land, palette(land.parcels, 167), cloudy)
    assert scl.shape == (300, 300)
    assert np.isin(scl[cloudy.cloud[::2, ::2] > 0.98], (0, 8, 9)).all()
    assert np.isin(scl[~cloudy.seen[::2, ::2]], (0,)).all()
    assert (scl == 3).mean() > 0.03
    assert {0, 3, 4, 5, 6, 8, 9} <= set(np.unique(scl).tolist())
