"""s2kit: find, download, check, render, cut and read Sentinel-2 imagery.

>>> import s2kit
>>> product = s2kit.open("S2A_MSIL2A_….SAFE")
>>> red = product.read("B04", bbox=(1.4, 43.5, 1.5, 43.6))

Nothing heavy is loaded before it is used. What is not listed here is private.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from s2kit.version import __version__

TYPE_CHECKING = False
"""Known to type checkers by its name. `typing` is not loaded here: it takes longer than all the rest of this module."""
if TYPE_CHECKING:
    from typing import Any

    from s2kit.api import OpenProduct as OpenProduct
    from s2kit.api import PixelArray as PixelArray
    from s2kit.api import StatsResult as StatsResult
    from s2kit.api import chips as chips
    from s2kit.api import cube as cube
    from s2kit.api import download as download
    from s2kit.api import open_product as open
    from s2kit.api import pixels as pixels
    from s2kit.api import render as render
    from s2kit.api import search as search
    from s2kit.api import stats as stats
    from s2kit.api import write_cube as write_cube
    from s2kit.errors import S2KitError as S2KitError
    from s2kit.settings import load_settings as load_settings

_VERBS = frozenset({"chips", "cube", "download", "pixels", "render", "search", "stats"})
"""Functions that share their name with the folder of their modules: the folder is what is called."""
_PLACES = {
    "OpenProduct": ("s2kit.api", "OpenProduct"),
    "PixelArray": ("s2kit.api", "PixelArray"),
    "S2KitError": ("s2kit.errors", "S2KitError"),
    "StatsResult": ("s2kit.api", "StatsResult"),
    "load_settings": ("s2kit.settings", "load_settings"),
    "open": ("s2kit.api", "open_product"),
    "write_cube": ("s2kit.api", "write_cube"),
}
__all__ = [
    "OpenProduct",
    "PixelArray",
    "S2KitError",
    "StatsResult",
    "__version__",
    "chips",
    "cube",
    "download",
    "load_settings",
    "open",
    "pixels",
    "render",
    "search",
    "stats",
    "write_cube",
]


class _Verb(ModuleType):
    """A folder of modules that can be called as the function of its verb."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return _function(self)(*args, **options)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override] # what `help()` shows
        doc: str | None = _function(self).__doc__
        return doc

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(_function(self))


def _function(verb: ModuleType) -> Any:
    return getattr(import_module("s2kit.api"), verb.__name__.rpartition(".")[2])


class _Face(ModuleType):
    """This package: the folders of verbs become callable as they are imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _VERBS and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    """Load what is asked for, once."""
    if name in _VERBS:
        return import_module(f"s2kit.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 's2kit' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What is public."""
    return sorted(__all__)
