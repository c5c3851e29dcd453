"""One question to several catalogues: who has which scene, at which baseline, who lacks it."""

import json

import pytest
from shapely.geometry import box, mapping
from typer.testing import CliRunner

from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.record_sources import from_stac
from s2kit.cli.app import app
from s2kit.errors import UsageError
from s2kit.search.audit import audit, compare
from s2kit.search.request import SearchRequest
from support.catalogue_server import Answer, CatalogueServer, stac_item, stac_server

DAYS = ("--range", "2020-01-01", "2020-02-01", "--bbox", 1, 43.5, 1.1, 43.6)


def record(catalogue, number=0, **changes):
    return from_stac(stac_item(number, **changes), catalogue)


def strip(start):
    return f"S2A_OPER_MSI_L2A_DS_VGS2_20220401T120000_S{start}_N04.00"


def test_a_row_says_who_has_a_scene_and_who_is_behind():
    records = [
        record("a", 0, baseline="0208"),
        record("a", 0, baseline="0500", made="20230101T000000"),
        record("b", 0, baseline="0208"),
        record("a", 1),
    ]
    first, second = compare(records, ["a", "b"])
    assert first.baselines == {"a": ("02.08", "05.00"), "b": ("02.08",)}
    assert (first.best.baseline, first.has, first.lacks, first.behind) == ("05.00", ("a", "b"), (), ("b",))
    assert (second.has, second.lacks, second.behind) == (("a",), ("b",), ())
    assert first.pieces == second.pieces == 1


def test_pieces_of_a_split_datatake_are_one_scene_and_a_missing_piece_is_a_gap():
    one = {"s2:datastrip_id": strip("20200101T105000"), "made": "20200101T200000"}
    two = {"s2:datastrip_id": strip("20200101T105300"), "made": "20200101T210000"}
    (scene,) = compare([record("a", **one), record("a", **two), record("b", **one)], ["a", "b"])
    assert (scene.pieces, scene.has, scene.lacks) == (2, ("a", "b"), ("b",))
    (scene,) = compare([record("a", **one), record("a", **two), record("b")], ["a", "b"])
    assert scene.lacks == (), "b does not give datastrips: nothing is known of its pieces"


def test_footprints_that_disagree_are_said():
    whole, half = mapping(box(0.5, 43.2, 1.9, 44.2)), mapping(box(0.5, 43.2, 1.2, 44.2))
    (scene,) = compare([record("a", geometry=whole), record("b", geometry=half)], ["a", "b"])
    assert scene.footprints_differ
    (scene,) = compare([record("a", geometry=whole), record("b", geometry=whole)], ["a", "b"])
    assert not scene.footprints_differ


def test_a_catalogue_that_failed_lacks_nothing_for_sure():
    (scene,) = compare([record("a")], ["a", "b", "c"], ["b"])
    assert (scene.lacks, scene.failed) == (("c",), ("b",))


def run(*words, code=0):
    result = CliRunner().invoke(app, ["search", "--audit", *map(str, words)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_the_verb_compares_servers_and_draws_the_gaps(tmp_path):
    page = tmp_path / "m.html"
    with stac_server([stac_item(n) for n in range(4)], page_size=3) as one, stac_server([stac_item(1)]) as other:
        words = ("--catalogue", one.url, "--catalogue", other.url, *DAYS)
        rows = [json.loads(line) for line in run(*words, "-f", "jsonl", "--map", page).stdout.splitlines()]
        assert [row["lacks"] for row in rows] == [[other.url], [], [other.url], [other.url]]
        assert [len(row["has"]) for row in rows] == [1, 2, 1, 1]
        assert "a catalogue lacks 3 of 4 scenes" in run(*words, "-f", "ids", "--fail-if-gaps", code=3).stderr
        assert "lacks" in run(*words, "-f", "table").stdout
    html = page.read_text()
    assert html.count('fill="#c4562f"') == 3
    assert html.count('fill="#1a7f4b"') == 1
    assert "some catalogue lacks it" in html


def test_a_catalogue_that_fails_is_a_column_and_not_the_end():
    broken = CatalogueServer(lambda _: Answer(400, b'{"description": "no"}'))
    with stac_server([stac_item(0)]) as one, stac_server([stac_item(0)]) as two, broken as bad:
        words = [word for server in (one, two, bad) for word in ("--catalogue", server.url)]
        result = run(*words, *DAYS, "-f", "jsonl", "--fail-if-gaps")
        (row,) = map(json.loads, result.stdout.splitlines())
        assert (row["failed"], row["lacks"], len(row["has"])) == ([bad.url], [], 2)
        assert "did not answer in full" in result.stderr


def test_one_catalogue_cannot_be_compared():
    request = SearchRequest(sources=(CatalogueSource(name="a", kind="stac", url="http://127.0.0.1:9"),))
    with pytest.raises(UsageError, match="only a is named"):
        audit(request)
