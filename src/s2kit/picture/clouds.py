"""The one mask language: which scene classes are hidden, how far around them, and where a product keeps its classes.

L2A products carry the scene classification (SCL). L1C products carry cloud masks instead: `MSK_CLASSI`, a raster of
60 m (baseline 04.00 and later), or `MSK_CLOUDS`, outlines in GML (before). These are read as the SCL classes that mean
the same: opaque cloud 9, cirrus 10, snow 11, anything else 7 (S2-PDGS-TAS-DI-PSD, "Cloud masks" and "Classification
mask"). Landsat's `qa_pixel` is read the same way (`product/landsat_item.py`).
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.grid import Grid, Window
from s2kit.picture.read import OpenImages
from s2kit.product.band_image import BandImage
from s2kit.product.base import Product
from s2kit.product.flags import CIRRUS, OPAQUE, OTHER, SNOW, Flag, classes_of_flags
from s2kit.product.masks import inside, window_of
from s2kit.product.safe_product import Granule, SafeProduct
from s2kit.product.scl import CLEAR, CLOUDY, SCENE_CLASSES, parse_classes
from s2kit.product.tile import Tile
from s2kit.product.xmltree import XmlTree, local_name, parse_xml
from s2kit.run.choices import typed

LARGEST_DILATION_M = 5000.0

_CLASSI = re.compile(r"GRANULE/[^/]+/QI_DATA/MSK_CLASSI_B00\.jp2")
_CLOUDS = re.compile(r"GRANULE/[^/]+/QI_DATA/(?:MSK_CLOUDS_B00|S2\w+_MSK_CLOUDS_\w+_B00_MSIL1C)\.gml")
_SRS = re.compile(r"EPSG:[\d.:]*?(\d{4,6})$")


@dataclass(frozen=True, slots=True)
class Mask:
    """Which pixels are hidden."""

    classes: frozenset[int]
    """SCL classes."""
    dilate_m: float = 0.0
    """Pixels nearer than this to a hidden one are hidden too, in metres, centre to centre."""

    @classmethod
    def parse(
        cls,
        mask: str | None = None,
        *,
        mask_clouds: bool = False,
        dilate_m: float | None = None,
        cloud_classes: str = "3,8,9,10",
    ) -> "Mask | None":
        """The mask of `--mask`, `--mask-clouds` and `--dilate`.

        Args:
            mask: SCL classes as `3,8,9,10`.
            mask_clouds: True hides those of the setting `cloud_classes` as well.
            dilate_m: Metres around hidden pixels.
            cloud_classes: That setting.

        Returns:
            None if nothing is to be hidden.

        Raises:
            UsageError: No such class; `--dilate` without a mask, or not from 0 to 5000 m.
        """
        named = [text for text in (mask, cloud_classes if mask_clouds else None) if text]
        if dilate_m is not None and not 0 <= dilate_m <= LARGEST_DILATION_M:
            raise UsageError(f"--dilate {dilate_m:g}: metres, from 0 to {LARGEST_DILATION_M:g}", "as in --dilate 60")
        if not named:
            if dilate_m:
                raise UsageError("--dilate needs a mask", "add --mask-clouds, or --mask 3,8,9,10")
            return None
        classes = (typed(parse_classes, text) for text in named)
        return cls(frozenset().union(*classes), float(dilate_m or 0.0))

    @classmethod
    def all_but(cls, clear: Iterable[int] = CLEAR, dilate_m: float = 0.0) -> "Mask":
        """The mask that leaves only some classes."""
        return cls(frozenset(SCENE_CLASSES) - frozenset(clear), dilate_m)

    @property
    def table(self) -> NDArray[np.bool_]:
        """True at the codes that are hidden, `[256]`."""
        table = np.zeros(256, np.bool_)
        table[list(self.classes)] = True
        return table

    @property
    def text(self) -> str:
        """As on the command line: `3,8,9,10`, with `+60m` for a dilation."""
        codes = ",".join(map(str, sorted(self.classes)))
        return f"{codes}+{self.dilate_m:g}m" if self.dilate_m else codes


CLOUDS = Mask(CLOUDY)
"""Clouds, cirrus and shadows of clouds."""


@dataclass(frozen=True, slots=True)
class ClassImage:
    """Scene classes as a raster: SCL, the components of `MSK_CLASSI` (opaque cloud, cirrus, snow), or bit flags."""

    image: BandImage
    is_scl: bool = True
    flags: tuple[Flag, ...] = ()
    """What the bits of the image mean; empty for images of class codes."""


@dataclass(frozen=True, slots=True)
class ClassOutlines:
    """Scene classes as outlines: `MSK_CLOUDS`."""

    epsg: int
    opaque: bytes
    """WKB of the opaque clouds, in that CRS."""
    cirrus: bytes
    """WKB of the cirrus."""


ClassSource = ClassImage | ClassOutlines


def class_image(product: Product, tile: Tile | None = None, resolution_m: int | None = None) -> ClassImage | None:
    """The SCL of a product, or the flags that it has instead; None if it has neither. See `class_source`."""
    if product.resolutions("SCL", tile):
        return ClassImage(product.image_near("SCL", resolution_m, tile))
    flagged = product.class_flags(tile)
    return None if flagged is None else ClassImage(flagged.image, is_scl=False, flags=flagged.flags)


def class_source(product: Product, tile: Tile | None = None, resolution_m: int | None = None) -> ClassSource | None:
    """Where a product keeps its scene classes; None if it has none.

    Args:
        product: An open product.
        tile: Which tile, for products of the old format, which may hold many.
        resolution_m: Of the SCL that serves it best; None for the finest.

    Raises:
        InputError: A damaged mask.
    """
    found = class_image(product, tile, resolution_m)
    if found is not None:
        return found
    if not isinstance(product, SafeProduct):
        return None
    granule = next((one for one in product.granules if tile in {None, one.tile}), None)
    if granule is None or granule.tile is None:
        return None
    inside_it = [path for path in product.tree.paths() if path.startswith(f"GRANULE/{granule.folder}/")]
    raster = next((path for path in inside_it if _CLASSI.fullmatch(path) and product.tree.nbytes(path)), None)
    if raster is not None:
        return _classi(product, granule, raster)
    outlines = next((path for path in inside_it if _CLOUDS.fullmatch(path) and product.tree.nbytes(path)), None)
    if outlines is None:
        return None
    return parse_cloud_outlines(product.tree.read(outlines), granule.tile.epsg, f"{product.tree.address}/{outlines}")


def needed_classes(product: Product, tile: Tile | None = None, resolution_m: int | None = None) -> ClassSource:
    """The same for a product that has to be masked.

    Raises:
        NotFoundError: It has neither SCL nor a mask of clouds.
    """
    found = class_source(product, tile, resolution_m)
    if found is None:
        raise NotFoundError(f"{product.id} has neither SCL nor a cloud mask", "leave out the mask, or the product")
    return found


def _classi(product: SafeProduct, granule: Granule, path: str) -> ClassSource | None:
    grid = granule.metadata.grid(60) if granule.metadata else None
    if grid is None or granule.tile is None:
        return None
    location = product.tree.location(path)
    return ClassImage(
        BandImage("MSK_CLASSI", 60, path, location, grid, 0.0, 1.0, 0, None, granule.tile, product.id), is_scl=False
    )


def parse_cloud_outlines(gml: bytes, epsg: int, label: str) -> ClassOutlines:
    """Read `MSK_CLOUDS`, as products before baseline 04.00 have it.

    Args:
        gml: The file.
        epsg: CRS of the tile, if the file names none (an empty mask does not).
        label: What messages call the file.

    Raises:
        InputError: Not well-formed, or a ring that is none.
    """
    tree = parse_xml(gml, label)
    envelope = next(tree.all("Envelope"), None)
    named = _SRS.search(envelope.get("srsName", "")) if envelope is not None else None
    shapes: dict[str, list[BaseGeometry]] = {"OPAQUE": [], "CIRRUS": []}
    for feature in tree.all("MaskFeature"):
        kind = next(((e.text or "").strip() for e in feature.iter() if local_name(e) == "maskType"), "")
        shapes.setdefault(kind, []).extend(_polygons(feature, tree))
    opaque, cirrus = (shapely.union_all(shapes[kind]) for kind in ("OPAQUE", "CIRRUS"))
    return ClassOutlines(int(named[1]) if named else epsg, shapely.to_wkb(opaque), shapely.to_wkb(cirrus))


def _polygons(feature: Any, tree: XmlTree) -> list[BaseGeometry]:
    polygons: list[BaseGeometry] = []
    for polygon in (element for element in feature.iter() if local_name(element) == "Polygon"):
        outer: list[NDArray[np.float64]] = []
        holes: list[NDArray[np.float64]] = []
        for side in polygon:
            for ring in (element for element in side.iter() if local_name(element) == "posList"):
                (outer if local_name(side) == "exterior" else holes).append(_ring(ring, tree))
        if outer:
            polygons.append(shapely.make_valid(Polygon(outer[0], holes)))
    return polygons


def _ring(element: Any, tree: XmlTree) -> NDArray[np.float64]:
    step = 3 if element.get("srsDimension") == "3" else 2
    try:
        values = np.array((element.text or "").split(), np.float64)
        ring = values.reshape(-1, step)[:, :2]
    except ValueError as error:
        raise InputError(f"{tree.what}: a ring that is no list of coordinates") from error
    if len(ring) < 4 or not np.isfinite(ring).all():
        raise InputError(f"{tree.what}: a ring of {len(ring)} points")
    return ring


def scene_classes(source: ClassSource, grids: Sequence[Grid], images: OpenImages) -> list[NDArray[np.uint8]]:
    """SCL classes on some grids, `[row, col]`; 0 beyond the image. Always picked, never mixed.

    Args:
        source: Of one product.
        grids: In any CRS.
        images: Open images, among which that of the classes is or will be.

    Raises:
        InputError: The file is damaged.
    """
    if isinstance(source, ClassOutlines):
        return [_burnt(source, grid) for grid in grids]
    frames = images.read(source.image, grids, resampling="nearest")
    return [codes_of(source, frame) for frame in frames]


def codes_of(source: ClassImage, frame: NDArray[Any]) -> NDArray[np.uint8]:
    """SCL classes `[row, col]` of the pixels `[component, row, col]` of an image of classes."""
    if source.flags:
        return classes_of_flags(frame[0], source.flags)
    return frame[0].astype(np.uint8, copy=False) if source.is_scl else _of_classi(frame)


def _of_classi(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """`[opaque, cirrus, snow]` as SCL classes; products of one component have opaque clouds only."""
    codes = np.full(frame.shape[1:], OTHER, np.uint8)
    for component, code in reversed(list(zip(frame, (OPAQUE, CIRRUS, SNOW), strict=False))):
        codes[component > 0] = code
    return codes


def _burnt(source: ClassOutlines, grid: Grid) -> NDArray[np.uint8]:
    from s2kit.area.projection import project

    codes = np.full(grid.shape, OTHER, np.uint8)
    for wkb, code in ((source.cirrus, CIRRUS), (source.opaque, OPAQUE)):
        outline = project(shapely.from_wkb(wkb), source.epsg, grid.epsg)
        window = None if outline.is_empty else window_of(outline, grid)
        if window is not None:
            part = codes[window.row : window.row_end, window.col : window.col_end]
            part[inside(outline, grid, window)] = code
    return codes


def hidden(source: ClassSource, grids: Sequence[Grid], mask: Mask, images: OpenImages) -> list[NDArray[np.bool_]]:
    """True for pixels that a mask hides, `[row, col]` on each grid; beyond the image nothing is hidden by class 0.

    A dilation looks beyond the grid, so that neighbouring grids agree at their common edge.
    """
    codes = scene_classes(source, [with_margin(grid, mask) for grid in grids], images)
    return [hidden_in(part, grid, mask) for part, grid in zip(codes, grids, strict=True)]


def with_margin(grid: Grid, mask: Mask) -> Grid:
    """The grid with as many pixels more on each side as a mask's dilation reaches."""
    margin = _margin_px(grid, mask)
    return grid.cropped(Window(-margin, -margin, grid.width + 2 * margin, grid.height + 2 * margin))


def hidden_in(codes: NDArray[np.uint8], grid: Grid, mask: Mask) -> NDArray[np.bool_]:
    """True for pixels of a grid that a mask hides, `[row, col]`.

    Args:
        codes: SCL classes on `with_margin(grid, mask)`.
        grid: The grid.
        mask: The mask.
    """
    margin = _margin_px(grid, mask)
    spread = dilated(mask.table[codes], mask.dilate_m / grid.resolution_m)
    return spread[margin : margin + grid.height, margin : margin + grid.width]


def _margin_px(grid: Grid, mask: Mask) -> int:
    return math.floor(mask.dilate_m / grid.resolution_m + 1e-9)


def dilated(pixels: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """True pixels with all pixels whose centre lies within a radius of one of them.

    Args:
        pixels: `[row, col]`.
        radius: In pixels; below 1 nothing changes.
    """
    reach = math.floor(radius + 1e-9)
    if reach < 1 or not pixels.any():
        return pixels
    out = np.zeros_like(pixels)
    rows, cols = pixels.shape
    sums = np.zeros((rows, cols + 2 * reach + 1), np.int32)
    np.cumsum(np.pad(pixels, ((0, 0), (reach, reach))), axis=1, out=sums[:, 1:])
    for shift in range(-reach, reach + 1):
        half = math.floor(math.sqrt(max(0.0, radius * radius - shift * shift)) + 1e-9)
        wide = sums[:, reach + half + 1 : reach + half + 1 + cols] > sums[:, reach - half : reach - half + cols]
        to = slice(max(0, shift), rows + min(0, shift))
        out[to] |= wide[max(0, -shift) : rows - max(0, shift)]
    return out
