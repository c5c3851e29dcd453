"""Records as GeoParquet (version 1.1) by pyarrow, STAC items as stac-geoparquet by rustac. Touches files."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from s2kit.cli.json_text import to_json
from s2kit.errors import ConfigError, OutputError
from s2kit.run.files import atomic_file

_GEOMETRY = "geometry"
_LIST_OF_TEXTS = (list, tuple)


def write_parquet(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records as columns; `geometry` (GeoJSON) becomes well-known binary in lon/lat, objects become JSON text.

    Args:
        path: The file, replaced if it exists.
        records: Flat mappings with the same keys.

    Raises:
        ConfigError: pyarrow is not installed.
        OutputError: The file cannot be written.
    """
    try:
        from pyarrow import Table, parquet
    except ImportError as error:
        raise ConfigError("Parquet files need pyarrow", "pip install 's2kit[parquet]'") from error
    rows = [{key: _value(key, value) for key, value in record.items()} for record in records]
    table = Table.from_pylist(rows)
    if _GEOMETRY in table.column_names:
        about = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: _about(rows)}}
        table = table.replace_schema_metadata({"geo": json.dumps(about)})
    with atomic_file(path, overwrite=True) as part:
        parquet.write_table(table, part)


def write_stac_parquet(path: Path, collection: dict[str, Any]) -> None:
    """Write a STAC ItemCollection as stac-geoparquet.

    Args:
        path: The file, replaced if it exists.
        collection: With at least one item.

    Raises:
        ConfigError: rustac is not installed.
        OutputError: The file cannot be written.
    """
    try:
        from rustac import RustacError, write_sync
    except ImportError as error:
        raise ConfigError("stac-geoparquet files need rustac", "pip install 's2kit[stac]'") from error
    if not collection["features"]:
        raise OutputError(f"{path}: no items, no stac-geoparquet file", "take -f stac with -o FILE.json")
    with atomic_file(path, overwrite=True) as part:
        try:
            write_sync(str(part), collection, format="parquet")
        except RustacError as error:
            raise OutputError(f"{path}: cannot be written: {error}") from error


def _value(key: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, datetime)):
        return value
    if isinstance(value, Path):
        return str(value)
    if key == _GEOMETRY:
        from shapely import to_wkb
        from shapely.geometry import shape

        return to_wkb(shape(value))
    if isinstance(value, _LIST_OF_TEXTS) and all(isinstance(one, str) for one in value):
        return list(value)
    return to_json(value)


def _about(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    from shapely import from_wkb

    kinds = {from_wkb(row[_GEOMETRY]).geom_type for row in rows if row.get(_GEOMETRY) is not None}
    return {"encoding": "WKB", "geometry_types": sorted(kinds)}
