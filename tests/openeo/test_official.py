"""Every official process test, a case a test; those that are wrong themselves are listed, each with the reason."""

import copy
import json
import warnings

import pytest

from conftest import SHARED_DATA, SKIP_PREFIX

FOLDER = SHARED_DATA / "openeo" / "processes" / "tests"

_JANUARY = "the intervals are in January, all data is in June"
_ARGUMENT = "says from_argument, which no specification knows, for from_parameter"
_PROCESS = "calls the parameter `condition` `process`"
_CONDITION = "the condition is no process graph, and its parameter is `x`, not `element`"
_RENAMED = "renames one dimension and expects another to be renamed"
_T2 = "the dimension is t2, the result is expected to have t"
_HOURS = "the labels of the result are those of another test"
_INVERTED = "the mask is expected to work the other way round"

WRONG = {
    **{("aggregate_temporal", number): _JANUARY for number in (5, 6, 7, 8)},
    ("aggregate_temporal", 9): "the labels are given within the reducer",
    ("aggregate_temporal", 10): "requires the median, its reducer is the mean",
    ("aggregate_temporal_period", 3): _HOURS,
    ("aggregate_temporal_period", 4): _HOURS,
    ("aggregate_temporal_period", 8): _T2,
    ("aggregate_temporal_period", 9): _T2,
    ("apply", 1): _ARGUMENT,
    ("apply", 2): "a pixel of 165 is expected where the input has none",
    ("apply_dimension", 1): "the middle of 192 and 216 is 204",
    ("apply_dimension", 2): "names a dimension that the cube has not",
    ("array_append", 0): "appends 0 and expects 1",
    **{("array_apply", number): _ARGUMENT for number in range(1, 8)},
    ("array_apply", 8): "calls a process `mulitply`",
    ("array_element", 3): "asks for the label BO2 (a letter), the array has B02",
    **{("array_filter", number): _PROCESS for number in range(7)},
    ("array_find", 6): "the value is the first element, whose number is 0",
    ("array_modify", 2): "one element is to be replaced by default, an insertion is expected",
    ("count", 4): _CONDITION,
    ("count", 5): _CONDITION,
    ("create_data_cube", 0): "a cube without dimensions has one value, not an empty list",
    ("filter_bands", 4): "asks for red and blue and expects blue and green",
    ("lte", 15): "infinity is not more than infinity",
    ("mask", 0): _INVERTED,
    ("mask", 1): "refers to a file that is not there",
    ("mask", 2): _INVERTED,
    ("mask_polygon", 0): _INVERTED,
    ("mask_polygon", 1): _INVERTED,
    ("mask_polygon", 6): "one pixel of the last date is expected on the other side of the edge",
    ("merge_cubes", 3): "gives the resolver's `sum` objects of another form than arrays",
    ("product", 10): "infinite factors without a 0 have an infinite product",
    ("reduce_dimension", 1): _ARGUMENT,
    ("rename_dimension", 3): _RENAMED,
    ("rename_dimension", 4): _RENAMED,
    ("rename_dimension", 5): _RENAMED,
}
MISSPELT = {"from_argument": "from_parameter", "mulitply": "multiply", '"element"': '"x"', '"BO2"': '"B02"'}


def _cases():
    if not FOLDER.is_dir():
        return []
    from support.official_processes import cases

    return [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in cases(FOLDER)]


CASES = _cases()
pytestmark = pytest.mark.skipif(not CASES, reason=f"{SKIP_PREFIX}openeo")


@pytest.fixture(scope="module")
def official():
    from support import official_processes as official

    return official


@pytest.mark.parametrize(("process", "number", "test", "level", "path"), CASES or [(None,) * 5])
def test_official(official, process, number, test, level, path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = official.verdict(process, test, path)
    if (process, number) in WRONG:
        assert found is not None, "it passes now: take it off the list"
    else:
        assert found is None, found


@pytest.mark.parametrize(
    ("process", "number"),
    [
        ("apply", 1),
        *(("array_apply", number) for number in range(1, 7)),
        *(("array_filter", number) for number in range(3)),
    ],
)
def test_what_is_only_misspelt_is_right_when_it_is_spelt_right(official, process, number):
    test, path = next((case.values[2], case.values[4]) for case in CASES if case.values[:2] == (process, number))
    text = json.dumps(copy.deepcopy(test))
    for wrong, right in MISSPELT.items():
        text = text.replace(wrong, right)
    test = json.loads(text)
    if process == "array_filter":
        test["arguments"]["condition"] = test["arguments"].pop("process")
    assert official.verdict(process, test, path) is None


def test_the_bars_are_met():
    levels = [case.values[3] for case in CASES]
    wrong = [next(case.values[3] for case in CASES if case.values[:2] == key) for key in WRONG]
    for level, share in (("L1", 0.97), ("L2", 0.91)):
        assert 1 - wrong.count(level) / levels.count(level) >= share
    assert len(CASES) - len(WRONG) >= 849
