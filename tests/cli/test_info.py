import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode
from support.tiny_safe import L1C_NAME, L2A_NAME, manifest_xml, safe_files, write_files, write_safe

runner = CliRunner()


def test_text_for_a_person(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    next(root.rglob("*B02_10m.jp2")).unlink()
    (root / "INSPIRE.xml").unlink()
    next(root.rglob("*SCL_20m.jp2")).write_bytes(b"x")
    result = runner.invoke(app, ["info", str(root)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    scl = next(root.rglob("*SCL_20m.jp2")).relative_to(root).as_posix()
    assert lines == [
        L2A_NAME,
        f"  where      {root}",
        "  level      L2A, baseline 05.11, Sentinel-2C",
        "  sensed     2025-03-01 10:50:21 UTC; tile at 10:50:21",
        "  tile       31TDH, EPSG:32631, x 399960 to 400320, y 4799640 to 4800000",
        "  orbit      R051 descending GS2C_20250301T105021_000123_N05.11",
        "  cloud      12.5 %",
        "  footprint  longitude 1.8000 to 3.1000, latitude 42.3000 to 43.3000",
        "  images      10 m  B04",
        "              20 m  B04 B8A SCL",
        "              60 m  B01 AOT TCI",
        "             320 m  PVI",
        "  values     reflectance = (DN - 1000) / 10000, offset from the metadata",
        "             DN 0 is no data, DN 65535 is saturated",
        "             AOT = DN / 1000, WVP = DN / 1000 cm",
        f"  files      {size / 1e6:.1f} MB; 2 of the manifest's 12 files are missing",
        "             missing  10 m  B02",
        "             missing INSPIRE.xml",
        f"             wrong size: {scl}",
    ]


def test_long_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    root = write_safe(tmp_path, L1C_NAME, ["B01", "B02", "B03", "B04", "B05", "B06", "B07"])
    for path in root.rglob("*.jp2"):
        path.write_bytes(b"x")
    text = runner.invoke(app, ["info", str(root)]).stdout
    assert text.count("wrong size: GRANULE") == 5
    assert "wrong size: 2 more, all named by -f json" in text
    assert "reflectance = DN / 10000" in text
    assert "AOT" not in text
    (root / "manifest.safe").unlink()
    assert "it is not known what is missing" in runner.invoke(app, ["info", str(root)]).stdout


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    for path in (root / "MTD_MSIL2A.xml", next(root.rglob("MTD_TL.xml"))):
        path.unlink()
    text = runner.invoke(app, ["info", str(root)]).stdout
    assert "offset from the baseline" in text
    assert "  tile       31TDH\n" in text
    assert "cloud" not in text
    assert "footprint" not in text


def test_a_manifest_that_proves_nothing_is_called_so(tmp_path: Path) -> None:
    files = safe_files()
    tifs = {path.replace(".jp2", ".tif"): data for path, data in files.items() if path != "manifest.safe"}
    root = write_files(tmp_path / f"{L2A_NAME}.SAFE", tifs | {"manifest.safe": manifest_xml(tifs).encode()})
    text = runner.invoke(app, ["info", str(root)]).stdout
    assert "the manifest is not authoritative" in text
    assert " 10 m  B02 B04" in text
    more = {f"rep_info/{number}.xsd": b"x" for number in range(7)}
    (root / "manifest.safe").write_text(manifest_xml(files | more))
    assert "missing 2 more, all named by -f json" in runner.invoke(app, ["info", str(root)]).stdout


def test_bands_with_different_offsets_are_told_apart(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    metadata = root / "MTD_MSIL2A.xml"
    metadata.write_text(metadata.read_text().replace('band_id="8">-1000', 'band_id="8">500'))
    text = runner.invoke(app, ["info", str(root)]).stdout
    assert "reflectance of B02 B04 B01 = (DN - 1000) / 10000" in text
    assert "reflectance of B8A = (DN + 500) / 10000" in text


def test_every_format(tmp_path: Path) -> None:
    roots = [str(write_safe(tmp_path)), str(write_safe(tmp_path, L1C_NAME, ["B01"]))]
    assert runner.invoke(app, ["info", *roots, "-f", "ids"]).stdout.splitlines() == [L2A_NAME, L1C_NAME]
    whole = json.loads(runner.invoke(app, ["info", *roots, "-f", "json"]).stdout)
    assert (whole["command"], [item["id"] for item in whole["items"]]) == ("info", [L2A_NAME, L1C_NAME])
    lines = runner.invoke(app, ["info", *roots, "-f", "jsonl"]).stdout.splitlines()
    assert [json.loads(line) for line in lines] == whole["items"]
    features = json.loads(runner.invoke(app, ["info", *roots, "-f", "geojson"]).stdout)["features"]
    assert [feature["geometry"]["type"] for feature in features] == ["Polygon", "Polygon"]
    rows = list(csv.DictReader(io.StringIO(runner.invoke(app, ["info", *roots, "-f", "csv"]).stdout)))
    assert [row["processing:level"] for row in rows] == ["L2A", "L1C"]


def test_names_come_from_the_dataset_folder_and_stdin(tmp_path: Path) -> None:
    write_safe(tmp_path / "data")
    result = runner.invoke(
        app, ["--dataset", str(tmp_path / "data"), "info", "-", "-f", "ids"], input=f"# list\n{L2A_NAME}\n"
    )
    assert (result.exit_code, result.stdout) == (0, f"{L2A_NAME}\n")


def test_output_goes_to_a_file_as_a_whole(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    target = tmp_path / "info.txt"
    result = runner.invoke(app, ["info", str(root), "-o", str(target)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert target.read_text().splitlines()[0] == L2A_NAME


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "s2kit", "info", *words], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        ("nothing", ExitCode.NOT_FOUND, "no such file or folder"),
        ("folder", ExitCode.INPUT, "no Sentinel-2 product"),
        ("text", ExitCode.INPUT, "nor a zip of one"),
        ("none", ExitCode.USAGE, "no product was named"),
    ],
)
def test_bad_input_is_one_line_and_its_code(tmp_path: Path, make: str, code: ExitCode, words: str) -> None:
    path = tmp_path / "thing.SAFE"
    if make == "folder":
        path.mkdir()
    elif make == "text":
        path.write_text("hello")
    result = _run(*([] if make == "none" else [str(path)]))
    assert (result.returncode, result.stdout) == (code, "")
    (error, *rest) = [line for line in result.stderr.splitlines() if "error:" in line]
    assert not rest
    assert words in error
    assert "Traceback" not in result.stderr


def test_one_bad_product_does_not_stop_the_others(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    result = _run(str(tmp_path / "absent.SAFE"), str(root), "-f", "ids")
    assert (result.returncode, result.stdout) == (ExitCode.PARTIAL, f"{L2A_NAME}\n")
    assert "absent.SAFE" in result.stderr


def test_the_real_product(real_l2a: Path) -> None:
    text = runner.invoke(app, ["info", str(real_l2a)]).stdout
    assert "19 of the manifest's 86 files are missing" in text
    assert "missing  10 m  B02 B03 B04 B08 TCI WVP" in text
    assert "y 5790240 to 5900040" in text


def test_a_file_of_another_kind_is_not_called_a_damaged_zip(tmp_path):
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    result = runner.invoke(app, ["info", str(tmp_path / "picture.jpg")])
    assert result.exit_code == 65
    assert "picture.jpg: no product: neither a SAFE folder nor a zip of one" in result.stderr
    assert "damaged" not in result.stderr


def test_a_dataset_folder_stands_for_its_products(scene):
    for verb in ("info", "verify"):
        result = runner.invoke(app, [verb, str(scene.folder), "-f", "csv"])
        assert result.exit_code == 0, result.stderr
        assert len(result.stdout.splitlines()) == 1 + len(scene.products)


@pytest.mark.parametrize("size", [0, 3000])
def test_metadata_that_is_cut_is_reported_once_and_replaced_by_what_else_tells(
    size: int, tmp_path: Path, scene: Any
) -> None:
    product = tmp_path / "d" / scene.l2a[0].name
    shutil.copytree(scene.l2a[0], product)
    metadata = product / "MTD_MSIL2A.xml"
    metadata.write_bytes(metadata.read_bytes()[:size])
    for words in (["info", str(product)], ["search", "--catalogue", str(tmp_path / "d"), "-f", "ids"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert product.stem in done.stdout
        assert done.stderr.count("empty or cut") == 1, done.stderr
        assert done.stderr.startswith(f"s2kit: warning: {product}")
        assert CliRunner().invoke(app, ["-q", *words]).stderr == ""


def test_a_tile_of_aws_has_the_cloud_cover_of_its_own_metadata(shared_data: Path) -> None:
    """Its `tileInfo.json` says 0.0, as that of every L2A tile does; there is no metadata of the product beside it."""
    tile = shared_data.parent / "cases/metadata/tiles/34/L/BP/2022/4/1/0"
    described = json.loads(CliRunner().invoke(app, ["info", str(tile), "-f", "jsonl"]).stdout)
    assert described["eo:cloud_cover"] == pytest.approx(92.697, abs=0.001)
    words = ["chips", str(tile.parents[6]), "--point", "18.5", "-10.4", "--max-cloud", "10", "--list"]
    assert "cloud cover" in CliRunner().invoke(app, words).stderr
