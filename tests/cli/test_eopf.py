"""EOPF products in Zarr give what their SAFE gives, from every verb, near and remote; only touched chunks travel."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.eopf import as_eopf
from support.http_server import Fault, always, first, serving
from support.scenes import built_scene, copied

BANDS = frozenset({"B04", "B08", "SCL"})


def run(*words, code=0):
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A SAFE, the same as Zarr v2 and v3, and parcels."""
    scene = built_scene(side=600, dates=1)
    place = tmp_path_factory.mktemp("eopf")
    safe = copied(scene.l2a[0], place / "safe")
    two = as_eopf(safe, place / "v2", only=BANDS, name="S02MSIL2A_20240419T105031_0000_A051_T323")
    three = as_eopf(safe, place / "v3", only=BANDS, zarr_format=3, newer=True, shards=True)
    return {"safe": safe, "v2": two, "v3": three, "parcels": scene.parcels}


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path / "cache"))


def answers(product, parcels, out):
    """What each verb makes of a product, without words that name its place."""
    picture = run("render", product, "--bands", "B04", "--dtype", "uint16", "--format", "gtiff", "--out", out / "r")
    with rasterio.open(picture.stdout.split()[0]) as image:
        rendered, transform = image.read(), image.transform
    stats = run("stats", product, "--parcels", parcels, "--index", "ndvi", "--mask-clouds", "-f", "jsonl").stdout
    chips = run(
        *("chips", product, "--parcels", parcels, "--pid", 40, "--bands", "B04", "--raw", "-f", "jsonl"),
        *("--no-cache", "--out", out / "c"),
    )
    with rasterio.open(next(Path(out / "c").rglob("*.tif"))) as image:
        chip = image.read()
    pixels = json.loads(run("pixels", product, "--band", "B08", "--window", "100,90,20,30").stdout)
    run("cube", product, "--bands", "B04,SCL", "--res", 20, "--out", out / "cube.zarr")
    with xr.open_zarr(out / "cube.zarr") as cube:
        stacked = cube["B04"].values
    info = json.loads(run("info", product, "-f", "jsonl").stdout)
    told = {key: info[key] for key in ("id", "tile", "datetime", "level", "proj:epsg", "proj:bbox", "eo:cloud_cover")}
    return (
        told,
        [rendered, np.array(transform), chip, np.array(pixels["img_data"]), stacked],
        [json.loads(line) for line in stats.splitlines()],
        [json.loads(line)["id"] for line in chips.stdout.splitlines()],
    )


@pytest.mark.parametrize("kind", ["v2", "v3"])
def test_every_verb_gives_what_the_safe_gives(pair, tmp_path, kind):
    safe, zarr = (answers(pair[one], pair["parcels"], tmp_path / one) for one in ("safe", kind))
    assert safe[0] == zarr[0]
    for mine, theirs in zip(zarr[1], safe[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert safe[2:] == zarr[2:]


def test_a_remote_product_is_read_by_the_chunk(pair, tmp_path):
    with serving(pair["v2"].parent) as server:
        address = f"{server.url}/{pair['v2'].name}"
        remote = json.loads(run("pixels", address, "--band", "B04", "--window", "10,10,50,50").stdout)
        asked = [one.path.rpartition(".zarr/")[2] for one in server.log if one.status < 400]
        assert asked == [".zmetadata", "measurements/reflectance/r10m/b04/0.0"]
        assert "zarr.json" in server.log[0].path
        server.log.clear()
        told = json.loads(run("info", address, "-f", "jsonl").stdout)
        assert told["id"] == pair["safe"].stem
        assert [one for one in server.log if one.status < 400 and ".zmetadata" not in one.path] == []
    here = json.loads(run("pixels", pair["safe"], "--band", "B04", "--window", "10,10,50,50").stdout)
    assert remote["img_data"] == here["img_data"]


def test_a_dataset_folder_finds_it_by_either_name(pair, tmp_path):
    folder = pair["v2"].parent
    for name in (pair["safe"].stem, pair["v2"].stem):
        assert json.loads(run("info", name, "--dataset", folder, "-f", "jsonl").stdout)["id"] == pair["safe"].stem
    found = run(
        "search", "--catalogue", "local", "--dataset", folder, "--range", "2024-04-01", "2024-05-01", "-f", "ids"
    )
    assert found.stdout.split() == [pair["safe"].stem]
    rendered = run("render", folder, "--bands", "B04", "--max-px", 100, "--format", "png", "--out", "o").stdout.split()
    assert len(rendered) == 1


def test_a_cube_in_the_dataset_folder_is_no_product(pair, tmp_path):
    run("cube", pair["v2"], "--bands", "B04", "--res", 20, "--out", tmp_path / "d" / "cube.zarr")
    result = run("info", tmp_path / "d" / "cube.zarr", code=65)
    assert "no EOPF product" in result.stderr


def test_a_dry_run_reports_large_chunks(pair, tmp_path):
    safe = pair["safe"]
    path = as_eopf(safe, tmp_path, only=frozenset({"B04"}), consolidated=False)
    document = path / "measurements/reflectance/r10m/b04/.zarray"
    table = json.loads(document.read_bytes())
    table["chunks"] = [10980, 10980]
    document.write_text(json.dumps(table))
    words = {
        "pixels": ("--band", "B04", "--window", "0,0,10,10"),
        "render": ("--bands", "B04", "--out", "o"),
        "chips": ("--parcels", pair["parcels"], "--pid", 40, "--bands", "B04"),
        "cube": ("--bands", "B04", "--res", 10, "--out", "c.zarr"),
    }
    for verb, more in words.items():
        result = run(verb, path, *more, "--dry-run")
        assert "241.1 MB" in result.stderr, verb
    assert "241.1 MB" not in run("pixels", pair["v2"], *words["pixels"], "--dry-run").stderr


def test_a_product_in_a_bucket_is_read_by_the_chunk(pair, s3_server, monkeypatch):
    bucket = s3_server.bucket()
    for file in pair["v3"].rglob("*"):
        if file.is_file():
            bucket.put(f"here/{file.relative_to(pair['v3'].parent).as_posix()}", file.read_bytes())
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket.endpoint_url)
    address = f"s3://{bucket.name}/here/{pair['v3'].name}"
    words = ("--band", "B04", "--window", "10,10,50,50")
    remote = json.loads(run("pixels", address, *words, "--meta").stdout)
    here = json.loads(run("pixels", pair["safe"], *words).stdout)
    assert remote["img_data"] == here["img_data"]
    assert remote["requests"] == 3  # size of the shard, its index, one inner chunk
    assert json.loads(run("info", address, "-f", "jsonl").stdout)["id"] == pair["safe"].stem


def test_passing_faults_of_a_chunk_are_overcome_and_a_refused_one_is_named(pair):
    chunk = "b04/0.0"
    with serving(pair["v2"].parent) as server:
        address = f"{server.url}/{pair['v2'].name}"
        words = ("--band", "B04", "--window", "10,10,50,50")
        expected = run("pixels", address, *words).stdout
        server.hook = first(2, Fault(status=503), path=chunk)
        again = run("pixels", address, *words).stdout
        assert json.loads(again)["img_data"] == json.loads(expected)["img_data"]
        server.hook = always(Fault(status=403), path=chunk)
        assert "access refused" in run("pixels", address, *words, code=77).stderr
