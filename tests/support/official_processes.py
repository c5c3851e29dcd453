"""The official process tests (openEO's `tests/*.json5`): reading them, running one, comparing its result."""

import copy
import math
import re
from pathlib import Path

import numpy as np
import xarray as xr

from s2kit.openeo.execute import Bound, plan
from s2kit.openeo.processes.registry import pure_processes
from s2kit.openeo.processes.values import LabelledValues, is_array, plain
from s2kit.openeo.processes.words import instant

REGISTRY = pure_processes()
ISO = re.compile(r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d.*)?$")


def cases(folder: Path):
    """`(process, number, test, level, file)` of all official tests."""
    import json5

    for path in sorted(folder.glob("*.json5")):
        described = json5.loads(path.read_text(encoding="utf-8"))
        for number, test in enumerate(described["tests"]):
            yield described["id"], number, test, test.get("level", described.get("level")), path


def load_ref(ref: str, path: Path):
    import json5

    text = (path.parent / ref).read_text(encoding="utf-8")
    return json5.loads(text) if ref.endswith(("json", "json5")) else text


def encoded(value, path):
    """A value of a test as our processes take it."""
    if isinstance(value, dict) and "$ref" in value:
        value = load_ref(value["$ref"], path)
    if isinstance(value, list):
        return [encoded(one, path) for one in value]
    if not isinstance(value, dict):
        return value
    match value.get("type"):
        case "labeled-array":
            pairs = value["data"]
            return REGISTRY["array_create_labeled"](
                data=[encoded(one["value"], path) for one in pairs], labels=[one["key"] for one in pairs]
            )
        case "datacube":
            return cube_of(value)
        case "nodata":
            return None
    if "process_graph" in value:
        return Bound(plan(value["process_graph"], REGISTRY), {})
    return {key: encoded(one, path) for key, one in value.items()}


def cube_of(described):
    coords, crs = {}, None
    for name in described["order"]:
        dimension = described["dimensions"][name]
        values = dimension["values"]
        if dimension["type"] == "temporal":
            values = [np.datetime64(text.removesuffix("Z"), "ns") for text in values]
        crs = dimension.get("reference_system", crs)
        coords[name] = values
    data = np.asarray(np.nan if described["data"] is None else described["data"], dtype=float)
    shape = tuple(len(values) for values in coords.values())
    attrs = {} if crs is None else {"crs": crs}
    data = data.reshape(shape) if data.ndim else np.full(shape, data)
    nodata = described.get("nodata")
    data = np.where(data == nodata, np.nan, data) if isinstance(nodata, (int, float)) else data
    return xr.DataArray(data, coords=coords, dims=described["order"], attrs=attrs)


def decoded(result):
    """A result of ours as the tests write it."""
    if isinstance(result, xr.DataArray):
        return cube_described(result)
    if isinstance(result, LabelledValues):
        values = [decoded(one) for one in np.asarray(result.values).tolist()]
        if result.labels is None:
            return values
        return {
            "type": "labeled-array",
            "data": [{"key": key, "value": one} for key, one in zip(result.labels, values, strict=True)],
        }
    if is_array(result):
        return [decoded(one) for one in np.asarray(result).tolist()]
    if isinstance(result, (list, tuple)):
        return [decoded(one) for one in result]
    return plain(result)


def cube_described(cube):
    from s2kit.openeo.processes.dimensions import label_texts, type_of

    dimensions = {}
    for name in cube.dims:
        kind = type_of(cube, name)
        dimensions[name] = {"type": kind, "values": label_texts(cube, name)}
    return {"type": "datacube", "order": list(cube.dims), "dimensions": dimensions, "data": cube.values.tolist()}


def run(process, test, path):
    """The result of a test, or the exception."""
    try:
        arguments = {key: encoded(value, path) for key, value in copy.deepcopy(test["arguments"]).items()}
        result = REGISTRY[process](**arguments)
        return decoded(result.compute() if hasattr(result, "dask") else result)
    except Exception as error:  # noqa: BLE001 - what it is, is compared
        return error


def difference(expected, result, path, delta=1e-10, place=""):
    """Where two values differ; None if they are equal."""
    if isinstance(expected, dict) and "$ref" in expected:
        expected = load_ref(expected["$ref"], path)
    if isinstance(expected, dict) and expected.get("type") == "nodata":
        expected = None
    if isinstance(expected, dict) and expected.get("type") == "datetime":
        expected = expected["value"]
    if isinstance(expected, dict) and expected.get("type") == "datacube":
        return _cubes(expected, result, path, delta)
    if isinstance(expected, dict):
        if not isinstance(result, dict) or set(expected) != set(result):
            return f"{place}: {expected!r} and {result!r}"
        return next(
            (one for key in expected if (one := difference(expected[key], result[key], path, delta, f"{place}.{key}"))),
            None,
        )
    if isinstance(expected, list):
        if not isinstance(result, list) or len(expected) != len(result):
            return f"{place}: {expected!r} and {result!r}"
        pairs = enumerate(zip(expected, result, strict=True))
        return next((one for at, (a, b) in pairs if (one := difference(a, b, path, delta, f"{place}[{at}]"))), None)
    return None if _same(expected, result, delta) else f"{place}: {expected!r} and {result!r}"


def _same(expected, result, delta):
    if isinstance(expected, bool) or isinstance(result, bool) or expected is None or result is None:
        return expected is result or (expected is None and isinstance(result, float) and math.isnan(result))
    if isinstance(expected, (int, float)):
        if not isinstance(result, (int, float)):
            return False
        if math.isnan(expected):
            return math.isnan(result)
        return expected == result or abs(expected - result) <= delta * max(1.0, abs(expected))
    if isinstance(expected, str) and isinstance(result, str) and ISO.match(expected) and ISO.match(result):
        return instant(expected) == instant(result)
    return expected == result


def _cubes(expected, result, path, delta):
    if not isinstance(result, dict) or result.get("type") != "datacube":
        return f"a cube and {result!r}"
    if isinstance(expected.get("dimensions"), list):
        named = {one["name"]: one for one in expected["dimensions"]}
        expected = {**expected, "dimensions": named, "order": list(named)}
    if expected.get("order") != result["order"]:
        return f"dimensions {expected.get('order')} and {result['order']}"
    for name in expected["order"]:
        for key in ("type", "values"):
            if found := difference(
                expected["dimensions"][name][key], result["dimensions"][name][key], path, delta, f"{name}.{key}"
            ):
                return found
    if expected["data"] is None:
        return None
    nodata = expected.get("nodata")
    return difference(_no_null(expected["data"], nodata), _no_null(result["data"]), path, delta, "data")


def _no_null(values, nodata=None):
    """No data in cubes is NaN, however the test writes it; booleans are numbers."""
    if isinstance(values, list):
        return [_no_null(one, nodata) for one in values]
    return math.nan if values is None or values == nodata else float(values)


def verdict(process, test, path):
    """None if a test passes, else why it does not."""
    result = run(process, test, path)
    throws, returns = test.get("throws"), "returns" in test
    if isinstance(result, Exception):
        if not throws:
            return f"unexpected {type(result).__name__}: {result}"
        return None
    if throws and not returns:
        return f"no exception {throws}, but {result!r}"
    if not returns:
        return None
    return difference(test["returns"], result, path, test.get("delta", 1e-10))
