"""Options of several words: `--range A B`, `--bbox W S E N`, `--point LON LAT`."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from s2kit.cli.app import app as program
from s2kit.cli.multiword import Verb
from s2kit.cli.options import Aoi, Bbox, Point, Range

app = typer.Typer()


@app.command(cls=Verb)
def search(
    aoi: Aoi = None, range_: Range = None, bbox: Bbox = None, point: Point = None, rest: list[str] | None = None
) -> None:
    typer.echo(repr({"aoi": aoi, "range": range_, "bbox": bbox, "point": point, "rest": rest}))


def parsed(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return eval(result.stdout)


def test_the_users_line() -> None:
    values = parsed("--aoi", "aoi.geojson", "--range", "2020-01-01", "2020-01-13")
    assert values["aoi"] == ["aoi.geojson"]
    assert values["range"] == [("2020-01-01", "2020-01-13")]


def test_ranges_repeat() -> None:
    values = parsed("--range", "2020-01-01", "2020-01-13", "--range", "2020-02-01", "2020-02-13")
    assert values["range"] == [("2020-01-01", "2020-01-13"), ("2020-02-01", "2020-02-13")]


@pytest.mark.parametrize(
    "words",
    [
        ("--bbox", "-1.5", "43", "1.6", "43.8"),
        ("--bbox=-1.5,43,1.6,43.8",),
        ("--bbox", "-1.5,43,1.6,43.8"),
    ],
)
def test_a_box_has_four_numbers_however_it_is_written(words: tuple[str, ...]) -> None:
    assert parsed(*words)["bbox"] == [(-1.5, 43.0, 1.6, 43.8)]


def test_points_may_be_west_and_south() -> None:
    assert parsed("--point", "-5.5", "-33", "--point=1,2")["point"] == [(-5.5, -33.0), (1.0, 2.0)]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--range", "2020-01-01", "--aoi", "y"), "2 values, not 1"),
        (("--range",), "2 values, not 0"),
        (("--bbox", "1", "2", "3"), "4 values, not 3"),
        (("--bbox=1,2,3,4,5",), "4 values, not 5"),
    ],
)
def test_a_missing_or_spare_word_is_a_usage_error(words: tuple[str, ...], count: str) -> None:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 2
    assert count in result.stderr


def test_words_that_are_no_numbers_are_named() -> None:
    result = CliRunner().invoke(app, ["--bbox", "1", "2", "3", "north"])
    assert result.exit_code == 2
    assert "north" in result.stderr


def test_nothing_is_folded_behind_two_dashes() -> None:
    other = typer.Typer()

    @other.command(cls=Verb)
    def take(words: list[str]) -> None:
        typer.echo(" ".join(words))

    assert CliRunner().invoke(other, ["--", "--range", "a"]).stdout == "--range a\n"


def test_one_value_is_not_lost_to_another() -> None:
    other = typer.Typer()

    @other.command(cls=Verb)
    def verb(res: int = 10, flag: bool = False, band: list[str] | None = None) -> None:
        typer.echo(f"{res} {flag} {band}")

    assert CliRunner().invoke(other, ["--res", "20", "--res", "20", "--flag", "--flag"]).stdout == "20 True None\n"
    assert CliRunner().invoke(other, ["--band", "a", "--band", "b"]).stdout == "10 False ['a', 'b']\n"
    refused = CliRunner().invoke(other, ["--res", "20", "--res", "60"])
    assert refused.exit_code == 2
    assert "'--res' is given twice: 20 and 60" in refused.stderr


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["render", ""], "An argument is empty"),
        (["info", "a", ""], "An argument is empty"),
        (["validate", ""], "An argument is empty"),
        (["search", "--aoi", ""], "'--aoi' is empty"),
        (["search", "--aoi="], "'--aoi' is empty"),
        (["search", "--range", "", "2020-01-02"], "'--range' is empty"),
        (["search", "--level", ""], "'--level' is empty"),
        (["stats", "--parcels", ""], "'--parcels' is empty"),
        (["pixels", "a", "-o", ""], "'--output' is empty"),
    ],
)
def test_an_unset_variable_of_the_shell_is_not_the_current_folder(words, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(program, words)
    assert refused.exit_code == 2
    assert name in refused.stderr
    assert "is a variable of the shell not set?" in refused.stderr


def test_an_empty_value_that_switches_something_off(monkeypatch):
    monkeypatch.setenv("S2KIT_CLUSTER", "tcp://127.0.0.1:9")
    assert CliRunner().invoke(program, ["bands", "--cluster", ""]).exit_code == 0
