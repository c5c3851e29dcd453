"""The six formats of every verb that lists."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas
import pyogrio
import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.cli.options import Format, chosen_format
from s2kit.cli.output import emit, table_lines, to_json
from s2kit.cli.schemas.versions import VERSIONS
from s2kit.errors import UsageError
from support.screens import on_terminal

RECORDS = [
    {
        "id": "A_long_identifier_that_must_never_be_cut_however_narrow_the_terminal_may_be_today_or_tomorrow",
        "datetime": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        "eo:cloud_cover": 0.0,
        "geometry": {"type": "Point", "coordinates": [1.123456789, 43.5]},
        "note": 'a, "b"',
    },
    {"id": "B", "datetime": None, "eo:cloud_cover": float("nan"), "geometry": None, "note": "ü"},
]
COLUMNS = ("id", "eo:cloud_cover", "note")


def printed(form: Format, capsys: pytest.CaptureFixture[str]) -> str:
    assert emit(iter(RECORDS), form, COLUMNS, command="search", extra={"matched": 2}) == 2
    return capsys.readouterr().out


def test_ids_are_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(Format.IDS, capsys).splitlines() == [record["id"] for record in RECORDS]


def test_json_lines_are_valid_json_with_null_for_nan(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line, parse_constant=pytest.fail) for line in printed(Format.JSONL, capsys).splitlines()]
    assert lines[0]["eo:cloud_cover"] == 0.0
    assert lines[1]["eo:cloud_cover"] is None


@pytest.mark.parametrize(
    "odd", [1.5, datetime(2020, 1, 2, tzinfo=UTC), Path("a/b"), MappingProxyType({"x": 1}), "\ud800"]
)
def test_json_is_written_alike_whatever_is_in_it(odd: object) -> None:
    plain = {"a": ["ü", 0.1, None, float("nan")], "b": True}
    known = json.loads(json.dumps(odd, default=lambda value: dict(value) if isinstance(value, Mapping) else str(value)))
    text = to_json({**plain, "odd": odd})
    assert text.startswith(to_json(plain)[:-1])
    assert json.loads(text, parse_constant=pytest.fail) == {"a": ["ü", 0.1, None, None], "b": True, "odd": known}


def test_json_has_an_envelope_with_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    envelope = json.loads(printed(Format.JSON, capsys))
    assert (envelope["schema"], envelope["command"], envelope["matched"]) == (VERSIONS["search"], "search", 2)
    assert len(envelope["items"]) == 2


def test_geojson_keeps_every_decimal(capsys: pytest.CaptureFixture[str]) -> None:
    collection = json.loads(printed(Format.GEOJSON, capsys))
    assert collection["type"] == "FeatureCollection"
    assert collection["features"][0]["geometry"]["coordinates"] == [1.123456789, 43.5]
    assert "geometry" not in collection["features"][0]["properties"]


def test_csv_quotes_what_must_be_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(printed(Format.CSV, capsys))))
    assert rows[0] == list(COLUMNS)
    assert rows[1][2] == 'a, "b"'


def test_a_table_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Format.TABLE, capsys).splitlines()
    assert len(lines) == 3
    assert RECORDS[0]["id"] in lines[1]
    assert lines[0].index("note") == lines[1].index('a, "b"')
    assert "\x1b" not in "".join(lines)


def test_an_empty_table_says_nothing() -> None:
    assert list(table_lines([], COLUMNS)) == []


def test_an_output_file_gets_the_same_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit(RECORDS, Format.IDS, COLUMNS, command="search", output=tmp_path / "ids.txt")
    assert (tmp_path / "ids.txt").read_text().splitlines() == [record["id"] for record in RECORDS]
    assert capsys.readouterr().out == ""


NASTY = [
    {"id": "a", "name": "two\nlines", "value": -1.5, "text": "=1+1"},
    {"id": "b", "name": 'quote " comma , cr \r end', "value": 3, "text": "-12.5"},
    {"id": "c", "name": "esc \x1b[31m tab\tü", "value": None, "text": "@SUM(A1)"},
]
NASTY_COLUMNS = ("id", "name", "value", "text")


def test_csv_is_read_back_by_others(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    emit(NASTY, Format.CSV, NASTY_COLUMNS, command="search", output=path)
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert list(frame["name"]) == ["two\nlines", 'quote " comma , cr \r end', "esc \\e[31m tab\tü"]
    assert list(frame["value"]) == ["-1.5", "3", ""]
    assert list(frame["text"]) == ["'=1+1", "-12.5", "'@SUM(A1)"]
    _, _, _, fields = pyogrio.raw.read(path)
    assert list(fields[1]) == [name.replace("\r", "\n") for name in frame["name"]]  # as GDAL reads any line break


def test_one_id_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"id": "a\nb\x1b"}], Format.IDS, (), command="search")
    assert capsys.readouterr().out == "a\\nb\\e\n"


@pytest.mark.parametrize("form", [Format.TABLE, Format.IDS, Format.JSON, Format.JSONL, Format.GEOJSON, Format.CSV])
def test_no_format_commands_a_terminal(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"id": "\x1b\x9b\x7f\x07", "geometry": None}], form, ("id",), command="search")
    assert not set("\x1b\x9b\x7f\x07") & set(capsys.readouterr().out)


def test_json_keeps_what_it_escapes() -> None:
    assert json.loads(to_json({"ü\x9b": "\x1b\x7f\x80"})) == {"ü\x9b": "\x1b\x7f\x80"}


PRODUCT = "S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454"
SHOW = f"""
from s2kit.cli.options import Format
from s2kit.cli.output import emit
rows = [dict(state="made", product={PRODUCT!r}, cloud=3.25, note="Kürbis 南瓜", path="out/" + {PRODUCT!r} + "_true.jpg")] * 2
emit(rows, Format.TABLE, ("state", "product", "cloud", "note", "path"), command="x")
emit(rows, Format.TABLE, ("product", "cloud", "note", "state"), command="x")
"""


@pytest.mark.parametrize("columns", [60, 72, 80, 100, 250])
def test_a_narrow_terminal_breaks_no_id(columns: int) -> None:
    seen = on_terminal([sys.executable, "-c", SHOW], columns=columns)
    text = "\n".join(seen.lines)
    assert text.count(f"{PRODUCT}_true.jpg") == (2 if columns >= 76 else 0)
    assert sum(PRODUCT in line for line in seen.lines) >= 4
    assert text.count("3.25") == text.count("Kürbis") == text.count("made") == 4
    if columns == 250:
        assert len(seen.lines) == 6


def test_a_pipe_gets_the_wide_table() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, env={**os.environ, "COLUMNS": "60"}
    )
    assert len(shown.stdout.splitlines()) == 6


SUFFIXED = [("a.csv", Format.CSV), ("a.json", Format.JSON), ("a.jsonl", Format.JSONL), ("a.geojson", Format.GEOJSON)]


@pytest.mark.parametrize(("name", "form"), [*SUFFIXED, ("A.PARQUET", Format.PARQUET), ("a.txt", Format.TABLE)])
def test_the_suffix_of_an_output_file_chooses_the_format(name: str, form: Format) -> None:
    assert chosen_format(None, Path(name)) is form
    assert chosen_format(form, Path(name)) is form
    assert chosen_format(None, Path("dir.csv/a.txt"), Format.IDS) is Format.IDS


def test_a_format_that_contradicts_the_suffix_is_refused() -> None:
    with pytest.raises(UsageError, match=r"-f csv and -o a\.json contradict"):
        chosen_format(Format.CSV, Path("a.json"))


def test_parquet_has_geometries_and_needs_a_file(tmp_path: Path) -> None:
    from pyarrow import parquet
    from shapely import from_wkb

    path = tmp_path / "a.parquet"
    assert emit(iter(RECORDS), Format.PARQUET, COLUMNS, command="search", output=path) == 2
    table = parquet.read_table(path)
    assert table.column("id").to_pylist() == [record["id"] for record in RECORDS]
    assert table.column("datetime").to_pylist() == [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), None]
    assert from_wkb(table.column("geometry")[0].as_py()).x == 1.123456789
    about = json.loads(table.schema.metadata[b"geo"])
    assert (about["version"], about["primary_column"]) == ("1.1.0", "geometry")
    assert about["columns"]["geometry"] == {"encoding": "WKB", "geometry_types": ["Point"]}
    with pytest.raises(UsageError, match="stdout"):
        emit(iter(RECORDS), Format.PARQUET, COLUMNS, command="search")


def test_an_output_file_is_replaced_in_every_verb(tmp_path: Path, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verbs = {
        "search": ["--catalogue", str(scene.folder)],
        "info": [str(scene.l2a[0])],
        "verify": [str(scene.l2a[0])],
        "bands": [],
        "parcels": ["--parcels", str(scene.parcels)],
        "stats": [str(scene.l2a[0]), "--parcels", str(scene.parcels), "--pid", "1"],
    }
    for verb, words in verbs.items():
        Path("out.csv").write_text("old")
        done = CliRunner().invoke(app, [verb, *words, "-o", "out.csv"])
        assert (done.exit_code, done.stdout) == (0, ""), verb
        assert len(next(csv.reader(Path("out.csv").read_text().splitlines()))) > 3, verb


def test_features_are_named_by_what_the_verb_calls_its_items(tmp_path: Path, scene: Any) -> None:
    words = ["parcels", "--parcels", str(scene.parcels), "--pid", "1", "-f", "geojson"]
    found = json.loads(CliRunner().invoke(app, words).stdout)["features"]
    assert [feature["id"] for feature in found] == ["1"]
    lines = "".join(f"{line}\n" for line in _lines([{"geometry": None}], Format.GEOJSON))
    assert "id" not in json.loads(lines)["features"][0]  # RFC 7946 section 3.2: no null


def _lines(records: Any, form: Format) -> list[str]:
    from s2kit.cli.output import _lines as lines

    return list(lines(records, form, (), "x", "id", {}))


def test_the_suffix_of_ids(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["bands", "-o", str(tmp_path / "bands.ids")]).exit_code == 0
    assert (tmp_path / "bands.ids").read_text().splitlines()[:2] == ["B01", "B02"]
