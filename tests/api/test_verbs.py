"""`import s2kit`: light, lazy, and its functions give what the command line prints."""

import inspect
import json
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import s2kit
from s2kit.cli.app import app
from s2kit.errors import InputError, UsageError
from s2kit.run.events import Note

VERBS = ("search", "download", "render", "chips", "stats", "pixels")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def printed(*words: object) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, [*map(str, words), "-f", "jsonl"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_import_loads_nothing_of_ours_and_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import s2kit; "
        "print(*sorted(m for m in set(sys.modules) - before if m.partition('.')[0] not in sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "s2kit s2kit.version\n"


@pytest.mark.parametrize(
    "first", ["import s2kit.search.run", "import s2kit.cli.app", "from s2kit.search import Search"]
)
def test_verbs_stay_functions_whatever_was_imported(first: str) -> None:
    code = (
        f"{first}\nimport s2kit\nfrom s2kit import search, chips\n"
        "assert callable(search) and callable(s2kit.search) and callable(chips)\n"
        "from s2kit.search.request import SearchRequest\n"
        "assert s2kit.search.SearchRequest is SearchRequest"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


def test_all_that_is_public_is_there() -> None:
    assert dir(s2kit) == sorted(s2kit.__all__)
    for name in s2kit.__all__:
        assert getattr(s2kit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        s2kit.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("search", ["aoi", "max_cloud", "limit"]),
        ("download", ["out", "archive", "max_bytes"]),
        ("render", ["bands", "stretch", "out"]),
        ("chips", ["lon", "start", "bands", "chipsize", "catalogue"]),
        ("stats", ["parcels", "range", "layer"]),
        ("pixels", ["band", "window"]),
    ],
)
def test_signatures_name_the_options(verb: str, options: list[str]) -> None:
    parameters = inspect.signature(getattr(s2kit, verb)).parameters
    assert set(options) <= set(parameters)
    described = pydoc.render_doc(getattr(s2kit, verb))
    assert all(option in described for option in options)
    assert "Options:" in described
    with pytest.raises(TypeError):
        getattr(s2kit, verb)(1, 2, 3)


def test_search_is_that_of_the_command_line(scene: Any) -> None:
    found = [record.to_stac_properties() for record in s2kit.search(catalogue=scene.folder, level="l1c")]
    assert json.loads(json.dumps(found)) == printed("search", "--catalogue", scene.folder, "--level", "l1c")


def test_stats_are_those_of_the_command_line(scene: Any) -> None:
    numbers = s2kit.stats(scene.folder, parcels=scene.parcels, pid=["1", "2"], index="ndvi", level="l2a", jobs=1)
    rows = printed(
        "stats", scene.folder, "--parcels", scene.parcels, "--pid", 1, "--pid", 2, "--index", "ndvi", "--level", "l2a"
    )
    assert json.loads(json.dumps(numbers.records())) == rows
    assert [row.pid for row in numbers] == [row["pid"] for row in rows]
    assert not numbers.failures


def test_chips_are_those_of_the_command_line(scene: Any) -> None:
    made = s2kit.chips(scene.folder, lon=0.52, lat=44.21, bands=["B04"], chipsize=320, level="l2a", jobs=1)
    rows = printed(
        *("chips", scene.folder, "--lon", 0.52, "--lat", 44.21, "--bands", "B04", "--chipsize", 320),
        *("--level", "l2a", "--jobs", 1),
    )
    assert json.loads(json.dumps(list(made.rows()))) == rows
    assert made.count == len(rows) > 0


def test_results_of_different_verbs_join(scene: Any) -> None:
    keys = ("id", "datetime", "tile", "level")

    def joined(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        return {tuple(row[key] for key in keys) for row in rows}

    found = joined(printed("search", "--catalogue", scene.folder, "--level", "l2a"))
    assert len(found) == 2
    assert joined(printed("info", *scene.l2a)) == found
    assert joined(printed("stats", scene.folder, "--parcels", scene.parcels, "--pid", 2, "--level", "l2a")) == found
    place = ("--lon", 0.52, "--lat", 44.21, "--level", "l2a", "--chipsize", 320, "--bands", "B04")
    assert joined(printed("chips", scene.folder, *place, "--list")) == found
    assert joined(printed("chips", scene.folder, *place)) == found


def test_pictures_and_files(scene: Any) -> None:
    notes: list[object] = []
    (picture,) = s2kit.render(scene.l2a[0], bands=["B04"], res=60, out="out", jobs=1, report=notes.append)
    assert picture.path is not None
    assert picture.path.is_file()
    assert notes
    files = s2kit.pixels(scene.l2a[0], band="B04,B08", rlevel=4, out="out", format="npy", jobs=1)
    assert [outcome.answer.path.is_file() for outcome in files if outcome.answer] == [True, True]
    (failed,) = s2kit.pixels("none.jp2", out="out", jobs=1)
    assert failed.error is not None


def test_an_empty_list_is_nothing_to_do(scene: Any) -> None:
    mine = s2kit.load_settings({"dataset": scene.folder})
    assert s2kit.render([], settings=mine, out="out") == ()
    assert s2kit.download([], settings=mine, out="out") == ()
    assert s2kit.chips([], settings=mine, lon=0.52, lat=44.21, out="out").count == 0
    assert s2kit.stats([], settings=mine, parcels=scene.parcels, pid="1").rows == ()
    with pytest.raises(UsageError):
        s2kit.pixels([], settings=mine, out="out")


def test_download_of_records(scene: Any, tmp_path: Path) -> None:
    mine = s2kit.load_settings({"dataset": scene.folder})
    records = list(s2kit.search(catalogue="local", settings=mine, level="l1c", limit=1))
    (result,) = s2kit.download(records, settings=mine, out=tmp_path / "copies")
    assert result.error is None, result.error
    assert Path(result.path).parent == tmp_path / "copies"


def test_notes_and_errors_of_options(scene: Any) -> None:
    notes: list[Any] = []
    s2kit.search(catalogue=scene.folder, aoi="POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))", report=notes.append)
    assert any(isinstance(note, Note) and "mended" in note.message for note in notes)
    with pytest.raises(InputError, match="B77"):
        s2kit.chips(scene.folder, lon=0.52, lat=44.21, bands="B77")


@pytest.mark.parametrize(
    ("verb", "option", "meant"),
    [("search", "catalog", "catalogue"), ("render", "band", "bands"), ("chips", "band", "bands"),
     ("stats", "indx", "index"), ("cube", "band", "bands"), ("download", "ot", "out"), ("pixels", "bnd", "band")],
)  # fmt: skip
def test_a_keyword_that_does_not_exist_is_refused(verb: str, option: str, meant: str, tmp_path: Path) -> None:
    """Ignored, it would be another picture than the one that was asked for, or a search of the network."""
    more = {"out": tmp_path} if verb == "pixels" else {}
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{option}'. Did you mean '{meant}'"):
        getattr(s2kit, verb)(**{option: "x"}, **more)
