"""A service that is killed: its jobs go on or say why not."""

import os
import signal
import time
from pathlib import Path

import httpx

from support.scenes import built_scene
from support.service import Service, running, write_settings


def mean_ndvi(collection: str) -> dict[str, object]:
    """A graph that takes a second or two."""
    return {
        "load": {
            "process_id": "load_collection",
            "arguments": {
                "id": collection,
                "spatial_extent": None,
                "temporal_extent": ["2024-04-01", "2024-08-01"],
                "bands": ["B04", "B08"],
            },
        },
        "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "nir": "B08", "red": "B04"}},
        "mean": {
            "process_id": "reduce_dimension",
            "arguments": {
                "data": {"from_node": "ndvi"},
                "dimension": "t",
                "reducer": {
                    "process_graph": {
                        "m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
                    }
                },
            },
        },
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "mean"}, "format": "GTiff"},
            "result": True,
        },
    }


def client_of(service: Service) -> httpx.Client:
    return service.client(headers={"Authorization": "Bearer basic//open"})


def states(client: httpx.Client) -> dict[str, str]:
    return {job["id"]: job["status"] for job in client.get("/api/v1/jobs").json()["jobs"]}


def test_no_job_is_lost_with_its_service(tmp_path: Path) -> None:
    scene = built_scene()
    settings = write_settings(tmp_path, scene.folder, scene.parcels)
    settings.write_text(f'job_slots = 2\njob_store = "{tmp_path / "jobs"}"\n{settings.read_text()}')
    with running(tmp_path, settings) as service, client_of(service) as client:
        collection = client.get("/api/v1/collections").json()["collections"][0]["id"]
        ids = []
        for _ in range(5):
            made = client.post("/api/v1/jobs", json={"process": {"process_graph": mean_ndvi(collection)}})
            assert made.status_code == 201, made.text
            ids.append(made.headers["openeo-identifier"])
            assert client.post(f"/api/v1/jobs/{ids[-1]}/results").status_code == 202
        deadline = time.monotonic() + 60
        while "running" not in states(client).values():
            assert time.monotonic() < deadline
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait(20)
    with running(tmp_path, settings) as service, client_of(service) as client:
        deadline = time.monotonic() + 120
        while set(states(client).values()) & {"queued", "running"}:
            assert time.monotonic() < deadline, states(client)
            time.sleep(0.5)
        assert states(client) == dict.fromkeys(ids, "finished")
        for identity in ids:
            assets = client.get(f"/api/v1/jobs/{identity}/results").json()["assets"]
            assert [client.get(one["href"]).status_code for one in assets.values()] == [200] * len(assets)
            assert assets
