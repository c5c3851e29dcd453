"""The scene classification layer (SCL) of L2A products: what its codes mean and which of them are clear.

Codes, names and the customary colours: ESA, *Sentinel-2 Level-2A Algorithm Theoretical Basis Document*
(S2-PDGS-MPC-ATBD-L2A), section 3 "Scene classification", and the PSD (S2-PDGS-TAS-DI-PSD), table of the SCL layer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from s2kit.errors import InputError


@dataclass(frozen=True, slots=True)
class SceneClass:
    """One code of the SCL layer."""

    code: int
    name: str
    colour: tuple[int, int, int]
    """Red, green, blue, 0 to 255."""


SCENE_CLASSES: Mapping[int, SceneClass] = MappingProxyType(
    {
        entry.code: entry
        for entry in (
            SceneClass(0, "no data", (0, 0, 0)),
            SceneClass(1, "saturated or defective", (255, 0, 0)),
            SceneClass(2, "dark area or topographic shadow", (47, 47, 47)),
            SceneClass(3, "cloud shadow", (100, 50, 0)),
            SceneClass(4, "vegetation", (0, 160, 0)),
            SceneClass(5, "not vegetated", (255, 230, 90)),
            SceneClass(6, "water", (0, 0, 255)),
            SceneClass(7, "unclassified", (128, 128, 128)),
            SceneClass(8, "cloud, medium probability", (192, 192, 192)),
            SceneClass(9, "cloud, high probability", (255, 255, 255)),
            SceneClass(10, "thin cirrus", (100, 200, 255)),
            SceneClass(11, "snow or ice", (255, 150, 255)),
        )
    }
)
"""The twelve classes by code."""

NO_DATA = 0
CLOUDY = frozenset({3, 8, 9, 10})
"""Clouds, cirrus and their shadows: what `cloud_share` counts."""
CLEAR = frozenset({2, 4, 5, 6, 7})
"""Classes in which the ground is seen: all but no data, saturated, cloud and its shadow, cirrus and snow."""


def class_name(code: int) -> str:
    """The name of a code; codes that do not exist (resampled layers have them) are named `code N (unknown)`."""
    entry = SCENE_CLASSES.get(code)
    return entry.name if entry else f"code {code} (unknown)"


def parse_classes(text: str) -> frozenset[int]:
    """Read a list of codes such as `3,8,9,10` or `3_8_9_10`.

    Raises:
        InputError: A part is not a code from 0 to 11.
    """
    codes = set()
    for part in text.replace("_", ",").split(","):
        word = part.strip()
        if not word.isdecimal() or int(word) not in SCENE_CLASSES:
            raise InputError(
                f"SCL class {word!r} of {text!r} does not exist", "take codes from 0 to 11, as in 3,8,9,10"
            )
        codes.add(int(word))
    return frozenset(codes)


def share_of(histogram: Mapping[int, int], classes: Iterable[int]) -> float | None:
    """The share (0 to 1) of the pixels of a histogram that fall in some classes; no data does not count.

    Returns:
        None where the histogram holds no pixel but no data.
    """
    total = sum(count for code, count in histogram.items() if code != NO_DATA)
    if not total:
        return None
    return sum(histogram.get(code, 0) for code in classes if code != NO_DATA) / total


def unknown_codes(histogram: Mapping[int, int]) -> tuple[int, ...]:
    """The codes of a histogram that no class has, in order."""
    return tuple(sorted(code for code in histogram if code not in SCENE_CLASSES))
