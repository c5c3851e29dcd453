"""Clients of the older systems: what they send, and what they understand of the answers."""

import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
import simplejpeg

from support.scenes import built_scene
from support.service import Service

NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
FIELD = {"lon": 0.5531, "lat": 44.1413}
SEASON = {"start_date": "2024-04-01", "end_date": "2024-07-31"}
LISTS = {"res_list": "20,60", "r_list": "B04,B04", "g_list": "B03,B03", "b_list": "B02,B02"}


@pytest.fixture(scope="module")
def client(service: Service):
    with service.client() as client:
        yield client


def band_key(name: str) -> str:
    folder = built_scene().folder
    (found,) = folder.glob(f"{NAME}.SAFE/GRANULE/*/IMG_DATA/*/*_{name}.jp2")
    return found.relative_to(folder).as_posix()


# the Django service


def test_the_life_of_a_composite_job(client: httpx.Client) -> None:
    made = client.post("/api/job-create/", json={**LISTS, "status": "Done", "output": "mine"})
    assert made.status_code == 200
    job = made.json()
    assert list(job) == ["id", "res_list", "r_list", "g_list", "b_list", "status", "output"]
    assert (job["status"], job["output"]) == ("Pending", "")
    assert client.get(f"/api/job-detail/{job['id']}").json() == job
    done = client.get(f"/api/job-run/{job['id']}/").json()
    assert done["status"] == "Done"
    names = done["output"].rstrip(",").split(",")
    assert len(names) == 8  # four products, two pictures each
    assert all(name.startswith("./Output/") for name in names)
    picture = client.get(names[0].removeprefix("."))
    assert picture.headers["content-type"] == "image/jpeg"
    assert simplejpeg.decode_jpeg_header(picture.content)[2] == "YCbCr"
    assert client.get("/api/job-list/").json()[0]["id"] == job["id"]
    changed = client.post(f"/api/job-update/{job['id']}/", json={**LISTS, "res_list": "20,20"}).json()
    assert (changed["status"], changed["output"], changed["res_list"]) == ("Pending", "", "20,20")
    assert client.delete(f"/api/job-delete/{job['id']}/").json() == "Item succsesfully delete!"
    assert client.get(f"/api/job-detail/{job['id']}/").status_code == 404


def test_a_composite_job_from_a_form_without_the_last_slash(client: httpx.Client) -> None:
    job = client.post("/api/job-create", data=LISTS).json()
    assert job["r_list"] == "B04,B04"
    client.delete(f"/api/job-delete/{job['id']}")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"nonsense", b"[]", b"{}", json.dumps({**LISTS, "r_list": "B04"}).encode(),
        json.dumps({**LISTS, "r_list": "B04,B99"}).encode(), json.dumps({**LISTS, "r_list": "B04," * 60}).encode(),
        json.dumps({**LISTS, "res_list": "20,17"}).encode(), json.dumps({**LISTS, "b_list": 7}).encode(), b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_bad_composite_job_is_400(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/api/job-create/", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_unknown_jobs_and_methods(client: httpx.Client) -> None:
    for pk in ("999999", "x", "../1", "-1", "9" * 400):
        assert client.get(f"/api/job-detail/{pk}/").status_code == 404
    answer = client.put("/api/job-list/")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "PUT" not allowed.'})
    assert client.get("/api/").json()["Run Job"] == "/job-run/<str:pk>/"


# the JPEG 2000 service


@pytest.mark.parametrize("key", ["Path", "path"])
def test_pixels_of_a_file(client: httpx.Client, key: str) -> None:
    path = band_key("B04_60m")
    answer = client.post("/api/jp2", json={key: path, "rlevel": 0}).json()
    with rasterio.open(built_scene().folder / path) as opened:
        assert np.array_equal(answer["img_data"], opened.read(1))
    assert sorted(answer) == ["img_data", "shape", "time_download", "time_processing"]


def test_pixels_of_three_bands_are_lists_of_three(client: httpx.Client) -> None:
    answer = client.post("/api/jp2", json={"Path": band_key("TCI_60m"), "rlevel": -1}).json()
    assert np.array(answer["img_data"]).shape == (*answer["shape"], 3)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "Bad json"),
        (b"[]", "Bad json"),
        (b'{"rlevel": 1}', "Bad json"),
        (b'{"Path": "tiles/none.jp2"}', "Image not found"),
        (b'{"Path": "../../etc/passwd"}', "Error parsing jp2"),
        (b'{"Path": "/vsicurl/http://127.0.0.1/x"}', "Error parsing jp2"),
    ],
)
def test_the_four_texts(client: httpx.Client, body: bytes, text: str) -> None:
    answer = client.post("/api/jp2", content=body)
    assert answer.status_code == 200
    assert answer.json()["Error"].startswith(text)


def test_the_root_of_the_jp2_service(client: httpx.Client) -> None:
    assert client.get("/", headers={"accept": "*/*"}).text == "JP2 Service"


# the parcel and chip service


def test_a_page_of_chips(client: httpx.Client) -> None:
    page = client.get("/query/chipsByLocation", params={**FIELD, **SEASON, "lut": "None"}).text
    found = re.findall(r'<td><label><img id = "(\d{8}T\d{6})" src="(/static/tmp/[^"]+\.png)"/><br/>(\d{8}T\d{6})', page)
    assert [stamp for stamp, _, _ in found] == ["20240419T105031", "20240615T104031"]
    assert client.get(found[0][1]).headers["content-type"] == "image/png"


def test_raw_chips_and_their_list(client: httpx.Client) -> None:
    answer = client.get("/query/rawChipByLocation", params={**FIELD, **SEASON, "band": "B08"}).json()
    assert answer["dates"] == ["20240419T105031", "20240615T104031"]
    name = answer["chips"][0].rsplit("/")[-1]
    assert name == f"{NAME}.B08.tif"
    content = client.get(answer["chips"][0]).content
    with rasterio.open(io.BytesIO(content)) as opened:
        assert (opened.width, opened.height) == (128, 128)
    part = client.get(answer["chips"][0], headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, content[:100])
    assert client.head(answer["chips"][0]).headers["content-length"] == str(len(content))
    listed = client.get(
        "/query/rawChipByParcelID", params={**SEASON, "aoi": "DEMO", "pid": "138", "onlylist": "True"}
    ).json()
    assert f"{NAME}.SAFE" in listed["chips"]


def test_a_batch_of_raw_chips(client: httpx.Client) -> None:
    body = {**FIELD, "tiles": [f"{NAME}.SAFE"], "bands": ["B08", "B04"], "chipsize": 1280}
    answer = client.post("/query/rawChipsBatch", json=body).json()
    assert sorted(answer["dates"]) == ["20240419T105031_B04", "20240419T105031_B08"]
    assert client.post("/query/rawChipsBatch", json={**body, "x": 1}).json() == {"error": "x not allowed as key"}
    del body["lon"]
    assert client.post("/query/rawChipsBatch", json=body).json() == {"error": "4 parameters supplied, 5 required"}


def test_a_batch_of_which_nothing_can_be_made_says_why(client: httpx.Client) -> None:
    other = NAME.replace("20240419T105031", "20240424T105031")
    body = {**FIELD, "tiles": [other], "bands": ["B08"], "chipsize": 1280}
    answer = client.post("/query/rawChipsBatch", json=body)
    assert answer.status_code == 403  # no free archive has it
    assert other in answer.json()["error"]
    both = client.post("/query/rawChipsBatch", json={**body, "tiles": [other, NAME]})
    assert both.json()["dates"] == ["20240419T105031_B08"]


@pytest.mark.parametrize(
    "change",
    [{"lon": "x"}, {"lat": "95"}, {"start_date": "2024-4-1"}, {"band": "B99"}, {"chipsize": "6000"}, {"plevel": "L3"}],
)
def test_bad_chip_queries_are_400(client: httpx.Client, change: dict[str, str]) -> None:
    answer = client.get("/query/rawChipByLocation", params={**FIELD, **SEASON, **change})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_parcels(client: httpx.Client) -> None:
    asked = {"aoi": "Demo", "pid": "138", "withGeometry": "True", "wgs84": "True"}
    answer = client.get("/query/parcelByID", params=asked).json()
    assert list(answer) == ["pid", "cropname", "cropcode", "srid", "geom", "area", "clon", "clat"]
    assert (answer["pid"], answer["srid"]) == (["138"], [4326])
    here = client.get(
        "/query/parcelByLocation", params={"aoi": "demo", "lon": answer["clon"][0], "lat": answer["clat"][0]}
    )
    assert here.json()["pid"] == ["138"]
    none = client.get("/query/parcelByID", params={"aoi": "demo", "pid": "nobody"}).json()
    assert none == {key: [] for key in ("pid", "cropname", "cropcode", "srid", "area", "clon", "clat")}
    lon, lat = answer["clon"][0], answer["clat"][0]
    ring = "-".join(f"{lon + dx}_{lat + dy}" for dx, dy in ((0, 0), (1e-5, 0), (1e-5, 1e-5)))
    assert client.get("/query/parcelsByPolygon", params={"aoi": "demo", "polygon": ring}).json() == {"pid": ["138"]}
    west = "-1.5_43,-1.4_43,-1.4_43.1"
    assert client.get("/query/parcelsByPolygon", params={"aoi": "demo", "polygon": west}).json() == {"pid": []}


def test_what_is_not_offered(client: httpx.Client) -> None:
    assert client.get("/query/parcelPeers").status_code == 501
    assert client.get("/query/parcelByID", params={"aoi": "../etc", "pid": "1"}).status_code == 404
    assert client.get("/query/info").json()["aois"] == ["demo"]


def test_files_are_not_found_by_guessing(client: httpx.Client, service: Service) -> None:
    for path in (
        "/static/tmp/x/y",
        "/static/tmp/../users.sqlite",
        f"/static/tmp/{'a' * 32}/x.png",
        "/static/tmp//etc/passwd",
    ):
        assert client.get(path).status_code in {400, 404}
    log = Path(service.folder / "audit.jsonl").read_text()
    assert "/static/tmp/{token}/{path:path}" in log  # the route, never the secret
