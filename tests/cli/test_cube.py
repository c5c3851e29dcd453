"""`s2kit cube` from the command line."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.run.locks import output_lock
from support.chip_items import write_item
from support.scenes import built_scene

runner = CliRunner()
PASS = "S2A_MSIL2A_202404{:02d}T105031_N0301_R051_T31TCJ_202404{:02d}T160739"


def run(*words, code=0, **options):
    result = runner.invoke(app, ["cube", "--jobs", "1", *map(str, words)], **options)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for day in (3, 5):
        pixels = np.full((40, 40), 100 * day, np.uint16)
        classes = np.full((20, 20), 9 if day == 5 else 4, np.uint8)
        write_item(
            tmp_path / "d", {"B04": pixels, "B08": 3 * pixels, "SCL": classes}, name=PASS.format(day, day),
            scales={"SCL": 2},
        )  # fmt: skip
    return tmp_path / "d"


def test_a_cube_of_a_folder(data, tmp_path):
    result = run(data, "--bands", "B04,B08", "--index", "ndvi", "--mask-clouds", "--out", "a.zarr")
    assert result.stdout == "a.zarr\n"
    assert result.stderr == ""
    cube = xr.open_zarr(tmp_path / "a.zarr")
    assert float(cube.B04[0, 0, 0]) == pytest.approx(0.03)
    assert np.allclose(cube.ndvi[0], 0.5)
    assert np.isnan(cube.B04[1]).all()
    assert cube.clear_pct.values.tolist() == [100, 0]


def test_min_clear_leaves_dates_out(data, tmp_path):
    run(data, "--bands", "B04", "--min-clear", 50, "--out", "a.zarr")
    assert [t.day for t in xr.open_zarr(tmp_path / "a.zarr").time.to_index()] == [3]


def test_a_cube_of_what_a_search_found(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = runner.invoke(app, ["search", "--catalogue", str(scene.folder), "--aoi", str(scene.aoi), "-f", "jsonl"])
    assert found.exit_code == 0, found.output
    run("-", "--aoi", scene.aoi, "--bands", "B04", "--res", 20, "--out", "a.zarr", input=found.stdout)
    run("--catalogue", scene.folder, "--aoi", scene.aoi, "--bands", "B04", "--res", 20, "--out", "b.zarr")
    one, other = xr.open_zarr(tmp_path / "a.zarr"), xr.open_zarr(tmp_path / "b.zarr")
    assert one.sizes["time"] == 2
    assert one.identical(other)


def test_nothing_on_stdin_is_nothing_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("-", "--bands", "B04", "--out", "a.zarr", input="")
    assert list(tmp_path.iterdir()) == []


def test_parcels_are_the_area(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(scene.l2a[0], "--parcels", scene.parcels, "--pid", 40, "--bands", "B04", "--out", "a.zarr")
    cube = xr.open_zarr(tmp_path / "a.zarr")
    assert max(cube.sizes.values()) < 120


def test_a_dry_run_says_what_would_be_made(data, tmp_path):
    result = run(data, "--bands", "B04", "--out", "a.zarr", "--dry-run")
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["datetime", "day"]
    assert len(lines) == 3
    assert "2 times of 2 dates, 40 x 40 pixels of 10 m in EPSG:32631, 1 layer" in result.stderr
    assert "writes at most 6.4 kB" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--bands", "B04"], 2, "add --out cube.zarr"),
        (["--out", "a.zarr"], 2, "no bands are named"),
        (["--bands", "B99", "--out", "a.zarr"], 65, "there is no band 'B99'"),
        (["--bands", "TCI", "--out", "a.zarr"], 65, "a picture has no numbers"),
        (["--bands", "B04", "--crs", "EPSG:4326", "--res", "10", "--out", "a.zarr"], 2, "10 degrees"),
        (["--bands", "B04", "--crs", "EPSG:99999", "--res", "10", "--out", "a.zarr"], 65, "EPSG:99999 is not known"),
        (["--bands", "B04", "--period", "month", "--out", "a.zarr"], 2, "--period needs --composite"),
        (["--bands", "B04", "--composite", "mode", "--out", "a.zarr"], 2, "--composite mode is not known"),
        (["--bands", "B04", "--dilate", "60", "--out", "a.zarr"], 2, "--dilate needs a mask"),
        (["--bands", "B04", "--mask", "12", "--out", "a.zarr"], 2, "SCL class '12'"),
        (["--bands", "B04", "--dtype", "int8", "--out", "a.zarr"], 2, "--dtype 'int8'"),
        (["--bands", "B04", "--format", "png", "--out", "a.zarr"], 2, "--format 'png'"),
        (["--bands", "B04", "--bbox", "10", "10", "11", "11", "--out", "a.zarr"], 65, "shows the area"),
        (["--bands", "B04", "--date", "2020", "--out", "a.zarr"], 65, "no product is found in that time"),
        (["--bands", "B04", "--bbox", "11", "10", "10", "11", "--out", "a.zarr"], 65, ""),
        (["--bands", "B04", "--append", "--overwrite", "--out", "a.zarr"], 2, "exclude each other"),
        (["--bands", "B04", "--max-bytes", "1kB", "--out", "a.zarr"], 2, "allow it with --max-bytes or --force"),
        (["--bands", "B04", "--res", "0", "--out", "a.zarr"], 2, "above 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data, tmp_path, words, code, message):
    result = run(data, *words, code=code)
    assert message in result.stderr
    errors = [line for line in result.stderr.splitlines() if not line.startswith("s2kit: hint")]
    assert len(errors) == 1, result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["d"]


def test_force_makes_it_however_large_it_is(data):
    run(data, "--bands", "B04", "--max-bytes", "1kB", "--force", "--out", "a.zarr")


def test_exit_codes_of_an_output_that_is_there_or_at_work(data, tmp_path):
    run(data, "--bands", "B04", "--out", "a.zarr")
    run(data, "--bands", "B04", "--out", "a.zarr", code=73)
    with output_lock(tmp_path / "a.zarr"):
        run(data, "--bands", "B04", "--append", "--out", "a.zarr", code=75)
    run(data, "--bands", "B08", "--append", "--out", "a.zarr", code=65)


def test_levels_are_not_mixed(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(scene.l1c[0], scene.l2a[1], "--bands", "B04", "--out", "a.zarr", code=65)
    assert "MSIL1C" in result.stderr
    assert "MSIL2A" in result.stderr


def test_one_damaged_date_is_exit_code_4(tmp_path, monkeypatch):
    import os
    import shutil

    monkeypatch.chdir(tmp_path)
    scene = built_scene(side=600, dates=2, more_l2a=1, levels=("L2A",))
    for product in scene.l2a:
        shutil.copytree(product, tmp_path / "d" / product.name)
    (path,) = (tmp_path / "d" / scene.l2a[1].name).rglob("*_B04_10m.jp2")
    os.truncate(path, path.stat().st_size // 2)
    result = run("d", "--bands", "B04", "--out", "a.zarr", code=4)
    assert "B04_10m.jp2" in result.stderr
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 2


def test_without_zarr_a_line_says_what_to_install(data, tmp_path):
    code = (
        "import sys; sys.modules['zarr'] = None\n"
        "from s2kit.cli.app import main\n"
        f"sys.argv = ['s2kit', 'cube', {str(data)!r}, '--bands', 'B04', '--out', sys.argv[1]]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, "a.zarr"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 78
    assert "pip install 's2kit[xarray]'" in done.stderr
    cogs = subprocess.run([sys.executable, "-c", code, "a.nc"], capture_output=True, text=True, cwd=tmp_path)
    assert cogs.returncode == 0, "netCDF does not need zarr"


def test_nothing_heavy_is_loaded_for_help():
    code = "import sys; import s2kit.cube.request, s2kit.cli.cube; print([m for m in ('zarr', 'xarray', 'netCDF4') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_a_coarser_file_in_place_of_the_band_s_own_is_reported(data, tmp_path, scene):
    product = tmp_path / scene.l2a[0].name
    shutil.copytree(scene.l2a[0], product)
    next(product.rglob("*_B03_10m.jp2")).unlink()
    words = ("--aoi", scene.aoi, "--bands", "B03", "--res", 10, "--dry-run")
    assert f"{product.stem}: B03 is read at 20 m, since there is no file at 10 m" in run(product, *words).stderr


def test_nothing_to_append_is_nothing_new(data, tmp_path):
    """A cron line meets weeks without a product, or with clouds only."""
    none = ("--bands", "B04", "--out", "a.zarr", "--append", "--date", "2030-01")
    assert "no product is found" in run(data, *none, code=65).stderr
    run(data, *none[:-2])
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "a.zarr").rglob("*"))
    assert run(data, *none).stdout == ""
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "a.zarr").rglob("*")) == before


def test_a_failure_of_the_only_date_is_one_line(data, tmp_path):
    write_item(tmp_path / "bare", {"B04": np.full((40, 40), 7, np.uint16)}, name=PASS.format(7, 7))
    result = run(tmp_path / "bare", "--bands", "B04", "--mask-clouds", "--out", "a.zarr", code=65)
    assert result.stderr.startswith("s2kit: error: ")
    assert "neither SCL nor a cloud mask" in result.stderr
    assert len(result.stderr.splitlines()) == 2
