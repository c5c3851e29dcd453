"""A small scene of Landsat Collection 2, Level-2, as `s2kit download` leaves it: COGs of uint16 beside their STAC item.

The item has the structure of Earth Search's `landsat-c2-l2` (as stactools' example items have it): shared names in
`eo:bands`, scale and offset in `raster:bands`, the grid in the properties, the bucket as an alternate address.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds

ID = "LC09_L2SP_198030_20240427_20240428_02_T1"
EPSG, WEST, NORTH, SIDE_M = 32631, 359985.0, 4848015.0, 30.0
"""USGS: the middles of pixels lie on multiples of 30 m."""
ROWS, COLS = 220, 200
FILES = {
    "coastal": "SR_B1",
    "blue": "SR_B2",
    "green": "SR_B3",
    "red": "SR_B4",
    "nir08": "SR_B5",
    "swir16": "SR_B6",
    "swir22": "SR_B7",
    "lwir11": "ST_B10",
    "qa_pixel": "QA_PIXEL",
}
"""Ends of the files' names by key of the asset."""
CLEAR, CLOUD, DILATED, SHADOW, SNOW, WATER, FILL = 21824, 22280, 21826, 23888, 30048, 21952, 1
"""Values that `qa_pixel` really takes (LSDS-1619, table 6-4)."""


def pixels(seed: int = 1) -> dict[str, np.ndarray]:
    """Digital numbers of all bands, `[row, col]`: ground in every band, fill in a corner, clouds, shadow, snow, water."""
    random = np.random.default_rng(seed)
    found = {
        name: random.integers(7300 + 900 * at, 12000 + 1500 * at, (ROWS, COLS)).astype(np.uint16)
        for at, name in enumerate(FILES)
    }
    found["lwir11"] = random.integers(38000, 46000, (ROWS, COLS)).astype(np.uint16)
    qa = np.full((ROWS, COLS), CLEAR, np.uint16)
    qa[40:60, 30:80], qa[38:40, 28:82], qa[70:80, 40:90] = CLOUD, DILATED, SHADOW
    qa[100:110, 10:20], qa[120:140, 100:150] = SNOW, WATER
    fill = np.add.outer(np.arange(ROWS), np.arange(COLS)) < 40
    qa[fill] = FILL
    for name in set(FILES) - {"qa_pixel"}:
        found[name][fill] = 0
    return found | {"qa_pixel": qa}


def reflectance(dn: np.ndarray) -> np.ndarray:
    """What the USGS defines, in float64; NaN for fill."""
    return np.where(dn == 0, np.nan, dn.astype(np.float64) * 0.0000275 - 0.2)


def kelvin(dn: np.ndarray) -> np.ndarray:
    """What the USGS defines, in float64; NaN for fill."""
    return np.where(dn == 0, np.nan, dn.astype(np.float64) * 0.00341802 + 149.0)


@dataclass(frozen=True)
class Scene:
    """What was written."""

    folder: Path
    pixels: dict[str, np.ndarray]

    @property
    def item(self) -> Path:
        """The file of the item."""
        return self.folder / f"{self.folder.name}.json"


def write_landsat(
    dataset: Path,
    *,
    identity: str = ID,
    seed: int = 1,
    when: str = "2024-04-27T10:36:52.123456Z",
    only: frozenset[str] = frozenset(FILES),
    **changes: object,
) -> Scene:
    """A scene in `dataset/landsat-c2-l2/ID/`; `changes` replace properties of the item."""
    folder = dataset / "landsat-c2-l2" / identity
    folder.mkdir(parents=True)
    numbers = {name: one for name, one in pixels(seed).items() if name in only}
    transform = Affine(SIDE_M, 0, WEST, 0, -SIDE_M, NORTH)
    for name, one in numbers.items():
        _write_cog(folder / f"{identity}_{FILES[name]}.TIF", one, transform, 1 if name == "qa_pixel" else 0)
    w, s, e, n = transform_bounds(f"EPSG:{EPSG}", "EPSG:4326", WEST, NORTH - ROWS * SIDE_M, WEST + COLS * SIDE_M, NORTH)
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identity,
        "collection": "landsat-c2-l2",
        "geometry": {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]},
        "bbox": [w, s, e, n],
        "properties": {
            "datetime": when,
            "platform": "landsat-9",
            "instruments": ["oli", "tirs"],
            "gsd": 30,
            "eo:cloud_cover": 21.12,
            "view:off_nadir": 0,
            "proj:epsg": EPSG,
            "proj:shape": [ROWS, COLS],
            "proj:transform": [SIDE_M, 0.0, WEST, 0.0, -SIDE_M, NORTH],
            "landsat:wrs_type": "2",
            "landsat:wrs_path": "198",
            "landsat:wrs_row": "030",
            "landsat:collection_category": "T1",
            "landsat:collection_number": "02",
            "landsat:correction": "L2SP",
            "landsat:scene_id": "LC91980302024118LGN00",
            "grid:code": "WRS2-198030",
            **changes,
        },
        "assets": {name: _asset(name, f"{identity}_{FILES[name]}.TIF") for name in numbers}
        | {"mtl.json": {"href": f"./{identity}_MTL.json", "type": "application/json"}},
        "links": [],
    }
    scene = Scene(folder, numbers)
    scene.item.write_text(json.dumps(document))
    return scene


def _write_cog(path: Path, numbers: np.ndarray, transform: Affine, nodata: int) -> None:
    profile = {"driver": "GTiff", "dtype": "uint16", "count": 1, "height": numbers.shape[0], "width": numbers.shape[1]}
    with MemoryFile() as memory:
        with memory.open(**profile, crs=f"EPSG:{EPSG}", transform=transform, nodata=nodata) as image:
            image.write(numbers, 1)
        with memory.open() as image:
            rasterio.shutil.copy(image, path, driver="COG", blocksize=128, compress="deflate")


def _asset(name: str, file: str) -> dict[str, object]:
    asset: dict[str, object] = {"href": f"./{file}", "type": "image/vnd.stac.geotiff; cloud-optimized=true"}
    if name == "qa_pixel":
        return asset | {"raster:bands": [{"data_type": "uint16", "unit": "bit index"}], "roles": ["cloud"]}
    is_thermal = name == "lwir11"
    scale = {"scale": 0.00341802, "offset": 149.0} if is_thermal else {"scale": 2.75e-05, "offset": -0.2}
    return asset | {
        "eo:bands": [{"name": FILES[name], "common_name": name}],
        "raster:bands": [{"nodata": 0, "data_type": "uint16", **scale}],
        "roles": ["temperature" if is_thermal else "reflectance"],
    }
