"""A product to look into: what it is, and its pixels as arrays with their place on Earth."""

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from shapely import box
from shapely.geometry.base import BaseGeometry

from s2kit.archive.find import locate
from s2kit.area.projection import LON_LAT, project
from s2kit.errors import InputError, S2KitError, UsageError
from s2kit.grid import Bounds, Grid, Window
from s2kit.picture.png import encode_png
from s2kit.picture.read import Reading, Resampling, Use, read
from s2kit.product.band_image import BandImage
from s2kit.product.bands import KELVIN_BANDS, in_order
from s2kit.product.base import Product
from s2kit.product.metadata import Radiometry
from s2kit.product.radiometry import to_physical
from s2kit.product.ref import OneProduct, ProductRef, product_refs
from s2kit.product.tile import parse_tile
from s2kit.run.options import Texts, words
from s2kit.settings import Loaded, Settings, in_use

if TYPE_CHECKING:
    import xarray as xr

PREVIEW_PX = 300
_BRIGHTEST = 0.3
"""Reflectance that a preview shows as white."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelArray:
    """Pixels of one band or layer with their place on Earth; `numpy.asarray` gives the values alone."""

    values: NDArray[Any]
    """`[row, col]`; `[component, row, col]` of TCI and PVI."""
    band: str
    grid: Grid
    """Size, corner, side of a pixel and CRS."""
    nodata: float
    """The value that means no data; NaN of physical values."""
    tags: Mapping[str, str]
    """What the values are: product, time, unit, offset and its source, scale, resampling."""

    @property
    def crs(self) -> str:
        """The CRS, `EPSG:32631`."""
        return f"EPSG:{self.grid.epsg}"

    @property
    def bounds(self) -> Bounds:
        """Outer edges `west, south, east, north` in the CRS."""
        return self.grid.bounds

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """`(a, b, c, d, e, f)` of `x = a*col + b*row + c`, `y = d*col + e*row + f`."""
        return self.grid.geotransform

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.values.shape

    @property
    def valid(self) -> NDArray[np.bool_]:
        """`[row, col]`, True where there is data."""
        there = ~np.isnan(self.values) if np.isnan(self.nodata) else self.values != self.nodata
        return np.asarray(there if there.ndim == 2 else there.any(axis=0), bool)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - numpy's
        """The values."""
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        return f"<PixelArray {self.band} {size} {self.values.dtype}, {self.grid.resolution_m:g} m, {self.crs}>"


class OpenProduct:
    """A product that is open for reading, wherever it is."""

    def __init__(self, product: Product, settings: Settings, ref: ProductRef) -> None:
        """Take a product that was found; `s2kit.open` finds one."""
        self._product = product
        self._settings = settings
        self._reading = Reading(settings.openjpeg, settings.kept_in)
        self.ref = ref
        """How it was named."""

    @property
    def id(self) -> str:
        """Its name without `.SAFE`."""
        return self._product.id

    @property
    def address(self) -> str:
        """Where it is: a path or an address."""
        return self._product.address

    @property
    def level(self) -> str:
        """`L1C` or `L2A`."""
        return self._product.metadata.level.value

    @property
    def time(self) -> datetime:
        """Start of sensing, UTC, as records of a search have it."""
        return self._product.sensing

    @property
    def tiles(self) -> tuple[str, ...]:
        """Its MGRS tiles, `31TCJ`: one, except of products of the old format; of Landsat path and row, `198030`."""
        return tuple(str(tile) for tile in self._product.tiles)

    @property
    def cloud_cover(self) -> float | None:
        """Cloud cover in percent; None if that is not known."""
        return self._product.cloud_pct

    @property
    def footprint(self) -> BaseGeometry | None:
        """Outline in longitude/latitude; None if that is not known."""
        return self._product.metadata.footprint

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands and layers that are there, in the order of the instrument."""
        there = {entry.band for entry in self._product.entries}
        return in_order(there)

    def resolutions(self, band: str) -> tuple[int, ...]:
        """Resolutions in metres at which a band or layer is there, finest first.

        Raises:
            InputError: There is no such band or layer.
        """
        return self._product.resolutions(band)

    def read(
        self,
        band: str,
        *,
        window: Window | tuple[int, int, int, int] | None = None,
        bbox: Sequence[float] | None = None,
        res: float | None = None,
        physical: bool = False,
        resampling: Resampling = "auto",
        tile: str | None = None,
    ) -> PixelArray:
        """Pixels of a band or layer; only the bytes that matter are read.

        Args:
            band: `B04`, `SCL`, `TCI` …
            window: `(col, row, width, height)` in pixels of the result's resolution; what lies outside is no data.
            bbox: `(west, south, east, north)` in degrees; the pixels that cover it.
            res: Side of a pixel in metres; the finest that is there by default. Other sides than those of the product
                are made from its finest image.
            physical: True gives reflectance (or optical thickness, or centimetres of water) as float32, no data NaN;
                False gives digital numbers as they are stored.
            resampling: `auto` averages downwards and interpolates bilinearly upwards; classes are always picked.
            tile: Which tile, of a product of the old format.

        Raises:
            NotFoundError: The band is not there.
            InputError: No such band, or a box outside the product.
            UsageError: Window and box together.
        """
        image = self._image(band, res, tile)
        grid = _cut(image.grid if res is None else _at(image.grid, res), window, bbox, self.id)
        pixels = self._pixels(image, grid, resampling, "data")
        values = pixels if image.is_picture else pixels[0]
        tags = {
            "PRODUCT": self.id,
            "BAND": image.band,
            "DATETIME": f"{self.time:%Y-%m-%dT%H:%M:%SZ}",
            "RESAMPLING": resampling,
            "SOURCE_RESOLUTION": f"{image.resolution_m} m",
        }
        if image.is_classes or image.is_picture:
            return PixelArray(values, image.band, grid, image.nodata, tags)
        tags |= {"OFFSET": f"{image.offset:g}", "SCALE": f"{image.quantification:g}"}
        if image.is_reflectance:
            tags["OFFSET_SOURCE"] = self._product.offset_source
        if not physical:
            return PixelArray(values, image.band, grid, image.nodata, tags | {"UNIT": "digital number"})
        unit = (
            "reflectance"
            if image.is_reflectance
            else {"WVP": "cm"}.get(image.band, "K" if image.band in KELVIN_BANDS else "1")
        )
        real = to_physical(values, Radiometry(image.quantification, image.offset), image.nodata)
        return PixelArray(real, image.band, grid, float("nan"), tags | {"UNIT": unit})

    def to_xarray(
        self,
        bands: Texts = None,
        *,
        bbox: Sequence[float] | None = None,
        res: float | None = None,
        physical: bool = True,
        resampling: Resampling = "auto",
    ) -> "xr.Dataset":
        """Bands as an `xarray.Dataset` `[y, x]` on one grid, read when they are looked at.

        Args:
            bands: Bands and layers; None for all that are there, but not the ready pictures.
            bbox: `(west, south, east, north)` in degrees; the pixels that cover it.
            res: Side of a pixel in metres; the finest of the bands by default.
            physical: True gives reflectance as float32 with NaN, False reflectance x 10 000 as uint16 with 0.
            resampling: As for `read`.

        Raises:
            NotFoundError: A band is not there.
            ConfigError: xarray is not installed.
        """
        from s2kit.cube import CubeRequest, plan_cube
        from s2kit.cube.dataset import opened

        names = words(bands) or [name for name in self.bands if name not in {"TCI", "PVI"}]
        for name in names:
            self._product.image_near(name)  # says what is lacking
        request = CubeRequest.parse(
            Loaded(self._settings, {}, {}), products=self, bands=names, bbox=None if bbox is None else tuple(bbox),
            res=res, dtype="float32" if physical else "uint16", resampling=resampling,
        )  # fmt: skip
        return opened(plan_cube(request))

    def preview(self, size_px: int = PREVIEW_PX) -> bytes:
        """A small PNG in true colour, or of one band if there is no more.

        Args:
            size_px: Longest side at most.

        Raises:
            S2KitError: There is no image, or one cannot be read.
        """
        return encode_png(np.ascontiguousarray(np.moveaxis(self._preview(size_px), 0, -1)))

    def _preview(self, size_px: int) -> NDArray[np.uint8]:
        """`[component, row, col]`: red, green, blue, or one grey."""
        tile = self._product.tiles[0] if self._product.tiles else None
        colours = next((names for names in _PREVIEWS if set(names) <= set(self.bands)), self.bands[:1])
        if not colours:
            raise InputError(f"{self.id} has no images to preview")
        images = [self._product.image(name, max(self._product.resolutions(name, tile)), tile) for name in colours]
        extent = images[0].grid
        side = max(extent.width, extent.height) * extent.resolution_m / size_px
        grid = _at(extent, max(side, extent.resolution_m))
        found = [self._pixels(image, grid, "auto", "picture") for image in images]
        if images[0].is_picture:
            return found[0].astype(np.uint8)
        return np.stack([_grey(pixels[0], image) for pixels, image in zip(found, images, strict=True)])

    def _image(self, band: str, res: float | None, tile: str | None) -> BandImage:
        which = None if tile is None else parse_tile(tile)
        whole = None if res is None or res != int(res) else int(res)
        return self._product.image_near(band, whole, which)

    def _pixels(self, image: BandImage, grid: Grid, resampling: Resampling, use: Use) -> NDArray[Any]:
        return read([image], [grid], resampling=resampling, use=use, reading=self._reading)[0][0]

    def __repr__(self) -> str:
        return f"<OpenProduct {self.id}: {', '.join(f'{name} {value}' for name, value in self._facts())}>"

    def _facts(self) -> list[tuple[str, str]]:
        cloud = [] if self.cloud_cover is None else [("cloud", f"{self.cloud_cover:.1f} %")]
        return [
            ("level", self.level),
            ("time", f"{self.time:%Y-%m-%d %H:%M:%S} UTC"),
            ("tile" if len(self.tiles) == 1 else "tiles", " ".join(self.tiles) or "not known"),
            *cloud,
            ("bands", " ".join(self.bands) or "none"),
        ]

    def _repr_html_(self) -> str:
        """For notebooks: a preview beside the facts."""
        try:
            picture = f'<img alt="preview" src="data:image/png;base64,{b64encode(self.preview()).decode()}">'
        except S2KitError as error:
            picture = f"<em>no preview: {escape(str(error))}</em>"
        rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in self._facts())
        return (
            f'<div style="display:flex;gap:1em">{picture}'
            f"<table><caption>{escape(self.id)}</caption>{rows}</table></div>"
        )


_PREVIEWS = (("TCI",), ("B04", "B03", "B02"), ("red", "green", "blue"), ("PVI",), ("B08",), ("B8A",))
"""What a preview shows, the best first."""


def _grey(pixels: NDArray[Any], image: BandImage) -> NDArray[np.uint8]:
    """Digital numbers as bytes: 0 is no data, 1 to 255 reflectance from 0 to the brightest."""
    shares = np.nan_to_num(to_physical(pixels, Radiometry(image.quantification, image.offset), image.nodata))
    greys = 1 + 254 * np.clip(shares / _BRIGHTEST, 0, 1)
    return np.where(pixels == image.nodata, 0, greys).astype(np.uint8)


def _at(grid: Grid, res: float) -> Grid:
    """The same extent with pixels of another side."""
    if res <= 0:
        raise UsageError(f"res {res}: a pixel has a side", "give metres, such as res=20")
    width, height = (ceil(pixels * grid.resolution_m / res - 1e-9) for pixels in (grid.width, grid.height))
    return replace(grid, resolution_m=res, width=max(1, width), height=max(1, height))


def _cut(
    grid: Grid, window: Window | tuple[int, int, int, int] | None, bbox: Sequence[float] | None, product: str
) -> Grid:
    if window is not None and bbox is not None:
        raise UsageError("window and bbox exclude each other", "leave one out")
    if window is not None:
        return grid.cropped(window if isinstance(window, Window) else Window(*window))
    if bbox is None:
        return grid
    west, south, east, north = bbox
    if not (west < east and south < north):
        raise UsageError(f"bbox {tuple(bbox)} has no area", "the order is west, south, east, north, in degrees")
    there = project(box(west, south, east, north).segmentize(0.05), LON_LAT, grid.epsg).bounds
    inside = grid.covering(Bounds(*there)).intersection(grid.window)
    if inside is None:
        raise InputError(f"{product}: the box lies outside the product", "see .footprint")
    return grid.cropped(inside)


def open_product(
    product: OneProduct | os.PathLike[str], *, archive: str | None = None, settings: Loaded | None = None
) -> OpenProduct:
    """Open a product: a SAFE folder or zip, a name, an address, a COG item, a record of a search.

    Args:
        product: Which one.
        archive: Archive to read from.
        settings: Where defaults come from.

    Raises:
        NotFoundError: It is nowhere to be found.
        AccessError: Reading it is billed and that was not agreed to, or keys are missing.
        InputError: It is no product, or its metadata is damaged.
    """
    chosen = in_use(settings).settings.given(archive=archive)
    refs = product_refs(product)
    assert refs, "one product is one reference"
    return OpenProduct(locate(refs[0], chosen), chosen, refs[0])
