"""Graphs: envelopes, order, execution; each node once, callbacks any number of times."""

import time

import numpy as np
import pytest

from s2kit.openeo.errors import GraphError, ProcessError
from s2kit.openeo.execute import plan
from s2kit.openeo.graph import MAX_NODES, needed, topological, unwrap
from s2kit.openeo.processes.registry import pure_processes
from s2kit.openeo.validate import Rules, validate
from support.graphs import node, of, parameter


def run(nodes, registry=None, **parameters):
    return plan(nodes, registry or pure_processes()).run(parameters)


ADD = {"a": node("add", x=1, y=2), "b": node("multiply", x=of("a"), y=10, result=True)}


@pytest.mark.parametrize(
    "body", [ADD, {"process_graph": ADD}, {"process": {"process_graph": ADD}, "title": "t", "plan": "free"}]
)
def test_any_envelope_will_do(body):
    assert dict(unwrap(body).nodes) == ADD
    assert run(unwrap(body).nodes) == 30


@pytest.mark.parametrize("body", [[], {}, {"process_graph": {}}, {"process": {"process_graph": None}}, "x", None])
def test_what_is_no_graph_is_refused(body):
    with pytest.raises(GraphError) as caught:
        unwrap(body)
    assert caught.value.code == "ProcessGraphMissing"


def test_a_graph_of_a_million_nodes_is_refused_at_once():
    with pytest.raises(GraphError, match=f"{MAX_NODES} are the most"):
        unwrap({f"n{at}": node("constant", x=1) for at in range(MAX_NODES + 1)})


def test_each_node_runs_once_however_often_it_is_used():
    calls = []

    def counted(x, y):
        calls.append(1)
        return x + y

    nodes = {"n0": node("constant", x=1)}
    for at in range(1, 40):
        nodes[f"n{at}"] = node("add", at == 39, x=of(f"n{at - 1}"), y=of(f"n{at - 1}"))
    begun = time.process_time()
    assert validate(unwrap(nodes)) == []
    assert run(nodes, {**pure_processes(), "add": counted}) == 2**39
    assert len(calls) == 39
    assert time.process_time() - begun < 10


def test_three_thousand_nodes_in_a_row():
    nodes = {"n0": node("constant", x=0)}
    for at in range(1, 3000):
        nodes[f"n{at}"] = node("add", at == 2999, x=of(f"n{at - 1}"), y=1)
    begun = time.process_time()
    assert validate(unwrap(nodes)) == []
    assert run(nodes) == 2999
    assert time.process_time() - begun < 20


def test_nodes_that_the_result_does_not_need_do_not_run():
    nodes = {**ADD, "broken": node("array_element", data=[1], index=9)}
    assert run(nodes) == 30
    assert needed(nodes, "b") == {"a", "b"}


def test_order_and_circles():
    order, circle = topological({"c": node("add", x=of("b"), y=1), "b": node("add", x=of("a"), y=1), "a": node("pi")})
    assert (order, circle) == (["a", "b", "c"], [])
    _, circle = topological({"a": node("add", x=of("b"), y=1), "b": node("add", x=of("a"), y=1)})
    assert circle == ["a", "b"]


def test_a_callback_may_be_called_again_with_other_values():
    half = {"process_graph": {"d": node("divide", x=parameter("x"), y=parameter("context"), result=True)}}
    nodes = {
        "one": node("array_apply", data=[2, 4, 6], process=half, context=2),
        "two": node("array_apply", data=of("one"), process=half, context=parameter("by"), result=True),
    }
    planned = plan(nodes, pure_processes())
    assert planned.run({"by": 10}) == [0.1, 0.2, 0.3]
    assert planned.run({"by": 1}) == [1, 2, 3]


def test_callbacks_see_the_parameters_around_them():
    inner = {"process_graph": {"a": node("add", x=parameter("x"), y=parameter("offset"), result=True)}}
    outer = {"process_graph": {"b": node("array_apply", data=[1, 2], process=inner, result=True)}}
    assert run({"c": node("array_apply", data=[0], process=outer, result=True)}, offset=5) == [[6, 7]]


def test_an_error_names_the_node_within_its_callback():
    bad = {"process_graph": {"deep": node("array_element", data=parameter("data"), index=7, result=True)}}
    import xarray as xr

    cube = xr.DataArray(np.zeros((2, 3)), dims=("t", "x"), coords={"t": [0, 1]})
    nodes = {"r": node("reduce_dimension", data=parameter("cube"), dimension="t", reducer=bad, result=True)}
    with pytest.raises(ProcessError, match=r"node 'r/reducer/deep': .*index 7.*ArrayElementNotAvailable"):
        run(nodes, cube=cube)


def test_values_are_let_go_when_nobody_needs_them():
    import gc
    import weakref

    class Large(dict):
        pass

    seen = []

    def make():
        value = Large()
        seen.append(weakref.ref(value))
        return value

    def size(x):
        return len(x)

    def check(x):
        gc.collect()
        assert seen[0]() is None
        return x

    registry = {"make": make, "size": size, "check": check}
    assert (
        run({"a": node("make"), "b": node("size", x=of("a")), "c": node("check", x=of("b"), result=True)}, registry)
        == 0
    )


def test_nothing_that_runs_code_or_opens_addresses_is_a_process():
    registry = pure_processes()
    for name in ("run_udf", "load_url", "load_uploaded_files", "run_ogcapi", "export_workspace", "inspect", "e"):
        assert (name in registry) == (name == "e")
    nodes = {"a": node("run_udf", data=[1], udf="print(1)", runtime="Python", result=True)}
    assert validate(unwrap(nodes))[0].code == "ProcessUnsupported"


@pytest.mark.parametrize("geometries", ["file:///etc/passwd", "http://127.0.0.1:9/x.geojson", "/etc/passwd"])
def test_geometries_are_never_opened(geometries):
    import xarray as xr

    cube = xr.DataArray(
        np.zeros((3, 3)), dims=("y", "x"), coords={"y": [3.0, 2, 1], "x": [1.0, 2, 3]}, attrs={"crs": "EPSG:32631"}
    )
    for name, arguments in (
        ("aggregate_spatial", {"geometries": geometries, "reducer": len}),
        ("mask_polygon", {"mask": geometries}),
    ):
        with pytest.raises(ProcessError, match="not opened"):
            pure_processes()[name](data=cube, **arguments)


def test_lists_that_are_too_long_are_refused():
    with pytest.raises(ProcessError, match="too long"):
        run({"a": node("array_create", data=[0], repeat=20_000_000, result=True)})


def test_parameters_must_have_values():
    nodes = {"a": node("add", x=parameter("n"), y=1, result=True)}
    assert validate(unwrap(nodes))[0].code == "ProcessParameterMissing"
    assert validate(unwrap(nodes), Rules(parameters=frozenset({"n"}))) == []
    assert validate(unwrap({"process_graph": nodes, "parameters": [{"name": "n", "schema": {}, "default": 3}]})) == []
