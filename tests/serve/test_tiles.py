"""Tiles of a web map: where they lie, and that they show what `read` reads."""

import math
import warnings

import httpx
import numpy as np
import pytest
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from s2kit.serve.tiles import HALF_WORLD_M, tile_grid
from support.service import Service

NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"


@pytest.fixture(scope="module")
def client(service: Service):
    with service.client() as client:
        yield client


def decoded(content: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(content) as memory, memory.open() as opened:
            return opened.read()


def test_where_tiles_lie() -> None:
    assert tile_grid(0, 0, 0).bounds == pytest.approx((-HALF_WORLD_M, -HALF_WORLD_M, HALF_WORLD_M, HALF_WORLD_M))
    south_east = tile_grid(1, 1, 1)
    assert (south_east.west, south_east.north) == (0.0, 0.0)


def test_a_layer_and_its_tiles(client: httpx.Client) -> None:
    about = client.get(f"/tiles/{NAME}/tilejson.json").json()
    assert about["tilejson"] == "3.0.0"
    west, south, east, north = about["bounds"]
    lon, lat, zoom = about["center"]
    assert west < lon < east
    assert south < lat < north
    side = 1 << (zoom + 2)
    x = int((lon + 180) / 360 * side)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)
    tile = client.get(about["tiles"][0].format(z=zoom + 2, x=x, y=y))
    pixels = decoded(tile.content)
    assert pixels.shape == (4, 256, 256)
    assert (pixels[3] == 255).all()
    assert pixels[:3].std() > 10
    ndvi = decoded(client.get(f"/tiles/{NAME}/{zoom + 2}/{x}/{y}.png", params={"index": "ndvi"}).content)
    assert not np.array_equal(ndvi, pixels)
    away = decoded(client.get(f"/tiles/{NAME}/{zoom + 2}/0/0.png").content)
    assert not away[3].any()


def test_capabilities_for_a_gis(client: httpx.Client) -> None:
    from defusedxml.ElementTree import fromstring

    root = fromstring(client.get(f"/tiles/{NAME}/wmts.xml", params={"recipe": "false-color"}).content)
    spaces = {"w": "http://www.opengis.net/wmts/1.0"}
    (resource,) = root.findall(".//w:ResourceURL", spaces)
    assert "{TileMatrix}/{TileCol}/{TileRow}.png?recipe=false-color" in resource.get("template")
    assert root.findall(".//w:TileMatrix", spaces)


def test_a_preview(client: httpx.Client) -> None:
    assert decoded(client.get(f"/tiles/{NAME}/preview.png", params={"size": 64}).content).shape == (4, 64, 64)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{NAME}/1/2/0.png", 404), (f"{NAME}/99/0/0.png", 404), (f"{NAME}/1/0/0.png?bands=B99", 400),
        (f"{NAME}/1/0/0.png?index=none", 400), ("nothing/1/0/0.png", 400), ("..%2fx/1/0/0.png", 404),
        (f"{NAME}/x/0/0.png", 400), ("S2A_MSIL2A_20200101T105031_N0510_R051_T31TCJ_20200101T160739/1/0/0.png", 403),
    ],
)  # fmt: skip
def test_tiles_that_are_not_there(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(f"/tiles/{path}").status_code == status


def test_pages_for_people(client: httpx.Client) -> None:
    page = client.get("/", headers={"accept": "text/html"})
    assert NAME in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "").split("<body>")[1]
    assert NAME[:30] in client.get("/map").text
