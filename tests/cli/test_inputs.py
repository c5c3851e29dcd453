"""What a verb may be given: words, names on stdin, records of a search."""

import json
import subprocess
import sys

import pytest

from s2kit.cli.inputs import parse_refs, product_refs
from s2kit.errors import InputError

NAMES = ["S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454", "some/folder.SAFE"]
RECORDS = [{"id": name, "s2kit:aoi": "field"} for name in NAMES]
FEATURES = {"type": "FeatureCollection", "features": [{"type": "Feature", "id": NAMES[0], "properties": {}}]}


def test_words_come_in_order_and_once() -> None:
    assert [ref.text for ref in product_refs(["b", "a", "b"])] == ["b", "a"]
    assert product_refs(None) == []


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


def test_a_dash_reads_stdin() -> None:
    code = "from s2kit.cli.inputs import product_refs; print([ref.text for ref in product_refs(['x', '-'])])"
    result = subprocess.run([sys.executable, "-c", code], input="a\nb\n", capture_output=True, text=True, check=True)
    assert result.stdout == "['x', 'a', 'b']\n"
