"""`/tiles/NAME/z/x/y.png`: products and cubes as layers of a web map, products straight from JPEG 2000 reductions.

NAME is a product, a Zarr cube of the dataset folder, or a job whose result is a cube (`JOB@FILE` if it has several).
Tiles are those of the Web Mercator square (OGC Two Dimensional Tile Matrix Set, WebMercatorQuad): 256 pixels a side,
row 0 in the north.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from s2kit.area.projection import LON_LAT, is_geographic, project
from s2kit.errors import NotFoundError
from s2kit.grid import Bounds, Grid
from s2kit.picture.painter import paint
from s2kit.picture.write import Painting, png_bytes
from s2kit.render.picture import Picture, read_pixels
from s2kit.serve.layers import LayerView, Shown, shown
from s2kit.serve.login import basic_user
from s2kit.serve.state import state_of

router = APIRouter(tags=["tiles"])

SIDE_PX = 256
MERCATOR = 3857
HALF_WORLD_M = 20_037_508.342789244
"""Half of the circumference of the Earth at the equator of WGS 84, in metres."""
MAX_ZOOM = 18
_HEADERS = {"Cache-Control": "private, max-age=3600"}
_DEGREE_M = HALF_WORLD_M / 180


class TileLayer:
    """What a request shows, and what it is drawn with."""

    def __init__(
        self,
        request: Request,
        name: str,
        bands: Annotated[str | None, Query(description="Three bands or one: B04,B03,B02")] = None,
        index: Annotated[str | None, Query(description="An index, such as ndvi")] = None,
        recipe: Annotated[str | None, Query(description="A named composite, such as false-color")] = None,
        stretch: Annotated[str | None, Query(description="auto, 2:98%, 0:0.3 …")] = None,
        time: Annotated[str | None, Query(description="Of a cube: 2024-04-19; the last one if it is left out")] = None,
    ) -> None:
        """The parameters that all addresses of a layer have; who asks must be allowed in."""
        self.view = LayerView(name, bands, index, recipe, stretch, time)
        self._request, self._state, self._user = request, state_of(request), basic_user(request)

    def shown(self) -> Shown:
        """The layer, opened; the first time takes a moment."""
        return shown(self.view, self._state, self._user)

    async def png(self, grid_of: Callable[[Picture], Grid]) -> Response:
        """A part of it as a PNG."""
        png = await self._state.work.run(self._request, lambda _: _drawn((it := self.shown().picture), grid_of(it)))
        return Response(png, media_type="image/png", headers=_HEADERS)

    async def about(self) -> tuple[dict[str, Any], Shown]:
        """TileJSON of it, and the layer."""
        found = await self._state.work.run(self._request, lambda _: self.shown())
        base = f"{str(self._request.base_url).rstrip('/')}/tiles/{quote(self.view.name)}"
        return tilejson_of(found, base, self.view.query), found


AskedLayer = Annotated[TileLayer, Depends()]


@router.get("/tiles/{name}/{z}/{x}/{y}.png", response_class=Response)
async def tile(layer: AskedLayer, z: int, x: int, y: int) -> Response:
    """One tile as a PNG; what the layer does not show is transparent."""
    grid = tile_grid(z, x, y)
    return await layer.png(lambda _: grid)


@router.get("/tiles/{name}/preview.png", response_class=Response)
async def preview(layer: AskedLayer, size: Annotated[int, Query(ge=16, le=1024)] = 343) -> Response:
    """The whole layer as a small picture, of a remote product too."""
    return await layer.png(lambda picture: _small(picture.grid, size))


@router.get("/tiles/{name}/tilejson.json")
async def tilejson(layer: AskedLayer) -> dict[str, Any]:
    """TileJSON 3.0 of a layer; of a cube it lists its times as well."""
    return (await layer.about())[0]


@router.get("/tiles/{name}/wmts.xml", response_class=Response)
async def wmts(layer: AskedLayer) -> Response:
    """WMTS 1.0 capabilities of a layer, for QGIS; a cube without `time` has its times as a dimension."""
    about, found = await layer.about()
    times = () if layer.view.time else found.times
    return Response(capabilities(about, times), media_type="application/xml")


def tilejson_of(found: Shown, base: str, query: str) -> dict[str, Any]:
    """TileJSON 3.0.

    Args:
        found: The layer.
        base: Its address, without the part of the tile.
        query: What its addresses end with; empty for nothing.
    """
    grid = found.picture.grid
    bounds = lon_lat_bounds(grid)
    zooms = zoom_range(grid, bounds)
    address = f"{base}/{{z}}/{{x}}/{{y}}.png"
    about: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": f"{found.name} {found.picture.subject.name}",
        "scheme": "xyz",
        "tiles": [f"{address}?{query}" if query else address],
        "bounds": list(bounds),
        "center": [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2, zooms[0]],
        "minzoom": zooms[0],
        "maxzoom": zooms[1],
        "attribution": "Contains modified Copernicus Sentinel data",
    }
    return about | {"times": list(found.times)} if found.times else about


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
    world_px = 2 * HALF_WORLD_M / SIDE_PX
    side = grid.resolution_m * _DEGREE_M if is_geographic(grid.epsg) else grid.resolution_m / shrink
    finest = math.ceil(math.log2(world_px / side))
    coarsest = math.floor(math.log2(world_px * SIDE_PX / (max(grid.width, grid.height) * side)))
    return max(0, min(coarsest, MAX_ZOOM)), max(0, min(finest, MAX_ZOOM))


def capabilities(about: dict[str, Any], times: Sequence[str] = ()) -> str:
    """A WMTS capabilities document (OGC 07-057r7) of one layer in the WebMercatorQuad of its TileJSON.

    Args:
        about: The TileJSON.
        times: What its dimension `time` may be, ascending; the last one is the default. Without any there is none.
    """
    west, south, east, north = about["bounds"]
    template = about["tiles"][0].replace("{z}", "{TileMatrix}").replace("{x}", "{TileCol}").replace("{y}", "{TileRow}")
    dimension = ""
    if times:
        template += f"{'&' if '?' in template else '?'}time={{time}}"
        values = "".join(f"<Value>{escape(one)}</Value>" for one in times)
        dimension = (
            "<Dimension><ows:Identifier>time</ows:Identifier><ows:UOM>ISO8601</ows:UOM>"
            f"<Default>{escape(times[-1])}</Default>{values}</Dimension>"
        )
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
        f"<Format>image/png</Format>{dimension}"
        "<TileMatrixSetLink><TileMatrixSet>WebMercatorQuad</TileMatrixSet></TileMatrixSetLink>"
        f'<ResourceURL format="image/png" resourceType="tile" template={quoteattr(template)}/></Layer>'
        "<TileMatrixSet><ows:Identifier>WebMercatorQuad</ows:Identifier>"
        f"<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>{matrices}</TileMatrixSet></Contents></Capabilities>"
    )


def _drawn(picture: Picture, grid: Grid) -> bytes:
    return png_bytes(Painting(picture.look, grid, paint(picture.look, read_pixels(picture, grid))))


def _small(full: Grid, size: int) -> Grid:
    scale = max(full.width, full.height) / size
    width, height = (max(1, round(side / scale)) for side in (full.width, full.height))
    return Grid(full.epsg, full.west, full.north, full.resolution_m * scale, width, height)
