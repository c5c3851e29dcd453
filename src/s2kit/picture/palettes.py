"""Colours of values: palettes of indices and of the scene classes, as 256 colours of which the first is no data.

The tables are the anchor colours of ColorBrewer 2.0 (Cynthia Brewer, Mark Harrower and The Pennsylvania State
University, colorbrewer2.org, Apache-2.0), scheme and number of classes as noted; colours between them are interpolated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from s2kit.product.scl import SCENE_CLASSES

_ANCHORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "vegetation": (  # from -0.2 in steps of 0.1: water blue, clouds and snow white at 0, soil sandy, plants green
            "Blues, BrBG, RdYlGn, Greens",
            "3182bd 9ecae1 f7f7f7 f6e8c3 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837 00572c 00441b",
        ),
        "burn": ("RdYlGn 11", "a50026 d73027 f46d43 fdae61 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837"),
        "moisture": ("BrBG 11", "543005 8c510a bf812d dfc27d f6e8c3 f5f5f5 c7eae5 80cdc1 35978f 01665e 003c30"),
        "water": ("BrBG 11, RdBu 11", "8c510a bf812d dfc27d f6e8c3 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061"),
        "snow": ("Blues 9", "08306b 08519c 2171b5 4292c6 6baed6 9ecae1 c6dbef deebf7 f7fbff"),
        "plain": ("YlGnBu 9", "ffffd9 edf8b1 c7e9b4 7fcdbb 41b6c4 1d91c0 225ea8 253494 081d58"),
        "built": ("PuOr 11", "2d004b 542788 8073ac b2abd2 d8daeb f7f7f7 fee0b6 fdb863 e08214 b35806 7f3b08"),
    }
)
STEPS = 255
"""Colours of values; byte 0 is no data."""

Palette = NDArray[np.uint8]
"""`[256, 3]`: red, green and blue of each byte; byte 0 is no data and black."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of a legend."""

    label: str
    colour: tuple[int, int, int]


def palette(name: str) -> Palette:
    """The 256 colours of a palette's name.

    Raises:
        KeyError: There is no such palette.
    """
    words = _ANCHORS[name][1].split()
    anchors = np.array([[int(word[at : at + 2], 16) for at in (0, 2, 4)] for word in words], dtype=np.float64)
    places = np.linspace(0, len(words) - 1, STEPS)
    colours = np.zeros((STEPS + 1, 3), np.uint8)
    for channel in range(3):
        colours[1:, channel] = np.rint(np.interp(places, np.arange(len(words)), anchors[:, channel]))
    return colours


def palette_source(name: str) -> str:
    """The scheme that a palette is, for tags and documentation."""
    return f"ColorBrewer 2.0 {_ANCHORS[name][0]}"


def scene_palette() -> Palette:
    """The colours of the scene classes (SCL) by code; codes that do not exist are grey."""
    colours = np.full((STEPS + 1, 3), 160, np.uint8)
    for code, entry in SCENE_CLASSES.items():
        colours[code] = entry.colour
    return colours


def to_steps(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """Bytes of values: `low` and less is 1, `high` and more is 255, NaN is 0."""
    scaled = (values - np.float32(low)) * np.float32((STEPS - 1) / (high - low)) + np.float32(1.5)
    steps: NDArray[np.uint8] = np.nan_to_num(np.clip(scaled, 1, STEPS), nan=0).astype(np.uint8)
    return steps


def value_of(step: int, low: float, high: float) -> float:
    """The value in the middle of those that became a byte between 1 and 255."""
    return low + (step - 1) / (STEPS - 1) * (high - low)


def value_legend(name: str, low: float, high: float, count: int = 7) -> tuple[LegendEntry, ...]:
    """Values from low to high with their colours."""
    colours = palette(name)
    entries = []
    for value in np.linspace(low, high, count):
        step = int(to_steps(np.array([value], np.float32), low, high)[0])
        entries.append(LegendEntry(f"{round(value, 2) + 0.0:.2f}", _rgb(colours[step])))
    return tuple(entries)


def scene_legend() -> tuple[LegendEntry, ...]:
    """The scene classes with their colours."""
    return tuple(LegendEntry(f"{code} {entry.name}", entry.colour) for code, entry in SCENE_CLASSES.items())


def legend_text(entries: tuple[LegendEntry, ...]) -> str:
    """A legend as one line of text, for tags: `-0.20 #a50026; …`."""
    return "; ".join(
        f"{entry.label} #{entry.colour[0]:02x}{entry.colour[1]:02x}{entry.colour[2]:02x}" for entry in entries
    )


def legend_svg(title: str, entries: tuple[LegendEntry, ...]) -> str:
    """A legend as a small SVG picture."""
    from xml.sax.saxutils import escape

    line_px, swatch_px, width_px = 22, 18, 340
    rows = [
        f'<rect x="12" y="{40 + at * line_px}" width="{2 * swatch_px}" height="{swatch_px}" stroke="#888" '
        f'fill="rgb{entry.colour}"/>'
        f'<text x="{24 + 2 * swatch_px}" y="{54 + at * line_px}">{escape(entry.label)}</text>'
        for at, entry in enumerate(entries)
    ]
    height = 52 + len(entries) * line_px
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{height}" '
        'font-family="sans-serif" font-size="14">'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="26" font-weight="bold">{escape(title)}</text>'
        f"{''.join(rows)}</svg>\n"
    )


def _rgb(colour: NDArray[np.uint8]) -> tuple[int, int, int]:
    red, green, blue = (int(channel) for channel in colour)
    return red, green, blue
