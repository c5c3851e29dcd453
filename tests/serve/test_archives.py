"""Archives behind the service: who may read those that bill, and how many bytes came."""

import base64
import re
import time
from pathlib import Path

import httpx
import pytest

from s2kit.serve.users import UserStore
from support.s3 import S3Server, moto
from support.scenes import built_scene
from support.service import Service, running

PRODUCT = built_scene().l2a[0]
NAME = PRODUCT.stem
FIELD = {"lon": "0.5531", "lat": "44.1413", "start_date": "2024-04-01", "end_date": "2024-04-30"}
MEAN = {"m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
GRAPH = {
    "load": {
        "process_id": "load_collection",
        "arguments": {
            "id": "SENTINEL2_L2A",
            "spatial_extent": {"west": 0.55, "south": 44.14, "east": 0.551, "north": 44.141},
            "temporal_extent": ["2024-04-01", "2024-05-01"],
            "bands": ["B04"],
        },
    },
    "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": "GTiff"}, "result": True},
}  # fmt: skip
BODY = {"process": {"process_graph": GRAPH}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    """A service of two processes whose only product is in an archive that bills; the settings name that archive."""
    folder = tmp_path_factory.mktemp("paid")
    with moto() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        bucket = S3Server(url).bucket()
        for file in PRODUCT.rglob("*"):
            if file.is_file():
                bucket.put(f"{PRODUCT.name}/{file.relative_to(PRODUCT).as_posix()}", file.read_bytes())
        (folder / "dataset").mkdir()
        settings = folder / "service.toml"
        settings.write_text(
            f'dataset = "{folder / "dataset"}"\ncatalogue = "local"\ncache_dir = "{folder / "cache"}"\n'
            f'allow_requester_pays = true\narchive = "paid"\n[collections]\nSENTINEL2_L2A = "{NAME}"\n'
            f'[archives.gcp]\naddress = "{folder / "dataset"}"\nanonymous = false\n'
            f'[archives.paid]\naddress = "s3://{bucket.name}"\nendpoint_url = "{url}"\nregion = "us-east-1"\n'
            'layout = "safe"\nrequester_pays = true\nanonymous = false\n'
        )
        users = UserStore(folder / "state")
        users.add("payer", "payer's password", may_pay=True)
        users.add("other", "other's password")
        with running(folder, settings, ["--workers", "2"]) as started:
            yield started


def client_of(service: Service, name: str) -> httpx.Client:
    secret = base64.b64encode(f"{name}:{name}'s password".encode()).decode()
    return service.client(headers={"Authorization": f"Basic {secret}"})


def bearer_of(service: Service, name: str) -> httpx.Client:
    with client_of(service, name) as client:
        token = client.get("/api/v1/credentials/basic").json()["access_token"]
    return service.client(headers={"Authorization": f"Bearer basic//{token}"})


def counted(service: Service) -> tuple[int, int]:
    """Requests to the archive and its bytes."""
    text = httpx.get(f"{service.address}/metrics").text
    found = [re.search(rf'^s2kit_archive_{what}_total{{archive="paid"}} (\d+)$', text, re.M) for what in ("requests", "bytes")]  # fmt: skip
    return tuple(int(one[1]) if one else 0 for one in found)  # type: ignore[return-value]


def test_a_tile_is_paid_for_by_who_may(service: Service) -> None:
    with client_of(service, "other") as other, client_of(service, "payer") as payer:
        before = counted(service)
        refused = other.get(f"/tiles/{NAME}/preview.png", params={"bands": "B04"})
        assert refused.status_code == 403
        assert "bills its readers" in refused.json()["message"]
        assert counted(service) == before
        shown = payer.get(f"/tiles/{NAME}/preview.png", params={"bands": "B04"})
        assert shown.status_code == 200, shown.text
        requests, nbytes = counted(service)
        assert requests > before[0]
        assert 1000 < nbytes - before[1] < 3_000_000
        assert other.get(f"/tiles/{NAME}/preview.png", params={"bands": "B04"}).status_code == 403


def run(client: httpx.Client) -> dict[str, str]:
    made = client.post("/api/v1/jobs", json=BODY)
    job = made.headers["openeo-identifier"]
    assert client.post(f"/api/v1/jobs/{job}/results").status_code == 202
    deadline = time.monotonic() + 120
    while (found := client.get(f"/api/v1/jobs/{job}").json())["status"] in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    lines = client.get(f"/api/v1/jobs/{job}/logs").json()["logs"]
    return {"status": found["status"], "log": " ".join(line["message"] for line in lines)}


def test_a_job_is_paid_for_by_who_may(service: Service) -> None:
    with bearer_of(service, "other") as other, bearer_of(service, "payer") as payer:
        before = counted(service)
        refused = run(other)
        assert refused["status"] == "error"
        assert "bills its readers" in refused["log"]
        assert counted(service) == before
        paid = run(payer)
        assert paid["status"] == "finished", paid["log"]
        assert counted(service)[1] > before[1]  # the job's process counts into the same numbers


def test_a_synchronous_graph_is_paid_for_by_who_may(service: Service) -> None:
    with bearer_of(service, "other") as other, bearer_of(service, "payer") as payer:
        refused = other.post("/api/v1/result", json=BODY)
        assert refused.status_code >= 400
        assert "bills its readers" in refused.json()["message"]
        assert payer.post("/api/v1/result", json=BODY).status_code == 200


def test_counts_are_those_of_all_processes(service: Service) -> None:
    def asked() -> int:
        text = httpx.get(f"{service.address}/metrics").text
        found = re.search(r'^s2kit_requests_total{route="/api/",method="GET",status="200"} (\d+)$', text, re.M)
        return int(found[1]) if found else 0

    before = asked()
    for _ in range(20):  # a new connection each time: some go to the one process, some to the other
        assert httpx.get(f"{service.address}/api/").status_code == 200
    deadline = time.monotonic() + 30
    while asked() < before + 20:
        assert time.monotonic() < deadline
    assert [asked() for _ in range(6)] == [before + 20] * 6
    assert Path(service.folder / "audit.jsonl").read_text().count('"route": "/api/"') == before + 20
