"""Three bands that people know by a name. Pure, and light enough for the completion of a shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Recipe:
    """Three bands that people know by a name."""

    name: str
    bands: tuple[str, str, str]
    """Red, green and blue of the picture."""
    shows: str
    source: str


_CUSTOM_SCRIPTS = "Sentinel Hub custom scripts for Sentinel-2 (custom-scripts.sentinel-hub.com), composites"
_ESRI = "Esri, ArcGIS Living Atlas, raster functions of the Sentinel-2 imagery layer"

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe("true-color", ("B04", "B03", "B02"), "what an eye would see", _CUSTOM_SCRIPTS),
            Recipe("false-color", ("B08", "B04", "B03"), "plants in red", _CUSTOM_SCRIPTS),
            Recipe("false-color-urban", ("B12", "B11", "B04"), "towns against vegetation", _CUSTOM_SCRIPTS),
            Recipe("swir", ("B12", "B8A", "B04"), "water in plants and soil, burnt land, fires", _CUSTOM_SCRIPTS),
            Recipe("agriculture", ("B11", "B08", "B02"), "crops and their vigour", _ESRI),
            Recipe("healthy-vegetation", ("B08", "B11", "B02"), "vigorous plants in red", _ESRI),
            Recipe("geology", ("B12", "B11", "B02"), "kinds of rock, faults", _ESRI),
            Recipe("land-water", ("B08", "B11", "B04"), "shores, water in blue, plants in orange", _ESRI),
            Recipe("atmospheric", ("B12", "B11", "B8A"), "through haze and smoke", _ESRI),
            Recipe("bathymetric", ("B04", "B03", "B01"), "shallow water", _ESRI),
            Recipe("snow-clouds", ("B02", "B11", "B12"), "snow in red, clouds in white", _CUSTOM_SCRIPTS),
        )
    }
)
"""All recipes by name."""
