"""The dialect of the GeoSoftII back-end (2020/21) as a standard graph. Computes only.

Its jobs have no result flag, arguments of their own (`DataType`, `timeframe`, `SaveData`), dates whose end is included,
boxes of four times -999 for everything, and two processes that work on time themselves: `mean_sst` is the mean of the
sea surface temperature, `ndvi` the index of the means of red and near infrared (not the mean of the index).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from s2kit.openeo.errors import GraphError, Problem
from s2kit.openeo.graph import Nodes, ProcessGraph, arguments_of, references

COLLECTIONS = {
    "sst": ("OISST", ["sst"]),
    "sst-geosoft2": ("OISST", ["sst"]),
    "sentinel2": ("SENTINEL2_L2A", ["B04", "B08"]),
    "sentinel2-geosoft2": ("SENTINEL2_L2A", ["B04", "B08"]),
}
"""Collection and bands by the words of `DataType`."""
_ARGUMENTS = frozenset(("DataType", "Collection", "timeframe", "cloudcoverage", "Login", "SaveData", "Format", "bb"))
_PROCESSES = frozenset(("mean_sst", "safe_result"))
_EVERYTHING = -999.0


def is_legacy(nodes: Nodes) -> bool:
    """True if a graph has a process or an argument that only the dialect has."""
    return any(
        isinstance(node, Mapping)
        and (node.get("process_id") in _PROCESSES or not _ARGUMENTS.isdisjoint(arguments_of(node)))
        for node in nodes.values()
    )


def standard(graph: ProcessGraph) -> ProcessGraph:
    """The graph in openEO's own words, with a note for each thing that was rewritten.

    Raises:
        GraphError: A value that cannot be understood; all problems are named.
    """
    nodes: dict[str, Any] = {}
    notes: list[str] = []
    problems: list[Problem] = []
    for name, node in graph.nodes.items():
        try:
            made = dict(_rewritten(name, node, notes)) if isinstance(node, Mapping) else {name: node}
        except GraphError as error:
            problems += error.problems
            continue
        nodes |= made
    if problems:
        raise GraphError.of(problems)
    _mark_result(nodes, notes)
    return replace(graph, nodes=nodes, notes=(*graph.notes, *notes))


def _rewritten(name: str, node: Mapping[str, Any], notes: list[str]) -> Iterator[tuple[str, Any]]:
    process, arguments = node.get("process_id"), dict(arguments_of(node))
    match process:
        case "load_collection":
            notes.append(f"{name}: dates, data type and cloud cover in the words of openEO")
            yield name, {**node, "arguments": _load(name, arguments)}
        case "mean_sst":
            notes.append(f"{name}: mean_sst as filter_temporal, filter_bbox and a mean over time")
            yield from _mean_sst(name, node, arguments)
        case "ndvi" if "bb" in arguments:
            notes.append(f"{name}: ndvi of the means over time")
            yield from _ndvi(name, node, arguments)
        case "save_result" | "safe_result":
            if process == "safe_result":
                notes.append(f"{name}: safe_result is save_result")
            renamed = {"SaveData": "data", "Format": "format"}
            made = {renamed.get(key, key): value for key, value in arguments.items()}
            yield name, {**node, "process_id": "save_result", "arguments": made}
        case _:
            yield name, node


def _load(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    word = arguments.get("DataType", arguments.get("Collection", arguments.get("id")))
    known = COLLECTIONS.get(str(word).lower())
    if known is None:
        hint = "the dialect knows SST and Sentinel2"
        raise _problem("CollectionNotFound", f"there is no data type {word!r}", name, "DataType", hint)
    made: dict[str, Any] = {"id": known[0], "spatial_extent": None, "temporal_extent": None, "bands": list(known[1])}
    if arguments.get("timeframe") is not None:
        made["temporal_extent"] = _timeframe(name, arguments["timeframe"])
    if arguments.get("cloudcoverage") is not None:
        made["properties"] = {"eo:cloud_cover": _between(name, arguments["cloudcoverage"])}
    return made


def _between(name: str, bounds: Any) -> dict[str, Any]:
    if not _numbers(bounds, 2):
        hint = "write it like [0, 30]"
        raise _problem("ProcessArgumentInvalid", f"{bounds!r} is no range of percent", name, "cloudcoverage", hint)
    arguments = {"x": {"from_parameter": "value"}, "min": bounds[0], "max": bounds[1]}
    return {"process_graph": {"between": {"process_id": "between", "arguments": arguments, "result": True}}}


def _timeframe(name: str, frame: Any) -> list[str]:
    """First day, and the day after the last; the end of the dialect is included."""
    if not isinstance(frame, list) or len(frame) not in {2, 3} or not all(isinstance(one, str) for one in frame):
        hint = "write it like [start, end, format], or as two dates"
        raise _problem("TimeframeLengthError", f"{frame!r} is no time frame", name, "timeframe", hint)
    start, end = (_day(name, text, frame[2] if len(frame) == 3 else None) for text in frame[:2])
    if start > end:
        raise _problem("TimeframeValueError", f"{frame[0]} is after {frame[1]}", name, "timeframe", "swap them")
    return [start.isoformat(), (end + timedelta(days=1)).isoformat()]


def _day(name: str, text: str, form: str | None) -> date:
    try:
        return (datetime.strptime(text, form) if form else datetime.fromisoformat(text)).date()  # noqa: DTZ007
    except ValueError as error:
        hint = "write dates as YYYY-MM-DD, or say their format as the third part"
        raise _problem("TimeframeValueError", f"{text!r} is no date", name, "timeframe", hint) from error


def _box(name: str, argument: str, box: Any) -> dict[str, Any] | None:
    """The extent of a box; None for everything."""
    if not _numbers(box, 4):
        hint = "write it like [west, south, east, north], or four times -999"
        raise _problem("BboxLengthError", f"{box!r} is no box", name, argument, hint)
    if all(side == _EVERYTHING for side in box):
        return None
    west, south, east, north = (float(side) for side in box)
    if not -360 <= west <= 360 or not -360 <= east <= 360:
        raise _problem("LongitudeValueError", f"longitudes {west:g} and {east:g}", name, argument, "0 to 360")
    if not -90 <= south < north <= 90:
        raise _problem("LatitudeValueError", f"latitudes {south:g} to {north:g}", name, argument, "south comes first")
    return {"west": west, "south": south, "east": east, "north": north, "crs": "EPSG:4326"}


def _numbers(value: Any, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in value)
    )


def _mean_sst(name: str, node: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    data = arguments.get("data")
    steps: list[tuple[str, str, dict[str, Any]]] = []
    if arguments.get("timeframe") is not None:
        extent = _timeframe(name, arguments["timeframe"])
        steps.append((f"{name}_time", "filter_temporal", {"extent": extent}))
    box = _box(name, "bbox", arguments["bbox"]) if arguments.get("bbox") is not None else None
    if box is not None:
        steps.append((f"{name}_box", "filter_bbox", {"extent": box}))
    for step, process, more in steps:
        yield step, {"process_id": process, "arguments": {"data": data, **more}}
        data = {"from_node": step}
    yield name, {**node, "process_id": "reduce_dimension", "arguments": _mean_over_time(data)}


def _mean_over_time(data: Any) -> dict[str, Any]:
    mean = {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
    return {"data": data, "dimension": "t", "reducer": {"process_graph": {"mean": mean}}}


def _ndvi(name: str, node: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    box = _box(name, "bb", arguments["bb"])
    yield f"{name}_mean", {"process_id": "reduce_dimension", "arguments": _mean_over_time(arguments.get("data"))}
    index = {"data": {"from_node": f"{name}_mean"}, "nir": "B08", "red": "B04"}
    if box is None:
        yield name, {**node, "process_id": "ndvi", "arguments": index}
        return
    yield f"{name}_all", {"process_id": "ndvi", "arguments": index}
    west, south, east, north = (box[side] for side in ("west", "south", "east", "north"))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    outside = {"data": {"from_node": f"{name}_all"}, "mask": {"type": "Polygon", "coordinates": [ring]}}
    yield name, {**node, "process_id": "mask_polygon", "arguments": outside}


def _mark_result(nodes: dict[str, Any], notes: list[str]) -> None:
    """Make the only node that nobody takes from the result, if none is marked."""
    if any(isinstance(node, Mapping) and node.get("result") for node in nodes.values()):
        return
    used = {one for node in nodes.values() for one in references(dict(arguments_of(node)))}
    ends: Sequence[str] = [name for name in nodes if name not in used]
    if len(ends) == 1 and isinstance(nodes[ends[0]], Mapping):
        nodes[ends[0]] = {**nodes[ends[0]], "result": True}
        notes.append(f"{ends[0]}: marked as the result, because no other node takes from it")


def _problem(code: str, message: str, node: str, argument: str, hint: str) -> GraphError:
    return GraphError.of([Problem(code, message, node, argument, hint)])
