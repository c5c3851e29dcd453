"""What describes results: a STAC Item beside them, and the graph that made them. Touches files."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from s2kit.openeo.graph import ProcessGraph
from s2kit.run.files import write_atomic
from s2kit.version import __version__

_MEDIA = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".nc": "application/x-netcdf",
    ".zarr": "application/vnd+zarr", ".png": "image/png", ".json": "application/json",
    ".geojson": "application/geo+json", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet",
}  # fmt: skip
_EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]


def write_metadata(
    path: Path,
    graph: ProcessGraph,
    paths: Sequence[Path],
    cubes: Sequence[Any],
    sources: Sequence[str],
    seen: Sequence[str] = (),
) -> None:
    """Write a STAC Item and beside it `NAME.graph.json`, the graph in openEO's own words.

    Args:
        path: Of the Item.
        graph: The graph.
        paths: The results.
        cubes: The corners of the results, with all labels in `attrs["whole"]`; None for what is no cube.
        sources: Names of the products or files that were read.
        seen: First and last times of what was read, in ISO 8601: the times of results that have none of their own.
    """
    import orjson

    name = path.name.removesuffix(".json").removesuffix(".stac")
    own = path.with_name(f"{name}.graph.json")
    body = {"title": graph.title, "description": graph.description, "process": {"process_graph": graph.nodes}}
    write_atomic(own, orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n", overwrite=True)
    place = next((one for one in map(_place, cubes) if one), {})
    bands = {"bands": place["bands"]} if "bands" in place else {}  # STAC 1.1 has them in assets, not in properties
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _EXTENSIONS,
        "id": name,
        "geometry": _outline(place.get("bbox")),
        "properties": {
            **_times(cubes, seen),
            **{key: value for key, value in place.items() if key not in {"bbox", "bands"}},
            "title": graph.title or name,
            "processing:software": {"s2kit": __version__},
        },
        "links": [
            {"rel": "derived_from", "href": one, "title": one, "type": "application/octet-stream"} for one in sources
        ],
        "assets": {
            **{one.name: _asset(one) | bands for one in paths},
            own.name: {"href": own.name, "type": "application/json", "roles": ["metadata"], "title": "process graph"},
        },
    }
    if place.get("bbox"):
        item["bbox"] = place["bbox"]
    write_atomic(path, orjson.dumps(item, option=orjson.OPT_INDENT_2) + b"\n", overwrite=True)


def _asset(path: Path) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": path.name, "type": _MEDIA.get(path.suffix, "application/octet-stream")}
    asset["roles"] = ["data"]
    if path.is_file():
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        asset |= {"file:size": path.stat().st_size, "file:checksum": f"1220{digest.hexdigest()}"}  # a multihash
    return asset


def _outline(bbox: Sequence[float] | None) -> dict[str, Any] | None:
    if bbox is None:
        return None
    west, south, east, north = bbox
    spans = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    rings = [
        [[[left, south], [right, south], [right, north], [left, north], [left, south]]]
        for left, right in spans
        if left < right
    ]
    return (
        {"type": "Polygon", "coordinates": rings[0]}
        if len(rings) == 1
        else {"type": "MultiPolygon", "coordinates": rings}
    )


def _whole(cube: Any) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = cube.attrs.get("whole", {})
    return labels


def times_of(labels: Mapping[Any, Any]) -> Iterator[str]:
    """First and last of the labels that are times, in ISO 8601."""
    import numpy as np

    for values in labels.values():
        if values.dtype.kind == "M" and len(values):
            for edge in (values.min(), values.max()):
                yield f"{np.datetime_as_string(edge.astype('datetime64[s]'))}Z"


def _times(cubes: Sequence[Any], seen: Sequence[str]) -> dict[str, Any]:
    """`datetime`, or its start and end: of the results, else of what was read, else the moment of the run."""
    stamps = [one for cube in cubes if cube is not None for one in times_of(_whole(cube))] or seen
    if not stamps:
        return {"datetime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    first, last = min(stamps), max(stamps)
    if first == last:
        return {"datetime": first}
    return {"datetime": None, "start_datetime": first, "end_datetime": last}


def _place(cube: Any) -> dict[str, Any]:
    """Projection and box of a result; empty if it has no place."""
    if cube is None:
        return {}
    from s2kit.openeo.errors import ProcessError
    from s2kit.openeo.processes.dimensions import names_of, spatial
    from s2kit.openeo.processes.geometry import transformer
    from s2kit.openeo.processes.space import crs_of

    labels = _whole(cube)
    try:
        x, y = spatial(cube)
        crs = crs_of(cube)
    except ProcessError:
        return {}
    if not len(labels[x]) or not len(labels[y]):
        return {}
    dx, dy = (abs(float(labels[one][1] - labels[one][0])) if len(labels[one]) > 1 else 0.0 for one in (x, y))
    box = [labels[x].min() - dx / 2, labels[y].min() - dy / 2, labels[x].max() + dx / 2, labels[y].max() + dy / 2]
    west, south, east, north = (round(float(side), 9) for side in transformer(crs, "EPSG:4326").transform_bounds(*box))
    if east > 180:  # a grid that counts from 0 to 360; over the antimeridian west is greater than east (RFC 7946, 5.2)
        west, east = (-180.0, 180.0) if east - west >= 360 else ((west + 180) % 360 - 180, east - 360)
    place = {
        "bbox": [west, max(south, -90.0), east, min(north, 90.0)],
        "proj:bbox": [float(side) for side in box],
        "proj:shape": [len(labels[y]), len(labels[x])],
        "proj:transform": [dx, 0.0, float(box[0]), 0.0, -dy, float(box[3])],
    }
    code = crs if crs.startswith("EPSG:") else None
    place |= {"proj:code": code} if code else {"proj:wkt2": crs}
    if bands := names_of(cube, "bands"):
        place["bands"] = [{"name": str(one)} for one in labels[bands[0]]]
    return place
