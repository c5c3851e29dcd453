"""Products of Planetary Computer: read by windows with tokens; the offset is that of their baseline; gaps are named."""

import json
import tempfile

import numpy as np
import pytest
from typer.testing import CliRunner

from s2kit.catalogue.record_sources import from_stac
from s2kit.cli.app import app
from s2kit.store import sas
from support.chip_items import parcel_file, square
from support.planetary import planetary

NEW = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
OLD = "S2A_MSIL2A_20210419T105031_N0300_R051_T31TCJ_20210419T160739"
PIXELS = np.random.default_rng(3).integers(1200, 4000, (200, 200)).astype(np.uint16)
SCL = np.full((200, 200), 4, np.uint8)


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    sas._tokens.clear()
    (tmp_path / "web").mkdir()
    with planetary(tmp_path / "web") as running:
        (tmp_path / "my.toml").write_text(running.settings)
        yield running


def run(*words, code=0):
    result = CliRunner().invoke(app, ["--config", "my.toml", *map(str, words)])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert "signature" not in result.output
    return result


@pytest.mark.parametrize(("name", "offset"), [(NEW, -1000.0), (OLD, 0.0)])
def test_the_offset_is_that_of_the_baseline(service, name, offset):
    address = service.item(name, {"B04": PIXELS, "SCL": SCL})
    told = json.loads(run("info", address, "-f", "jsonl").stdout)
    assert (told["id"], told["processing:version"], told["tile"]) == (name, f"{name[28:30]}.{name[30:32]}", "31TCJ")
    assert told["s2kit:offsets"]["B04"] == offset
    assert told["s2kit:offset_source"] == "baseline"
    assert not service.asked("/sentinel2-l2/")


def test_the_verbs_read_windows_with_one_token(service, tmp_path):
    address = service.item(NEW, {"B04": PIXELS, "SCL": SCL})
    dumped = json.loads(run("pixels", address, "--band", "B04", "--window", "3,4,5,6").stdout)
    assert dumped["img_data"] == PIXELS[4:10, 3:8].tolist()
    parcel_file(tmp_path / "p.geojson", {"p": square(300803, 4899003, 301)})
    rows = run("stats", address, "--parcels", "p.geojson", "--layer", "B04", "-f", "jsonl").stdout.splitlines()
    inside = PIXELS[100:132, 79:112]
    assert json.loads(rows[0])["id"] == NEW
    mean = json.loads(rows[0])["mean"]
    assert abs(mean - (inside.mean() - 1000) / 10000) < 0.01
    chips = run(
        "chips", address, "--parcels", "p.geojson", "--pid", "p", "--raw", "--bands", "B04", "-f", "jsonl", "--no-cache"
    )
    assert json.loads(chips.stdout)["id"] == NEW
    run("render", address, "--bands", "B04", "--max-px", 100, "--format", "png", "--out", "o")
    run("cube", address, "--bands", "B04", "--res", 10, "--out", "c.zarr")
    assert service.issued == 1


def test_a_missing_asset_is_the_failure_of_its_item(service, tmp_path):
    parcel_file(tmp_path / "p.geojson", {"p": square(300803, 4899003, 301)})
    good = service.item(NEW, {"B04": PIXELS, "SCL": SCL})
    bad = service.item(OLD, {"B04": PIXELS, "SCL": SCL}, lacking=("B04",))
    result = run("stats", good, bad, "--parcels", "p.geojson", "--layer", "B04", "-f", "jsonl", code=4)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [NEW]
    assert "B04_10m.tif: no such file" in result.stderr


def test_a_record_leads_to_its_item(service):
    own = service.item(NEW, {"B04": PIXELS})
    item = json.loads(service.server.files[own.removeprefix(f"{service.server.url}/")])
    host = "https://sentinel2l2a01.blob.core.windows.net"
    for asset in item["assets"].values():
        asset["href"] = asset["href"].replace(service.server.url, host)
    record = from_stac(item, "planetary-computer")
    assert (record.id, record.mission, record.level, record.tile, record.baseline) == (
        NEW,
        "s2",
        "L2A",
        "31TCJ",
        "05.10",
    )
    assert record.locations == {"pc": own}
