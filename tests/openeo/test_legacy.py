"""The dialect of GeoSoftII: what it is rewritten into, and its named errors."""

import copy
import json

import pytest

from s2kit.openeo.errors import GraphError
from s2kit.openeo.graph import unwrap
from s2kit.openeo.legacy import is_legacy, standard
from s2kit.openeo.request import normalised
from s2kit.openeo.validate import validate
from support.graphs import MEAN, node, of


def job(load=None, **process):
    frame = {"DataType": "SST", "timeframe": ["01-12-1981 00:00:00", "31-12-1981 00:00:00", "%d-%m-%Y %H:%M:%S"]}
    nodes = {"load": node("load_collection", **{**frame, **(load or {})})}
    if "bb" in process:
        nodes["it"] = node("ndvi", data=of("load"), **process)
    else:
        nodes["it"] = node(
            "mean_sst", data=of("load"), **{"timeframe": ["1981-12-01", "1981-12-31"], "bbox": [-999] * 4, **process}
        )
    nodes["save"] = node("save_result", SaveData=of("it"), Format="netcdf")
    return nodes


def test_mean_sst_in_the_words_of_openeo():
    graph = normalised(job(bbox=[350, 30, 20, 60]))
    assert validate(graph) == []
    assert graph.nodes["load"]["arguments"]["temporal_extent"] == ["1981-12-01", "1982-01-01"]  # the end is included
    assert graph.nodes["it_time"]["arguments"]["extent"] == ["1981-12-01", "1982-01-01"]
    box = {"west": 350, "south": 30, "east": 20, "north": 60, "crs": "EPSG:4326"}
    assert graph.nodes["it_box"]["arguments"]["extent"] == box
    (mean,) = graph.nodes["it"]["arguments"]["reducer"]["process_graph"].values()
    assert mean == MEAN["process_graph"]["m"]
    assert graph.nodes["it"]["process_id"] == "reduce_dimension"
    assert graph.nodes["it"]["arguments"]["data"] == of("it_box")
    assert graph.nodes["save"] == {**node("save_result", data=of("it"), format="netcdf"), "result": True}


def test_ndvi_is_that_of_the_means_and_a_box_hides_what_is_outside():
    graph = normalised(job({"DataType": "Sentinel2", "cloudcoverage": [0, 30]}, bb=[7.5, 51.8, 7.8, 52.1]))
    assert validate(graph) == []
    load = graph.nodes["load"]["arguments"]
    assert (load["id"], load["bands"]) == ("SENTINEL2_L2A", ["B04", "B08"])
    assert load["properties"]["eo:cloud_cover"]["process_graph"]["between"]["arguments"]["max"] == 30
    assert graph.nodes["it_mean"]["process_id"] == "reduce_dimension"
    assert graph.nodes["it_all"]["arguments"]["data"] == of("it_mean")
    assert graph.nodes["it"]["process_id"] == "mask_polygon"


def test_everything_is_four_times_999_and_safe_result_is_a_slip():
    nodes = job()
    nodes["save"]["process_id"] = "safe_result"
    graph = normalised({"process": {"process_graph": nodes}})
    assert "it_box" not in graph.nodes
    assert graph.nodes["save"]["process_id"] == "save_result"
    assert any("safe_result" in note for note in graph.notes)


def test_dates_without_a_format_and_one_day_alone():
    nodes = job({"timeframe": ["2012-06-13", "2012-06-13"]}, timeframe=["2012-06-13", "2012-06-13"])
    assert normalised(nodes).nodes["it_time"]["arguments"]["extent"] == ["2012-06-13", "2012-06-14"]


def test_a_standard_graph_is_left_as_it_is():
    graph = {
        "a": node("load_collection", id="X", spatial_extent=None, temporal_extent=None),
        "b": node("ndvi", data=of("a"), result=True),
    }
    assert not is_legacy(graph)
    assert normalised(graph).nodes == graph
    assert normalised(job(), "openeo").nodes == job()  # on demand


@pytest.mark.parametrize(
    ("load", "process", "code"),
    [
        ({"DataType": "MODIS"}, {}, "CollectionNotFound"),
        ({"timeframe": ["01-12-1981 00:00:00"]}, {}, "TimeframeLengthError"),
        ({"timeframe": ["1981", "x", "%Y"]}, {}, "TimeframeValueError"),
        ({"timeframe": ["2020-02-01", "2020-01-01"]}, {}, "TimeframeValueError"),
        ({}, {"timeframe": ["1981-12-01", "1981-13-01"]}, "TimeframeValueError"),
        ({}, {"timeframe": "1981"}, "TimeframeLengthError"),
        ({}, {"bbox": [1, 2, 3]}, "BboxLengthError"),
        ({}, {"bbox": [1, 2, 3, "4"]}, "BboxLengthError"),
        ({}, {"bbox": [900, 2, 3, 4]}, "LongitudeValueError"),
        ({}, {"bbox": [1, 60, 3, 30]}, "LatitudeValueError"),
        ({}, {"bbox": [1, 30, 3, 91]}, "LatitudeValueError"),
        ({"cloudcoverage": 30}, {}, "ProcessArgumentInvalid"),
    ],
)
def test_the_named_errors(load, process, code):
    with pytest.raises(GraphError) as caught:
        standard(unwrap(job(load, **process)))
    assert caught.value.code == code
    assert caught.value.problems[0].node in {"load", "it"}
    assert "\n" not in str(caught.value)


def test_all_of_them_at_once():
    with pytest.raises(GraphError) as caught:
        standard(unwrap(job({"DataType": "X"}, bbox=[1])))
    assert [one.code for one in caught.value.problems] == ["CollectionNotFound", "BboxLengthError"]


def test_a_login_is_nowhere_afterwards():
    nodes = job({"Login": ["me", "HUSH"]})
    graph = normalised(copy.deepcopy(nodes))
    assert "HUSH" not in json.dumps([dict(graph.nodes), graph.notes])
    assert any("Login" in note for note in graph.notes)
