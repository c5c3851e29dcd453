"""Values, geometries and cubes as JSON, CSV and Parquet. Touches files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.openeo.formats.base import Writing, is_cube, is_vector, refuse
from s2kit.openeo.processes.dimensions import GEOMETRIES, Cube, label_texts, names_of
from s2kit.run.files import atomic_file


def write_json(path: Path, value: Any, writing: Writing) -> list[Path]:
    """Geometries as GeoJSON with a property for each value; other cubes with their labels; values as they are."""
    from s2kit.run.files import write_atomic

    target = path.with_name(f"{path.name}.{'geojson' if is_vector(value) else 'data.json'}")
    import orjson

    body = _geojson(value) if is_vector(value) else _plain(value)
    write_atomic(target, orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n", overwrite=writing.overwrite)
    return [target]


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN is null."""
    from s2kit.openeo.processes.values import LabelledValues, is_array, plain

    if is_cube(value):
        labels = {str(name): label_texts(value, str(name)) for name in value.dims}
        return {"dims": list(map(str, value.dims)), "coords": labels, "data": _plain(np.asarray(value.values).tolist())}
    if isinstance(value, LabelledValues):
        return _plain(np.asarray(value.values).tolist())
    if is_array(value):
        return _plain(np.asarray(value).tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    value = plain(value)
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _geojson(cube: Cube) -> dict[str, Any]:
    import shapely.geometry

    features = []
    rows = _table(cube, wide=True)
    for geometry, row in zip(cube[GEOMETRIES].values, rows, strict=True):
        features.append({"type": "Feature", "geometry": shapely.geometry.mapping(geometry), "properties": _plain(row)})
    return {"type": "FeatureCollection", "features": features}


def _table(cube: Cube, *, wide: bool = False) -> list[dict[str, Any]]:
    """Rows of a cube: one for each combination of labels, a column for each band; with `wide` one for each geometry."""
    from itertools import product

    bands = names_of(cube, "bands")
    keys = [str(name) for name in cube.dims if name not in bands[:1]]
    along = [GEOMETRIES] if wide else keys
    whole = cube.transpose(*along, *(name for name in map(str, cube.dims) if name not in along))
    values = np.asarray(whole.values)
    rest = [name for name in map(str, whole.dims) if name not in along]
    columns = ["_".join(map(str, one)) or "value" for one in product(*(label_texts(whole, name) for name in rest))]
    rows = []
    for place in np.ndindex(*(whole.sizes[name] for name in along)):
        row: dict[str, Any] = {}
        for name, at in zip(along, place, strict=True):
            row |= _place(whole, name, at)
        row |= dict(zip(columns, np.ravel(values[place]).tolist(), strict=True))
        rows.append(row)
    return rows


def _place(cube: Cube, name: str, at: int) -> dict[str, Any]:
    """What a row says of its place on one dimension; of a geometry its attributes, or its number."""
    if name != GEOMETRIES:
        return {name: label_texts(cube, name)[at]}
    attributes = [key for key, coord in cube.coords.items() if coord.dims == (GEOMETRIES,) and key != GEOMETRIES]
    known = {str(key): cube.coords[key].values[at] for key in attributes}
    return known or {"feature": at}


def write_csv(path: Path, value: Any, writing: Writing) -> list[Path]:
    """A row for each combination of labels, a column for each band; no data is empty."""
    import csv

    if not is_cube(value):
        refuse(value, "CSV", "JSON")
    rows = [_plain(row) for row in _table(value)]
    target = path.with_name(f"{path.name}.csv")
    with atomic_file(target, overwrite=writing.overwrite) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [target]


def write_parquet(path: Path, value: Any, writing: Writing) -> list[Path]:
    """The rows of CSV as Parquet; geometries as GeoParquet (WKB)."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    if not is_cube(value):
        refuse(value, "Parquet", "JSON")
    rows = [_plain(row) for row in _table(value)]
    table = pa.Table.from_pylist(rows)
    if is_vector(value):
        import shapely

        repeat = len(rows) // max(1, value.sizes[GEOMETRIES])
        order = [str(name) for name in value.dims if name not in names_of(value, "bands")[:1]]
        wkb = shapely.to_wkb(np.asarray(value[GEOMETRIES].values, dtype=object)).tolist()
        column = [one for one in wkb for _ in range(repeat)] if order[0] == GEOMETRIES else wkb * repeat
        table = table.append_column("geometry", pa.array(column, pa.binary()))
        described = {"geometry": {"encoding": "WKB", "geometry_types": []}}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": described}
        table = table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})
    target = path.with_name(f"{path.name}.parquet")
    with atomic_file(target, overwrite=writing.overwrite) as part:
        pq.write_table(table, part)
    return [target]
