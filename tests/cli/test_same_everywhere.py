"""What a user names means the same in every verb, and a pixel has one value in all of them."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.chip_items import parcel_file, square, write_item
from support.scenes import copied

NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"


def run(*words, code=0):
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture
def nested(tmp_path, monkeypatch):
    """A dataset folder whose only product, COGs of two bands, lies two folders deep."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(4)
    bands = {band: generator.integers(150, 900, (200, 200)).astype(np.uint16) for band in ("B04", "B08")}
    write_item(tmp_path / "d" / "2024" / "april", {**bands, "SCL": np.full((100, 100), 4, np.uint8)}, scales={"SCL": 2})
    parcel_file(tmp_path / "p.geojson", {"p": square(300803, 4899003, 301)})
    return bands


@pytest.mark.parametrize("named", ["folder", "product", "name", "dataset"])
def test_cogs_in_a_nested_folder_work_in_every_verb(nested, tmp_path, named):
    folder = tmp_path / "d" / "2024" / "april" / f"{NAME}_cog"
    word = {"folder": ["d"], "product": [folder], "name": [NAME, "--dataset", "d"], "dataset": ["--dataset", "d"]}[
        named
    ]
    one = [NAME, "--dataset", "d"] if named == "dataset" else word if named != "folder" else [folder]
    picture = run(
        "render", *word, "--bands", "B04", "--dtype", "uint16", "--format", "gtiff", "--out", "o"
    ).stdout.split()
    with rasterio.open(picture[0]) as image:
        assert (image.read(1) == nested["B04"]).all()
        assert image.tags()["PRODUCT"] == NAME
    told = json.loads(run("info", *one, "-f", "jsonl").stdout)
    assert (told["id"], told["proj:epsg"], told["s2kit:offset_source"]) == (NAME, 32631, "pixels")
    assert told["s2kit:images"] == {"10": ["B04", "B08"], "20": ["SCL"]}
    dumped = json.loads(run("pixels", *one, "--band", "B08", "--window", "3,4,5,6").stdout)
    assert dumped["img_data"] == nested["B08"][4:10, 3:8].tolist()
    if named == "dataset":
        return
    rows = run("stats", *word, "--parcels", "p.geojson", "--layer", "B04", "--dn", "-f", "jsonl").stdout.splitlines()
    assert json.loads(rows[0])["id"] == NAME
    chips = run(
        "chips", *word, "--parcels", "p.geojson", "--pid", "p", "--raw", "--bands", "B04", "-f", "jsonl", "--no-cache"
    )
    assert json.loads(chips.stdout)["id"] == NAME


def test_a_nested_folder_of_safes_means_the_same(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = copied(scene.l2a[0], tmp_path / "d" / "deep" / "er")
    rendered = run("render", "d", "--bands", "B04", "--max-px", 100, "--format", "png", "--out", "o").stdout.split()
    chips = run("chips", "d", "--parcels", scene.parcels, "--pid", 40, "--bands", "B04", "-f", "jsonl", "--no-cache")
    stats = run("stats", "d", "--parcels", scene.parcels, "--pid", 40, "--layer", "SCL", "-f", "jsonl")
    assert len(rendered) == 1
    assert {json.loads(line)["id"] for line in (chips.stdout + stats.stdout).splitlines()} == {place.stem}


def test_ndvi_at_20_m_is_one_number_in_render_chips_and_stats(scene, tmp_path, monkeypatch):
    """B08 is at 10 m only: its pixels at 20 m are means of the file's own, not wavelet levels."""
    monkeypatch.chdir(tmp_path)
    safe = scene.l2a[0]
    words = ["--parcels", scene.parcels, "--pid", 40]
    (row,) = [
        json.loads(line)
        for line in run("stats", safe, *words, "--index", "ndvi", "--res", 20, "-f", "jsonl").stdout.splitlines()
    ]
    (path,) = run(
        "render", safe, "--index", "ndvi@20", "--dtype", "float32", "--format", "gtiff", "--out", "o"
    ).stdout.split()
    parcel = next(one for one in json.loads(scene.parcels.read_text())["features"] if one["properties"]["pid"] == 40)
    crs = json.loads(scene.parcels.read_text()).get("crs", {}).get("properties", {}).get("name", "EPSG:4326")
    with rasterio.open(path) as image:
        mask = geometry_mask(
            [transform_geom(crs, image.crs, parcel["geometry"])], image.shape, image.transform, invert=True
        )
        rendered = image.read(1)
        transform = image.transform
        assert "reduction" not in image.tags()["SOURCES"]
    assert row["count"] == mask.sum()
    assert row["mean"] == pytest.approx(float(rendered[mask].mean(dtype=np.float64)), abs=1e-7)
    chip = json.loads(
        run("chips", safe, *words, "--index", "ndvi", "--res", 20, "--raw", "--chipsize", 640, "--no-cache").stdout
    )["chips"][0]
    with rasterio.open(chip) as image:
        col = round((image.transform.c - transform.c) / 20)
        row_ = round((transform.f - image.transform.f) / 20)
        cut = image.read(1)
    assert np.array_equal(cut, rendered[row_ : row_ + cut.shape[0], col : col + cut.shape[1]])
