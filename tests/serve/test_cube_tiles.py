"""Tiles of cubes: those of `s2kit cube` in the dataset folder, and those that a job made."""

import time
import warnings
from pathlib import Path

import httpx
import numpy as np
import pytest
import zarr
from defusedxml.ElementTree import fromstring
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from s2kit.cube import CubeOutput, CubeRequest, make_cube, plan_cube
from s2kit.cube.views import cube_picture, is_cube, open_cube, subject_of
from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.picture.read import DEFAULT_READING
from s2kit.picture.stretch import parse_stretch
from s2kit.render.picture import paint_window
from s2kit.settings import load_settings
from support.scenes import built_scene
from support.service import running, write_settings

BOX = (0.515, 44.17, 0.535, 44.2)
LAYERS = {"bands": ["B04,B03,B02,SCL"], "index": ["ndvi"], "dtype": "float32"}
TIMES = ["2024-04-19T10:50:31Z", "2024-06-15T10:40:31Z"]


def add_cube(folder: Path, path: Path, **options) -> Path:
    loaded = load_settings(environment={}, folder=folder)
    products = [str(path) for path in built_scene().l2a]
    request = CubeRequest.parse(loaded, products=products, bbox=[BOX], **options)
    make_cube(plan_cube(request), CubeOutput(path=path, jobs=1))
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder with the products of the scene and two cubes."""
    folder = tmp_path_factory.mktemp("dataset")
    for product in built_scene().l2a:
        (folder / product.name).symlink_to(product)
    add_cube(folder, folder / "farm.zarr", bands=["B04,B03,B02,B08,SCL"])
    add_cube(folder, folder / "numbers.zarr", **LAYERS)
    return folder


@pytest.fixture(scope="module")
def client(dataset: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("service")
    with running(folder, write_settings(folder, dataset, built_scene().parcels)) as service, service.client() as client:
        yield client


def decoded(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(answer.content) as memory, memory.open() as opened:
            return opened.read()


def drawn(cube, at: int = 0, stretch: str = "0:0.3", **names: str) -> np.ndarray:
    subject = subject_of(cube, **names)
    picture = cube_picture(cube, at, subject=subject, stretch=parse_stretch(stretch), reading=DEFAULT_READING)
    return paint_window(picture, picture.grid.window)


def test_a_picture_of_a_cube_is_that_of_its_numbers(dataset: Path) -> None:
    cube = open_cube(dataset / "farm.zarr")
    assert [f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in cube.times] == TIMES
    red = zarr.open_group(dataset / "farm.zarr", mode="r")["B04"][1] / 10_000
    pixels = drawn(cube, 1, bands="B04")[..., 0]
    inside = (red > 0) & (red < 0.3)
    assert pixels.shape == red.shape
    assert np.abs(pixels[inside] - (1 + 254 * red[inside] / 0.3)).max() <= 1
    assert not pixels[red == 0].any()
    assert pixels[red == 0].size  # beyond the edge of the swath
    assert drawn(cube, bands="SCL").max() <= 11
    assert drawn(cube).shape == (*red.shape, 3)


def test_an_index_of_a_cube_is_the_same_from_its_layer_and_from_its_bands(dataset: Path) -> None:
    stored, made = open_cube(dataset / "numbers.zarr"), open_cube(dataset / "farm.zarr")
    assert "ndvi" in stored.layers
    assert "ndvi" not in made.layers
    of_layer, of_bands = drawn(stored, index="ndvi"), drawn(made, index="ndvi")
    assert of_layer.std() > 10
    assert np.abs(of_layer.astype(int) - of_bands).max() <= 1
    floats, whole = drawn(stored, bands="B04"), drawn(made, bands="B04")
    assert np.abs(floats.astype(int) - whole).max() <= 1


def test_what_a_cube_does_not_have(dataset: Path, tmp_path: Path) -> None:
    cube = open_cube(dataset / "farm.zarr")
    assert cube.position("2024-04-19") == 0
    assert cube.position(None) == 1
    with pytest.raises(NotFoundError, match=r"farm.zarr has no time '2023'"):
        cube.position("2023")
    with pytest.raises(NotFoundError, match="lacks B11"):
        drawn(cube, index="ndmi")
    with pytest.raises(UsageError, match="exclude each other"):
        subject_of(cube, bands="B04", index="ndvi")
    with pytest.raises(InputError, match="one band or of three"):
        drawn(cube, bands="B04,B03")
    zarr.create_group(tmp_path / "other.zarr")
    assert not is_cube(tmp_path / "other.zarr")
    with pytest.raises(InputError, match="is no cube"):
        open_cube(tmp_path / "other.zarr")
    with pytest.raises(NotFoundError, match="there is no cube"):
        open_cube(tmp_path / "none.zarr")


def test_a_layer_of_a_cube_on_a_web_map(client: httpx.Client) -> None:
    about = client.get("/tiles/farm/tilejson.json", params={"time": "2024-04-19", "index": "ndvi"}).json()
    assert about["times"] == TIMES
    assert about["tiles"][0].endswith("/tiles/farm/{z}/{x}/{y}.png?index=ndvi&time=2024-04-19")
    assert about["bounds"] == pytest.approx(BOX, abs=0.02)
    zoom = about["maxzoom"]
    side = 1 << zoom
    x = int((0.525 + 180) / 360 * side)
    y = int((1 - np.arcsinh(np.tan(np.radians(44.185))) / np.pi) / 2 * side)
    tile = decoded(client.get(about["tiles"][0].format(z=zoom, x=x, y=y)))
    assert tile.shape == (4, 256, 256)
    assert (tile[3] == 255).mean() > 0.5
    later = decoded(client.get(f"/tiles/farm.zarr/{zoom}/{x}/{y}.png", params={"index": "ndvi"}))
    assert not np.array_equal(tile, later)
    assert not decoded(client.get(f"/tiles/farm/{zoom}/0/0.png"))[3].any()


def test_the_times_of_a_cube_are_a_dimension_of_wmts(client: httpx.Client) -> None:
    spaces = {"w": "http://www.opengis.net/wmts/1.0", "o": "http://www.opengis.net/ows/1.1"}
    root = fromstring(client.get("/tiles/farm/wmts.xml", params={"index": "ndvi"}).content)
    assert [one.text for one in root.findall(".//w:Dimension/w:Value", spaces)] == TIMES
    assert root.find(".//w:Dimension/w:Default", spaces).text == TIMES[-1]
    assert root.find(".//w:ResourceURL", spaces).get("template").endswith("?index=ndvi&time={time}")
    fixed = fromstring(client.get("/tiles/farm/wmts.xml", params={"time": "2024-04-19"}).content)
    assert fixed.find(".//w:Dimension", spaces) is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("farm/preview.png?time=2023", 404), ("farm/preview.png?bands=B99", 400), ("farm/preview.png?bands=B11", 404),
        ("j-none/preview.png", 404), ("j-../preview.png", 400), ("farm@x/preview.png", 400),
    ],
)  # fmt: skip
def test_cubes_that_are_not_there(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(f"/tiles/{path}").status_code == status


def test_a_product_has_no_times(client: httpx.Client) -> None:
    answer = client.get(f"/tiles/{built_scene().l2a[0].stem}/preview.png", params={"time": "2024-04-19"})
    assert answer.status_code == 400
    assert "is no cube" in answer.json()["message"]


def test_a_cube_that_is_made_again_is_read_again(dataset: Path, client: httpx.Client) -> None:
    add_cube(dataset, dataset / "again.zarr", bands=["B04"])
    first = decoded(client.get("/tiles/again/preview.png", params={"stretch": "0:0.3"}))
    moved = dataset / "again.zarr"
    moved.rename(dataset / "old.part")
    add_cube(dataset, moved, bands=["B08"])
    second = decoded(client.get("/tiles/again/preview.png", params={"stretch": "0:0.3"}))
    assert not np.array_equal(first, second)


def test_the_cube_of_a_job(client: httpx.Client) -> None:
    extent = dict(zip(("west", "south", "east", "north"), BOX, strict=True))
    load = {"id": "SENTINEL2_L2A", "spatial_extent": extent, "temporal_extent": ["2024-04-01", "2024-07-01"]}
    graph = {
        "load": {"process_id": "load_collection", "arguments": {**load, "bands": ["B04", "B08"]}},
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "load"}, "format": "Zarr"},
            "result": True,
        },
    }
    client.headers["Authorization"] = "Bearer basic//open"
    made = client.post("/api/v1/jobs", json={"process": {"process_graph": graph}})
    job = made.headers["openeo-identifier"]
    assert client.get(f"/tiles/{job}/tilejson.json").status_code == 404
    assert client.post(f"/api/v1/jobs/{job}/results").status_code == 202
    deadline = time.monotonic() + 120
    while client.get(f"/api/v1/jobs/{job}").json()["status"] in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    about = client.get(f"/tiles/{job}/tilejson.json", params={"index": "ndvi"}).json()
    assert [one[:10] for one in about["times"]] == ["2024-04-19", "2024-06-15"]
    of_job = decoded(client.get(f"/tiles/{job}/preview.png", params={"index": "ndvi", "time": "2024-04-19"}))
    of_file = decoded(client.get("/tiles/farm/preview.png", params={"index": "ndvi", "time": "2024-04-19"}))
    shown = of_job[3] == 255
    assert shown.mean() > 0.5
    assert of_job[:3][:, shown].std() == pytest.approx(of_file[:3][:, of_file[3] == 255].std(), rel=0.1)
    page = client.get(f"/job/{job}").text
    assert f"/tiles/{job}%40" in page
    assert "farm.zarr" in client.get("/", headers={"accept": "text/html"}).text
