"""What a verb may be given: words, names on stdin, records of a search."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.cli.inputs import named_products, parse_refs
from s2kit.errors import InputError

NAMES = ["S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454", "some/folder.SAFE"]
RECORDS = [{"id": name, "s2kit:aoi": "field"} for name in NAMES]
FEATURES = {"type": "FeatureCollection", "features": [{"type": "Feature", "id": NAMES[0], "properties": {}}]}


def test_words_come_in_order_and_once() -> None:
    assert [ref.text for ref in named_products(["b", "a", "b"]) or ()] == ["b", "a"]
    assert named_products(None) is None


def test_names_with_blank_lines_and_comments() -> None:
    text = f"# found today\n\n{NAMES[0]}\n  {NAMES[1]}  \n"
    assert [ref.text for ref in parse_refs(text)] == NAMES


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(record) for record in RECORDS),
        json.dumps(RECORDS),
        json.dumps({"schema": 1, "items": RECORDS}),
    ],
)
def test_records_keep_what_the_search_said(text: str) -> None:
    refs = list(parse_refs(text))
    assert [ref.text for ref in refs] == NAMES
    assert refs[0].record["s2kit:aoi"] == "field"


def test_a_feature_collection() -> None:
    assert [ref.text for ref in parse_refs(json.dumps(FEATURES, indent=2))] == NAMES[:1]


def test_one_record_alone() -> None:
    assert [ref.text for ref in parse_refs(json.dumps(RECORDS[0]))] == NAMES[:1]


@pytest.mark.parametrize(
    ("text", "message"), [('{"id": "a"}\n{"id":', "line 2"), ('{"name": "a"}', "without an id"), ("[1, 2]", "neither")]
)
def test_what_is_no_list_of_products_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(parse_refs(text))


TABLE = """\
id                    datetime              grid:code
S2A_MSIL2A_A          2022-10-05T11:54:11Z  MGRS-29UNU
S2A_MSIL2A_B_longer   2022-10-08T11:54:11Z
"""


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        "datetime,id\n2022-10-05,S2A_MSIL2A_A\n2022-10-08,S2A_MSIL2A_B_longer\n",
        "status        path\ndone          S2A_MSIL2A_A\nalready-there S2A_MSIL2A_B_longer\n",
    ],
)
def test_a_table_names_what_stands_in_its_id_column(text: str) -> None:
    assert [ref.text for ref in parse_refs(text)] == ["S2A_MSIL2A_A", "S2A_MSIL2A_B_longer"]


@pytest.mark.parametrize(
    "text", ["", "\n# nothing today\n", "[]", '{"type": "FeatureCollection", "features": []}', "id,tile"]
)
def test_nothing_is_named(text: str) -> None:
    assert list(parse_refs(text)) == []


VERBS = {
    "render": ["--out", "out"],
    "download": ["--out", "out"],
    "chips": ["--lon", "1.5", "--lat", "43.6"],
    "stats": ["--lon", "1.5", "--lat", "43.6", "--parcels", "p.geojson"],
    "pixels": ["--band", "B04"],
    "verify": [],
    "info": [],
}


@pytest.mark.parametrize("stdin", ["", "# none\n", '{"items": []}'])
@pytest.mark.parametrize("verb", VERBS)
def test_stdin_that_names_nothing_is_not_the_same_as_no_argument(
    verb: str, stdin: str, scene: Any, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    words = ["--dataset", str(scene.folder), verb, "-", *(out if word == "out" else word for word in VERBS[verb])]
    quiet = CliRunner().invoke(app, words, input=stdin)
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert not (tmp_path / "out").exists()
    assert "nothing to do" in CliRunner().invoke(app, [*words, "-v"], input=stdin).stderr
    assert CliRunner().invoke(app, [*words, "--fail-if-empty"], input=stdin).exit_code == 3


def test_a_dash_reads_stdin() -> None:
    code = "from s2kit.cli.inputs import named_products; print([ref.text for ref in named_products(['x', '-'])])"
    result = subprocess.run([sys.executable, "-c", code], input="a\nb\n", capture_output=True, text=True, check=True)
    assert result.stdout == "['x', 'a', 'b']\n"


@pytest.mark.parametrize("form", ["table", "csv", "ids", "jsonl", "json", "geojson"])
def test_every_listing_of_search_can_be_piped_on(form: str, scene: Any) -> None:
    found = CliRunner().invoke(app, ["search", "--catalogue", str(scene.folder), "--level", "l2a", "-f", form])
    assert found.exit_code == 0
    shown = CliRunner().invoke(app, ["--dataset", str(scene.folder), "info", "-", "-f", "ids"], input=found.stdout)
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 2), shown.stderr


def test_a_list_may_have_a_mark_returns_and_bytes_of_any_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\xef\xbb\xbfA.SAFE\r\n/daten/M\xe9/x.SAFE\nB.SAFE\r\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False, buffer=BytesIO(data)))
    names = [ref.text for ref in named_products(["-"]) or []]
    assert names[::2] == ["A.SAFE", "B.SAFE"]
    assert os.fsencode(names[1]) == b"/daten/M\xe9/x.SAFE"


def test_bytes_that_are_no_text_are_shown_as_escapes(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"/daten/\xe9t\xe9/x.SAFE\ngone.SAFE\n")
    for verb in ("info", "render", "verify", "download"):
        words = [sys.executable, "-m", "s2kit", verb, "-", *(["--dry-run"] if verb in {"render", "download"} else [])]
        with listed.open("rb") as stdin:
            done = subprocess.run(words, stdin=stdin, capture_output=True, cwd=tmp_path)
        assert done.returncode == 4, done.stderr
        assert b"s2kit: failed: /daten/\\xe9t\\xe9/x.SAFE" in done.stderr, verb
        assert b"udc" not in done.stderr, verb
