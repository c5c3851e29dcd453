"""The openEO Python client, unmodified, against the service."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
from openeo.rest import OpenEoApiError

import openeo
from support.service import Service
from support.stac import check_document

FIELD = {"west": 0.55, "south": 44.14, "east": 0.553, "north": 44.142}
SEASON = ["2024-04-01", "2024-08-01"]


@pytest.fixture(scope="module")
def connection(service: Service) -> openeo.Connection:
    return openeo.connect(f"{service.address}/api/v1").authenticate_basic("anybody", "anything")


def test_describe(connection: openeo.Connection) -> None:
    assert connection.capabilities().api_version() == "1.2.0"
    assert "SENTINEL2_L2A" in connection.list_collection_ids()
    assert {band["name"] for band in connection.describe_collection("SENTINEL2_L2A")["summaries"]["eo:bands"]} > {"B04"}
    assert "netCDF" in connection.list_file_formats()["output"]
    assert {"ndvi", "reduce_dimension"} < {one["id"] for one in connection.list_processes()}


def ndvi(connection: openeo.Connection) -> openeo.DataCube:
    cube = connection.load_collection(
        "SENTINEL2_L2A", temporal_extent=SEASON, spatial_extent=FIELD, bands=["B04", "B08"]
    )
    return cube.reduce_dimension(dimension="t", reducer="mean").ndvi(nir="B08", red="B04")


def test_a_synchronous_answer_and_a_job_give_the_same(connection: openeo.Connection, tmp_path: Path) -> None:
    cube = ndvi(connection)
    assert connection.validate_process_graph(cube.save_result("GTiff")) == []
    cube.download(tmp_path / "now.tif", format="GTiff")
    job = cube.save_result("GTiff").create_job(title="ndvi")
    job.start_and_wait(max_poll_interval=1, print=lambda *_: None)
    assert job.status() == "finished"
    assert job.logs()
    results = job.get_results()
    assert results.get_metadata()["assets"]
    check_document(results.get_metadata())
    results.download_file(tmp_path / "only.tif")  # as execute_batch(outputfile=…) does: a single asset
    results.download_files(tmp_path / "job")
    (graph,) = (link for link in results.get_metadata()["links"] if link["rel"] == "processing-expression")
    assert "ndvi" in httpx.get(graph["href"]).text
    (made,) = (tmp_path / "job").glob("*.tif")
    with rasterio.open(tmp_path / "now.tif") as now, rasterio.open(made) as later:
        pixels = now.read()
        assert np.array_equal(pixels, later.read(), equal_nan=True)
        assert now.crs.to_epsg() == 32631
    assert np.nanmin(pixels) >= -1
    assert np.nanmax(pixels) <= 1
    job.delete()
    with pytest.raises(OpenEoApiError, match="JobNotFound"):
        job.describe()


def test_a_graph_that_cannot_run_is_an_error_of_the_api(connection: openeo.Connection) -> None:
    cube = connection.datacube_from_process("load_collection", id="NOTHING", spatial_extent=None, temporal_extent=None)
    with pytest.raises(OpenEoApiError, match="CollectionNotFound"):
        cube.download("never.tif")
