import csv
import io
import json

import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.product.bands import BANDS, LAYERS, SOURCE

runner = CliRunner()


def test_the_table_says_what_each_band_is_for() -> None:
    result = runner.invoke(app, ["bands"])
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split() == [
        "band",
        "name",
        "centre_nm_s2a",
        "centre_nm_s2b",
        "centre_nm_s2c",
        "resolution_m",
        "levels",
        "use",
        "source",
    ]
    assert [row.split()[0] for row in rows] == [*BANDS, *LAYERS]
    assert rows[3].split()[:5] == ["B04", "red", "664.6", "665", "666.5"]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "ids", "geojson"])
def test_every_format_lists_all(form: str) -> None:
    text = runner.invoke(app, ["bands", "-f", form]).stdout
    match form:
        case "json":
            whole = json.loads(text)
            names = [item["band"] for item in whole["items"]]
            assert whole["source"] == SOURCE
            assert whole["items"][0]["centre_nm_s2d"] is None
            assert whole["items"][10]["levels"] == ["L1C"]
        case "jsonl":
            names = [json.loads(line)["band"] for line in text.splitlines()]
        case "csv":
            names = [row["band"] for row in csv.DictReader(io.StringIO(text))]
        case "ids":
            names = text.splitlines()
        case _:
            names = [feature["properties"]["band"] for feature in json.loads(text)["features"]]
    assert names == [*BANDS, *LAYERS]


def test_records_have_the_names_that_other_missions_share() -> None:
    items = json.loads(runner.invoke(app, ["bands", "-f", "json"]).stdout)["items"]
    names = {item["band"]: item["common_name"] for item in items}
    assert (names["B04"], names["B08"], names["B8A"], names["B11"]) == ("red", "nir", "nir08", "swir16")
    assert (names["B05"], names["TCI"], names["SCL"]) == ("rededge1", "visual", None)
