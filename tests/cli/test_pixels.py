import io
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode
from support.http_server import Fault, always, serving
from support.jp2 import write_jp2

KEYS = ["img_data", "shape", "time_download", "time_processing"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pixels")
    write_jp2(place / "a.jp2")
    write_jp2(place / "b.jp2", seed=2)
    (place / "text.jp2").write_bytes(b"not a picture at all, whatever its name says")
    return place


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path / "cache"))


def pixels(*words, stdin=None):
    return CliRunner().invoke(app, ["pixels", *map(str, words)], input=stdin)


def gdal(path, reduction=0):
    with rasterio.open(path, **({"overview_level": reduction - 1} if reduction else {})) as dataset:
        return dataset.read()


def test_the_smallest_level_is_the_default(folder):
    result = pixels(folder / "a.jp2")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    answer = json.loads(result.stdout)
    assert list(answer) == KEYS
    assert answer["img_data"] == gdal(folder / "a.jp2", 4)[0].tolist()
    assert answer["shape"] == [69, 69]


@pytest.mark.parametrize("rlevel", [0, 1, 3])
def test_any_level(folder, rlevel):
    answer = json.loads(pixels(folder / "a.jp2", "--rlevel", rlevel).stdout)
    assert answer["img_data"] == gdal(folder / "a.jp2", rlevel)[0].tolist()


def test_the_real_product_prints_the_older_answer(real_l2a):
    answer = json.loads(pixels(real_l2a, "--band", "B8A", "--rlevel", "-1").stdout)
    assert list(answer) == KEYS
    assert answer["shape"] == [115, 115]
    assert answer["img_data"] == gdal(next(real_l2a.rglob("*_B8A_60m.jp2")), 4)[0].tolist()


def test_three_components_are_a_list_a_pixel(real_l2a):
    answer = json.loads(
        pixels(real_l2a, "--band", "TCI", "--res", "60", "--window", "500,500,4,3", "--rlevel", "0").stdout
    )
    assert answer["shape"] == [3, 4]
    picture = gdal(next(real_l2a.rglob("*_TCI_60m.jp2")))[:, 500:503, 500:504]
    assert answer["img_data"] == np.moveaxis(picture, 0, -1).tolist()


def test_windows_and_boxes(folder):
    whole = gdal(folder / "a.jp2")[0]
    answer = json.loads(pixels(folder / "a.jp2", "--rlevel", "0", "--window", "300,200,20,10", "--meta").stdout)
    assert answer["img_data"] == whole[200:210, 300:320].tolist()
    assert answer["transform"] == [10.0, 0.0, 303000.0, 0.0, -10.0, 4998040.0]
    assert (answer["crs"], answer["nodata"], answer["window"]) == ("EPSG:32631", 0, [300, 200, 20, 10])
    assert answer["requests"] == 0
    from rasterio.warp import transform_bounds

    box = transform_bounds("EPSG:32631", "EPSG:4326", 302005, 4997005, 302095, 4997995)
    found = json.loads(pixels(folder / "a.jp2", "--rlevel", "0", "--bbox", *box, "--meta").stdout)
    col, row, width, height = found["window"]
    assert abs(col - 200) <= 3
    assert abs(row - 204) <= 3
    assert found["img_data"] == whole[row : row + height, col : col + width].tolist()


@pytest.mark.parametrize("form", ["npy", "csv", "gtiff", "stats", "jsonl"])
def test_other_forms(folder, tmp_path, form):
    path = tmp_path / "answer"
    result = pixels(folder / "a.jp2", "--rlevel", "2", "-f", form, "-o", path)
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    expected = gdal(folder / "a.jp2", 2)[0]
    if form == "npy":
        assert np.array_equal(np.load(path), expected)
    elif form == "csv":
        assert np.array_equal(np.loadtxt(path, delimiter=","), expected)
    elif form == "gtiff":
        with rasterio.open(path) as dataset:
            assert np.array_equal(dataset.read(1), expected)
            assert dataset.res == (40.0, 40.0)
            assert dataset.crs.to_epsg() == 32631
            assert dataset.nodata == 0
    elif form == "stats":
        numbers = json.loads(path.read_text())
        valid = expected[expected != 0]
        assert numbers["max"] == valid.max()
        assert numbers["mean"] == pytest.approx(valid.mean())
        assert numbers["nodata_pct"] == pytest.approx(100 * (expected == 0).mean())
    else:
        assert json.loads(path.read_text())["shape"] == [275, 275]


def test_binary_forms_can_be_piped(folder):
    result = pixels(folder / "a.jp2", "-f", "npy")
    assert np.array_equal(np.load(io.BytesIO(result.stdout_bytes)), gdal(folder / "a.jp2", 4)[0])


def test_many_images_run_in_the_pool(folder, tmp_path):
    sources = [folder / "a.jp2", folder / "b.jp2", folder / "none.jp2"]
    result = pixels(*sources, "-j", "2")
    assert result.exit_code == ExitCode.PARTIAL
    lines = {line["path"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert set(lines) == set(map(str, sources))
    assert lines[str(sources[1])]["img_data"] == gdal(sources[1], 4)[0].tolist()
    assert lines[str(sources[2])] == {"path": str(sources[2]), "Error": "Image not found"}
    assert "none.jp2: no such file" in result.stderr
    array = json.loads(pixels(*sources, "-j", "1", "-f", "json").stdout)
    assert [one["path"] for one in array] == list(map(str, sources))


def test_many_images_into_a_folder(folder, tmp_path):
    sources = [folder / "a.jp2", folder / "b.jp2", folder / "a.jp2"]
    result = pixels(*sources, "--out", tmp_path / "out", "-f", "npy", "-j", "1")
    names = ["a.npy", "b.npy", "a_2.npy"]
    assert result.stdout.splitlines() == [str(tmp_path / "out" / name) for name in names]
    assert np.array_equal(np.load(tmp_path / "out" / "b.npy"), gdal(folder / "b.jp2", 4)[0])
    again = pixels(*sources, "--out", tmp_path / "out", "-f", "npy")
    assert again.exit_code == ExitCode.OUTPUT
    assert "--overwrite" in again.stderr
    assert (
        pixels(*sources, "--out", tmp_path / "out", "-f", "npy", "--overwrite", "--name", "{index}-{stem}").exit_code
        == 0
    )
    assert (tmp_path / "out" / "2-b.npy").exists()
    assert pixels(*sources, "--out", "out", "--name", "{nonsense}").exit_code == ExitCode.USAGE


@pytest.fixture
def mirror(folder):
    with serving(folder) as server:
        yield server


def test_an_address_says_how_little_was_read(mirror, folder):
    result = pixels(f"{mirror.url}/a.jp2", "--meta")
    answer = json.loads(result.stdout)
    assert answer["img_data"] == gdal(folder / "a.jp2", 4)[0].tolist()
    assert answer["requests"] == len(mirror.gets)
    assert answer["bytes_read"] == mirror.sent
    assert answer["time_download"] > 0


@pytest.mark.parametrize("name", ["Path", "path"])
def test_a_request_of_the_older_service(s3_server, folder, tmp_path, monkeypatch, name):
    bucket = s3_server.bucket(public=True)
    bucket.put("tiles/33/U/UP/a.jp2", (folder / "a.jp2").read_bytes())
    monkeypatch.setenv("S2KIT_ARCHIVES__GCP__ADDRESS", f"gs://{bucket.name}")
    monkeypatch.setenv("S2KIT_ARCHIVES__GCP__ENDPOINT_URL", bucket.endpoint_url)
    body = {name: "tiles/33/U/UP/a.jp2", "rlevel": -1}
    (tmp_path / "sample.json").write_text(json.dumps(body))
    expected = gdal(folder / "a.jp2", 4)[0].tolist()
    answer = json.loads(pixels("--request", "sample.json").stdout)
    assert (list(answer), answer["img_data"]) == (KEYS, expected)
    assert json.loads(pixels("--request", "-", stdin=json.dumps(body)).stdout)["img_data"] == expected
    both = pixels("--request", "-", "-j", "1", stdin=json.dumps([body, {**body, "rlevel": 3}]))
    assert [json.loads(line)["shape"] for line in both.stdout.splitlines()] == [[69, 69], [138, 138]]
    assert json.loads(pixels("--archive", "gcp", "tiles/33/U/UP/a.jp2").stdout)["img_data"] == expected
    assert json.loads(pixels(f"gs://{bucket.name}/tiles/33/U/UP/a.jp2").stdout)["img_data"] == expected
    missing = pixels("--request", "-", stdin=json.dumps({name: "tiles/none.jp2"}))
    assert (json.loads(missing.stdout), missing.exit_code) == ({"Error": "Image not found"}, ExitCode.NOT_FOUND)


@pytest.mark.parametrize(
    ("words", "stdin", "text", "code"),
    [
        (["--request", "-"], "nonsense", "Bad json", ExitCode.INPUT),
        (["--request", "-"], '{"rlevel": 1}', "Bad json", ExitCode.INPUT),
        (["none.jp2"], None, "Image not found", ExitCode.NOT_FOUND),
        (["{folder}/text.jp2"], None, "Error parsing jp2", ExitCode.INPUT),
        (["{folder}/a.jp2", "--rlevel", "9"], None, "Error parsing jp2", ExitCode.NOT_FOUND),
        (["{folder}/a.jp2", "--window", "9000,9000,5,5"], None, "Error parsing jp2", ExitCode.INPUT),
    ],
)
def test_the_four_errors_stand_on_stdout_beside_an_exit_code(folder, words, stdin, text, code):
    result = pixels(*(word.format(folder=folder) for word in words), stdin=stdin)
    assert json.loads(result.stdout) == {"Error": text}
    assert result.exit_code == code
    assert result.stderr.startswith("s2kit: error: ")
    assert "Traceback" not in result.stderr


def test_a_refused_download_is_told_apart(mirror):
    mirror.hook = always(Fault(status=403))
    result = pixels(f"{mirror.url}/a.jp2")
    assert (json.loads(result.stdout), result.exit_code) == ({"Error": "Could not download image"}, ExitCode.ACCESS)


def test_a_level_that_is_not_there_says_which_are(folder):
    assert "there are -1 and 0, 1, 2, 3, 4" in pixels(folder / "a.jp2", "--rlevel", "9").stderr


def test_nobody_is_billed_by_surprise(s3_server, folder, monkeypatch):
    bucket = s3_server.bucket()
    bucket.put("tiles/a.jp2", (folder / "a.jp2").read_bytes())
    for name, value in (("ADDRESS", f"s3://{bucket.name}"), ("ENDPOINT_URL", bucket.endpoint_url)):
        monkeypatch.setenv(f"S2KIT_ARCHIVES__AWS-L2A__{name}", value)
        monkeypatch.setenv(f"S2KIT_ARCHIVES__AWS_L2A__{name}", value)
    address = f"s3://{bucket.name}/tiles/a.jp2"
    refused = pixels(address)
    assert refused.exit_code == ExitCode.ACCESS
    assert "bills its readers" in refused.stderr
    assert "--archive aws-l2a" in refused.stderr
    assert pixels(address, "--archive", "aws-l2a").exit_code == 0
    assert pixels("tiles/a.jp2", "--archive", "aws-l2a").exit_code == 0
    plan = pixels("tiles/a.jp2", "--archive", "aws-l2a", "--dry-run", "-f", "jsonl")
    record = json.loads(plan.stdout)
    assert record["price_list"]
    assert record["usd"] > 0
    assert record["nbytes"] < len((folder / "a.jp2").read_bytes()) + 8192


def test_dry_run_reads_a_header_only(mirror, folder):
    result = pixels(f"{mirror.url}/a.jp2", "--rlevel", "0", "--dry-run")
    assert result.exit_code == 0
    assert "1100" in result.stdout
    assert len(mirror.gets) == 1


def test_a_huge_answer_asks_for_force(tmp_path):
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=10980, height=10980, count=1, dtype="uint16", tiled=True, sparse_ok=True,
        crs="EPSG:32631", transform=rasterio.Affine(10, 0, 300000, 0, -10, 5000040),
    ):  # fmt: skip
        pass
    result = pixels(path, "--rlevel", "0")
    assert result.exit_code == ExitCode.USAGE
    assert "--force" in result.stderr
    assert "-f npy (241 MB)" in result.stderr
    assert result.stdout == "", "the legacy service never said that"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.jp2", "--window", "1,2,3"],
        ["a.jp2", "--window", "1,2,3,4", "--bbox", "1", "2", "3", "4"],
        ["a.jp2", "--bbox", "3", "2", "1", "4"],
        ["a.jp2", "--res", "20"],
        ["a.jp2", "-f", "png"],
        ["a.jp2", "b.jp2", "-o", "x"],
        ["a.jp2", "b.jp2", "-f", "npy"],
        ["."],
    ],
    ids=str,
)
def test_words_that_cannot_be(words):
    result = pixels(*words)
    assert result.exit_code == ExitCode.USAGE
    assert "Traceback" not in result.stderr


def test_nothing_half_written_is_left(mirror, tmp_path):
    mirror.files["cut.jp2"] = mirror.content("a.jp2")[:60_000]
    result = pixels(f"{mirror.url}/cut.jp2", "--rlevel", "0", "-o", tmp_path / "answer.json")
    assert result.exit_code == ExitCode.INPUT
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("answer")]


def test_no_cache_keeps_nothing(mirror, tmp_path):
    assert pixels(f"{mirror.url}/a.jp2", "--no-cache").exit_code == 0
    assert not (tmp_path / "cache").exists()
    assert pixels(f"{mirror.url}/a.jp2").exit_code == 0
    assert len(list((tmp_path / "cache" / "index").iterdir())) == 1


def test_bands_may_be_repeated_or_listed(scene):
    product = scene.l2a[0]
    twice = pixels(product, "--band", "B04", "--band", "B08", "--rlevel", "4", "-j", "1")
    rows = [json.loads(line) for line in twice.stdout.splitlines()]
    assert {row["band"]: row["img_data"] for row in rows} == {
        band: gdal(next(product.rglob(f"*_{band}_10m.jp2")), 4)[0].tolist() for band in ("B04", "B08")
    }
    assert pixels(product, "--band", "B04,B08", "--rlevel", "4", "-j", "1", "-f", "json").exit_code == 0
    refused = pixels(product, "--band", "B04", "--rlevel", "1", "--rlevel", "2")
    assert refused.exit_code == ExitCode.USAGE
    assert "'--rlevel' is given twice: 1 and 2" in refused.stderr


@pytest.mark.parametrize(
    ("name", "first"), [("a.npy", b"\x93NUMPY"), ("a.tif", b"II"), ("a.json", b"{"), ("a.csv", b"")]
)
def test_the_suffix_of_the_output_chooses_the_form(folder, tmp_path, name, first):
    assert pixels(folder / "a.jp2", "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(first)
    assert pixels(folder / "a.jp2", "-o", tmp_path / name).exit_code == 0, "-o replaces, as in every verb"
    refused = pixels(folder / "a.jp2", "-f", "npy" if name != "a.npy" else "csv", "-o", tmp_path / name)
    assert refused.exit_code == ExitCode.USAGE
    assert "contradict" in refused.stderr


def test_bands_of_a_safe(scene):
    product = scene.l2a[0]
    answer = json.loads(pixels(product, "--band", "B04", "--res", "20", "--meta", "--rlevel", "1").stdout)
    assert answer["band"] == "B04"
    assert answer["img_data"] == gdal(next(product.rglob("*_B04_20m.jp2")), 1)[0].tolist()
    many = pixels(*scene.l2a, "--band", "SCL", "-f", "stats")
    assert [json.loads(line)["min"] is not None for line in many.stdout.splitlines()] == [True] * len(scene.l2a)


def test_as_a_command(folder):
    done = subprocess.run(
        [sys.executable, "-m", "s2kit", "pixels", str(folder / "a.jp2")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["shape"] == [69, 69]


def test_keys_out_of_the_env_file_reach_the_archive(s3_server, folder, tmp_path, monkeypatch):
    bucket = s3_server.bucket()
    bucket.put("tiles/a.jp2", (folder / "a.jp2").read_bytes())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("S2KIT_ARCHIVES__CDSE__ADDRESS", f"s3://{bucket.name}")
    with serving(upstream=bucket.endpoint_url) as proxy:
        monkeypatch.setenv("S2KIT_ARCHIVES__CDSE__ENDPOINT_URL", proxy.url)
        refused = pixels("tiles/a.jp2", "--archive", "cdse")
        assert refused.exit_code == ExitCode.ACCESS
        assert "CDSE_S3_ACCESS_KEY" in refused.stderr
        (tmp_path / ".env").write_text("CDSE_S3_ACCESS_KEY=KEY-OF-CDSE\nCDSE_S3_SECRET=hush\n")
        result = pixels("tiles/a.jp2", "--archive", "cdse")
        assert result.exit_code == 0, result.stderr
        assert "KEY-OF-CDSE" in proxy.log[0].headers["Authorization"]


@pytest.mark.parametrize("form", ["json", "csv", "npy", "gtiff", "stats"])
@pytest.mark.parametrize("to_file", [True, False])
def test_a_full_disk_is_one(scene, tmp_path, form, to_file):
    image = next(scene.l2a[0].rglob("*_B04_20m.jp2"))
    words = f"{sys.executable} -m s2kit pixels {image} --rlevel 0 --no-cache -f {form}"
    where = f"-o {tmp_path}/out" if to_file else "> /dev/full"
    limit = "" if not to_file else "ulimit -f 0; " if form == "stats" else "ulimit -f 20; "
    done = subprocess.run(["bash", "-c", f"{limit}{words} {where}"], capture_output=True, text=True)
    assert done.returncode == 74, done.stderr
    assert f"{tmp_path}/out: " in done.stderr or not to_file
    assert "internal" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_runs_at_one_file_at_once(scene, tmp_path):
    image = next(scene.l2a[0].rglob("*_B04_10m.jp2"))
    words = [sys.executable, "-m", "s2kit", "pixels", str(image), "--rlevel", "0", "-f", "csv", "-o", "out.csv"]
    runs = [subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [run.communicate()[1] for run in runs]
    codes = sorted(run.returncode for run in runs)
    assert codes[0] == 0
    assert set(codes[1:]) <= {75, 73}, errors  # 73: it began when the file was there already
    assert 75 in codes or codes[1:] == [73] * 3
    for run, error in zip(runs, errors, strict=True):
        assert run.returncode != 75 or "another run of s2kit writes out.csv" in error
        assert run.returncode != 73 or "out.csv exists already" in error
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_classes_are_picked_and_not_made_of_wavelets(scene):
    safe = scene.l2a[0]
    path = next(safe.glob("GRANULE/*/IMG_DATA/R20m/*_SCL_20m.jp2"))
    with rasterio.open(path) as image:
        codes = image.read(1)
    for words in ((safe, "--band", "SCL", "--res", "20"), (path,)):
        found = np.array(json.loads(pixels(*words, "--rlevel", "2").stdout)["img_data"])
        rows = np.minimum(np.arange(found.shape[0]) * 4 + 2, codes.shape[0] - 1)
        assert (found == codes[np.ix_(rows, rows)]).all()
        part = np.array(json.loads(pixels(*words, "--rlevel", "1", "--window", "100,60,40,30").stdout)["img_data"])
        assert (part == codes[61:91:2, 101:141:2]).all()
    numbers = json.loads(pixels(safe, "--band", "SCL", "-f", "stats").stdout)
    assert numbers["max"] <= 11


def test_the_legacy_request_keeps_its_answer(scene, folder):
    path = next(scene.l2a[0].glob("GRANULE/*/IMG_DATA/R20m/*_SCL_20m.jp2"))
    with serving(path.parent) as server:
        body = json.dumps({"Path": f"{server.url}/{path.name}", "rlevel": 2})
        answer = json.loads(pixels("--request", "-", stdin=body).stdout)
    assert answer["img_data"] == gdal(path, 2)[0].tolist()


def test_a_part_is_of_full_resolution_unless_a_level_is_named(folder):
    answer = json.loads(pixels(folder / "a.jp2", "--window", "100,100,3,2", "--meta").stdout)
    assert (answer["shape"], answer["rlevel"]) == ([2, 3], 0)
    assert json.loads(pixels(folder / "a.jp2", "--meta").stdout)["rlevel"] > 0


def test_nan_is_no_data_in_images_of_floats(shared_data):
    path = shared_data.parent / "cases" / "pixels" / "float-nan.tif"
    with rasterio.open(path) as image:
        values = image.read(1)
    assert np.isnan(values).any()
    numbers = json.loads(pixels(path, "-f", "stats", "--rlevel", "0").stdout)
    assert numbers["mean"] == pytest.approx(float(np.nanmean(values)))
    assert numbers["nodata_pct"] == pytest.approx(100 * np.isnan(values).mean())
    answer = json.loads(pixels(path, "--rlevel", "0", "--meta").stdout)
    assert answer["nodata"] == "nan"
    assert [[value is None for value in row] for row in answer["img_data"]] == np.isnan(values).tolist()


def test_a_coarser_file_in_place_of_the_band_s_own_is_reported(tmp_path, scene):
    product = tmp_path / scene.l2a[0].name
    shutil.copytree(scene.l2a[0], product)
    next(product.rglob("*_B03_10m.jp2")).unlink()
    said = f"s2kit: warning: {product.stem}: B03 is read at 20 m, since there is no file at 10 m\n"
    words = (product, "--band", "B03", "--window", "0,0,2,2")
    assert (pixels(*words).exit_code, pixels(*words).stderr) == (0, said)
    assert pixels(*words, "--dry-run").stderr == said
    assert pixels(*words, "--res", 20).stderr == ""
    assert pixels(product, "--band", "B04", "--window", "0,0,2,2").stderr == ""


def test_products_that_a_search_found_elsewhere_are_read_there(scene):
    found = CliRunner().invoke(app, ["search", "--catalogue", str(scene.folder), "--level", "l1c", "-f", "jsonl"])
    assert found.exit_code == 0, found.output
    words = ("-", "--band", "B04", "--window", "0,0,2,2", "-f", "jsonl")
    read = pixels(*words, stdin=found.stdout)
    assert read.exit_code == 0, read.stderr
    assert {json.loads(line)["path"] for line in read.stdout.splitlines()} == {
        json.loads(line)["id"] for line in found.stdout.splitlines()
    }
