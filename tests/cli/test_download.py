"""`s2kit download` and `s2kit verify` as they are typed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from s2kit.cli.app import app
from s2kit.demo.bucket import lay_out_bucket
from support.aws_trees import (
    L1C,
    L2A,
    NEVER_ON_AWS,
    S1,
    AwsProduct,
    expected_tree,
    make_product,
    put_in_folder,
    put_product,
    tree_of,
)
from support.proxies import proxied
from support.s3 import S3Server


@pytest.fixture(scope="module")
def product() -> AwsProduct:
    return make_product(L1C)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: AwsProduct) -> Path:
    """A folder with settings, and an archive with one product."""
    put_in_folder(tmp_path / "bucket", product)
    (tmp_path / "settings.toml").write_text(
        'dataset = "data"\narchive = "mine"\n[archives.mine]\naddress = "bucket"\nlayout = "aws-s2"\n'
        '[archives.paid]\naddress = "bucket"\nlayout = "aws-s2"\nrequester_pays = true\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def s2kit(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def typed(*words: str) -> list[str]:
    return [sys.executable, "-m", "s2kit", *words]


def test_finished_paths_are_all_that_stdout_carries(place, product):
    result = s2kit("download", L1C)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"data/{L1C}.SAFE\n", "")
    assert tree_of(place / "data" / f"{L1C}.SAFE") == expected_tree(product)
    again = s2kit("download", f"{L1C}.SAFE")
    assert (again.exit_code, again.stdout, again.stderr) == (0, f"data/{L1C}.SAFE\n", "")


def test_names_come_from_stdin_and_zips_go_out(place):
    result = s2kit("download", "-", "--zip", "--out", "there", stdin=f"# mine\n\n{L1C}\n")
    assert (result.exit_code, result.stdout) == (0, f"there/{L1C}.zip\n")
    verified = s2kit("verify", f"there/{L1C}.zip", "-f", "json")
    (item,) = json.loads(verified.stdout)["items"]
    assert item["ok"] is True
    assert item["absent-at-source"] == 2


def test_every_file_is_reported_in_json_lines(place, product):
    result = s2kit("download", L1C, "--bands", "B02,B03", "-f", "jsonl")
    *files, whole = [json.loads(line) for line in result.stdout.splitlines()]
    assert {file["path"] for file in files} | {"manifest.safe"} == set(product.files)
    states = {file["state"] for file in files}
    assert states == {"verified", "absent-at-source", "skipped"}
    assert (whole["status"], whole["place"]) == ("done", f"data/{L1C}.SAFE")
    assert sum(file["moved"] for file in files) == whole["moved"]
    assert all(file["seconds"] >= 0 for file in files)


@pytest.mark.parametrize("form", ["table", "csv", "json", "ids"])
def test_the_other_formats(form, place):
    result = s2kit("download", L1C, "-f", form)
    assert L1C in result.stdout
    assert result.exit_code == 0
    assert result.stderr == ""


def test_a_dry_run_says_files_bytes_requests_and_cost(place):
    result = s2kit("download", L1C, "--dry-run", "--archive", "paid", "-f", "json")
    (item,) = json.loads(result.stdout)["items"]
    assert item["files"] == 57
    assert item["requests"] >= 59
    assert item["usd"] > 0
    assert item["price_list"] == "2021-12"
    assert not (place / "data" / f"{L1C}.SAFE").exists()
    table = s2kit("download", L1C, "-n")
    assert table.stdout.splitlines()[0].split()[:4] == ["product", "archive", "files", "nbytes"]


def test_errors_have_their_codes(place):
    unknown = L1C.replace("T31UFS", "T31UGS")
    assert s2kit("download", unknown).exit_code == 66
    assert s2kit("download", "nonsense").exit_code == 65
    assert s2kit("download", L1C, "--archive", "nowhere").exit_code == 2
    assert s2kit("download", L1C, "--bands", "B99").exit_code == 2
    assert s2kit("download", L1C, "--layout", "deep").exit_code == 2
    assert s2kit("download", L1C, "--layout", "seed").exit_code == 2
    assert s2kit("download", L1C, "--max-bytes", "1kB").exit_code == 2
    assert s2kit("download", L1C, "-f", "geojson").exit_code == 2
    assert s2kit("download").exit_code == 2
    assert s2kit("download", L1C, "--min-free", "999999TB").exit_code == 74
    assert s2kit("download", "-", stdin="").exit_code == 0
    assert s2kit("download", "-", "--fail-if-empty", stdin="").exit_code == 3
    several = s2kit("download", L1C, unknown)
    assert several.exit_code == 4
    assert several.stdout == f"data/{L1C}.SAFE\n"
    assert "1 of 2 items failed" in several.stderr
    assert s2kit("verify").exit_code == 2
    assert s2kit("verify", "gone.SAFE").exit_code == 66


def test_a_requester_pays_archive_is_not_taken_unasked(place):
    (place / "settings.toml").write_text(
        'dataset = "data"\n[archives.aws-l1c]\naddress = "bucket"\n[archives.gcp]\naddress = "nothing"\n'
    )
    refused = s2kit("download", L1C)
    assert refused.exit_code == 77
    assert "--archive aws" in refused.stderr
    both = s2kit("download", L1C, f"{L1C[:-1]}9")
    assert both.exit_code == 77, "all of several items were refused"
    assert s2kit("download", L1C, "--archive", "aws").exit_code == 0


def test_a_damaged_product_fails_verify_and_is_mended(place, product):
    s2kit("download", L1C)
    victim = place / "data" / f"{L1C}.SAFE" / product.large
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    result = s2kit("verify", f"data/{L1C}.SAFE", "-f", "jsonl")
    assert result.exit_code == 4
    bad = [json.loads(line) for line in result.stdout.splitlines() if '"wrong"' in line]
    assert [row["path"] for row in bad] == [product.large]
    assert s2kit("download", L1C).exit_code == 0
    assert s2kit("verify", f"data/{L1C}.SAFE").exit_code == 0
    assert s2kit("verify", f"data/{L1C}.SAFE", "--strict").exit_code == 4
    rows = s2kit("verify", f"data/{L1C}.SAFE", "--files", "-f", "csv").stdout.splitlines()
    assert len(rows) == len(product.files) + 1


def test_another_run_at_the_same_destination_is_told_to_come_again(place):
    from s2kit.run.locks import destination_lock

    with destination_lock(place / "data"):
        result = s2kit("download", L1C)
    assert result.exit_code == 75
    assert "another run" in result.stderr


def test_a_full_disk_ends_the_run_and_leaves_nothing_under_its_name(place, product):
    """The kernel itself refuses to let any file grow beyond a megabyte; the next run, with room, goes on."""
    program = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
        f"sys.argv = ['s2kit', 'download', '{L1C}']; runpy.run_module('s2kit', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 74, done.stderr
    assert done.stdout == ""
    assert "File too large" in done.stderr
    assert not (place / "data" / f"{L1C}.SAFE").exists()
    assert s2kit("download", L1C).exit_code == 0
    assert tree_of(place / "data" / f"{L1C}.SAFE") == expected_tree(product)


def test_a_destination_that_is_a_file_cannot_be_made(place):
    (place / "file").write_text("in the way")
    assert s2kit("download", L1C, "--out", "file").exit_code == 73


@pytest.mark.parametrize(
    ("fault", "path", "said"),
    [
        ("skew", "manifest.safe", "clock"),
        ("denied", "productInfo.json", "s3:GetObject"),
        ("denied", "B02.jp2", "s3:GetObject"),
    ],
)
def test_refusals_are_explained(fault, path, said, place, product, s3_server: S3Server):
    bucket = s3_server.bucket()
    put_product(bucket, product)
    rule = {"fault": fault, "path": path, "times": 99}
    with proxied(bucket.endpoint_url, place / "log", rule) as proxy:
        (place / "settings.toml").write_text(
            f'archive = "mine"\n[archives.mine]\naddress = "s3://{bucket.name}"\nlayout = "aws-s2"\n'
            f'endpoint_url = "{proxy.url}"\nregion = "us-east-1"\n'
        )
        result = s2kit("download", L1C)
    assert result.exit_code == 77
    assert said in result.stderr


def test_the_second_run_sends_no_request_at_all(place, product, s3_server: S3Server):
    bucket = s3_server.bucket()
    put_product(bucket, product)
    with proxied(bucket.endpoint_url, place / "log") as proxy:
        (place / "settings.toml").write_text(
            f'archive = "mine"\n[archives.mine]\naddress = "s3://{bucket.name}"\nlayout = "aws-s2"\n'
            f'endpoint_url = "{proxy.url}"\nregion = "us-east-1"\n'
        )
        assert s2kit("download", L1C, "--out", "data").exit_code == 0
        assert len(proxy.lists()) == 2
        count = len(proxy.requests())
        assert s2kit("download", L1C, "--out", "data").exit_code == 0
        assert len(proxy.requests()) == count


def test_search_download_and_the_next_verb_are_one_pipe(scene, tmp_path):
    """The line of the issue, on the demonstration's buckets, with no network."""
    lay_out_bucket(scene, tmp_path)
    (tmp_path / "settings.toml").write_text(
        'dataset = "data"\ncatalogue = "demo"\n'
        '[archives.aws-l1c]\naddress = "bucket/sentinel-s2-l1c"\nrequester_pays = false\n'
        '[archives.aws-l2a]\naddress = "bucket/sentinel-s2-l2a"\nrequester_pays = false\n'
        '[catalogues.demo]\nkind = "local"\nurl = "bucket"\n'
    )
    line = (
        f"{' '.join(typed('search', '--tile', '31TCJ', '--range', '2024-01-01', '2024-12-31', '-f', 'ids'))}"
        f" | {' '.join(typed('download', '-', '--zip'))} | {' '.join(typed('verify', '-', '-f', 'csv'))}"
    )
    done = subprocess.run(
        line, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120, env={**os.environ}
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()[1:]
    assert sorted(row.partition(",")[0] for row in rows) == sorted(path.stem for path in scene.l2a)
    assert all(",True," in row for row in rows)
    assert sorted(path.name for path in (tmp_path / "data").glob("*.zip")) == sorted(
        f"{path.stem}.zip" for path in scene.l2a
    )


def test_faults_that_pass_are_not_talked_about(place, product, s3_server: S3Server):
    """A healthy run without a terminal says nothing on stderr, whatever was tried again."""
    bucket = s3_server.bucket()
    put_product(bucket, product)
    small = next(key for path, key in product.keys.items() if path.endswith("MSK_QUALIT_B01.jp2"))
    rule = {"fault": "truncate", "path": small, "times": 3}
    with proxied(bucket.endpoint_url, place / "log", rule) as proxy:
        (place / "settings.toml").write_text(
            f'archive = "mine"\ndataset = "data"\n[archives.mine]\naddress = "s3://{bucket.name}"\nlayout = "aws-s2"\n'
            f'endpoint_url = "{proxy.url}"\nregion = "us-east-1"\n'
        )
        started = time.monotonic()
        done = subprocess.run(typed("download", L1C), capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert time.monotonic() - started < 60


def test_sentinel_1_is_downloaded_too(tmp_path, monkeypatch):
    item = make_product(S1)
    put_in_folder(tmp_path / "bucket", item)
    (tmp_path / "settings.toml").write_text(
        '[archives.aws-s1]\naddress = "bucket"\nrequester_pays = false\n[archives.gcp]\naddress = "nothing"\n'
    )
    monkeypatch.chdir(tmp_path)
    assert s2kit("download", S1).exit_code == 0
    assert tree_of(tmp_path / f"{S1}.SAFE") == expected_tree(item)
    assert s2kit("verify", f"{S1}.SAFE", "--strict").exit_code == 0


def test_what_aws_lacks_can_be_completed(place, product):
    safe = place / "cdse" / "Sentinel-2/MSI/L1C_N0500/2022/12/06" / f"{L1C}.SAFE"
    for path, data in product.files.items():
        (safe / path).parent.mkdir(parents=True, exist_ok=True)
        (safe / path).write_bytes(data)
    with (place / "settings.toml").open("a") as file:
        file.write('[archives.cdse]\naddress = "cdse"\nendpoint_url = ""\n')
    assert s2kit("download", L1C, "--complete-from", "cdse").exit_code == 0
    for path in NEVER_ON_AWS:
        assert (place / "data" / f"{L1C}.SAFE" / path).read_bytes() == product.files[path]
    assert s2kit("verify", f"data/{L1C}.SAFE", "--strict").exit_code == 0
    assert L2A != L1C


def test_verify_finds_products_by_name_as_the_other_verbs_do(place, product):
    assert s2kit("download", L1C).exit_code == 0
    record = json.dumps({"id": "some-item", "properties": {"sentinel2:product_title": L1C}})
    for words, stdin in (((L1C,), None), (("-",), f"{L1C}\n"), (("-",), record)):
        result = s2kit("verify", *words, "-f", "ids", stdin=stdin)
        assert (result.exit_code, result.stdout) == (0, f"data/{L1C}.SAFE\n")
    assert s2kit("verify", L2A).exit_code == 66
    refused = s2kit("verify", "s3://bucket/x.SAFE")
    assert (refused.exit_code, "s3://bucket/x.SAFE: verify reads products on this machine" in refused.stderr) == (
        2,
        True,
    )


@pytest.mark.parametrize("key", ["s2:product_title", "sentinel2:product_title", "sentinel:product_id"])
def test_items_of_other_catalogues_are_named_by_their_product(place, key):
    item = {"type": "Feature", "id": "S2A_OPER_MSI_L1C_TL", "properties": {key: L1C}, "geometry": None, "assets": {}}
    result = s2kit("download", "-", "--dry-run", "-f", "ids", stdin=json.dumps(item, indent=1))
    assert (result.exit_code, result.stdout.strip()) == (0, L1C), result.stderr
