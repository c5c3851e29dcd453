"""The openEO API: its documents, its login, the life of a job."""

import httpx
import pytest

from support.service import Service

GRAPH = {"add": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
BODY = {"title": "three", "process": {"process_graph": GRAPH}}


@pytest.fixture(scope="module")
def client(service: Service):
    with service.client(headers={"Authorization": "Bearer basic//open"}) as client:
        yield client


def test_documents(client: httpx.Client) -> None:
    versions = client.get("/.well-known/openeo").json()["versions"]
    assert versions[0]["url"].endswith("/api/v1/")
    about = client.get("/api/v1/").json()
    assert about["api_version"] == versions[0]["api_version"] == "1.2.0"
    for endpoint in about["endpoints"]:
        if endpoint["methods"] == ["GET"] and "{" not in endpoint["path"]:
            assert client.get(f"/api/v1{endpoint['path']}").status_code == 200, endpoint
    assert "ndvi" in {one["id"] for one in client.get("/api/v1/processes").json()["processes"]}
    assert client.get("/api/v1//processes").status_code == 200  # as the official suite joins addresses


def test_errors_have_the_shape_of_the_api_and_may_be_read_by_browsers(client: httpx.Client) -> None:
    answer = client.get("/api/v1/jobs/j-none")
    assert (answer.status_code, answer.json()["code"]) == (404, "JobNotFound")
    assert set(answer.json()) == {"id", "code", "message", "links"}
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = client.options("/api/v1/jobs", headers={"Origin": "https://editor.example"})
    assert asked.status_code == 204
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    assert client.get("/api/v1/process_graphs").status_code == 501


def test_the_life_of_a_job_until_it_starts(client: httpx.Client) -> None:
    made = client.post("/api/v1/jobs", json=BODY)
    assert made.status_code == 201
    identity = made.headers["OpenEO-Identifier"]
    assert made.headers["Location"].endswith(f"/api/v1/jobs/{identity}")
    job = client.get(f"/api/v1/jobs/{identity}").json()
    assert (job["status"], job["title"], job["process"]) == ("created", "three", {"process_graph": GRAPH})
    assert identity in {one["id"] for one in client.get("/api/v1/jobs").json()["jobs"]}
    assert client.patch(f"/api/v1/jobs/{identity}", json={"title": "3"}).status_code == 204
    assert client.get(f"/api/v1/jobs/{identity}").json()["title"] == "3"
    refused = client.patch(f"/api/v1/jobs/{identity}", json={"status": "finished"})
    assert (refused.status_code, refused.json()["code"]) == (400, "PropertyNotEditable")
    early = client.get(f"/api/v1/jobs/{identity}/results")
    assert (early.status_code, early.json()["code"]) == (400, "JobNotStarted")
    assert client.get(f"/api/v1/jobs/{identity}/logs").json()["logs"] == []
    assert client.delete(f"/api/v1/jobs/{identity}").status_code == 204
    assert client.get(f"/api/v1/jobs/{identity}").status_code == 404


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"process": {}}', b"[" * 50_000, b'{"a": 1}'])
def test_bodies_without_a_graph_are_400(client: httpx.Client, content: bytes) -> None:
    answer = client.post("/api/v1/jobs", content=content)
    assert answer.status_code == 400
    assert answer.json()["code"]


def test_a_graph_of_too_many_nodes_is_refused(client: httpx.Client) -> None:
    nodes = {f"n{number}": GRAPH["add"] for number in range(1001)}
    answer = client.post("/api/v1/jobs", json={"process": {"process_graph": nodes}})
    assert answer.json()["code"] == "ProcessGraphComplexity"


def test_links_are_signed(client: httpx.Client) -> None:
    assert client.get("/api/v1/results/j-1/99999999999/abc").status_code == 404
    assert client.get("/download/j-1/99999999999/abc/x.tif").status_code == 404


def metrics(client: httpx.Client) -> dict[str, float]:
    text = client.get("/metrics").text
    assert text.endswith("\n")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_metrics_count_requests_answers_and_jobs(client: httpx.Client) -> None:
    before = metrics(client)
    about = client.get("/api/v1/conformance")
    made = client.post("/api/v1/jobs", json=BODY).headers["openeo-identifier"]
    after = metrics(client)
    asked = 's2kit_requests_total{route="/api/v1/conformance",method="GET",status="200"}'
    assert after[asked] == before.get(asked, 0) + 1
    assert after["s2kit_sent_bytes_total"] >= before["s2kit_sent_bytes_total"] + len(about.content)
    created = 's2kit_jobs{state="created"}'
    assert after[created] == before.get(created, 0) + 1
    assert client.delete(f"/api/v1/jobs/{made}").status_code == 204
    assert metrics(client).get(created, 0) == before.get(created, 0)
