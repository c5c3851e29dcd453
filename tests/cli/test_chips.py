"""`s2kit chips` as people run it: series, pages, raw chips, batches, the cache, and what is refused."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.chip_items import parcel_file, square, write_item
from support.http_server import serving
from support.stac import checked_item

runner = CliRunner()
NAME = "S2A_MSIL2A_{stamp}_{baseline}_R051_T{tile}_20240901T000000"


def run(*words, code=0, **options):
    result = runner.invoke(app, ["chips", "--jobs", "1", *map(str, words)], **options)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path)


def lonlat(x, y, epsg=32631):
    (lon,), (lat,) = transform(f"EPSG:{epsg}", "EPSG:4326", [x], [y])
    return ["--lon", lon, "--lat", lat]


def name(stamp="20240419T105031", baseline="N0510", tile="31TCJ"):
    return NAME.format(stamp=stamp, baseline=baseline, tile=tile)


def ramp(side=200, top=3000, seed=0):
    values = np.linspace(100, top, side * side).reshape(side, side)
    return (values + np.random.default_rng(seed).integers(0, 50, (side, side))).astype(np.uint16)


def scl(side=100, code=4):
    return np.full((side, side), code, np.uint8)


@pytest.fixture
def series(tmp_path, monkeypatch):
    """Three dates of one tile; the second is cloudy."""
    folder = tmp_path / "data"
    for at, (stamp, code) in enumerate((("20240419T105031", 4), ("20240429T105031", 9), ("20240509T105031", 5))):
        bands = {
            "B08": ramp(seed=at),
            "B04": ramp(top=900, seed=at),
            "B03": ramp(top=700, seed=at),
            "SCL": scl(code=code),
        }
        write_item(folder, bands, name=name(stamp), scales={"SCL": 2})
    monkeypatch.chdir(tmp_path)
    return folder


CENTRE = lonlat(301003, 4899013)
SMALL = [*CENTRE, "--chipsize", 640]


def test_a_series_in_ascending_time_with_its_page(series):
    result = run(series, *SMALL, "--out", "o", "-v")
    paths = result.stdout.split()
    assert [path.split("_")[2] for path in paths] == ["20240419T105031", "20240429T105031", "20240509T105031"]
    with opened(paths[0]) as picture:
        assert (picture.count, picture.width, picture.height) == (4, 64, 64)
        assert picture.read(4).min() == 255
    page = (series.parent / "o" / "chipsview.html").read_text()
    places = [page.index(f'class="when">{day}') for day in ("19 Apr 2024", "29 Apr 2024", "9 May 2024")]
    assert places == sorted(places)
    assert "cloud 100 %" in page
    assert "44." in page
    index = json.loads((series.parent / "o" / "chips.geojson").read_text())
    first = index["features"][0]
    assert first["properties"]["cloud_pct"] == 0
    assert first["properties"]["valid_pct"] == 100
    assert index["features"][1]["properties"]["scl"] == {"9": 1024}
    assert first["geometry"]["type"] == "Polygon"
    assert "chips: " in result.stderr


def test_raw_chips_are_the_files_own_values_on_the_grid(series):
    result = run(series, *SMALL, "--raw", "--bands", "B08_SCL", "--end", "2024-04-20")
    answer = json.loads(result.stdout)
    assert answer["dates"] == ["20240419T105031_B08", "20240419T105031_SCL"]
    b08, classes = answer["chips"]
    assert b08.endswith(f"{name()}.B08.tif")
    with rasterio.open(b08) as chip, rasterio.open(series / f"{name()}_cog" / "B08.tif") as whole:
        assert (chip.shape, chip.dtypes[0], chip.crs) == ((64, 64), "uint16", whole.crs)
        assert (chip.transform.c - 300000) % 20 == 0
        assert (4900020 - chip.transform.f) % 20 == 0
        window = rasterio.windows.from_bounds(*chip.bounds, whole.transform)
        assert (chip.read() == whole.read(window=window)).all()
        assert chip.tags()["OFFSET_SOURCE"] == "pixels"
        assert chip.scales[0] == pytest.approx(1e-4)
    with rasterio.open(classes) as chip:
        assert chip.shape == (32, 32)


def test_one_raw_band_has_plain_dates(series):
    answer = json.loads(run(series, *SMALL, "--raw", "--band", "B04").stdout)
    assert answer["dates"] == ["20240419T105031", "20240429T105031", "20240509T105031"]


def test_a_single_band_is_grey_and_mixed_sizes_take_the_first_bands_grid(series):
    (path, *_) = run(series, *SMALL, "--bands", "B08", "--out", "grey").stdout.split()
    with opened(path) as picture:
        assert picture.count == 2


def test_index_in_colours_with_a_legend_and_raw_values(series):
    (path, *_) = run(series, *SMALL, "--index", "ndvi", "--out", "n").stdout.split()
    with opened(path) as picture:
        assert picture.count == 4
    assert "Normalized Difference Vegetation Index" in (series.parent / "n" / "chipsview.html").read_text()
    answer = json.loads(run(series, *SMALL, "--index", "ndvi", "--raw", "--out", "r").stdout)
    pair = json.loads(run(series, *SMALL, "--raw", "--bands", "B08,B04", "--out", "r2").stdout)["chips"][:2]
    with rasterio.open(answer["chips"][0]) as chip, rasterio.open(pair[0]) as nir, rasterio.open(pair[1]) as red:
        high, low = nir.read(1).astype(float), red.read(1).astype(float)
        assert chip.dtypes[0] == "float32"
        assert np.allclose(chip.read(1), (high - low) / (high + low), atol=1e-6)
    made = run("--difference", *pair, "--out", "d").stdout.split()
    with rasterio.open(made[0]) as chip, rasterio.open(answer["chips"][0]) as truth:
        assert np.allclose(chip.read(1), truth.read(1), atol=1e-6)
        assert chip.tags()["FORMULA"] == "(FIRST - SECOND) / (FIRST + SECOND)"
    with rasterio.open(made[1]) as picture:
        assert picture.crs.to_epsg() == 32631
        assert picture.tags()["FIRST"] == Path(pair[0]).name
    assert made[2].endswith("NDVI-legend.svg")
    run("--difference", *pair, "--out", "d", code=73)
    run("--difference", *pair, "--index", "x=B08/B04", "--out", "e", code=65)


def test_pictures_carry_their_place_tags_and_credit(series):
    (path, *_) = run(series, *SMALL, "--out", "o").stdout.split()
    with rasterio.open(path) as picture:
        assert picture.crs.to_epsg() == 32631
        assert (picture.transform.a, picture.transform.c % 10) == (10.0, 0.0)
        tags = picture.tags()
    assert tags["PRODUCT"] == name()
    assert tags["CREDIT"] == "Contains modified Copernicus Sentinel data 2024"
    assert tags["BANDS"] == "B08,B04,B03"
    assert tags["SOURCES"].startswith("B08 10 m as it is; ")
    assert (tags["STRETCH"], tags["STRETCH_MEANING"]) == ("5:95%", "percentiles 5 to 95")
    assert Path(path).with_suffix(".pgw").read_text().startswith("10.0\n")
    again = Path(run(series, *SMALL, "--out", "o2").stdout.split()[0])  # from the cache
    assert again.with_suffix(".pgw").exists()
    assert again.with_name(f"{again.name}.aux.xml").exists()


def test_stored_numbers_and_reflectance_are_told_apart(series):
    words = [*SMALL, "--bands", "B04", "--end", "2024-04-20", "--boa-offset", "needed"]
    seen = {}
    for text in ("0:900dn", "0:0.09"):
        (path,) = run(series, *words, "--stretch", text, "--out", text.replace(":", "_")).stdout.split()
        with rasterio.open(path) as picture:
            seen[text] = picture.read(1)
            assert picture.tags()["STRETCH"] == text
        page = (series.parent / text.replace(":", "_") / "chipsview.html").read_text()
        meaning = "stored numbers 0 to 900" if "dn" in text else "reflectance 0 to 0.09"
        assert f"stretch: {meaning}" in page
    assert seen["0:900dn"].max() > 100  # the numbers lie from 100 to 950 in the file
    assert (seen["0:0.09"] == 1).all()  # and below 0 as reflectance
    raw = json.loads(run(series, *words, "--raw", "--out", "raw").stdout)["chips"][0]
    with rasterio.open(raw) as chip:
        expected = np.rint(1 + 254 * np.clip(chip.read(1) / 900, 0, 1))
    assert (seen["0:900dn"] == expected).all()


def test_a_formula_of_one_s_own(series):
    words = [*SMALL, "--index", "ratio=nir/red", "--end", "2024-04-20"]
    (path,) = run(series, *words, "--stretch", "0:10", "--out", "o").stdout.split()
    with rasterio.open(path) as picture:
        assert picture.tags()["FORMULA"] == "B08 / B04"
        assert picture.tags()["PALETTE_RANGE"] == "0:10"
    page = (series.parent / "o" / "chipsview.html").read_text()
    assert "RATIO: B08 / B04" in page
    assert "<span>2.5</span>" in page
    answer = json.loads(run(series, *words, "--raw", "--out", "r").stdout)
    assert answer["chips"][0].endswith(".RATIO.tif")


def test_a_substitute_is_warned_of_once_and_named_in_the_tags(series):
    for item in series.glob("*_cog"):
        (item / "B08.tif").rename(item / "B8A.tif")
        for path in item.glob("*.json"):
            path.write_text(path.read_text().replace("B08", "B8A").replace('"nir"', '"nir08"'))
    result = run(series, *SMALL, "--index", "ndvi", "--boa-offset", "applied", "--out", "o")
    note = "ndvi is made with B8A, since there is no B08"
    assert result.stderr.splitlines() == [f"s2kit: warning: {name()} and 2 more products: {note}"]
    with rasterio.open(result.stdout.split()[0]) as picture:
        tags = picture.tags()
    assert (tags["FORMULA"], tags["NOTE"]) == ("(B8A - B04) / (B8A + B04)", note)


def test_only_new_chips_are_made_and_the_window_is_shown(series):
    first = run(series, *SMALL, "--end", "2024-04-20", "--out", "a", "-v")
    assert len(first.stdout.split()) == 1
    second = run(series, *SMALL, "--out", "b", "-v")
    assert len(second.stdout.split()) == 3
    assert second.stderr.count("s2kit: chips: S2A_") == 2
    for path in series.iterdir():  # the catalogue knows one product less, the cache does not
        if "20240419" in path.name:
            path.rename(path.parent.parent / path.name)
    third = run(series, *SMALL, "--start", "2024-04-01", "--end", "2024-12-31", "--out", "c")
    assert len(third.stdout.split()) == 3
    assert len(run(series, *SMALL, "--start", "2024-04-01", "--out", "d", "--no-cache").stdout.split()) == 2


def test_a_cache_that_cannot_be_written_is_done_without(series, monkeypatch):
    blocked = series.parent / "file"
    blocked.write_text("no folder can be made below this")
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(blocked / "cache"))
    result = run(series, *SMALL, "--out", "o")
    assert len(result.stdout.split()) == 3
    assert "cannot be written: chips are cut without it" in result.stderr
    assert blocked.read_text() == "no folder can be made below this"


def test_the_cache_is_shown_and_cleared(series):
    run(series, *SMALL)
    shown = runner.invoke(app, ["cache", "show", "chips", "-f", "jsonl"])
    assert json.loads(shown.stdout)["files"] == 13  # three pictures with two side files each, their records, the recipe
    assert runner.invoke(app, ["cache", "clear", "chips"]).exit_code == 0
    assert len(run(series, *SMALL, "--list", "-f", "jsonl").stdout.split('"state":"new"')) == 4


def test_the_limit_refuses_and_says_how_many(series):
    result = run(series, *SMALL, "--limit", 2, code=65)
    assert "3 chips match" in result.stderr
    assert result.stdout == ""
    run(series, *SMALL, "--limit", 3)
    run(series, *SMALL, "--limit", 2)  # all cached by now
    run(series, *SMALL, "--limit", 0, "--bands", "B04")


def test_list_shows_and_cuts_nothing(series):
    result = run(series, *SMALL, "--list", "-f", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["state"] for row in rows] == ["new"] * 3
    assert not (series.parent / "chips").exists()
    dry = run(series, *SMALL, "--dry-run", "-f", "ids")
    assert len(dry.stdout.split()) == 3
    assert "3 of them new, 3 of those on this machine" in dry.stderr


@pytest.mark.parametrize(
    ("archive", "price"), [("aws", "USD, 0.00 inside the region (prices of "), ("gcp", "requests, without cost")]
)
def test_a_dry_run_says_what_reading_from_an_archive_costs(tmp_path, monkeypatch, archive, price):
    monkeypatch.chdir(tmp_path)
    dry = run(name(), name("20240429T105031"), *SMALL, "--archive", archive, "--dry-run", "-f", "ids")
    assert len(dry.stdout.split()) == 2
    assert "2 of them new, 0 of those on this machine; from archives about 2.4 MB in 40 requests" in dry.stderr
    assert price in dry.stderr


def test_cloudy_chips_and_cloudy_scenes_are_left_out(series):
    clear = run(series, *SMALL, "--max-cloud-chip", 0, "--out", "a").stdout.split()
    assert ["20240429" in path for path in clear] == [False, False]
    assert "Left out for clouds: 29 Apr 2024" in (series.parent / "a" / "chipsview.html").read_text()
    run(series, *SMALL, "--max-cloud", 2, code=65)


def test_twins_and_tile_overlaps_collapse_other_orbits_stay(tmp_path):
    wide = (299000, 4890000, 310000, 4901000)
    for one in (name(), name(baseline="N0500"), name(tile="31TDJ", baseline="N0400"), name("20240419T104031")):
        write_item(tmp_path / "d", {"B04": ramp()}, name=one, bounds=wide)
    rows = run(tmp_path / "d", *CENTRE, "--bands", "B04", "--list", "-f", "ids").stdout.split()
    assert rows == [name("20240419T104031"), name()]


def test_a_chip_on_a_tile_border_is_completed_from_the_neighbour(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = ramp(300)
    write_item(tmp_path / "d", {"B04": whole[:, :200], "SCL": scl(300)[:, :200]}, name=name())
    write_item(
        tmp_path / "d", {"B04": whole[:, 190:], "SCL": scl(300)[:, 190:]}, name=name(tile="31TDJ"), west=301900.0
    )
    place = lonlat(301900, 4898500)
    answer = json.loads(run(tmp_path / "d", *place, "--raw", "--bands", "B04", "--chipsize", 640).stdout)
    with rasterio.open(answer["chips"][0]) as chip:
        col = round((chip.transform.c - 300000) / 10)
        row = round((4900020 - chip.transform.f) / 10)
        assert (chip.read(1) == whole[row : row + 64, col : col + 64]).all()
    (index,) = (tmp_path / "chips").glob("*/chips.geojson")
    assert json.loads(index.read_text())["features"][0]["properties"]["companions"] != []


def test_beyond_the_tile_is_no_data_not_stretched(series):
    place = lonlat(300100, 4899900)
    (path, *_) = run(series, *place, "--chipsize", 640, "--bands", "B04").stdout.split()
    with opened(path) as picture:
        assert picture.shape == (64, 64)
        alpha = picture.read(2)
        assert (alpha[:20] == 0).all()
        assert (alpha[21:, 23:] == 255).all()


def test_a_place_without_data_is_said_not_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = ramp()
    pixels[100:] = 0
    write_item(tmp_path / "d", {"B04": pixels}, name=name())
    result = run(tmp_path / "d", *lonlat(301000, 4898500), "--chipsize", 200, "--bands", "B04", "--out", "o")
    assert result.stdout == ""
    assert "has no data at" in result.stderr
    assert "No data at this place on 19 Apr 2024" in (tmp_path / "o" / "chipsview.html").read_text()
    run(tmp_path / "d", *lonlat(301000, 4898500), "--chipsize", 200, "--bands", "B04", "--fail-if-empty", code=3)


def test_by_parcel_with_its_outline(series):
    parcels = parcel_file(series.parent / "p.geojson", {"7": square(300900, 4899000, 200)}, cropname="barley")
    run(series, "--parcels", parcels, "--pid", 7, "--out", "o", "--chipsize", 640)
    page = (series.parent / "o" / "chipsview.html").read_text()
    assert "Parcel 7, barley" in page
    assert "<svg" in page
    (path, *_) = run(series, "--parcels", parcels, "--pid", 7, "--margin", 100, "--bands", "B04").stdout.split()
    with opened(path) as picture:
        assert picture.width in {40, 41}
    run(series, "--parcels", parcels, "--pid", 8, code=66)
    run(series, "--pid", 7, code=2)


def test_many_places_at_once(series):
    points = series.parent / "points.csv"
    rows = [lonlat(300900 + 100 * at, 4899000)[1::2] for at in range(3)]
    points.write_text("name,lon,lat\n" + "".join(f"p{at},{lon},{lat}\n" for at, (lon, lat) in enumerate(rows)))
    result = run(series, "--points", points, "--chipsize", 320, "--out", "o")
    assert len(result.stdout.split()) == 9
    assert sorted(path.name for path in (series.parent / "o").iterdir() if path.is_dir()) == ["p0", "p1", "p2"]


def test_batch_of_the_older_service(series):
    body = {
        "lon": CENTRE[1],
        "lat": CENTRE[3],
        "tiles": [f"{name()}.SAFE", name("20240509T105031")],
        "bands": ["B04", "SCL"],
        "chipsize": 640,
    }
    batch = series.parent / "batch.json"
    batch.write_text(json.dumps(body))
    batch.write_text(json.dumps({**body, "tiles": [str(series / f"{name()}_cog")]}))
    answer = json.loads(run("--batch", batch).stdout)
    assert answer["dates"] == ["20240419T105031_B04", "20240419T105031_SCL"]
    for wrong in ({**body, "more": 1}, {key: body[key] for key in ("lon", "lat")}, [], {**body, "bands": "B04"}):
        batch.write_text(json.dumps(wrong))
        assert run("--batch", batch, code=65).stdout == ""
    batch.write_text("{")
    run("--batch", batch, code=65)
    run("--batch", series / "none.json", code=66)


@pytest.mark.parametrize("lut", ["5", "1_2_3", "1_2_3_4", "1_2_3_4_5", "95_5", "0_100_9_9_0_1", "a_b", "5:95", "2:1"])
def test_scales_that_are_none(series, lut):
    result = run(series, *SMALL, "--lut", lut, code=65)
    assert result.stdout == ""
    assert result.stderr.startswith("s2kit: error: ")


@pytest.mark.parametrize("lut", ["1_99", "0_3000_0_900_0_700", "2:98%", "0:0.3", "0:3000dn,0:900dn,0:700dn"])
def test_scales_that_are(series, lut):
    run(series, *SMALL, "--lut", lut)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--lon", 1], 2),
        ([], 2),
        (["--lon", 200, "--lat", 1], 65),
        ([*CENTRE, "--chipsize", 6000], 65),
        ([*CENTRE, "--chipsize", 640, "--size-px", 3], 2),
        ([*CENTRE, "--bands", "B04,B03"], 65),
        ([*CENTRE, "--bands", "TCI"], 65),
        ([*CENTRE, "--bands", "B99"], 65),
        ([*CENTRE, "--bands", "SCL"], 65),
        ([*CENTRE, "--index", "nope"], 65),
        ([*CENTRE, "--index", "ndvi", "--bands", "B04"], 2),
        ([*CENTRE, "--res", 15], 2),
        ([*CENTRE, "--resampling", "magic"], 2),
        ([*CENTRE, "--boa-offset", "perhaps"], 65),
        ([*CENTRE, "--level", "l3"], 2),
        ([*CENTRE, "--start", "2024-05-01", "--end", "2024-04-01"], 2),
        (["--lon", 120, "--lat", -30], 65),
        ([*CENTRE, "--bands", "B12"], 4),
    ],
)
def test_what_is_refused(series, words, code):
    result = run(series, *words, code=code)
    assert result.stdout == ""


def test_another_recipe_does_not_overwrite(series):
    run(series, *SMALL, "--out", "o")
    run(series, *SMALL, "--out", "o")
    run(series, *SMALL, "--out", "o", "--lut", "1_99", code=73)
    run(series, *SMALL, "--out", "o", "--lut", "1_99", "--overwrite")


def test_one_product_that_fails_does_not_stop_the_others(series):
    (series / f"{name()}_cog" / "B03.tif").write_bytes(b"no raster")
    result = run(series, *SMALL, "--out", "o", code=4)
    assert len(result.stdout.split()) == 2
    assert "failed" in (series.parent / "o" / "chipsview.html").read_text()


def test_two_runs_at_once(series):
    words = [sys.executable, "-m", "s2kit", "chips", str(series), *map(str, SMALL), "--out", "o", "--jobs", "1"]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ, text=True) for _ in range(2)]
    outputs = [process.communicate()[0].split() for process in runs]
    assert [process.returncode for process in runs] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 3
    left = [path.name for path in (series.parent / "o").iterdir() if ".part" in path.name]
    assert left == []


def test_offset_of_geotiffs_is_the_users_word(series):
    for word, low in (("applied", 0.0), ("needed", -1000.0)):
        answer = json.loads(run(series, *SMALL, "--raw", "--bands", "B04", "--boa-offset", word, "--out", word).stdout)
        with rasterio.open(answer["chips"][0]) as chip:
            assert chip.offsets[0] == pytest.approx(low / 10000)
            assert chip.tags()["OFFSET_SOURCE"] == "option"


def test_the_generated_scene(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(scene.folder, "--parcels", scene.parcels, "--pid", 40, "--bands", "B04,B03,B02", "-f", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["datetime"][:10] for row in rows] == ["2024-04-19", "2024-06-15"]
    assert {row["level"] for row in rows} == {"L2A"}
    assert {row["offset_source"] for row in rows} == {"metadata"}
    l1c = run(
        scene.folder, "--parcels", scene.parcels, "--pid", 40, "--level", "l1c", "--bands", "B08,B11,B04", "-f", "jsonl"
    )
    assert {json.loads(line)["cloud_pct"] for line in l1c.stdout.splitlines()} == {None}
    run(scene.l1c[0], "--parcels", scene.parcels, "--pid", 40, "--raw", "--bands", "SCL", code=66)
    found = run(
        "--catalogue",
        "local",
        "--dataset",
        scene.folder,
        "--parcels",
        scene.parcels,
        "--pid",
        40,
        "--list",
        "-f",
        "ids",
    )
    assert found.stdout.split() == [path.stem for path in scene.l2a]


def test_raw_chips_of_the_scene_equal_rasterio(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bands = ["B04", "B11", "SCL"]
    answer = json.loads(
        run(scene.l2a[0], "--parcels", scene.parcels, "--pid", 40, "--raw", "--bands", ",".join(bands)).stdout
    )
    for band, path in zip(bands, answer["chips"], strict=True):
        resolution = 10 if band == "B04" else 20
        (whole,) = scene.l2a[0].glob(f"GRANULE/*/IMG_DATA/R{resolution}m/*_{band}_{resolution}m.jp2")
        with rasterio.open(path) as chip, rasterio.open(whole) as image:
            window = rasterio.windows.from_bounds(*chip.bounds, image.transform)
            assert chip.shape == (1280 // resolution,) * 2
            assert (chip.read() == image.read(window=window)).all()
            if band == "B04":
                assert chip.offsets[0] == pytest.approx(-0.1)


def test_five_august_dates_in_order(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = shared_data / "timeseries" / "mapchete_33TWL_aug2023"
    result = run(
        folder, "--lon", 15.7, "--lat", 45.5, "--size-px", 128, "--force", "--bands", "B04,B03,B02", "-f", "jsonl"
    )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["datetime"][8:10] for row in rows] == ["10", "13", "15", "18", "20"]
    assert (
        "codes that do not exist (12)"
        in run(folder, "--lon", 15.7, "--lat", 45.5, "--size-px", 400, "--force", "-v").stderr
    )


@pytest.mark.parametrize(("shift", "needed"), [(0, -0.1), (-1000, 0.0)])
def test_the_offset_of_geotiffs_is_proven_by_the_safe_where_it_is_at_hand(scene, tmp_path, monkeypatch, shift, needed):
    monkeypatch.chdir(tmp_path)
    safe = scene.l2a[0]
    (path,) = safe.glob("GRANULE/*/IMG_DATA/R10m/*_B04_10m.jp2")
    with rasterio.open(path) as image:
        pixels = image.read(1).astype(int)
        west, north = image.transform.c, image.transform.f
    pixels = np.where(pixels == 0, 0, np.clip(pixels + shift, 1, None)).astype(np.uint16)
    item = write_item(tmp_path / "d", {"B04": pixels}, name=safe.stem, west=west, north=north)
    place = lonlat(west + 5000, north - 5000)
    words = [item, *place, "--chipsize", 320, "--raw", "--bands", "B04"]
    found = run(*words, "--dataset", scene.folder)
    answer = json.loads(found.stdout)
    flag_lies = needed != 0.0
    with rasterio.open(answer["chips"][0]) as chip:
        assert chip.tags()["OFFSET_SOURCE"] == ("pixels, against the item flag" if flag_lies else "pixels")
        assert chip.offsets[0] == pytest.approx(needed)
    assert ("is wrong about the offset" in found.stderr) == flag_lies  # only a doubtful item warns
    said = run(*words, "--boa-offset", "applied", "--out", "said")
    assert "offset" not in said.stderr


def test_an_offset_that_nothing_shows_is_asked_for_and_not_guessed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desert = np.random.default_rng(2).integers(3100, 4900, (200, 200)).astype(np.uint16)
    item = write_item(tmp_path / "d", {"B04": desert, "SCL": scl(code=5)}, name=name(), scales={"SCL": 2})
    words = [item, *CENTRE, "--chipsize", 320, "--raw", "--bands", "B04", "--no-cache"]
    failed = run(*words, code=65)
    assert "do not show whether the offset of -1000 is in them" in failed.stderr
    assert "--boa-offset applied, or --boa-offset needed" in failed.stderr
    run(*words, "--boa-offset", "needed")


def test_bands_of_other_sizes_are_brought_onto_the_first_bands_grid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    coarse = ramp(100, top=2000, seed=3)
    write_item(tmp_path / "d", {"B08": ramp(), "B11": coarse, "B04": ramp(seed=2)}, name=name(), scales={"B11": 2})
    words = [tmp_path / "d", *CENTRE, "--chipsize", 640, "--lut", "0_3000_0_2000_0_3000"]
    (path,) = run(*words, "--bands", "B08,B11,B04", "--resampling", "nearest").stdout.split()
    with opened(path) as picture:
        assert picture.shape == (64, 64)
        middle = picture.read(2)
        assert (middle[0::2, 0::2] == middle[1::2, 1::2]).all()
    (path,) = run(*words, "--bands", "B08,B11,B04", "--resampling", "bilinear").stdout.split()
    with opened(path) as picture:
        assert (picture.read(2)[0::2, 0::2] != picture.read(2)[1::2, 1::2]).any()
    (path,) = run(*words, "--bands", "B11,B08,B04", "--resampling", "bilinear").stdout.split()
    with opened(path) as picture:
        assert picture.shape == (32, 32)


def test_a_search_result_of_earth_search_is_cut_from_its_geotiffs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "bucket" / "sentinel-s2-l2a-cogs" / "31" / "T" / "CJ" / "2024" / "4"
    item = write_item(root, {"B04": ramp(), "SCL": scl()}, name=name(), scales={"SCL": 2})
    document = json.loads(next(item.glob("*.json")).read_text())
    key = item.relative_to(tmp_path / "bucket").as_posix()
    for asset in document["assets"].values():
        asset["href"] = f"https://sentinel-cogs.s3.us-west-2.amazonaws.com/{key}/{asset['href']}"
    next(item.glob("*.json")).write_text(json.dumps(document))
    record = {
        "id": name(),
        "datetime": "2024-04-19T10:50:31Z",
        "geometry": document["geometry"],
        "eo:cloud_cover": 3.0,
        "s2kit:locations": {"cogs": f"s3://sentinel-cogs/{key}"},
    }
    with serving(tmp_path / "bucket") as server:
        (tmp_path / "settings.toml").write_text(f'[archives.cogs]\naddress = "{server.url}"\n')
        words = ["-", *CENTRE, "--chipsize", 320, "--raw", "--bands", "B04"]
        answer = json.loads(run(*words, input=json.dumps(record)).stdout)
    with rasterio.open(answer["chips"][0]) as chip, rasterio.open(item / "B04.tif") as whole:
        window = rasterio.windows.from_bounds(*chip.bounds, whole.transform)
        assert (chip.read() == whole.read(window=window)).all()
        assert chip.tags()["OFFSET_SOURCE"] == "pixels"


def test_clouds_of_chips_are_no_data(scene, tmp_path, monkeypatch):
    """Raw chips with and without a mask: what is hidden is cloud by SCL and what lies within 60 m of it."""
    monkeypatch.chdir(tmp_path)
    product = scene.l2a[1]
    place = ["--parcels", scene.parcels, "--pid", 40, "--chipsize", 5000]
    words = [product, *place, "--raw", "--bands", "B04,SCL"]
    plain, masked, wider = (
        json.loads(run(*words, *more, "--out", name).stdout)["chips"]
        for name, more in (("a", []), ("b", ["--mask", 9]), ("c", ["--mask", 9, "--dilate", 60]))
    )

    def read(path):
        with rasterio.open(path) as image:
            return image.read(1)

    cloud = read(plain[1]).repeat(2, 0).repeat(2, 1) == 9
    assert cloud.any()
    assert np.array_equal(read(masked[1]), read(plain[1])), "SCL stays as it is"
    assert np.array_equal(read(masked[0]), np.where(cloud, 0, read(plain[0])))
    assert (read(wider[0]) == 0).sum() > cloud.sum()
    assert not read(wider[0])[cloud].any()


def test_an_item_for_each_chip(series, tmp_path):
    run(series, *SMALL, "--out", "o", "--stac")
    items = [checked_item(path) for path in sorted((tmp_path / "o").glob("S2A*.json"))]
    assert [item.datetime.date().isoformat() for item in items] == ["2024-04-19", "2024-04-29", "2024-05-09"]
    for item in items:
        (asset,) = item.assets.values()
        assert (asset.media_type, asset.roles) == ("image/png", ["visual"])
        assert (tmp_path / "o" / asset.href).is_file()
        assert item.properties["proj:shape"] == [64, 64]


def test_items_of_raw_chips_say_what_the_numbers_are(series, tmp_path):
    run(series, *SMALL, "--out", "o", "--stac", "--raw", "--bands", "B08,B04")
    item = checked_item(min((tmp_path / "o").glob("S2A*.json")))
    assert {name: one.extra_fields["bands"][0]["data_type"] for name, one in item.assets.items()} == {
        "B08": "uint16", "B04": "uint16",
    }  # fmt: skip
    run(series, *SMALL, "--out", "i", "--stac", "--raw", "--index", "ndvi")
    item = checked_item(min((tmp_path / "i").glob("S2A*.json")))
    (asset,) = item.assets.values()
    with opened(tmp_path / "i" / asset.href) as raster:
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        transform = list(raster.transform)[:6]
    assert asset.extra_fields["bands"][0]["data_type"] == "float32"
    assert asset.extra_fields["bands"][0]["nodata"] == "nan"
    assert item.properties["proj:transform"][:6] == transform
