"""Landsat Collection-2 Level-2 items: every verb gives the numbers that NumPy computes from the USGS's definitions."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from s2kit.archive.address import archive_of
from s2kit.cli.app import app
from s2kit.store.archive import ARCHIVES
from s2kit.store.open import open_store
from s2kit.store.sas import SasStore
from support.chip_items import parcel_file, square, write_item
from support.http_server import serving
from support.landsat import CLOUD, DILATED, EPSG, ID, NORTH, SHADOW, SIDE_M, WEST, kelvin, reflectance, write_landsat

COL, ROW, SIDE = 20, 30, 60
"""A parcel on pixels' edges, partly under a cloud."""
PART = np.s_[ROW : ROW + SIDE, COL : COL + SIDE]


def run(*words, code=0):
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_landsat(tmp_path_factory.mktemp("landsat"))


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path / "cache"))
    parcel_file(
        tmp_path / "p.geojson",
        {"p": square(WEST + COL * SIDE_M, NORTH - (ROW + SIDE) * SIDE_M, SIDE * SIDE_M)},
        epsg=EPSG,
    )


def ndvi(pixels) -> np.ndarray:
    nir, red = (np.maximum(reflectance(pixels[name]), 0) for name in ("nir08", "red"))
    return (nir - red) / (nir + red)


def clouded(pixels) -> np.ndarray:
    return np.isin(pixels["qa_pixel"], (CLOUD, DILATED, SHADOW))


def image(stdout: str) -> np.ndarray:
    with rasterio.open(stdout.split(maxsplit=1)[0]) as one:
        return one.read()


def test_info_says_what_it_is(scene):
    told = json.loads(run("info", scene.folder, "-f", "jsonl").stdout)
    assert (told["id"], told["level"], told["platform"], told["tile"]) == (ID, "L2SP", "landsat-9", "198030")
    assert (told["processing:version"], told["eo:cloud_cover"], told["s2:mgrs_tile"]) == ("02.00", 21.12, None)
    assert told["s2kit:images"]["30"][3:5] == ["red", "nir08"]
    assert told["s2kit:offsets"]["red"] / told["s2kit:quantification"]["reflectance"] == pytest.approx(-0.2)
    assert told["s2kit:offset_source"] == "collection"
    text = run("info", scene.folder).stdout
    assert "L2SP, collection 02.00, Landsat-9" in text
    assert "reflectance = DN * 2.75e-05 - 0.2" in text
    assert "lwir11 = DN * 0.00341802 + 149 K" in text


def test_pixels_are_the_stored_numbers(scene):
    for name in ("red", "nir08", "qa_pixel", "lwir11"):
        dumped = json.loads(run("pixels", scene.folder, "--band", name, "--window", "70,35,30,8").stdout)
        assert dumped["img_data"] == scene.pixels[name][35:43, 70:100].tolist()


def test_render_gives_reflectance_temperature_and_indices(scene):
    data = image(run("render", scene.folder, "--bands", "red,nir08", "--dtype", "float32", "--out", "a").stdout)
    for made, name in zip(data, ("red", "nir08"), strict=True):
        np.testing.assert_allclose(made, reflectance(scene.pixels[name]), atol=1e-6)
    heat = image(run("render", scene.folder, "--bands", "lwir11", "--dtype", "float32", "--out", "b").stdout)
    np.testing.assert_allclose(heat[0], kelvin(scene.pixels["lwir11"]), rtol=1e-6)
    words = ("--index", "ndvi", "--mask-clouds", "--dtype", "float32", "--format", "gtiff")
    result = run("render", scene.folder, *words, "--out", "c")
    expected = np.where(clouded(scene.pixels), np.nan, ndvi(scene.pixels))
    np.testing.assert_allclose(image(result.stdout)[0], expected, atol=2e-6)
    assert "made with" not in result.stderr  # nir08 is what is meant, no substitute


def test_a_picture_is_called_by_its_own_bands_and_credits_its_source(scene):
    made = Path(
        run("render", scene.folder, "--bands", "B04,B03,B02", "--format", "png", "--out", "o").stdout.split()[0]
    )
    assert made.name == f"20240427T103652_198030_L2SP_N0200_{ID}_red-green-blue_30m.png"
    with rasterio.open(made) as picture:
        assert picture.tags()["CREDIT"] == "Landsat image courtesy of the U.S. Geological Survey 2024"
        assert picture.tags()["SOURCES"] == "red 30 m as it is; green 30 m as it is; blue 30 m as it is"
        ground = picture.read().any(axis=0)
    np.testing.assert_array_equal(ground, scene.pixels["red"] > 0)
    recipe = run("render", scene.folder, "--recipe", "false-color", "--format", "png", "--out", "o").stdout
    assert recipe.strip().endswith("_false-color_30m.png")


def test_the_stac_item_of_what_is_made_names_the_mission(scene):
    words = ("--bands", "red,nir08", "--dtype", "float32", "--stac", "--out", "o")
    made = Path(run("render", scene.folder, *words).stdout.split()[0])
    item = json.loads(made.with_name(f"{made.name}.json").read_bytes())
    assert item["properties"]["constellation"] == "landsat"
    assert "instruments" not in item["properties"]
    assert [band["eo:common_name"] for band in item["assets"]["data"]["bands"]] == ["red", "nir08"]


def test_stats_count_what_numpy_counts(scene):
    words = ("--layer", "red,lwir11", "--index", "ndvi", "-f", "jsonl")
    rows = [
        json.loads(line) for line in run("stats", scene.folder, "--parcels", "p.geojson", *words).stdout.split("\n")[:3]
    ]
    masked = [
        json.loads(line)
        for line in run("stats", scene.folder, "--parcels", "p.geojson", *words, "--mask-clouds").stdout.split("\n")[:3]
    ]
    numbers = {
        "B04": reflectance(scene.pixels["red"]),
        "lwir11": kelvin(scene.pixels["lwir11"]),
        "ndvi": ndvi(scene.pixels),
    }
    clear = ~clouded(scene.pixels)[PART]
    for row, other in zip(rows, masked, strict=True):
        inside = numbers[row["layer"]][PART]
        assert (row["pixels"], row["count"], row["tile"], row["level"]) == (SIDE * SIDE, SIDE * SIDE, "198030", "L2SP")
        assert row["mean"] == pytest.approx(inside.mean(), rel=1e-5)
        assert (row["min"], row["max"]) == pytest.approx((inside.min(), inside.max()), rel=1e-5)
        assert (other["count"], other["mean"]) == (clear.sum(), pytest.approx(inside[clear].mean(), rel=1e-5))
        assert row["cloud_pct"] == pytest.approx(100 * (~clear).mean(), abs=0.01)


def test_clear_scenes_are_found_by_the_flags_and_handed_on(scene):
    words = ("stats", scene.folder, "--parcels", "p.geojson", "--clear", "-f", "jsonl")
    clear = 100 * (~clouded(scene.pixels)[PART]).mean()
    assert run(*words, "--min-clear", clear + 1).stdout == ""
    (found,) = map(json.loads, run(*words, "--min-clear", clear - 1).stdout.splitlines())
    assert (found["id"], found["tile"]) == (ID, "198030")


def test_chips_hold_the_same_numbers(scene):
    words = ("--parcels", "p.geojson", "--margin", 0, "--no-cache", "-f", "jsonl")
    raw = json.loads(run("chips", scene.folder, *words, "--bands", "red,qa_pixel", "--raw", "--out", "raw").stdout)
    for name in ("red", "qa_pixel"):
        with rasterio.open(Path("raw", f"{ID}.{name}.tif")) as chip:
            window = chip.window(*chip.bounds)
            col, row = (round(n) for n in ((chip.transform.c - WEST) / SIDE_M, (NORTH - chip.transform.f) / SIDE_M))
            found = chip.read(1)
            assert window.width >= SIDE
        np.testing.assert_array_equal(found, scene.pixels[name][row : row + found.shape[0], col : col + found.shape[1]])
    part = clouded(scene.pixels)[row : row + found.shape[0], col : col + found.shape[1]]
    assert raw["cloud_pct"] == pytest.approx(100 * part.mean(), abs=0.01)
    assert (raw["offset_source"], raw["level"], raw["tile"]) == ("collection", "L2SP", "198030")
    values = run("chips", scene.folder, *words, "--index", "ndvi", "--raw", "--out", "index")
    assert json.loads(values.stdout)["notes"] == []
    with rasterio.open(Path("index", f"{ID}.NDVI.tif")) as chip:
        np.testing.assert_allclose(
            chip.read(1), ndvi(scene.pixels)[row : row + found.shape[0], col : col + found.shape[1]], atol=2e-6
        )
    drawn = json.loads(run("chips", scene.folder, *words, "--bands", "red,green,blue", "--out", "rgb").stdout)
    assert Path(drawn["files"][0]).exists()
    assert all(0 < low < high < 10000 for low, high in drawn["limits"])  # reflectance x 10000


def test_a_cube_lies_on_landsats_own_pixels_and_holds_the_same_numbers(scene):
    words = ("--bands", "red,lwir11,qa_pixel", "--index", "ndvi", "--mask-clouds", "--dtype", "float32")
    result = run("cube", scene.folder, *words, "--out", "cube.zarr")
    assert result.stderr == ""
    hidden = clouded(scene.pixels)
    with xr.open_zarr("cube.zarr", mask_and_scale=False) as cube:
        assert cube.attrs["source"] == "USGS Landsat Collection 2"
        assert (float(cube.x[0]), float(cube.y[0])) == (WEST + 15, NORTH - 15)
        expected = {
            "B04": reflectance(scene.pixels["red"]), "lwir11": kelvin(scene.pixels["lwir11"]), "ndvi": ndvi(scene.pixels)
        }  # fmt: skip
        for name, values in expected.items():
            np.testing.assert_allclose(cube[name].values[0], np.where(hidden, np.nan, values), rtol=2e-6, atol=2e-6)
        seen = scene.pixels["red"] > 0
        np.testing.assert_array_equal(cube["qa_pixel"].values[0], np.where(seen, scene.pixels["qa_pixel"], 0))
        assert cube["lwir11"].attrs["units"] == "K"
    run("cube", scene.folder, "--bands", "red", "--out", "whole.zarr")
    with xr.open_zarr("whole.zarr", mask_and_scale=False) as cube:
        wanted = np.nan_to_num(np.clip(np.rint(reflectance(scene.pixels["red"]) * 10000), 1, None))
        assert np.abs(cube["B04"].values[0] - wanted).max() <= 1  # rounded from float32


def test_scl_is_refused_in_one_line_by_every_verb(scene):
    for words in (
        ("render", scene.folder, "--bands", "SCL", "--out", "o"),
        ("pixels", scene.folder, "--band", "SCL"),
        ("stats", scene.folder, "--parcels", "p.geojson"),
    ):
        result = run(*words, code=66)
        assert f"{ID} is Landsat and has no SCL" in result.stderr


def test_both_missions_stand_in_one_cube_on_their_own_dates(scene):
    name = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
    dn = np.random.default_rng(2).integers(300, 4000, (600, 600)).astype(np.uint16)
    sentinel = write_item(Path("s2"), {"B04": dn, "B08": dn}, name=name, west=360000.0, north=4848000.0)
    area = ("--bbox", 1.27, 43.72, 1.31, 43.75)
    run(
        *("cube", sentinel, scene.folder, *area, "--res", 30, "--bands", "B04", "--boa-offset", "applied"),
        *("--resampling", "nearest", "--out", "both.zarr"),
    )
    with xr.open_zarr("both.zarr") as cube:
        assert [str(day)[:10] for day in cube.time.values] == ["2024-04-19", "2024-04-27"]
        assert cube.attrs["source"] == "USGS Landsat Collection 2; Copernicus Sentinel-2"
        first, second = cube["B04"].values
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert 0.03 <= first.min() < first.max() <= 0.4
    inside = reflectance(scene.pixels["red"])
    assert np.isin(np.round(second, 4), np.round(inside, 4)).mean() > 0.99


def test_a_level_of_sentinel_2_leaves_landsat_out(scene):
    words = ("stats", scene.folder.parents[1], "--parcels", "p.geojson", "--layer", "red", "-f", "jsonl")
    assert json.loads(run(*words).stdout)["id"] == ID
    assert run(*words, "--level", "l2a", code=65).stdout == ""


def test_an_address_is_read_by_windows_and_a_search_leads_to_it(scene, tmp_path):
    with serving(scene.folder.parents[1]) as server:
        document = json.loads(scene.item.read_bytes())
        for asset in document["assets"].values():
            asset["href"] = f"{server.url}/landsat-c2-l2/{ID}/{asset['href'].removeprefix('./')}"
        address = f"{server.url}/v1/collections/landsat-c2-l2/items/{ID}"
        server.files[f"v1/collections/landsat-c2-l2/items/{ID}"] = json.dumps(document).encode()
        assert json.loads(run("info", address, "-f", "jsonl").stdout)["address"] == address
        words = ("--band", "red", "--window", "70,35,30,8")
        remote = json.loads(run("pixels", address, *words).stdout)
        assert remote["img_data"] == scene.pixels["red"][35:43, 70:100].tolist()
        assert not [one for one in server.log if one.method == "GET" and one.path.endswith(".TIF") and not one.range]
        row = {
            "id": ID, "datetime": "2024-04-27T10:36:52Z", "geometry": document["geometry"], "tile": "198030",
            "processing:level": "L2SP", "s2kit:locations": {"item": address},
        }  # fmt: skip
        Path("found.jsonl").write_text(json.dumps(row) + "\n")
        listed = CliRunner().invoke(
            app, ["stats", "-", "--parcels", "p.geojson", "--layer", "red", "-f", "jsonl"], input=json.dumps(row) + "\n"
        )
        assert listed.exit_code == 0, listed.output
        assert json.loads(listed.stdout)["mean"] == pytest.approx(
            reflectance(scene.pixels["red"])[PART].mean(), rel=1e-5
        )


def test_a_dataset_folder_finds_and_lists_it(scene):
    folder = scene.folder.parents[1]
    assert json.loads(run("info", ID, "--dataset", folder, "-f", "jsonl").stdout)["id"] == ID
    words = ("search", "--catalogue", "local", "--dataset", folder, "-f", "jsonl")
    (found,) = map(json.loads, run(*words, "--mission", "landsat").stdout.splitlines())
    assert (found["id"], found["tile"], found["platform"]) == (ID, "198030", "landsat-9")
    assert (found["grid:code"], found["s2:mgrs_tile"]) == ("WRS2-198030", None)
    assert run(*words).stdout == ""  # what is asked for without a mission is Sentinel-2
    rendered = run("render", folder, "--bands", "red", "--max-px", 50, "--format", "png", "--out", "o").stdout.split()
    assert len(rendered) == 1


def test_the_bucket_that_bills_its_readers_is_read_with_consent_only(scene, tmp_path):
    document = json.loads(scene.item.read_bytes())
    for asset in document["assets"].values():
        name = asset["href"].removeprefix("./")
        asset["href"] = f"https://landsatlook.usgs.gov/data/{name}"
        asset["alternate"] = {"s3": {"href": f"s3://usgs-landsat/collection02/level-2/{name}"}}
    place = tmp_path / f"{ID}.json"
    place.write_text(json.dumps(document))
    result = run("pixels", place, "--band", "red", "--window", "0,0,2,2", code=77)
    assert "s3://usgs-landsat bills its readers" in result.stderr
    assert "--archive usgs-landsat" in result.stderr


def test_planetary_computers_copy_is_read_with_its_own_token():
    href = (
        f"https://landsateuwest.blob.core.windows.net/landsat-c2/level-2/standard/oli-tirs/2024/198/030/{ID}_SR_B4.TIF"
    )
    archive = archive_of(href, ARCHIVES)
    assert (archive.name, archive.is_free, archive.requester_pays) == ("pc-landsat", True, False)
    assert isinstance(open_store(archive), SasStore)
    assert archive.sas_endpoint.endswith("/token/landsateuwest/landsat-c2")
