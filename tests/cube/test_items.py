"""STAC items beside cubes."""

import hashlib

import pytest
from pystac.extensions.projection import ProjectionExtension
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.scenes import built_scene
from support.stac import checked_item

runner = CliRunner()


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene = built_scene(dates=2, more_l2a=2)

    def run(*words):
        products = [str(path) for path in scene.l2a[:2]]
        result = runner.invoke(app, ["cube", *products, "--jobs", "1", "--aoi", str(scene.aoi), "--stac", *words])
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.stdout.split()

    return run


def test_a_zarr_has_one_item(made, tmp_path):
    assert made("--bands", "B04,SCL", "--index", "ndvi", "--out", "a.zarr") == ["a.zarr", "a.zarr.json"]
    item = checked_item(tmp_path / "a.zarr.json")
    assert item.datetime is None
    assert item.properties["start_datetime"] == "2024-04-19T10:50:31Z"
    assert item.properties["end_datetime"] == "2024-05-09T10:50:31Z"
    assert ProjectionExtension.ext(item).code == "EPSG:32631"
    (asset,) = item.assets.values()
    assert asset.href == "./a.zarr" or asset.href == "a.zarr"
    bands = {band["name"]: band for band in asset.extra_fields["bands"]}
    assert bands["B04"]["raster:scale"] == 0.0001
    assert bands["B04"]["eo:common_name"] == "red"
    assert bands["ndvi"]["nodata"] == "nan"
    assert [link.title.split("_")[2] for link in item.get_links("derived_from")] == [
        "20240419T105031", "20240509T105031",
    ]  # fmt: skip


def test_each_time_of_geotiffs_has_an_item_with_checksums(made, tmp_path):
    made("--bands", "B04,SCL", "--format", "cog", "--out", "c")
    item = checked_item(tmp_path / "c" / "20240419T105031.json")
    assert item.datetime.isoformat() == "2024-04-19T10:50:31+00:00"
    assert set(item.assets) == {"B04", "SCL"}
    asset = item.assets["B04"]
    data = (tmp_path / "c" / "20240419T105031_B04.tif").read_bytes()
    assert asset.extra_fields["file:size"] == len(data)
    assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest()
    assert len(item.get_links("derived_from")) == 1


def test_a_composite_spans_its_period(made, tmp_path):
    made("--bands", "B04", "--composite", "median", "--period", "month", "--format", "multicog", "--out", "c")
    item = checked_item(tmp_path / "c" / "20240401T000000.json")
    assert item.properties["start_datetime"] == "2024-04-01T00:00:00Z"
    assert item.properties["end_datetime"] == "2024-04-30T23:59:59Z"


def test_the_item_of_a_cube_that_grew_tells_of_all_its_dates(scene, tmp_path):
    cube = tmp_path / "a.zarr"
    for product in scene.l2a:
        words = ["cube", str(product), "--bands", "B04", "--res", "60", "--append", "--stac", "--out", str(cube)]
        result = runner.invoke(app, words)
        assert result.exit_code == 0, result.output
    item = checked_item(tmp_path / "a.zarr.json")
    assert item.properties["start_datetime"].startswith("2024-04-19T10:50:31")
    assert item.properties["end_datetime"].startswith("2024-06-15T10:40:31")
    assert [link.title for link in item.get_links("derived_from")] == [product.stem for product in scene.l2a]
