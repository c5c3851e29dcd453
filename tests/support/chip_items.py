"""Small products as GeoTIFFs beside a STAC item, written from arrays."""

import json
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.warp import transform_bounds


def write_item(
    folder: Path,
    bands: dict[str, np.ndarray],
    *,
    name: str = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739",
    epsg: int = 32631,
    west: float = 300000.0,
    north: float = 4900020.0,
    resolution_m: float = 10.0,
    scales: dict[str, int] | None = None,
    cloud: float = 3.0,
    bounds: tuple[float, float, float, float] | None = None,
    **properties: object,
) -> Path:
    """A product folder `folder/NAME_cog`; `scales` makes a band's pixels so many times as wide."""
    item_id = f"{name}_cog"
    place = folder / item_id
    place.mkdir(parents=True)
    for band, pixels in bands.items():
        size = resolution_m * (scales or {}).get(band, 1)
        with rasterio.open(
            place / f"{band}.tif",
            "w",
            driver="GTiff",
            height=pixels.shape[0],
            width=pixels.shape[1],
            count=1,
            dtype=pixels.dtype,
            crs=f"EPSG:{epsg}",
            transform=Affine(size, 0, west, 0, -size, north),
            nodata=0,
        ) as dataset:
            dataset.write(pixels, 1)
        height, width = pixels.shape
    bounds = bounds or (west, north - height * size, west + width * size, north)
    w, s, e, n = transform_bounds(f"EPSG:{epsg}", "EPSG:4326", *bounds)
    baseline = name.split("_")[3]
    document = {
        "type": "Feature",
        "id": item_id,
        "geometry": {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]},
        "properties": {
            "s2:product_uri": f"{name}.SAFE",
            "s2:processing_baseline": f"{baseline[1:3]}.{baseline[3:]}",
            "eo:cloud_cover": cloud,
            "earthsearch:boa_offset_applied": True,
            **properties,
        },
        "assets": {band.lower(): {"href": f"{band}.tif"} for band in bands},
    }
    (place / f"{item_id}.json").write_text(json.dumps(document))
    return place


def parcel_file(path: Path, rings: dict[str, list[tuple[float, float]]], epsg: int = 32631, **fields: str) -> Path:
    """A GeoJSON of parcels by id, their rings in the CRS of an EPSG code."""
    features = [
        {
            "type": "Feature",
            "properties": {"pid": pid, **fields},
            "geometry": {"type": "Polygon", "coordinates": [[*map(list, ring), list(ring[0])]]},
        }
        for pid, ring in rings.items()
    ]
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return path


def square(west: float, south: float, side: float) -> list[tuple[float, float]]:
    """The corners of a square."""
    return [(west, south), (west + side, south), (west + side, south + side), (west, south + side)]
