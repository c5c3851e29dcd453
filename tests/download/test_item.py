"""Assets of any STAC item: resumed, proven as well as the item and the store allow, and readable without the network."""

import hashlib
import json
from pathlib import Path

import pystac
import pytest
from typer.testing import CliRunner

from s2kit.catalogue.record_sources import from_stac
from s2kit.cli.app import app
from s2kit.store.hashes import parse_multihash
from support.catalogue_server import stac_server
from support.http_server import Fault, RangeServer, first, serving

ID = "LC08_L2SP_198030_20240419_02_T1"
RED = bytes(range(256)) * 2000
NIR = RED[::-1]
QA = b"\x01\x00" * 5000


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(None) as running:
        for name, data in {"red": RED, "nir08": NIR, "qa_pixel": QA}.items():
            running.files[f"data/{ID}_{name}.TIF"] = data
        publish(running)
        yield running


def multihash(data: bytes) -> str:
    return f"1340{hashlib.sha512(data).hexdigest()}"


def publish(server: RangeServer, **changes: dict[str, object]) -> str:
    """The item, as Earth Search describes one of Landsat; `changes` replace entries of assets."""
    assets = {
        "red": {"href": f"{server.url}/data/{ID}_red.TIF", "file:checksum": multihash(RED), "file:size": len(RED)},
        "nir08": {
            "href": "https://landsatlook.example/needs-login.TIF",
            "alternate": {"s3": {"href": f"{server.url}/data/{ID}_nir08.TIF"}},
        },
        "qa_pixel": {"href": f"../../../data/{ID}_qa_pixel.TIF".replace("../../../", f"{server.url}/")},
    }
    for key, change in changes.items():
        assets[key] |= change
    address = f"{server.url}/v1/collections/landsat-c2-l2/items/{ID}"
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": ID,
        "collection": "landsat-c2-l2",
        "geometry": {"type": "Polygon", "coordinates": [[[1, 43], [3, 43], [3, 45], [1, 45], [1, 43]]]},
        "bbox": [1, 43, 3, 45],
        "properties": {"datetime": "2024-04-19T10:37:00Z", "platform": "landsat-8", "eo:cloud_cover": 3.5},
        "assets": assets,
        "links": [
            {"rel": "self", "href": address},
            {"rel": "root", "href": f"{server.url}/v1"},
            {"rel": "collection", "href": f"{server.url}/v1/collections/landsat-c2-l2"},
        ],
    }
    server.files[f"v1/collections/landsat-c2-l2/items/{ID}"] = json.dumps(item).encode()
    return address


def run(*words, code=0):
    result = CliRunner().invoke(app, ["download", *map(str, words), "--out", "o"])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


FOLDER = Path("o", "landsat-c2-l2", ID)


def proofs() -> dict[str, str]:
    files = json.loads((FOLDER / f"{ID}.s2kit.json").read_bytes())["files"]
    return {path.removeprefix(f"{ID}_").removesuffix(".TIF"): file["proof"] for path, file in files.items()}


def test_all_assets_arrive_and_pystac_opens_them_offline(server):
    assert run(publish(server)).stdout.split() == [str(FOLDER)]
    assert proofs() == {"red": "checksum", "nir08": "etag", "qa_pixel": "etag"}
    server.hook = lambda _: Fault(status=500)
    item = pystac.Item.from_file(str(FOLDER / f"{ID}.json"))
    assert {key: Path(asset.get_absolute_href()).read_bytes() for key, asset in item.assets.items()} == {
        "red": RED,
        "nir08": NIR,
        "qa_pixel": QA,
    }
    assert item.collection_id == "landsat-c2-l2"
    assert not list(Path("o").rglob("*.part"))


def test_some_assets_and_what_is_there_is_not_fetched_again(server):
    address = publish(server)
    run(address, "--assets", "red,qa_pixel")
    assert sorted(one.name for one in FOLDER.glob("*.TIF")) == [f"{ID}_qa_pixel.TIF", f"{ID}_red.TIF"]
    assert json.loads((FOLDER / f"{ID}.json").read_bytes())["assets"]["nir08"]["href"].startswith("https://landsatlook")
    server.log.clear()
    run(address)
    assert sorted({one.path for one in server.log if one.method == "GET" and "/data/" in one.path}) == [
        f"/data/{ID}_nir08.TIF"
    ]
    server.log.clear()
    (row,) = json.loads(run(address, "-f", "json").stdout)["items"]
    assert row["status"] == "already-there"
    assert all(one.method == "HEAD" for one in server.log if "/data/" in one.path)
    (FOLDER / f"{ID}_red.TIF").write_bytes(RED[:-1] + b"x")  # of the same size
    run(address)
    assert (FOLDER / f"{ID}_red.TIF").read_bytes() == RED


def test_a_transfer_that_breaks_off_goes_on_and_a_flipped_byte_is_fetched_again(server):
    address = publish(server)
    server.hook = first(1, Fault(truncate=200_000), path="_red.TIF", method="GET")
    run(address, "--assets", "red")
    asked = [one.range for one in server.log if one.path.endswith("_red.TIF") and one.method == "GET"]
    assert asked[1].startswith("bytes=")
    assert (FOLDER / f"{ID}_red.TIF").read_bytes() == RED
    server.hook = first(1, Fault(flip=77), path="_nir08.TIF", method="GET")
    run(address, "--assets", "nir08")
    assert (FOLDER / f"{ID}_nir08.TIF").read_bytes() == NIR


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"red": {"file:size": 5}}, "the store has 512000 bytes, the item says 5"),
        ({"red": {"file:checksum": multihash(NIR)}}, "SHA512 is"),
        ({"red": {"href": "gone"}}, "no such file"),
    ],
)
def test_a_wrong_asset_is_named_and_the_others_stay(server, changes, message):
    if changes["red"].get("href"):
        changes = {"red": {"href": f"{server.url}/data/gone.TIF"}}
    result = run(publish(server, **changes), code=65)
    assert message in result.stderr
    assert not (FOLDER / f"{ID}.json").exists()
    assert (FOLDER / f"{ID}_qa_pixel.TIF").read_bytes() == QA
    assert not (FOLDER / f"{ID}_red.TIF").exists()
    run(publish(server))
    assert (FOLDER / f"{ID}_red.TIF").read_bytes() == RED


def test_a_dry_run_counts_and_writes_nothing(server):
    (row,) = json.loads(run(publish(server), "--dry-run", "-f", "json").stdout)["items"]
    assert (row["files"], row["nbytes"]) == (3, len(RED) + len(NIR) + len(QA))
    assert not Path("o", "landsat-c2-l2").exists()


def test_bad_words(server):
    assert "has no asset swir" in run(publish(server), "--assets", "swir", code=66).stderr
    name = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"
    assert "--assets is for STAC items" in run(name, "--assets", "red", code=2).stderr
    paid = {"red": {"alternate": {"s3": {"href": "s3://usgs-landsat/collection02/x.TIF"}}}}
    assert "bills its readers" in run(publish(server, **paid), code=77).stderr


def test_a_search_for_landsat_leads_to_the_download(server):
    item = json.loads(server.files[f"v1/collections/landsat-c2-l2/items/{ID}"])
    other = {**item, "id": "other", "collection": "sentinel-2-l2a"}
    record = from_stac(item, "x")
    assert (record.id, record.mission, record.collection) == (ID, "landsat", "landsat-c2-l2")
    with stac_server([item, other]) as catalogue:
        words = ("search", "--range", "2024-04-01", "2024-05-01", "--bbox", 1, 43, 2, 44, "--catalogue", catalogue.url)
        for more in (("--mission", "landsat"), ("--collection", "landsat-c2-l2")):
            found = CliRunner().invoke(app, [*map(str, words), *more, "-f", "jsonl"])
            assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == [ID], found.output
        assert catalogue.searches()[-1].body["collections"] == ["landsat-c2-l2"]
    result = CliRunner().invoke(app, ["download", "-", "--out", "o", "--assets", "red"], input=found.stdout)
    assert result.exit_code == 0, result.output
    assert (FOLDER / f"{ID}_red.TIF").read_bytes() == RED


def test_multihashes():
    assert parse_multihash("d50110" + "ab" * 16) == ("MD5", "ab" * 16)
    assert parse_multihash("1220" + "AB" * 32) == ("SHA256", "ab" * 32)
    for text in ("", "1220ab", "9999" + "ab" * 32, "1220" + "zz" * 32):
        assert parse_multihash(text) is None


def verdicts(*words, code=0) -> dict[str, tuple[str, str]]:
    result = CliRunner().invoke(app, ["verify", *map(str, words), "-f", "jsonl"])
    assert result.exit_code == code, result.output + repr(result.exception)
    rows = map(json.loads, result.stdout.splitlines())
    return {row["path"].removeprefix(f"{ID}_").removesuffix(".TIF"): (row["state"], row["message"]) for row in rows}


def test_verify_holds_the_files_against_the_item_and_says_how(server):
    run(publish(server, qa_pixel={"file:size": len(QA)}))
    known = verdicts(FOLDER)
    assert known["red"] == ("verified", "right by the item's file:checksum")
    assert known["nir08"] == ("verified", "right by the MD5 tag that its store had")
    assert {state for state, _ in known.values()} == {"verified"}
    assert verdicts("o") == known  # the folder above
    record = FOLDER / f"{ID}.s2kit.json"
    record.unlink()
    known = verdicts(FOLDER)
    assert known["qa_pixel"] == ("size-only", "right by its size only: nothing gives a checksum")
    assert known["nir08"] == ("unlisted", "neither the item nor a record gives its size or checksum")
    assert known["red"][0] == "verified"


def test_verify_names_what_is_wrong_missing_or_not_fetched(server):
    run(publish(server), "--assets", "red,qa_pixel")
    assert verdicts(FOLDER)["nir08"] == ("skipped", "not fetched: it is at https://landsatlook.example/needs-login.TIF")
    result = CliRunner().invoke(app, ["verify", str(FOLDER), "--strict"])
    assert result.exit_code == 4
    red, qa = (FOLDER / f"{ID}_{name}.TIF" for name in ("red", "qa_pixel"))
    red.write_bytes(RED[:-1] + b"x")
    (FOLDER / "notes.txt").write_text("mine")
    known = verdicts(FOLDER, code=4)
    assert known["red"][0] == "wrong"
    assert "the item says" in known["red"][1]
    assert known["notes.txt"][0] == "extra"
    red.write_bytes(RED + b"x")
    assert "512001 bytes, the item says 512000" in verdicts(FOLDER, code=4)["red"][1]
    qa.write_bytes(QA[:-1] + b"x")  # of the same size: only the tag in the record tells
    assert "the record says" in verdicts(FOLDER, code=4)["qa_pixel"][1]
    red.unlink()
    result = CliRunner().invoke(app, ["verify", str(FOLDER)])
    assert "2 of the item's 3 files missing or wrong" in result.stderr
    refused = CliRunner().invoke(app, ["verify", str(FOLDER), "--check-against", "cdse"])
    assert "is a STAC item and has no manifest" in refused.stderr
