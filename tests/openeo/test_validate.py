"""Validation: twenty broken graphs, one for each rule, each problem with its node; and all problems at once."""

import json
import subprocess
import sys

import pytest

from s2kit.openeo.collections import open_catalogue
from s2kit.openeo.request import problems_of
from s2kit.settings import load_settings
from support.graphs import MEAN, node, of, parameter


def load(**changes):
    arguments = {
        "id": "SENTINEL2_L2A",
        "spatial_extent": {"west": 1, "south": 44, "east": 1.1, "north": 44.1},
        "temporal_extent": ["2024-04-01", "2024-05-01"],
    }
    return node("load_collection", **{**arguments, **changes})


def saved(**nodes):
    last = list(nodes)[-1]
    return {**nodes, "save": node("save_result", data=of(last), format="GTiff", result=True)}


BROKEN = {
    "unknown process": (saved(a=node("lod_collection", id="x")), "ProcessUnsupported", "a"),
    "unknown argument": (saved(a=load(sptial_extent=None)), "ProcessArgumentUnsupported", "a"),
    "missing argument": (
        saved(a=load(), b=node("reduce_dimension", data=of("a"), reducer=MEAN)),
        "ProcessArgumentRequired",
        "b",
    ),
    "wrong type": (
        saved(a=load(), b=node("reduce_dimension", data=of("a"), reducer=MEAN, dimension=7)),
        "ProcessArgumentInvalid",
        "b",
    ),
    "dangling": (saved(b=node("drop_dimension", data=of("nobody"), name="t")), "ProcessGraphInvalid", "b"),
    "circle": (saved(a=node("add", x=of("b"), y=1), b=node("add", x=of("a"), y=1)), "ProcessGraphInvalid", "a"),
    "no result": ({"a": load()}, "ProcessGraphInvalid", None),
    "two results": ({"a": node("pi", result=True), "b": node("pi", result=True)}, "ProcessGraphInvalid", "b"),
    "no process id": (saved(a={"arguments": {}}), "ProcessGraphInvalid", "a"),
    "arguments are no object": (saved(a={"process_id": "pi", "arguments": [1]}), "ProcessArgumentInvalid", "a"),
    "unknown collection": (saved(a=load(id="LANDSAT")), "CollectionNotFound", "a"),
    "unknown band": (saved(a=load(bands=["B04", "B99"])), "BandNotAvailable", "a"),
    "unknown format": (
        {"a": load(), "save": node("save_result", data=of("a"), format="DOCX", result=True)},
        "FormatUnsupported",
        "save",
    ),
    "empty time": (saved(a=load(temporal_extent=["2024-05-02", "2024-05-01"])), "TemporalExtentEmpty", "a"),
    "time outside": (saved(a=load(temporal_extent=["1999-01-01", "2000-01-01"])), "NoDataAvailable", "a"),
    "box upside down": (
        saved(a=load(spatial_extent={"west": 1, "south": 45, "east": 2, "north": 44})),
        "ExtentInvalid",
        "a",
    ),
    "box outside": (
        saved(a=load(spatial_extent={"west": 1, "south": 85, "east": 2, "north": 86})),
        "NoDataAvailable",
        "a",
    ),
    "parameter without value": (saved(a=load(bands=parameter("bands"))), "ProcessParameterMissing", "a"),
    "wrong parameter of a callback": (
        saved(
            a=load(),
            b=node(
                "reduce_dimension",
                data=of("a"),
                dimension="t",
                reducer={"process_graph": {"m": node("mean", data=parameter("x"), result=True)}},
            ),
        ),
        "ProcessParameterMissing",
        "b/reducer/m",
    ),
    "callback without result": (
        saved(
            a=load(),
            b=node(
                "reduce_dimension",
                data=of("a"),
                dimension="t",
                reducer={"process_graph": {"m": node("mean", data=parameter("data"))}},
            ),
        ),
        "ProcessGraphInvalid",
        "b/reducer",
    ),
    "graph where a number belongs": (saved(a=node("add", x=MEAN, y=1)), "ProcessArgumentInvalid", "a"),
    "code of users": (
        saved(a=load(), b=node("run_udf", data=of("a"), udf="x", runtime="Python")),
        "ProcessUnsupported",
        "b",
    ),
    "address": (saved(a=node("load_stac", url="http://127.0.0.1/collection.json")), "CollectionNotFound", "a"),
}


@pytest.fixture
def catalogue(tmp_path):
    return open_catalogue(load_settings(folder=tmp_path))


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_names_the_node(catalogue, name):
    graph, code, place = BROKEN[name]
    found = problems_of(graph, catalogue)
    assert [(one.code, one.node) for one in found] == [(code, place)], found
    assert found[0].message


def test_a_graph_that_is_right_has_no_problem(catalogue):
    below = {"process_graph": {"c": node("lte", x=parameter("value"), y=30, result=True)}}
    graph = saved(
        a=load(bands=["red", "B08", "SCL"], properties={"eo:cloud_cover": below}),
        b=node("reduce_dimension", data=of("a"), dimension="t", reducer=MEAN),
    )
    assert problems_of(graph, catalogue) == []


def test_extents_are_looked_at_whatever_the_collection(catalogue):
    wrong = {"spatial_extent": {"west": 1, "south": 44, "north": 45}, "temporal_extent": ["2024-05-02", "May"]}
    for name in ("LANDSAT", "SENTINEL2_L2A"):
        found = {one.argument: one.message for one in problems_of(saved(a=load(id=name, **wrong)), catalogue)}
        assert found["spatial_extent"] == "spatial_extent needs 'east'"
        assert "'May'" in found["temporal_extent"]
        assert ("id" in found) == (name == "LANDSAT")


def test_all_problems_at_once_on_the_command_line(tmp_path):
    nodes = {}
    for at, (graph, _, _) in enumerate(BROKEN.values()):
        nodes |= {
            f"g{at}{name}": one
            for name, one in json.loads(json.dumps(graph).replace('"from_node": "', f'"from_node": "g{at}')).items()
        }
    (tmp_path / "all.json").write_text(json.dumps(nodes))
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "s2kit", "validate", "all.json", "-f", "jsonl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    problems = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[0] == f"s2kit: error: all.json: {len(problems)} problems"
    expected = {code for _, code, _ in BROKEN.values()}
    assert {one["code"] for one in problems} == expected
    assert all(one["message"] for one in problems)
    assert sorted(tmp_path.iterdir()) == before


def test_validate_loads_neither_xarray_nor_dask(tmp_path):
    (tmp_path / "g.json").write_text(json.dumps(saved(a=load())))
    code = "import sys; sys.argv = ['s2kit', 'validate', 'g.json']; from s2kit.cli.app import main\ntry: main()\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not {"xarray", "dask", "rasterio", "pandas"} & loaded


def test_several_places_of_products_are_one_collection(tmp_path):
    loaded = load_settings(folder=tmp_path)
    found = open_catalogue(loaded, ["SENTINEL2_L2A=/a", "X=/x", "SENTINEL2_L2A=s3://b/c.SAFE", "X=/y"])
    assert found.collections["SENTINEL2_L2A"].source == "/a,s3://b/c.SAFE"
    assert str(found.collections["X"].source) == "/y"
