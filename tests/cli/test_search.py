"""`s2kit search` as a user types it."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pystac
import pytest
import rustac
from typer.testing import CliRunner, Result

from s2kit.catalogue.record import SCHEMA
from s2kit.cli.app import app
from support.catalogue_server import Answer, CatalogueServer, recorded_server, stac_item, stac_server
from support.stac import check_document
from support.tiny_safe import L2A_NAME, write_safe

ITEMS = [stac_item(number) for number in range(25)]
BOX = {"type": "Polygon", "coordinates": [[[1, 43.5], [1.1, 43.5], [1.1, 43.6], [1, 43.6], [1, 43.5]]]}
FIRST = "S2A_MSIL2A_20200101T100031_N0208_R051_T31TCJ_20200101T200000"

Run = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[CatalogueServer]:
    with stac_server(ITEMS, page_size=10) as running:
        yield running


@pytest.fixture
def run(server: CatalogueServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the verb in an empty folder that has `aoi.geojson`, against the loopback catalogue."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aoi.geojson").write_text(json.dumps(BOX))
    monkeypatch.setenv("S2KIT_CATALOGUES__EARTH_SEARCH__URL", server.url)

    def typed(*words: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, ["search", *map(str, words)], input=stdin)

    return typed


def test_the_users_line(run: Run) -> None:
    done = run("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["id", "datetime", "eo:cloud_cover"]
    assert len(lines) == 14
    assert lines[-1].startswith(FIRST)
    assert done.stderr == ""


def test_ids(run: Run) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01-01/2020-01-02", "-f", "ids", "--sort", "datetime")
    assert done.stdout.splitlines() == [FIRST, FIRST.replace("20200101", "20200102")]


def test_an_id_that_answers_twice_is_one_line(run: Run) -> None:
    done = run("--aoi", "aoi.geojson", "--bbox", 1, 43.5, 1.2, 43.7, "--date", "2020-01-01", "-f", "ids")
    assert done.stdout.splitlines() == [FIRST]


def test_jsonl(run: Run) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01", "-f", "jsonl", "--sort", "none", "--dedupe", "none")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 25
    assert all(tuple(record) == SCHEMA for record in records)
    assert records[0]["s2kit:aoi"] == "aoi"
    assert records[0]["s2kit:range"] == "2020-01-01_2020-01-31"


def test_json_tells_how_much_there_is(run: Run) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01", "-f", "json", "--limit", 3)
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["matched"], answer["returned"], answer["truncated"]) == ("search", 25, 3, True)
    assert answer["complete"] is True
    assert answer["errors"] == []
    assert len(answer["items"]) == 3
    assert answer["searches"][0]["aoi"] == "aoi"
    assert "25 products match, the limit of 3 cut the list" in done.stderr


def test_geojson(run: Run) -> None:
    answer = json.loads(run("--aoi", "aoi.geojson", "--date", "2020-01-01", "-f", "geojson").stdout)
    assert (answer["type"], answer["matched"]) == ("FeatureCollection", 1)
    (feature,) = answer["features"]
    assert feature["id"] == FIRST
    assert feature["geometry"]["type"] == "Polygon"


def test_csv_can_be_an_area_again(run: Run, tmp_path: Path) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01-01", "-f", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert tuple(row) == SCHEMA
    assert row["geometry"].startswith("POLYGON")
    (tmp_path / "found.csv").write_text(done.stdout)
    assert run("--aoi", "found.csv", "--date", "2020-01-01", "-f", "ids").stdout.strip() == FIRST


def test_several_ranges_and_places(run: Run) -> None:
    done = run(
        *("--range", "2020-01-01", "2020-01-01", "--range", "2020-01-03", "2020-01-04"),
        *("--point", 1.05, 43.55, "--aoi", "POLYGON((1 43.5, 1.1 43.5, 1.1 43.6, 1 43.5))"),
        *("-f", "jsonl", "--sort", "datetime"),
    )
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(record["s2kit:aoi"], record["datetime"][8:10]) for record in records] == [
        ("aoi", "01"),
        ("point_1.05_43.55", "01"),
        ("aoi", "03"),
        ("aoi", "04"),
        ("point_1.05_43.55", "03"),
        ("point_1.05_43.55", "04"),
    ]


def test_an_area_from_standard_input(run: Run) -> None:
    assert run("--aoi", "-", "--date", "2020-01-01", "-f", "ids", stdin=json.dumps(BOX)).stdout.strip() == FIRST


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--max-cloud", "0"], 1),
        (["--cloud", "9"], 10),
        (["--level", "l1c"], 0),
        (["--orbit", "51"], 25),
        (["--orbit", "8"], 0),
        (["--baseline", "N0208"], 25),
        (["--baseline", "4.00"], 0),
        (["--platform", "s2a"], 25),
        (["--platform", "s2b"], 0),
        (["--tile", "31TCJ"], 25),
        (["--tile", "31TDJ"], 0),
        (["--product-type", "S2MSI2A"], 25),
        (["--min-overlap", "100"], 25),
        (["--mission", "s1"], 0),
        (["--mission", "s1", "--mode", "IW", "--polarisation", "VV+VH"], 0),
        (["--limit", "0"], 25),
        (["--catalogue", "earth-search"], 25),
    ],
)
def test_filters(run: Run, words: list[str], count: int) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01", "-f", "ids", *words)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == count


def test_a_catalogue_by_its_address(run: Run, server: CatalogueServer) -> None:
    done = run("--catalogue", server.url, "--bbox", 1, 43.5, 1.1, 43.6, "-f", "jsonl", "--limit", 1)
    assert json.loads(done.stdout)["s2kit:catalogue"] == server.url


def _odata_page() -> bytes:
    name = FIRST
    product = {
        "Name": f"{name}.SAFE",
        "ContentDate": {"Start": "2020-01-01T10:00:31.024Z"},
        "GeoFootprint": ITEMS[0]["geometry"],
        "Attributes": [{"Name": "platformShortName", "Value": "SENTINEL-2"}],
        "S3Path": f"/eodata/Sentinel-2/MSI/L2A/2020/01/01/{name}.SAFE",
    }
    return json.dumps({"value": [product], "@odata.count": 1}).encode()


def _dhus_feed() -> bytes:
    entry = {
        "title": FIRST,
        "id": "u",
        "link": [],
        "summary": "",
        "date": [{"name": "beginposition", "content": "2020-01-01T10:00:31.024Z"}],
        "str": [
            {"name": "identifier", "content": FIRST},
            {"name": "platformname", "content": "Sentinel-2"},
            {"name": "footprint", "content": "POLYGON((0 43,2 43,2 45,0 45,0 43))"},
        ],
    }
    return json.dumps({"feed": {"opensearch:totalResults": "1", "entry": [entry]}}).encode()


@pytest.mark.parametrize("catalogue", ["earth-search", "cdse", "cdse-odata", "dhus", "local", "all"])
def test_the_users_line_against_each_catalogue(
    run: Run, server: CatalogueServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: str
) -> None:
    (tmp_path / "data" / f"{FIRST}.SAFE").mkdir(parents=True)
    monkeypatch.setenv("S2KIT_DATASET", str(tmp_path / "data"))
    monkeypatch.setenv("S2KIT_CATALOGUES__CDSE__URL", server.url)
    with recorded_server({"Products": _odata_page(), "dhus/search": _dhus_feed()}) as recorded:
        monkeypatch.setenv("S2KIT_CATALOGUES__CDSE_ODATA__URL", f"{recorded.url}/odata/v1")
        monkeypatch.setenv("DHUS_URL", f"{recorded.url}/dhus")
        words = ("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13", "--catalogue", catalogue)
        done = run(*words, "-f", "jsonl", "--sort", "datetime")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[0])
    assert record["id"] == FIRST
    assert record["s2kit:catalogue"] == ("earth-search" if catalogue == "all" else catalogue)
    if catalogue == "all":
        assert {"aws-l2a", "local"} <= record["s2kit:locations"].keys()


def test_a_local_folder_needs_no_network(run: Run, tmp_path: Path, server: CatalogueServer) -> None:
    write_safe(tmp_path / "data", L2A_NAME)
    assert run("--catalogue", "local", "--dataset", "data", "-f", "ids").stdout.strip() == L2A_NAME
    assert run("--catalogue", "data/", "-f", "ids").exit_code == 0
    assert server.requests == []


def test_only_what_is_new_since_the_last_time(run: Run, server: CatalogueServer) -> None:
    words = ("--aoi", "aoi.geojson", "--date", "2020-01", "--since", "last", "-f", "ids")
    assert len(run(*words).stdout.splitlines()) == 25
    again = run(*words[:-1], "json", "-v")
    assert (json.loads(again.stdout)["items"], json.loads(again.stdout)["returned"]) == ([], 0)
    assert "nothing new" in again.stderr
    ITEMS.append(stac_item(26))
    try:
        assert run(*words).stdout.strip() == FIRST.replace("20200101", "20200127")
    finally:
        ITEMS.pop()
    assert len(run(*words[:-3], "other", "-f", "ids").stdout.splitlines()) == 25


def test_what_a_limit_held_back_comes_next_time(run: Run) -> None:
    words = ("--aoi", "aoi.geojson", "--date", "2020-01", "--since", "last", "-f", "ids", "--sort", "datetime")
    assert len(run(*words, "--limit", 20).stdout.splitlines()) == 20
    assert len(run(*words).stdout.splitlines()) == 5


def test_a_failed_search_does_not_move_the_cursor(run: Run, server: CatalogueServer) -> None:
    words = ("--aoi", "aoi.geojson", "--date", "2020-01", "--since", "last", "-f", "ids")
    server.faults = [Answer(403, b"{}")]
    assert run(*words).exit_code == 77
    assert len(run(*words).stdout.splitlines()) == 25


def test_the_map(run: Run, tmp_path: Path) -> None:
    assert run("--aoi", "aoi.geojson", "--date", "2020-01", "--map", "out.html").exit_code == 0
    page = (tmp_path / "out.html").read_text()
    assert page.count('class="fp"') == 25
    assert FIRST in page
    assert "http" not in page.replace("http-equiv", "")


def test_quicklooks(run: Run, server: CatalogueServer, tmp_path: Path) -> None:
    picture = b"\xff\xd8\xff\xe0" + b"x" * 100
    true_handler = server.handler
    server.handler = lambda asked: Answer(body=picture) if "ql.jpg" in asked.path else true_handler(asked)
    ITEMS[0]["assets"]["thumbnail"] = {"href": f"{server.url}/ql.jpg", "type": "image/jpeg"}
    try:
        done = run("--aoi", "aoi.geojson", "--date", "2020-01-01/2020-01-02", "--quicklooks", "pics", "-v")
    finally:
        del ITEMS[0]["assets"]["thumbnail"]
    assert done.exit_code == 0
    assert (tmp_path / "pics" / f"{FIRST}.jpg").read_bytes() == picture
    assert "1 of 2 products offer no quicklook" in done.stderr


@pytest.mark.parametrize("identity", ["../../x", "/abs/x", "..", "a\\..\\x"])
def test_an_id_is_no_path(run: Run, server: CatalogueServer, tmp_path: Path, identity: str) -> None:
    picture = b"\xff\xd8\xff\xe0" + b"x" * 100
    true_handler = server.handler
    server.handler = lambda asked: Answer(body=picture) if "ql.jpg" in asked.path else true_handler(asked)
    kept = dict(ITEMS[0])
    ITEMS[0]["properties"] = {k: v for k, v in kept["properties"].items() if k != "s2:product_uri"}
    ITEMS[0] |= {"id": identity, "assets": {"thumbnail": {"href": f"{server.url}/ql.jpg", "type": "image/jpeg"}}}
    before = {path for path in tmp_path.parent.rglob("*") if "pics" not in path.parts}
    try:
        done = run("--aoi", "aoi.geojson", "--date", "2020-01-01", "--quicklooks", "deep/er/pics")
    finally:
        ITEMS[0].clear()
        ITEMS[0].update(kept)
    assert done.exit_code == 0, done.stderr
    (made,) = (tmp_path / "deep" / "er" / "pics").iterdir()
    assert made.read_bytes() == picture
    assert {path for path in tmp_path.parent.rglob("*.jpg") if "pics" not in path.parts} <= before


def test_a_quicklook_that_cannot_be_had(run: Run, server: CatalogueServer, tmp_path: Path) -> None:
    true_handler = server.handler
    server.handler = lambda asked: Answer(403, b"") if "ql.jpg" in asked.path else true_handler(asked)
    ITEMS[0]["assets"]["thumbnail"] = {"href": f"{server.url}/ql.jpg", "type": "image/jpeg"}
    try:
        done = run("--aoi", "aoi.geojson", "--date", "2020-01-01", "--quicklooks", "pics", "-f", "ids")
    finally:
        del ITEMS[0]["assets"]["thumbnail"]
    assert (done.exit_code, done.stdout.strip()) == (4, FIRST)
    assert "no quicklook" in done.stderr


def test_nothing_found(run: Run) -> None:
    words = ("--aoi", "aoi.geojson", "--date", "1999")
    done = run(*words, "-v")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no product answers" in done.stderr
    assert run(*words).stderr == "", "cron is not told of an empty search"
    failed = run(*words, "--fail-if-empty")
    assert failed.exit_code == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--aoi", "gone.geojson", "--date", "2020"], 66, "gone.geojson does not exist"),
        (["--aoi", "empty.geojson", "--date", "2020"], 65, "is empty"),
        (["--aoi", "text.geojson", "--date", "2020"], 65, "no GeoJSON, WKT or KML"),
        (["--aoi", "broken.geojson", "--date", "2020"], 65, "not JSON"),
        (["--aoi", "far.geojson", "--date", "2020"], 65, "latitude 500"),
        (["--aoi", "LINESTRING(1 43, 2 44)", "--min-overlap", "5"], 65, "needs an area"),
        (["--bbox", "1", "44", "2", "43"], 65, "not below"),
        (["--bbox", "1", "44", "x", "43"], 2, "not numbers"),
        (["--bbox", "1", "44", "2"], 2, "takes 4 values"),
        (["--tile", "99ZZZ"], 65, "99ZZZ"),
        (["--date", "soon"], 2, "no date"),
        (["--range", "2020-01-13", "2020-01-01"], 2, "after its end"),
        (["--range", "2020-01-01", "--aoi", "aoi.geojson"], 2, "takes 2 values"),
        (["--catalogue", "earth-serch", "--date", "2020"], 2, "earth-serch"),
        (["--catalogue", "http://127.0.0.1:9", "--date", "2020"], 75, "cannot be reached"),
        (["--catalogue", "dhus", "--date", "2020"], 78, "no address"),
        (["--catalogue", "https://scihub.copernicus.eu/dhus", "--date", "2020"], 69, "closed in October 2023"),
        (["--max-cloud", "101", "--date", "2020"], 2, "--max-cloud"),
        (["--mode", "IW", "--date", "2020"], 2, "Sentinel-1"),
        (["--sort", "beauty", "--date", "2020"], 2, "beauty"),
        (["--since", "../../etc", "--date", "2020"], 2, "no name of a cursor"),
        ([], 2, "neither an area nor dates"),
    ],
)
def test_bad_input_is_named(run: Run, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    for name, text in {
        "empty.geojson": "",
        "text.geojson": "hello",
        "broken.geojson": '{"type": "Poly',
        "far.geojson": '{"type":"Point","coordinates":[1, 500]}',
    }.items():
        (tmp_path / name).write_text(text)
    done = run(*words)
    assert done.exit_code == code, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_mended_area_is_noted(run: Run) -> None:
    done = run(
        "--aoi", "POLYGON((1 43.5, 1.2 43.7, 1.2 43.5, 1 43.7, 1 43.5))", "--date", "2020-01-01", "-f", "ids", "-v"
    )
    assert done.exit_code == 0
    assert "mended" in done.stderr


def test_a_hundred_thousand_vertices(run: Run, tmp_path: Path) -> None:
    import math

    ring = [
        [1.1 + 0.1 * math.cos(i / 1e5 * math.tau), 43.6 + 0.1 * math.sin(i / 1e5 * math.tau)] for i in range(100_000)
    ]
    (tmp_path / "big.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))
    done = run("--aoi", "big.geojson", "--date", "2020-01", "-f", "ids")
    assert len(done.stdout.splitlines()) == 25


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Answer(body=b"<html>Maintenance</html>"), 69), (Answer(401, b"{}"), 77), (Answer(404, b"{}"), 66)],
)
def test_a_catalogue_that_fails(run: Run, server: CatalogueServer, fault: Answer, code: int) -> None:
    server.faults = [fault] * 5
    done = run("--aoi", "aoi.geojson", "--date", "2020-01", "-f", "json")
    assert done.exit_code == code
    assert done.stdout == "", "a search that failed says nothing on stdout"


def test_half_an_answer_says_so_and_makes_no_file(run: Run, server: CatalogueServer, tmp_path: Path) -> None:
    words = ("--aoi", "aoi.geojson", "--date", "2020-01", "-f", "json", "--timeout", 5)
    true_handler = server.handler

    def half(asked: object) -> Answer:
        late = "token" in (asked.body or {})
        return Answer(body=b"<html>", status=200) if late else true_handler(asked)

    server.handler = half
    done = run(*words)
    answer = json.loads(done.stdout)
    assert done.exit_code == 69
    assert (answer["complete"], answer["matched"], len(answer["items"])) == (False, None, 10)
    assert answer["errors"][0]["exit_code"] == 69
    assert "10 products were found, others may be missing" in done.stderr
    assert run(*words, "-o", "out.json").exit_code == 69
    assert not (tmp_path / "out.json").exists()


def test_a_file_instead_of_stdout(run: Run, tmp_path: Path) -> None:
    done = run("--aoi", "aoi.geojson", "--date", "2020-01-01", "-f", "ids", "-o", "ids.txt")
    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / "ids.txt").read_text() == f"{FIRST}\n"


def _process(url: str, folder: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "S2KIT_CATALOGUES__EARTH_SEARCH__URL": url}
    command = [sys.executable, "-m", "s2kit", "search", "--bbox", "1", "43.5", "1.1", "43.6", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def held_server(event: threading.Event) -> Iterator[CatalogueServer]:
    """A STAC API of three pages that gives the second one when the event is set."""
    with stac_server(ITEMS, page_size=10) as server:
        true_handler = server.handler

        def patient(asked: object) -> Answer:
            if "token" in (asked.body or {}) and not event.wait(60):
                return Answer(500, b"{}")
            return true_handler(asked)

        server.handler = patient
        yield server


def test_the_first_line_is_out_before_the_second_page_is(tmp_path: Path) -> None:
    first_line = threading.Event()
    with held_server(first_line) as server:
        process = _process(server.url, tmp_path, "--sort", "none", "--dedupe", "none", "-f", "jsonl")
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == FIRST
        assert len(server.searches()) <= 2
        first_line.set()
        process.communicate()
        assert process.returncode == 0
        assert len(server.searches()) == 3


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    closed = threading.Event()
    with held_server(closed) as server:
        process = _process(server.url, tmp_path, "--sort", "none", "--dedupe", "none", "-f", "ids")
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        closed.set()
        assert process.wait(60) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stderr.close()


def test_a_signal_ends_quietly(tmp_path: Path) -> None:
    ended = threading.Event()
    with held_server(ended) as server:
        process = _process(server.url, tmp_path)
        while len(server.searches()) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        ended.set()
        assert process.returncode == 143
        assert "Traceback" not in errors


def test_a_stac_item_collection(run: Run, tmp_path: Path) -> None:
    done = run("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13", "-f", "stac", "-o", "found.json")
    assert (done.exit_code, done.stdout) == (0, "")
    document = json.loads((tmp_path / "found.json").read_text())
    for item in document["features"]:
        check_document(item)
    found = pystac.ItemCollection.from_file(str(tmp_path / "found.json"))
    ids = run("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13", "-f", "ids").stdout.split()
    assert [item.id for item in found] == ids
    first = found.items[0]
    assert first.datetime is not None
    assert first.bbox is not None
    assert first.assets


def test_items_as_stac_geoparquet(run: Run, tmp_path: Path) -> None:
    words = ("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13")
    done = run(*words, "-f", "stac", "-o", "found.parquet")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aoi.geojson", "found.parquet"]
    read = rustac.read_sync(str(tmp_path / "found.parquet"))["features"]
    asked = json.loads(run(*words, "-f", "stac").stdout)["features"]
    assert [item["id"] for item in read] == [item["id"] for item in asked]
    assert read[0]["properties"]["eo:cloud_cover"] == asked[0]["properties"]["eo:cloud_cover"]
    assert read[0]["assets"] == asked[0]["assets"]
    nothing = run(*words, "--max-cloud", "0", "--tile", "60KXF", "-f", "stac", "-o", "none.parquet")
    assert nothing.exit_code == 73
    assert not (tmp_path / "none.parquet").exists()


def test_only_search_prints_items(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["parcels", "-f", "stac"])
    assert done.exit_code == 2
    done = CliRunner().invoke(app, ["config", "-f", "stac"])
    assert done.exit_code == 2


def test_a_folder_in_place_of_a_catalogue_is_told_how_to_write_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    refused = CliRunner().invoke(app, ["search", "--catalogue", "pictures"])
    assert (refused.exit_code, "for the folder write ./pictures" in refused.stderr) == (2, True)
