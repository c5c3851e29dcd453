"""The six formats of every verb that lists."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from s2kit.cli.options import Format
from s2kit.cli.output import emit, table_lines, to_json

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
    assert (envelope["schema"], envelope["command"], envelope["matched"]) == (1, "search", 2)
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
