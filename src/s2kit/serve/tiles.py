"""`/tiles/PRODUCT/z/x/y.png`: products as layers of a web map, straight from JPEG 2000 reductions.

Tiles are those of the Web Mercator square (OGC Two Dimensional Tile Matrix Set, WebMercatorQuad): 256 pixels a side,
row 0 in the north.
"""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from s2kit.area.projection import LON_LAT, project
from s2kit.errors import NotFoundError
from s2kit.grid import Bounds, Grid
from s2kit.picture.painter import paint
from s2kit.picture.write import Painting, png_bytes
from s2kit.product.ref import ProductRef
from s2kit.render.picture import Picture, count_band, read_pixels
from s2kit.render.plan import Refused
from s2kit.render.request import RenderRequest
from s2kit.render.run import plan_all
from s2kit.serve.login import basic_user
from s2kit.serve.names import checked_word
from s2kit.serve.state import state_of
from s2kit.settings import Settings

router = APIRouter(tags=["tiles"])

SIDE_PX = 256
MERCATOR = 3857
HALF_WORLD_M = 20_037_508.342789244
"""Half of the circumference of the Earth at the equator of WGS 84, in metres."""
MAX_ZOOM = 18
_KEPT = 64
"""Views that a process remembers."""
_HEADERS = {"Cache-Control": "private, max-age=3600"}

Bands = Annotated[str | None, Query(description="Three bands or one: B04,B03,B02")]
Index = Annotated[str | None, Query(description="An index, such as ndvi")]
Recipe = Annotated[str | None, Query(description="A named composite, such as false-color")]
Scale = Annotated[str | None, Query(description="auto, 2:98%, 0:0.3 …")]


@dataclass(frozen=True, slots=True)
class LayerView:
    """What a layer shows."""

    product: str
    bands: str | None = None
    index: str | None = None
    recipe: str | None = None
    stretch: str | None = None

    @property
    def query(self) -> str:
        """The part of an address that names it."""
        given = {"bands": self.bands, "index": self.index, "recipe": self.recipe, "stretch": self.stretch}
        return "&".join(f"{key}={value}" for key, value in given.items() if value)


class _Views:
    """Pictures of whole products with the limits of their stretch, the last ones that were used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[LayerView, str, bool], Picture] = OrderedDict()

    def picture(self, view: LayerView, settings: Settings) -> Picture:
        """The picture of a view; reading what its limits need takes a moment at the first time."""
        key = (view, str(settings.dataset), settings.allow_requester_pays)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        picture = _open(view, settings)
        with self._lock:
            self._known[key] = picture
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return picture


_views = _Views()


@router.get("/tiles/{product}/{z}/{x}/{y}.png", response_class=Response)
async def tile(
    request: Request,
    product: str,
    z: int,
    x: int,
    y: int,
    bands: Bands = None,
    index: Index = None,
    recipe: Recipe = None,
    stretch: Scale = None,
) -> Response:
    """One tile as a PNG; what the product does not show is transparent."""
    state = state_of(request)
    settings = state.loaded_for(basic_user(request)).settings
    view = LayerView(checked_word(product), bands, index, recipe, stretch)
    grid = tile_grid(z, x, y)
    png = await state.work.run(request, lambda _: _drawn(view, grid, settings))
    return Response(png, media_type="image/png", headers=_HEADERS)


@router.get("/tiles/{product}/preview.png", response_class=Response)
async def preview(
    request: Request,
    product: str,
    bands: Bands = None,
    index: Index = None,
    recipe: Recipe = None,
    stretch: Scale = None,
    size: Annotated[int, Query(ge=16, le=1024)] = 343,
) -> Response:
    """The whole product as a small picture, of a remote one too."""
    state = state_of(request)
    settings = state.loaded_for(basic_user(request)).settings
    view = LayerView(checked_word(product), bands, index, recipe, stretch)
    png = await state.work.run(request, lambda _: _preview(view, size, settings))
    return Response(png, media_type="image/png", headers=_HEADERS)


@router.get("/tiles/{product}/tilejson.json")
async def tilejson(
    request: Request,
    product: str,
    bands: Bands = None,
    index: Index = None,
    recipe: Recipe = None,
    stretch: Scale = None,
) -> dict[str, Any]:
    """TileJSON 3.0 of a layer."""
    state = state_of(request)
    settings = state.loaded_for(basic_user(request)).settings
    view = LayerView(checked_word(product), bands, index, recipe, stretch)
    picture = await state.work.run(request, lambda _: _views.picture(view, settings))
    bounds = lon_lat_bounds(picture.grid)
    zooms = zoom_range(picture.grid, bounds)
    address = f"{str(request.base_url).rstrip('/')}/tiles/{product}/{{z}}/{{x}}/{{y}}.png"
    return {
        "tilejson": "3.0.0",
        "name": f"{product} {picture.subject.name}",
        "scheme": "xyz",
        "tiles": [f"{address}?{view.query}" if view.query else address],
        "bounds": list(bounds),
        "center": [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2, zooms[0]],
        "minzoom": zooms[0],
        "maxzoom": zooms[1],
        "attribution": "Contains modified Copernicus Sentinel data",
    }


@router.get("/tiles/{product}/wmts.xml", response_class=Response)
async def wmts(
    request: Request,
    product: str,
    bands: Bands = None,
    index: Index = None,
    recipe: Recipe = None,
    stretch: Scale = None,
) -> Response:
    """WMTS 1.0 capabilities of a layer, for QGIS."""
    about = await tilejson(request, product, bands, index, recipe, stretch)
    return Response(capabilities(about), media_type="application/xml")


def tile_grid(z: int, x: int, y: int) -> Grid:
    """The pixels of a tile.

    Raises:
        NotFoundError: There is no such tile.
    """
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise NotFoundError(f"there is no tile {z}/{x}/{y}", f"zoom goes from 0 to {MAX_ZOOM}")
    span = 2 * HALF_WORLD_M / (1 << z)
    return Grid(MERCATOR, x * span - HALF_WORLD_M, HALF_WORLD_M - y * span, span / SIDE_PX, SIDE_PX, SIDE_PX)


def lon_lat_bounds(grid: Grid) -> Bounds:
    """The box in degrees around a grid."""
    from shapely import box

    side = grid.width * grid.resolution_m
    return Bounds(*project(box(*grid.bounds).segmentize(side / 16), grid.epsg, LON_LAT).bounds)


def zoom_range(grid: Grid, bounds: Bounds) -> tuple[int, int]:
    """From the zoom at which the grid fills about a tile to that at which its pixels are a tile's."""
    shrink = math.cos(math.radians((bounds.south + bounds.north) / 2))
    world_px = 2 * HALF_WORLD_M * shrink / SIDE_PX
    finest = math.ceil(math.log2(world_px / grid.resolution_m))
    coarsest = math.floor(math.log2(world_px * SIDE_PX / (max(grid.width, grid.height) * grid.resolution_m)))
    return max(0, min(coarsest, MAX_ZOOM)), max(0, min(finest, MAX_ZOOM))


def capabilities(about: dict[str, Any]) -> str:
    """A WMTS capabilities document (OGC 07-057r7) of one layer in the WebMercatorQuad of its TileJSON."""
    west, south, east, north = about["bounds"]
    template = about["tiles"][0].replace("{z}", "{TileMatrix}").replace("{x}", "{TileCol}").replace("{y}", "{TileRow}")
    matrices = "".join(
        f"<TileMatrix><ows:Identifier>{z}</ows:Identifier>"
        f"<ScaleDenominator>{559082264.0287178 / (1 << z)}</ScaleDenominator>"
        f"<TopLeftCorner>{-HALF_WORLD_M} {HALF_WORLD_M}</TopLeftCorner>"
        f"<TileWidth>{SIDE_PX}</TileWidth><TileHeight>{SIDE_PX}</TileHeight>"
        f"<MatrixWidth>{1 << z}</MatrixWidth><MatrixHeight>{1 << z}</MatrixHeight></TileMatrix>"
        for z in range(about["maxzoom"] + 1)
    )
    name = escape(about["name"])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">'
        "<ows:ServiceIdentification><ows:Title>s2kit</ows:Title><ows:ServiceType>OGC WMTS</ows:ServiceType>"
        "<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion></ows:ServiceIdentification>"
        f"<Contents><Layer><ows:Title>{name}</ows:Title>"
        f"<ows:WGS84BoundingBox><ows:LowerCorner>{west} {south}</ows:LowerCorner>"
        f"<ows:UpperCorner>{east} {north}</ows:UpperCorner></ows:WGS84BoundingBox>"
        f"<ows:Identifier>{name}</ows:Identifier>"
        '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>'
        "<Format>image/png</Format><TileMatrixSetLink><TileMatrixSet>WebMercatorQuad</TileMatrixSet></TileMatrixSetLink>"
        f'<ResourceURL format="image/png" resourceType="tile" template={quoteattr(template)}/></Layer>'
        "<TileMatrixSet><ows:Identifier>WebMercatorQuad</ows:Identifier>"
        f"<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>{matrices}</TileMatrixSet></Contents></Capabilities>"
    )


def _open(view: LayerView, settings: Settings) -> Picture:
    request = RenderRequest.parse(
        [ProductRef(view.product)],
        bands=[view.bands] if view.bands else None,
        index=[view.index] if view.index else None,
        recipe=[view.recipe] if view.recipe else None,
        stretch=view.stretch,
        form="png",
        jobs=1,
    )
    planned = plan_all(request, settings)[0]
    if isinstance(planned, Refused):
        raise planned.error
    picture = planned.picture
    if picture.look.needs_counts:
        picture = picture.painted_with([[count_band(picture, place)] for place in range(len(picture.sources))])
    return picture


def _drawn(view: LayerView, grid: Grid, settings: Settings) -> bytes:
    picture = _views.picture(view, settings)
    return png_bytes(Painting(picture.look, grid, paint(picture.look, read_pixels(picture, grid))))


def _preview(view: LayerView, size: int, settings: Settings) -> bytes:
    picture = _views.picture(view, settings)
    full = picture.grid
    scale = max(full.width, full.height) / size
    width, height = (max(1, round(side / scale)) for side in (full.width, full.height))
    return _drawn(view, Grid(full.epsg, full.west, full.north, full.resolution_m * scale, width, height), settings)
