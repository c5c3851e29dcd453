"""Pictures of cubes: `render --mosaic` and `render --composite`."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.chip_items import write_item
from support.scenes import built_scene

runner = CliRunner()
PASS = "S2A_MSIL2A_202404{:02d}T105031_N0301_R051_T{}_202404{:02d}T160739"


def run(*words, code=0, **options):
    result = runner.invoke(app, ["render", "--jobs", "1", *map(str, words)], **options)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture
def tiles(tmp_path, monkeypatch):
    """Two tiles side by side, of two days."""
    monkeypatch.chdir(tmp_path)
    for day in (3, 5):
        ramp = np.linspace(200, 3000, 60).astype(np.uint16)
        surface = np.tile(ramp, (40, 1))
        write_item(tmp_path / "d", {"B04": surface[:, :40]}, name=PASS.format(day, "31TCJ", day))
        write_item(tmp_path / "d", {"B04": surface[:, 20:]}, name=PASS.format(day, "31TDJ", day), west=300200.0)
    return tmp_path / "d"


def test_a_mosaic_is_one_picture_a_day_without_seam(tiles, tmp_path):
    result = run(tiles, "--mosaic", "--bands", "B04", "--out", "m", "--format", "png")
    assert result.stdout.splitlines() == [f"m/202404{day:02d}T105031_B04.png" for day in (3, 5)], "as render has them"
    with rasterio.open(tmp_path / "m" / "20240403T105031_B04.png") as image:
        pixels = image.read(1).astype(int)
        assert image.shape == (40, 60)
        assert image.tags()["S2KIT_SOURCES"].count("T31T") == 2
        assert image.transform.c == 300000
    steps = np.diff(pixels, axis=1)
    assert (steps >= 0).all(), "brighter and brighter across the border"
    assert steps.max() <= 12


def test_the_list_of_mosaics_has_the_formats_of_render(tiles):
    result = run(tiles, "--mosaic", "--bands", "B04", "--index", "ratio=B04", "--out", "m", "-f", "json")
    items = json.loads(result.stdout)["items"]
    assert [item["subject"] for item in items] == ["B04", "B04", "ratio", "ratio"]
    assert [Path(item["path"]).parent for item in items] == [Path("m")] * 4
    for item in items:
        assert item["nbytes"] == Path(item["path"]).stat().st_size
        assert (item["state"], item["product"]) == ("made", "")


def test_pictures_of_many_days_have_one_stretch(tiles, tmp_path):
    run(tiles, "--mosaic", "--bands", "B04", "--out", "m", "--format", "png")
    with (
        rasterio.open(tmp_path / "m" / "20240403T105031_B04.png") as one,
        rasterio.open(tmp_path / "m" / "20240405T105031_B04.png") as other,
    ):
        assert one.tags()["STRETCH_LIMITS"] == other.tags()["STRETCH_LIMITS"]


def test_a_composite_is_a_picture_without_clouds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene = built_scene(dates=2, more_l2a=2)
    result = run(
        *scene.l2a, "--composite", "median", "--period", "all", "--mask-clouds", "--recipe", "true-color", "--index",
        "ndvi", "--out", "m", "--format", "png",
    )  # fmt: skip
    colours, ndvi = sorted(path.rpartition("/")[2] for path in result.stdout.split())
    assert colours == "20240419_20240709_median_B04-B03-B02.png"
    assert ndvi == "20240419_20240709_median_ndvi.png"
    with rasterio.open(tmp_path / "m" / colours) as image:
        pixels = image.read()
        assert image.count == 3
        assert (pixels.min(axis=0) > 230).mean() < 0.01, "no white clouds"
        assert image.tags()["S2KIT_COMPOSITE"] == "median"
    assert (tmp_path / "m" / ndvi.replace(".png", ".legend.svg")).exists()


def test_clouds_are_left_out_of_the_stretch_of_a_mosaic(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(scene.l2a[1], "--mosaic", "--bands", "B04", "--out", "m", "--format", "png")
    (path,) = (tmp_path / "m").glob("*.png")
    with rasterio.open(path) as image:
        middle = float(image.tags()["STRETCH_LIMITS"].partition(":")[2].partition("..")[0])
    assert middle < 0.25, "clouds are twice as bright"
    assert len(list((tmp_path / "m").glob("*SCL*"))) == 0


def test_a_picture_in_another_crs(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(scene.l2a[0], "--crs", "EPSG:3857", "--res", 20, "--bands", "B04", "--out", "m", "--format", "cog")
    (path,) = (tmp_path / "m").glob("*.tif")
    with rasterio.open(path) as image:
        assert image.crs.to_epsg() == 3857
        assert image.dtypes == ("uint8",)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--mosaic", "--bands", "B04,B08"], 2, "one band or of three"),
        (["--mosaic", "--clip"], 2, "--clip does not go with --mosaic"),
        (["--composite", "median", "--composite", "mean"], 2, "one picture has one"),
        (["--period", "month"], 2, "--period needs --composite"),
        (["--mosaic", "--max-px", 100], 2, "--max-px does not go with"),
        (["--composite", "max:ndvj", "--bands", "B04"], 65, "there is no index 'ndvj'"),
    ],
)
def test_what_does_not_go_together(tiles, tmp_path, words, code, message):
    assert message in run(tiles, *words, "--out", "m", code=code).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_picture_that_is_there_is_not_replaced(tiles, tmp_path):
    words = [tiles, "--mosaic", "--bands", "B04", "--out", "m"]
    run(*words)
    assert "exists already" in run(*words, code=73).stderr
    run(*words, "--overwrite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "m"]


def test_composite_is_still_another_name_of_recipe(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(scene.l2a[0], "--composite", "false-color", "--max-px", 100, "--out", "m")
    assert "false-color" in result.stdout
