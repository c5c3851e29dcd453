"""`s2kit render` as it is typed: streams, exit codes, signals, bad input."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import rasterio
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.product.open import open_product
from support.scenes import copied
from support.stac import checked_item

runner = CliRunner()
S2KIT = str(Path(sys.executable).with_name("s2kit"))


def typed(*words, cwd=None, **env):
    """The command as its own process."""
    return subprocess.run(
        [S2KIT, *map(str, words)], capture_output=True, text=True, cwd=cwd, env={**os.environ, **env}, timeout=120
    )


def said(*words, code):
    """stderr of a run in this process that ends with a code and prints nothing on stdout."""
    result = runner.invoke(app, ["render", *map(str, words)])
    assert result.exit_code == code, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) <= 2, lines
    assert lines[0].startswith("s2kit: error: ")
    return result.stderr


def test_the_command_of_the_card(scene, tmp_path):
    """`s2kit render --bands B04,B03,B02` in a dataset folder, twice."""
    for product in scene.l2a:
        (tmp_path / product.name).symlink_to(product)
    first = typed("render", "--bands", "B04,B03,B02", cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    paths = first.stdout.splitlines()
    assert [Path(path).name for path in paths] == [
        "20240419T105031_31TCJ_L2A_N0510_20240419T160739_B04-B03-B02_10m.jpg",
        "20240615T104031_31TCJ_L2A_N0510_20240615T155739_B04-B03-B02_10m.jpg",
    ]
    made = [(tmp_path / path).stat().st_mtime_ns for path in paths]
    again = typed("render", "--bands", "B04,B03,B02", cwd=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")
    assert [(tmp_path / path).stat().st_mtime_ns for path in paths] == made


def test_ids_from_a_pipe(scene, tmp_path):
    names = "".join(f"{product.stem}\n" for product in scene.l1c)
    result = runner.invoke(
        app, ["--dataset", str(scene.folder), "render", "-", "--max-px", "60", "--out", str(tmp_path)], input=names
    )
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2


def test_several_pictures_in_one_call(scene, tmp_path):
    words = ["--bands", "B04,B03,B02@60", "--bands", "B8A@20", "--index", "ndvi@60", "--recipe", "swir@60"]
    result = runner.invoke(app, ["render", str(scene.l2a[0]), *words, "--out", str(tmp_path), "-f", "json"])
    assert result.exit_code == 0, result.output
    items = json.loads(result.stdout)["items"]
    assert [item["subject"] for item in items] == ["B04-B03-B02", "B8A", "ndvi", "swir"]
    assert {item["state"] for item in items} == {"made"}
    assert all(Path(item["path"]).is_file() for item in items)


def test_a_job_of_the_legacy_service(scene, tmp_path):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"res_list": "20,60", "r_list": "B04,B12", "g_list": "B03,B11", "b_list": "B02,B03"}))
    result = runner.invoke(app, ["render", str(scene.l2a[0]), "--job", str(job), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [Path(line).name.rpartition("20240419T160739_")[2] for line in result.stdout.splitlines()] == [
        "B04-B03-B02_20m.jpg",
        "B12-B11-B03_60m.jpg",
    ]


def test_a_zip_is_read_in_place(scene, tmp_path):
    product = scene.l2a[0]
    with zipfile.ZipFile(tmp_path / f"{product.name}.zip", "w") as out:
        for path in sorted(product.rglob("*")):
            if path.suffix == ".xml" or "_60m" in path.name:
                out.write(path, f"{product.name}/{path.relative_to(product)}")
    result = runner.invoke(
        app, ["render", str(tmp_path / f"{product.name}.zip"), "--res", "60", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    folder = runner.invoke(app, ["render", str(product), "--res", "60", "--out", str(tmp_path / "b")])
    assert Path(result.stdout.strip()).stat().st_size == Path(folder.stdout.strip()).stat().st_size


def test_a_dry_run_says_what_would_be(scene, tmp_path):
    result = runner.invoke(app, ["render", str(scene.l2a[0]), "--out", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 0
    assert "planned" in result.stdout
    assert not (tmp_path / "out").exists()


def test_some_fail(scene, tmp_path):
    result = runner.invoke(
        app, ["render", str(scene.l2a[0]), "--bands", "B10", "--bands", "B04@60", "--out", str(tmp_path)]
    )
    assert result.exit_code == 4
    assert [Path(line).name.endswith("B04_60m.jpg") for line in result.stdout.splitlines()] == [True]
    assert "s2kit: failed: " in result.stderr
    assert "B10 is not part of L2A" in result.stderr
    assert "s2kit: error: 1 of 2 items failed" in result.stderr


def test_not_a_safe(tmp_path):
    (tmp_path / "x").mkdir()
    assert "x holds no product" in said(tmp_path / "x", "--out", tmp_path, code=66)  # a folder is a dataset
    (tmp_path / "y.zip").write_bytes(b"no zip")
    assert "y.zip" in said(tmp_path / "y.zip", "--out", tmp_path, code=65)


def test_nothing_there(tmp_path):
    assert "no such file" in said(tmp_path / "none.SAFE", "--out", tmp_path, code=66)


def test_a_zip_that_is_cut(scene, tmp_path):
    path = tmp_path / f"{scene.l2a[0].name}.zip"
    with zipfile.ZipFile(path, "w") as out:
        for file in scene.l2a[0].glob("*.xml"):
            out.write(file, f"{scene.l2a[0].name}/{file.name}")
    os.truncate(path, path.stat().st_size // 2)
    assert path.name in said(path, "--out", tmp_path, code=65)


def test_a_truncated_image(scene, tmp_path):
    product = copied(scene.l2a[0], tmp_path)
    image = Path(str(open_product(product).image("B04", 60).location))
    os.truncate(image, image.stat().st_size // 2)
    assert image.name in said(product, "--bands", "B04@60", "--out", tmp_path / "out", code=65)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_tiff_named_jp2(scene, tmp_path, shared_data):
    product = copied(scene.l1c[0], tmp_path)
    image = Path(str(open_product(product).image("B04", 10).location))
    stub = shared_data / "aws_layout/sentinel-s2-l1c/tiles/19/U/DP/2017/7/29/0/B04.jp2"
    image.write_bytes(stub.read_bytes())
    assert "the product's metadata says" in said(product, "--bands", "B04", "--out", tmp_path / "out", code=65)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--bands", "B10"], 66, "B10 is not part of L2A"),
        (["--bands", "B09@20"], 66, "lacks B09 at 20 m"),
        (["--res", "15"], 2, "resolution 15"),
        (["--bands", "B04@15"], 2, "resolution '15'"),
        (["--bands", "B4,B3"], 2, "not of 2"),
        (["--bands", "B42"], 2, "no band 'B42'"),
        (["--index", "ndvy"], 2, "did you mean ndvi?"),
        (["--recipe", "truecolor"], 2, "did you mean true-color?"),
        (["--stretch", "2:98:3"], 2, "stretch"),
        (["--format", "gif"], 2, "gif"),
        (["--bbox", "20", "10", "21", "11"], 65, "does not meet"),
        (["--batch", "/nowhere.json"], 66, "no such batch file"),
    ],
)
def test_one_clear_line(scene, tmp_path, words, code, text):
    assert text in said(scene.l2a[0], *words, "--out", tmp_path, code=code)


def test_all_wrong_entries_of_a_batch_before_any_work(scene, tmp_path):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"res_list": "20,60", "r_list": "B08,B12", "g_list": "B03,B99", "b_list": "B02,B03"}))
    text = said(scene.l2a[0], "--batch", job, "--out", tmp_path / "out", code=65)
    assert "entry 1: band B08 is not at 20 m" in text
    assert "entry 2: there is no band 'B99'" in text
    assert not (tmp_path / "out").exists()


def test_an_output_that_exists(scene, tmp_path):
    words = ["render", str(scene.l2a[0]), "--res", "60", "--out", str(tmp_path)]
    assert runner.invoke(app, words).exit_code == 0
    text = said(scene.l2a[0], "--res", "60", "--out", tmp_path, "--gamma", "2", code=73)
    assert "made with other options" in text
    assert runner.invoke(app, [*words, "--gamma", "2", "--overwrite"]).exit_code == 0


def test_a_destination_that_is_a_file(scene, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in said(scene.l2a[0], "--res", "60", "--out", tmp_path / "file" / "x", code=73)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle(scene, tmp_path, number, code):
    """A real signal to the whole process group, as a terminal sends it: no picture, nothing half written, no child."""
    out = tmp_path / "out"
    threes = itertools.combinations(["B02", "B03", "B04", "B08", "B11", "B12", "B8A"], 3)  # half a minute's work
    words = [word for bands in threes for word in ("--bands", ",".join(bands))] + ["--index", "evi", "--format", "cog"]
    process = subprocess.Popen(
        [S2KIT, "render", *map(str, scene.products), *words, "--out", str(out), "-j", "2"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("*.tif*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert [path.name for path in out.iterdir() if ".part" in path.name] == []
    for path in out.glob("*.tif"):  # what was complete stays, and is whole
        with rasterio.open(path) as image:
            image.read()
    assert _gone(process.pid)


def _gone(group):
    """True once no process of a group is left; joblib's tracker takes a moment to see that it is alone."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_two_runs_at_once(scene, tmp_path):
    from s2kit.run.locks import destination_lock

    with destination_lock(tmp_path):
        assert "another run" in said(scene.l2a[0], "--res", "60", "--out", tmp_path, code=75)


def test_help_names_every_option():
    result = runner.invoke(app, ["render", "--help"])
    assert result.exit_code == 0
    for option in ("--bands", "--index", "--recipe", "--batch", "--stretch", "--max-px", "--same-stretch", "--format"):
        assert option in result.stdout


def test_cloud_classes_come_from_the_settings(scene, tmp_path, monkeypatch):
    monkeypatch.setenv("S2KIT_CLOUD_CLASSES", "4")
    words = ["--bands", "B04@60", "--format", "gtiff", "--dtype", "uint16", "--mask-clouds", "--out", str(tmp_path)]
    result = runner.invoke(app, ["render", str(scene.l2a[0]), *words])
    assert result.exit_code == 0, result.output
    with rasterio.open(result.stdout.strip()) as image:
        made, tags = image.read(1), image.tags()
    with rasterio.open(str(open_product(scene.l2a[0]).image("SCL", 60).location)) as image:
        vegetation = image.read(1) == 4
    assert tags["MASKED_CLASSES"] == "4"
    assert not made[vegetation].any()
    assert made[~vegetation].all()


def test_stac_items_of_pictures_and_of_data(scene, tmp_path):
    product = scene.l2a[0]
    done = runner.invoke(
        app, ["render", str(product), "--bands", "B04,B03,B02", "--res", "60", "--stac", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    (picture,) = done.stdout.split()
    item = checked_item(Path(f"{picture}.json"))
    assert item.properties["proj:code"] == "EPSG:32631"
    assert item.datetime.isoformat() == "2024-04-19T10:50:31.024000+00:00"
    (visual,) = item.assets.values()
    assert (visual.media_type, visual.roles) == ("image/jpeg", ["visual"])
    assert (tmp_path / visual.href).samefile(picture)
    (source,) = item.get_links("derived_from")
    assert source.title == open_product(str(product)).id

    words = ["--bands", "B04,B08", "--res", "60", "--dtype", "uint16", "--format", "cog", "--stac", "--out", tmp_path]
    done = runner.invoke(app, ["render", str(product), *map(str, words)])
    assert done.exit_code == 0, done.output
    (data,) = checked_item(Path(f"{done.stdout.strip()}.json")).assets.values()
    red, infrared = data.extra_fields["bands"]
    assert (red["name"], red["data_type"], red["nodata"]) == ("B04", "uint16", 0)
    assert (red["raster:scale"], red["raster:offset"]) == (0.0001, -0.1)
    assert infrared["eo:common_name"] == "nir"
    with rasterio.open(done.stdout.strip()) as raster:
        stored = raster.read(1)
    raw = open_product(str(product)).metadata
    assert stored.max() * red["raster:scale"] + red["raster:offset"] < 1.2, raw
    assert list(tmp_path.glob("*.part")) == []


def test_pictures_of_a_cube_have_items_too(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--recipe", "true-color", "--index", "ndvi", "--res", "60", "--stac", "--out", "made"]
    for more in ((), ("--composite", "median")):
        done = runner.invoke(app, ["render", *map(str, scene.l2a), "--mosaic", *more, *words])
        assert done.exit_code == 0, done.output
        for line in done.stdout.split():
            assert Path(line).parent == Path("made"), "paths are given as --out is"
            item = checked_item(Path(f"{line}.json"))
            (visual,) = item.assets.values()
            assert (Path("made") / visual.href).samefile(line)
            sources = [link.title for link in item.get_links("derived_from")]
            when = {"20240419": [0], "20240615": [1]}.get(Path(line).name.partition("T")[0], [0, 1])
            assert sources == [scene.l2a[at].stem for at in when]
