"""The Python functions behind `import s2kit`: the same requests and results as the command line, without printing."""

from s2kit.api.cubes import cube, write_cube
from s2kit.api.product import OpenProduct, PixelArray, open_product
from s2kit.api.verbs import StatsResult, chips, download, pixels, render, search, stats

__all__ = [
    "OpenProduct",
    "PixelArray",
    "StatsResult",
    "chips",
    "cube",
    "download",
    "open_product",
    "pixels",
    "render",
    "search",
    "stats",
    "write_cube",
]
