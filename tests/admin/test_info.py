import json
from pathlib import Path

import pytest
import shapely

from s2kit.admin.info import describe, inspect
from s2kit.product.open import open_product
from s2kit.product.ref import ProductRef
from s2kit.settings import Settings
from support.tiny_safe import L2A_NAME, write_safe


def test_a_whole_product(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    info = inspect(ProductRef(str(root)), Settings())
    record = json.loads(json.dumps(info.record()))
    nbytes = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert record == {
        "id": L2A_NAME,
        "address": str(root),
        "processing:level": "L2A",
        "processing:version": "05.11",
        "platform": "sentinel-2c",
        "datetime": "2025-03-01T10:50:21Z",
        "tile": "31TDH",
        "level": "L2A",
        "s2:tile_times": ["2025-03-01T10:50:21.462000Z"],
        "s2:generation_time": None,
        "s2:datatake_id": "GS2C_20250301T105021_000123_N05.11",
        "sat:relative_orbit": 51,
        "sat:orbit_state": "descending",
        "s2:mgrs_tile": "31TDH",
        "s2kit:tiles": ["31TDH"],
        "proj:epsg": 32631,
        "proj:bbox": [399960.0, 4799640.0, 400320.0, 4800000.0],
        "eo:cloud_cover": 12.5,
        "s2kit:images": {
            "10": ["B02", "B04"],
            "20": ["B04", "B8A", "SCL"],
            "60": ["B01", "AOT", "TCI"],
            "320": ["PVI"],
        },
        "s2kit:quantification": {"reflectance": 10000.0, "AOT": 1000.0, "WVP": 1000.0},
        "s2kit:offsets": dict.fromkeys(
            ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"], -1000.0
        ),
        "s2kit:offset_source": "metadata",
        "s2kit:nodata": 0,
        "s2kit:saturated": 65535,
        "file:size": nbytes,
        "s2kit:manifest": "present",
        "s2kit:listed_files": 12,
        "s2kit:missing": [],
        "s2kit:missing_size": 0,
        "s2kit:wrong_size": [],
        "geometry": record["geometry"],
    }
    assert record["geometry"]["type"] == "Polygon"
    assert shapely.geometry.shape(record["geometry"]).equals(shapely.box(1.8, 42.3, 3.1, 43.3))


def test_a_damaged_product_and_one_without_papers(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    gone, short = next(root.rglob("*B02_10m.jp2")), next(root.rglob("*SCL_20m.jp2"))
    gone.unlink()
    short.write_bytes(b"x")
    info = describe(open_product(root))
    assert info.missing_images == {10: ("B02",)}
    assert [entry.path for entry in info.wrong_size] == [short.relative_to(root).as_posix()]
    for name in ("manifest.safe", "MTD_MSIL2A.xml", gone.parents[2].relative_to(root) / "MTD_TL.xml"):
        (root / name).unlink()
    record = describe(open_product(root)).record()
    assert {
        record[key]
        for key in ("proj:epsg", "proj:bbox", "geometry", "eo:cloud_cover", "s2kit:listed_files", "s2:mgrs_tile")
    } == {None, "31TDH"}
    assert record["s2kit:manifest"] == "absent"
    assert record["s2kit:offset_source"] == "baseline"


def test_real_products(real_l2a: Path, shared_data: Path) -> None:
    record = describe(open_product(real_l2a)).record()
    assert len(record["s2kit:missing"]) == 19
    assert record["s2kit:missing_size"] == pytest.approx(694e6, rel=0.5)
    assert record["s2kit:images"]["60"][:3] == ["B01", "B02", "B03"]
    old = describe(open_product(next(shared_data.glob("safe_metadata/S2A_OPER*"))))
    assert len(old.tiles) == len(old.tile_times) == 6
    assert (old.epsg, old.bounds) == (32753, None)
    far = describe(open_product(next(shared_data.glob("safe_metadata/*T01KAB*"))))
    assert far.record()["geometry"]["type"] == "MultiPolygon"
    tif = describe(open_product(next(shared_data.glob("safe_metadata/*T33XWJ*")))).record()
    assert tif["s2kit:manifest"] == "doubtful"
