"""Clients of the older systems, call by call: the same addresses and bodies, and the answers read as those read them.

The calls are those of the Python package `cbm` (0.0.18, `datas/api.py`, `get/parcel_info.py`, `get/chip_images.py`), of
the script in JRC's guide to raw chips, and of the examples of the Django and the JPEG 2000 service. Only the host and
the login are another.
"""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import requests
from rasterio.features import geometry_mask
from shapely.geometry import mapping, shape
from shapely.ops import transform

from support.scenes import built_scene
from support.service import Service

AUTH = ("anna", "anna's password")
LON, LAT = "0.5531", "44.1413"
NAMES = ["S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739",
         "S2A_MSIL2A_20240615T104031_N0510_R008_T31TCJ_20240615T155739"]  # fmt: skip


@pytest.fixture
def host(closed: Service) -> str:
    return closed.address


def fetched(host: str, chips: list[str], folder: Path) -> list[Path]:
    """As both clients fetch: without a login, the name after the last slash, in pieces of 512 bytes."""
    made = []
    for chip in chips:
        answer = requests.get(f"{host}{chip}", stream=True, timeout=60)
        path = folder / chip.split("/")[-1]
        with path.open("wb") as file:
            for piece in answer.iter_content(chunk_size=512):
                file.write(piece)
        made.append(path)
    return made


# the package cbm


def test_cbm_asks_what_there_is(host: str) -> None:
    content = requests.get(f"{host}/query/info", auth=AUTH, timeout=60).content
    assert list(json.loads(content)) == ["server", "helpers", "aois"]


def test_cbm_finds_a_parcel(host: str) -> None:
    address = f"{host}/query/parcelByLocation?aoi=demo&year=2024&lon={LON}&lat={LAT}&withGeometry=True&wgs84=True"
    parcel = json.loads(requests.get(address, auth=AUTH, timeout=60).content)
    assert isinstance(parcel, dict)
    assert parcel != {}
    pid = parcel["pid"][0] if isinstance(parcel["pid"], list) else parcel["pid"]
    assert shape(json.loads(parcel["geom"][0])).contains(
        shape({"type": "Point", "coordinates": [float(LON), float(LAT)]})
    )
    by_id = f"{host}/query/parcelByID?aoi=demo&year=2024&pid={pid}&withGeometry=True&ptype=m"
    found = json.loads(requests.get(by_id, auth=AUTH, timeout=60).content)
    assert found["pid"] == [pid]
    assert (found["clon"][0], found["clat"][0]) == pytest.approx((float(LON), float(LAT)), abs=0.005)
    none = json.loads(requests.get(f"{host}/query/parcelByID?aoi=demo&year=2024&pid=x", auth=AUTH, timeout=60).content)
    assert none["pid"] == []  # what the package takes for "no parcel information found"


def test_cbm_finds_parcels_in_a_polygon(host: str) -> None:
    ring = f"{LON}_{LAT}-0.5541_{LAT}-0.5541_44.1423-{LON}_44.1423"
    address = f"{host}/query/parcelsByPolygon?aoi=demo&year=2024&polygon={ring}&only_ids=True"
    assert json.loads(requests.get(address, auth=AUTH, timeout=60).content)["pid"]


def test_cbm_makes_a_page_of_chips(host: str) -> None:
    """It names the bands `band`, which the service never knew, and sends `lut=None`; a size is sent and not known."""
    address = f"{host}/query/chipsByLocation?lon={LON}&lat={LAT}&start_date=2024-04-01&end_date=2024-06-30"
    answer = requests.get(f"{address}&band=B08_B04_B03&chipsize=2560&lut=None", auth=AUTH, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.count("<td><label><img id = ") == 2


def test_cbm_fetches_raw_chips_band_by_band(host: str, tmp_path: Path) -> None:
    parcel = requests.get(
        f"{host}/query/parcelByID?aoi=demo&year=2024&pid=138&withGeometry=True", auth=AUTH, timeout=60
    )
    clon, clat = (json.loads(parcel.content)[key][0] for key in ("clon", "clat"))
    for band, side in (("B08", 256), ("SCL", 128)):
        address = f"{host}/query/rawChipByLocation?lon={clon}&lat={clat}&start_date=2024-04-01&end_date=2024-06-30"
        content = requests.get(f"{address}&band={band}&chipsize=2560", auth=AUTH, timeout=60).content
        table = pd.read_json(io.StringIO(content.decode("utf-8")))
        assert list(table.columns) == ["dates", "chips"]
        made = fetched(host, list(table.chips), tmp_path)
        assert [path.name for path in made] == [f"{name}.{band}.tif" for name in NAMES]
        with rasterio.open(made[0]) as opened:
            assert opened.shape == (side, side)
        table = table.sort_values(by="dates").reset_index(drop=True)
        table.to_csv(tmp_path / f"images_list.{band}.csv")
        assert len((tmp_path / f"images_list.{band}.csv").read_text().splitlines()) == 3


def test_cbm_learns_that_there_is_no_background(host: str) -> None:
    address = f"{host}/query/backgroundByLocation?lon={LON}&lat={LAT}&chipsize=512&extend=512&tms=Google&iformat=tif"
    assert requests.get(address, auth=AUTH, timeout=60).status_code == 501


# the script of JRC's guide to raw chips


def test_the_script_of_the_guide_counts_classes_of_a_parcel(host: str, tmp_path: Path) -> None:
    address = f"{host}/query/parcelByLocation?aoi=demo&year=2020&lon={LON}&lat={LAT}&withGeometry=True&ptype="
    parcel = json.loads(requests.get(address, auth=AUTH, timeout=60).content)
    assert parcel
    assert parcel.get(next(iter(parcel)))
    geometry = shape(json.loads(parcel.get("geom")[0]))
    to_degrees = pyproj.Transformer.from_crs(parcel.get("srid")[0], 4326, always_xy=True).transform
    centroid = transform(to_degrees, geometry.centroid)
    raw = f"{host}/query/rawChipByLocation?lon={centroid.x}&lat={centroid.y}&start_date=2024-04-01&end_date=2024-06-30"
    answer = requests.get(f"{raw}&band=SCL&chipsize=2560", auth=AUTH, timeout=60)
    table = pd.read_json(io.BytesIO(answer.content))
    assert not table.empty
    counts = {}
    for path in fetched(host, list(table.chips), tmp_path):
        with rasterio.open(path) as opened:
            code = int(str(opened.crs).split(":")[-1])
            to_image = pyproj.Transformer.from_crs(parcel["srid"][0], code, always_xy=True).transform
            outside = geometry_mask([mapping(transform(to_image, geometry))], opened.shape, opened.transform)
            classes, numbers = np.unique(opened.read(1)[~outside], return_counts=True)
        counts[path.name] = {int(one): int(number) for one, number in zip(classes, numbers, strict=True) if one}
    assert list(counts) == [f"{name}.SCL.tif" for name in NAMES]
    assert set(counts[f"{NAMES[0]}.SCL.tif"]) <= {4, 5}  # a clear day: plants and soil
    pixels = {sum(one.values()) for one in counts.values()}
    assert pixels == {sum(counts[f"{NAMES[0]}.SCL.tif"].values())}
    assert pixels.pop() == pytest.approx(parcel["area"][0] / 400, rel=0.1)


def test_the_next_page_of_the_guide_asks_for_many_products_at_once(host: str) -> None:
    body = {"lon": float(LON), "lat": float(LAT), "tiles": [f"{name}.SAFE" for name in NAMES], "bands": ["B08", "B04"],
            "chipsize": 1280}  # fmt: skip
    answer = requests.post(f"{host}/query/rawChipsBatch", json=body, auth=AUTH, timeout=120)
    found = json.loads(answer.content)
    assert sorted(found["dates"]) == [f"{name[11:26]}_{band}" for name in NAMES for band in ("B04", "B08")]
    assert all(chip.startswith("/static/tmp/") and chip.endswith(".tif") for chip in found["chips"])


# the examples of the Django service and of the JPEG 2000 service


def test_the_example_of_the_django_service(host: str, tmp_path: Path) -> None:
    assert requests.get(f"{host}/api/", timeout=60).json()["Run Job"] == "/job-run/<str:pk>/"
    lists = {"res_list": "20,20,60", "r_list": "B04,B12,B06", "g_list": "B03,B11,B04", "b_list": "B02,B03,B02"}
    made = requests.post(f"{host}/api/job-create/", json=lists, auth=AUTH, timeout=60)
    assert made.status_code == 200
    job = requests.get(f"{host}/api/job-run/{made.json()['id']}", auth=AUTH, timeout=300).json()
    assert job["status"] == "Done"
    names = [name for name in job["output"].split(",") if name]
    assert len(names) == 3 * len(built_scene().products)
    for name in names[:3]:
        picture = requests.get(f"{host}/{name.removeprefix('./')}", auth=AUTH, timeout=60)
        assert picture.content.startswith(b"\xff\xd8")


def test_the_example_of_the_jpeg_2000_service(host: str) -> None:
    """As `curl -XPOST -d @sample.json`, with the header that the example gives."""
    folder = built_scene().folder
    (file,) = folder.glob(f"{NAMES[0]}.SAFE/GRANULE/*/IMG_DATA/*/*_B8A_20m.jp2")
    sample = json.dumps({"Path": file.relative_to(folder).as_posix(), "rlevel": -1})
    answer = requests.post(f"{host}/api/jp2", data=sample, headers={"Content-Type": "application/json"}, auth=AUTH, timeout=60)  # fmt: skip
    found = answer.json()
    assert set(found) == {"img_data", "shape", "time_download", "time_processing"}
    assert np.array(found["img_data"]).shape == tuple(found["shape"])
    with rasterio.open(file) as opened:
        assert found["shape"][0] == -(-opened.height // 16)  # four levels below the whole
