"""What a picture shows: bands, an index or a recipe, each with the resolution it is wanted at.

Pure: no input or output.
"""

import difflib
from dataclasses import dataclass, replace

from s2kit.errors import InputError, UsageError
from s2kit.picture.indices import INDICES, find_index
from s2kit.picture.recipes import RECIPES
from s2kit.product.bands import LAYERS, normal_band

RESOLUTIONS = (10, 20, 30, 60)
"""Resolutions in metres that products have: Sentinel-2 10, 20 and 60, Landsat 30."""


NATURAL = frozenset(
    {("B04", "B03", "B02"), ("B04", "B03", "B01"), ("red", "green", "blue"), ("red", "green", "coastal")}
)
"""Bands whose picture looks natural only if all three share one pair of stretch limits."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What one picture shows."""

    name: str
    """For file names: `B04-B03-B02`, `true-color`, `ndvi`, `SCL`."""
    bands: tuple[str, ...]
    """Bands or layers: one (grey) or three (red, green, blue) of a picture, any number of data; an index's own."""
    index: str | None = None
    """What `find_index` reads: a name, or `name=formula`; None for bands as they are."""
    resolution_m: int | None = None
    """10, 20, 30 or 60; None for the coarsest native one among the bands."""

    @property
    def is_layer(self) -> bool:
        """True for a single image of the product that is no spectral band."""
        return len(self.bands) == 1 and self.bands[0] in LAYERS

    def at(self, resolution_m: int | None) -> "Subject":
        """The subject at a resolution, unless it names its own."""
        return (
            self if self.resolution_m is not None or resolution_m is None else replace(self, resolution_m=resolution_m)
        )


def parse_bands(text: str) -> Subject:
    """Read `B04,B03,B02`, `nir,red@20`, `B8A@60`, `TCI` or a recipe's name with `@RES`.

    Raises:
        InputError: A band or a resolution that does not exist, a layer that is a picture among other bands.
    """
    words, resolution_m = _split(text)
    if words.lower() in RECIPES:
        return replace(find_recipe(words), resolution_m=resolution_m)
    names = tuple(normal_band(word) for word in words.split(",") if word.strip())
    if not names:
        raise InputError(f"{text!r} names no band", "as in B04,B03,B02 or B04,B03,B02@20")
    check_layers(names, text)
    return Subject("-".join(names), names, resolution_m=resolution_m)


def check_layers(names: tuple[str, ...], text: str) -> None:
    """Raise `InputError` if a layer that is a picture by itself is named among other bands."""
    for name in names:
        if len(names) > 1 and name in {"SCL", "TCI", "PVI"}:
            raise InputError(
                f"bands {text!r}: {name} is a picture by itself and cannot be one of several", "name it alone"
            )


def parse_index(text: str) -> Subject:
    """Read `ndvi`, `ndvi@20` or a formula as `name=(nir-red)/(nir+red)@20`.

    Raises:
        InputError: There is no such index, or the resolution is none.
    """
    words, resolution_m = _split(text)
    index = find_index(words)
    return Subject(index.name, index.bands, index.spec, resolution_m)


def parse_recipe(text: str) -> Subject:
    """Read `true-color` or `true-color@20`.

    Raises:
        InputError: There is no such recipe, or the resolution is none.
    """
    words, resolution_m = _split(text)
    return replace(find_recipe(words), resolution_m=resolution_m)


def find_recipe(name: str) -> Subject:
    """The subject of a recipe's name, in any case; `colour` is understood, and an underscore for a hyphen.

    Raises:
        InputError: There is none.
    """
    key = name.strip().lower().replace("_", "-").replace("colour", "color")
    recipe = RECIPES.get(key)
    if recipe is None:
        near = difflib.get_close_matches(key, [*RECIPES, *INDICES], 1)
        hint = f"did you mean {'--index ' if near and near[0] in INDICES else ''}{near[0]}? " if near else ""
        raise InputError(f"there is no recipe {name!r}", f"{hint}recipes are {', '.join(RECIPES)}")
    return Subject(recipe.name, recipe.bands)


def parse_resolution(text: str) -> int:
    """Read `10`, `20`, `30` or `60`, also with an `m` behind it.

    Raises:
        InputError: Any other text.
    """
    word = text.strip().lower().removesuffix("m")
    if word not in {str(res) for res in RESOLUTIONS}:
        raise InputError(f"resolution {text!r} is none that products have", "take 10, 20, 30 or 60")
    return int(word)


def allowed_resolution(value: int | None) -> int | None:
    """A resolution that was asked for, if it is one.

    Raises:
        UsageError: No product has such a resolution.
    """
    if value is not None and value not in RESOLUTIONS:
        raise UsageError(f"there is no resolution {value}", "take --res 10, 20, 30 or 60")
    return value


def _split(text: str) -> tuple[str, int | None]:
    words, at, resolution = text.strip().partition("@")
    if not words:
        raise InputError(f"{text!r} names no band", "as in B04,B03,B02 or B04,B03,B02@20")
    return words, parse_resolution(resolution) if at else None
